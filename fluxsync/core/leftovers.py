"""What the files of a plan leave behind: folders and tags that nothing lies in any more."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace

from fluxsync.core.model import Action, Item, Snapshot, State
from fluxsync.core.operations import Operation, Plan
from fluxsync.core.paths import ancestors, dirname
from fluxsync.core.renames import WholeRenames
from fluxsync.core.tree import Node, Tree

__all__ = ["Leftovers", "fill"]

_LEAVING = (Action.TRASH_LOCAL, Action.MOVE_LOCAL)


class Leftovers:
    """The folders and tags that a plan may remove."""

    def __init__(
        self,
        tree: Tree,
        local: Snapshot,
        renames: WholeRenames,
        step: Callable[[Action, Node, str, str], Operation],
    ) -> None:
        self._tree = tree
        self._local = local
        self._renames = renames
        self._step = step

    def plan(self, plan: Plan, *, up: bool, down: bool) -> None:
        """Add the removals, and the rows of folders that only one side has."""
        filled = self._filled_after(plan)
        made = {step.path: id(step.node) for step in plan.local if step.action is Action.MAKE_FOLDER}
        coming = set(made.values())
        kept: list[Item] = []
        for node in self._tree.nodes():
            item = node.item
            if node.unknown or item is None:
                continue
            if node.here is None and id(node) not in coming:
                self._removed_here(plan, node, item, up)
            elif node.here is not None and node.there is None and item.state is State.AGREED:
                wanted = any(s.action is Action.MAKE_TAG and s.node is node for s in plan.tags)
                if not wanted:
                    # Should anything be left of the folder, its tag is not made again for that.
                    kept.append(
                        replace(item, path=node.here.path, stamp=node.here.stamp, state=State.KEPT_HERE)
                    )
        if down:
            self._remove_emptied(plan, filled, made)
        # A folder that is about to be removed stays what it was until that was tried.
        removed = {step.path for step in plan.cleanup if step.action is Action.REMOVE_FOLDER}
        plan.agreements += [row for row in kept if row.path not in removed]

    def _remove_emptied(self, plan: Plan, filled: set[str], made: Mapping[str, int]) -> None:
        for path in sorted(self._emptied(plan), key=lambda p: (-p.count("/"), p)):
            if path in filled or path in made:
                continue
            owner = self._tree.by_path.get(path)
            if owner is None or owner.here is None or owner.path != path:
                owner = Node(path, path)
            why = "emptied by changes on the account"
            plan.cleanup.append(self._step(Action.REMOVE_FOLDER, owner, path, why))

    def _removed_here(self, plan: Plan, node: Node, item: Item, up: bool) -> None:
        """A folder that a person removed stays removed; its tag goes with the machine that made it."""
        if node.there is None:
            plan.forget.append(item)
        elif item.made_here and node.there.carried == 0:
            if up:
                why = "its folder was removed here"
                plan.cleanup.append(self._step(Action.REMOVE_TAG, node, node.path, why))
        elif item.state is not State.KEPT_THERE:
            plan.agreements.append(replace(item, state=State.KEPT_THERE))

    def _emptied(self, plan: Plan) -> set[str]:
        """Return the folders that changes on the account may leave empty.

        Of those above only the ones that are nothing but the way to another: they have no tag of their own.
        """
        emptied: set[str] = set()
        above: set[str] = set()
        for step in plan.local:
            if step.action in _LEAVING:
                emptied.add(dirname(step.path))
            elif step.action is Action.RENAME_FOLDER:
                above.update(ancestors(step.path))
        for node in self._tree.nodes():
            if node.unknown or node.here is None:
                continue
            if self._renames.current(node.here.path) != node.here.path:
                continue
            gone = node.there is None and node.item is not None and node.item.state is State.AGREED
            if gone or node.moves_here:
                emptied.add(node.here.path)
        for path in above | {folder for inner in emptied for folder in ancestors(inner)}:
            owner = self._tree.by_path.get(path)
            if owner is None or (owner.there is None and owner.item is None):
                emptied.add(path)
        return {path for path in emptied if path and not self._stays_empty(path)}

    def _stays_empty(self, path: str) -> bool:
        """A tag without any asset is an empty folder here, too, until the machine that made it removes it."""
        owner = self._tree.by_path.get(path)
        if owner is None or owner.there is None or owner.path != path:
            return False
        return owner.there.carried == 0 and not (owner.item is not None and owner.item.made_here)

    def _filled_after(self, plan: Plan) -> set[str]:
        """Return the folders with something in them once the files' operations are done."""
        filled: set[str] = set()
        for path in self._files_after(plan):
            fill(filled, path)
        for path in self._folders_after(plan):
            fill(filled, path)
        return filled

    def _files_after(self, plan: Plan) -> Iterator[str]:
        first: dict[int, str] = {}
        last: dict[int, str] = {}
        for step in plan.local:
            if step.action in _LEAVING:
                first.setdefault(step.subject, step.path)
                last[step.subject] = step.target
        leaving = set(first.values())
        yield from (p for p in map(self._renames.current, self._local.files) if p not in leaving)
        yield from (path for path in last.values() if path)
        yield from (step.path for step in plan.transfers if step.action is Action.DOWNLOAD)
        yield from (unknown.path for unknown in self._local.unknown)

    def _folders_after(self, plan: Plan) -> Iterator[str]:
        """Yield the folders that stay, whatever lies in them."""
        emptied = self._emptied(plan)
        for path in self._local.folders:
            current = self._renames.current(path)
            if current not in emptied:
                yield current
        yield from (step.path for step in plan.local if step.action is Action.MAKE_FOLDER)


def fill(filled: set[str], path: str) -> None:
    """Mark the folders above a path; those above a marked one are marked already."""
    for folder in ancestors(path):
        if folder in filled:
            return
        filled.add(folder)
