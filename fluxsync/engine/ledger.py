"""Writes down what operations are about to do, and what came of them.

INVARIANT. A mover is given an operation only after its row is marked sent on the disk, and the ancestor
advances only in the transaction that ends that row. Killed anywhere, the journal holds either a row that says
what may have happened, or an ancestor that says what did.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field, replace

from fluxsync.core.limits import caused_by, counts
from fluxsync.core.model import Action, Entry, Intent, Kind, Place, Side, State
from fluxsync.core.operations import Operation, Plan
from fluxsync.core.paths import is_below, rebase
from fluxsync.engine.intents import intent_of
from fluxsync.engine.steps import Standing, Step
from fluxsync.state.journal import ConflictRow, Event, Journal, Planned, Settlement

__all__ = ["Executed", "Failed", "Ledger", "Task"]

#: Outcomes are settled together, at most so many and at most so many seconds old.
_SETTLE_COUNT = 128
_SETTLE_S = 0.5


@dataclass(frozen=True, slots=True)
class Task:
    """Operations of one subject that a mover does in a row, with their rows in the journal."""

    operations: tuple[Operation, ...]
    ids: tuple[int, ...]
    tries: int = 1

    @property
    def subject(self) -> int:
        return self.operations[0].subject

    def after(self, count: int) -> Task:
        """Return what is left of it after its first steps, as another try."""
        return Task(self.operations[count:], self.ids[count:], self.tries + 1)


@dataclass(frozen=True, slots=True)
class Failed:
    """A task that did not come to its end, named by its first step that was not done."""

    operation: Operation
    reason: str
    #: Only time or a person cures it (an open file, a full disk, a folder without a tag).
    waits: bool = False

    @property
    def path(self) -> str:
        return self.operation.path


@dataclass(slots=True)
class Executed:
    """What came of a plan."""

    done: list[Operation] = field(default_factory=list)
    problems: list[Failed] = field(default_factory=list)
    #: Something was not as expected: look again.
    stale: list[Failed] = field(default_factory=list)
    #: The sides without room, which took nothing more.
    full: set[Side] = field(default_factory=set)


class Ledger:
    """The journal as one plan needs it, and where each subject stands."""

    def __init__(
        self,
        journal: Journal,
        plan: Plan,
        *,
        pass_number: int,
        approved: Collection[int],
        clock: Callable[[], float],
        on_done: Callable[[Operation], None],
    ) -> None:
        self.result = Executed()
        self._journal = journal
        self._pass = pass_number
        #: Subjects that a person let through: they count against no limit.
        self._approved = approved
        #: Subjects whose move was counted: a second hop is the same move.
        self._caused: set[int] = set()
        self._clock = clock
        self._on_done = on_done
        self._standing: dict[int, Standing] = {}
        self._failed: set[int] = set()
        self._renamed: list[tuple[str, str]] = []
        self._waiting: list[tuple[Settlement, int]] = []
        self._settled_at = clock()
        operations = list(plan)
        rows = [
            Planned(str(op.action), op.path, _key(op), op.item.id if op.item else 0, op.why)
            for op in operations
        ]
        self._ids = dict(zip(map(id, operations), journal.plan(pass_number, rows), strict=True))

    def task(self, operations: Sequence[Operation]) -> Task:
        return Task(tuple(operations), tuple(self._ids[id(op)] for op in operations))

    def mark_sent(self, tasks: Sequence[Task], mark: str, *, versions: bool) -> None:
        """Say that movers will be given these tasks, with the intents that a lost answer would need."""
        intents = {
            number: intent_of(operation, self.standing(operation), mark, versions=versions)
            for task in tasks
            for number, operation in zip(task.ids, task.operations, strict=True)
        }
        self._journal.mark_sent(
            [number for task in tasks for number in task.ids],
            {number: intent for number, intent in intents.items() if intent is not None},
        )

    def intent(self, task: Task, mark: str, *, versions: bool) -> Intent | None:
        operation = task.operations[0]
        return intent_of(operation, self.standing(operation), mark, versions=versions)

    def has_failed(self, subject: int) -> bool:
        return subject in self._failed

    def standing(self, operation: Operation) -> Standing:
        """Return where an operation starts from, its path as the renamed folders have left it."""
        standing = self._standing.get(operation.subject)
        if standing is None:
            standing = Standing(operation.item, operation.local, operation.remote)
        local = standing.local
        if local is None or not self._renamed:
            return standing
        path = local.path
        for old, new in self._renamed:
            if is_below(path, old):
                path = rebase(path, old, new)
        if path == local.path:
            return standing
        folder, _, name = path.rpartition("/")
        place = Place("", path) if local.kind is Kind.FOLDER else Place(folder, name)
        return replace(standing, local=replace(local, place=place))

    def done(self, task: Task, steps: Sequence[Step]) -> None:
        """Note the steps of a task that were done; its row is what the last of them left."""
        if not steps:
            return
        row = next((step.row for step in reversed(steps) if step.row is not None), None)
        if steps[-1].forget:
            row = None
        before = self.standing(task.operations[0]).item
        if row is not None and before is not None and len(steps) < len(task.operations):
            # A place is agreed on only when every step was done: else the next pass must see the move again.
            row = replace(row, path=before.path)
        self._standing[task.subject] = steps[-1].standing
        for number, (operation, step) in enumerate(zip(task.operations, steps, strict=False)):
            last = number == len(steps) - 1
            event = self._event(operation, "done", operation.why, step)
            settlement = Settlement(
                task.ids[number],
                "done",
                row if last else None,
                step.forget,
                step.also,
                event,
            )
            self._waiting.append((settlement, task.subject))
            remote = step.standing.remote or operation.remote
            self._note(replace(operation, remote=remote, seconds=step.seconds))
        if len(self._waiting) >= _SETTLE_COUNT or self._clock() - self._settled_at > _SETTLE_S:
            self.settle()

    def _note(self, operation: Operation) -> None:
        if operation.action is Action.RENAME_FOLDER:
            self._renamed.append((operation.path, operation.target))
        elif operation.action is Action.CONFLICT:
            self._journal.add_conflict(
                ConflictRow(operation.path, operation.target, _key(operation), self._clock())
            )
        self.result.done.append(operation)
        self._on_done(operation)

    def stale(self, task: Task, reason: str, *, waits: bool = False) -> None:
        """Note that something was not as expected: the next round looks again."""
        self.result.stale.append(_failed(task, reason, waits))
        self.drop(task)

    def problem(self, task: Task, reason: str, *, waits: bool = False) -> None:
        """Note trouble with one path."""
        failed = _failed(task, reason, waits)
        self.result.problems.append(failed)
        self.drop(task, self._event(failed.operation, "problem", failed.reason))

    def full(self, side: Side) -> None:
        """Note that a side has no room."""
        self.result.full.add(side)

    def drop(self, task: Task, event: Event | None = None) -> None:
        """End operations that did nothing."""
        self._failed.add(task.subject)
        outcome = "dropped" if event is None else "problem"
        for number in task.ids:
            self._waiting.append((Settlement(number, outcome, event=event), task.subject))
            event = None

    def left(self, task: Task) -> None:
        """End the removal of a folder or tag in which something is left; no tag is made for that again."""
        operation = task.operations[0]
        item, here = operation.item, operation.local
        row = None
        tag_is_gone = operation.action is Action.REMOVE_FOLDER and operation.remote is None
        if tag_is_gone and item is not None and here is not None:
            row = replace(item, path=here.path, stamp=here.stamp, state=State.KEPT_HERE)
        self._waiting.append((Settlement(task.ids[0], "dropped", row), task.subject))
        self._standing[task.subject] = self.standing(operation)

    def settle(self) -> None:
        """Write outcomes and ancestor in one flushed transaction."""
        self._settled_at = self._clock()
        # Taken first: an interrupt right after the transaction must not bring the same outcomes again. One
        # right before it leaves their rows sent, so the next pass looks.
        waiting, self._waiting = self._waiting, []
        if not waiting:
            return
        written = iter(self._journal.settle([settlement for settlement, _ in waiting]))
        for settlement, subject in waiting:
            if settlement.item is not None:
                row = next(written)
                self._standing[subject] = replace(self._standing[subject], item=row)
            for _ in settlement.also:
                next(written)

    def _event(self, operation: Operation, outcome: str, detail: str, step: Step | None = None) -> Event:
        remote: Entry | None = step.standing.remote if step else None
        if step is not None and (old := _left(operation)):
            detail = f"{detail}; it was {old}"
        return Event(
            self._clock(),
            self._pass,
            str(operation.action),
            operation.target if operation.action in _MOVES else operation.path,
            remote.key if remote is not None else _key(operation),
            outcome,
            detail,
            step.bytes if step else 0,
            operation.subject in self._approved or not counts(operation),
            "\n".join(self._causes(operation)),
        )

    def _causes(self, operation: Operation) -> tuple[str, ...]:
        """Return what on the account caused a step, once for each subject."""
        if operation.subject in self._caused:
            return ()
        found = caused_by(operation)
        if found:
            self._caused.add(operation.subject)
        return found


def _failed(task: Task, reason: str, waits: bool) -> Failed:
    operation = task.operations[0]
    return Failed(operation, reason.removeprefix(f"{operation.path}: "), waits)


_MOVES = (Action.MOVE_LOCAL, Action.RENAME_FOLDER)


def _key(operation: Operation) -> str:
    if operation.remote is not None:
        return operation.remote.key
    return operation.item.key if operation.item is not None else ""


def _left(operation: Operation) -> str:
    """Return where something was before a step that brought it to another place; "" where it stayed."""
    if operation.action in _MOVES:
        return operation.path if operation.path != operation.target else ""
    if operation.action not in (Action.MOVE_REMOTE, Action.RENAME_TAG, Action.VERSION):
        return ""
    item = operation.item
    return item.path if item is not None and item.path and item.path != operation.path else ""
