"""Compares a snapshot with the ancestor: one update for each item and side.

Absence is an update only inside the scope of a complete snapshot, and not below something unknown; nor where
the file may have become one that was not read yet.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import Enum

from fluxsync.core.model import Entry, Item, Kind, Snapshot, State
from fluxsync.core.moves import match_files, match_folders
from fluxsync.core.paths import dirname, rebase
from fluxsync.core.unknown import UnknownPaths

__all__ = ["LocalView", "Presence", "Update", "absence_counts", "observe_local", "observe_remote"]


class Presence(Enum):
    HERE = "here"
    GONE = "gone"
    TRASHED = "trashed"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Update:
    """What one side shows of an item now, compared with the ancestor."""

    presence: Presence
    entry: Entry | None = None
    #: The evidence says that the content is another than the ancestor's.
    edited: bool = False
    #: It lies elsewhere or has another name.
    moved: bool = False
    #: It had gone, and its asset with it into the trash or not; now a file is back at its path.
    returned: bool = False
    #: It is shorter than what both sides agreed on, and nobody has saved it since: a loss of power.
    damaged: bool = False
    #: The account's version went back, or its size changed under the same version.
    backwards: bool = False
    #: The new content had been sent before it went to the trash: it is part of what was deleted.
    trashed_last: bool = False
    #: Of what is unknown: where it can only be now, since its folder was renamed; "": where it was.
    path: str = ""


UNKNOWN = Update(Presence.UNKNOWN)
GONE = Update(Presence.GONE)


@dataclass(slots=True)
class LocalView:
    """The folder, item by item. An item without an update lies where it lay, as it was."""

    updates: dict[int, Update] = field(default_factory=dict)
    #: Files and folders that no item accounts for, by path.
    new_files: dict[str, Entry] = field(default_factory=dict)
    new_folders: dict[str, Entry] = field(default_factory=dict)


def observe_local(snapshot: Snapshot, items: Iterable[Item]) -> LocalView:
    """Find for each item what the folder shows of it, moves included.

    `moved` means another path; whether that is another place is for the folders to say, since a file in a
    renamed folder has not moved.
    """
    view = LocalView()
    view.new_files = dict(snapshot.files)
    view.new_folders = dict(snapshot.folders)
    lost_files: list[Item] = []
    lost_folders: list[Item] = []
    files: list[Item] = []
    for item in items:
        if item.state in (State.TRASHED, State.SUPERSEDED, State.KEPT_THERE):
            continue
        if item.kind is Kind.FOLDER:
            folder = view.new_folders.pop(item.path, None)
            if folder is None:
                lost_folders.append(item)
            elif item.stamp is None or folder.stamp is None or folder.stamp.inode != item.stamp.inode:
                view.updates[item.id] = Update(Presence.HERE, folder)
            continue
        files.append(item)
        entry = view.new_files.pop(item.path, None)
        if entry is None:
            lost_files.append(item)
        elif entry.digest != item.digest or entry.stamp != item.stamp:
            damaged = _is_damaged(item, entry)
            edited = entry.digest != item.digest and not damaged
            view.updates[item.id] = Update(Presence.HERE, entry, edited=edited, damaged=damaged)
    if not lost_files and not lost_folders:
        return view
    unknown = UnknownPaths(snapshot)
    certain = snapshot.complete
    vanished = [item for item in lost_folders if certain and not unknown.covers(item.path)]
    present = {**snapshot.files, **unknown.unread} if lost_folders and unknown.unread else snapshot.files
    renamed = match_folders(vanished, view.new_folders.values(), files, present)
    now_at = {item.path: renamed[item.id].path for item in lost_folders if item.id in renamed}
    rebased = _rebased(lost_folders, now_at)
    for item in lost_folders:
        entry = renamed.get(item.id)
        if entry is not None:
            view.new_folders.pop(entry.path, None)
            view.updates[item.id] = Update(Presence.HERE, entry, moved=True)
        else:
            lost = certain and not unknown.covers(item.path) and not unknown.hides(rebased.get(item.id, ""))
            view.updates[item.id] = GONE if lost else UNKNOWN
    vanished = [item for item in lost_files if certain and not unknown.covers(item.path)]
    rebased = _rebased(vanished, now_at)
    vanished = [item for item in vanished if item.id in rebased or not unknown.has_inode_of(item)]
    moved = match_files(vanished, view.new_files, rebased)
    for item in lost_files:
        entry = moved.get(item.id)
        if entry is not None:
            view.new_files.pop(entry.path, None)
            view.updates[item.id] = Update(
                Presence.HERE,
                entry,
                edited=entry.digest != item.digest and not _is_damaged(item, entry),
                moved=True,
                damaged=_is_damaged(item, entry),
            )
        elif not certain or unknown.covers(item.path):
            view.updates[item.id] = UNKNOWN
        else:
            view.updates[item.id] = _unseen(item, unknown, rebased.get(item.id, ""))
    return view


def observe_remote(snapshot: Snapshot, item: Item) -> Update | None:
    """Tell what the account shows of an item; None where nothing differs from the ancestor."""
    entry = snapshot.files.get(item.key)
    if entry is None:
        return GONE if absence_counts(snapshot, item) else UNKNOWN
    moved = entry.place.folder != item.folder or entry.place.name != item.name
    if entry.trashed:
        edited = entry.revision > item.revision
        return Update(Presence.TRASHED, entry, edited=edited, moved=edited and moved)
    backwards = entry.revision < item.revision or (
        entry.revision == item.revision and entry.size != item.size
    )
    edited = entry.revision > item.revision or backwards
    if edited or moved or entry.memo != item.memo or entry.mislabelled:
        return Update(Presence.HERE, entry, edited=edited, moved=moved, backwards=backwards)
    return None


def absence_counts(remote: Snapshot, item: Item) -> bool:
    """Tell whether an item that a remote snapshot does not show is gone from the account."""
    if not remote.complete or any(unknown.path == item.key for unknown in remote.unknown):
        return False
    if item.kind is Kind.FOLDER and remote.all_folders:
        return True
    return remote.scope.members is None or item.key in remote.scope.members


def _is_damaged(item: Item, entry: Entry) -> bool:
    """Tell whether a file lost its end without being saved: its time is still the one that was set here.

    Of a file that somebody else wrote, a program may have set the time back, but no program sets the ctime.
    """
    then, now = item.stamp, entry.stamp
    if then is None or now is None or entry.size >= item.size:
        return False
    if (now.inode, now.mtime_ns) != (then.inode, then.mtime_ns):
        return False
    return not item.made_here or now.ctime_ns == then.ctime_ns


def _unseen(item: Item, unknown: UnknownPaths, rebased: str) -> Update:
    """Return the update of a vanished file that is no file which was read.

    `rebased` is where it must be, once its folder was renamed; "" where that was not.
    """
    if rebased and unknown.hides(rebased):
        return Update(Presence.UNKNOWN, path=rebased if rebased in unknown.unread else "")
    return UNKNOWN if unknown.may_be(item) else GONE


def _rebased(files: Iterable[Item], renamed: Mapping[str, str]) -> dict[int, str]:
    """Return where files would lie if only the folders above them were renamed, nearest folder first."""
    if not renamed:
        return {}
    paths = {}
    for item in files:
        folder = dirname(item.path)
        while folder and folder not in renamed:
            folder = dirname(folder)
        if folder:
            paths[item.id] = rebase(item.path, folder, renamed[folder])
    return paths
