"""What wakes the deciding thread: dirty paths, commands, the time, and the wish to stop.

The only lock of the service is in here. Whoever wakes takes a note and goes on; whoever decides takes what is
due. Signal handlers may call everything, also while the deciding thread is inside: the lock is reentrant.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace

from fluxsync.engine.merge import Due, Merger
from fluxsync.engine.service import Outcome, Task
from fluxsync.engine.watcher import Watcher

__all__ = ["Job", "Wake"]


@dataclass(slots=True, eq=False)
class Job:
    """A task on its way to the deciding thread, and what came of it."""

    task: Task
    watcher: Watcher | None = None
    outcome: Outcome | None = None
    error: BaseException | None = None
    over: threading.Event = field(default_factory=threading.Event)

    def end(self, outcome: Outcome | None = None, error: BaseException | None = None) -> None:
        self.outcome, self.error = outcome, error
        self.over.set()


class Wake:
    """Times are seconds of `clock`, one that never goes back."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._condition = threading.Condition()
        self._until_s = float("-inf")
        self._merger: Merger | None = None
        self._later: dict[str, float] = {}
        self._jobs: deque[Job] = deque()
        self._nudged = False
        #: Something happened in the folder since this was last set to false.
        self.stirred = False
        self.stopping = False
        self.reloading = False

    # -- from any thread

    def dirty(self, path: str) -> None:
        """Note that a path may have changed; "" is the whole folder."""
        with self._condition:
            self.stirred = True
            if self._merger is not None:
                self._merger.dirty(path, self._clock())
                self._notify_before(self._merger.next_s())

    def ask(self, job: Job) -> None:
        with self._condition:
            self._jobs.append(job)
            self._notify()

    def stop(self) -> None:
        with self._condition:
            self.stopping = True
            self._notify()

    def reload(self) -> None:
        with self._condition:
            self.reloading = True
            self._notify()

    def nudge(self) -> None:
        """Let the deciding thread look what has changed."""
        with self._condition:
            self._notify()

    # -- from the deciding thread

    def begin(self, merger: Merger) -> None:
        """Gather what is dirty from now on, beginning with everything that was before."""
        with self._condition:
            self._merger = merger
            self._later.clear()

    def next_job(self) -> Job | None:
        with self._condition:
            return self._jobs.popleft() if self._jobs else None

    def later(self, again: Mapping[str, float]) -> None:
        """Let paths be dirty at their times."""
        with self._condition:
            for path, at_s in again.items():
                self._later[path] = min(at_s, self._later.get(path, at_s))

    def due(self) -> Due | None:
        """Take what is to be looked at now."""
        with self._condition:
            assert self._merger is not None
            now_s = self._clock()
            ripe = {path for path, at_s in self._later.items() if at_s <= now_s}
            due = self._merger.due(now_s)
            if due is None and not ripe:
                return None
            for path in ripe:
                del self._later[path]
            if due is None:
                return Due(frozenset(ripe), self._is_calm())
            return replace(due, paths=None if due.paths is None else due.paths | ripe)

    def drain(self) -> None:
        """Forget what is dirty: everything is going to be looked at. What comes from now on counts."""
        with self._condition:
            if self._merger is not None:
                self._merger.clear()
            self._later.clear()

    def again(self, due: Due) -> None:
        """Give back what could not be looked at."""
        with self._condition:
            if self._merger is not None:
                self._merger.again(due, self._clock())

    def is_calm(self) -> bool:
        """Tell whether nothing else is dirty."""
        with self._condition:
            return self._is_calm()

    def waiting(self) -> tuple[str, ...]:
        """Return paths that wait for quiet, a hundred at most."""
        with self._condition:
            return self._merger.waiting() if self._merger is not None else ()

    def wait(self, until_s: float, *, for_dirt: bool = True) -> None:
        """Wait until a time, what falls due before it, or a word from another thread; may return early.

        Not `for_dirt`, what is dirty ends no wait: nothing can be done about it.
        """
        with self._condition:
            due_s = [until_s, *(self._later.values() if for_dirt else ())]
            if for_dirt and self._merger is not None and (next_s := self._merger.next_s()) is not None:
                due_s.append(next_s)
            self._until_s = min(due_s) if for_dirt else float("-inf")
            left_s = min(due_s) - self._clock()
            if left_s > 0 and not self._nudged and not self._jobs:
                self._condition.wait(left_s)
            self._nudged = False
            self._until_s = float("-inf")

    def _is_calm(self) -> bool:
        return self._merger is None or not len(self._merger)

    def _notify_before(self, due_s: float | None) -> None:
        """Wake the deciding thread where it would sleep too long; a storm of events wakes it once."""
        if due_s is not None and due_s < self._until_s:
            self._until_s = due_s
            self._condition.notify_all()

    def _notify(self) -> None:
        self._nudged = True
        self._condition.notify_all()
