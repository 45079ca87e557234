"""The steps of one change: where the file goes, where its content goes, how the asset follows."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import replace

from fluxsync.core.conflicts import copy_path, existing_copy
from fluxsync.core.model import Action, Item, Kind, NameRules, Rename, Snapshot
from fluxsync.core.naming import fold
from fluxsync.core.operations import Operation
from fluxsync.core.reconcile import Change, Content, Fate
from fluxsync.core.renames import WholeRenames

__all__ = ["Steps"]


class Steps:
    """Makes the steps of changes; knows the names that conflict copies may not have."""

    def __init__(
        self,
        renames: WholeRenames,
        local: Snapshot,
        changes: Iterable[Change],
        rules: NameRules,
        conflict: str,
        rename: Rename,
        up: bool,
        label: str,
    ) -> None:
        self._renames = renames
        self._local = local
        self._changes = changes
        self._rules = rules
        self._conflict_mode = conflict
        self._rename = rename
        self._up = up
        self._label = label
        self._taken: set[str] | None = None
        self._by_digest: dict[str, list[str]] = {}

    def steps(self, change: Change, subject: int) -> list[Operation]:
        """Return the steps of a change, in order; none where only the folders around it change."""
        verdict, local, remote = change.verdict, change.local, change.remote
        now = self._renames.current(local.path) if local is not None else change.path
        row = self._row(change, now)
        base = Operation(
            Action.ADOPT, now, verdict.why, subject, row, local, remote, change.node, change.name
        )
        match verdict.fate:
            case Fate.TRASH_LOCAL:
                return [replace(base, action=Action.TRASH_LOCAL)]
            case Fate.TRASH_REMOTE:
                return [replace(base, action=Action.TRASH_REMOTE)]
        steps = []
        if verdict.fate is Fate.RESTORE:
            steps.append(replace(base, action=Action.RESTORE))
        at = replace(base, path=change.path)
        if local is not None and now != change.path:
            settles = remote is not None and self._is_settled(change)
            steps.append(replace(base, action=Action.MOVE_LOCAL, target=change.path, settles=settles))
        if remote is None:
            assert local is not None
            return [*steps, replace(at, action=Action.CREATE, size=local.size)]
        steps += self._content(at, change)
        return [*steps, *self._place(at, change, steps)]

    def _place(self, at: Operation, change: Change, before: list[Operation]) -> list[Operation]:
        """Bring home, name and labels of the asset to what they shall be."""
        remote, verdict = change.remote, change.verdict
        assert remote is not None
        steps = []
        renames = remote.place.name != change.name
        by_title = renames and self._rename is not Rename.BY_CONTENT
        if not change.node.is_home_of(remote) or by_title:
            name = change.name if by_title else remote.place.name
            steps.append(replace(at, action=Action.MOVE_REMOTE, name=name))
        elif remote.mislabelled:
            steps.append(replace(at, action=Action.LABEL))
        if renames and not by_title and not any(s.action is Action.VERSION for s in before):
            fetched = verdict.content not in (Content.NONE, Content.EQUAL) or change.local is None
            size = remote.size if fetched or change.local is None else change.local.size
            why = "renamed here" if fetched else verdict.why
            steps.append(replace(at, action=Action.VERSION, why=why, size=size))
        return steps

    def _content(self, at: Operation, change: Change) -> list[Operation]:
        remote, local = change.remote, change.local
        assert remote is not None
        down = replace(at, action=Action.DOWNLOAD, size=remote.size)
        content = change.verdict.content
        if content in (Content.NONE, Content.EQUAL):
            return []
        if content is Content.DOWN or local is None:
            return [down]
        if content is Content.UP:
            return [replace(at, action=Action.VERSION, size=local.size)]
        if self._conflict_mode == "remote":
            return [down]
        if self._conflict_mode == "local" and self._up:
            size = remote.size + local.size
            return [replace(at, action=Action.VERSION, target="bury", size=size)]
        if existing_copy(at.path, map(self._renames.current, self._alike(local.digest))):
            return [down]
        copy = copy_path(at.path, self._label, self._is_taken, max_bytes=self._rules.max_name_bytes)
        self._is_taken(copy)
        assert self._taken is not None
        self._taken.add(fold(copy, self._rules))
        return [replace(down, action=Action.CONFLICT, target=copy)]

    def _is_settled(self, change: Change) -> bool:
        """Tell whether the asset has the place already that its file is about to take."""
        return (
            change.remote is not None
            and change.node.is_home_of(change.remote)
            and change.remote.place.name == change.name
            and not change.node.moves_there
        )

    def _row(self, change: Change, now: str) -> Item | None:
        """Return the row that the steps start from: what both sides agree on before any of them."""
        local, remote, item = change.local, change.remote, change.item
        if local is None or remote is None:
            return item
        if change.verdict.content not in (Content.NONE, Content.EQUAL):
            return item
        row = item or Item(0, Kind.FILE, local.path, remote.key, remote.place.folder, remote.place.name)
        return replace(
            row,
            path=now if remote.place.name == change.name else row.path,
            revision=remote.revision,
            size=local.size,
            digest=local.digest or "",
            stamp=local.stamp,
            memo=remote.memo,
            made_here=row.made_here and row.revision == remote.revision,
        )

    def _is_taken(self, path: str) -> bool:
        if self._taken is None:
            local = self._local
            paths = {*map(self._renames.current, (*local.files, *local.folders))}
            paths |= {change.path for change in self._changes}
            self._taken = {fold(path, self._rules) for path in paths}
        return fold(path, self._rules) in self._taken

    def _alike(self, digest: str | None) -> list[str]:
        """Return the files that have this content, and keep it under their name whatever else is done."""
        if not self._by_digest:
            index: dict[str, list[str]] = defaultdict(list)
            leaving = {c.local.path for c in self._changes if c.local and c.verdict.fate is not Fate.CREATE}
            for path, entry in self._local.files.items():
                if path not in leaving:
                    index[entry.digest or ""].append(path)
            self._by_digest = index
        return self._by_digest.get(digest, []) if digest else []
