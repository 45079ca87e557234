"""What a pass has in hand: a pass that is made beside it leaves all of that alone."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from fluxsync.core.limits import LIMITED_ACTIONS, Limited, caused_by, counts
from fluxsync.core.model import EMPTY_DIGEST, Action, Item, Snapshot
from fluxsync.core.operations import Operation, Plan
from fluxsync.core.paths import ancestors

__all__ = ["LARGE", "UnderWay", "leave_large", "under_way"]

#: Bytes from which a transfer may last.
LARGE = 8_000_000

#: Their target is a path.
_TARGETING = (Action.MOVE_LOCAL, Action.RENAME_FOLDER, Action.CONFLICT)


@dataclass(frozen=True, slots=True)
class UnderWay:
    """Steps that were planned and are not done, and by what a look at the folder would meet them."""

    steps: tuple[Operation, ...] = ()
    paths: frozenset[str] = frozenset()
    #: The folders that lead to them.
    ways: frozenset[str] = frozenset()
    items: frozenset[int] = frozenset()
    inodes: frozenset[int] = frozenset()
    digests: frozenset[str] = frozenset()

    def touches(self, path: str) -> bool:
        """Tell whether a path is one of theirs, or above or below one ("" is the root)."""
        return (
            not path or path in self.paths or path in self.ways or not self.paths.isdisjoint(ancestors(path))
        )

    def is_met(self, items: Iterable[Item], local: Snapshot, paths: Iterable[str]) -> bool:
        """Tell whether a look has to do with them: by an item, a path, or what one may have become."""
        if any(map(self.touches, paths)) or any(item.id in self.items for item in items):
            return True
        seen = [*local.files.items(), *local.folders.items()]
        return any(
            self.touches(path)
            or entry.digest in self.digests
            or (entry.stamp is not None and entry.stamp.inode in self.inodes)
            for path, entry in seen
        ) or any(self.touches(unknown.path) for unknown in local.unknown)

    def pending(self, kind: Limited) -> list[tuple[str, str]]:
        """Return the cause and the asset's key of each step that is going to count against a limit."""
        actions = LIMITED_ACTIONS.get(kind, frozenset())
        found: list[tuple[str, str]] = []
        for step in self.steps:
            if step.action in actions and counts(step):
                key = step.item.key if step.item is not None else ""
                causes = caused_by(step)
                if bool(causes) == (kind is Limited.MOVE):
                    found += [(cause, key) for cause in causes or ("",)]
        return found


def under_way(steps: Iterable[Operation]) -> UnderWay:
    """Return what these steps, planned and not done, have in hand."""
    steps = tuple(steps)
    paths: set[str] = set()
    for step in steps:
        paths.update(path for path in (step.path, step.target if step.action in _TARGETING else "") if path)
        for entry in (step.local, step.item):
            if entry is not None and entry.path:
                paths.add(entry.path)
    known = [thing for step in steps for thing in (step.local, step.item) if thing is not None]
    digests = {thing.digest for thing in known if thing.digest}
    digests |= {step.remote.digest for step in steps if step.remote is not None and step.remote.digest}
    return UnderWay(
        steps,
        frozenset(paths),
        frozenset(folder for path in paths for folder in ancestors(path)),
        frozenset(step.item.id for step in steps if step.item is not None),
        frozenset(thing.stamp.inode for thing in known if thing.stamp is not None),
        frozenset(digests - {EMPTY_DIGEST}),
    )


def leave_large(plan: Plan) -> list[str]:
    """Take out of a plan what may last, and return its paths: beside another pass it would hold up both."""
    large = {step.subject: step.path for step in plan.transfers if step.size >= LARGE}
    plan.transfers = [step for step in plan.transfers if step.subject not in large]
    return sorted(large.values())
