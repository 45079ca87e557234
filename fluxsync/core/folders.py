"""Links the folders of both sides: which folder here is which tag there, and where each shall lie."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping

from fluxsync.core.folder_names import name_folders
from fluxsync.core.model import Entry, Item, Kind, NameRules, Snapshot, State
from fluxsync.core.naming import disk_path, fold
from fluxsync.core.observe import LocalView, Presence, absence_counts
from fluxsync.core.paths import basename, dirname, join, nfc
from fluxsync.core.tree import Node, Tree

__all__ = ["Node", "Tree", "link"]


def link(
    view: LocalView,
    local: Snapshot,
    remote: Snapshot,
    items: Iterable[Item],
    live: Mapping[str, int],
    rules: NameRules,
) -> Tree:
    """Build the tree of folders from what both sides show and the ancestor knows.

    `live` counts the live assets at home in each tag. Both renamed: the account wins. A folder renamed here
    renames its tag only where the tag belongs to that folder alone and the new name is free; else it counts
    as a new folder into which files move.
    """
    return _Linker(view, local, remote, live, rules).run(i for i in items if i.kind is Kind.FOLDER)


class _Linker:
    def __init__(
        self,
        view: LocalView,
        local: Snapshot,
        remote: Snapshot,
        live: Mapping[str, int],
        rules: NameRules,
    ) -> None:
        self.view, self.local, self.remote, self.live, self.rules = view, local, remote, live, rules
        self.tree = Tree(rules)
        #: Folders here that are not linked with a tag, by path.
        self.loose = dict(view.new_folders)
        #: Items whose tag is gone, by where their folder lies here.
        self.orphans: dict[str, Item] = {}
        self.by_key: dict[str, Item] = {}
        #: Loose folders by their folded paths in composed form, as the account has them.
        self.forms: dict[str, str] = {}

    def run(self, items: Iterable[Item]) -> Tree:
        renamed_here: list[Node] = []
        moved_there: list[Node] = []
        for item in items:
            node = self._node(item)
            if node is None:
                continue
            self.by_key[item.key] = item
            if node.unknown or node.there is None:
                self.tree.add(node)
            elif node.there.place.name != item.name:
                moved_there.append(node)
            elif node.here is not None and node.here.path != item.path:
                renamed_here.append(node)
            else:
                self.tree.add(node)
        for node in moved_there:
            assert node.there is not None
            node.name = node.there.place.name
            self.tree.add(node)
        self._rename_tags(renamed_here)
        self._name(moved_there)
        self._add_loose(renamed_here)
        return self.tree

    def _node(self, item: Item) -> Node | None:
        """Return the folder of a row; None where neither side, or only this one, has it."""
        update = self.view.updates.get(item.id)
        there = self.remote.folders.get(item.key) if item.key else None
        here = None
        unknown = there is None and not absence_counts(self.remote, item)
        if item.state in (State.AGREED, State.KEPT_HERE):
            here = update.entry if update is not None else self.local.folders.get(item.path)
            unknown = unknown or (update is not None and update.presence is Presence.UNKNOWN)
        elif there is not None:
            here = self.loose.pop(item.path, None)
        if unknown:
            name = there.place.name if there is not None else item.name
            return Node(item.path, name, item.key, here, there, item, unknown=True)
        if there is not None:
            return Node(item.path, item.name, item.key, here, there, item)
        if here is None:
            self.tree.gone.append(item)
        else:
            self.loose[here.path] = here
            self.orphans[here.path] = item
        return None

    def _rename_tags(self, renamed: list[Node]) -> None:
        """Let folders renamed here rename their tags, in an order in which each name is free."""
        homes = Counter(file.place.folder for file in self.remote.files.values()) if renamed else Counter()
        names = Counter(folder.place.name.casefold() for folder in self.remote.folders.values())
        exact = Counter(folder.place.name for folder in self.remote.folders.values())
        waiting = sorted(renamed, key=lambda n: n.here.path.count("/") if n.here else 0)
        progress = True
        while progress:
            progress = False
            for node in list(waiting):
                assert node.here is not None
                assert node.there is not None
                name = self.tree.true_name(node.here.path)
                old, new = node.there.place.name.casefold(), name.casefold()
                names[old] -= 1
                exact[node.there.place.name] -= 1
                taken = names[new] if old != new else exact[name]
                if taken or node.there.carried != homes[node.key]:
                    names[old] += 1
                    exact[node.there.place.name] += 1
                    continue
                exact[name] += 1
                names[new] += 1
                node.path, node.name = node.here.path, name
                self.tree.add(node)
                waiting.remove(node)
                progress = True
        for node in waiting:
            assert node.here is not None
            self.loose[node.here.path] = node.here
            node.here = None
            self.tree.add(node)

    def _name(self, moved_there: list[Node]) -> None:
        """Give the folders that came or moved on the account their paths, and link loose ones with them."""
        moved = {node.key: node for node in moved_there}
        stays = {
            key: (node.path, node.name)
            for key, node in self.tree.by_key.items()
            if key and key not in moved and (node.here is not None or self.live.get(key))
        }
        newcomers = [
            folder
            for key, folder in self.remote.folders.items()
            if key not in stays
            and (key in moved or key not in self.tree.by_key)
            and self._shown(folder, moved)
        ]
        spelled = dict.fromkeys(self.local.folders, "")
        spelled.update({node.here.path: node.key for node in moved_there if node.here is not None})
        named = name_folders(stays, newcomers, spelled, self.rules)
        for key, path in named.items():
            node = moved.get(key)
            if node is not None:
                node.path = path
            else:
                folder = self.remote.folders[key]
                self.tree.by_key[key] = Node(path, folder.place.name, key, None, folder, self.by_key.get(key))
        loose = {fold(path, self.rules): entry for path, entry in self.loose.items()}
        self.forms = {nfc(path): path for path in loose}
        for key in (*stays, *named):
            self._link_loose(self.tree.by_key[key], loose)
        for key, folder in self.remote.folders.items():
            if key not in stays and key not in named:
                self._add_hidden(key, folder, loose)

    def _link_loose(self, node: Node, loose: dict[str, Entry]) -> None:
        """Link a folder with what stands here at its path.

        Where it is on its way from another place, the two become one.
        """
        folded = fold(node.path, self.rules)
        entry = loose.pop(folded if folded in loose else self.forms.get(nfc(folded), ""), None)
        if entry is not None:
            if node.here is None:
                node.here, node.path = entry, entry.path
            self._take(node, entry)
        self.tree.by_path.setdefault(node.path, node)

    def _add_hidden(self, key: str, folder: Entry, loose: dict[str, Entry]) -> None:
        """Note a tag that alone makes no folder here; one that stands here all the same is its own."""
        node = self.tree.by_key.get(key)
        if node is not None and node.unknown:
            return
        item = self.by_key.get(key)
        path = disk_path(folder.place.name, self.rules)
        if item is not None and item.name == folder.place.name:
            path = item.path
        if node is not None:
            node.path = path
            if self.tree.by_path.get(item.path if item else "") is node:
                del self.tree.by_path[item.path if item else ""]
        if fold(path, self.rules) in loose:
            node = node or Node(path, folder.place.name, key, None, folder, item)
            self.tree.by_key[key] = node
            self._link_loose(node, loose)

    def _take(self, node: Node, entry: Entry) -> None:
        """Make a loose folder part of a node, with the row of the tag that it had."""
        self.loose.pop(entry.path)
        self.tree.by_path[entry.path] = node
        orphan = self.orphans.pop(entry.path, None)
        if orphan is None:
            return
        self.tree.by_key[orphan.key] = node
        if node.item is None:
            node.item = orphan
        else:
            self.tree.gone.append(orphan)

    def _shown(self, folder: Entry, moved: Mapping[str, Node]) -> bool:
        """Tell whether a tag is a folder on this disk.

        One without any asset is an empty folder; one whose assets are all trashed, or lie elsewhere, makes no
        folder where there is none; one that was removed here comes back only with a live asset.
        """
        node = moved.get(folder.key)
        if self.live.get(folder.key) or (node is not None and node.here is not None):
            return True
        return folder.carried == 0 and folder.key not in self.by_key

    def _add_loose(self, renamed_here: Iterable[Node]) -> None:
        """Add the folders without a tag; these, and those renamed here, go where the ones above them go."""
        own = [node for node in renamed_here if node.here is not None and not node.moves_here]
        for path, entry in sorted(self.loose.items()):
            orphan = self.orphans.get(path)
            node = Node(path, self.tree.true_name(path), "", entry, None, orphan)
            self.tree.by_path[path] = node
            if orphan is not None:
                self.tree.by_key[orphan.key] = node
            own.append(node)
        for node in sorted(own, key=lambda n: n.path):
            above = self.tree.by_path.get(dirname(node.path))
            if above is not None:
                node.path = join(above.path, basename(node.path))
