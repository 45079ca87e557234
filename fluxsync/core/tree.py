"""The folders of both sides as one tree: each folder is one node, whatever it is called where.

A file has moved when its *node* is another, not when its path is: so a renamed folder moves no file.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from fluxsync.core.model import Entry, Item, NameRules
from fluxsync.core.naming import disk_path
from fluxsync.core.paths import basename, dirname, join, nfc

__all__ = ["Node", "Tree"]

_ANY_DISK = NameRules()


@dataclass(slots=True, eq=False)
class Node:
    """One folder: `path` is where it shall lie on this disk, `name` its true path on the account."""

    path: str
    name: str
    key: str = ""
    here: Entry | None = None
    there: Entry | None = None
    item: Item | None = None
    #: The folder is not known to be gone or to be there, on one of the sides.
    unknown: bool = False

    @property
    def moves_here(self) -> bool:
        return self.here is not None and self.here.path != self.path

    @property
    def moves_there(self) -> bool:
        return self.there is not None and self.there.place.name != self.name

    @property
    def fixed(self) -> bool:
        """It is where it was, under the name that it had."""
        return (
            self.item is not None and self.here is not None and self.here.path == self.item.path == self.path
        )

    def is_home_of(self, remote: Entry) -> bool:
        """Tell whether an asset lies here: in the root, or under the tag that this folder has by now."""
        return self.key == remote.place.folder and (self.key != "" or self.path == "")


@dataclass(slots=True)
class Tree:
    """Every folder of both sides, found by its tag or by its path on the disk now."""

    rules: NameRules = _ANY_DISK
    root: Node = field(default_factory=lambda: Node("", ""))
    #: A tag that is gone leads to what is left of its folder here.
    by_key: dict[str, Node] = field(default_factory=dict)
    by_path: dict[str, Node] = field(default_factory=dict)
    #: Rows of folders that neither side has any more.
    gone: list[Item] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.by_key[""] = self.by_path[""] = self.root

    def at_path(self, path: str) -> Node:
        """Return the folder that lies at a path now; one that nobody knew is a node of its own."""
        node = self.by_path.get(path)
        if node is None:
            node = self.by_path[path] = Node(path, self.true_name(path))
        return node

    def true_name(self, path: str) -> str:
        """Return what a path on this disk is called on the account."""
        if not path:
            return ""
        known = self.by_path.get(path)
        return known.name if known else join(self.true_name(dirname(path)), nfc(basename(path)))

    def home_of(self, remote: Entry, folders: Mapping[str, Entry]) -> Node:
        """Return the folder in which an asset lies, also one that had no reason to be shown until now."""
        key = remote.place.folder
        node = self.by_key.get(key)
        if node is None:
            folder = folders.get(key)
            if folder is None:
                return self.root
            path = disk_path(folder.place.name, self.rules)
            node = self.by_key[key] = Node(path, folder.place.name, key, None, folder)
        return node

    def nodes(self) -> Iterator[Node]:
        """Yield every folder but the root, once."""
        seen = {id(self.root)}
        for node in (*self.by_key.values(), *self.by_path.values()):
            if id(node) not in seen:
                seen.add(id(node))
                yield node

    def add(self, node: Node) -> None:
        if node.key:
            self.by_key[node.key] = node
        if node.here is not None:
            self.by_path[node.here.path] = node
        else:
            self.by_path.setdefault(node.path, node)
