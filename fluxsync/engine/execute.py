"""Carries a plan out: phases, batches, a pool of movers.

One thread decides and writes the journal; movers take a subject's operations and return what came of them.
"""

from __future__ import annotations

import queue
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from fluxsync.core.model import Action, Entry, Intent, Side
from fluxsync.core.operations import ON_ACCOUNT, Operation, Plan
from fluxsync.engine.ledger import Executed, Ledger, Task
from fluxsync.engine.steps import Mover, Standing, Step
from fluxsync.errors import Busy, Corrupted, Full, Halted, ReplicaError, Stale, Unauthorized, Unavailable

__all__ = ["Executor", "Line"]

#: Tasks that are marked sent together, at most.
_BATCH = 64
#: Times that a subject is given to a mover in one pass.
_TRIES = 3
_TICK_S = 0.5
#: How long a request without an answer may still be at work: the last look of rule 7.
_STILL_AT_IT_S = 10.0


@dataclass(frozen=True, slots=True)
class Line:
    """How the executor deals with an account that does not answer."""

    #: Finds what unanswered creates left, waiting as long as one may still be under way.
    resolve: Callable[[Sequence[Intent]], Mapping[Intent, Entry]]
    #: Told of creates that are sent again though the first request may still be at work.
    late: Callable[[Sequence[Intent]], None]
    #: Seconds in which no answer came and no byte moved.
    idle_s: Callable[[], float]
    wait: Callable[[float], None] = time.sleep
    patience_s: float = 60.0


@dataclass(frozen=True, slots=True)
class _Outcome:
    """What a mover returns: the steps that were done, and the error that ended them, if one did."""

    task: Task
    steps: tuple[Step, ...]
    error: BaseException | None = None


class Executor:
    """Carries out one plan. `mark` is what intents need to know of the scan before it."""

    def __init__(self, mover: Mover, ledger: Ledger, line: Line, *, connections: int, mark: str) -> None:
        self._mover = mover
        self._ledger = ledger
        self._line = line
        self._connections = connections
        self._mark = mark
        self._full: dict[Side, str] = {}
        self._doubts: list[tuple[Task, Intent]] = []
        self._waited = False

    def run(self, plan: Plan) -> Executed:
        """Carry out a plan, phase by phase.

        Raises `Unavailable`, `Unauthorized`, `Halted` and `StateError` when it cannot go on; what was done
        until then is settled.
        """
        try:
            self._together([self._ledger.task([op]) for op in plan.tags])
            self._in_order(plan.local)
            subjects: dict[int, list[Operation]] = {}
            for operation in plan.transfers:
                subjects.setdefault(operation.subject, []).append(operation)
            self._together([self._ledger.task(operations) for operations in subjects.values()])
            self._in_order(plan.cleanup)
        finally:
            self._ledger.settle()
        return self._ledger.result

    def _in_order(self, operations: Sequence[Operation]) -> None:
        """Do operations one after the other, because their order is the point.

        What was done on a path is settled before another item takes that path: killed in between, the
        ancestor would take one for the other.
        """
        left: set[str] = set()
        for start in range(0, len(operations), _BATCH):
            tasks = [self._ledger.task([op]) for op in operations[start : start + _BATCH]]
            self._mark_sent(tasks)
            for number, task in enumerate(tasks):
                operation = task.operations[0]
                if (operation.target or operation.path) in left:
                    self._ledger.settle()
                    left.clear()
                fatal = self._alone(task)
                if fatal is not None:
                    for waiting in tasks[number + 1 :]:
                        self._ledger.drop(waiting)
                    raise fatal
                left.add(operation.path)
        self._ledger.settle()

    def _alone(self, task: Task) -> BaseException | None:
        again: deque[Task] = deque([task])
        while again:
            task = again.popleft()
            if self._ledger.has_failed(task.subject):
                self._ledger.drop(task)
                continue
            outcome = _work(self._mover, task, self._ledger.standing(task.operations[0]))
            fatal = self._take(outcome, again)
            if fatal is not None:
                return fatal
        return None

    def _together(self, tasks: Sequence[Task]) -> None:
        """Do tasks with all movers, in any order."""
        waiting = deque(task for task in tasks if not self._skipped(task))
        fatal: BaseException | None = None
        while waiting and fatal is None:
            fatal = self._drain(waiting) or self._settle_doubts(waiting)
        for task in waiting:
            if task.tries > 1:  # it was handed out before, and surely left nothing
                self._ledger.drop(task)
        self._ledger.settle()
        if fatal is not None:
            raise fatal

    def _skipped(self, task: Task) -> bool:
        if not self._ledger.has_failed(task.subject):
            return False
        self._ledger.drop(task)
        return True

    def _drain(self, waiting: deque[Task]) -> BaseException | None:
        outcomes: queue.SimpleQueue[_Outcome] = queue.SimpleQueue()
        flying: dict[int, Task] = {}
        fatal: BaseException | None = None
        movers = ThreadPoolExecutor(self._connections, "mover")
        try:
            while (waiting and fatal is None) or flying:
                while waiting and fatal is None and len(flying) < 2 * self._connections:
                    for task in self._hand_out(waiting):
                        flying[task.ids[0]] = task
                        standing = self._ledger.standing(task.operations[0])
                        movers.submit(self._move, task, standing, outcomes)
                try:
                    outcome = outcomes.get(timeout=_TICK_S)
                except queue.Empty:
                    self._ledger.settle()
                    continue
                del flying[outcome.task.ids[0]]
                fatal = self._take(outcome, waiting) or fatal
            return fatal
        except BaseException:
            self._mover.meter.stop()
            movers.shutdown(cancel_futures=True)
            while not outcomes.empty():
                outcome = outcomes.get()
                del flying[outcome.task.ids[0]]
                self._take(outcome, waiting)
            for task in flying.values():
                self._ledger.drop(task)
            raise
        finally:
            movers.shutdown()

    def _move(self, task: Task, standing: Standing, outcomes: queue.SimpleQueue[_Outcome]) -> None:
        outcomes.put(_work(self._mover, task, standing))

    def _hand_out(self, waiting: deque[Task]) -> list[Task]:
        batch: list[Task] = []
        while waiting and len(batch) < _BATCH:
            task = waiting.popleft()
            reason = self._full.get(_side(task.operations[0]))
            if reason is not None:
                self._ledger.problem(task, reason)
            else:
                batch.append(task)
        self._mark_sent(batch)
        return batch

    def _mark_sent(self, tasks: Sequence[Task]) -> None:
        self._ledger.mark_sent(tasks, self._mark, versions=self._mover.remote.capabilities.versions)

    # -- outcomes

    def _take(self, outcome: _Outcome, waiting: deque[Task]) -> BaseException | None:
        """Settle what was done and place what was not; returns the error that has to end the pass."""
        self._ledger.done(outcome.task, outcome.steps)
        if outcome.error is None:
            return None
        rest, error = outcome.task.after(len(outcome.steps)), outcome.error
        match error:
            case Unavailable() if not self._mover.meter.stopped:
                return self._unanswered(rest, error, waiting)
            case Stale() if rest.operations[0].action in (Action.REMOVE_FOLDER, Action.REMOVE_TAG):
                self._ledger.drop(rest)
            case Stale() | Busy():
                self._ledger.stale(rest, str(error))
            case Corrupted() if outcome.task.tries < _TRIES:
                waiting.append(rest)
            case Full():
                self._full.setdefault(_side(rest.operations[0]), str(error))
                self._ledger.problem(rest, str(error))
            case Unavailable() | Unauthorized():
                self._ledger.drop(rest)
                return error
            case ReplicaError():
                self._ledger.problem(rest, str(error))
            case Halted():
                self._ledger.drop(rest)
                return error
            case _:
                return error  # a fault of ours: its row stays sent, so the next pass looks
        return None

    def _unanswered(self, rest: Task, error: Unavailable, waiting: deque[Task]) -> BaseException | None:
        """Try again while the account shows signs of life; what may have arrived is looked for first."""
        if not error.unsent:
            versions = self._mover.remote.capabilities.versions
            intent = self._ledger.intent(rest, self._mark, versions=versions)
            if intent is not None:
                self._doubts.append((rest, intent))
                return None
            if rest.operations[0].action is Action.VERSION:
                self._ledger.stale(rest, str(error))
                self._await_version()
                return None
        retry_after_s = error.retry_after_s or 0.0
        idle_s = self._line.idle_s()
        if retry_after_s > self._line.patience_s or idle_s > self._line.patience_s:
            self._ledger.drop(rest)
            return error
        if rest.tries > _TRIES and idle_s < 1.0:
            self._ledger.problem(rest, str(error))
            return None
        self._ledger.settle()
        self._line.wait(max(retry_after_s, min(0.25 * 2**rest.tries, 5.0)))
        waiting.append(rest)
        return None

    def _await_version(self) -> None:
        """Give a server that may still be at a version as long as it would have for a create.

        The next look at the list tells whether it came; asking the asset sooner would prove nothing.
        """
        self._ledger.settle()
        if not self._waited:
            self._waited = True
            self._line.wait(_STILL_AT_IT_S)

    def _settle_doubts(self, waiting: deque[Task]) -> BaseException | None:
        """Look for what unanswered creates left; only what is surely not there is sent again."""
        doubts, self._doubts = self._doubts, []
        if not doubts:
            return None
        self._ledger.settle()
        try:
            found = self._line.resolve([intent for _, intent in doubts])
        except ReplicaError as error:
            return error  # their rows stay sent: the next pass looks
        self._line.late([intent for _, intent in doubts if intent not in found])
        for task, intent in doubts:
            entry = found.get(intent)
            if entry is not None:
                operation = task.operations[0]
                step = self._mover.adopt(operation, self._ledger.standing(operation), entry)
                self._ledger.done(task, [step])
                if len(task.operations) > 1:
                    waiting.append(task.after(1))
            elif task.tries > _TRIES:
                self._ledger.problem(task, "the service does not answer when it is sent")
            else:
                waiting.append(task)
        return None


def _work(mover: Mover, task: Task, standing: Standing) -> _Outcome:
    steps: list[Step] = []
    try:
        for operation in task.operations:
            step = mover.perform(operation, standing)
            steps.append(step)
            standing = step.standing
    except BaseException as error:  # whatever it is, the deciding thread has to hear of it
        return _Outcome(task, tuple(steps), error)
    return _Outcome(task, tuple(steps))


def _side(operation: Operation) -> Side:
    return Side.REMOTE if operation.action in ON_ACCOUNT else Side.LOCAL
