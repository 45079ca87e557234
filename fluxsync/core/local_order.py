"""Puts new folders and local moves into an order in which each place is there, and free, in time."""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Iterable, Sequence
from dataclasses import replace

from fluxsync.core.model import Action, NameRules
from fluxsync.core.naming import fold, hop_name
from fluxsync.core.operations import Operation
from fluxsync.core.paths import ancestors, dirname, join

__all__ = ["LocalOrder"]


class LocalOrder:
    """What stands where on this disk while folders are made and files are moved.

    A cycle is opened by a hop to a name beside. The hop is an ordinary file in the folder, never hidden away:
    after a crash in the middle the next scan finds it and sees that it only made room.
    """

    def __init__(self, files: Iterable[str], folders: Iterable[str], rules: NameRules) -> None:
        self._rules = rules
        self._files = {self._fold(path) for path in files}
        self._folders = {self._fold(path) for path in folders} | {""}
        self._ordered: list[Operation] = []

    def order(self, steps: Sequence[Operation]) -> tuple[list[Operation], list[Operation]]:
        """Return the steps in order, and those whose place does not become free."""
        ready = deque(steps)
        waiting: dict[str, list[Operation]] = defaultdict(list)
        while True:
            while ready:
                step = ready.popleft()
                obstacle = self._obstacle(step)
                if obstacle is not None:
                    waiting[obstacle].append(step)
                    continue
                for place in self._do(step):
                    ready.extend(waiting.pop(place, ()))
            hop = self._open_cycle(waiting)
            if hop is None:
                return self._ordered, [step for steps in waiting.values() for step in steps]
            rest, vacated = hop
            ready.extend([*waiting.pop(vacated, ()), rest])

    def can_bring(self, path: str) -> bool:
        """Tell whether a file can come to a path in the end."""
        return not self.is_taken(path) and self._fold(dirname(path)) in self._folders

    def is_taken(self, path: str) -> bool:
        folded = self._fold(path)
        return folded in self._files or folded in self._folders

    def _fold(self, path: str) -> str:
        return fold(path, self._rules)

    def _obstacle(self, step: Operation) -> str | None:
        """Return the place that has to become free, or to be there, before a step."""
        if step.action is Action.MAKE_FOLDER:
            parts = (self._fold(part) for part in (step.path, *ancestors(step.path)))
            return next((part for part in parts if part in self._files), None)
        source, target, parent = map(self._fold, (step.path, step.target, dirname(step.target)))
        if parent not in self._folders:
            return parent
        if target != source and (target in self._files or target in self._folders):
            return target
        return None

    def _do(self, step: Operation) -> list[str]:
        """Note a step as done; return the places that it made, or made free."""
        self._ordered.append(step)
        if step.action is Action.MAKE_FOLDER:
            made = [self._fold(part) for part in (step.path, *ancestors(step.path))]
            made = [part for part in made if part not in self._folders]
            self._folders.update(made)
            return made
        self._files.discard(self._fold(step.path))
        self._files.add(self._fold(step.target))
        return [self._fold(step.path)]

    def _open_cycle(self, waiting: dict[str, list[Operation]]) -> tuple[Operation, str] | None:
        """Move one file of a cycle aside; return what is left to do for it, and the place that it leaves."""
        moves: dict[str, str] = {}
        blocked_by: dict[str, str] = {}
        for obstacle, steps in waiting.items():
            for step in steps:
                if step.action is Action.MOVE_LOCAL:
                    moves[self._fold(step.path)] = obstacle
                else:
                    parts = (step.path, *ancestors(step.path))
                    blocked_by.update(dict.fromkeys(map(self._fold, parts), obstacle))
        blocked_by |= moves
        seen: set[str] = set()
        for start in moves:
            trail: list[str] = []
            place = start
            while place in blocked_by and place not in seen:
                seen.add(place)
                trail.append(place)
                place = blocked_by[place]
            if place in trail:
                movable = [p for p in trail[trail.index(place) :] if p in moves]
                if movable:
                    return self._hop(movable[0], waiting)
        return None

    def _hop(self, place: str, waiting: dict[str, list[Operation]]) -> tuple[Operation, str]:
        for steps in waiting.values():
            for step in steps:
                if step.action is Action.MOVE_LOCAL and self._fold(step.path) == place:
                    steps.remove(step)
                    hop = self._beside(step.path)
                    self._do(replace(step, target=hop, settles=False))
                    return replace(step, path=hop), place
        raise AssertionError("a cycle of moves that nobody makes")

    def _beside(self, path: str) -> str:
        folder, _, name = path.rpartition("/")
        number = 1
        while self.is_taken(join(folder, hop_name(name, number))):
            number += 1
        return join(folder, hop_name(name, number))
