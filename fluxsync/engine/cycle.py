"""One pass: scan, reconcile, guard, plan, execute, settle.

    recover    what an earlier pass may have left behind
    decide     SCAN both sides; NAME, OBSERVE, RECONCILE; GUARD the limits; PLAN ordered operations
    Executor   JOURNAL the intents, EXECUTE, JOURNAL the outcomes and advance the ancestor

A pass looks again, up to three times, where something was not as expected or a conflict made a new file. It
looks at everything, or at a few dirty paths and what they may have to do with; where such a part cannot be
judged alone, at everything after all.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from fluxsync.core.model import Action, Snapshot
from fluxsync.core.operations import ON_ACCOUNT, Operation, Plan
from fluxsync.core.owed import Owed, owed
from fluxsync.core.put_aside import Shelf
from fluxsync.core.removal import deleted_here
from fluxsync.core.under_way import leave_large
from fluxsync.engine.brought import FACT
from fluxsync.engine.budget import leave_out, paused
from fluxsync.engine.conflicts import note_conflicts
from fluxsync.engine.decide import Decided, Rules, decide
from fluxsync.engine.dirty import Dirt, Part
from fluxsync.engine.doubts import Line
from fluxsync.engine.execute import Executor
from fluxsync.engine.held_rows import approved_subjects, rows
from fluxsync.engine.late import remember_late
from fluxsync.engine.ledger import Executed, Failed, Ledger
from fluxsync.engine.pair import Pair
from fluxsync.engine.quiet import settled
from fluxsync.engine.record import (
    name_deferred,
    name_failed,
    name_put_off,
    note_adopted,
    note_seen,
    write_down,
)
from fluxsync.engine.recover import find_patiently, recover
from fluxsync.engine.report import Report, Result
from fluxsync.engine.steps import Mover
from fluxsync.engine.survey import Survey
from fluxsync.engine.trash import empty_here, note, note_trashed
from fluxsync.engine.view import Everything, TooNarrow, View
from fluxsync.engine.watcher import Watcher
from fluxsync.errors import Full, Halted, Interrupted, ReplicaError, Unauthorized, Unavailable

__all__ = ["run_pass"]

_ROUNDS = 3
#: What is large goes after what is under way, not beside it.
_LARGE_WAITS = "other large files are on their way; taken up when it is its turn"
_LARGE_WAITS_S = 5.0


def run_pass(
    pair: Pair,
    rules: Rules,
    watcher: Watcher,
    *,
    dirt: Dirt | None = None,
    approved: bool = False,
    dry_run: bool = False,
    report: Report | None = None,
) -> Report:
    """Bring both sides in step once, as far as `dirt` goes; with `dry_run` only say what that would take.

    What stops a whole pass is in the report; only `StateError` and faults of our own are raised. A `report`
    that is given holds what was done also when this raises.
    """
    report = report or Report()
    shelf = Shelf(pair.journal.put_aside(), rules.heed_from)
    view: View = Everything(pair)
    if dirt is not None:
        view = Part(pair, dirt)
    this = _Pass(pair, rules, watcher, report, shelf, approved, dry_run, view)
    started = watcher.clock()
    requests = pair.requests()
    cut_short = True
    try:
        this.run()
        cut_short = False
    except (Halted, ReplicaError) as error:
        report.stopped, report.message = _stop(error), str(error)
        report.interrupted = isinstance(error, Interrupted)
        report.retry_after_s = error.retry_after_s if isinstance(error, Unavailable) else None
        cut_short = False
    finally:
        report.requests = pair.requests() - requests
        if not dry_run:
            report.bytes_up, report.bytes_down = watcher.meter.bytes_up, watcher.meter.bytes_down
        report.seconds = watcher.clock() - started
        if this.number and not cut_short:
            write_down(pair.journal, report, shelf, this.number, this.view.covers)
        report.whole, report.listed = this.view.whole, this.view.listed
        report.gone = this.view.again
        report.again |= dict.fromkeys(report.gone, watcher.clock() + rules.settle_s)
    return report


def _stop(error: Exception) -> Result:
    match error:
        case Unauthorized():
            return Result.UNAUTHORIZED
        case Halted():
            return Result.GUARDED
        case Full():  # the journal's disk: nothing may be done that cannot be written down
            return Result.PARTIAL
    return Result.UNREACHABLE  # or it refuses what every pass has to ask


@dataclass(slots=True)
class _Pass:
    """One pass in hand."""

    pair: Pair
    rules: Rules
    watcher: Watcher
    report: Report
    shelf: Shelf
    approved: bool
    dry_run: bool
    view: View
    number: int = 0
    #: What the account showed when it was last looked at.
    shown: Snapshot | None = None
    #: What seemed to be deleted here in the round before.
    gone: frozenset[str] | None = None

    def run(self) -> None:
        journal, watcher = self.pair.journal, self.watcher
        beside = self.view.under_way is not None
        # Beside another pass, what was sent and is not settled is no doubt: that pass waits for its answer.
        if not self.dry_run and not beside:
            if journal.unsettled():
                watcher.on_phase("looking for what an interrupted pass left")
            recover(journal, self.pair.local, self.pair.remote, watcher.wait, watcher.clock)
        try:
            self._rounds()
        except TooNarrow as why:
            if beside:
                self.report.stopped, self.report.message = Result.PARTIAL, str(why)
                return
            watcher.on_phase(f"looking at everything: {why}")
            self.view = Everything(self.pair)
            self._rounds()
        if not self.dry_run and self.number:
            self._empty_trash()
            if self.view.whole:
                journal.set_facts({"mapping": self.rules.mapping, FACT: None})
        if not self.dry_run:
            self._owe()
        self.shelf.drop_settled(self.view.covers)

    def _owe(self) -> None:
        """Keep in mind what was seen on the account and not brought here, for passes over parts."""
        report = self.report
        if not self.view.whole:
            report.owed = self.view.owed
        elif self.shown is not None and (report.failures or report.held or not self._goes_both_ways()):
            report.owed = self._owed_now()

    def _owed_now(self) -> Owed:
        if not self.view.whole or self.shown is None:
            return self.view.owed
        return owed(self.shown, self.pair.journal.items(), self.rules.policy.rules)

    def _goes_both_ways(self) -> bool:
        return self.rules.plan.up and self.rules.plan.down

    def _rounds(self) -> None:
        if self.view.whole:
            self._begin()
        rounds_left = _ROUNDS - 1
        while self._round(last=not rounds_left) and rounds_left:
            rounds_left -= 1

    def _begin(self) -> None:
        """Number the pass, once: one that finds nothing to look at leaves no trace."""
        if not self.dry_run and not self.number:
            self.number = self.pair.journal.begin_pass(self.view.tracked())

    def _round(self, *, last: bool) -> bool:
        """Do one round; returns whether another look is due.

        It is where something was not as expected, or made new work.
        """
        report, journal, now_s = self.report, self.pair.journal, self.watcher.clock
        decided = self._look()
        if self._may_end_problems():
            self._begin()
            report.rounds += decided is None
        if decided is None:
            return False
        seen, guarded, plan = decided.seen, decided.guarded, decided.plan
        self.shown = seen.remote
        note_seen(report, seen, plan, guarded.held)
        name_put_off(report, decided.put_off)
        if len(plan) or plan.agreements or plan.forget or report.failures:
            self._begin()
        beside = self.pair.set_beside()
        report.leave(decided.waiting)
        if self.view.under_way is not None:
            for path in leave_large(plan):
                report.wait(path, _LARGE_WAITS, now_s() + _LARGE_WAITS_S)
        full = leave_out(self.pair, plan, report)
        report.message = paused(full, self.pair.local, seen.remote)
        if self.dry_run:
            _foretell(report, plan)
            return False
        if self.view.whole:
            note(journal, decided.noted)
            # What was approved stays so until a pass no longer finds it to do: killed, the next one goes on.
            journal.set_held([*rows(guarded), *decided.doubtful])
        journal.remember_digests(seen.computed)
        note_adopted(journal, seen, plan, self.number, now_s())
        done: list[Operation] = []
        stale = False
        if len(plan):
            result = self._execute(decided, last=last)
            retried = self._retried(result.stale, last=last)
            done, stale = result.done, bool(retried)
            self.view.look_again(failed.operation.item for failed in retried if failed.operation.item)
            report.message = paused(full | result.full, self.pair.local, seen.remote)
        note_conflicts(journal, seen.present or seen.local.files, self.view, done, now_s())
        name_deferred(report, plan, last=last)
        saved = self.pair.set_beside() - beside
        report.conflicts += saved
        return bool(saved or stale or plan.deferred or any(map(_leaves_work, done)))

    def _may_end_problems(self) -> bool:
        """Tell whether the journal names problems of which this look knows better."""
        return any(self.view.covers(row.problem.path) for row in self.pair.journal.problem_rows())

    def _look(self) -> Decided | None:
        watcher = self.watcher
        watcher.on_phase("looking at both sides")

        def look() -> Decided | None:
            return decide(
                self.pair,
                self.rules,
                self.view,
                meter=watcher.meter,
                now_s=watcher.clock(),
                approved=self.approved,
                shelf=self.shelf,
            )

        # A part waits for deletions by itself, and holds up nothing else meanwhile.
        settle_s = 0.0 if self.dry_run or not self.view.whole else self.rules.settle_s
        decided = settled(
            self.pair,
            self.view,
            look,
            settle_s,
            watcher.clock,
            watcher.wait,
            unattended=self.rules.unattended,
            known=self.gone,
        )
        if decided is not None:
            self.gone = deleted_here(decided.seen.reconciliation.changes)
        return decided

    def _execute(self, decided: Decided, *, last: bool) -> Executed:
        pair, watcher, plan, guarded = self.pair, self.watcher, decided.plan, decided.guarded
        watcher.on_plan(plan)
        ledger = Ledger(
            pair.journal,
            plan,
            pass_number=self.number,
            approved=approved_subjects(guarded),
            clock=watcher.clock,
            on_done=watcher.on_done,
        )
        result = ledger.result
        try:
            _executor(pair, self.rules, watcher, decided.seen, plan, ledger, self._owed_now).run(plan)
        finally:
            # Also of a pass that cannot go on: what was done is done.
            for operation in result.done:
                self.report.count(operation)
            note_trashed(pair.journal, decided.noted, result.done)
            retried = {id(each) for each in self._retried(result.stale, last=last)}
            failed = [*result.problems, *(each for each in result.stale if id(each) not in retried)]
            name_failed(self.report, self.shelf, decided, failed, watcher.clock())
        if guarded.approved and self.view.whole:
            finished = {operation.subject for operation in result.done}
            finished = {subject for subject in finished if not ledger.has_failed(subject)}
            pair.journal.set_held([*rows(guarded, finished), *decided.doubtful])
        return result

    def _retried(self, stale: list[Failed], *, last: bool) -> list[Failed]:
        """Return what another round tries again: not what a program has open, if nobody waits for us."""
        return [] if last else [each for each in stale if not (each.waits and self.rules.unattended)]

    def _empty_trash(self) -> None:
        self.report.notices += empty_here(
            self.pair.local,
            self.pair.journal,
            self.rules.trash,
            now_s=self.watcher.clock(),
            pass_number=self.number,
            at_once=self.report.changed_here,
        )


def _foretell(report: Report, plan: Plan) -> None:
    """Say what the plan would do."""
    report.plan = list(plan)
    for operation in plan:
        report.count(operation)
        if operation.action in ON_ACCOUNT:
            report.bytes_up += operation.size
        else:
            report.bytes_down += operation.size


def _leaves_work(operation: Operation) -> bool:
    """Tell whether a step made something to do for the next round: a conflict copy, a tag without folder."""
    if operation.action is Action.REMOVE_FOLDER:
        return operation.item is not None and operation.item.made_here
    return operation.action is Action.CONFLICT


def _executor(
    pair: Pair,
    rules: Rules,
    watcher: Watcher,
    seen: Survey,
    plan: Plan,
    ledger: Ledger,
    owed_now: Callable[[], Owed],
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
    told = watcher.beside
    beside = (lambda under_way: told(under_way, owed_now)) if told is not None else None
    return Executor(mover, ledger, line, connections=pair.connections, mark=seen.remote.mark, beside=beside)
