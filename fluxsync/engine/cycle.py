"""One pass: scan, reconcile, guard, plan, execute, settle.

    recover    what an earlier pass may have left behind
    decide     SCAN both sides; NAME, OBSERVE, RECONCILE; GUARD the limits; PLAN ordered operations
    Executor   JOURNAL the intents, EXECUTE, JOURNAL the outcomes and advance the ancestor

A pass looks again, up to three times, where something was not as expected or a conflict made a new file.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from fluxsync.core.held import Held
from fluxsync.core.model import Action, Item, Problem, Side
from fluxsync.core.operations import ON_ACCOUNT, Operation, Plan
from fluxsync.core.put_aside import Shelf
from fluxsync.engine.budget import fit, paused
from fluxsync.engine.conflicts import note_conflicts
from fluxsync.engine.decide import Decided, Pair, Rules, decide, tracked
from fluxsync.engine.doubts import Line
from fluxsync.engine.execute import Executor
from fluxsync.engine.held_rows import approved_subjects, rows
from fluxsync.engine.late import remember_late
from fluxsync.engine.ledger import Failed, Ledger
from fluxsync.engine.meter import Meter
from fluxsync.engine.quiet import settled
from fluxsync.engine.recover import find_patiently, recover
from fluxsync.engine.report import Report, Result
from fluxsync.engine.steps import Mover
from fluxsync.engine.survey import Survey
from fluxsync.engine.trash import empty_here, note, note_trashed
from fluxsync.errors import Full, Halted, Unauthorized, Unavailable
from fluxsync.replica.base import RemoteReplica
from fluxsync.state.journal import Event, Journal

__all__ = ["Watcher", "run_pass"]

_ROUNDS = 3


@dataclass(slots=True)
class Watcher:
    """Who looks on: told what begins, what is done, and how many bytes have moved."""

    on_phase: Callable[[str], None] = lambda phase: None
    on_plan: Callable[[Plan], None] = lambda plan: None
    on_done: Callable[[Operation], None] = lambda operation: None
    meter: Meter = field(default_factory=Meter)
    clock: Callable[[], float] = time.time
    wait: Callable[[float], None] = time.sleep


def run_pass(
    pair: Pair,
    rules: Rules,
    watcher: Watcher,
    *,
    approved: bool = False,
    dry_run: bool = False,
    report: Report | None = None,
) -> Report:
    """Bring both sides in step once; with `dry_run` only say what that would take.

    What stops a whole pass is in the report; only `StateError` and faults of our own are raised. A `report`
    that is given holds what was done also when this raises.
    """
    report = report or Report()
    shelf = Shelf(pair.journal.put_aside(), rules.heed_from)
    started = watcher.clock()
    requests = pair.requests()
    number = 0
    cut_short = True
    try:
        if not dry_run:
            if pair.journal.unsettled():
                watcher.on_phase("looking for what an interrupted pass left")
            recover(pair.journal, pair.remote, watcher.wait, watcher.clock)
        items = pair.journal.items()
        if not dry_run:
            number = pair.journal.begin_pass(tracked(items))
        for attempt in range(_ROUNDS):
            if attempt:
                items = pair.journal.items()
            last = attempt == _ROUNDS - 1
            again = _round(
                pair,
                rules,
                watcher,
                report,
                shelf,
                items,
                number,
                approved=approved,
                dry_run=dry_run,
                last=last,
            )
            if not again:
                break
        if not dry_run:
            report.notices += empty_here(
                pair.local,
                pair.journal,
                rules.trash,
                now_s=watcher.clock(),
                pass_number=number,
                at_once=report.changed_here,
            )
            pair.journal.set_facts({"mapping": rules.mapping})
        shelf.drop_settled()
        cut_short = False
    except (Full, Halted, Unauthorized, Unavailable) as error:
        report.stopped, report.message = _stop(error), str(error)
        cut_short = False
    finally:
        report.requests = pair.requests() - requests
        if not dry_run:
            report.bytes_up, report.bytes_down = watcher.meter.bytes_up, watcher.meter.bytes_down
        report.seconds = watcher.clock() - started
        if number and not cut_short:
            _write_down(pair.journal, report, shelf, number)
    return report


def _stop(error: Exception) -> Result:
    match error:
        case Unauthorized():
            return Result.UNAUTHORIZED
        case Halted():
            return Result.GUARDED
        case Full():  # the journal's disk: nothing may be done that cannot be written down
            return Result.PARTIAL
    return Result.UNREACHABLE


def _round(
    pair: Pair,
    rules: Rules,
    watcher: Watcher,
    report: Report,
    shelf: Shelf,
    items: list[Item],
    number: int,
    *,
    approved: bool,
    dry_run: bool,
    last: bool,
) -> bool:
    """Do one round; returns whether another look is due: something was not as expected, or made new work."""
    journal = pair.journal
    watcher.on_phase("looking at both sides")

    def look() -> Decided:
        now_s = watcher.clock()
        return decide(pair, rules, items, meter=watcher.meter, now_s=now_s, approved=approved, shelf=shelf)

    settle_s = 0.0 if dry_run else rules.settle_s
    decided = settled(pair, items, look, settle_s, watcher.clock, watcher.wait)
    seen, guarded, plan = decided.seen, decided.guarded, decided.plan
    _note(report, seen, plan, guarded.held)
    beside = pair.set_beside()
    report.leave(decided.waiting)
    full = _fit(pair, plan, report)
    report.message = paused(full, pair.local, seen.remote)
    if dry_run:
        report.plan = list(plan)
        for operation in plan:
            report.count(operation)
            if operation.action in ON_ACCOUNT:
                report.bytes_up += operation.size
            else:
                report.bytes_down += operation.size
        return False
    note(journal, decided.noted)
    # What was approved stays so until a pass no longer finds it to do: killed, the next one goes on with it.
    journal.set_held(rows(guarded))
    journal.remember_digests(seen.computed)
    _adopt(journal, seen, plan, number, watcher.clock())
    if not len(plan):
        note_conflicts(journal, seen.local.files, items, [], watcher.clock())
        _name_deferred(report, plan, last=last)
        return bool(plan.deferred)
    watcher.on_plan(plan)
    ledger = Ledger(
        journal,
        plan,
        pass_number=number,
        approved=approved_subjects(guarded),
        clock=watcher.clock,
        on_done=watcher.on_done,
    )
    try:
        _executor(pair, rules, watcher, seen, plan, ledger).run(plan)
    finally:
        # Also of a pass that cannot go on: what was done is done.
        for operation in ledger.result.done:
            report.count(operation)
        note_trashed(journal, decided.noted, ledger.result.done)
        failed = [*ledger.result.problems, *(ledger.result.stale if last else ())]
        _name_failed(report, shelf, decided, failed, watcher.clock())
    report.message = paused(full | ledger.result.full, pair.local, seen.remote)
    note_conflicts(journal, seen.local.files, items, ledger.result.done, watcher.clock())
    if guarded.approved:
        finished = {operation.subject for operation in ledger.result.done}
        journal.set_held(rows(guarded, {n for n in finished if not ledger.has_failed(n)}))
    _name_deferred(report, plan, last=last)
    saved = pair.set_beside() - beside
    report.conflicts += saved
    return bool(saved or ledger.result.stale or plan.deferred or any(map(_leaves_work, ledger.result.done)))


def _name_failed(
    report: Report, shelf: Shelf, decided: Decided, failed: Sequence[Failed], now_s: float
) -> None:
    """Name what failed, and put aside what would fail again."""
    for each in failed:
        report.failures[each.path] = each.reason
        change = decided.change_of(each.operation)
        if not each.waits:
            report.leave([shelf.failed(each.operation, change, each.reason, now_s)])


def _name_deferred(report: Report, plan: Plan, *, last: bool) -> None:
    if last:
        report.failures.update(dict.fromkeys(plan.deferred, "its place is taken"))


def _leaves_work(operation: Operation) -> bool:
    """Tell whether a step made something to do for the next round: a conflict copy, a tag without folder."""
    if operation.action is Action.REMOVE_FOLDER:
        return operation.item is not None and operation.item.made_here
    return operation.action is Action.CONFLICT


def _executor(
    pair: Pair, rules: Rules, watcher: Watcher, seen: Survey, plan: Plan, ledger: Ledger
) -> Executor:
    wanted = {op.remote.digest for op in plan.transfers if op.remote is not None and op.remote.digest}
    mover = Mover(
        pair.local,
        pair.remote,
        watcher.meter,
        rules.local_delete,
        rules.remote_delete,
        {e.digest: e for e in seen.local.files.values() if e.digest in wanted} if wanted else {},
    )
    line = Line(
        lambda intents, touched: find_patiently(pair.remote, intents, watcher.wait, touched),
        lambda intents: remember_late(pair.journal, intents, watcher.clock()),
        pair.idle_s,
        watcher.wait,
    )
    return Executor(mover, ledger, line, connections=pair.connections, mark=seen.remote.mark)


def _note(report: Report, seen: Survey, plan: Plan, held: list[Held]) -> None:
    """Take over what a round saw; a later round sees it afresh."""
    report.failures.clear()
    report.put_aside.clear()
    report.notices.clear()
    report.held = held
    report.rounds += 1
    if report.rounds == 1:
        report.unchanged = seen.reconciliation.unchanged
    for snapshot in (seen.local, seen.remote):
        report.fail(snapshot.problems)
    report.failures.update({u.path: u.reason for u in seen.local.unknown if u.path not in report.failures})
    report.fail(plan.problems)


def _adopt(journal: Journal, seen: Survey, plan: Plan, number: int, now_s: float) -> None:
    """Write down what both sides agree on already."""
    journal.advance(plan.agreements, [item.id for item in plan.forget if item.id])
    journal.record(
        [
            Event(now_s, number, str(Action.ADOPT), item.path, item.key, "done", "equal on both sides")
            for item in seen.reconciliation.adopted
        ]
    )


def _fit(pair: Pair, plan: Plan, report: Report) -> set[Side]:
    """Leave out what has no room; returns the sides that lack it."""
    problems = fit(plan, free_here=pair.local.free_bytes(), free_there=_room(pair.remote, plan))
    for found in problems.values():
        report.fail(found)
    return set(problems)


def _room(remote: RemoteReplica, plan: Plan) -> int | None:
    """Ask for the account's room only where something is to be sent."""
    if any(op.action in (Action.CREATE, Action.VERSION) for op in plan.transfers):
        return remote.free_bytes()
    return None


def _write_down(journal: Journal, report: Report, shelf: Shelf, number: int) -> None:
    try:
        _write_all_down(journal, report, shelf, number)
    except Full as error:
        report.stopped, report.message = report.stopped or Result.PARTIAL, report.message or str(error)


def _write_all_down(journal: Journal, report: Report, shelf: Shelf, number: int) -> None:
    journal.set_put_aside(shelf.rows)
    problems = [*report.notices]
    problems += [Problem(path, reason) for path, reason in report.failures.items()]
    if report.rounds:  # a pass that saw nothing knows nothing better
        journal.set_problems(problems, number)
    counts = {k: v for k, v in report.document().items() if isinstance(v, int | float)}
    journal.end_pass(number, str(report.result), counts, report.message)
