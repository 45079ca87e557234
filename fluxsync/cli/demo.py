"""`demo`: an account, a folder and two passes, in one command."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from fluxsync.cli import output
from fluxsync.cli.demo_place import account_in, edit_both, make_pair, place_for
from fluxsync.cli.demo_view import (
    Move,
    commands_for,
    show_edits,
    show_end,
    show_first_pass,
    show_pair,
    show_second_pass,
)
from fluxsync.cli.session import result_options, this

if TYPE_CHECKING:
    from fluxsync.engine.report import Report
    from fluxsync.sandbox.server import Sandbox
    from fluxsync.settings import Settings

__all__ = ["demo"]


@click.command(short_help="Show it all in a minute; nothing to configure.")
@result_options
@click.option(
    "--keep",
    metavar="DIR",
    type=click.Path(path_type=Path, file_okay=False),
    help="Make folder, account and configuration in DIR, and leave them there to be played with.",
)
def demo(keep: Path | None) -> int:
    """Show two-way sync in a minute: a sample folder, an account on this machine, two passes.

    Changes: nothing that is yours. Folder, account, configuration and journal are made in a temporary folder,
    or in the new folder DIR, and removed at the end unless you keep them. Nothing has to be configured.
    """
    from fluxsync.cli.exits import interruptible

    session = this()
    session.start_log("warning")
    with interruptible(), place_for(keep) as place, account_in(place, keep is not None) as server:
        settings = make_pair(place, server)
        return _perform(settings, server, place, keep)


def _perform(settings: Settings, server: Sandbox, place: Path, keep: Path | None) -> int:
    """Sync, edit a file on each side, sync again; as text step by step, or as one document at the end."""
    from fluxsync.engine.report import EXIT_CODES, Result

    root, as_text = settings.local.root, not this().json
    if as_text:
        show_pair(root, server)
    first, moves = _sync(settings)
    if as_text:
        show_first_pass(first, root.name, moves)
    if first.result is not Result.IN_STEP:
        return _give_up(first)
    edits = edit_both(root, server)
    second, moves = _sync(settings)
    if as_text:
        show_edits(edits)
        show_second_pass(second, moves)
    if second.result is not Result.IN_STEP:
        return _give_up(second)
    commands = commands_for(place, server)
    if as_text:
        show_end(commands, keep)
    else:
        output.document(
            {
                "result": str(second.result),
                "passes": [first.document(), second.document()],
                "versions": [move.document() for move in moves],
                "kept": str(place) if keep is not None else None,
                "commands": commands if keep is not None else [],
            }
        )
    return EXIT_CODES[second.result]


def _sync(settings: Settings) -> tuple[Report, list[Move]]:
    """Make a pass as `fluxsync --once` does; returns what moved, by path."""
    from fluxsync.app import opened
    from fluxsync.cli.progress import logged
    from fluxsync.core.model import Kind

    with opened(settings) as app:
        report = app.run(logged())
        last = app.journal.last_pass()
        rows = {item.path: item for item in app.journal.items() if item.kind is Kind.FILE}
        moves = []
        for event in app.journal.history(limit=1000):
            row = rows.get(event.path)
            moved = event.action in ("create", "version", "download") and event.outcome == "done"
            if moved and row is not None and last is not None and event.pass_number == last.number:
                up = event.action != "download"
                moves.append(Move(row.path, up, row.size, int(row.key), row.revision))
    return report, sorted(moves, key=lambda move: move.path.casefold())


def _give_up(report: Report) -> int:
    from fluxsync.engine.report import EXIT_CODES

    for path, reason in sorted(report.failures.items()):
        output.say(f"{path}: {reason}")
    if report.message:
        output.say(f"fluxsync: {report.message}")
    return EXIT_CODES[report.result]
