"""Which assets in the trash of the account are deleted for good, and when none is."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence

from fluxsync.core.decision import Content, Fate, Verdict
from fluxsync.core.model import Action, Entry, Item, Snapshot, State
from fluxsync.core.operations import Operation
from fluxsync.core.paths import dirname, join
from fluxsync.core.reconciliation import Change
from fluxsync.core.trash import DAY_S
from fluxsync.core.tree import Node

__all__ = ["due", "is_suspect", "operations", "trashed_path"]


def due(
    remote: Snapshot,
    items: Collection[Item],
    seen: Mapping[str, float],
    days: float,
    changes: Iterable[Change] = (),
) -> list[Change]:
    """Return a change for each asset whose days in the trash are over, by the service's clock.

    They begin with the later of its last change and the moment from which this journal knows it to be there
    (`seen`, by key). An asset that a file here still belongs to, or that new content takes out of the trash,
    is none of them, nor is one that `changes` are about, whatever comes of these. 0 days: for ever.
    """
    now_s = remote.clock_s
    if now_s is None or not days:
        return []
    known = {item.key: item for item in items if item.key}
    wanted = {change.remote.key for change in changes if change.remote is not None}
    found = []
    for key, entry in remote.files.items():
        if not entry.trashed or key not in seen or key in wanted:
            continue
        since = max(seen[key], entry.modified_ns / 1e9)
        if now_s - since < days * DAY_S or _is_needed(entry, known.get(key)):
            continue
        path = trashed_path(entry, known.get(key), remote)
        why = f"in the trash for {days:g} day{'' if days == 1 else 's'}"
        node = Node(dirname(path), dirname(path))
        verdict = Verdict(Fate.PURGE, why=why)
        found.append(Change(verdict, path, node, entry.place.name, known.get(key), None, entry))
    return sorted(found, key=lambda change: change.path)


def is_suspect(remote: Snapshot, changes: Iterable[Change]) -> bool:
    """Tell whether the account shows anything for which nothing should be deleted there for good now."""
    if not remote.complete or not remote.scope.everything or remote.unknown or remote.trash_lost:
        return True
    return any(
        change.verdict.content is Content.CONFLICT
        and change.item is not None
        and change.remote is not None
        and change.remote.revision <= change.item.revision
        for change in changes
    )


def operations(changes: Sequence[Change], first_subject: int) -> list[Operation]:
    """Return the steps that delete assets for good; each is a subject of its own."""
    return [
        Operation(Action.PURGE, c.path, c.verdict.why, subject, c.item, remote=c.remote, name=c.name)
        for subject, c in enumerate(changes, first_subject)
    ]


def trashed_path(entry: Entry, item: Item | None, remote: Snapshot) -> str:
    """Return where an asset in the trash lay on this disk, or would have."""
    if item is not None:
        return item.path
    folder = remote.folders.get(entry.place.folder)
    return join(folder.place.name if folder is not None else "", entry.place.name)


def _is_needed(entry: Entry, item: Item | None) -> bool:
    if item is None:
        return False
    returns = item.state is State.TRASHED and entry.revision > item.revision
    return item.state in (State.AGREED, State.KEPT_HERE) or returns
