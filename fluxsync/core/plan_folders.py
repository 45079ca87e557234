"""What happens to folders and tags around the files of a plan."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import replace

from fluxsync.core.folders import Node, Tree
from fluxsync.core.model import Action, Entry, Item, Kind, Snapshot, State
from fluxsync.core.operations import Operation, Plan
from fluxsync.core.paths import ancestors, basename, dirname, is_below, rebase
from fluxsync.core.reconcile import Change

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


class FolderPlan:
    """Folders of one plan: first whole renames, then what the files leave or need."""

    def __init__(self, tree: Tree, changes: Sequence[Change], local: Snapshot, remote: Snapshot) -> None:
        self._tree = tree
        self._changes = changes
        self._local = local
        self._remote = remote
        self._renames: list[tuple[str, Node]] = []
        self._carried: dict[int, list[Item]] = {}
        self._next_subject = len(changes)

    def current(self, path: str) -> str:
        """Return where a path lies once the whole renames are done."""
        for old, node in self._renames:
            if path == old or is_below(path, old):
                return rebase(path, old, node.path)
        return path

    def rename_whole(self) -> None:
        """Choose the folders that one rename can bring to their new place, with all that lies below."""
        moving = [node for node in self._tree.nodes() if node.moves_here and node.here is not None]
        if not moving:
            return
        targets = {id(change.local): change.path for change in self._changes if change.local is not None}
        taken = {*self._local.files, *self._local.folders}
        for node in sorted(moving, key=lambda n: n.path.count("/")):
            assert node.here is not None
            old = node.here.path
            if self.current(old) != old or node.path in taken or is_below(node.path, old):
                continue
            if any(is_below(u.path, old) or u.path == old for u in self._local.unknown):
                continue
            if self._all_follow(old, node.path, targets):
                self._renames.append((old, node))

    def _all_follow(self, old: str, new: str, targets: dict[int, str]) -> bool:
        for path, entry in self._local.files.items():
            if is_below(path, old) and targets.get(id(entry), path) != rebase(path, old, new):
                return False
        return all(
            node.path == rebase(node.here.path, old, new)
            for node in self._tree.nodes()
            if node.here is not None and is_below(node.here.path, old)
        )

    def carry(self, change: Change) -> None:
        """Let a file that only its folder moves advance together with that folder."""
        if change.item is None or change.local is None or change.remote is None:
            return
        row = replace(
            change.item,
            path=change.path,
            folder=change.remote.place.folder,
            name=change.remote.place.name,
            memo=change.remote.memo,
        )
        self._carried.setdefault(id(self._moving(change)), []).append(row)

    def _moving(self, change: Change) -> Node:
        """Return the node whose renaming moves this file: its own folder or one above it."""
        assert change.local is not None
        for old, node in self._renames:
            if is_below(change.local.path, old):
                return node
        return change.node

    def complete(self, plan: Plan, moves: Sequence[Operation], up: bool, down: bool, now_ns: int) -> None:
        """Add what folders and tags need before, between and after the files' own operations."""
        steps = [*plan.transfers, *moves]
        self._tags(plan, steps, up, now_ns)
        if down:
            self._folders(plan, steps)
        self._agree(plan)
        self._cleanup(plan, moves, up, down)

    def _subject(self) -> int:
        self._next_subject += 1
        return self._next_subject

    def _step(self, action: Action, node: Node, path: str, why: str, **more: object) -> Operation:
        step = Operation(
            action, path, why, self._subject(), node.item, node.here, node.there, node, node.name
        )
        return replace(step, **more)  # type: ignore[arg-type]

    def _tags(self, plan: Plan, steps: Iterable[Operation], up: bool, now_ns: int) -> None:
        if not up:
            return
        sent = (Action.CREATE, Action.VERSION, Action.MOVE_REMOTE)
        wanted = {id(s.node): s.node for s in steps if s.action in sent and s.node is not None}
        for node in self._tree.nodes():
            if node.moves_there:
                assert node.here is not None
                carries = tuple(self._carried.pop(id(node), ()))
                plan.tags.append(
                    self._step(Action.RENAME_TAG, node, node.path, "folder renamed here", carries=carries)
                )
            elif not node.key and id(node) in wanted:
                plan.tags.append(self._step(Action.MAKE_TAG, node, node.path, "for the files in it"))
            elif not node.key and node.here is not None and self._stands_empty(node.here, now_ns):
                plan.tags.append(self._step(Action.MAKE_TAG, node, node.path, "empty folder made here"))
        plan.tags.sort(key=lambda s: (s.action is not Action.RENAME_TAG, s.path))

    def _stands_empty(self, folder: Entry, now_ns: int) -> bool:
        if folder.stamp is None or basename(folder.path).casefold() in _DEFAULT_NAMES:
            return False
        if now_ns - max(folder.stamp.mtime_ns, folder.stamp.ctime_ns) < _EMPTY_STANDS_NS:
            return False
        below = (*self._local.files, *self._local.folders, *(u.path for u in self._local.unknown))
        return not any(is_below(path, folder.path) for path in below)

    def _folders(self, plan: Plan, steps: Sequence[Operation]) -> None:
        for old, node in self._renames:
            carries = tuple(self._carried.pop(id(node), ()))
            why = "tag renamed on the account"
            plan.local.append(
                self._step(Action.RENAME_FOLDER, node, old, why, target=node.path, carries=carries)
            )
        arriving = {
            dirname(s.target or s.path) for s in steps if s.action in (Action.DOWNLOAD, Action.MOVE_LOCAL)
        }
        renamed = {id(node) for _, node in self._renames}
        for node in sorted(self._tree.nodes(), key=lambda n: n.path):
            if node.unknown or id(node) in renamed:
                continue
            empty_there = node.there is not None and node.there.carried == 0 and node.item is None
            moved_apart = node.moves_here and (node.path in arriving or empty_there)
            absent = node.here is None and (node.path in arriving or empty_there)
            if moved_apart or (absent and self._local.admits(node.path + "/")):
                plan.local.append(self._step(Action.MAKE_FOLDER, node, node.path, "tag on the account"))
        plan.local.sort(key=lambda s: _LOCAL_ORDER.get(s.action, 9))

    def _agree(self, plan: Plan) -> None:
        """Write down the folders that both sides show alike, and those that one side lost."""
        busy = {id(s.node) for s in (*plan.tags, *plan.local)}
        for node in self._tree.nodes():
            if id(node) in busy or node.unknown or node.here is None or node.there is None:
                continue
            if node.moves_here or node.moves_there:
                continue
            row = node.item or Item(0, Kind.FOLDER, "", node.key, "", "")
            agreed = replace(
                row,
                path=node.here.path,
                key=node.key,
                name=node.there.place.name,
                stamp=node.here.stamp,
                memo=node.there.memo,
                state=State.AGREED,
            )
            if agreed != node.item and not _alike(agreed, node.item):
                plan.agreements.append(agreed)
        for rows in self._carried.values():
            plan.agreements.extend(rows)

    def _cleanup(self, plan: Plan, moves: Sequence[Operation], up: bool, down: bool) -> None:
        remaining = self._remaining(plan, moves)
        left = {dirname(self.current(s.path)) for s in (*plan.local, *moves) if s.action in _LEAVING}
        made = {s.path for s in plan.local if s.action is Action.MAKE_FOLDER}
        candidates = {f for folder in left if folder for f in (folder, *ancestors(folder))}
        for node in self._tree.nodes():
            item = node.item
            if node.unknown or item is None:
                continue
            if node.here is not None:
                gone = node.there is None and node.key
                if gone or (node.moves_here and id(node) not in {id(n) for _, n in self._renames}):
                    candidates.add(node.here.path)
                if gone and remaining[node.here.path]:
                    plan.forget.append(item)
            elif node.path not in made and not remaining[node.path]:
                self._removed_here(plan, node, item, up)
        if not down:
            return
        for path in sorted(candidates, key=lambda p: (-p.count("/"), p)):
            owner = self._tree.by_path.get(path)
            stands = owner is not None and owner.there is not None and not owner.moves_here
            empty_tag = stands and owner is not None and owner.there is not None and owner.there.carried == 0
            if remaining[path] or path in made or (empty_tag and not owner_moves(owner)):
                continue
            node = owner if owner is not None else Node(path, path)
            plan.cleanup.append(
                self._step(Action.REMOVE_FOLDER, node, path, "emptied by changes on the account")
            )

    def _removed_here(self, plan: Plan, node: Node, item: Item, up: bool) -> None:
        """A folder that a person removed stays removed; its tag goes with the machine that made it."""
        if node.there is None:
            plan.forget.append(item)
        elif item.made_here and node.there.carried == 0 and up:
            plan.cleanup.append(self._step(Action.REMOVE_TAG, node, node.path, "its folder was removed here"))
        elif item.state is not State.KEPT_THERE:
            plan.agreements.append(replace(item, state=State.KEPT_THERE))

    def _remaining(self, plan: Plan, moves: Sequence[Operation]) -> Counter[str]:
        """Count what lies below each folder once the files' operations are done."""
        leaving = {s.path for s in (*plan.local, *moves) if s.action in _LEAVING}
        arriving = {s.target for s in moves if s.target} | {
            s.target if s.action is Action.CONFLICT else s.path
            for s in plan.transfers
            if s.action in (Action.DOWNLOAD, Action.CONFLICT)
        }
        counts: Counter[str] = Counter()
        paths = {self.current(path) for path in self._local.files} - leaving | arriving
        for path in paths | {u.path for u in self._local.unknown}:
            counts.update(ancestors(path))
        for path in self._local.folders:
            node = self._tree.by_path.get(path)
            if node is None or (node.there is None and node.item is None) or node.unknown:
                counts.update(ancestors(self.current(path)))
            elif node.there is not None and node.there.carried == 0 and not node.moves_here:
                counts.update(ancestors(path))
        return counts


_LEAVING = (Action.TRASH_LOCAL, Action.MOVE_LOCAL)
_LOCAL_ORDER = {Action.RENAME_FOLDER: 0, Action.TRASH_LOCAL: 1, Action.MAKE_FOLDER: 2}


def owner_moves(node: Node | None) -> bool:
    return node is not None and node.moves_here


def _alike(row: Item, item: Item | None) -> bool:
    """Tell whether two rows of a folder differ in nothing but times, which nobody asks for."""
    if item is None or row.stamp is None or item.stamp is None:
        return False
    return row.stamp.inode == item.stamp.inode and replace(row, stamp=None) == replace(item, stamp=None)
