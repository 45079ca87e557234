"""`pause` and `resume`: whether a service may transfer."""

from __future__ import annotations

import click

from fluxsync.cli import output
from fluxsync.cli.asking import ask_or_do
from fluxsync.cli.session import shared_options, this

__all__ = ["pause", "resume"]


@click.command(short_help="Have the service stop transfers until `resume`.")
@shared_options
def pause() -> None:
    """Have the running service stop transfers, also those in hand, until `fluxsync resume`.

    Changes: the journal, which remembers it: a service that starts later is paused, too. Only a service heeds
    it; `fluxsync --once` makes its pass.
    """
    _set(
        True,
        "paused: the service transfers nothing until `fluxsync resume`",
        "paused: no service runs; one that starts transfers nothing until `fluxsync resume`",
    )


@click.command(short_help="Have the service take transfers up again.")
@shared_options
def resume() -> None:
    """Have the running service take up transfers again after `fluxsync pause`.

    Changes: the journal, which remembers it for a service that starts later; then both sides, by the service.
    """
    _set(
        False,
        "resumed: the service takes up transfers again",
        "resumed: no service runs; one that starts transfers as usual",
    )


def _set(paused: bool, with_service: str, without: str) -> None:
    """Pause or resume, and say so. Raises `FluxsyncError`."""
    from fluxsync.engine.ask import pause_there
    from fluxsync.pausing import set_paused

    session = this()
    settings = session.settings()

    def ask() -> bool | None:
        return pause_there(settings.journal_path, paused) is not None or None

    def do() -> bool:
        set_paused(settings, paused)
        return False

    running = ask_or_do(ask, do)
    if session.json:
        output.document({"paused": paused, "running": running})
    else:
        output.line(with_service if running else without)
