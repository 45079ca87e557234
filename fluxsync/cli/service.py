"""`service`: fluxsync as a systemd unit or a launchd agent of the current user."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from fluxsync.cli import output
from fluxsync.cli.session import shared_options, this

if TYPE_CHECKING:
    from fluxsync.service_unit.supervisor import Supervisor

__all__ = ["service"]

_name = click.option(
    "--name",
    metavar="NAME",
    help="The service's name, where the configuration's is not wanted: fluxsync@NAME.",
)


@click.group(invoke_without_command=True, short_help="Run fluxsync in the background, from login on.")
@shared_options
@click.pass_context
def service(context: click.Context) -> None:
    """Install, remove or show the background service: a systemd unit, or a launchd agent, of your own.

    Each configuration has one: fluxsync for the default one, fluxsync@NAME for NAME.toml beside it.
    Changes: see `install` and `uninstall`; no synced file is touched.
    """
    if context.invoked_subcommand is None:
        raise click.UsageError("say what to do: install, uninstall or status", context)


@service.command(short_help="Write the service's file, and start it now and at each login.")
@shared_options
@_name
def install(name: str | None) -> None:
    """Install the service of this configuration, start it, and have it start at each login.

    Changes: writes one file, below ~/.config/systemd/user or in ~/Library/LaunchAgents, enables and starts
    it; says so, a line for each step. Done again, it brings the file up to date. A file that fluxsync did not
    write is never overwritten. The configuration is checked first; it has to say where the password is, since
    a service sees no variables of your shell.
    """
    from fluxsync.service_unit.install import install as install_service
    from fluxsync.service_unit.install import named
    from fluxsync.service_unit.reach import checked, kept, unseen
    from fluxsync.service_unit.wanted import Wanted, program, whole

    session = this()
    settings = checked(session.config, os.environ)
    assert settings.file is not None
    on = _supervisor()
    wanted = Wanted(
        named(on, settings.file, name), whole(settings.file), program(), kept(settings, os.environ)
    )
    steps = []
    for step in install_service(on, wanted):
        steps.append(step)
        _tell(step)
    hints = [*on.hints, f"its log: {on.log(wanted.name)}"]
    if ignored := unseen(os.environ):
        hints.append(f"it does not see {', '.join(ignored)} of this shell")
    for hint in hints:
        _tell(hint, "dim")
    if session.json:
        document = _place(on, wanted.name, wanted.config)
        output.document(document | {"steps": steps, "hints": hints})


@service.command(short_help="Stop the service and remove its file.")
@shared_options
@_name
def uninstall(name: str | None) -> None:
    """Stop the service of this configuration and remove the file that `install` wrote.

    Changes: only that file, and whether it starts. Configuration, journal and synced files stay as they are.
    """
    from fluxsync.service_unit.install import named
    from fluxsync.service_unit.install import uninstall as uninstall_service

    session = this()
    on = _supervisor()
    meant = named(on, session.config, name)
    steps = []
    for step in uninstall_service(on, meant):
        steps.append(step)
        _tell(step)
    if not steps:
        _tell(f"{on.unit(meant)} is not installed")
    if session.json:
        output.document({"unit": on.unit(meant), "file": str(on.file(meant)), "steps": steps})


@service.command(short_help="Show whether the service is installed, enabled and running.")
@shared_options
@_name
def status(name: str | None) -> None:
    """Show whether the service of this configuration is installed, starts at login, and runs now.

    Changes nothing. What is in step and what waits is in `fluxsync status`.
    """
    from fluxsync.service_unit.install import look, named

    session = this()
    on = _supervisor()
    meant = named(on, session.config, name)
    found = look(on, meant)
    if session.json:
        output.document(
            _place(on, meant, found.config)
            | {
                "installed": found.config is not None,
                "enabled": found.state.enabled,
                "running": found.state.running,
            }
        )
        return
    words = (
        ("installed" if found.config is not None else "not installed by fluxsync"),
        ("enabled" if found.state.enabled else "not enabled"),
        ("running" if found.state.running else "not running"),
    )
    output.line((found.unit, "bold"), f"  {', '.join(words)}")
    if found.config is not None:
        output.line((f"  {found.file}, for {found.config}", "dim"))
        output.line((f"  its log: {on.log(meant)}", "dim"))


def _supervisor() -> Supervisor:
    from fluxsync.service_unit.supervisor import supervisor

    return supervisor(sys.platform)


def _place(on: Supervisor, name: str, config: Path | None) -> dict[str, object]:
    return {
        "unit": on.unit(name),
        "file": str(on.file(name)),
        "config": str(config) if config is not None else None,
    }


def _tell(text: str, style: str = "") -> None:
    """Print a line of what was done; with --json it is in the document."""
    if not this().json:
        output.line((text, style))
