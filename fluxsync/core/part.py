"""A part of a pair, closed so that it can be reconciled alone: what a pass over a few dirty paths decides on.

Every item that the paths may have to do with is in it: those at and below them, and those of which a new file
there may be what became of them. Of everything else only folders are in it, as the ancestor knows them. What
the account shows is assumed to be what the ancestor says, but for items that were looked at: each write reads
its asset afresh, and where it is another, the assumption is given up. Whatever a part cannot judge makes the
pass look at everything.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace

from fluxsync.core.model import EMPTY_DIGEST, Entry, Item, Kind, Place, Scope, Snapshot, State
from fluxsync.core.paths import ancestors
from fluxsync.core.reconciliation import Reconciliation
from fluxsync.core.removal import HERE, deleted_here, gone_here
from fluxsync.core.tree import Node

__all__ = [
    "Part",
    "Unmet",
    "assumed",
    "close",
    "contradiction",
    "covered",
    "is_still",
    "on_the_way",
    "postpone",
    "removed",
    "unmet",
]

#: The asset is on the account.
_THERE = (State.AGREED, State.KEPT_THERE, State.TRASHED, State.SUPERSEDED)


@dataclass(frozen=True, slots=True)
class Part:
    """What is reconciled, and what else the folder showed at the paths."""

    items: list[Item]
    local: Snapshot
    remote: Snapshot
    #: The paths that were looked at, quiet files among them.
    present: Mapping[str, Entry]


@dataclass(frozen=True, slots=True)
class Unmet:
    """What no item accounts for, by which items elsewhere may be known to have moved here."""

    inodes: frozenset[int] = frozenset()
    contents: frozenset[str] = frozenset()


def assumed(item: Item) -> Entry | None:
    """Return what the account shows of a file if nothing has changed there; None: nothing."""
    if item.kind is not Kind.FILE or item.state not in _THERE:
        return None
    return Entry(
        Kind.FILE,
        Place(item.folder, item.name),
        item.key,
        item.revision,
        item.size,
        item.digest or None,
        trashed=item.state is State.TRASHED,
        memo=item.memo,
    )


def covered(path: str, paths: Collection[str]) -> bool:
    """Tell whether a path is one of these or below one; "" covers everything."""
    return path in paths or "" in paths or any(folder in paths for folder in ancestors(path))


def unmet(local: Snapshot, items: Iterable[Item]) -> Unmet:
    """Return the evidence of files and folders that no item at their path accounts for."""
    files = {item.path: item for item in items if item.kind is Kind.FILE and item.state is State.AGREED}
    folders = {item.path: item.stamp for item in items if item.kind is Kind.FOLDER}
    inodes: set[int] = set()
    contents: set[str] = set()
    for path, entry in local.files.items():
        if path not in files:
            if entry.stamp is not None:
                inodes.add(entry.stamp.inode)
            if entry.digest is not None and entry.digest != EMPTY_DIGEST:
                contents.add(entry.digest)
    for path, entry in local.folders.items():
        known = folders.get(path)
        if entry.stamp is not None and (known is None or known.inode != entry.stamp.inode):
            inodes.add(entry.stamp.inode)
    return Unmet(frozenset(inodes), frozenset(contents))


def on_the_way(local: Snapshot, folders: Iterable[Item]) -> set[str]:
    """Return the folders that lead to something seen, and of which nothing more is known."""
    known = {item.path for item in folders if item.stamp is not None} | local.folders.keys()
    wanted: set[str] = set()
    for path in (*local.files, *local.folders):
        wanted.update(folder for folder in ancestors(path) if folder not in known)
    return wanted


def close(
    items: Iterable[Item],
    folders: Iterable[Item],
    local: Snapshot,
    paths: Collection[str],
    looked: Snapshot,
) -> Part:
    """Return the part that these items make up, with all folders.

    `local` shows the paths and `looked` the assets that were asked for, with all tags of the account.
    """
    asked = looked.scope.members or frozenset()
    kept: list[Item] = []
    quiet: set[str] = set()
    for item in items:
        if item.kind is not Kind.FILE:
            continue
        if item.key not in asked and _is_quiet(item, local.files.get(item.path)):
            quiet.add(item.path)
        else:
            kept.append(item)
    rows = list(folders)
    there: dict[str, Entry] = dict(looked.files)
    for item in kept:
        entry = assumed(item) if item.key not in asked else None
        if entry is not None:
            there[item.key] = entry
    keys = {item.key for item in (*kept, *rows) if item.key}
    return Part(
        [*rows, *kept],
        replace(
            local,
            files={path: entry for path, entry in local.files.items() if path not in quiet},
            folders=_folders(local, rows, paths),
            scope=Scope(),
        ),
        replace(
            looked,
            files=there,
            folders={key: entry for key, entry in looked.folders.items() if key in keys},
            scope=Scope(frozenset(keys | asked)),
        ),
        local.files,
    )


def _is_quiet(item: Item, entry: Entry | None) -> bool:
    """Tell whether a file lies where it lay, as it was, and its asset is where that is agreed."""
    if entry is None or item.state not in HERE:
        return False
    return entry.digest == item.digest and entry.stamp == item.stamp


def _folders(local: Snapshot, rows: Iterable[Item], paths: Collection[str]) -> dict[str, Entry]:
    """Return the folders that were seen, and those of the ancestor of which nothing else is known."""
    found = {
        item.path: Entry(Kind.FOLDER, Place("", item.path), stamp=item.stamp)
        for item in rows
        if item.state in HERE and not covered(item.path, paths)
    }
    found.update(local.folders)
    return found


def is_still(part: Part) -> bool:
    """Tell whether the folder shows nothing that is not agreed: no look at the account is needed."""
    if part.local.files or part.local.unknown or part.local.problems:
        return False
    at = {
        item.path: item for item in part.items if item.kind is Kind.FOLDER and item.state is not State.TRASHED
    }
    for path, entry in part.local.folders.items():
        item = at.get(path)
        if item is None or item.state not in HERE:
            return False
        if item.stamp is not None and entry.stamp is not None and item.stamp.inode != entry.stamp.inode:
            return False
    return not any(
        item.state in HERE and (item.kind is Kind.FILE or item.path not in part.local.folders)
        for item in part.items
    )


def removed(part: Part, result: Reconciliation) -> set[str]:
    """Return the paths, files and folders, whose deletion here is about to be answered or remembered."""
    gone = set(deleted_here(result.changes))
    gone.update(row.path for row in result.agreements if row.state is State.KEPT_THERE)
    return gone | {item.path for item, node in _removed_folders(part, result) if not node.unknown}


def postpone(part: Part, result: Reconciliation, paths: Collection[str]) -> None:
    """Take the deletions of these paths out of what is to be done: they are neither here nor gone yet."""
    result.changes = [c for c in result.changes if (i := gone_here(c)) is None or i.path not in paths]
    result.agreements = [
        row for row in result.agreements if not (row.state is State.KEPT_THERE and row.path in paths)
    ]
    for item, node in _removed_folders(part, result):
        if item.path in paths:
            node.unknown = True


def _removed_folders(part: Part, result: Reconciliation) -> Iterator[tuple[Item, Node]]:
    for item in part.items:
        if item.kind is Kind.FOLDER and item.state is State.AGREED and item.path not in part.local.folders:
            node = result.tree.by_key.get(item.key)
            if node is not None and node.here is None:
                yield item, node


def contradiction(part: Part, looked: Snapshot, result: Reconciliation) -> str:
    """Return why only a look at everything can judge what a part shows; "" where the part will do."""
    by_key = {item.key: item for item in part.items}
    for item in part.items:
        if item.kind is Kind.FOLDER and item.key and item.state is not State.KEPT_HERE:
            tag = looked.folders.get(item.key)
            if tag is None or tag.place.name != item.name:
                return "a tag was deleted or renamed on the account"
    names = {tag.place.name for key, tag in looked.folders.items() if key not in by_key}
    if names and any(not node.key and node.name in names for node in result.tree.nodes()):
        return "a new folder has a tag on the account"
    for key, entry in looked.files.items():
        known = by_key.get(key)
        if known is None or (entry.place.folder, entry.place.name) != (known.folder, known.name):
            return "an asset was moved or renamed on the account"
    if _shares_its_tag(part, result):
        return "a renamed folder shares its tag"
    if any(_has_gone(key, by_key, looked) for key in looked.scope.members or ()):
        return "an asset has gone from the account"
    return ""


def _shares_its_tag(part: Part, result: Reconciliation) -> bool:
    """Tell whether a folder that was renamed here does not rename its tag, as far as a part can see."""
    rows = {item.path for item in part.items if item.kind is Kind.FOLDER}
    new = {
        e.stamp.inode for path, e in part.local.folders.items() if path not in rows and e.stamp is not None
    }
    for item in part.items:
        if item.kind is Kind.FOLDER and item.stamp is not None and item.stamp.inode in new:
            node = result.tree.by_key.get(item.key)
            if node is not None and node.here is None and node.item is item:
                return True
    return False


def _has_gone(key: str, known: Mapping[str, Item], looked: Snapshot) -> bool:
    """Tell whether an asset that was agreed on is in the trash or gone: limits and doubts need the others."""
    item, entry = known.get(key), looked.files.get(key)
    return item is not None and item.state is State.AGREED and (entry is None or entry.trashed)
