"""Carries a plan out: phases, batches, a pool of movers.

One thread decides and writes the journal; movers take a subject's operations and return what came of them.
"""

from __future__ import annotations

import queue
import time
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace

from fluxsync.core.model import Action, Side
from fluxsync.core.operations import ON_ACCOUNT, Operation, Plan
from fluxsync.core.under_way import LARGE, UnderWay, under_way
from fluxsync.engine.doubts import Doubts, Line
from fluxsync.engine.ledger import Executed, Ledger, Task
from fluxsync.engine.steps import Mover, Standing, Step
from fluxsync.errors import Busy, Corrupted, Full, Halted, ReplicaError, Stale, Unauthorized, Unavailable

__all__ = ["Executor"]

#: Tasks that are marked sent together, at most.
_BATCH = 64
#: Times that a subject is given to a mover in one pass.
_TRIES = 3
_TICK_S = 0.5


@dataclass(frozen=True, slots=True)
class _Outcome:
    """What a mover returns: the steps that were done, and the error that ended them, if one did."""

    task: Task
    steps: tuple[Step, ...]
    error: BaseException | None = None


class Executor:
    """Carries out one plan. `mark` is what intents need to know of the scan before it.

    `beside` is called by the deciding thread while transfers last and nothing else is to be done: it may make
    another pass, over anything but what it is told is under way.
    """

    def __init__(
        self,
        mover: Mover,
        ledger: Ledger,
        line: Line,
        *,
        connections: int,
        mark: str,
        beside: Callable[[Callable[[], UnderWay]], None] | None = None,
    ) -> None:
        self._mover = mover
        self._ledger = ledger
        self._connections = connections
        self._mark = mark
        self._beside = beside if connections > 1 else None
        #: What comes after the transfers.
        self._rest: tuple[Operation, ...] = ()
        self._full: dict[Side, str] = {}
        self._doubts = Doubts(mover, ledger, line, mark)

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
            self._rest = (*plan.cleanup, *plan.purges)
            self._together([self._ledger.task(operations) for operations in subjects.values()], long=True)
            self._in_order(plan.cleanup)
            self._together([self._ledger.task([op]) for op in plan.purges])
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
            fatal = self._take(outcome, again) or self._doubts.settle(again)
            if fatal is not None:
                return fatal
        return None

    def _together(self, tasks: Sequence[Task], *, long: bool = False) -> None:
        """Do tasks with all movers, in any order. `long`: where they may last, one connection stays free."""
        large = any(op.size >= LARGE for task in tasks for op in task.operations)
        beside = self._beside if long and large else None
        waiting = deque(task for task in tasks if not self._skipped(task))
        fatal: BaseException | None = None
        while waiting and fatal is None:
            fatal = self._drain(waiting, beside) or self._doubts.settle(waiting)
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

    def _drain(
        self, waiting: deque[Task], beside: Callable[[Callable[[], UnderWay]], None] | None
    ) -> BaseException | None:
        outcomes: queue.SimpleQueue[_Outcome] = queue.SimpleQueue()
        flying: dict[int, Task] = {}
        fatal: BaseException | None = None
        width = self._connections - (beside is not None)
        movers = ThreadPoolExecutor(width, "mover")
        try:
            while (waiting and fatal is None) or flying:
                while waiting and fatal is None and len(flying) < 2 * width:
                    for task in self._hand_out(waiting):
                        flying[task.ids[0]] = task
                        standing = self._ledger.standing(task.operations[0])
                        movers.submit(self._move, task, standing, outcomes)
                try:
                    outcome = outcomes.get(timeout=_TICK_S)
                except queue.Empty:
                    self._ledger.settle()
                    if beside is not None and fatal is None and not self._doubts:
                        beside(lambda: self._under_way([*flying.values(), *waiting]))
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

    def _under_way(self, tasks: Sequence[Task]) -> UnderWay:
        return under_way([*(op for task in tasks for op in task.operations), *self._rest])

    def _move(self, task: Task, standing: Standing, outcomes: queue.SimpleQueue[_Outcome]) -> None:
        outcomes.put(_work(self._mover, task, standing))

    def _hand_out(self, waiting: deque[Task]) -> list[Task]:
        batch: list[Task] = []
        while waiting and len(batch) < _BATCH:
            task = waiting.popleft()
            reason = self._full.get(_side(task.operations[0]))
            if reason is not None:
                self._ledger.problem(task, reason, waits=True)
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
                return self._doubts.unanswered(rest, error, waiting)
            case Stale() if rest.operations[0].action in (Action.REMOVE_FOLDER, Action.REMOVE_TAG):
                self._ledger.left(rest)
            case Stale() | Busy():
                self._ledger.stale(rest, str(error), waits=isinstance(error, Busy))
            case Corrupted() if outcome.task.tries < _TRIES:
                waiting.append(rest)
            case Full():
                self._pause(error, rest)
            case Unavailable() | Unauthorized():
                self._ledger.drop(rest)
                return error
            case ReplicaError():
                self._ledger.problem(rest, str(error), waits=_lacks_folder(rest.operations[0]))
            case Halted():
                self._ledger.drop(rest)
                return error
            case _:
                return error  # a fault of ours: its row stays sent, so the next pass looks
        return None

    def _pause(self, error: Full, rest: Task) -> None:
        """Send or fetch nothing more: a side has no room."""
        side = Side.LOCAL if error.here else Side.REMOTE
        reason = str(error).removeprefix(f"{rest.operations[0].path}: ")
        self._full.setdefault(side, reason)
        self._ledger.full(side)
        self._ledger.problem(rest, reason, waits=True)


def _work(mover: Mover, task: Task, standing: Standing) -> _Outcome:
    steps: list[Step] = []
    try:
        for operation in task.operations:
            started = time.monotonic()
            step = mover.perform(operation, standing)
            steps.append(replace(step, seconds=time.monotonic() - started))
            standing = step.standing
    except BaseException as error:  # whatever it is, the deciding thread has to hear of it
        return _Outcome(task, tuple(steps), error)
    return _Outcome(task, tuple(steps))


def _lacks_folder(operation: Operation) -> bool:
    """Tell whether an operation could not even begin, because the tag of its folder could not be made."""
    node = operation.node
    return node is not None and bool(node.name) and not node.key and operation.action is not Action.MAKE_TAG


def _side(operation: Operation) -> Side:
    return Side.REMOTE if operation.action in ON_ACCOUNT else Side.LOCAL
