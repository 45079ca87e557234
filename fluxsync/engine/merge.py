"""Gathers dirty paths and says when to look at which: once they are quiet, and no later than a longest wait.

Pure: no disk, no clock, no thread; whoever calls holds the lock. An event costs a few look-ups, however much
waits.

Invariant: no waiting path is below another, and "", the root, stands for everything. So what waits is few
paths, and one that is taken covers all events below it since it was taken last.
"""

from __future__ import annotations

import heapq
from bisect import bisect_left, insort
from dataclasses import dataclass

from fluxsync.core.paths import ancestors, dirname

__all__ = ["Due", "Merger"]

#: Deletions are held back no longer by what is never quiet.
_MOST_S = 60.0
#: What could not be done is not tried more often than this, even with a quiet period of nothing.
_PAUSE_S = 1.0
_SHOWN = 100


@dataclass(frozen=True, slots=True)
class Due:
    """What to look at now."""

    #: None: everything; else paths relative to the root, none below another and never "".
    paths: frozenset[str] | None
    #: All has been quiet and no dirty path is left that waits, or it is forced: only then may a deletion be
    #: planned.
    settled: bool
    #: It never was quiet, and deletions were held back long enough: they go though other paths are dirty.
    forced: bool = False


@dataclass(slots=True)
class _Wait:
    first_s: float
    last_s: float
    #: Was due before and could not be done; no event since.
    retry: bool

    def join(self, other: _Wait) -> None:
        self.first_s = min(self.first_s, other.first_s)
        self.last_s = max(self.last_s, other.last_s)
        self.retry = self.retry and other.retry


class Merger:
    """Dirty paths on their way to a pass. Times are seconds of one clock that never goes back.

    A path falls due `settle_s` after its last event, and at the latest `longest_s` after its first. More than
    `most_in_folder` dirty paths directly in a folder become that folder, more than `most` everything. Paths
    with the same times fall due together: the two halves of a move are looked at in one pass.
    """

    def __init__(
        self, settle_s: float, *, longest_s: float = 30.0, most_in_folder: int = 128, most: int = 1000
    ) -> None:
        self._settle_s = settle_s
        self._longest_s = longest_s
        self._most_in_folder = most_in_folder
        self._most = most
        self._waits: dict[str, _Wait] = {}
        #: The waiting paths in order, so that those below a folder are neighbours.
        self._order: list[str] = []
        #: How many paths wait directly in a folder.
        self._direct: dict[str, int] = {}
        #: When to look at which path: for each waiting one there is an entry that is not too late.
        self._heap: list[tuple[float, str]] = []
        self._heard_s = float("-inf")
        self._restless_s = float("-inf")

    def dirty(self, path: str, now_s: float) -> None:
        """Note an event at a path, which stands for all below it; "" is everything."""
        if self._heard_s + self._settle_s <= now_s and all(wait.retry for wait in self._waits.values()):
            self._restless_s = now_s
        self._heard_s = now_s
        self._mark(path, _Wait(now_s, now_s, retry=False))

    def everything(self, now_s: float) -> None:
        """Note that events may have been lost or a rescan is due; it waits like an event at the root."""
        self.dirty("", now_s)

    def again(self, due: Due, now_s: float) -> None:
        """Give back what could not be done, or only in part: due after another `settle_s`.

        It goes with what is due earlier, so that a deletion that waits for it meets it in one pass.
        """
        for path in ("",) if due.paths is None else due.paths:
            self._mark(path, _Wait(now_s, now_s, retry=True))

    def clear(self) -> None:
        """Forget what waits: everything is going to be looked at."""
        for path in list(self._waits):
            self._drop(path)
        self._heap.clear()

    def due(self, now_s: float) -> Due | None:
        """Take what is due, or return None."""
        next_s = self.next_s()
        if next_s is None or next_s > now_s:
            return None
        taken = [path for path, wait in self._waits.items() if wait.retry or self._due_s(wait) <= now_s]
        for path in taken:
            self._drop(path)
        calm = not self._waits and self._heard_s + self._settle_s <= now_s
        settled = calm or self._restless_s + _MOST_S <= now_s
        if settled:
            self._restless_s = min((wait.first_s for wait in self._waits.values()), default=now_s)
        return Due(None if "" in taken else frozenset(taken), settled, forced=settled and not calm)

    def next_s(self) -> float | None:
        """Return when `due` has something next; None: nothing is dirty."""
        heap = self._heap
        while heap:
            noted_s, path = heap[0]
            wait = self._waits.get(path)
            if wait is None:
                heapq.heappop(heap)
                continue
            due_s = self._due_s(wait)
            if due_s <= noted_s:
                return due_s
            heapq.heapreplace(heap, (due_s, path))
        return None

    def waiting(self) -> tuple[str, ...]:
        """Return what waits, the first hundred in order; "" is everything."""
        return tuple(self._order[:_SHOWN])

    def __len__(self) -> int:
        return len(self._waits)

    def _due_s(self, wait: _Wait) -> float:
        quiet_s = max(self._settle_s, _PAUSE_S) if wait.retry else self._settle_s
        return min(wait.last_s + quiet_s, wait.first_s + self._longest_s)

    def _mark(self, path: str, wait: _Wait) -> None:
        for holder in (path, *ancestors(path), ""):
            held = self._waits.get(holder)
            if held is not None:
                before_s = self._due_s(held)
                held.join(wait)
                if self._due_s(held) < before_s:
                    self._note(holder, held)
                return
        for below in self._below(path):
            wait.join(self._drop(below))
        self._waits[path] = wait
        insort(self._order, path)
        self._note(path, wait)
        if not path:
            return
        folder = dirname(path)
        self._direct[folder] = self._direct.get(folder, 0) + 1
        if self._direct[folder] > self._most_in_folder:
            self._mark(folder, wait)
        elif len(self._waits) > self._most:
            self._mark("", wait)

    def _below(self, folder: str) -> list[str]:
        if not folder:
            return self._order[:]
        # "0" follows "/": between the two lies all that is below the folder.
        return self._order[bisect_left(self._order, folder + "/") : bisect_left(self._order, folder + "0")]

    def _drop(self, path: str) -> _Wait:
        del self._order[bisect_left(self._order, path)]
        if path:
            folder = dirname(path)
            self._direct[folder] -= 1
            if not self._direct[folder]:
                del self._direct[folder]
        return self._waits.pop(path)

    def _note(self, path: str, wait: _Wait) -> None:
        if len(self._heap) > 2 * len(self._waits) + 64:
            # Most entries are of paths that no longer wait.
            self._heap = [(self._due_s(wait), path) for path, wait in self._waits.items()]
            heapq.heapify(self._heap)
        heapq.heappush(self._heap, (self._due_s(wait), path))
