"""Both sides made of dictionaries: what the contract asks for and nothing more, the reference for tests.

What a person does to a side is done to `files`, `folders`, `assets` and `tags` directly.
"""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import wraps
from typing import Any, Concatenate, ParamSpec, TypeVar

from fluxsync.core.model import (
    Capabilities,
    Entry,
    Intent,
    Item,
    Kind,
    Place,
    Rename,
    Scope,
    Snapshot,
    Stamp,
)
from fluxsync.core.paths import ancestors, basename, dirname, is_below, join, rebase
from fluxsync.errors import Corrupted, Full, Halted, Rejected, Stale
from fluxsync.replica.base import Probe, Source, Trashed

__all__ = ["MemoryAccount", "MemoryAsset", "MemoryFile", "MemoryFolder", "MemoryVersion"]

_BLOCK = 1 << 20


_Side = TypeVar("_Side", bound=Any)
_Rest = ParamSpec("_Rest")
_Answer = TypeVar("_Answer")


def _locked(
    verb: Callable[Concatenate[_Side, _Rest], _Answer],
) -> Callable[Concatenate[_Side, _Rest], _Answer]:
    """Let one thread at a time into a side; content of another side is never read in here."""

    @wraps(verb)
    def alone(side: _Side, *args: _Rest.args, **more: _Rest.kwargs) -> _Answer:
        with side._lock:
            return verb(side, *args, **more)

    return alone


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def _read(content: Source) -> bytes:
    """Take in content, checked."""
    taken = b"".join(content.blocks())
    if content.check() != _digest(taken) or len(taken) != content.size:
        raise Corrupted(f"{len(taken)} of {content.size} bytes came, or with another digest")
    return taken


@dataclass(slots=True)
class _Stream:
    """Content of a side as a `Source`; it has to be the same when all was yielded."""

    side: MemoryFolder | MemoryAccount
    entry: Entry
    content: bytes
    size: int

    def blocks(self) -> Iterator[bytes]:
        for start in range(0, len(self.content), _BLOCK):
            yield self.content[start : start + _BLOCK]

    def check(self) -> str:
        self.side.expect(self.entry)
        return _digest(self.content)

    def close(self) -> None:
        pass


def _stream(side: MemoryFolder | MemoryAccount, entry: Entry, content: bytes) -> Source:
    return _Stream(side, entry, content, len(content))


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

    @_locked
    def scan(self, scope: Scope, known: Mapping[str, Item]) -> Snapshot:
        self.make_sure()
        files = {path: self._file(path) for path in self.files if _covers(scope, path)}
        folders = {path: self._folder(path) for path in self.folders if _covers(scope, path)}
        return Snapshot(files, folders, scope=scope)

    @_locked
    def look(self, entry: Entry) -> Entry | None:
        self.make_sure()
        if entry.kind is Kind.FOLDER:
            return self._folder(entry.path) if entry.path in self.folders else None
        return self._file(entry.path) if entry.path in self.files else None

    @_locked
    def open(self, entry: Entry) -> Source:
        self.expect(entry)
        return _stream(self, entry, self.files[entry.path].content)

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
        taken = _read(content)
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
        taken = _read(content)
        with self._lock:
            entry = Entry(Kind.FILE, _place(path), size=len(taken), digest=_digest(taken))
            return Trashed(self._bury(path, taken), entry)

    @_locked
    def move(self, entry: Entry, place: Place) -> Entry:
        self.expect(entry)
        path = join(place.folder, place.name)
        self._expect_place(path, None)
        file = self.files.pop(entry.path)
        self.files[path] = MemoryFile(file.content, self.renamed(file.stamp))
        return self._file(path)

    @_locked
    def make_folder(self, place: Place) -> Entry:
        self.make_sure()
        for path in (*reversed(list(ancestors(place.name))), place.name):
            if path in self.files:
                raise Stale(f"{path}: a file is in the way")
            self.folders.setdefault(path, self.stamp())
        return self._folder(place.name)

    @_locked
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

    @_locked
    def remove_folder(self, folder: Entry) -> None:
        self.make_sure()
        if folder.path not in self.folders:
            return
        self._expect_folder(folder)
        if any(is_below(path, folder.path) for path in (*self.files, *self.folders)):
            raise Stale(f"{folder.path}: the folder is not empty")
        del self.folders[folder.path]

    @_locked
    def trash(self, entry: Entry) -> Trashed:
        self.expect(entry)
        return Trashed(self._bury(entry.path, self.files.pop(entry.path).content), entry)

    @_locked
    def delete(self, entry: Entry) -> None:
        self.expect(entry)
        del self.files[entry.path]

    def make_sure(self) -> None:
        if self.missing:
            raise Halted("the folder is missing or not mounted: nothing was done")

    def free_bytes(self) -> int:
        return self.room

    def close(self) -> None:
        pass

    @_locked
    def expect(self, entry: Entry) -> None:
        """Raise `Stale` unless the file of an entry still is that file."""
        self.make_sure()
        file = self.files.get(entry.path)
        if file is None or (entry.stamp is not None and file.stamp != entry.stamp):
            raise Stale(f"{entry.path}: it changed since it was looked at")
        if entry.digest is not None and _digest(file.content) != entry.digest:
            raise Stale(f"{entry.path}: its content is not what was planned")

    @_locked
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
        size, digest = len(file.content), _digest(file.content)
        return Entry(Kind.FILE, _place(path), size=size, digest=digest, stamp=file.stamp)

    def _folder(self, path: str) -> Entry:
        return Entry(Kind.FOLDER, Place("", path), stamp=self.folders[path])

    def _bury(self, path: str, content: bytes) -> str:
        where = f"{len(self.trashed)}/{path}"
        self.trashed[where] = content
        return where


def _place(path: str) -> Place:
    return Place(dirname(path), basename(path))


def _covers(scope: Scope, path: str) -> bool:
    return scope.members is None or any(path == m or is_below(path, m) for m in scope.members)


@dataclass(frozen=True, slots=True)
class MemoryVersion:
    content: bytes
    name: str
    #: What the comment says: the content's digest, "" without a comment, and the version it should follow.
    digest: str = ""
    over: int = -1


@dataclass(slots=True)
class MemoryAsset:
    home: str
    versions: list[MemoryVersion]
    labels: set[str] = field(default_factory=set)
    title: str = ""
    trashed: bool = False


class MemoryAccount:
    """A `RemoteReplica`: assets and tags (folders) by key. `wanted` are the labels that the mapping wants."""

    def __init__(
        self,
        *,
        versions: bool = True,
        rename: Rename = Rename.BY_CONTENT,
        wanted: frozenset[str] = frozenset(),
    ) -> None:
        self.capabilities = Capabilities(rename=rename, versions=versions, digests=False)
        self.wanted = wanted
        self.assets: dict[str, MemoryAsset] = {}
        self.tags: dict[str, str] = {}
        self.room: int | None = None
        self._keys = 0
        self._lock = threading.RLock()

    def new_key(self) -> str:
        with self._lock:
            self._keys += 1
            return str(self._keys)

    @_locked
    def probe(self) -> Probe | None:
        return Probe(repr((self.assets, self.tags)))

    @_locked
    def scan(self, scope: Scope, known: Mapping[str, Item]) -> Snapshot:
        everything, members = scope.everything, scope.members or ()
        files = {key: self._asset(key) for key in self.assets if everything or key in members}
        folders = {key: self._tag(key) for key in self.tags if everything or key in members}
        return Snapshot(files, folders, scope=scope, mark=str(self._keys))

    @_locked
    def look(self, entry: Entry) -> Entry | None:
        if entry.kind is Kind.FOLDER:
            return self._tag(entry.key) if entry.key in self.tags else None
        return self._asset(entry.key) if entry.key in self.assets else None

    @_locked
    def describe(self, entry: Entry, since: int) -> Entry:
        if entry.key not in self.assets:
            raise Stale(f"{entry.place.name} is gone from the account")
        versions = self.assets[entry.key].versions
        overs = [version.over for version in versions[since + 1 :] if version.over >= 0]
        digest = versions[entry.revision].digest if entry.revision < len(versions) else ""
        return replace(entry, digest=digest or entry.digest, over=min(overs, default=-1))

    @_locked
    def open(self, entry: Entry) -> Source:
        self.expect(entry)
        return _stream(self, entry, self.assets[entry.key].versions[-1].content)

    def put(
        self, place: Place, content: Source, expected: Entry | None, *, like: Entry | None = None
    ) -> Entry:
        self._expect_home(place)
        if expected is not None:
            self.expect(expected)
            if not self.capabilities.versions:
                raise Rejected("the plan of this account has no versions")
        if self.room is not None and content.size > self.room:
            raise Full("no room in the account")
        taken = _read(content)
        with self._lock:
            self._expect_home(place)
            if expected is None:
                key = self.new_key()
                asset = MemoryAsset(place.folder, [MemoryVersion(taken, place.name)], set(self.wanted))
                if like is not None:
                    asset.title = self.assets[like.key].title
                    asset.labels |= self.assets[like.key].labels
                self.assets[key] = asset
            else:
                self.expect(expected)
                key, asset = expected.key, self.assets[expected.key]
                over = len(asset.versions) - 1
                asset.versions.append(MemoryVersion(taken, place.name, _digest(taken), over))
                asset.home, asset.trashed = place.folder, False
            return replace(self._asset(key), digest=_digest(taken))

    @_locked
    def move(self, entry: Entry, place: Place) -> Entry:
        self.expect(entry)
        self._expect_home(place)
        asset = self.assets[entry.key]
        if place.name != entry.place.name:
            if self.capabilities.rename is Rename.BY_CONTENT:
                raise Rejected(f"{entry.place.name} is renamed by a new version, not by a move")
            asset.versions[-1] = replace(asset.versions[-1], name=place.name)
        asset.home = place.folder
        return self._after(entry)

    @_locked
    def make_folder(self, place: Place) -> Entry:
        for key, name in self.tags.items():
            if name == place.name:
                return self._tag(key)
        key = self.new_key()
        self.tags[key] = place.name
        return self._tag(key)

    @_locked
    def move_folder(self, folder: Entry, place: Place) -> Entry:
        if self.tags.get(folder.key) != folder.place.name:
            raise Stale(f"the folder {folder.place.name} was renamed or removed on the account")
        if any(name == place.name and key != folder.key for key, name in self.tags.items()):
            raise Stale(f"there is a folder {place.name} on the account")
        self.tags[folder.key] = place.name
        return self._tag(folder.key)

    @_locked
    def remove_folder(self, folder: Entry) -> None:
        if folder.key in self.tags and self._tag(folder.key).carried:
            raise Stale(f"the folder {folder.place.name} is not empty on the account")
        self.tags.pop(folder.key, None)

    @_locked
    def trash(self, entry: Entry) -> Trashed:
        self.expect(entry, trash_too=False)
        self.assets[entry.key].trashed = True
        return Trashed(entry.key, self._after(entry))

    @_locked
    def restore(self, entry: Entry) -> Entry:
        self.expect(entry, trash_too=False)
        self.assets[entry.key].trashed = False
        return self._after(entry)

    @_locked
    def relabel(self, entry: Entry) -> Entry:
        self.expect(entry)
        self.assets[entry.key].labels |= self.wanted
        return self._after(entry)

    @_locked
    def delete(self, entry: Entry) -> None:
        self.expect(entry)
        del self.assets[entry.key]

    def find(self, intents: Sequence[Intent]) -> Mapping[Intent, Entry]:
        found: dict[Intent, Entry] = {}
        with self._lock:
            left = dict(self.assets)
            for intent in intents:
                for key in list(left):
                    entry, content = self._asset(key), left[key].versions[-1].content
                    alike = (entry.place, _digest(content)) == (intent.place, intent.digest)
                    if int(key) > int(intent.mark) and alike and not entry.trashed:
                        found[intent] = replace(entry, digest=intent.digest)
                        del left[key]
                        break
        return found

    def free_bytes(self) -> int | None:
        return self.room

    def close(self) -> None:
        pass

    @_locked
    def expect(self, entry: Entry, *, trash_too: bool = True) -> None:
        """Raise `Stale` unless an asset still is that entry, in or out of the trash like it (`trash_too`)."""
        if entry.key not in self.assets:
            raise Stale(f"{entry.place.name} is gone from the account")
        now = self._asset(entry.key)
        if (now.revision, now.size, now.place) != (entry.revision, entry.size, entry.place):
            raise Stale(f"{entry.place.name} changed on the account")
        if now.trashed != entry.trashed and trash_too:
            raise Stale(f"{entry.place.name} was put in the trash of the account, or taken out")

    def _expect_home(self, place: Place) -> None:
        if place.folder and place.folder not in self.tags:
            raise Stale("the folder's tag is gone from the account")

    def _asset(self, key: str) -> Entry:
        asset = self.assets[key]
        newest, labels = asset.versions[-1], asset.labels
        return Entry(
            Kind.FILE,
            Place(asset.home, newest.name),
            key=key,
            revision=len(asset.versions) - 1,
            size=len(newest.content),
            trashed=asset.trashed,
            mislabelled=not self.wanted <= labels,
            labelled=not labels <= self.wanted,
            memo=",".join(sorted(labels)),
        )

    def _after(self, entry: Entry) -> Entry:
        return replace(self._asset(entry.key), digest=entry.digest)

    def _tag(self, key: str) -> Entry:
        carried = sum(asset.home == key for asset in self.assets.values())
        return Entry(Kind.FOLDER, Place("", self.tags[key]), key=key, carried=carried)
