"""What the files of a plan need: folders and tags that are made, renamed, written down."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from fluxsync.core.leftovers import Leftovers, fill
from fluxsync.core.model import Action, Entry, Item, Kind, Snapshot, State
from fluxsync.core.operations import Operation, Plan
from fluxsync.core.paths import basename
from fluxsync.core.reconcile import Change
from fluxsync.core.renames import WholeRenames
from fluxsync.core.tree import Node, Tree

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
_ON_FOLDERS = (Action.MAKE_TAG, Action.RENAME_TAG, Action.MAKE_FOLDER, Action.RENAME_FOLDER)
_BRINGING = (Action.MAKE_FOLDER, Action.RENAME_FOLDER, Action.MOVE_LOCAL, Action.DOWNLOAD)
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
        Leftovers(self._tree, self._local, self._renames, self._step).plan(plan, up=self._up, down=self._down)

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
        filled = self._filled(plan)
        for node in self._tree.nodes():
            if node.key:
                continue
            if id(node) in wanted:
                made.append(self._step(Action.MAKE_TAG, node, node.path, "for the files in it"))
            elif node.here is not None and node.item is None and _may_be_sent_empty(node.here, filled):
                stands_at_ns = self._stands_at_ns(node.here)
                if stands_at_ns > self._now_ns:
                    plan.young[node.here.path] = stands_at_ns
                else:
                    made.append(self._step(Action.MAKE_TAG, node, node.path, "empty folder made here"))
        plan.tags += sorted(made, key=lambda step: step.path)

    def _filled(self, plan: Plan) -> set[str]:
        """Return the folders here with something in them, or about to come into them."""
        filled: set[str] = set()
        for step in (*plan.local, *plan.transfers):
            if step.action in _BRINGING:
                fill(filled, step.target or step.path)
        for path in (*self._local.files, *self._local.folders, *(u.path for u in self._local.unknown)):
            fill(filled, path)
        return filled

    def _stands_at_ns(self, folder: Entry) -> int:
        """Return when a folder that stays as it is will have stood for so long."""
        assert folder.stamp is not None
        times = (folder.stamp.mtime_ns, folder.stamp.ctime_ns)
        # One that lies far in the future tells nothing, and would be waited for for ever.
        return max((t for t in times if t <= self._now_ns + _EMPTY_STANDS_NS), default=0) + _EMPTY_STANDS_NS

    # -- rows

    def _agree(self, plan: Plan) -> None:
        """Write down the folders that both sides show alike."""
        busy = {id(s.node) for s in (*plan.tags, *plan.local) if s.action in _ON_FOLDERS}
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


def _may_be_sent_empty(folder: Entry, filled: set[str]) -> bool:
    if folder.stamp is None or basename(folder.path).casefold() in _DEFAULT_NAMES:
        return False
    return folder.path not in filled


def _alike(row: Item, item: Item | None) -> bool:
    """Tell whether two rows of a folder differ in nothing but times, which nobody asks for."""
    if item is None or row.stamp is None or item.stamp is None:
        return False
    return row.stamp.inode == item.stamp.inode and replace(row, stamp=None) == replace(item, stamp=None)
