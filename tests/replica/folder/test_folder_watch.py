"""What changes in the folder is reported, whatever it is and however fast it goes."""

from __future__ import annotations

import ctypes
import errno
import os
import random
import shutil
import stat
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from watch_world import Heard, descriptors, reader, wakes, watching

from fluxsync.replica.folder import syscalls, watch_linux
from fluxsync.replica.folder.syscalls import At
from fluxsync.replica.folder.watch import Watch

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="of the events of Linux")


@pytest.fixture
def heard(root: Path) -> Iterator[Heard]:
    (root / "d" / "deep").mkdir(parents=True)
    (root / "d" / "old.txt").write_text("old")
    (root / ".fluxsync" / "tmp").mkdir(parents=True)
    with watching(root) as heard:
        yield heard


CHANGES: dict[str, tuple[Callable[[Path], object], set[str]]] = {
    "made": (lambda root: (root / "d/new.txt").touch(), {"d/new.txt"}),
    "written": (lambda root: (root / "d/old.txt").write_text("new"), {"d/old.txt"}),
    "deleted": (lambda root: (root / "d/old.txt").unlink(), {"d/old.txt"}),
    "renamed": (lambda root: (root / "d/old.txt").rename(root / "x.txt"), {"d/old.txt", "x.txt"}),
    "mode": (lambda root: (root / "d/old.txt").chmod(0o600), {"d/old.txt"}),
    "times": (lambda root: os.utime(root / "d/old.txt", (1, 1)), {"d/old.txt"}),
    "linked": (lambda root: os.link(root / "d/old.txt", root / "d/l"), {"d/l"}),
    "symbolic link": (lambda root: (root / "d/l").symlink_to("deep"), {"d/l"}),
    "moved in": (lambda root: (root.parent / "in.txt").rename(root / "in.txt"), {"in.txt"}),
    "moved out": (lambda root: (root / "d/old.txt").rename(root.parent / "out.txt"), {"d/old.txt"}),
    "folder made": (lambda root: (root / "d/deep/er").mkdir(), {"d/deep/er"}),
    "folder removed": (lambda root: (root / "d/deep").rmdir(), {"d/deep"}),
    "folder renamed": (lambda root: (root / "d").rename(root / "e"), {"d", "e"}),
    "folder moved in": (lambda root: (root.parent / "tree").rename(root / "d/tree"), {"d/tree"}),
    "folder moved out": (lambda root: (root / "d").rename(root.parent / "gone"), {"d"}),
    "folder's mode": (lambda root: (root / "d").chmod(0o700), {"d"}),
    "the root's mode": (lambda root: root.chmod(0o700), {""}),
}


@pytest.mark.parametrize("what", CHANGES)
def test_exactly_what_changed_is_marked(heard: Heard, what: str) -> None:
    (heard.root.parent / "in.txt").touch()
    (heard.root.parent / "tree" / "sub").mkdir(parents=True)
    change, expected = CHANGES[what]
    change(heard.root)
    heard.catch_up()
    assert set(heard.dirty) == expected
    assert not heard.lost


def test_a_file_that_stays_open_is_marked_by_each_write(heard: Heard) -> None:
    with (heard.root / "d/old.txt").open("ab", buffering=0) as file:
        assert heard.hears("d/old.txt", lambda: file.write(b"more"))
        assert heard.hears("d/old.txt", lambda: file.write(b"more"))


def test_reading_wakes_nobody(heard: Heard) -> None:
    for number in range(1000):
        (heard.root / "d" / f"{number}.txt").write_text("text")
    heard.catch_up()
    heard.dirty.clear()
    before = wakes(reader())
    for number in range(1000):
        (heard.root / "d" / f"{number}.txt").read_bytes()
    os.listdir(heard.root / "d")
    assert not heard.dirty
    assert wakes(reader()) - before < 20  # it may have had to go back to sleep
    heard.catch_up()
    assert not heard.dirty

    def is_counted() -> bool:
        heard.catch_up()
        return wakes(reader()) > before

    assert any(is_counted() for _ in range(1000)), "it is counted when it goes back to sleep, now and then"


@pytest.mark.parametrize("own", [".fluxsync", ".FluxSync"])
def test_our_own_folder_is_never_reported(heard: Heard, own: str) -> None:
    """Neither is what comes out of it hidden, nor what is called so further down."""
    place = heard.root / own
    place.mkdir(exist_ok=True)
    (place / "tmp").mkdir(exist_ok=True)
    (place / "tmp" / "staged").write_text("text")
    heard.watch.refresh()
    (place / "tmp" / "more").write_text("text")
    heard.catch_up()
    assert not heard.dirty
    (place / "tmp" / "staged").rename(heard.root / "d" / own)
    heard.catch_up()
    assert set(heard.dirty) == {f"d/{own}"}


def test_a_name_that_is_no_text_is_reported_as_the_scan_names_it(heard: Heard) -> None:
    folder = os.path.join(os.fsencode(heard.root), b"caf\xe9")
    os.mkdir(folder)
    heard.catch_up()
    with open(folder + b"/\xff.txt", "w"):
        pass
    heard.catch_up()
    (below,) = os.scandir(os.fsdecode(folder))
    assert {"caf\udce9", os.path.relpath(below.path, heard.root)} == set(heard.dirty)
    assert not heard.lost


def test_what_is_made_in_new_folders_at_once_is_below_something_marked(heard: Heard) -> None:
    """And the folders are watched from then on."""
    for number in range(100):
        top = f"{number}"
        (heard.root / top / "a" / "b").mkdir(parents=True)
        (heard.root / top / "a" / "b" / "file").touch()
    heard.catch_up()
    assert set(map(str, range(100))) <= set(heard.dirty)
    heard.dirty.clear()
    for number in range(100):
        (heard.root / f"{number}" / "a" / "b" / "later").touch()
    heard.catch_up()
    assert set(heard.dirty) == {f"{number}/a/b/later" for number in range(100)}


def test_a_folder_made_while_its_parent_is_renamed_is_watched(heard: Heard) -> None:
    for number in range(50):
        (heard.root / f"before-{number}").mkdir()
    heard.catch_up()
    for number in range(50):
        (heard.root / f"before-{number}" / "new").mkdir()
        (heard.root / f"before-{number}").rename(heard.root / f"after-{number}")
    heard.catch_up()
    heard.dirty.clear()
    for number in range(50):
        (heard.root / f"after-{number}" / "new" / "file").touch()
    heard.catch_up()
    assert set(heard.dirty) == {f"after-{number}/new/file" for number in range(50)}


def test_a_folder_that_was_away_when_something_in_it_was_looked_for_is_listed_anew(heard: Heard) -> None:
    (heard.root / "a").mkdir()
    heard.catch_up()
    heard.gate.clear()
    (heard.root / "first").touch()
    (heard.root / "a" / "new").mkdir()
    (heard.root / "a").rename(heard.root / "b")

    def come_back(path: str) -> None:
        if path == "a/new":
            (heard.root / "b").rename(heard.root / "a")

    heard.while_telling = come_back
    heard.gate.set()
    heard.until(lambda: "b" in heard.dirty)
    assert heard.hears("a/new/file", (heard.root / "a/new/file").touch)


def test_a_folder_moved_out_is_no_longer_watched_and_may_come_back(heard: Heard) -> None:
    inside, outside = heard.root / "d", heard.root.parent / "outside"
    inside.rename(outside)
    inside.mkdir()
    heard.catch_up()
    inside.rmdir()
    heard.catch_up()
    heard.dirty.clear()
    (outside / "deep" / "file").touch()
    heard.catch_up()
    assert not heard.dirty
    outside.rename(heard.root / "back")
    assert heard.hears("back/deep/more", (heard.root / "back/deep/more").touch)
    shutil.rmtree(heard.root / "back")
    heard.catch_up()
    assert not heard.lost
    assert heard.watch.complete


def test_what_is_moved_out_is_given_back_to_the_system(heard: Heard) -> None:
    for number in range(10):
        (heard.root / "d" / "deep" / str(number)).mkdir()
    heard.catch_up()
    before = len(descriptors())
    (heard.root / "d").rename(heard.root.parent / "outside")
    heard.catch_up()
    assert len(descriptors()) == before - 12


def test_what_moves_within_the_root_stays_watched_all_the_time(heard: Heard) -> None:
    for number in range(10):
        (heard.root / "d" / "deep" / str(number)).mkdir()
    heard.catch_up()
    before = descriptors()
    (heard.root / "d").rename(heard.root / "e")
    heard.catch_up()
    (heard.root / "e" / "deep").rename(heard.root / "deep")
    heard.catch_up()
    assert descriptors() == before


def test_two_folders_that_swap_their_names_are_watched_under_the_new_ones(heard: Heard) -> None:
    (heard.root / "e" / "other").mkdir(parents=True)
    heard.catch_up()
    fd = os.open(heard.root, os.O_RDONLY)
    try:
        syscalls.exchange(At(fd, "d"), At(fd, "e"))
    finally:
        os.close(fd)
    assert heard.hears("e/deep/file", (heard.root / "e/deep/file").touch)
    assert heard.hears("d/other/file", (heard.root / "d/other/file").touch)


def test_a_folder_that_becomes_readable_is_watched(heard: Heard, monkeypatch: pytest.MonkeyPatch) -> None:
    """The system's refusal is played, because the super-user may read everything."""
    add, locked = watch_linux.inotify_add_watch, True

    def refuse(fd: int, path: bytes, mask: int) -> int:
        if locked and path.endswith(b"locked"):
            ctypes.set_errno(errno.EACCES)
            return -1
        return add(fd, path, mask)  # type: ignore[arg-type]

    monkeypatch.setattr(watch_linux, "inotify_add_watch", refuse)
    (heard.root / "locked").mkdir()
    assert not heard.hears("locked/file", (heard.root / "locked/file").touch)
    locked = False
    (heard.root / "locked").chmod(0o700)
    assert heard.hears("locked/file", (heard.root / "locked/file").touch)
    assert heard.watch.complete
    assert not heard.lost


def test_after_stop_nothing_is_reported_and_nothing_is_left(root: Path) -> None:
    """As often as one likes; and it may start again."""
    open_before = len(os.listdir("/proc/self/fd"))
    heard = Heard(root)
    for _ in range(5):
        heard.watch.start()
        assert heard.watch.alive
        assert heard.watch.complete
        assert heard.hears("file", (root / "file").touch)
        heard.watch.stop()
        heard.watch.stop()
        assert not heard.watch.alive
        assert not heard.watch.complete
    heard.dirty.clear()
    (root / "file").unlink()
    assert not [thread for thread in threading.enumerate() if thread.name == "fluxsync-watch"]
    assert not heard.dirty
    assert len(os.listdir("/proc/self/fd")) == open_before


def test_a_stop_before_the_first_read_leaves_nothing_either(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = watch_linux.InotifyWatch.run

    def late(watch: watch_linux.InotifyWatch) -> None:
        assert watch.stopped_event.wait(20)
        run(watch)

    monkeypatch.setattr(watch_linux.InotifyWatch, "run", late)
    open_before = len(os.listdir("/proc/self/fd"))
    watch = Watch(root, lambda path: None, lambda reason: None)
    watch.start()
    watch.stop()
    assert len(os.listdir("/proc/self/fd")) == open_before


def test_stop_does_not_wait_for_a_report_that_does_not_end_and_it_is_the_last(root: Path) -> None:
    arrived, step = threading.Semaphore(0), threading.Semaphore(0)
    told: list[str] = []

    def on_dirty(path: str) -> None:
        told.append(path)
        arrived.release()
        assert step.acquire(timeout=20)

    watch = Watch(root, on_dirty, lambda reason: None)
    watch.start()
    thread = reader()
    (root / "zero").touch()
    assert arrived.acquire(timeout=20)
    for name in ("one", "two", "three"):  # which are read in one go
        (root / name).touch()
    while told[-1] == "zero":
        step.release()
        assert arrived.acquire(timeout=20)
    watch.stop()
    assert thread.is_alive()
    step.release(100)
    thread.join(20)
    assert not thread.is_alive()
    assert told[-2:] == ["zero", "one"]


def test_it_can_be_stopped_by_what_it_reports(root: Path) -> None:
    done = threading.Event()

    def on_dirty(path: str) -> None:
        watch.stop()
        done.set()

    watch = Watch(root, on_dirty, lambda reason: None)
    watch.start()
    thread = reader()
    (root / "file").touch()
    assert done.wait(10)
    thread.join(10)
    assert not thread.is_alive()


class _Storm:
    """Anything that can happen to folders and files, one thing after the other without a pause."""

    def __init__(self, root: Path, chance: random.Random) -> None:
        self.root, self.chance = root, chance
        self.outside = root.parent / "outside"
        self.outside.mkdir()
        self._number = 0

    def _name(self) -> str:
        return self.chance.choice("abcdef")

    def _folders(self) -> list[Path]:
        return [Path(found) for found, _, _ in os.walk(self.root)]

    def blow(self) -> None:
        self._number += 1
        folders = self._folders()
        folder = self.chance.choice(folders)
        below = [other for other in folders if other != self.root]
        what = self.chance.randrange(8)
        target = self.chance.choice(folders) / self._name()
        try:
            if what == 0 or not below:
                (folder / self._name()).mkdir()
            elif what == 1:
                (folder / self._name() / self._name() / "x").mkdir(parents=True)
            elif what == 2:
                (folder / f"file{self.chance.randrange(4)}").write_text(str(self._number))
            elif what == 3 and len(below) > 15:
                shutil.rmtree(self.chance.choice(below))
            elif what in (4, 5):
                self.chance.choice(below).rename(target)
            elif what == 6 and len(below) > 3:
                self.chance.choice(below).rename(self.outside / str(self._number))
            elif what == 6 or (what == 7 and self._number % 2):
                back = self.chance.choice(sorted(self.outside.iterdir()) or [self.root / "none"])
                back.rename(target)
            elif what == 7:
                one, other = self.chance.choice(below), self.chance.choice(below)
                fd = os.open(self.root, os.O_RDONLY)
                try:
                    syscalls.exchange(
                        At(fd, os.fspath(one.relative_to(self.root))),
                        At(fd, os.fspath(other.relative_to(self.root))),
                    )
                finally:
                    os.close(fd)
        except OSError:
            pass  # not possible there

    def picture(self) -> dict[str, tuple[int, int]]:
        """What is there, by path: inode, time of the last write of a file."""
        return {
            os.path.relpath(os.path.join(folder, name), self.root): _stamp(os.path.join(folder, name))
            for folder, folders, files in os.walk(self.root)
            for name in [*folders, *files]
            if not name.startswith("sign-")
        }


def _stamp(path: str) -> tuple[int, int]:
    status = os.lstat(path)
    return status.st_ino, 0 if stat.S_ISDIR(status.st_mode) else status.st_mtime_ns


@pytest.mark.parametrize("seed", range(12))
def test_in_a_storm_every_difference_is_marked_and_every_folder_stays_watched(root: Path, seed: int) -> None:
    with watching(root) as heard:
        storm = _Storm(root, random.Random(seed))
        for number in range(6):
            before = storm.picture()
            heard.dirty.clear()
            if number % 2:
                heard.gate.clear()  # all of it is dealt with when it is long over
            for _ in range(120):
                storm.blow()
            heard.gate.set()
            heard.catch_up()
            after = storm.picture()
            marked = set(heard.dirty)
            differ = {path for path in before.keys() | after.keys() if before.get(path) != after.get(path)}
            assert not heard.lost
            assert heard.watch.complete
            assert "" not in marked
            assert not [path for path in differ if not _is_marked(path, marked)]
            heard.dirty.clear()
            folders = {path for path in after if (root / path).is_dir()}
            for path in folders:
                (root / path / "touched").touch()
            heard.catch_up()
            assert {f"{path}/touched" for path in folders} <= set(heard.dirty)


def _is_marked(path: str, marked: set[str]) -> bool:
    parts = path.split("/")
    return any("/".join(parts[: length + 1]) in marked for length in range(len(parts)))
