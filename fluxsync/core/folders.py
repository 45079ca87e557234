"""Links the folders of both sides: each folder is one node, whatever it is called where.

A file has moved when its *node* is another, not when its path is: so a renamed folder moves no file.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from fluxsync.core.model import Entry, Item, Kind, NameRules, Snapshot, State
from fluxsync.core.naming import fold, name_folders
from fluxsync.core.observe import LocalView, Presence
from fluxsync.core.paths import basename, dirname, join, nfc

__all__ = ["Node", "Tree", "link"]


@dataclass(slots=True, eq=False)
class Node:
    """One folder: `path` is where it shall lie on this disk, `name` its true path on the account."""

    path: str
    name: str
    key: str = ""
    here: Entry | None = None
    there: Entry | None = None
    item: Item | None = None
    #: The folder here is not known to be gone or to be there.
    unknown: bool = False

    @property
    def moves_here(self) -> bool:
        return self.here is not None and self.here.path != self.path

    @property
    def moves_there(self) -> bool:
        return self.there is not None and self.there.place.name != self.name


@dataclass(slots=True)
class Tree:
    """Every folder of both sides, found by its tag or by its path on the disk now."""

    root: Node = field(default_factory=lambda: Node("", ""))
    by_key: dict[str, Node] = field(default_factory=dict)
    by_path: dict[str, Node] = field(default_factory=dict)

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

    def nodes(self) -> Iterable[Node]:
        """Every folder but the root, once."""
        seen = {id(self.root)}
        for node in (*self.by_key.values(), *self.by_path.values()):
            if id(node) not in seen:
                seen.add(id(node))
                yield node


def link(view: LocalView, local: Snapshot, remote: Snapshot, items: Iterable[Item], rules: NameRules) -> Tree:
    """Build the tree of folders from what both sides show and the ancestor knows.

    Both renamed: the account wins. A folder renamed here renames its tag only where the tag belongs to that
    folder alone and the new name is free; else it counts as a new folder into which files move.
    """
    tree = Tree()
    known = [item for item in items if item.kind is Kind.FOLDER]
    homes = Counter(file.place.folder for file in remote.files.values())
    live = Counter(file.place.folder for file in remote.files.values() if not file.trashed)
    new = dict(view.new_folders)
    shown = _shown(remote, known, live, {fold(path, rules) for path in new}, rules)
    paths = name_folders(shown, {i.key: i for i in known if i.state is State.AGREED}, rules)
    tag_names = {folder.place.name.casefold() for folder in remote.folders.values()}
    renamed_here: list[tuple[Item, Entry, Entry | None]] = []
    for item in known:
        here, unknown = _here(item, view, local, new)
        there = remote.folders.get(item.key)
        if there is None and here is None and not unknown:
            continue
        moved_there = there is not None and there.place.name != item.name
        if here is not None and here.path != item.path and not moved_there:
            renamed_here.append((item, here, there))
            continue
        path = paths.get(item.key, item.path) if moved_there else item.path
        name = there.place.name if there is not None else item.name
        _add(tree, Node(path, name, item.key, here, there, item, unknown))
    for item, here, there in sorted(renamed_here, key=lambda r: r[1].path.count("/")):
        name = tree.true_name(here.path)
        sole = there is not None and there.carried == homes[item.key]
        free = name.casefold() not in tag_names or (there is not None and nfc(name) == there.place.name)
        if sole and free:
            _add(tree, Node(here.path, name, item.key, here, there, item))
        else:
            _add(tree, Node(item.path, there.place.name if there else item.name, item.key, None, there, item))
            _add(tree, Node(here.path, name, "", here))
    folded = {fold(path, rules): entry for path, entry in new.items() if path not in tree.by_path}
    for key, path in paths.items():
        if key not in tree.by_key:
            here = folded.pop(fold(path, rules), None)
            there = remote.folders[key]
            _add(tree, Node(here.path if here else path, there.place.name, key, here, there))
    for entry in sorted(folded.values(), key=lambda e: e.path):
        _add(tree, Node(entry.path, tree.true_name(entry.path), "", entry))
    return tree


def _add(tree: Tree, node: Node) -> None:
    if node.key:
        tree.by_key[node.key] = node
    if node.here is not None:
        tree.by_path[node.here.path] = node
    else:
        tree.by_path.setdefault(node.path, node)


def _here(item: Item, view: LocalView, local: Snapshot, new: dict[str, Entry]) -> tuple[Entry | None, bool]:
    """Return the folder that an item is on this disk now, and whether that is unknown."""
    if item.state is not State.AGREED:
        return new.pop(item.path, None), False
    update = view.updates.get(item.id)
    if update is None:
        return local.folders.get(item.path), False
    return update.entry, update.presence is Presence.UNKNOWN


def _shown(
    remote: Snapshot, known: list[Item], live: Mapping[str, int], new_here: set[str], rules: NameRules
) -> list[Entry]:
    """Return the tags that are folders on this disk.

    One without any asset is an empty folder; one whose assets are all trashed, or lie elsewhere, makes no
    folder where there is none; one that was removed here comes back only with a live asset.
    """
    states = {item.key: item.state for item in known}
    shown = []
    for key, folder in remote.folders.items():
        state = states.get(key)
        at_home = fold(folder.place.name, rules) in new_here
        if live[key] or state is State.AGREED or at_home or (folder.carried == 0 and state is None):
            shown.append(folder)
    return shown
