"""An account made of dictionaries."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

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
)
from fluxsync.errors import Full, Rejected, Stale
from fluxsync.replica.base import Probe, Source, Trashed
from fluxsync.replica.memory.asset import MemoryAsset, MemoryVersion
from fluxsync.replica.memory.content import digest_of, locked, read, stream
from fluxsync.replica.memory.figures import Figures

__all__ = ["MemoryAccount"]


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
        self._figures = Figures()

    def new_key(self) -> str:
        with self._lock:
            self._keys += 1
            return str(self._keys)

    @locked
    def probe(self) -> Probe | None:
        return self._figures.probe(self)

    @locked
    def expected(self) -> Probe | None:
        return self._figures.expected()

    def settled(self) -> None:
        pass

    def unchanged(self, go_on: Callable[[], object] = lambda: None) -> bool | None:
        return None

    @locked
    def scan(self, scope: Scope, known: Mapping[str, Item]) -> Snapshot:
        everything, members = scope.everything, scope.members or ()
        files = {key: self._asset(key) for key in self.assets if everything or key in members}
        folders = {key: self._tag(key) for key in self.tags}
        probe = self._figures.probe(self)
        if everything:
            self._figures.adopt(self)
        return Snapshot(files, folders, scope=scope, all_folders=True, mark=str(self._keys), probe=probe.text)

    @locked
    def look(self, entry: Entry) -> Entry | None:
        if entry.kind is Kind.FOLDER:
            key = entry.key or next((key for key, name in self.tags.items() if name == entry.place.name), "")
            return self._tag(key) if key in self.tags else None
        return self._asset(entry.key) if entry.key in self.assets else None

    @locked
    def describe(self, entry: Entry, since: int) -> Entry:
        if entry.key not in self.assets:
            raise Stale(f"{entry.place.name} is gone from the account")
        versions = self.assets[entry.key].versions
        overs = [version.over for version in versions[since + 1 :] if version.over >= 0]
        digest = versions[entry.revision].digest if entry.revision < len(versions) else ""
        return replace(entry, digest=digest or entry.digest, over=min(overs, default=-1))

    @locked
    def open(self, entry: Entry) -> Source:
        self.expect(entry)
        return stream(self, entry, self.assets[entry.key].versions[-1].content)

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
        taken = read(content)
        with self._lock:
            self._expect_home(place)
            if expected is None:
                key = self.new_key()
                asset = MemoryAsset(place.folder, [MemoryVersion(taken, place.name)], set(self.wanted))
                if like is not None:
                    asset.title = self.assets[like.key].title
                    asset.labels |= self.assets[like.key].labels
                with self._figures.moved(self, key):
                    self.assets[key] = asset
            else:
                self.expect(expected)
                key, asset = expected.key, self.assets[expected.key]
                over = len(asset.versions) - 1
                with self._figures.moved(self, key):
                    asset.versions.append(MemoryVersion(taken, place.name, digest_of(taken), over))
                    asset.home, asset.trashed = place.folder, False
            return replace(self._asset(key), digest=digest_of(taken))

    @locked
    def move(self, entry: Entry, place: Place) -> Entry:
        self.expect(entry)
        self._expect_home(place)
        asset = self.assets[entry.key]
        if place.name != entry.place.name:
            if self.capabilities.rename is Rename.BY_CONTENT:
                raise Rejected(f"{entry.place.name} is renamed by a new version, not by a move")
            asset.versions[-1] = replace(asset.versions[-1], name=place.name)
        with self._figures.moved(self, entry.key):
            asset.home = place.folder
        return self._after(entry)

    @locked
    def make_folder(self, place: Place) -> Entry:
        for key, name in self.tags.items():
            if name == place.name:
                return self._tag(key)
        key = self.new_key()
        with self._figures.moved(self, key):
            self.tags[key] = place.name
        return self._tag(key)

    @locked
    def move_folder(self, folder: Entry, place: Place) -> Entry:
        if self.tags.get(folder.key) != folder.place.name:
            raise Stale(f"the folder {folder.place.name} was renamed or removed on the account")
        if any(name == place.name and key != folder.key for key, name in self.tags.items()):
            raise Stale(f"there is a folder {place.name} on the account")
        with self._figures.moved(self, folder.key):
            self.tags[folder.key] = place.name
        return self._tag(folder.key)

    @locked
    def remove_folder(self, folder: Entry) -> None:
        if folder.key in self.tags and self._tag(folder.key).carried:
            raise Stale(f"the folder {folder.place.name} is not empty on the account")
        with self._figures.moved(self, folder.key):
            self.tags.pop(folder.key, None)

    @locked
    def trash(self, entry: Entry) -> Trashed:
        self.expect(entry, trash_too=False)
        with self._figures.moved(self, entry.key):
            self.assets[entry.key].trashed = True
        return Trashed(entry.key, self._after(entry))

    @locked
    def restore(self, entry: Entry) -> Entry:
        self.expect(entry, trash_too=False)
        with self._figures.moved(self, entry.key):
            self.assets[entry.key].trashed = False
        return self._after(entry)

    @locked
    def relabel(self, entry: Entry) -> Entry:
        self.expect(entry)
        with self._figures.moved(self, entry.key):
            self.assets[entry.key].labels |= self.wanted
        return self._after(entry)

    @locked
    def delete(self, entry: Entry) -> None:
        self.expect(entry)
        with self._figures.moved(self, entry.key):
            del self.assets[entry.key]

    @locked
    def find(self, intents: Sequence[Intent]) -> Mapping[Intent, Entry]:
        found: dict[Intent, Entry] = {}
        left = dict(self.assets)
        for intent in intents:
            if intent.key:
                entry = self._sent(intent)
                if entry is not None:
                    found[intent] = entry
                continue
            for key in list(left):
                entry, content = self._asset(key), left[key].versions[-1].content
                alike = (entry.place, digest_of(content)) == (intent.place, intent.digest)
                if int(key) > int(intent.mark) and alike and not entry.trashed:
                    found[intent] = replace(entry, digest=intent.digest)
                    del left[key]
                    break
        return found

    def _sent(self, intent: Intent) -> Entry | None:
        asset = self.assets.get(intent.key)
        for number, version in enumerate(asset.versions if asset else ()):
            if number > intent.revision <= version.over and version.digest == (
                intent.digest or version.digest
            ):
                return replace(
                    self._asset(intent.key),
                    place=Place(intent.place.folder, version.name),
                    revision=number,
                    size=len(version.content),
                    digest=version.digest,
                )
        return None

    @locked
    def resume(self, place: Place, expected: Entry, found: Entry) -> Entry:
        return found

    def free_bytes(self) -> int | None:
        return self.room

    def close(self) -> None:
        pass

    @locked
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
