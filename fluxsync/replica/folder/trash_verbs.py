"""What may be done with the files that lie in the local trash."""

from __future__ import annotations

import os

from fluxsync.core.model import Entry, Kind, Place
from fluxsync.core.paths import join
from fluxsync.core.trash import TrashedFile
from fluxsync.replica.folder import syscalls
from fluxsync.replica.folder.apply import Apply
from fluxsync.replica.folder.root import Root
from fluxsync.replica.folder.source import digest_of, open_file
from fluxsync.replica.folder.stamps import stamp_at
from fluxsync.replica.folder.translate import translated
from fluxsync.replica.folder.trash import Trash

__all__ = ["TrashVerbs"]


class TrashVerbs:
    """The verbs of the folder that are about its trash. Raises `Halted` as all of them do."""

    def __init__(self, root: Root, trash: Trash, apply: Apply) -> None:
        self._root = root
        self._trash = trash
        self._apply = apply

    def list_trash(self) -> list[TrashedFile]:
        """List the local trash, oldest first."""
        with self._root.opened() as top, translated(self._root.path):
            return self._trash.files(top)

    def trash_bytes(self) -> int:
        """Return how many bytes the local trash holds: one look at each name, no file is read."""
        with self._root.opened() as top, translated(self._root.path):
            return self._trash.bytes(top)

    def trashed_digest(self, where: str) -> str:
        """Read a file in the trash and return its digest. Raises `Stale` where it is gone, `Rejected`."""
        with self._root.opened() as top, translated(where), self._trash.slot(top, where) as slot:
            fd = open_file(slot.at)
            try:
                return digest_of(fd)
            finally:
                os.close(fd)

    def restore_trashed(self, where: str, place: Place) -> Entry:
        """Move a file out of the trash to a free name. Raises `Stale` where that is taken."""
        path = join(place.folder, place.name)
        with self._root.opened() as top, translated(path):
            with self._trash.slot(top, where) as slot, self._root.parent(top, path) as target:
                self._apply.publish(slot.at, target, path)
                syscalls.sync_folder(slot.at.fd)
                stamp = stamp_at(target)
            self._trash.tidy(top, where)
        return Entry(Kind.FILE, place, size=stamp.size, stamp=stamp)

    def drop_trashed(self, where: str) -> None:
        """Delete a file in the trash for good. Raises `Stale` where it is gone, `Rejected`."""
        with self._root.opened() as top, translated(where):
            self._trash.drop(top, where)

    def disk_bytes(self) -> int:
        """Return the size of the disk that holds the root."""
        with self._root.opened() as top, translated(self._root.path):
            room = os.fstatvfs(top)
            return room.f_blocks * room.f_frsize
