"""What a round saw and did, as the report tells it and the journal keeps it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime

from fluxsync.core.held import Held
from fluxsync.core.model import Action, Problem
from fluxsync.core.operations import Plan
from fluxsync.core.put_aside import Shelf
from fluxsync.core.version_interval import PutOff
from fluxsync.engine.decide import Decided
from fluxsync.engine.ledger import Failed
from fluxsync.engine.report import Report, Result
from fluxsync.engine.survey import Survey
from fluxsync.errors import Full
from fluxsync.state.journal import Event, Journal

__all__ = [
    "name_deferred",
    "name_failed",
    "name_put_off",
    "note_adopted",
    "note_seen",
    "write_down",
]

#: No event says that a program has let go of a file, or that there is room again.
_WAITS_AGAIN_S = 30.0


def note_seen(report: Report, seen: Survey, plan: Plan, held: list[Held]) -> None:
    """Take over what a round saw; a later round sees it afresh."""
    report.failures.clear()
    report.put_aside.clear()
    report.again.clear()
    report.notices.clear()
    report.held = held
    report.rounds += 1
    if report.rounds == 1:
        report.unchanged = seen.reconciliation.unchanged
    for snapshot in (seen.local, seen.remote):
        report.fail(snapshot.problems)
    for unknown in seen.local.unknown:
        report.wait(unknown.path, unknown.reason, unknown.again_s)
    times = [
        unknown.again_s for unknown in seen.local.unknown if unknown.stamp and unknown.again_s is not None
    ]
    if times:  # what may be one of those is looked at with the first of them
        report.again = dict.fromkeys(seen.reconciliation.unread, min(times)) | report.again
    report.again |= {path: at_ns / 1e9 for path, at_ns in plan.young.items()}
    report.fail(plan.problems)


def note_adopted(journal: Journal, seen: Survey, plan: Plan, number: int, now_s: float) -> None:
    """Write down what both sides agree on already."""
    journal.advance(plan.agreements, [item.id for item in plan.forget if item.id])
    journal.record(
        [
            Event(now_s, number, str(Action.ADOPT), item.path, item.key, "done", "equal on both sides")
            for item in seen.reconciliation.adopted
        ]
    )


def name_failed(
    report: Report, shelf: Shelf, decided: Decided, failed: Sequence[Failed], now_s: float
) -> None:
    """Name what failed, and put aside what would fail again."""
    for each in failed:
        report.failures[each.path] = each.reason
        change = decided.change_of(each.operation)
        if each.waits:
            report.again[each.path] = now_s + _WAITS_AGAIN_S
        else:
            report.leave([shelf.failed(each.operation, change, each.reason, now_s)])


def name_put_off(report: Report, put_off: Iterable[PutOff]) -> None:
    """Name the saves that go up as one version later."""
    for each in put_off:
        sent, until = (datetime.fromtimestamp(s).strftime("%H:%M:%S") for s in (each.sent_s, each.until_s))
        reason = (
            f"sent at {sent}, and saved again; it is taken up when it is {until} ([sync] version_interval)"
        )
        report.wait(each.change.path, reason, each.until_s)


def name_deferred(report: Report, plan: Plan, *, last: bool) -> None:
    """Name what waits for a place until the last round."""
    if last:
        report.failures.update(dict.fromkeys(plan.deferred, "its place is taken"))


def write_down(
    journal: Journal, report: Report, shelf: Shelf, number: int, covers: Callable[[str], bool]
) -> None:
    """Write down how a pass ended, as far as the journal's disk has room; `covers`: what it looked at."""
    try:
        _write_all_down(journal, report, shelf, number, covers)
    except Full as error:
        report.stopped, report.message = report.stopped or Result.PARTIAL, report.message or str(error)


def _write_all_down(
    journal: Journal, report: Report, shelf: Shelf, number: int, covers: Callable[[str], bool]
) -> None:
    journal.set_put_aside(shelf.rows)
    known = [row.problem for row in journal.problem_rows()]
    elsewhere = [each for each in known if not covers(each.path) and each.path not in report.failures]
    problems = [*elsewhere, *report.notices]
    problems += [Problem(path, reason) for path, reason in report.failures.items()]
    if report.rounds:  # a pass that saw nothing knows nothing better
        journal.set_problems(problems, number)
    counts = {k: v for k, v in report.document().items() if isinstance(v, int | float)}
    result, message = report.result, report.message
    if report.interrupted:
        result, message = Result.PARTIAL, "interrupted; the next one continues"
    if result is Result.IN_STEP and not all(problem.harmless for problem in elsewhere):
        result = Result.PARTIAL
    journal.end_pass(number, str(result), counts, message)
