"""`status`: what the journal says, or the service that runs."""

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
from fluxsync.cli.words import ago, count, day_and_time, put_aside, size
from fluxsync.engine.documents import status_document

if TYPE_CHECKING:
    from fluxsync.engine.meter import Moving
    from fluxsync.engine.status import Status, Trouble
    from fluxsync.settings import Settings

__all__ = ["status"]


@click.command(short_help="Show what is in step, waiting, failing, held back.")
@shared_options
def status() -> None:
    """Show what is in step, waiting, failing, in conflict and held back.

    Changes nothing, and does not ask the account. A running service says what it does at this moment; without
    one it is what the journal says since the last pass.
    """
    from fluxsync.engine.ask import is_running, status_there

    session = this()
    settings = session.settings(log=False)
    live = status_there(settings.journal_path)
    picture = live or _known(settings)
    if session.json:
        output.document(status_document(picture, picture.message))
    else:
        runs = live is not None or is_running(settings.journal_path)
        service = _NO_SERVICE if not runs else "runs" if live is not None else "runs, and does not answer"
        _show_status(picture, settings.local.root, settings.remote.url, service)


def _known(settings: Settings) -> Status:
    """Return what the journal says, where no service answers."""
    from fluxsync.app import peeked, wrong_place
    from fluxsync.engine.status import State, read
    from fluxsync.root_checks import check_place

    with peeked(settings) as journal:
        last = journal.last_pass()
        working = last is not None and last.ended is None and _is_locked(settings.local.root)
        picture = read(journal, time.time(), working=working, stopped=_is_installed(settings))
        if last is None:
            check_place(settings.local.root, known=False)
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


_NO_SERVICE = "does not run"
_STATES = {
    "in-step": ("in step", "green"),
    "working": ("working", "cyan"),
    "waiting": ("waiting", "yellow"),
    "paused": ("paused", "yellow"),
    "offline": ("offline", "red"),
    "held": ("held back", "red"),
    "stopped": ("stopped", "red"),
}


_RESULTS = {
    "in-step": "in step",
    "partial": "not everything was done",
    "unreachable": "the account could not be reached",
    "unauthorized": "the account refused the credentials",
    "guarded": "held back",
}


def _show_status(picture: Status, root: Path, url: str, service: str) -> None:
    word, colour = _STATES[picture.state]
    output.line((word, colour), ("   ", ""), (str(root), "bold"), ("  <->  ", "dim"), (url, "bold"))
    output.line()
    if picture.message:
        output.line("  ", (picture.message, "red"))
        output.line()
    if picture.last_pass is None and service == _NO_SERVICE:
        output.line("  no pass has been made yet: run `fluxsync --once`")
        return
    since = picture.in_step_since
    for label, text in (
        ("service", service),
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
        show_held(rows, lambda text: output.line("    ", text), before="", bounded=True)
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
    if last is None:
        return "none yet"
    if last.ended is None:
        what = "is running" if picture.state == "working" else "was cut short; the next one continues"
        return f"number {last.number} {what}"
    why = f": {last.message}" if last.message and last.message != picture.message else ""
    what = _RESULTS.get(last.result, last.result)
    return f"number {last.number}, {ago(last.ended, picture.now)}: {what}{why}"


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
