"""A folder made of dictionaries."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import dataclass, replace

from fluxsync.core.model import (
    Capabilities,
    Entry,
    Item,
    Kind,
    Place,
    Scope,
    Snapshot,
    Stamp,
)
from fluxsync.core.paths import ancestors, basename, covering, dirname, is_below, join, rebase
from fluxsync.core.trash import TrashedFile
from fluxsync.errors import Halted, Rejected, Stale
from fluxsync.replica.base import Look, Source, Trashed
from fluxsync.replica.memory.content import digest_of, locked, read, stream

__all__ = ["MemoryFile", "MemoryFolder"]


@dataclass(slots=True)
class MemoryFile:
    content: bytes
    stamp: Stamp


class MemoryFolder:
    """A `LocalReplica`. While `missing` its root is not mounted; `room` is what `free_bytes` says."""

    def __init__(self) -> None:
        self.capabilities = Capabilities(versions=False)
        self.files: dict[str, MemoryFile] = {}
        self.folders: dict[str, Stamp] = {}
        #: Content by where it lies in the trash: a number and the path it had.
        self.trashed: dict[str, bytes] = {}
        #: When something came into the trash, in seconds since 1970; what is missing came long ago.
        self.trash_times: dict[str, float] = {}
        self.room = 1 << 40
        self.missing = False
        self._ticks = 0
        self._lock = threading.RLock()

    def stamp(self, size: int = 0) -> Stamp:
        """Return the stamp of something that was made now."""
        with self._lock:
            self._ticks += 1
            return Stamp(size, self._ticks, self._ticks, self._ticks, self._ticks)

    def renamed(self, stamp: Stamp) -> Stamp:
        """Return the stamp of something that was renamed now."""
        return replace(stamp, ctime_ns=self.stamp().ctime_ns)

    @locked
    def scan(self, scope: Scope, known: Mapping[str, Item]) -> Snapshot:
        self.make_sure()
        files = {path: self._file(path) for path in self.files if _covers(scope, path)}
        folders = {path: self._folder(path) for path in self.folders if _covers(scope, path)}
        return Snapshot(files, folders, scope=scope)

    @locked
    def differences(self, looks: Mapping[str, Look]) -> set[str]:
        self.make_sure()
        tracked = {*looks, *(folder for path in looks for folder in ancestors(path))}
        found = looks.keys() - self.files.keys() - self.folders.keys()
        for path, file in self.files.items():
            stamp = file.stamp
            if looks.get(path) != (stamp.size, stamp.mtime_ns, stamp.ctime_ns, stamp.inode):
                found.add(path)
        for path, stamp in self.folders.items():
            look = looks.get(path)
            if look != (stamp.inode,) and (look or path not in tracked):
                found.add(path)
        return covering(found)

    @locked
    def look(self, entry: Entry) -> Entry | None:
        self.make_sure()
        if entry.kind is Kind.FOLDER:
            return self._folder(entry.path) if entry.path in self.folders else None
        return self._file(entry.path) if entry.path in self.files else None

    @locked
    def open(self, entry: Entry) -> Source:
        self.expect(entry)
        return stream(self, entry, self.files[entry.path].content)

    def put(
        self,
        place: Place,
        content: Source,
        expected: Entry | None,
        *,
        aside: Place | None = None,
        mtime_ns: int | None = None,
    ) -> Entry:
        path = join(place.folder, place.name)
        self._expect_place(path, expected)
        taken = read(content)
        with self._lock:
            self._expect_place(path, expected)
            if aside is not None:
                self._expect_place(join(aside.folder, aside.name), None)
            old = self.files.get(path)
            stamp = self.stamp(len(taken))
            self.files[path] = MemoryFile(taken, replace(stamp, mtime_ns=mtime_ns or stamp.mtime_ns))
            if old is not None and aside is not None:
                self.files[join(aside.folder, aside.name)] = old
            elif old is not None:
                self._bury(path, old.content)
            return self._file(path)

    def keep(self, path: str, content: Source) -> Trashed:
        taken = read(content)
        with self._lock:
            entry = Entry(Kind.FILE, _place(path), size=len(taken), digest=digest_of(taken))
            return Trashed(self._bury(path, taken), entry)

    @locked
    def move(self, entry: Entry, place: Place) -> Entry:
        self.expect(entry)
        path = join(place.folder, place.name)
        self._expect_place(path, None)
        file = self.files.pop(entry.path)
        self.files[path] = MemoryFile(file.content, self.renamed(file.stamp))
        return self._file(path)

    @locked
    def make_folder(self, place: Place) -> Entry:
        self.make_sure()
        for path in (*reversed(list(ancestors(place.name))), place.name):
            if path in self.files:
                raise Stale(f"{path}: a file is in the way")
            self.folders.setdefault(path, self.stamp())
        return self._folder(place.name)

    @locked
    def move_folder(self, folder: Entry, place: Place) -> Entry:
        old, new = folder.path, place.name
        self._expect_folder(folder)
        if is_below(new, old):
            raise Rejected(f"{old}: a folder cannot go into itself")
        self._expect_place(new, None)
        for path in [path for path in self.files if is_below(path, old)]:
            self.files[rebase(path, old, new)] = self.files.pop(path)
        for path in [path for path in self.folders if path == old or is_below(path, old)]:
            self.folders[rebase(path, old, new)] = self.folders.pop(path)
        return self._folder(new)

    @locked
    def remove_folder(self, folder: Entry) -> None:
        self.make_sure()
        if folder.path not in self.folders:
            return
        self._expect_folder(folder)
        if any(is_below(path, folder.path) for path in (*self.files, *self.folders)):
            raise Stale(f"{folder.path}: the folder is not empty")
        del self.folders[folder.path]

    @locked
    def trash(self, entry: Entry) -> Trashed:
        self.expect(entry)
        return Trashed(self._bury(entry.path, self.files.pop(entry.path).content), entry)

    @locked
    def delete(self, entry: Entry) -> None:
        self.expect(entry)
        del self.files[entry.path]

    @locked
    def digest(self, entry: Entry) -> str:
        self.expect(entry)
        return digest_of(self.files[entry.path].content)

    @locked
    def list_trash(self) -> list[TrashedFile]:
        return [
            TrashedFile(where, where.partition("/")[2], self.trash_times.get(where, 0.0), len(content))
            for where, content in self.trashed.items()
        ]

    @locked
    def trash_bytes(self) -> int:
        return sum(map(len, self.trashed.values()))

    @locked
    def trashed_digest(self, where: str) -> str:
        return digest_of(self._expect_trashed(where))

    @locked
    def restore_trashed(self, where: str, place: Place) -> Entry:
        content, path = self._expect_trashed(where), join(place.folder, place.name)
        self._expect_place(path, None)
        self.files[path] = MemoryFile(content, self.stamp(len(content)))
        del self.trashed[where]
        return self._file(path)

    @locked
    def drop_trashed(self, where: str) -> None:
        self._expect_trashed(where)
        del self.trashed[where]

    def disk_bytes(self) -> int:
        return 1 << 41

    def make_sure(self) -> None:
        if self.missing:
            raise Halted("the folder is missing or not mounted: nothing was done")

    def free_bytes(self) -> int:
        return self.room

    def close(self) -> None:
        pass

    @locked
    def expect(self, entry: Entry) -> None:
        """Raise `Stale` unless the file of an entry still is that file."""
        self.make_sure()
        file = self.files.get(entry.path)
        if file is None or (entry.stamp is not None and file.stamp != entry.stamp):
            raise Stale(f"{entry.path}: it changed since it was looked at")
        if entry.digest is not None and digest_of(file.content) != entry.digest:
            raise Stale(f"{entry.path}: its content is not what was planned")

    @locked
    def _expect_place(self, path: str, expected: Entry | None) -> None:
        self.make_sure()
        if dirname(path) and dirname(path) not in self.folders:
            raise Stale(f"{path}: its folder is gone")
        if expected is not None:
            self.expect(expected)
        elif path in self.files or path in self.folders:
            raise Stale(f"{path}: something is there already")

    def _expect_folder(self, folder: Entry) -> None:
        self.make_sure()
        found = self.folders.get(folder.path)
        if found is None or (folder.stamp is not None and found.inode != folder.stamp.inode):
            raise Stale(f"{folder.path}: it is another folder, or gone")

    def _file(self, path: str) -> Entry:
        file = self.files[path]
        size, digest = len(file.content), digest_of(file.content)
        return Entry(Kind.FILE, _place(path), size=size, digest=digest, stamp=file.stamp)

    def _folder(self, path: str) -> Entry:
        return Entry(Kind.FOLDER, Place("", path), stamp=self.folders[path])

    def _expect_trashed(self, where: str) -> bytes:
        self.make_sure()
        if where not in self.trashed:
            raise Stale(f"{where}: gone from the trash")
        return self.trashed[where]

    def _bury(self, path: str, content: bytes) -> str:
        where = f"{len(self.trashed)}/{path}"
        self.trashed[where] = content
        return where


def _place(path: str) -> Place:
    return Place(dirname(path), basename(path))


def _covers(scope: Scope, path: str) -> bool:
    return scope.members is None or any(path == m or is_below(path, m) for m in scope.members)
