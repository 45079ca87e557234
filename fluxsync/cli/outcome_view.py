"""What came of a pass, as people read it: the sum on stdout, what is wrong on stderr."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from fluxsync.cli import output
from fluxsync.cli.held import APPROVE, show_held
from fluxsync.cli.words import count, put_aside, size

if TYPE_CHECKING:
    from fluxsync.engine.service import Outcome
    from fluxsync.told import Told

__all__ = ["name_trouble", "show_outcome", "told_by"]


def told_by(outcome: Outcome) -> Told:
    """Return what a task told besides its document."""
    from fluxsync.engine.wire import decoded
    from fluxsync.told import Told

    return decoded(Told, outcome.told)


def show_outcome(outcome: Outcome, *, json: bool) -> None:
    """Print what a pass, and what was done before it, came to."""
    told = told_by(outcome)
    if told.set_aside:
        output.say(f"fluxsync: {told.set_aside}; both sides were merged")
    if json:
        output.document(outcome.document)
    else:
        _show_before(outcome.document, told)
        _show_summary(outcome.document, told)
    name_trouble(told)


def _show_before(document: Mapping[str, Any], told: Told) -> None:
    for row in told.resolved:
        output.line((row.path, "bold"), f": {row.what}")
    for back in document.get("restored", ()):
        output.line((back["path"], "bold"), f"  {back['what'] or 'back in its place'}")
    if told.left:
        output.line((f"{told.left:,} older contents of files that are there stay in the trash", "dim"))


def _lines(done: Mapping[str, int], purged: int) -> list[tuple[str, int]]:
    """Return what was done in words, each with the number of files."""
    counted = [
        ("sent", done["uploaded"]),
        ("sent as new versions", done["versions"]),
        ("fetched", done["downloaded"]),
        ("moved here", done["moved_local"]),
        ("moved on the account", done["moved_remote"]),
        ("put into the trash here", done["trashed_local"]),
        ("put into the trash on the account", done["trashed_remote"]),
        ("deleted from the trash on the account for good", purged),
        ("kept as two files (conflict)", done["conflicts"]),
    ]
    return [(words, number) for words, number in counted if number]


def _show_summary(done: Mapping[str, Any], told: Told) -> None:
    for words, number in _lines(done, told.purged):
        output.line(f"{number:>7,} {words}")
    moved = [
        f"{size(number)} {words}"
        for number, words in ((done["bytes_up"], "up"), (done["bytes_down"], "down"))
        if number
    ]
    figures = ", ".join([*moved, count(done["requests"], "request"), f"{done['seconds']:.1f} s"])
    in_step = count(told.in_step, "file")
    if told.stopped:
        output.line(f"stopped: {figures}")
    elif done["result"] == "in-step":
        output.line(f"in step: {in_step}; {figures}")
    else:
        trouble = []
        if told.failures:
            trouble.append(f"{count(len(told.failures), 'file')} failed")
        if told.held:
            trouble.append(f"{len(told.held):,} held back")
        output.line(f"{' and '.join(trouble)}, the rest is in step: {in_step}; {figures}")


def name_trouble(told: Told) -> None:
    """Name on stderr what failed, what is held back, and why a pass stopped."""
    from fluxsync import logs

    log = logs.get("fluxsync.pass")
    for notice in told.notices:
        if notice.path:
            log.info("skipped", path=notice.path, reason=notice.reason)
        else:
            output.say(f"fluxsync: {notice.reason}")
    for row in told.failures:
        again = f"; {put_aside(row.tries, row.next_try)}" if row.next_try is not None else ""
        output.say(f"{row.path}: {row.reason}{again}" if row.path else f"fluxsync: {row.reason}")
    if told.held:
        rows = ((held.why, held.path, held.action) for held in told.held)
        show_held(rows, output.say, before="fluxsync: held back: ", bounded=sys.stderr.isatty())
        output.say(
            f"fluxsync: {count(len(told.held), 'change')} held back by [safety]: if that is what you want,"
            f" `{APPROVE}` lets exactly this through"
        )
    if told.message:
        output.say(f"fluxsync: {told.message}")
