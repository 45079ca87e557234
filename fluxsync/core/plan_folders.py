"""What happens to folders and tags around the files of a plan."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace

from fluxsync.core.folders import Node, Tree
from fluxsync.core.model import Action, Entry, Item, Kind, Snapshot, State
from fluxsync.core.operations import Operation, Plan
from fluxsync.core.paths import ancestors, basename, dirname
from fluxsync.core.reconcile import Change
from fluxsync.core.renames import WholeRenames

__all__ = ["FolderPlan"]

#: An empty folder is sent once it has stood so long under a name of its own.
_EMPTY_STANDS_NS = 60 * 10**9
_DEFAULT_NAMES = frozenset(
    {
        "untitled folder",
        "new folder",
        "neuer ordner",
        "nouveau dossier",
        "dossier sans titre",
        "nueva carpeta",
        "carpeta sin título",
        "nuova cartella",
        "cartella senza titolo",
        "ordner ohne titel",
        "nieuwe map",
        "naamloze map",
        "nova pasta",
        "pasta sem título",
        "unbenannter ordner",
        "新しいフォルダー",
        "新建文件夹",
    }
)
_LEAVING = (Action.TRASH_LOCAL, Action.MOVE_LOCAL)
_SENDING = (Action.CREATE, Action.VERSION, Action.MOVE_REMOTE)


class FolderPlan:
    """The folders of one plan: what files need before they come, and what they leave behind."""

    def __init__(
        self, tree: Tree, local: Snapshot, renames: WholeRenames, *, up: bool, down: bool, now_ns: int
    ) -> None:
        self._tree = tree
        self._local = local
        self._renames = renames
        self._up = up
        self._down = down
        self._now_ns = now_ns
        self._carried: dict[int, list[Item]] = {}
        self._subject = -1

    def carry(self, change: Change) -> None:
        """Let a file that only its folder moves advance together with that folder."""
        item, local, remote = change.item, change.local, change.remote
        if item is None or local is None or remote is None:
            return
        row = replace(
            item, path=change.path, folder=remote.place.folder, name=remote.place.name, memo=remote.memo
        )
        mover = self._renames.carrier(local.path) or change.node
        self._carried.setdefault(id(mover), []).append(row)

    def renamed(self) -> list[Operation]:
        """Return the renames of whole folders, each with the rows that it carries."""
        return [
            self._step(
                Action.RENAME_FOLDER,
                node,
                old,
                "tag renamed on the account",
                target=node.path,
                carries=tuple(self._carried.pop(id(node), ())),
            )
            for old, node in self._renames.by_path.items()
        ]

    def made(self, steps: Iterable[Operation]) -> list[Operation]:
        """Return the folders that have to be made before files come into them, and the empty ones."""
        if not self._down:
            return []
        arriving = {
            id(step.node)
            for step in steps
            if step.action is Action.MOVE_LOCAL or (step.action is Action.DOWNLOAD and step.local is None)
        }
        renamed = {id(node) for node in self._renames.by_path.values()}
        made = []
        for node in sorted(self._tree.nodes(), key=lambda n: n.path):
            if node.unknown or id(node) in renamed or not (node.here is None or node.moves_here):
                continue
            if node.here is not None:
                needed = self._renames.carrier(node.here.path) is None
            else:
                empty = node.there is not None and node.there.carried == 0 and node.item is None
                needed = id(node) in arriving or (empty and self._local.admits(node.path + "/"))
            if needed:
                made.append(self._step(Action.MAKE_FOLDER, node, node.path, "tag on the account"))
        return made

    def complete(self, plan: Plan) -> None:
        """Add the tags, the rows that both sides agree on, and what is to be removed."""
        if self._up:
            self._tags(plan)
        self._agree(plan)
        self._cleanup(plan)

    def _step(self, action: Action, node: Node, path: str, why: str, **more: object) -> Operation:
        """Return a step on a folder; its subject is its own, apart from those of the changes."""
        step = Operation(action, path, why, self._subject, node.item, node.here, node.there, node, node.name)
        self._subject -= 1
        return replace(step, **more)  # type: ignore[arg-type]

    # -- tags

    def _tags(self, plan: Plan) -> None:
        wanted = {id(s.node) for s in plan.transfers if s.action in _SENDING}
        for node in self._tree.by_key.values():
            if node.key and node.moves_there and not node.unknown:
                carries = tuple(self._carried.pop(id(node), ()))
                why = "folder renamed here"
                plan.tags.append(self._step(Action.RENAME_TAG, node, node.path, why, carries=carries))
        made = []
        filled = self._filled()
        for node in self._tree.nodes():
            if node.key:
                continue
            if id(node) in wanted:
                made.append(self._step(Action.MAKE_TAG, node, node.path, "for the files in it"))
            elif node.here is not None and node.item is None and self._stands_empty(node.here, filled):
                made.append(self._step(Action.MAKE_TAG, node, node.path, "empty folder made here"))
        plan.tags += sorted(made, key=lambda step: step.path)

    def _filled(self) -> set[str]:
        """Return the folders here with something in them."""
        filled: set[str] = set()
        for path in (*self._local.files, *self._local.folders, *(u.path for u in self._local.unknown)):
            _fill(filled, path)
        return filled

    def _stands_empty(self, folder: Entry, filled: set[str]) -> bool:
        if folder.stamp is None or basename(folder.path).casefold() in _DEFAULT_NAMES:
            return False
        if self._now_ns - max(folder.stamp.mtime_ns, folder.stamp.ctime_ns) < _EMPTY_STANDS_NS:
            return False
        return folder.path not in filled

    # -- rows

    def _agree(self, plan: Plan) -> None:
        """Write down the folders that both sides show alike."""
        busy = {id(s.node) for s in (*plan.tags, *plan.local)}
        for node in self._tree.nodes():
            if id(node) in busy or node.unknown or node.here is None or node.there is None:
                continue
            carried = self._renames.carrier(node.here.path) is not None
            if (node.moves_here and not carried) or node.moves_there:
                continue
            row = replace(
                node.item or Item(0, Kind.FOLDER, "", node.key, "", ""),
                path=node.path,
                key=node.key,
                name=node.there.place.name,
                stamp=node.here.stamp,
                memo=node.there.memo,
                state=State.AGREED,
            )
            if not _alike(row, node.item):
                plan.agreements.append(row)
        for rows in self._carried.values():
            plan.agreements.extend(rows)

    # -- what is left behind

    def _cleanup(self, plan: Plan) -> None:
        filled = self._filled_after(plan)
        made = {step.path: id(step.node) for step in plan.local if step.action is Action.MAKE_FOLDER}
        coming = set(made.values())
        for node in self._tree.nodes():
            item = node.item
            if node.unknown or item is None:
                continue
            if node.here is None and id(node) not in coming:
                self._removed_here(plan, node, item)
            elif node.here is not None and node.there is None and item.state is State.AGREED:
                wanted = any(s.action is Action.MAKE_TAG and s.node is node for s in plan.tags)
                if not wanted:
                    # Should anything be left of the folder, its tag is not made again for that.
                    plan.agreements.append(
                        replace(item, path=node.here.path, stamp=node.here.stamp, state=State.KEPT_HERE)
                    )
        if not self._down:
            return
        for path in sorted(self._emptied(plan), key=lambda p: (-p.count("/"), p)):
            if path in filled or path in made:
                continue
            owner = self._tree.by_path.get(path)
            if owner is None or owner.here is None or owner.path != path:
                owner = Node(path, path)
            why = "emptied by changes on the account"
            plan.cleanup.append(self._step(Action.REMOVE_FOLDER, owner, path, why))

    def _removed_here(self, plan: Plan, node: Node, item: Item) -> None:
        """A folder that a person removed stays removed; its tag goes with the machine that made it."""
        if node.there is None:
            plan.forget.append(item)
        elif item.made_here and node.there.carried == 0:
            if self._up:
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
            _fill(filled, path)
        for path in self._folders_after(plan):
            _fill(filled, path)
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


def _fill(filled: set[str], path: str) -> None:
    """Mark the folders above a path; those above a marked one are marked already."""
    for folder in ancestors(path):
        if folder in filled:
            return
        filled.add(folder)


def _alike(row: Item, item: Item | None) -> bool:
    """Tell whether two rows of a folder differ in nothing but times, which nobody asks for."""
    if item is None or row.stamp is None or item.stamp is None:
        return False
    return row.stamp.inode == item.stamp.inode and replace(row, stamp=None) == replace(item, stamp=None)
