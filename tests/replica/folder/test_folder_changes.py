"""Moving, trashing, deleting, and the folders."""

from __future__ import annotations

import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from hashlib import sha256
from pathlib import Path

import pytest
from folder_world import DISKS, Clock, Content, before, digest, entry, lack, place, scan, trashed, tree

from fluxsync.core.model import Entry, Kind, NameRules, Place
from fluxsync.errors import Busy, Rejected, Stale
from fluxsync.replica.base import Source
from fluxsync.replica.folder import Folder, source, syscalls

TEXT, OTHER = b"the content", b"something else"


def _make(root: Path, path: str, text: bytes = TEXT) -> None:
    (root / path).parent.mkdir(parents=True, exist_ok=True)
    (root / path).write_bytes(text)


def _finish(source: Source, blocks: Iterator[bytes]) -> str:
    for _ in blocks:
        pass
    return source.check()


@pytest.mark.parametrize("disk", DISKS)
def test_a_moved_file_keeps_its_content_and_gets_its_new_stamp(
    folder: Folder, root: Path, monkeypatch: pytest.MonkeyPatch, disk: str
) -> None:
    lack(monkeypatch, disk)
    _make(root, "a.ai")
    (root / "sub").mkdir()
    moved = folder.move(entry(folder, "a.ai"), place("sub/b.ai"))
    assert tree(root) == {"sub/b.ai": TEXT}
    assert moved == entry(folder, "sub/b.ai")


@pytest.mark.parametrize("disk", DISKS)
def test_a_file_is_never_moved_onto_another(
    folder: Folder, root: Path, monkeypatch: pytest.MonkeyPatch, disk: str
) -> None:
    lack(monkeypatch, disk)
    _make(root, "a.ai")
    _make(root, "b.ai", OTHER)
    with pytest.raises(Stale):
        folder.move(entry(folder, "a.ai"), place("b.ai"))
    assert tree(root) == {"a.ai": TEXT, "b.ai": OTHER}


def test_two_links_to_one_file_are_two_names_on_a_disk_that_tells_them_apart(
    folder: Folder, root: Path
) -> None:
    _make(root, "a.ai")
    os.link(root / "a.ai", root / "A.ai")
    with pytest.raises(Stale):
        folder.move(entry(folder, "a.ai"), place("A.ai"))
    assert set(tree(root)) == {"a.ai", "A.ai"}


def test_a_rename_of_case_only_goes_through_where_both_names_are_one(
    folder: Folder, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The disk is played: it answers to both names, with the same inode, and lists the one."""
    _make(root, "a.ai")
    here = entry(folder, "a.ai")
    folder._facts._names = NameRules(case_sensitive=False)
    real_lstat, real_rename = os.stat, syscalls.rename

    def taken(old: syscalls.At, new: syscalls.At) -> None:
        raise FileExistsError(17, "exists")

    def answers(name: str, **more: object) -> os.stat_result:
        return real_lstat("a.ai" if name == "A.ai" and not (root / "A.ai").exists() else name, **more)

    monkeypatch.setattr(syscalls, "rename_new", taken)
    monkeypatch.setattr(syscalls, "rename", real_rename)
    monkeypatch.setattr(os, "stat", answers)
    moved = folder.move(here, place("A.ai"))
    assert moved.place == Place("", "A.ai")
    assert os.listdir(root) == [".fluxsync", "A.ai"] or set(os.listdir(root)) == {".fluxsync", "A.ai"}


def test_look_wants_the_exact_name_where_the_disk_answers_to_others(folder: Folder, root: Path) -> None:
    _make(root, "a.ai")
    here = entry(folder, "a.ai")
    folder._facts._names = NameRules(case_sensitive=False)
    assert folder.look(here) == here


@pytest.mark.parametrize("verb", ["move", "trash", "delete"])
def test_a_file_that_changed_or_is_open_stays(folder: Folder, root: Path, verb: str) -> None:
    _make(root, "a.ai")
    here = entry(folder, "a.ai")
    work = {
        "move": lambda: folder.move(here, place("b.ai")),
        "trash": lambda: folder.trash(here),
        "delete": lambda: folder.delete(here),
    }[verb]
    with (root / "a.ai").open("ab"), pytest.raises(Busy):
        work()
    (root / "~$a.ai").touch()
    with pytest.raises(Busy):
        work()
    (root / "~$a.ai").unlink()
    (root / "a.ai").write_bytes(OTHER)
    with pytest.raises(Stale):
        work()
    assert tree(root) == {"a.ai": OTHER}
    assert trashed(root) == []
    (root / "a.ai").unlink()
    with pytest.raises(Stale):
        work()


@pytest.mark.parametrize("verb", ["move", "trash", "delete"])
def test_a_file_saved_at_the_last_moment_is_given_back(
    folder: Folder, root: Path, monkeypatch: pytest.MonkeyPatch, verb: str
) -> None:
    _make(root, "a.ai")
    here = entry(folder, "a.ai")

    def save() -> None:
        _make(root, "new", OTHER)
        (root / "new").replace(root / "a.ai")

    before(monkeypatch, "rename_new", save)
    with pytest.raises(Stale):
        {
            "move": lambda: folder.move(here, place("b.ai")),
            "trash": lambda: folder.trash(here),
            "delete": lambda: folder.delete(here),
        }[verb]()
    assert tree(root) == {"a.ai": OTHER}
    assert trashed(root) == []


def test_a_file_saved_twice_at_the_last_moment_is_kept_twice(
    folder: Folder, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Between the move to the trash and the way back somebody makes the file anew."""
    _make(root, "a.ai")
    here = entry(folder, "a.ai")
    real, calls = syscalls.rename_new, 0

    def racing(old: syscalls.At, new: syscalls.At) -> None:
        nonlocal calls
        calls += 1
        if calls <= 2:
            (root / "a.ai").write_bytes(OTHER + b"%d" % calls)
        real(old, new)

    monkeypatch.setattr(syscalls, "rename_new", racing)
    with pytest.raises(Stale):
        folder.trash(here)
    assert tree(root) == {"a.ai": OTHER + b"2", "a (conflicted copy).ai": OTHER + b"1"}


def test_the_trash_tells_path_and_time_without_a_journal(folder: Folder, root: Path, clock: Clock) -> None:
    _make(root, "sub/a.ai")
    clock.ahead = 0
    gone = folder.trash(replace(entry(folder, "sub/a.ai")))
    (listed,) = Folder(root, clock=clock).list_trash()
    assert (listed.where, listed.path, listed.size) == (gone.where, "sub/a.ai", len(TEXT))
    assert abs(listed.when - clock()) < 5
    assert tree(root) == {}


def test_one_path_trashed_again_and_again_is_kept_each_time(folder: Folder, root: Path) -> None:
    frozen = Folder(root, clock=lambda: 2_000_000_000.0)
    for number in range(4):
        _make(root, "a.ai", b"%d" % number)
        frozen.trash(entry(frozen, "a.ai"))
    (root / "a.ai").mkdir()
    _make(root, "a.ai/b.ai", b"4")
    frozen.trash(entry(frozen, "a.ai/b.ai"))
    assert sorted(trashed(root)) == [b"0", b"1", b"2", b"3", b"4"]
    assert len({file.where for file in frozen.list_trash()}) == 5


def test_restoring_moves_a_file_back_and_never_onto_another(folder: Folder, root: Path, clock: Clock) -> None:
    _make(root, "a.ai")
    where = folder.trash(entry(folder, "a.ai")).where
    _make(root, "a.ai", OTHER)
    with pytest.raises(Stale):
        folder.restore_trashed(where, place("a.ai"))
    clock.ahead += 3600
    restored = folder.restore_trashed(where, place("b.ai"))
    assert tree(root) == {"a.ai": OTHER, "b.ai": TEXT}
    assert restored.stamp == entry(folder, "b.ai").stamp
    assert os.listdir(root / ".fluxsync/trash") == []


def test_emptying_removes_the_file_and_the_folders_it_leaves(
    folder: Folder, root: Path, clock: Clock
) -> None:
    _make(root, "x/y/a.ai")
    where = folder.trash(entry(folder, "x/y/a.ai")).where
    clock.ahead += 3600
    folder.drop_trashed(where)
    assert os.listdir(root / ".fluxsync/trash") == []
    with pytest.raises(Stale):
        folder.drop_trashed(where)


def test_the_trash_tells_how_much_it_holds_and_what(folder: Folder, root: Path) -> None:
    for number in range(3):
        _make(root, f"x/{number}.ai", b"12345")
        folder.trash(entry(folder, f"x/{number}.ai"))
    assert folder.trash_bytes() == 15
    assert {folder.trashed_digest(f.where) for f in folder.list_trash()} == {sha256(b"12345").hexdigest()}
    assert folder.trash_bytes() < folder.free_bytes() < folder.disk_bytes()


def test_looking_at_the_trash_of_an_untouched_folder_makes_nothing(tmp_path: Path) -> None:
    untouched = Folder(tmp_path)
    assert untouched.list_trash() == []
    assert untouched.trash_bytes() == 0
    assert os.listdir(tmp_path) == []


@pytest.mark.parametrize("where", ["../root-id", "2026-01-01/000000Z/../../../../a.ai", "a.ai", ""])
def test_a_place_in_the_trash_cannot_lead_out_of_it(folder: Folder, root: Path, where: str) -> None:
    _make(root, "a.ai")
    with pytest.raises(Rejected):
        folder.drop_trashed(where)
    with pytest.raises(Rejected):
        folder.restore_trashed(where, place("b.ai"))
    assert tree(root) == {"a.ai": TEXT}


def test_only_staged_files_are_dropped(folder: Folder, root: Path) -> None:
    (root / ".fluxsync/tmp/put--1").write_bytes(b"x")
    (root / ".fluxsync/tmp/mine").write_bytes(b"x")
    assert folder.leftovers("") == ["put--1"]
    folder.drop_staged(["put--1", "put--2"])
    for name in ("mine", "put-/../../root-id"):
        with pytest.raises(ValueError, match="not a staged file"):
            folder.drop_staged([name])
    assert os.listdir(root / ".fluxsync/tmp") == ["mine"]


def test_folders_are_made_with_those_on_the_way(folder: Folder, root: Path) -> None:
    made = folder.make_folder(Place("", "a/b/c"))
    assert made.place == Place("", "a/b/c")
    assert folder.make_folder(Place("", "a/b/c")) == made
    assert made.stamp is not None
    assert made.stamp.inode == (root / "a/b/c").stat().st_ino


@pytest.mark.parametrize("path", ["a.ai", "a.ai/b", "link", "link/b"])
def test_a_folder_is_not_made_through_a_file_or_a_link(
    folder: Folder, root: Path, tmp_path: Path, path: str
) -> None:
    _make(root, "a.ai")
    (tmp_path / "outside").mkdir()
    (root / "link").symlink_to(tmp_path / "outside")
    with pytest.raises(Stale):
        folder.make_folder(Place("", path))
    assert list((tmp_path / "outside").iterdir()) == []


def test_a_whole_folder_moves_in_one_step(folder: Folder, root: Path) -> None:
    _make(root, "a/b/c.ai")
    (root / "new").mkdir()
    here = scan(folder).folders["a"]
    moved = folder.move_folder(here, Place("", "new/a"))
    assert tree(root) == {"new/a/b/c.ai": TEXT}
    assert moved == scan(folder).folders["new/a"]


@pytest.mark.parametrize("disk", DISKS)
def test_a_folder_is_not_moved_onto_another_nor_into_itself_nor_when_it_is_another(
    folder: Folder, root: Path, monkeypatch: pytest.MonkeyPatch, disk: str
) -> None:
    lack(monkeypatch, disk)
    (root / "a").mkdir()
    (root / "b").mkdir()
    here = scan(folder).folders["a"]
    with pytest.raises(Stale):
        folder.move_folder(here, Place("", "b"))
    with pytest.raises(Rejected):
        folder.move_folder(here, Place("", "a/c"))
    (root / "another").mkdir()
    (root / "a").rmdir()
    (root / "another").rename(root / "a")
    with pytest.raises(Stale):
        folder.move_folder(here, Place("", "c"))


def test_an_empty_folder_goes_and_one_that_is_gone_is_no_error(folder: Folder, root: Path) -> None:
    (root / "a").mkdir()
    here = scan(folder).folders["a"]
    folder.remove_folder(here)
    assert not (root / "a").exists()
    folder.remove_folder(here)
    folder.remove_folder(Entry(Kind.FOLDER, Place("", "x/y")))


def test_a_folder_with_anything_in_it_stays(folder: Folder, root: Path) -> None:
    _make(root, "a/.DS_Store")
    _make(root, "a/notes.tmp")
    with pytest.raises(Stale):
        folder.remove_folder(scan(folder).folders["a"])
    assert len(tree(root)) == 2


def test_what_systems_leave_in_a_folder_goes_to_the_trash_with_it(folder: Folder, root: Path) -> None:
    for name in (".DS_Store", "Thumbs.db", "desktop.ini", "Icon\r", "._logo.ai"):
        _make(root, f"a/{name}")
    folder.remove_folder(scan(folder).folders["a"])
    assert not (root / "a").exists()
    assert len(trashed(root)) == 5


def test_a_file_in_the_place_of_a_folder_is_not_removed(folder: Folder, root: Path) -> None:
    (root / "a").mkdir()
    here = scan(folder).folders["a"]
    (root / "a").rmdir()
    _make(root, "a")
    with pytest.raises(Stale):
        folder.remove_folder(here)
    assert tree(root) == {"a": TEXT}


def test_several_movers_work_at_once(folder: Folder, root: Path) -> None:
    def mover(number: int) -> None:
        folder.make_folder(Place("", f"x/{number % 5}"))
        path = f"x/{number % 5}/{number}.ai"
        one = folder.put(place(path), Content(b"one %d" % number), None)
        two = folder.put(place(path), Content(b"two %d" % number), one)
        moved = folder.move(two, place(f"x/{number % 5}/m{number}.ai"))
        if number % 4 == 1:
            folder.trash(moved)
        elif number % 4 == 3:
            folder.delete(moved)

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(mover, range(80)))
    assert sorted(tree(root).values()) == sorted(b"two %d" % number for number in range(0, 80, 2))
    assert len(folder.list_trash()) == 100
    assert {file.path for file in folder.list_trash()} >= {"x/1/m1.ai", "x/0/0.ai"}


def test_the_source_is_refused_when_the_file_is_another(folder: Folder, root: Path) -> None:
    _make(root, "a.ai")
    here = entry(folder, "a.ai")
    (root / "a.ai").write_bytes(OTHER)
    with pytest.raises(Stale):
        folder.open(here)
    (root / "a.ai").unlink()
    with pytest.raises(Stale):
        folder.open(here)
    (root / "a.ai").symlink_to("b.ai")
    with pytest.raises(Stale):
        folder.open(here)
    (root / "a.ai").unlink()
    os.mkfifo(root / "a.ai")
    with pytest.raises(Stale):
        folder.open(here)


@pytest.mark.parametrize("how", ["longer", "shorter", "touched", "replaced", "removed", "open"])
def test_a_file_that_changes_while_it_is_read_is_not_sent(folder: Folder, root: Path, how: str) -> None:
    _make(root, "a.ai", TEXT * 200_000)
    source = folder.open(entry(folder, "a.ai"))
    blocks = source.blocks()
    next(blocks)
    if how == "longer":
        with (root / "a.ai").open("ab") as file:
            file.write(b"x")
    elif how == "shorter":
        os.truncate(root / "a.ai", 1 << 20)
    elif how == "touched":
        os.utime(root / "a.ai", ns=(1, 1))
    elif how == "replaced":
        _make(root, "b.ai", TEXT * 200_000)
        (root / "b.ai").replace(root / "a.ai")
    elif how == "removed":
        (root / "a.ai").unlink()
    writer = (root / "a.ai").open("ab") if how == "open" else None
    with pytest.raises(Busy if how == "open" else Stale):
        _finish(source, blocks)
    source.close()
    source.close()
    if writer:
        writer.close()


def test_a_file_that_was_replaced_while_it_was_read_is_not_sent_on_a_disk_without_ctimes(
    folder: Folder, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = source.stamp_of
    monkeypatch.setattr(source, "stamp_of", lambda status: replace(real(status), ctime_ns=0))
    (root / "a.ai").write_bytes(b"one")
    expected = entry(folder, "a.ai")
    content = folder.open(expected)
    list(content.blocks())
    (root / "other").write_bytes(b"two")
    (root / "other").replace(root / "a.ai")
    with pytest.raises(Stale, match="another file took its place"):
        content.check()
    content.close()


def test_a_file_that_only_got_another_ctime_is_sent_if_its_content_is_the_planned_one(
    folder: Folder, root: Path
) -> None:
    _make(root, "a.ai")
    here = entry(folder, "a.ai")
    (root / "a.ai").chmod(0o600)
    assert folder.digest(here) == digest(TEXT)
    with pytest.raises(Stale):
        folder.digest(replace(here, digest=digest(OTHER)))
    with pytest.raises(Stale):
        folder.open(replace(here, digest=None))


def test_an_empty_file_has_no_blocks(folder: Folder, root: Path) -> None:
    _make(root, "a.ai", b"")
    source = folder.open(entry(folder, "a.ai"))
    assert list(source.blocks()) == []
    assert source.check() == digest(b"")
    source.close()


def test_the_free_room_is_that_of_the_disk(folder: Folder, root: Path) -> None:
    assert 0 < folder.free_bytes() <= os.statvfs(root).f_blocks * os.statvfs(root).f_frsize
