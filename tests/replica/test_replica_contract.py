"""The contract of `replica.base`, for every replica there is.

A new replica is tested by a subclass of `LocalContract` or `RemoteContract` that brings the `side` itself,
what people do to it (`write`, `remove`, ...) and what they see (`files`, `folders`, ...). All of that goes
past the code under test, so that reading is checked independently of writing.
"""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any, ClassVar

import pytest

from fluxsync.core.model import Entry, Intent, Item, Kind, Place, Rename, Scope, Snapshot
from fluxsync.errors import Busy, Corrupted, Halted, Rejected, ReplicaError, Stale, Unavailable
from fluxsync.replica.base import Probe
from fluxsync.replica.fluxiom.client import Client
from fluxsync.replica.fluxiom.placement import Placement
from fluxsync.replica.fluxiom.replica import Fluxiom
from fluxsync.replica.folder import Folder
from fluxsync.replica.memory import MemoryAccount, MemoryAsset, MemoryFile, MemoryFolder, MemoryVersion
from fluxsync.sandbox.server import Sandbox

MIB = 1 << 20
OLD, NEW, OTHER = b"the old content", b"the new one", b"what somebody else saved"
LABEL = "a label"


def digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


class Content:
    """A `Source` from memory. `breaks` is raised after the first block, `doubt` by `check`."""

    def __init__(
        self,
        content: bytes,
        *,
        doubt: Exception | None = None,
        breaks: Exception | None = None,
        size: int | None = None,
        during: Callable[[], None] = lambda: None,
    ) -> None:
        self.content = content
        self.size = len(content) if size is None else size
        self._doubt = doubt
        self._breaks = breaks
        self._during = during

    def blocks(self) -> Iterator[bytes]:
        for start in range(0, len(self.content), MIB):
            yield self.content[start : start + MIB]
            if self._breaks is not None:
                raise self._breaks
        self._during()

    def check(self) -> str:
        if self._doubt is not None:
            raise self._doubt
        return digest(self.content)

    def close(self) -> None:
        pass


class Clock:
    """An hour ahead, so that a file written a moment ago is an old one; waiting takes no time."""

    def __init__(self) -> None:
        self.now = 4e9

    def __call__(self) -> float:
        return self.now

    def wait(self, seconds: float) -> None:
        self.now += seconds


def read(side: Any, entry: Entry) -> bytes:
    source = side.open(entry)
    try:
        content = b"".join(source.blocks())
        assert source.check() == digest(content)
        assert source.size == len(content)
        return content
    finally:
        source.close()


class ReplicaContract:
    """The verbs that both sides have."""

    side: Any

    # -- what a subclass brings

    def write(self, path: str, content: bytes) -> None:
        """Make a file, its folder included, or give one new content."""
        raise NotImplementedError

    def remove(self, path: str) -> None:
        raise NotImplementedError

    def make(self, path: str) -> None:
        """Make an empty folder."""
        raise NotImplementedError

    def unmake(self, path: str) -> None:
        """Remove an empty folder."""
        raise NotImplementedError

    def files(self) -> dict[str, bytes]:
        """All files that are not in the trash."""
        raise NotImplementedError

    def folders(self) -> set[str]:
        raise NotImplementedError

    def buried(self) -> list[bytes]:
        """The contents in the trash."""
        raise NotImplementedError

    def place(self, path: str) -> Place:
        """The place of a file, as this side names it."""
        raise NotImplementedError

    # -- what the tests say it with

    def scan(self, *members: str, known: dict[str, Item] | None = None) -> Snapshot:
        return self.side.scan(Scope(frozenset(members)) if members else Scope(), known or {})

    def entry(self, path: str) -> Entry:
        place = self.place(path)
        (entry,) = [e for e in self.scan().files.values() if e.place == place]
        return entry

    def folder(self, path: str) -> Entry:
        (folder,) = [e for e in self.scan().folders.values() if e.place.name == path]
        return folder

    def member(self, entry: Entry) -> str:
        """What names an entry in a scope and in a snapshot."""
        return entry.key or entry.path

    def shown(self, entry: Entry) -> None:
        """Make sure that an entry that was returned is what a scan shows, its digest apart."""
        now = self.entry_at(entry)
        assert replace(now, digest=None) == replace(entry, digest=None)

    def entry_at(self, entry: Entry) -> Entry:
        snapshot = self.scan()
        return (snapshot.files if entry.kind is Kind.FILE else snapshot.folders)[self.member(entry)]

    # -- looking

    def test_nothing_is_an_empty_complete_snapshot(self) -> None:
        snapshot = self.scan()
        assert (snapshot.files, snapshot.folders) == ({}, {})
        assert snapshot.complete
        assert snapshot.scope.everything
        assert snapshot.unknown == snapshot.problems == ()

    def test_a_scan_shows_what_is_there(self) -> None:
        self.write("a.gif", OLD)
        self.write("Clients/Acme/b.gif", NEW)
        self.write("Clients/c.gif", b"")
        snapshot = self.scan()
        assert {e.place: e.size for e in snapshot.files.values()} == {
            self.place("a.gif"): len(OLD),
            self.place("Clients/Acme/b.gif"): len(NEW),
            self.place("Clients/c.gif"): 0,
        }
        assert {e.place for e in snapshot.folders.values()} == {
            Place("", "Clients"),
            Place("", "Clients/Acme"),
        }
        assert all(key == self.member(e) for key, e in snapshot.files.items())
        assert all(key == self.member(e) for key, e in snapshot.folders.items())
        assert all(e.kind is Kind.FILE and not e.trashed for e in snapshot.files.values())
        assert all(e.kind is Kind.FOLDER for e in snapshot.folders.values())

    def test_a_side_that_promises_digests_gives_each_file_one(self) -> None:
        self.write("a.gif", OLD)
        wanted = digest(OLD) if self.side.capabilities.digests else None
        assert self.entry("a.gif").digest == wanted

    def test_two_scans_of_the_same_are_the_same(self) -> None:
        self.write("Clients/a.gif", OLD)
        one, other = self.scan(), self.scan()
        assert (one.files, one.folders) == (other.files, other.folders)
        assert self.files() == {"Clients/a.gif": OLD}

    def test_a_restricted_scan_shows_exactly_its_members(self) -> None:
        self.write("a.gif", OLD)
        self.write("b.gif", NEW)
        member = self.member(self.entry("b.gif"))
        snapshot = self.scan(member)
        assert set(snapshot.files) == {member}
        assert snapshot.scope == Scope(frozenset({member}))

    def test_a_restricted_scan_does_not_show_what_is_gone(self) -> None:
        self.write("a.gif", OLD)
        self.write("b.gif", NEW)
        member = self.member(self.entry("b.gif"))
        self.remove("b.gif")
        snapshot = self.scan(member)
        assert snapshot.files == {}
        assert snapshot.unknown == ()

    def test_a_look_shows_that_very_thing(self) -> None:
        self.write("Clients/a.gif", OLD)
        entry = self.entry("Clients/a.gif")
        assert self.side.look(entry) == entry

    def test_a_look_shows_what_an_edit_made_of_it(self) -> None:
        self.write("a.gif", OLD)
        entry = self.entry("a.gif")
        self.write("a.gif", OTHER)
        now = self.side.look(entry)
        assert (now.place, now.size) == (entry.place, len(OTHER))
        assert now.digest in (None, digest(OTHER))

    def test_a_look_finds_nothing_only_when_it_is_gone(self) -> None:
        self.write("a.gif", OLD)
        entry = self.entry("a.gif")
        self.remove("a.gif")
        assert self.side.look(entry) is None

    def test_a_look_at_a_folder_sees_it_until_it_is_gone(self) -> None:
        self.make("Clients")
        folder = self.folder("Clients")
        seen = self.side.look(folder)
        assert (seen.kind, seen.place, seen.key) == (Kind.FOLDER, folder.place, folder.key)
        self.unmake("Clients")
        assert self.side.look(folder) is None

    # -- reading

    @pytest.mark.parametrize("content", [b"", OLD, bytes(range(256)) * 4096 * 2 + b"end"])
    def test_open_gives_the_content_in_blocks_and_check_its_digest(self, content: bytes) -> None:
        self.write("a.gif", content)
        source = self.side.open(self.entry("a.gif"))
        assert source.size == len(content)
        blocks = list(source.blocks())
        assert source.check() == digest(content)
        source.close()
        source.close()
        assert b"".join(blocks) == content
        assert max(map(len, blocks), default=0) <= MIB

    def test_open_of_a_changed_entry_never_passes_for_it(self) -> None:
        self.write("a.gif", OLD)
        entry = self.entry("a.gif")
        self.write("a.gif", OTHER)
        with pytest.raises((Stale, Corrupted)):
            read(self.side, entry)

    def test_open_of_something_gone_is_stale(self) -> None:
        self.write("a.gif", OLD)
        entry = self.entry("a.gif")
        self.remove("a.gif")
        with pytest.raises(Stale):
            read(self.side, entry)

    # -- put

    @pytest.mark.parametrize("content", [b"", NEW, b"x" * (2 * MIB + 1)])
    @pytest.mark.parametrize("path", ["a.gif", "Clients/Acme/a.gif"])
    def test_put_brings_new_content_to_a_place(self, path: str, content: bytes) -> None:
        self.make("Clients/Acme")
        self.scan()
        made = self.side.put(self.place(path), Content(content), None)
        assert self.files() == {path: content}
        assert (made.kind, made.place) == (Kind.FILE, self.place(path))
        assert (made.size, made.digest) == (len(content), digest(content))
        self.shown(made)
        assert read(self.side, made) == content

    def test_put_over_the_expected_file_replaces_it(self) -> None:
        self.write("Clients/a.gif", OLD)
        entry = self.entry("Clients/a.gif")
        made = self.side.put(entry.place, Content(NEW), entry)
        assert self.files() == {"Clients/a.gif": NEW}
        assert (made.place, made.key, made.size) == (entry.place, entry.key, len(NEW))
        assert made.digest == digest(NEW)
        self.shown(made)

    def test_what_put_returned_is_what_the_next_put_expects(self) -> None:
        self.scan()
        made = self.side.put(self.place("a.gif"), Content(OLD), None)
        made = self.side.put(made.place, Content(NEW), made)
        self.side.put(made.place, Content(OTHER), made)
        assert self.files() == {"a.gif": OTHER}

    def test_put_over_a_changed_file_is_stale_and_changes_nothing(self) -> None:
        self.write("a.gif", OLD)
        entry = self.entry("a.gif")
        self.write("a.gif", OTHER)
        with pytest.raises(Stale):
            self.side.put(entry.place, Content(NEW), entry)
        assert self.files() == {"a.gif": OTHER}

    def test_put_over_a_file_that_is_gone_is_stale_and_makes_none(self) -> None:
        self.write("a.gif", OLD)
        entry = self.entry("a.gif")
        self.remove("a.gif")
        with pytest.raises(Stale):
            self.side.put(entry.place, Content(NEW), entry)
        assert self.files() == {}

    def test_put_into_a_folder_that_is_gone_is_stale_and_makes_nothing(self) -> None:
        self.make("Clients")
        self.scan()
        place = self.place("Clients/a.gif")
        self.unmake("Clients")
        with pytest.raises(Stale):
            self.side.put(place, Content(NEW), None)
        assert self.files() == {}

    @pytest.mark.parametrize("content", [NEW, b"x" * (2 * MIB + 1)], ids=["small", "large"])
    @pytest.mark.parametrize(
        "failing",
        [
            {"doubt": Stale("torn")},
            {"doubt": Busy("open")},
            {"doubt": Corrupted("other bytes")},
            {"breaks": Unavailable("cut off", unsent=True)},
        ],
        ids=["torn", "busy", "corrupted", "cut-off"],
    )
    def test_a_source_that_fails_leaves_nothing(self, failing: dict[str, Exception], content: bytes) -> None:
        self.write("a.gif", OLD)
        entry = self.entry("a.gif")
        for place, expected in ((self.place("b.gif"), None), (entry.place, entry)):
            with pytest.raises(type(*failing.values())):
                self.side.put(place, Content(content, **failing), expected)  # type: ignore[arg-type]
        assert self.files() == {"a.gif": OLD}
        assert self.buried() == []
        self.shown(entry)

    @pytest.mark.parametrize("size", [len(NEW) - 1, len(NEW) + 1, MIB + 5])
    def test_content_of_another_length_than_announced_leaves_nothing(self, size: int) -> None:
        self.write("a.gif", OLD)
        entry = self.entry("a.gif")
        for place, expected in ((self.place("b.gif"), None), (entry.place, entry)):
            with pytest.raises(ReplicaError):
                self.side.put(place, Content(NEW, size=size), expected)
        assert self.files() == {"a.gif": OLD}

    def test_many_threads_put_at_once(self) -> None:
        self.make("Clients")
        self.scan()
        place = self.place("Clients/a.gif")
        paths = [f"Clients/{number}.gif" for number in range(16)]

        def put(path: str) -> Entry:
            return self.side.put(replace(place, name=path.rpartition("/")[2]), Content(path.encode()), None)

        with ThreadPoolExecutor(8) as pool:
            made = list(pool.map(put, paths))
        assert self.files() == {path: path.encode() for path in paths}
        assert [entry.digest for entry in made] == [digest(path.encode()) for path in paths]

    # -- move

    @pytest.mark.parametrize(
        ("old", "new"),
        [("a.gif", "Clients/a.gif"), ("Clients/a.gif", "a.gif"), ("One/a.gif", "Clients/a.gif")],
    )
    def test_move_brings_a_file_to_another_folder(self, old: str, new: str) -> None:
        self.make("Clients")
        self.write(old, OLD)
        entry = self.entry(old)
        moved = self.side.move(entry, self.place(new))
        assert self.files() == {new: OLD}
        assert (moved.place, moved.key, moved.size) == (self.place(new), entry.key, entry.size)
        assert moved.revision == entry.revision
        self.shown(moved)

    def test_move_of_a_changed_entry_is_stale_and_moves_nothing(self) -> None:
        self.make("Clients")
        self.write("a.gif", OLD)
        entry = self.entry("a.gif")
        self.write("a.gif", OTHER)
        with pytest.raises(Stale):
            self.side.move(entry, self.place("Clients/a.gif"))
        assert self.files() == {"a.gif": OTHER}

    def test_move_of_something_gone_is_stale(self) -> None:
        self.make("Clients")
        self.write("a.gif", OLD)
        entry = self.entry("a.gif")
        self.remove("a.gif")
        with pytest.raises(Stale):
            self.side.move(entry, self.place("Clients/a.gif"))
        assert self.files() == {}

    def test_move_into_a_folder_that_is_gone_is_stale_and_moves_nothing(self) -> None:
        self.make("Clients")
        self.write("a.gif", OLD)
        entry, place = self.entry("a.gif"), self.place("Clients/a.gif")
        self.unmake("Clients")
        with pytest.raises(Stale):
            self.side.move(entry, place)
        assert self.files() == {"a.gif": OLD}

    # -- folders

    @pytest.mark.parametrize("path", ["Clients", "Clients/Acme/Logos"])
    def test_make_folder_makes_one(self, path: str) -> None:
        self.scan()
        made = self.side.make_folder(Place("", path))
        assert path in self.folders()
        assert (made.kind, made.place) == (Kind.FOLDER, Place("", path))
        assert self.entry_at(made).place == made.place

    def test_make_folder_twice_gives_the_same_one(self) -> None:
        self.scan()
        one = self.side.make_folder(Place("", "Clients"))
        other = self.side.make_folder(Place("", "Clients"))
        assert (one.place, one.key) == (other.place, other.key)
        assert self.folders() == {"Clients"}

    def test_make_folder_returns_the_one_that_somebody_made(self) -> None:
        self.write("Clients/a.gif", OLD)
        folder = self.folder("Clients")
        made = self.side.make_folder(Place("", "Clients"))
        assert (made.place, made.key) == (folder.place, folder.key)
        assert self.files() == {"Clients/a.gif": OLD}

    def test_move_folder_renames_it_and_keeps_what_is_in_it(self) -> None:
        self.write("Clients/a.gif", OLD)
        self.write("Clients/b.gif", NEW)
        self.write("c.gif", OTHER)
        folder = self.folder("Clients")
        moved = self.side.move_folder(folder, Place("", "Customers"))
        assert (moved.kind, moved.place, moved.key) == (Kind.FOLDER, Place("", "Customers"), folder.key)
        assert self.files() == {"Customers/a.gif": OLD, "Customers/b.gif": NEW, "c.gif": OTHER}
        assert self.folders() == {"Customers"}
        assert self.entry_at(moved).place == moved.place

    def test_move_folder_to_a_taken_name_is_stale_and_changes_nothing(self) -> None:
        self.write("Clients/a.gif", OLD)
        self.make("Customers")
        with pytest.raises(Stale):
            self.side.move_folder(self.folder("Clients"), Place("", "Customers"))
        assert self.files() == {"Clients/a.gif": OLD}
        assert self.folders() == {"Clients", "Customers"}

    def test_move_folder_of_one_that_is_gone_is_stale(self) -> None:
        self.make("Clients")
        folder = self.folder("Clients")
        self.unmake("Clients")
        with pytest.raises(Stale):
            self.side.move_folder(folder, Place("", "Customers"))
        assert self.folders() == set()

    def test_remove_folder_removes_an_empty_one(self) -> None:
        self.make("Clients")
        self.side.remove_folder(self.folder("Clients"))
        assert self.folders() == set()

    def test_remove_folder_with_something_in_it_is_stale(self) -> None:
        self.make("Clients")
        folder = self.folder("Clients")
        self.write("Clients/a.gif", OLD)
        with pytest.raises(Stale):
            self.side.remove_folder(folder)
        assert self.files() == {"Clients/a.gif": OLD}

    def test_remove_folder_of_one_that_is_gone_is_no_error(self) -> None:
        self.make("Clients")
        folder = self.folder("Clients")
        self.unmake("Clients")
        self.side.remove_folder(folder)
        assert self.folders() == set()

    # -- taking away

    def test_trash_hides_an_entry_and_keeps_its_content(self) -> None:
        self.write("Clients/a.gif", OLD)
        entry = self.entry("Clients/a.gif")
        trashed = self.side.trash(entry)
        assert self.files() == {}
        assert self.buried() == [OLD]
        assert trashed.where
        assert (trashed.entry.place, trashed.entry.key) == (entry.place, entry.key)

    def test_delete_leaves_nothing(self) -> None:
        self.write("a.gif", OLD)
        self.side.delete(self.entry("a.gif"))
        assert self.files() == {}
        assert self.buried() == []

    @pytest.mark.parametrize("verb", ["trash", "delete"])
    def test_taking_away_a_changed_entry_is_stale_and_takes_nothing(self, verb: str) -> None:
        self.write("a.gif", OLD)
        entry = self.entry("a.gif")
        self.write("a.gif", OTHER)
        with pytest.raises(Stale):
            getattr(self.side, verb)(entry)
        assert self.files() == {"a.gif": OTHER}
        assert self.buried() == []

    def test_trash_of_something_gone_is_stale(self) -> None:
        self.write("a.gif", OLD)
        entry = self.entry("a.gif")
        self.remove("a.gif")
        with pytest.raises(Stale):
            self.side.trash(entry)


class LocalContract(ReplicaContract):
    """What only the folder has."""

    def lose(self) -> None:
        """Take the whole root away."""
        raise NotImplementedError

    def place(self, path: str) -> Place:
        folder, _, name = path.rpartition("/")
        return Place(folder, name)

    def test_what_differs_is_found_by_how_it_looks(self) -> None:
        for path in ("a.gif", "b.gif", "Clients/Acme/c.gif", "Clients/d.gif", "Old/e.gif"):
            self.write(path, OLD)
        snapshot = self.scan()
        looks: dict[str, tuple[int, ...]] = {}
        for path, entry in snapshot.files.items():
            stamp = entry.stamp
            looks[path] = (stamp.size, stamp.mtime_ns, stamp.ctime_ns, stamp.inode)
        for path, entry in snapshot.folders.items():
            looks[path] = (entry.stamp.inode,) if path != "Clients/Acme" else ()
        del looks["Clients"]  # on the way to another
        assert self.side.differences(looks) == set()
        self.write("a.gif", NEW + NEW)
        self.remove("b.gif")
        self.write("New/f.gif", NEW)
        self.remove("Old/e.gif")
        self.unmake("Old")
        assert self.side.differences(looks) == {"a.gif", "b.gif", "New", "Old"}
        self.lose()
        with pytest.raises(Halted):
            self.side.differences(looks)

    def test_put_where_a_file_is_and_none_is_expected_is_stale(self) -> None:
        self.write("a.gif", OTHER)
        with pytest.raises(Stale):
            self.side.put(self.place("a.gif"), Content(NEW), None)
        assert self.files() == {"a.gif": OTHER}

    def test_put_where_a_folder_is_is_stale(self) -> None:
        self.write("Clients/a.gif", OTHER)
        with pytest.raises(ReplicaError):
            self.side.put(self.place("Clients"), Content(NEW), None)
        assert self.files() == {"Clients/a.gif": OTHER}

    def test_a_file_that_appears_while_content_arrives_is_not_overwritten(self) -> None:
        arriving = Content(NEW, during=lambda: self.write("a.gif", OTHER))
        with pytest.raises(Stale):
            self.side.put(self.place("a.gif"), arriving, None)
        assert self.files() == {"a.gif": OTHER}

    def test_a_file_that_is_saved_while_content_arrives_is_not_overwritten(self) -> None:
        self.write("a.gif", OLD)
        entry = self.entry("a.gif")
        with pytest.raises(Stale):
            self.side.put(entry.place, Content(NEW, during=lambda: self.write("a.gif", OTHER)), entry)
        assert self.files() == {"a.gif": OTHER}

    def test_the_replaced_file_goes_to_the_trash(self) -> None:
        self.write("a.gif", OLD)
        entry = self.entry("a.gif")
        self.side.put(entry.place, Content(NEW), entry)
        assert self.buried() == [OLD]

    def test_the_replaced_file_goes_aside_where_that_is_asked_for(self) -> None:
        self.write("Clients/a.gif", OLD)
        entry = self.entry("Clients/a.gif")
        self.side.put(entry.place, Content(NEW), entry, aside=self.place("Clients/a copy.gif"))
        assert self.files() == {"Clients/a.gif": NEW, "Clients/a copy.gif": OLD}
        assert self.buried() == []

    def test_a_taken_name_for_the_replaced_file_is_stale_and_changes_nothing(self) -> None:
        self.write("a.gif", OLD)
        self.write("a copy.gif", OTHER)
        entry = self.entry("a.gif")
        with pytest.raises(Stale):
            self.side.put(entry.place, Content(NEW), entry, aside=self.place("a copy.gif"))
        assert self.files() == {"a.gif": OLD, "a copy.gif": OTHER}

    def test_put_gives_the_time_that_is_asked_for(self) -> None:
        made = self.side.put(self.place("a.gif"), Content(NEW), None, mtime_ns=1_284_912_000 * 10**9)
        assert made.stamp.mtime_ns == 1_284_912_000 * 10**9
        self.shown(made)

    def test_keep_brings_content_to_the_trash_and_touches_no_file(self) -> None:
        self.write("a.gif", OLD)
        entry = self.entry("a.gif")
        kept = self.side.keep("a.gif", Content(NEW))
        assert kept.where
        assert (kept.entry.size, kept.entry.digest) == (len(NEW), digest(NEW))
        assert self.buried() == [NEW]
        self.shown(entry)

    def test_keep_of_a_source_that_fails_keeps_nothing(self) -> None:
        with pytest.raises(Corrupted):
            self.side.keep("a.gif", Content(NEW, doubt=Corrupted("other bytes")))
        assert self.buried() == []

    def test_move_renames_a_file(self) -> None:
        self.write("a.gif", OLD)
        entry = self.entry("a.gif")
        moved = self.side.move(entry, self.place("b.gif"))
        assert self.files() == {"b.gif": OLD}
        self.shown(moved)
        assert moved.stamp.inode == entry.stamp.inode  # type: ignore[union-attr]

    @pytest.mark.parametrize("taken", ["file", "folder"])
    def test_move_to_a_taken_name_is_stale_and_moves_nothing(self, taken: str) -> None:
        self.write("a.gif", OLD)
        self.write("b/c.gif" if taken == "folder" else "b", OTHER)
        before = self.files()
        with pytest.raises(Stale):
            self.side.move(self.entry("a.gif"), self.place("b"))
        assert self.files() == before

    def test_move_folder_takes_the_folders_in_it_along(self) -> None:
        self.write("Clients/Acme/a.gif", OLD)
        self.make("Archive")
        self.side.move_folder(self.folder("Clients"), Place("", "Archive/Clients"))
        assert self.files() == {"Archive/Clients/Acme/a.gif": OLD}
        assert self.folders() == {"Archive", "Archive/Clients", "Archive/Clients/Acme"}

    def test_a_folder_does_not_go_into_itself(self) -> None:
        self.write("Clients/a.gif", OLD)
        with pytest.raises(Rejected):
            self.side.move_folder(self.folder("Clients"), Place("", "Clients/Acme"))
        assert self.files() == {"Clients/a.gif": OLD}

    def test_a_folder_with_a_folder_in_it_is_not_removed(self) -> None:
        self.make("Clients/Acme")
        with pytest.raises(Stale):
            self.side.remove_folder(self.folder("Clients"))
        assert self.folders() == {"Clients", "Clients/Acme"}

    def test_make_folder_where_a_file_is_is_stale(self) -> None:
        self.write("Clients", OLD)
        with pytest.raises(Stale):
            self.side.make_folder(Place("", "Clients/Acme"))
        assert self.files() == {"Clients": OLD}

    def test_a_restricted_scan_shows_what_lies_below_its_members(self) -> None:
        self.write("Clients/Acme/a.gif", OLD)
        self.write("b.gif", OTHER)
        snapshot = self.scan("Clients")
        assert set(snapshot.files) == {"Clients/Acme/a.gif"}
        assert set(snapshot.folders) == {"Clients", "Clients/Acme"}

    def test_there_is_room(self) -> None:
        assert self.side.free_bytes() > 0

    def test_a_root_that_is_there_is_fine(self) -> None:
        self.side.make_sure()

    def test_every_verb_halts_where_the_root_is_gone(self) -> None:
        self.write("Clients/a.gif", OLD)
        entry, folder = self.entry("Clients/a.gif"), self.folder("Clients")
        self.lose()
        verbs: list[Callable[[], object]] = [
            lambda: self.side.make_sure(),
            lambda: self.scan(),
            lambda: self.side.look(entry),
            lambda: self.side.open(entry),
            lambda: self.side.put(self.place("b.gif"), Content(NEW), None),
            lambda: self.side.put(entry.place, Content(NEW), entry),
            lambda: self.side.move(entry, self.place("b.gif")),
            lambda: self.side.trash(entry),
            lambda: self.side.delete(entry),
            lambda: self.side.make_folder(Place("", "New")),
            lambda: self.side.move_folder(folder, Place("", "New")),
            lambda: self.side.remove_folder(folder),
        ]
        for verb in verbs:
            with pytest.raises(Halted):
                verb()


class RemoteContract(ReplicaContract):
    """What only the account has."""

    def folder_key(self, path: str) -> str:
        raise NotImplementedError

    def labels(self, path: str) -> set[str]:
        """The labels on an asset, trashed or not."""
        raise NotImplementedError

    def label(self, path: str) -> None:
        """Put `LABEL` on an asset, as a person does."""
        raise NotImplementedError

    def test_what_nobody_can_tell_or_what_was_written_is_never_unchanged(self) -> None:
        self.write("a.gif", OLD)
        assert self.side.unchanged() is None
        self.scan()
        self.side.settled()
        assert self.side.unchanged() in (True, None)
        self.write("a.gif", NEW)
        assert self.side.unchanged() in (False, None)
        self.scan()
        self.side.settled()
        self.side.make_folder(Place("", "Mine"))
        assert self.side.unchanged() is None

    def place(self, path: str) -> Place:
        folder, _, name = path.rpartition("/")
        return Place(self.folder_key(folder) if folder else "", name)

    def trashed(self, path: str, content: bytes) -> Entry:
        """Return the entry of an asset that is in the trash."""
        self.write(path, content)
        return self.side.trash(self.entry(path)).entry

    # -- identity and evidence

    def test_keys_are_stable_and_each_assets_own(self) -> None:
        self.write("a.gif", OLD)
        self.write("b.gif", OLD)
        a, b = self.entry("a.gif"), self.entry("b.gif")
        assert a.key != b.key
        self.write("a.gif", OTHER)
        assert self.entry("a.gif").key == a.key

    def test_new_content_has_a_higher_revision(self) -> None:
        self.write("a.gif", OLD)
        before = self.entry("a.gif")
        self.write("a.gif", OTHER)
        after = self.entry("a.gif")
        assert after.revision > before.revision
        assert self.side.put(after.place, Content(NEW), after).revision > after.revision

    def test_a_folder_says_how_many_assets_it_carries_trashed_ones_included(self) -> None:
        self.make("Empty")
        self.write("Clients/a.gif", OLD)
        self.trashed("Clients/b.gif", NEW)
        assert self.folder("Empty").carried == 0
        assert self.folder("Clients").carried == 2

    def test_two_probes_are_equal_while_nothing_happens(self) -> None:
        self.write("a.gif", OLD)
        self.scan()
        assert self.side.probe() == self.side.probe()

    @pytest.mark.parametrize("change", ["new", "gone", "resized"])
    def test_a_probe_shows_what_is_new_gone_or_resized(self, change: str) -> None:
        self.write("a.gif", OLD)
        before = self.side.probe()
        if change == "gone":
            self.remove("a.gif")
        else:
            self.write("b.gif" if change == "new" else "a.gif", OTHER)
        after = self.side.probe()
        assert before is None or after is None or before != after

    # -- what a probe shows of others alone

    def in_step(self) -> None:
        """Make sure that a probe shows what is expected, as far as this side tells anything."""
        expected = self.side.expected()
        assert expected is not None
        assert self.side.probe() == expected

    def test_nothing_is_expected_before_a_complete_list(self) -> None:
        self.write("Clients/a.gif", OLD)
        assert self.side.expected() is None
        self.scan("1")
        assert self.side.expected() is None
        self.scan()
        self.in_step()

    @pytest.mark.parametrize(
        "verb",
        [
            "create",
            "successor",
            "version",
            "renamed version",
            "version out of the trash",
            "move",
            "trash",
            "restore",
            "delete",
            "make folder",
            "folder made by others",
            "move folder",
            "remove folder",
        ],
    )
    def test_own_writes_are_expected(self, verb: str) -> None:
        self.write("Clients/a.gif", OLD)
        self.label("Clients/a.gif")
        self.make("Empty")
        trashed = self.trashed("Clients/b.gif", NEW)
        entry = self.entry("Clients/a.gif")
        folder, empty = self.folder("Clients"), self.folder("Empty")
        self.in_step()
        before = self.side.probe()
        match verb:
            case "create":
                self.side.put(self.place("Clients/c.gif"), Content(NEW), None)
            case "version":
                self.side.put(entry.place, Content(NEW), entry)
            case "renamed version":
                self.side.put(self.place("Empty/c.gif"), Content(NEW), entry)
            case "move":
                self.side.move(entry, self.place("Empty/a.gif"))
            case "trash":
                self.side.trash(entry)
            case "restore":
                self.side.restore(trashed)
            case "version out of the trash":
                self.side.put(trashed.place, Content(OTHER), trashed)
            case "delete":
                self.side.delete(entry)
            case "make folder":
                self.side.make_folder(Place("", "New"))
            case "folder made by others":
                self.make("New")
                self.side.make_folder(Place("", "New"))
            case "move folder":
                self.side.move_folder(folder, Place("", "Customers"))
            case "remove folder":
                self.side.remove_folder(empty)
            case "successor":
                self.side.put(self.place("Clients/c.gif"), Content(NEW), None, like=entry)
        if verb == "folder made by others":
            # Not an own write, though nobody can tell it from one: expected only where it was taken over.
            assert self.side.expected() in (before, self.side.probe())
            return
        self.in_step()
        assert self.side.probe() != before

    def test_many_own_writes_in_a_row_and_at_once_are_expected(self) -> None:
        self.make("Clients")
        self.make("Empty")
        self.scan()
        here, there = self.folder_key("Clients"), self.folder_key("Empty")

        def work(number: int) -> None:
            name = f"{number}.gif"
            made = self.side.put(Place(here, name), Content(OLD), None)
            made = self.side.put(made.place, Content(bytes(number)), made)
            made = self.side.move(made, Place(there, name))
            if number % 2:
                self.side.trash(made)

        with ThreadPoolExecutor(4) as pool:
            list(pool.map(work, range(12)))
        self.in_step()

    @pytest.mark.parametrize(
        "change",
        ["new", "gone", "resized", "labelled", "moved", "new folder", "renamed folder", "removed folder"],
    )
    @pytest.mark.parametrize("own", [False, True], ids=["alone", "between own writes"])
    def test_what_others_change_is_not_expected(self, change: str, own: bool) -> None:
        self.write("Clients/a.gif", OLD)
        self.make("Other")
        self.make("Empty")
        self.scan()
        if own:
            mine = self.side.put(self.place("Other/mine.gif"), Content(NEW), None)
        match change:
            case "new":
                self.write("Clients/new.gif", NEW)
            case "gone":
                self.remove("Clients/a.gif")
            case "resized":
                self.write("Clients/a.gif", OTHER)
            case "labelled":
                self.label("Clients/a.gif")
            case "moved":
                self.remove("Clients/a.gif")
                self.write("Other/a.gif", OLD)
            case "new folder":
                self.make("New")
            case "renamed folder":
                self.unmake("Empty")
                self.make("Renamed")
            case _:
                self.unmake("Empty")
        if own:
            self.side.trash(self.side.put(mine.place, Content(OTHER), mine))
        expected = self.side.expected()
        assert expected is None or expected != self.side.probe()
        self.scan()
        self.in_step()

    def test_the_room_is_known_or_not(self) -> None:
        room = self.side.free_bytes()
        assert room is None or room > 0

    def test_a_look_at_single_assets_shows_all_folders_and_the_probe_before_it(self) -> None:
        self.write("Clients/a.gif", OLD)
        self.write("b.gif", NEW)
        self.make("Empty")
        whole, key = self.scan(), self.entry("b.gif").key
        before = self.side.probe()
        snapshot = self.scan(key)
        assert set(snapshot.files) == {key}
        assert snapshot.folders == whole.folders
        assert snapshot.all_folders
        assert Probe(snapshot.probe) == before == self.side.expected()

    def test_a_look_at_single_assets_makes_nothing_expected(self) -> None:
        self.write("a.gif", OLD)
        self.write("b.gif", NEW)
        key = self.entry("a.gif").key
        expected = self.side.expected()
        self.write("b.gif", OTHER)
        assert self.scan(key).probe != self.side.expected().text
        self.remove("a.gif")
        assert self.scan(key).files == {}
        assert self.side.expected() == expected != self.side.probe()

    # -- versions

    def test_a_version_may_bring_another_name(self) -> None:
        self.write("Clients/a.gif", OLD)
        entry = self.entry("Clients/a.gif")
        made = self.side.put(self.place("Clients/b.gif"), Content(OLD), entry)
        assert self.files() == {"Clients/b.gif": OLD}
        assert (made.key, made.place) == (entry.key, self.place("Clients/b.gif"))
        self.shown(made)

    def test_a_name_that_only_content_brings_is_not_moved_to(self) -> None:
        assert self.side.capabilities.rename is Rename.BY_CONTENT
        self.write("a.gif", OLD)
        with pytest.raises(Rejected):
            self.side.move(self.entry("a.gif"), self.place("b.gif"))
        assert self.files() == {"a.gif": OLD}

    def test_describe_names_the_digest_of_a_version_and_what_it_was_meant_to_follow(self) -> None:
        self.write("a.gif", OLD)
        entry = self.entry("a.gif")
        self.side.put(entry.place, Content(NEW), entry)
        described = self.side.describe(self.entry("a.gif"), entry.revision)
        assert (described.digest, described.over) == (digest(NEW), entry.revision)

    def test_describe_knows_nothing_of_what_somebody_else_sent(self) -> None:
        self.write("a.gif", OLD)
        entry = self.entry("a.gif")
        self.write("a.gif", OTHER)
        described = self.side.describe(self.entry("a.gif"), entry.revision)
        assert (described.digest, described.over) == (None, -1)

    def test_describe_looks_only_at_the_versions_since(self) -> None:
        self.write("a.gif", OLD)
        made = self.entry("a.gif")
        for content in (NEW, OTHER):
            made = self.side.put(made.place, Content(content), made)
        assert self.side.describe(self.entry("a.gif"), made.revision - 1).over == made.revision - 1
        assert self.side.describe(self.entry("a.gif"), 0).over == 0
        assert self.side.describe(self.entry("a.gif"), made.revision).over == -1

    # -- the trash

    def test_the_trashed_asset_is_scanned_as_trashed_in_its_place(self) -> None:
        entry = self.trashed("Clients/a.gif", OLD)
        assert entry.trashed
        assert entry.place == self.place("Clients/a.gif")
        self.shown(entry)

    def test_restore_brings_it_back_to_its_place(self) -> None:
        restored = self.side.restore(self.trashed("Clients/a.gif", OLD))
        assert self.files() == {"Clients/a.gif": OLD}
        assert not restored.trashed
        self.shown(restored)

    def test_restore_of_something_that_changed_is_stale(self) -> None:
        entry = self.trashed("a.gif", OLD)
        with pytest.raises(Stale):
            self.side.restore(replace(entry, revision=entry.revision + 1))
        assert self.files() == {}

    def test_trash_and_restore_twice_are_no_errors(self) -> None:
        entry = self.trashed("a.gif", OLD)
        assert self.side.trash(entry).entry.trashed
        restored = self.side.restore(entry)
        assert not self.side.restore(restored).trashed

    def test_new_content_takes_an_asset_out_of_the_trash(self) -> None:
        entry = self.trashed("a.gif", OLD)
        made = self.side.put(entry.place, Content(NEW), entry)
        assert not made.trashed
        assert self.files() == {"a.gif": NEW}
        self.shown(made)

    @pytest.mark.parametrize("verb", ["put", "move", "delete"])
    def test_what_went_to_the_trash_meanwhile_is_stale(self, verb: str) -> None:
        self.make("Clients")
        self.write("a.gif", OLD)
        entry = self.entry("a.gif")
        self.side.trash(entry)
        change: dict[str, Callable[[], object]] = {
            "put": lambda: self.side.put(entry.place, Content(NEW), entry),
            "move": lambda: self.side.move(entry, self.place("Clients/a.gif")),
            "delete": lambda: self.side.delete(entry),
        }
        with pytest.raises(Stale):
            change[verb]()
        assert self.buried() == [OLD]

    def test_a_folder_that_carries_a_trashed_asset_is_not_removed(self) -> None:
        self.trashed("Clients/a.gif", OLD)
        with pytest.raises(Stale):
            self.side.remove_folder(self.folder("Clients"))
        assert self.folders() == {"Clients"}

    def test_renaming_a_folder_takes_along_what_was_trashed_in_it(self) -> None:
        self.trashed("Clients/a.gif", OLD)
        self.side.move_folder(self.folder("Clients"), Place("", "Customers"))
        (entry,) = self.scan().files.values()
        self.side.restore(entry)
        assert self.files() == {"Customers/a.gif": OLD}

    # -- labels

    @pytest.mark.parametrize("verb", ["move", "trash", "restore", "relabel", "put"])
    def test_a_label_that_a_person_put_on_stays(self, verb: str) -> None:
        self.make("Clients")
        self.write("a.gif", OLD)
        self.label("a.gif")
        entry = self.entry("a.gif")
        assert entry.labelled
        match verb:
            case "move":
                after = self.side.move(entry, self.place("Clients/a.gif"))
            case "trash":
                after = self.side.trash(entry).entry
            case "restore":
                after = self.side.restore(self.side.trash(entry).entry)
            case "relabel":
                after = self.side.relabel(entry)
            case _:
                after = self.side.put(entry.place, Content(NEW), entry)
        assert LABEL in self.labels("Clients/a.gif" if verb == "move" else "a.gif")
        assert after.labelled
        self.shown(after)

    def test_a_label_put_on_meanwhile_makes_nothing_stale_and_stays(self) -> None:
        self.make("Clients")
        self.write("a.gif", OLD)
        entry = self.entry("a.gif")
        self.label("a.gif")
        self.side.move(entry, self.place("Clients/a.gif"))
        assert self.files() == {"Clients/a.gif": OLD}
        assert LABEL in self.labels("Clients/a.gif")

    def test_a_successor_has_the_labels_of_what_it_succeeds(self) -> None:
        self.write("Clients/a.gif", OLD)
        self.label("Clients/a.gif")
        old = self.entry("Clients/a.gif")
        made = self.side.put(self.place("Clients/b.gif"), Content(NEW), None, like=old)
        assert made.key != old.key
        assert self.files() == {"Clients/a.gif": OLD, "Clients/b.gif": NEW}
        assert self.labels("Clients/b.gif") == {LABEL}

    # -- what an unanswered create left

    def intent(self, path: str, content: bytes, mark: str) -> Intent:
        return Intent(self.place(path), len(content), digest(content), mark)

    def test_find_finds_what_a_put_left(self) -> None:
        self.make("Clients")
        mark = self.scan().mark
        intent = self.intent("Clients/a.gif", NEW, mark)
        made = self.side.put(intent.place, Content(NEW), None)
        found = self.side.find([intent])
        assert set(found) == {intent}
        assert found[intent].digest == digest(NEW)
        assert (found[intent].key, found[intent].revision) == (made.key, made.revision)
        self.shown(found[intent])

    def test_find_finds_nothing_where_nothing_was_left(self) -> None:
        intent = self.intent("a.gif", NEW, self.scan().mark)
        assert self.side.find([intent]) == {}
        assert self.side.find([]) == {}

    def test_find_does_not_find_what_was_there_before(self) -> None:
        self.write("a.gif", NEW)
        assert self.side.find([self.intent("a.gif", NEW, self.scan().mark)]) == {}

    def test_find_does_not_find_what_was_sent_from_here_before_the_last_look_at_single_assets(self) -> None:
        self.write("b.gif", OLD)
        key = self.entry("b.gif").key
        self.side.put(self.place("a.gif"), Content(NEW), None)
        assert self.side.find([self.intent("a.gif", NEW, self.scan(key).mark)]) == {}

    @pytest.mark.parametrize(
        ("path", "content"),
        [("a.gif", b"same size.."), ("a.gif", OTHER), ("b.gif", NEW), ("Clients/a.gif", NEW)],
        ids=["other bytes", "another size", "another name", "another folder"],
    )
    def test_find_does_not_find_what_is_not_alike(self, path: str, content: bytes) -> None:
        assert len(b"same size..") == len(NEW)
        self.make("Clients")
        intent = self.intent("a.gif", NEW, self.scan().mark)
        self.side.put(self.place(path), Content(content), None)
        assert self.side.find([intent]) == {}

    def test_find_does_not_find_what_is_in_the_trash(self) -> None:
        intent = self.intent("a.gif", NEW, self.scan().mark)
        self.side.trash(self.side.put(intent.place, Content(NEW), None))
        assert self.side.find([intent]) == {}

    def test_each_asset_answers_one_intent(self) -> None:
        self.make("Clients")
        mark = self.scan().mark
        one, other = self.intent("a.gif", NEW, mark), self.intent("Clients/a.gif", NEW, mark)
        self.side.put(other.place, Content(NEW), None)
        assert set(self.side.find([one, other])) == {other}
        self.side.put(one.place, Content(NEW), None)
        found = self.side.find([one, other])
        assert len({entry.key for entry in found.values()}) == 2

    # -- what an unanswered version left

    def version_intent(self, entry: Entry, content: bytes, name: str = "") -> Intent:
        place = Place(entry.place.folder, name or entry.place.name)
        mark = self.scan().mark
        return Intent(place, len(content), digest(content), mark, entry.key, entry.revision)

    @pytest.mark.parametrize("name", ["a.gif", "b.gif"])
    def test_find_finds_the_version_that_a_put_left(self, name: str) -> None:
        self.write("Clients/a.gif", OLD)
        old = self.entry("Clients/a.gif")
        intent = self.version_intent(old, NEW, name)
        made = self.side.put(intent.place, Content(NEW), old)
        assert set(self.side.find([intent])) == {intent}
        found = self.side.find([intent])[intent]
        assert (found.key, found.revision, found.size, found.place) == (made.key, 1, len(NEW), made.place)
        assert found.digest == digest(NEW)
        resumed = self.side.resume(intent.place, old, found)
        assert replace(resumed, digest=None) == replace(made, digest=None)
        self.shown(resumed)

    def test_find_finds_a_version_of_which_only_the_origin_is_known(self) -> None:
        self.write("a.gif", OLD)
        old = self.entry("a.gif")
        intent = replace(self.version_intent(old, NEW), digest="")
        self.side.put(old.place, Content(NEW), old)
        assert self.side.find([intent])[intent].digest == digest(NEW)

    def test_find_finds_a_version_below_a_newer_one_as_it_was(self) -> None:
        self.write("a.gif", OLD)
        old = self.entry("a.gif")
        intent = self.version_intent(old, NEW)
        made = self.side.put(old.place, Content(NEW), old)
        self.side.put(old.place, Content(OTHER), made)
        found = self.side.find([intent])[intent]
        assert (found.revision, found.digest, found.size) == (1, digest(NEW), len(NEW))
        resumed = self.side.resume(intent.place, old, found)
        assert (resumed.revision, resumed.digest, resumed.size) == (1, digest(NEW), len(NEW))

    def test_find_does_not_find_a_version_with_other_content_or_from_before(self) -> None:
        self.write("a.gif", OLD)
        old = self.entry("a.gif")
        made = self.side.put(old.place, Content(NEW), old)
        assert self.side.find([self.version_intent(old, OTHER)]) == {}
        assert self.side.find([self.version_intent(made, NEW)]) == {}


# -- made of dictionaries


class TestMemoryFolder(LocalContract):
    @pytest.fixture(autouse=True)
    def _side(self) -> None:
        self.side = MemoryFolder()

    def write(self, path: str, content: bytes) -> None:
        self.make(path.rpartition("/")[0])
        self.side.files[path] = MemoryFile(content, self.side.stamp(len(content)))

    def remove(self, path: str) -> None:
        del self.side.files[path]

    def make(self, path: str) -> None:
        parts = path.split("/") if path else []
        for end in range(1, len(parts) + 1):
            self.side.folders.setdefault("/".join(parts[:end]), self.side.stamp())

    def unmake(self, path: str) -> None:
        del self.side.folders[path]

    def files(self) -> dict[str, bytes]:
        return {path: file.content for path, file in self.side.files.items()}

    def folders(self) -> set[str]:
        return set(self.side.folders)

    def buried(self) -> list[bytes]:
        return list(self.side.trashed.values())

    def lose(self) -> None:
        self.side.missing = True


class TestMemoryAccount(RemoteContract):
    @pytest.fixture(autouse=True)
    def _side(self) -> None:
        self.side = MemoryAccount()

    def write(self, path: str, content: bytes) -> None:
        folder, _, name = path.rpartition("/")
        self.make(folder)
        found = self._found(path)
        if found is not None:
            found.versions.append(MemoryVersion(content, name))
        else:
            asset = MemoryAsset(self.folder_key(folder), [MemoryVersion(content, name)])
            self.side.assets[self.side.new_key()] = asset

    def _found(self, path: str) -> MemoryAsset | None:
        place = self.place(path)
        assets = self.side.assets.values()
        return next((a for a in assets if (a.home, a.versions[-1].name) == (place.folder, place.name)), None)

    def remove(self, path: str) -> None:
        gone = self._found(path)
        self.side.assets = {key: asset for key, asset in self.side.assets.items() if asset is not gone}

    def make(self, path: str) -> None:
        parts = path.split("/") if path else []
        for end in range(1, len(parts) + 1):
            if "/".join(parts[:end]) not in self.folders():
                self.side.tags[self.side.new_key()] = "/".join(parts[:end])

    def unmake(self, path: str) -> None:
        del self.side.tags[self.folder_key(path)]

    def files(self) -> dict[str, bytes]:
        live = [a for a in self.side.assets.values() if not a.trashed]
        paths = [f"{self.side.tags.get(a.home, '')}/{a.versions[-1].name}".lstrip("/") for a in live]
        assert len(set(paths)) == len(paths)
        return dict(zip(paths, (a.versions[-1].content for a in live), strict=True))

    def folders(self) -> set[str]:
        return set(self.side.tags.values())

    def folder_key(self, path: str) -> str:
        return next((key for key, name in self.side.tags.items() if name == path), "")

    def buried(self) -> list[bytes]:
        return [a.versions[-1].content for a in self.side.assets.values() if a.trashed]

    def labels(self, path: str) -> set[str]:
        asset = self._found(path)
        assert asset is not None
        return asset.labels

    def label(self, path: str) -> None:
        self.labels(path).add(LABEL)


# -- the real ones


class TestFolder(LocalContract):
    root: Path

    @pytest.fixture(autouse=True)
    def _side(self, tmp_path: Path) -> None:
        self.root = tmp_path / "root"
        self.root.mkdir()
        clock = Clock()
        self.side = Folder(self.root, clock=clock, wait=clock.wait)
        self.side.prepare()
        self.side.write_root_id("one")

    def write(self, path: str, content: bytes) -> None:
        (self.root / path).parent.mkdir(parents=True, exist_ok=True)
        (self.root / path).write_bytes(content)

    def remove(self, path: str) -> None:
        (self.root / path).unlink()

    def make(self, path: str) -> None:
        (self.root / path).mkdir(parents=True)

    def unmake(self, path: str) -> None:
        (self.root / path).rmdir()

    def _all(self, below: Path) -> list[Path]:
        return [p for p in sorted(below.rglob("*")) if p.relative_to(below).parts[0] != ".fluxsync"]

    def files(self) -> dict[str, bytes]:
        return {
            p.relative_to(self.root).as_posix(): p.read_bytes() for p in self._all(self.root) if p.is_file()
        }

    def folders(self) -> set[str]:
        return {p.relative_to(self.root).as_posix() for p in self._all(self.root) if p.is_dir()}

    def buried(self) -> list[bytes]:
        return [p.read_bytes() for p in self._all(self.root / ".fluxsync/trash") if p.is_file()]

    def lose(self) -> None:
        shutil.rmtree(self.root)


class TestFluxiom(RemoteContract):
    TRASH: ClassVar = "fluxsync-trash"

    @pytest.fixture(autouse=True)
    def _side(self, tmp_path: Path) -> Iterator[None]:
        clock = Clock()
        with Sandbox(tmp_path / "account") as self.sandbox:
            client = Client(self.sandbox.url, "demo", "demo", clock=clock, sleep=clock.wait)
            self.side = Fluxiom(client, Placement(labels=(LABEL,)), sender="DESK-ab12")
            yield
            self.side.close()

    def _found(self, path: str) -> Any:
        return next((asset for asset in self.sandbox.store.assets() if self._path(asset) == path), None)

    def _path(self, asset: Any) -> str:
        folders = [tag.name for tag in asset.tags if tag.name not in (LABEL, self.TRASH)]
        assert len(folders) <= 1
        return "/".join([*folders, asset.filename])

    def write(self, path: str, content: bytes) -> None:
        folder, _, name = path.rpartition("/")
        self.make(folder)
        found = self._found(path)
        if found is not None:
            self.sandbox.store.add_version(found.id, content)
        else:
            self.sandbox.store.create_asset(name, content, tags=[folder] if folder else [])

    def remove(self, path: str) -> None:
        self.sandbox.store.delete_asset(self._found(path).id)

    def make(self, path: str) -> None:
        parts = path.split("/") if path else []
        for end in range(1, len(parts) + 1):
            self.sandbox.store.create_tag("/".join(parts[:end]))

    def unmake(self, path: str) -> None:
        self.sandbox.store.delete_tag(int(self.folder_key(path).partition("@")[0]))

    def files(self) -> dict[str, bytes]:
        live = [a for a in self.sandbox.store.assets() if self.TRASH not in {tag.name for tag in a.tags}]
        assert len({self._path(a) for a in live}) == len(live)
        return {self._path(a): self.sandbox.store.content(a.id) for a in live}

    def folders(self) -> set[str]:
        return {tag.name for tag in self.sandbox.store.tags()} - {LABEL, self.TRASH}

    def folder_key(self, path: str) -> str:
        return next(f"{tag.id}@tag" for tag in self.sandbox.store.tags() if tag.name == path)

    def buried(self) -> list[bytes]:
        gone = [a for a in self.sandbox.store.assets() if self.TRASH in {tag.name for tag in a.tags}]
        return [self.sandbox.store.content(a.id) for a in gone]

    def labels(self, path: str) -> set[str]:
        return {tag.name for tag in self._found(path).tags} & {LABEL}

    def label(self, path: str) -> None:
        asset = self._found(path)
        self.sandbox.store.set_tags(asset.id, [*(tag.name for tag in asset.tags), LABEL])
