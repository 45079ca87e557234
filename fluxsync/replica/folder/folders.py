"""Making, renaming and removing folders."""

from __future__ import annotations

import os
import stat

from fluxsync.core.model import Entry, Kind, Place
from fluxsync.core.paths import is_below, join
from fluxsync.errors import Rejected, Stale
from fluxsync.replica.folder import syscalls
from fluxsync.replica.folder.busy import Patience, make_sure_idle
from fluxsync.replica.folder.facts import Facts
from fluxsync.replica.folder.ignore import is_junk
from fluxsync.replica.folder.names import same_name
from fluxsync.replica.folder.root import FOLDER_FLAGS, Root, check_path, make_folders
from fluxsync.replica.folder.stamps import lstat, stamp_at
from fluxsync.replica.folder.syscalls import At
from fluxsync.replica.folder.translate import translated
from fluxsync.replica.folder.trash import Trash

__all__ = ["Folders"]


class Folders:
    """The folders below a root."""

    def __init__(self, root: Root, trash: Trash, facts: Facts, patience: Patience) -> None:
        self._root = root
        self._trash = trash
        self._facts = facts
        self._patience = patience

    def make(self, path: str) -> Entry:
        """Make a folder, and those on the way to it. Raises `Stale` where something else is in the way."""
        with self._root.opened() as top, translated(path):
            os.close(make_folders(top, check_path(path)))
            with self._root.parent(top, path) as at:
                return Entry(Kind.FOLDER, Place("", path), stamp=stamp_at(at))

    def move(self, folder: Entry, new: str) -> Entry:
        """Rename a folder to a free name. Raises `Stale`, `Rejected`, `Busy` while a file in it is open."""
        old = folder.path
        if is_below(new, old):
            raise Rejected(f"{old}: a folder cannot go into itself")
        with (
            self._root.opened() as top,
            translated(f"{old} -> {new}"),
            self._root.parent(top, old) as source,
            self._root.parent(top, new) as target,
        ):
            # RACE: another folder that gets this name right now is moved instead; nothing in it is lost, the
            # next scan finds it, and its files, at the new place.
            _expect(source, folder)
            self._patience.await_idle(old, lambda: _make_sure_idle(source, old))
            try:
                syscalls.rename_new(source, target)
            except FileExistsError:
                same = old != new and same_name(old, new, self._facts.names())
                if not (same and lstat(source).st_ino == lstat(target).st_ino):
                    raise
                syscalls.rename(source, target)
            syscalls.sync_folder(target.fd)
            syscalls.sync_folder(source.fd)
            return Entry(Kind.FOLDER, Place("", new), stamp=stamp_at(target))

    def remove(self, folder: Entry) -> None:
        """Remove an empty folder; what systems leave in folders goes to the trash. Gone is no error.

        Raises `Stale` when anything else is in it, or when it is another folder.
        """
        path = folder.path
        try:
            with self._root.opened() as top, translated(path), self._root.parent(top, path) as at:
                _expect(at, folder)
                try:
                    syscalls.rmdir(at)
                except FileNotFoundError:
                    raise
                except OSError:
                    self._trash_junk(top, at, path)
                    syscalls.rmdir(at)
                syscalls.sync_folder(at.fd)
        except Stale as error:
            if not isinstance(error.__cause__, FileNotFoundError):
                raise

    def _trash_junk(self, top: int, at: At, path: str) -> None:
        fd = os.open(at.name, FOLDER_FLAGS, dir_fd=at.fd)
        try:
            names = os.listdir(fd)
            if not all(is_junk(name) and stat.S_ISREG(lstat(At(fd, name)).st_mode) for name in names):
                raise Stale(f"{path}: the folder is not empty")
            for name in names:
                self._trash_one(top, At(fd, name), join(path, name))
        finally:
            os.close(fd)

    def _trash_one(self, top: int, at: At, path: str) -> None:
        with self._trash.take(top, path, lambda slot: syscalls.rename_new(at, slot)):
            pass


def _expect(at: At, folder: Entry) -> None:
    status = lstat(at)
    if not stat.S_ISDIR(status.st_mode):
        raise Stale(f"{folder.path}: it is no folder any more")
    if folder.stamp is not None and status.st_ino != folder.stamp.inode:
        raise Stale(f"{folder.path}: another folder has that name now")


def _make_sure_idle(at: At, path: str) -> None:
    """Raise `Busy` while somebody works on a file below a folder: programs save to the path they know."""
    fd = os.open(at.name, FOLDER_FLAGS, dir_fd=at.fd)
    try:
        with os.scandir(fd) as listing:
            entries = list(listing)
        for entry in entries:
            if entry.is_dir(follow_symlinks=False):
                _make_sure_idle(At(fd, entry.name), join(path, entry.name))
            elif entry.is_file(follow_symlinks=False) and not is_junk(entry.name):
                make_sure_idle(At(fd, entry.name), join(path, entry.name))
    finally:
        os.close(fd)
