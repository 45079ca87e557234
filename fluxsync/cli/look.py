"""`status` and `history`: what the journal says."""

from __future__ import annotations

import os
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import click

from fluxsync.cli import output
from fluxsync.cli.held import show_held
from fluxsync.cli.session import shared_options, this
from fluxsync.cli.where import asset_id, number, path_in
from fluxsync.cli.words import ago, column, count, day_and_time, iso, put_aside, size
from fluxsync.engine.documents import status_document

if TYPE_CHECKING:
    from fluxsync.engine.status import Moving, Status, Trouble
    from fluxsync.settings import Settings
    from fluxsync.state.journal import Event

__all__ = ["history", "status"]


# -- status ------------------------------------------------------------------------------------------------


@click.command(short_help="Show what is in step, waiting, failing, held back.")
@shared_options
def status() -> None:
    """Show what is in step, waiting, failing, in conflict and held back.

    Changes nothing, and does not ask the account. A running service says what it does at this moment; without
    one it is what the journal says since the last pass.
    """
    from fluxsync.engine.ask import status_there

    session = this()
    settings = session.settings(log=False)
    picture = status_there(settings.journal_path) or _known(settings)
    if session.json:
        output.document(status_document(picture, picture.message))
    else:
        _show_status(picture, settings.local.root, settings.remote.url, picture.message)


def _known(settings: Settings) -> Status:
    """Return what the journal says, where no service answers."""
    from fluxsync.app import peeked, wrong_place
    from fluxsync.engine.status import State, read

    with peeked(settings) as journal:
        last = journal.last_pass()
        working = last is not None and last.ended is None and _is_locked(settings.local.root)
        picture = read(journal, time.time(), working=working, stopped=_is_installed(settings))
        wrong = wrong_place(settings, journal) if last is not None else ""
    return replace(picture, state=State.HELD, message=wrong) if wrong else picture


def _is_installed(settings: Settings) -> bool:
    """Tell whether a service was installed for this configuration."""
    from fluxsync.service_unit import installed

    return settings.file is not None and installed(settings.file)


def _is_locked(root: Path) -> bool:
    """Tell whether somebody works on a root whose last pass has not ended."""
    try:
        import fcntl
    except ImportError:
        return False
    try:
        # Whatever else has that name must not hold us up.
        flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
        file = os.open(root / ".fluxsync" / "lock", flags)
    except OSError:
        return False
    try:
        fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except OSError:
        return True
    finally:
        os.close(file)
    return False


def _next_try(row: Trouble) -> str:
    return f"; {put_aside(row.tries, row.next_try)}" if row.next_try is not None else ""


_STATES = {
    "in-step": ("in step", "green"),
    "working": ("working", "cyan"),
    "waiting": ("waiting", "yellow"),
    "paused": ("paused", "yellow"),
    "offline": ("offline", "red"),
    "held": ("held back", "red"),
    "stopped": ("stopped", "red"),
}


def _show_status(picture: Status, root: Path, url: str, wrong: str) -> None:
    word, colour = _STATES[picture.state]
    output.line((word, colour), ("   ", ""), (str(root), "bold"), ("  <->  ", "dim"), (url, "bold"))
    output.line()
    if wrong:
        output.line("  ", (wrong, "red"))
        output.line()
    last = picture.last_pass
    if last is None:
        output.line("  no pass has been made yet: run `fluxsync --once`")
        return
    since = picture.in_step_since
    for label, text in (
        ("last pass", _ended(picture)),
        ("in step", "never yet" if since is None else f"{day_and_time(since)}, {ago(since, picture.now)}"),
        ("both sides", _counted(picture)),
        ("kept here", count(picture.counts.kept_here, "file") if picture.counts.kept_here else ""),
        ("kept there", count(picture.counts.kept_there, "asset") if picture.counts.kept_there else ""),
    ):
        if text:
            output.line(f"  {label:<12}", text)
    _list("moving", "cyan", [(row.path, _moved(row)) for row in picture.moving])
    _list("waiting", "yellow", [(row.path, row.reason) for row in picture.waiting])
    _list("failing", "red", [(row.path, row.reason + _next_try(row)) for row in picture.failing])
    if picture.held:
        output.line()
        output.line("  ", ("held back", "red"), f" ({len(picture.held):,})")
        rows = ((row.why, row.path, row.action) for row in picture.held)
        show_held(rows, lambda text: output.line("    ", text), bounded=True)
        output.line("    let exactly that through with `fluxsync approve`")
    _list("in conflict", "yellow", [(row.path, f"kept as {row.copy_path}") for row in picture.conflicts])
    if picture.conflicts:
        output.line("    settle with `fluxsync conflicts resolve`")
    _list("skipped", "dim", [(row.path, row.reason) for row in picture.skipped])


def _moved(row: Moving) -> str:
    """Return how far a transfer is: "create, 1.2 MB of 3.4 MB"."""
    return f"{row.action}, {size(row.moved)} of {size(row.size)}"


def _ended(picture: Status) -> str:
    last = picture.last_pass
    assert last is not None
    if last.ended is None:
        what = "is running" if picture.state == "working" else "was cut short; the next one continues"
        return f"number {last.number} {what}"
    why = f": {last.message}" if last.message else ""
    return f"number {last.number}, {ago(last.ended, picture.now)}: {last.result}{why}"


def _counted(picture: Status) -> str:
    counts = picture.counts
    return f"{count(counts.files, 'file')} in {count(counts.folders, 'folder')}, {size(counts.bytes)}"


def _list(title: str, style: str, rows: Sequence[tuple[str, str]]) -> None:
    if not rows:
        return
    output.line()
    output.line("  ", (title, style), f" ({len(rows):,})")
    width = min(50, max(len(path) for path, _ in rows))
    for path, reason in rows:
        output.line(f"    {path:<{width}}  ", (reason, "dim"))


# -- history -----------------------------------------------------------------------------------------------


@click.command(short_help="Show what was done, newest first.")
@shared_options
@click.argument("path", required=False)
@click.option(
    "--limit", metavar="N", type=click.IntRange(1), default=100, show_default=True, help="At most so many."
)
def history(path: str | None, limit: int) -> None:
    """Show what was done, newest first, with the number of the pass that did it.

    PATH, absolute or relative, stands for itself and everything below it. Changes nothing.
    """
    from fluxsync.app import peeked

    session = this()
    settings = session.settings(log=False)
    with peeked(settings) as journal:
        below = path_in(settings.local.root, path, journal) if path is not None else ""
        events = journal.history(below or None, limit)
    if session.json:
        output.document({"events": [_event(event) for event in events]})
    elif not events:
        output.line("nothing was done yet" if not below else f"nothing was done at {below}")
    else:
        _show_history(events)


def _event(event: Event) -> dict[str, object]:
    return {
        "time": iso(event.time),
        "pass": event.pass_number,
        "action": event.action,
        "path": event.path,
        "asset_id": asset_id(event.asset_id),
        "outcome": event.outcome,
        "detail": event.detail,
        "bytes": event.bytes,
    }


def _show_history(events: Sequence[Event]) -> None:
    shown = None
    width = min(60, max(len(event.path) for event in events))
    for event in events:
        if event.pass_number != shown:
            if shown is not None:
                output.line()
            shown = event.pass_number
            output.line(
                (f"pass {shown}" if shown else "by a command", "bold"),
                (f"   {day_and_time(event.time)}", "dim"),
            )
        done = event.outcome == "done"
        detail = event.detail if done else f"{event.outcome}: {event.detail}"
        output.line(
            ("  " if done else "! ", "red"),
            f"{event.action:<13} ",
            f"{event.path:<{width}}  ",
            (f"{column(event.bytes) if event.bytes else '':11}  {number(event.asset_id):>8}  ", "dim"),
            (detail, "dim" if done else "red"),
        )
