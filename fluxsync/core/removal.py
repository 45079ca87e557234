"""Is a removal still running? What vanished leaves its trace in the time of the folder that held it."""

from __future__ import annotations

from collections.abc import Collection, Iterable

from fluxsync.core.model import Item, Kind, Snapshot, State
from fluxsync.core.paths import ancestors
from fluxsync.core.reconcile import Change, Fate

__all__ = ["HERE", "deleted_here", "deleted_there", "gone_here", "is_over", "may_have_moved", "more_gone"]

#: The file is in the folder.
HERE = (State.AGREED, State.KEPT_HERE)


def gone_here(change: Change) -> Item | None:
    """Return the item of a change that answers a deletion here, by repeating it or by bringing the file back.

    Done too soon, either makes two files of one that is only on its way to another place.
    """
    item = change.item
    return item if item is not None and item.state in HERE and change.local is None else None


def deleted_here(changes: Iterable[Change]) -> frozenset[str]:
    """Return the paths whose deletion here is about to be answered."""
    return frozenset(item.path for item in map(gone_here, changes) if item is not None)


def deleted_there(changes: Iterable[Change]) -> frozenset[str]:
    """Return the paths of the assets whose deletion on the account is about to be repeated here."""
    return frozenset(change.path for change in changes if change.verdict.fate is Fate.TRASH_LOCAL)


def is_over(paths: Collection[str], local: Snapshot, since_ns: int) -> bool:
    """Tell whether each folder that held one of the paths has been as it is since then.

    Where that folder is gone, too, the one above it knows; of the root nobody asks.
    """
    for path in paths:
        folder = next((folder for folder in ancestors(path) if folder in local.folders), None)
        stamp = local.folders[folder].stamp if folder is not None else None
        if stamp is None or stamp.mtime_ns > since_ns:
            return False
    return True


def more_gone(before: Snapshot, after: Snapshot, items: Iterable[Item]) -> bool:
    """Tell whether a later look at the folder lacks tracked files that an earlier one has shown."""
    unknown = {gap.path for gap in after.unknown}
    return any(
        item.path in before.files
        and item.path not in after.files
        and unknown.isdisjoint((item.path, *ancestors(item.path), ""))
        for item in items
        if item.kind is Kind.FILE and item.state is State.AGREED
    )


def may_have_moved(gone: Iterable[Item], before: Snapshot, after: Snapshot) -> bool:
    """Tell whether a later look shows a file, read or not, that may be one of these and that was not there.

    A move keeps the inode or the content.
    """
    known = before.files.keys() | {gap.path for gap in before.unknown}
    come = [entry.stamp for path, entry in after.files.items() if path not in known]
    come += [gap.stamp for gap in after.unknown if gap.path not in known]
    sizes = {stamp.size for stamp in come if stamp is not None}
    inodes = {stamp.inode for stamp in come if stamp is not None}
    return any(item.size in sizes or (item.stamp is not None and item.stamp.inode in inodes) for item in gone)
