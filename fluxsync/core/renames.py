"""Folders that one rename brings to their new place on this disk, with all that lies below."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from fluxsync.core.model import Snapshot
from fluxsync.core.naming import fold
from fluxsync.core.paths import ancestors, is_below, rebase
from fluxsync.core.reconcile import Change
from fluxsync.core.tree import Node, Tree

__all__ = ["WholeRenames"]


class WholeRenames:
    """The renames of one plan, in their order; none lies inside another."""

    def __init__(self, tree: Tree, changes: Iterable[Change], local: Snapshot, *, enabled: bool) -> None:
        self._tree = tree
        self._local = local
        #: The renamed folders, by the path that each has now.
        self.by_path: dict[str, Node] = {}
        moving = [node for node in tree.nodes() if node.moves_here and not node.unknown]
        if moving and enabled:
            targets = {change.local.path: change.path for change in changes if change.local is not None}
            self._choose(self._followed(moving, targets))

    def current(self, path: str) -> str:
        """Return where a path lies once the renames are done."""
        if not self.by_path:
            return path
        for folder in (path, *ancestors(path)):
            node = self.by_path.get(folder)
            if node is not None:
                return rebase(path, folder, node.path)
        return path

    def carrier(self, path: str) -> Node | None:
        """Return the folder whose rename moves a path."""
        return next((self.by_path[f] for f in ancestors(path) if f in self.by_path), None)

    def _followed(self, moving: Iterable[Node], targets: Mapping[str, str]) -> list[Node]:
        """Return the folders with which everything below goes to where it shall lie anyway."""
        new_paths = {node.here.path: node.path for node in moving if node.here is not None}
        left_behind = {
            path for unknown in self._local.unknown for path in (unknown.path, *ancestors(unknown.path))
        }
        for path in self._local.files:
            for folder in ancestors(path):
                new = new_paths.get(folder)
                if new is not None and targets.get(path, path) != rebase(path, folder, new):
                    left_behind.add(folder)
        for node in self._tree.nodes():
            if node.here is None:
                continue
            for folder in ancestors(node.here.path):
                new = new_paths.get(folder)
                if new is not None and node.path != rebase(node.here.path, folder, new):
                    left_behind.add(folder)
        return [
            node
            for node in moving
            if node.here is not None
            and node.here.path not in left_behind
            and not is_below(node.path, node.here.path)
        ]

    def _choose(self, followed: list[Node]) -> None:
        """Take the renames whose place is free, or becomes free by one taken before."""
        rules = self._tree.rules
        blocked = {fold(path, rules) for path in self._local.files}
        taken = blocked | {fold(path, rules) for path in self._local.folders}
        # Nothing goes into a folder that has not left, or not come to, its own place yet.
        blocked |= {fold(node.path, rules) for node in followed}
        blocked |= {fold(node.here.path, rules) for node in followed if node.here is not None}
        waiting = sorted(followed, key=lambda n: n.here.path.count("/") if n.here else 0)
        progress = True
        while progress:
            progress = False
            rest = []
            for node in waiting:
                assert node.here is not None
                old, new = fold(node.here.path, rules), fold(node.path, rules)
                if self.current(node.here.path) != node.here.path:
                    continue
                inside = any(f in self.by_path or fold(f, rules) in blocked for f in ancestors(node.path))
                if inside or (new != old and new in taken):
                    rest.append(node)
                    continue
                taken.discard(old)
                taken.add(new)
                blocked.discard(new)
                self.by_path[node.here.path] = node
                progress = True
            waiting = rest
