"""Who has which path on this disk in the end: every file has one path, every path one file.

Claims are made in this order: folders; files that stay where they are; files that a person here put
somewhere; files without an asset; files that the account moves; newcomers. A newcomer may meet a file without
an asset, and only a newcomer may: then they are one file, or a conflict.
"""

from __future__ import annotations

from fluxsync.core.model import NameRules
from fluxsync.core.naming import Names, plain_id
from fluxsync.core.paths import ancestors, basename, join, nfc
from fluxsync.core.tree import Node

__all__ = ["Claims"]

_UNTRACKED = "untracked "


class Claims:
    """The paths given out so far."""

    def __init__(self, rules: NameRules) -> None:
        self._names = Names(rules)
        #: Files without an asset by their paths in composed form: the account has no other.
        self._composed: dict[str, str] = {}
        #: The path of each asset, by key.
        self.names: dict[str, str] = {}
        #: Where each file without an asset shall lie, by the path that it has now.
        self.targets: dict[str, str] = {}
        #: The file without an asset that an asset meets, by key.
        self.met: dict[str, str] = {}

    def folder(self, path: str) -> None:
        for folder in (path, *ancestors(path)):
            self._names.take(folder, "folder " + folder)

    def keep(self, key: str, path: str) -> bool:
        """Let an asset keep its path; False where a folder needs it."""
        if not self._names.take(path, key):
            return False
        self.names[key] = path
        return True

    def placed_if_free(self, key: str, node: Node, name: str) -> bool:
        return self.keep(key, join(node.path, name))

    def placed(self, key: str, node: Node, name: str) -> None:
        self.names[key] = self._names.take_free(node.path, name, key, plain_id(key))

    def untracked(self, path: str, node: Node) -> None:
        owner = _UNTRACKED + path
        self._composed.setdefault(nfc(join(node.path, basename(path))), path)
        if node.moves_here:
            self.targets[path] = self._names.take_free(node.path, basename(path), owner, "2")
        else:
            # Where a folder has to come the file is sent first, and steps aside with its id.
            self._names.take(path, owner)
            self.targets[path] = path

    def mover(self, key: str, node: Node, name: str) -> None:
        self.placed(key, node, name)

    def newcomer(self, key: str, node: Node, name: str) -> None:
        path = join(node.path, name)
        owner = self._names.owner(path)
        if owner is None:
            form = self._composed.get(nfc(path))
            path = path if form is None else self.targets[form]
            owner = self._names.owner(path)
        if owner is not None and not owner.startswith(_UNTRACKED):
            # Under its id it may be here already: brought by a pass that was killed before it could say so.
            path = self._names.labelled(node.path, name, plain_id(key))
            owner = self._names.owner(path)
        if owner is not None and owner.startswith(_UNTRACKED):
            self._names.hand_over(path, key)
            self.met[key] = owner.removeprefix(_UNTRACKED)
            self.names[key] = self.targets[self.met[key]]
        else:
            self.placed(key, node, name)
