"""Bringing content down: staged, checked, in place in one step, and nothing that was there is lost."""

from __future__ import annotations

import os
import stat
import threading
from pathlib import Path

import pytest
from folder_world import (
    DISKS,
    Clock,
    Content,
    before,
    digest,
    entry,
    lack,
    place,
    scan,
    staged,
    trashed,
    tree,
)
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from fluxsync.core.model import Entry, Kind, Place
from fluxsync.errors import Busy, Corrupted, Full, Halted, Rejected, Stale
from fluxsync.replica.folder import Folder, syscalls
from fluxsync.replica.folder.stamps import stamp_at

OLD, NEW, SAVED = b"the old content", b"the new one", b"saved at the last moment"


def test_a_new_file_is_there_with_its_digest_and_stamp(folder: Folder, root: Path) -> None:
    made = folder.put(place("a.ai"), Content(NEW), None)
    assert tree(root) == {"a.ai": NEW}
    assert made.digest == digest(NEW)
    assert made.stamp == entry(folder, "a.ai").stamp
    assert staged(root) == []


def test_a_new_file_takes_no_name_that_is_taken(folder: Folder, root: Path) -> None:
    (root / "a.ai").write_bytes(OLD)
    with pytest.raises(Stale):
        folder.put(place("a.ai"), Content(NEW), None)
    assert tree(root) == {"a.ai": OLD}


@pytest.mark.parametrize("disk", DISKS)
def test_a_name_taken_during_the_transfer_is_not_overwritten(
    folder: Folder, root: Path, monkeypatch: pytest.MonkeyPatch, disk: str
) -> None:
    lack(monkeypatch, disk)
    with pytest.raises(Stale):
        folder.put(place("a.ai"), Content(NEW, during=lambda: _write(root / "a.ai", OLD)), None)
    assert tree(root) == {"a.ai": OLD}
    assert staged(root) == []


@pytest.mark.parametrize("disk", DISKS)
def test_a_replaced_file_lies_in_the_trash(
    folder: Folder, root: Path, monkeypatch: pytest.MonkeyPatch, disk: str
) -> None:
    lack(monkeypatch, disk)
    (root / "sub").mkdir()
    (root / "sub/a.ai").write_bytes(OLD)
    made = folder.put(place("sub/a.ai"), Content(NEW), entry(folder, "sub/a.ai"))
    assert tree(root) == {"sub/a.ai": NEW}
    assert [(file.path, file.size) for file in folder.list_trash()] == [("sub/a.ai", len(OLD))]
    assert trashed(root) == [OLD]
    assert staged(root) == []
    assert made.stamp == entry(folder, "sub/a.ai").stamp


@pytest.mark.parametrize("disk", DISKS)
def test_with_aside_the_old_file_lies_beside_the_new_one(
    folder: Folder, root: Path, monkeypatch: pytest.MonkeyPatch, disk: str
) -> None:
    lack(monkeypatch, disk)
    (root / "a.ai").write_bytes(OLD)
    folder.put(place("a.ai"), Content(NEW), entry(folder, "a.ai"), aside=place("a (mine).ai"))
    assert tree(root) == {"a.ai": NEW, "a (mine).ai": OLD}
    assert trashed(root) == ([OLD] if disk == "copies" else [])
    assert staged(root) == []


def test_a_file_on_another_disk_than_the_root_stays_and_the_reason_is_named(
    folder: Folder, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (root / "a.ai").write_bytes(OLD)
    expected = entry(folder, "a.ai")
    folder.put(place("other"), Content(b""), None)
    real = syscalls.exchange

    def elsewhere(one: syscalls.At, other: syscalls.At) -> None:
        if other.name == "a.ai":
            raise OSError(18, "another disk")
        real(one, other)

    monkeypatch.setattr(syscalls, "exchange", elsewhere)
    with pytest.raises(Rejected, match="on another disk"):
        folder.put(place("a.ai"), Content(NEW), expected, aside=place("b.ai"))
    assert tree(root) == {"a.ai": OLD, "other": b""}
    assert trashed(root) == staged(root) == []


@pytest.mark.parametrize("disk", DISKS)
def test_an_aside_name_that_is_taken_is_never_overwritten(
    folder: Folder, root: Path, monkeypatch: pytest.MonkeyPatch, disk: str
) -> None:
    lack(monkeypatch, disk)
    (root / "a.ai").write_bytes(OLD)
    (root / "b.ai").write_bytes(SAVED)
    with pytest.raises(Stale):
        folder.put(place("a.ai"), Content(NEW), entry(folder, "a.ai"), aside=place("b.ai"))
    assert tree(root) == {"a.ai": OLD, "b.ai": SAVED}


def test_a_file_that_changed_during_the_transfer_is_not_replaced(folder: Folder, root: Path) -> None:
    (root / "a.ai").write_bytes(OLD)
    expected = entry(folder, "a.ai")
    with pytest.raises(Stale):
        folder.put(place("a.ai"), Content(NEW, during=lambda: _write(root / "a.ai", SAVED)), expected)
    assert tree(root) == {"a.ai": SAVED}
    assert trashed(root) == staged(root) == []


def test_a_file_saved_over_just_before_the_exchange_stays_beside(
    root: Path, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    heard: list[tuple[str, str]] = []
    folder = Folder(root, clock=clock, on_conflict_copy=lambda path, copy: heard.append((path, copy)))
    folder.prepare()
    (root / "sub").mkdir()
    (root / "sub/a.ai").write_bytes(OLD)
    expected = entry(folder, "sub/a.ai")
    folder.put(place("other"), Content(b""), None)

    def save() -> None:
        _write(root / "sub/a.tmp", SAVED)
        os.replace(root / "sub/a.tmp", root / "sub/a.ai")

    before(monkeypatch, "exchange", save, when="a.ai")
    folder.put(place("sub/a.ai"), Content(NEW), expected)
    assert tree(root) == {"other": b"", "sub/a.ai": NEW, "sub/a (conflicted copy).ai": SAVED}
    assert heard == [("sub/a.ai", "sub/a (conflicted copy).ai")]


def test_a_file_written_in_place_just_before_the_exchange_stays_beside_and_conflict_copies_are_numbered(
    folder: Folder, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (root / "a.ai").write_bytes(OLD)
    (root / "a (conflicted copy).ai").write_bytes(b"older")
    expected = entry(folder, "a.ai")
    before(monkeypatch, "exchange", lambda: _write(root / "a.ai", SAVED), when="a.ai")
    folder.put(place("a.ai"), Content(NEW), expected)
    assert tree(root)["a (conflicted copy) 2.ai"] == SAVED
    assert tree(root)["a (conflicted copy).ai"] == b"older"


def test_a_file_opened_for_writing_just_before_the_exchange_stays_in_sight(
    folder: Folder, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (root / "a.ai").write_bytes(OLD)
    expected = entry(folder, "a.ai")
    opened = []
    before(monkeypatch, "exchange", lambda: opened.append((root / "a.ai").open("ab")), when="a.ai")
    folder.put(place("a.ai"), Content(NEW), expected)
    with opened[0] as file:
        file.write(b" and more")
    assert tree(root)["a (conflicted copy).ai"] == OLD + b" and more"


def test_a_file_deleted_just_before_the_exchange_is_stale(
    folder: Folder, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (root / "a.ai").write_bytes(OLD)
    expected = entry(folder, "a.ai")
    before(monkeypatch, "exchange", (root / "a.ai").unlink, when="a.ai")
    with pytest.raises(Stale):
        folder.put(place("a.ai"), Content(NEW), expected)
    assert tree(root) == {}
    assert trashed(root) == staged(root) == []


def test_a_save_between_link_and_last_look_is_stale(
    folder: Folder, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lack(monkeypatch, "links")
    (root / "a.ai").write_bytes(OLD)
    expected = entry(folder, "a.ai")
    before(monkeypatch, "link", lambda: _write(root / "a.ai", SAVED), when="a.ai")
    with pytest.raises(Stale):
        folder.put(place("a.ai"), Content(NEW), expected)
    assert tree(root) == {"a.ai": SAVED}
    assert trashed(root) == []


def test_a_save_before_the_first_step_is_given_back(
    folder: Folder, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lack(monkeypatch, "steps")
    (root / "a.ai").write_bytes(OLD)
    expected = entry(folder, "a.ai")
    before(monkeypatch, "rename_new", lambda: _write(root / "a.ai", SAVED), when="a.ai")
    with pytest.raises(Stale):
        folder.put(place("a.ai"), Content(NEW), expected)
    assert tree(root) == {"a.ai": SAVED}


def test_a_replaced_file_that_only_got_another_ctime_is_still_the_expected_one(
    folder: Folder, root: Path
) -> None:
    (root / "a.ai").write_bytes(OLD)
    expected = entry(folder, "a.ai")
    (root / "a.ai").chmod(0o640)
    folder.put(place("a.ai"), Content(NEW), expected)
    assert tree(root) == {"a.ai": NEW}


def test_mode_and_attributes_of_the_replaced_file_stay(folder: Folder, root: Path) -> None:
    (root / "a.ai").write_bytes(OLD)
    (root / "a.ai").chmod(0o640)
    os.setxattr(root / "a.ai", "user.tags", b"red")
    folder.put(place("a.ai"), Content(NEW), entry(folder, "a.ai"))
    assert stat.S_IMODE((root / "a.ai").stat().st_mode) == 0o640
    assert os.getxattr(root / "a.ai", "user.tags") == b"red"


def test_a_new_file_has_the_mode_that_the_umask_leaves(folder: Folder, root: Path) -> None:
    old = os.umask(0o027)
    try:
        folder.put(place("a.ai"), Content(NEW), None)
    finally:
        os.umask(old)
    assert stat.S_IMODE((root / "a.ai").stat().st_mode) == 0o640


def test_the_time_is_set_where_one_is_given(folder: Folder, root: Path) -> None:
    made = folder.put(place("a.ai"), Content(NEW), None, mtime_ns=1_234_567_890_123_456_789)
    assert (root / "a.ai").stat().st_mtime_ns == 1_234_567_890_123_456_789
    assert made.stamp is not None
    assert made.stamp.mtime_ns == 1_234_567_890_123_456_789


def test_a_file_written_to_right_after_it_was_published_does_not_get_its_stamp(
    folder: Folder, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = syscalls.sync_folder

    def saving(fd: int) -> None:
        if (root / "a.ai").exists():
            (root / "a.ai").write_bytes(SAVED)
        real(fd)

    monkeypatch.setattr(syscalls, "sync_folder", saving)
    known = folder.put(place("a.ai"), Content(NEW), None)
    now = scan(folder).files["a.ai"]
    assert now.digest == digest(SAVED)
    assert now.stamp != known.stamp


@pytest.mark.parametrize("lock", [".~lock.a.indd#", "~$a.indd", "a.idlk", "~a~k3x(9.idlk"])
def test_a_file_with_its_programs_lock_beside_it_is_not_replaced(
    folder: Folder, root: Path, lock: str
) -> None:
    (root / "a.indd").write_bytes(OLD)
    expected = entry(folder, "a.indd")
    (root / lock).touch()
    with pytest.raises(Busy):
        folder.put(place("a.indd"), Content(NEW), expected)
    assert tree(root)["a.indd"] == OLD


def test_a_file_that_is_open_for_writing_is_not_replaced(folder: Folder, root: Path) -> None:
    (root / "a.ai").write_bytes(OLD)
    expected = entry(folder, "a.ai")
    with (root / "a.ai").open("ab"), pytest.raises(Busy):
        folder.put(place("a.ai"), Content(NEW), expected)
    with (root / "a.ai").open("rb"):
        folder.put(place("a.ai"), Content(NEW), expected)


def test_content_that_is_not_what_was_promised_never_arrives(folder: Folder, root: Path) -> None:
    with pytest.raises(Corrupted):
        folder.put(place("a.ai"), Content(NEW, size=len(NEW) + 1), None)
    assert tree(root) == {}
    assert staged(root) == []


def test_what_the_source_raises_comes_through_and_nothing_stays(folder: Folder, root: Path) -> None:
    def fail() -> None:
        raise Corrupted("cut off")

    with pytest.raises(Corrupted, match="cut off"):
        folder.put(place("a.ai"), Content(NEW, during=fail), None)
    assert staged(root) == []


@pytest.mark.parametrize(
    ("number", "kind"),
    [(28, Full), (122, Full), (13, Rejected), (30, Rejected), (36, Rejected), (84, Rejected), (5, Rejected)],
)
def test_errors_of_the_system_are_translated_with_the_path(
    folder: Folder, root: Path, monkeypatch: pytest.MonkeyPatch, number: int, kind: type[Exception]
) -> None:
    def fail(_: int) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(syscalls, "sync_file", fail)
    (root / "sub").mkdir()
    with pytest.raises(kind, match=r"sub/a\.ai: [^\n]+$"):
        folder.put(place("sub/a.ai"), Content(NEW), None)
    assert staged(root) == []


def test_a_missing_folder_is_stale(folder: Folder) -> None:
    with pytest.raises(Stale):
        folder.put(place("gone/a.ai"), Content(NEW), None)


@pytest.mark.parametrize(
    "where",
    [
        Place("", ""),
        Place("", "."),
        Place("", ".."),
        Place("..", "a"),
        Place("", "a\0b"),
        Place("", ".fluxsync"),
        Place(".fluxsync/tmp", "a"),
        Place(".FluxSync", "root-id"),
        Place("sub", "../../a"),
        Place("", "sub/a"),
        Place("/etc", "a"),
        Place("", "\udcff"),
    ],
    ids=repr,
)
def test_names_that_lead_elsewhere_are_refused(folder: Folder, root: Path, where: Place) -> None:
    with pytest.raises(Rejected):
        folder.put(where, Content(NEW), None)
    assert tree(root) == {}


def test_a_link_in_the_way_is_not_written_through(folder: Folder, root: Path, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (root / "sub").symlink_to(outside)
    with pytest.raises(Stale):
        folder.put(place("sub/a.ai"), Content(NEW), None)
    assert list(outside.iterdir()) == []


def test_a_link_put_in_the_way_while_the_content_comes_is_not_written_through(
    folder: Folder, root: Path, tmp_path: Path
) -> None:
    outside = tmp_path / "outside"
    (outside / "deep").mkdir(parents=True)
    (root / "sub/deep").mkdir(parents=True)

    def swap() -> None:
        (root / "sub").rename(root / "moved")
        (root / "sub").symlink_to(outside)

    with pytest.raises(Stale):
        folder.put(place("sub/deep/a.ai"), Content(NEW, during=swap), None)
    assert list((outside / "deep").iterdir()) == []
    assert staged(root) == []


def test_a_link_in_the_place_of_the_file_is_neither_followed_nor_replaced(
    folder: Folder, root: Path, tmp_path: Path
) -> None:
    (tmp_path / "outside").write_bytes(OLD)
    (root / "a.ai").write_bytes(OLD)
    expected = entry(folder, "a.ai")
    (root / "a.ai").unlink()
    (root / "a.ai").symlink_to(tmp_path / "outside")
    with pytest.raises(Stale):
        folder.put(place("a.ai"), Content(NEW), expected)
    assert (tmp_path / "outside").read_bytes() == OLD
    assert (root / "a.ai").is_symlink()


def test_a_root_that_was_swapped_while_the_content_came_is_not_touched(folder: Folder, root: Path) -> None:
    def swap() -> None:
        root.rename(root.with_name("away"))
        root.mkdir()

    with pytest.raises(Halted):
        folder.put(place("a.ai"), Content(NEW, during=swap), None)
    assert tree(root) == tree(root.with_name("away")) == {}


def test_an_editor_that_saves_all_the_time_loses_nothing(folder: Folder, root: Path) -> None:
    """Each of its saves is in the folder, in the trash, or was taken out by its own next save."""
    (root / "a.ai").write_bytes(OLD)
    saves, taken_out, ended = set(), set(), threading.Event()

    def edit(top: int) -> None:
        number = 0
        while not ended.wait(number % 4 / 1000):
            number += 1
            save = b"save %d" % number
            (root / "new.tmp").write_bytes(save)
            syscalls.exchange(syscalls.At(top, "new.tmp"), syscalls.At(top, "a.ai"))
            saves.add(save)
            taken_out.add((root / "new.tmp").read_bytes())
            (root / "new.tmp").unlink()

    top = os.open(root, os.O_RDONLY)
    editor = threading.Thread(target=edit, args=(top,))
    editor.start()
    puts = number = 0
    while puts < 100:
        number += 1
        try:
            stamp = stamp_at(syscalls.At(top, "a.ai"))
            expected = Entry(Kind.FILE, place("a.ai"), size=stamp.size, stamp=stamp)
            folder.put(place("a.ai"), Content(b"account %d" % number), expected)
            puts += 1
        except (Stale, Busy):
            pass
    ended.set()
    editor.join()
    os.close(top)
    assert saves <= {*tree(root).values(), *trashed(root), *taken_out}
    assert staged(root) == []


def test_keep_brings_content_into_the_trash_and_leaves_the_file_alone(folder: Folder, root: Path) -> None:
    (root / "a.ai").write_bytes(OLD)
    kept = folder.keep("a.ai", Content(NEW))
    assert tree(root) == {"a.ai": OLD}
    assert trashed(root) == [NEW]
    assert [file.where for file in folder.list_trash()] == [kept.where]
    assert kept.entry.digest == digest(NEW)


@settings(deadline=None, max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(name=st.text(min_size=1, max_size=40), text=st.binary(max_size=3000))
def test_what_goes_down_can_be_read_back(folder: Folder, root: Path, name: str, text: bytes) -> None:
    try:
        made = folder.put(Place("", name), Content(text), None)
    except Rejected:
        assert name in (".", "..") or any(c in name for c in "/\0") or name.casefold() == ".fluxsync"
        return
    source = folder.open(made)
    assert b"".join(source.blocks()) == text
    assert source.check() == digest(text) == folder.digest(made)
    source.close()
    folder.delete(made)
    assert tree(root) == {}
    assert trashed(root) == []


def _write(path: Path, text: bytes) -> None:
    path.write_bytes(text)
