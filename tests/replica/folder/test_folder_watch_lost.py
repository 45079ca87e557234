"""Whoever relies on events is told when some may be missing: by a real overflow, at real limits."""

from __future__ import annotations

import ctypes
import errno
import importlib.metadata
import os
import subprocess
import sys
from collections.abc import Callable
from itertools import count
from pathlib import Path

import pytest
from watch_world import Heard, reader, watching

from fluxsync.errors import FluxsyncError
from fluxsync.replica.folder.watch import Unwatchable, Watch

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="of the events of Linux")

_LIMITS = Path("/proc/sys/fs/inotify")


def _overflow(heard: Heard, meanwhile: Callable[[], object] = lambda: None) -> None:
    """Have more happen than the kernel keeps, while nobody reads."""
    most = int((_LIMITS / "max_queued_events").read_text())
    if most > 100_000:
        pytest.skip("the kernel keeps too many events here")
    files = [heard.root / "one", heard.root / "two"]
    for file in files:
        file.touch()
    heard.catch_up()
    heard.gate.clear()
    for _ in range(most // 2 + 2000):  # in turn: the same event twice in a row is one
        for file in files:
            os.utime(file)
    meanwhile()
    heard.gate.set()
    heard.until(lambda: bool(heard.lost))


def test_the_reader_hands_on_the_kernels_word_that_it_lost_events() -> None:
    """Watchdog before 7.1 dropped it; what is used of its reader is in these names."""
    from watchdog.observers import inotify_c

    assert tuple(map(int, importlib.metadata.version("watchdog").split(".")[:2])) >= (7, 1)
    assert inotify_c.InotifyEvent(-1, inotify_c.InotifyConstants.IN_Q_OVERFLOW, 0, b"").is_queue_overflow
    for name in ("handle_event", "_create_inotify_fd", "_close_resources", "stop", "run"):
        assert callable(getattr(inotify_c.InotifyFD, name))


def test_an_overflow_of_the_kernels_queue_is_told(root: Path) -> None:
    """What was read before it is reported all the same, and what came to be meanwhile is watched."""
    (root / "moved").mkdir()
    with watching(root) as heard:

        def meanwhile() -> None:
            (root / "new" / "below").mkdir(parents=True)
            (root / "moved").rename(root / "renamed")

        _overflow(heard, meanwhile)
        assert heard.lost == ["the system's queue of changes overflowed"]
        assert heard.dirty.count("one") > 1000
        assert heard.watch.alive
        assert heard.watch.complete
        assert "new" not in heard.dirty
        assert heard.hears("new/below/file", (root / "new/below/file").touch)
        assert heard.hears("renamed/file", (root / "renamed/file").touch)
        _overflow(heard)


@pytest.mark.slow
def test_an_overflow_with_more_folders_than_the_queue_has_room_is_told_once(root: Path) -> None:
    most = int((_LIMITS / "max_queued_events").read_text())
    if most > 20_000:
        pytest.skip("the kernel keeps too many events here")
    for number in range(most + 1000):
        (root / str(number)).mkdir()
    with watching(root) as heard:
        _overflow(heard)
        heard.catch_up()
        assert len(heard.lost) == 1


class _Limit:
    """The kernel's call, refusing from the n-th folder on."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, number: int = errno.ENOSPC) -> None:
        from watchdog.observers import inotify_c

        from fluxsync.replica.folder import watch_linux

        self.left = 10_000
        self._call = inotify_c.inotify_add_watch
        self._number = number
        monkeypatch.setattr(watch_linux, "inotify_add_watch", self)

    def __call__(self, fd: int, path: bytes, mask: int) -> int:
        if self.left <= 0:
            ctypes.set_errno(self._number)
            return -1
        self.left -= 1
        return self._call(fd, path, mask)  # type: ignore[arg-type, return-value]


def test_too_many_folders_are_said_with_the_cure(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for number in range(10):
        (root / str(number)).mkdir()
    limit = _Limit(monkeypatch)
    limit.left = 8 + len(root.parents)
    descriptors = len(os.listdir("/proc/self/fd"))
    heard = Heard(root)
    with pytest.raises(Unwatchable) as caught:
        heard.watch.start()
    message = str(caught.value)
    assert message.startswith(f"{root} cannot be watched: ")
    assert "sudo sysctl fs.inotify.max_user_watches=" in message
    assert "\n" not in message
    assert isinstance(caught.value, FluxsyncError)
    assert not heard.watch.alive
    assert not heard.watch.complete
    assert len(os.listdir("/proc/self/fd")) == descriptors


def test_the_limit_reached_later_is_told_once_and_refreshing_recovers(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    limit = _Limit(monkeypatch)
    with watching(root) as heard:
        assert heard.watch.complete
        limit.left = 0
        (root / "a").mkdir()
        (root / "b").mkdir()
        heard.until(lambda: bool(heard.lost))
        heard.catch_up()
        (reason,) = heard.lost
        assert "fs.inotify.max_user_watches" in reason
        assert {"a", "b"} <= set(heard.dirty)
        assert not heard.watch.complete
        assert heard.watch.alive
        assert not heard.watch.refresh()
        assert not heard.hears("a/file", (root / "a/file").touch)
        limit.left = 100
        assert heard.watch.refresh()
        assert heard.watch.complete
        assert heard.hears("b/file", (root / "b/file").touch)


def test_an_overflow_after_which_not_all_can_be_watched_says_both(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    limit = _Limit(monkeypatch)
    with watching(root) as heard:
        heard.catch_up()
        limit.left = 0
        _overflow(heard)
        assert "max_user_watches" in heard.lost[0]
        assert not heard.watch.complete


def test_too_many_watchers_are_said_with_the_cure(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from watchdog.observers import inotify_c

    def refuse() -> int:
        ctypes.set_errno(errno.EMFILE)
        return -1

    monkeypatch.setattr(inotify_c, "inotify_init", refuse)
    with pytest.raises(Unwatchable, match=r"sudo sysctl fs\.inotify\.max_user_instances="):
        Watch(root, lambda path: None, lambda reason: None).start()


@pytest.mark.parametrize("what", ["deleted", "renamed", "renamed above"])
def test_the_end_of_the_root_is_told_once(tmp_path: Path, what: str) -> None:
    root = tmp_path / "above" / "root"
    root.mkdir(parents=True)
    (root / "folder").mkdir()
    with watching(root) as heard:
        if what == "deleted":
            (root / "folder").rmdir()
            root.rmdir()
        elif what == "renamed":
            root.rename(root.with_name("other"))
            (root.with_name("other") / "folder" / "file").touch()
        else:
            root.parent.rename(tmp_path / "other")
            (tmp_path / "other" / "root" / "folder" / "file").touch()
        heard.until(lambda: bool(heard.lost))
        assert ("deleted" if what == "deleted" else "renamed") in heard.lost[0]
        assert not heard.watch.alive
        assert not heard.watch.complete
        assert not heard.watch.refresh()
        assert "folder/file" not in heard.dirty
        root.mkdir(parents=True, exist_ok=True)
        heard.watch.start()
        assert heard.watch.alive
        assert heard.hears("file", (root / "file").touch)
        assert len(heard.lost) == 1


def test_what_lies_beside_the_root_or_above_it_wakes_nobody(tmp_path: Path) -> None:
    root = tmp_path / "root"
    root.mkdir()
    with watching(root) as heard:
        (tmp_path / "file").touch()
        (tmp_path / "file").rename(tmp_path / "renamed")
        (tmp_path / "renamed").unlink()
        tmp_path.chmod(0o700)
        heard.catch_up()
        assert not heard.dirty
        assert not heard.lost


@pytest.fixture
def mount() -> Callable[[str, Path], None]:
    def run(verb: str, place: Path) -> None:
        command = ["mount", "-t", "tmpfs", "none"] if verb == "mount" else ["umount"]
        if subprocess.run([*command, os.fspath(place)], capture_output=True, check=False).returncode:
            pytest.skip("not permitted to mount here")

    return run


def test_the_root_unmounted_is_told(root: Path, mount: Callable[[str, Path], None]) -> None:
    mount("mount", root)
    unmounted = False
    try:
        with watching(root) as heard:
            mount("umount", root)
            unmounted = True
            heard.until(lambda: bool(heard.lost))
            assert heard.lost == ["the folder's disk was unmounted"]
            assert not heard.watch.alive
    finally:
        if not unmounted:
            mount("umount", root)


def test_a_disk_mounted_below_the_root_is_watched_after_refresh_and_until_it_is_gone(
    root: Path, mount: Callable[[str, Path], None]
) -> None:
    place = root / "disk"
    (place / "hidden").mkdir(parents=True)
    with watching(root) as heard:
        mount("mount", place)
        mounted = True
        try:
            assert heard.watch.refresh()
            (place / "folder").mkdir()
            assert heard.hears("disk/folder/file", (place / "folder/file").touch)
            heard.dirty.clear()
            mount("umount", place)
            mounted = False
            heard.until(lambda: "disk" in heard.dirty)
            assert heard.hears("disk/hidden/file", (place / "hidden/file").touch)
            assert not heard.lost
            assert heard.watch.complete
        finally:
            if mounted:
                mount("umount", place)


def test_a_root_that_is_not_there_is_unwatchable(tmp_path: Path) -> None:
    with pytest.raises(Unwatchable, match="No such file"):
        Watch(tmp_path / "none", lambda path: None, lambda reason: None).start()
    (tmp_path / "file").touch()
    with pytest.raises(Unwatchable, match="Not a directory"):
        Watch(tmp_path / "file", lambda path: None, lambda reason: None).start()


def test_a_fault_of_our_own_ends_the_watch_and_is_told(root: Path) -> None:
    numbers = count()
    told: list[str] = []

    def on_dirty(path: str) -> None:
        raise ValueError(f"fault {next(numbers)}")

    watch = Watch(root, on_dirty, told.append)
    watch.start()
    thread = reader()
    (root / "file").touch()
    thread.join(10)
    assert told == ["watching the folder failed: ValueError('fault 0')"]
    assert not watch.alive
    assert not watch.complete
    watch.stop()
