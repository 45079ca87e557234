"""The parts of watching that know no disk: which folder is where, what macOS says, what kind it is."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from fluxsync.replica.folder.disk_kind import local_by_mount, needs_polling, type_by_mountinfo
from fluxsync.replica.folder.watch_macos import meaning
from fluxsync.replica.folder.watch_tree import WatchTree
from fluxsync.replica.folder.watched import Watched


@pytest.fixture
def tree() -> WatchTree:
    """1 is the top; 2 is a, 3 is a/b, 4 is a/b/c, 5 is d."""
    made = WatchTree()
    made.begin_walk(1)
    for wd, parent, name in ((2, 1, "a"), (3, 2, "b"), (4, 3, "c"), (5, 1, "d")):
        assert made.place(wd, parent, name)
    return made


def test_a_moved_folder_takes_along_what_is_below_it(tree: WatchTree) -> None:
    tree.begin_walk(5)
    assert tree.place(3, 5, "x")
    assert tree.path(4) == "d/x/c"
    assert tree.child(2, "b") is None
    assert tree.child(5, "x") == 3
    assert tree.path(1) == ""


def test_what_loses_its_place_has_no_path_and_is_released_with_all_below(tree: WatchTree) -> None:
    tree.set_adrift(2)
    assert tree.path(3) is None
    assert tree.some_adrift
    assert set(tree.release()) == {2, 3, 4}
    assert not tree.some_adrift
    assert len(tree) == 2


def test_what_is_placed_again_is_not_released(tree: WatchTree) -> None:
    tree.set_adrift(2)
    tree.begin_walk(5)
    tree.place(2, 5, "a")
    assert tree.release() == []
    assert tree.path(4) == "d/a/b/c"


def test_whoever_had_the_place_before_is_adrift(tree: WatchTree) -> None:
    tree.begin_walk(1)
    tree.place(6, 1, "a")
    assert tree.path(2) is None
    assert tree.path(6) == "a"
    assert set(tree.release()) == {2, 3, 4}


def test_a_walk_finds_what_is_no_longer_there(tree: WatchTree) -> None:
    tree.begin_walk(1)
    tree.place(2, 1, "a")
    tree.set_unplaced_adrift(2)
    assert set(tree.release()) == {3, 4}
    assert tree.path(5) == "d"


def test_a_folder_mounted_into_itself_is_placed_once(tree: WatchTree) -> None:
    tree.begin_walk(4)
    assert not tree.place(2, 4, "a")
    assert not tree.place(4, 4, "self")
    assert not tree.place(1, 4, "top")
    assert tree.path(4) == "a/b/c"


@pytest.fixture
def disk(root: Path) -> Watched:
    """Folders of a real disk, "watched" by their inodes, so that events may be dealt with late on purpose."""

    def add(path: str) -> int | None:
        return os.lstat(path).st_ino if os.path.isdir(path) else None

    return Watched(os.fspath(root), add, lambda wd: None, lambda: False)


def test_a_folder_that_was_away_and_came_back_is_listed_anew(root: Path, disk: Watched) -> None:
    (root / "a").mkdir()
    disk.all()
    top, a = root.stat().st_ino, (root / "a").stat().st_ino
    (root / "a" / "new").mkdir()
    (root / "a").rename(root / "b")
    disk.look(a, "new", again=False)  # not found: it is in b now
    (root / "b").rename(root / "a")
    for name, again in (("a", False), ("b", True), ("b", False), ("a", True)):
        disk.look(top, name, move=1, again=again)
    assert disk.path((root / "a" / "new").stat().st_ino) == "a/new"


def test_a_folder_that_moves_on_to_where_the_walk_comes_later_is_found_there(root: Path) -> None:
    """Its arrival was no event: the folder it moved to was not watched yet."""
    for side in ("a", "b"):
        (root / side / "x").mkdir(parents=True)
        (root / side / "q").mkdir()
    moved: list[str] = []

    def add(path: str) -> int | None:
        wd = os.lstat(path).st_ino if os.path.isdir(path) else None
        if path.endswith("/x") and not moved:
            side = os.path.relpath(path, root)[0]
            moved.extend([side, "b" if side == "a" else "a"])
            os.rename(path, root / moved[1] / "q" / "moved")
        return wd

    watched = Watched(os.fspath(root), add, lambda wd: None, lambda: False)
    watched.all()
    watched.look((root / moved[0]).stat().st_ino, "x", move=1, again=False)
    watched.release()
    place = f"{moved[1]}/q/moved"
    assert watched.path((root / place).stat().st_ino) == place


CREATED, MODIFIED = 0x100, 0x1000


@pytest.mark.parametrize(
    ("path", "flags", "told"),
    [
        ("/r/oot/a/b", CREATED, ("a/b", None, False)),
        ("/r/oot", MODIFIED, ("", None, False)),
        ("/r/oot/a/", 0x1, ("a", None, False)),
        ("/r/oot/.FluxSync/tmp/x", CREATED, (None, None, False)),
        ("/r/oot/a/.fluxsync", CREATED, ("a/.fluxsync", None, False)),
        ("/r/oot/a", 0x1 | 0x2, (None, "the system dropped changes", False)),
        ("/r/oot", 0x1 | 0x4, (None, "the system dropped changes", False)),
        ("/r/oot", 0x10, (None, None, False)),
        ("/r/oot/disk", 0x40, ("disk", None, False)),
        ("/r/oot/disk", 0x80, ("disk", None, False)),
        ("/R/oot/a", CREATED, ("", None, False)),
        ("/r/ootless/a", CREATED, ("", None, False)),
    ],
)
def test_what_macos_says(path: str, flags: int, told: tuple[str | None, str | None, bool]) -> None:
    assert meaning("/r/oot", path, flags) == told


@pytest.mark.parametrize("flags", [0x20, 0x80])
def test_macos_says_that_the_root_is_gone(flags: int) -> None:
    dirty, lost, gone = meaning("/r/oot", "/r/oot", flags)
    assert gone
    assert dirty is None
    assert lost


MOUNTINFO = r"""
22 27 0:21 / /proc rw,relatime - proc proc rw
27 1 254:0 / / rw,relatime shared:1 master:2 - ext4 /dev/vda rw
40 27 0:50 / /home/me/Team\040Files rw,relatime shared:9 - cifs //server/files rw
41 27 0:51 / /home/me/nfs rw - nfs4 server:/export rw
42 41 254:1 / /home/me/nfs/local rw - xfs /dev/vdb rw
43 27 0:52 / /media/ntfs rw - fuseblk /dev/sdb1 rw
44 27 0:53 / /media/ssh rw - fuse.sshfs me@host: rw
45 27 0:54 / /media/crypt rw - fuse.gocryptfs /home/me/crypt rw
46 27 0:55 / /media/twice rw - nfs server:/a rw
47 46 254:2 / /media/twice rw - btrfs /dev/sdc rw
not a line
"""


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("/", "ext4"),
        ("/home/me/Pictures", "ext4"),
        ("/home/me/Team Files/a", "cifs"),
        ("/home/me/Team Files", "cifs"),
        ("/home/me/Team Filesystem", "ext4"),
        ("/home/me/nfs/x", "nfs4"),
        ("/home/me/nfs/local/x", "xfs"),
        ("/media/ssh", "fuse.sshfs"),
        ("/media/twice/a", "btrfs"),
    ],
)
def test_the_disk_that_holds_a_path_is_the_innermost_mount(path: str, kind: str) -> None:
    assert type_by_mountinfo(path, MOUNTINFO) == kind


def _line(kind: str) -> str:
    return f"27 1 254:0 / / rw - {kind} source rw\n"


def _reason(monkeypatch: pytest.MonkeyPatch, kind: str) -> str | None:
    monkeypatch.setattr("sys.platform", "linux")
    monkeypatch.setattr(Path, "read_text", lambda self, *_: _line(kind))
    return needs_polling(Path("/some/where"))


@pytest.mark.parametrize(
    "kind",
    [
        "nfs",
        "nfs4",
        "cifs",
        "smb3",
        "9p",
        "afs",
        "ceph",
        "vboxsf",
        "prl_fs",
        "virtiofs",
        "fuse",
        "fuse.sshfs",
        "fuse.rclone",
        "fuse.vmhgfs-fuse",
        "fuse.glusterfs",
        "fuse.davfs",
    ],
)
def test_what_other_machines_change_has_to_be_polled(monkeypatch: pytest.MonkeyPatch, kind: str) -> None:
    reason = _reason(monkeypatch, kind)
    assert reason
    assert reason.startswith("a ")


@pytest.mark.parametrize(
    "kind",
    [
        "ext4",
        "xfs",
        "btrfs",
        "zfs",
        "tmpfs",
        "overlay",
        "vfat",
        "exfat",
        "ntfs3",
        "fuseblk",
        "fuse.gocryptfs",
        "fuse.mergerfs",
    ],
)
def test_a_local_disk_needs_no_polling(monkeypatch: pytest.MonkeyPatch, kind: str) -> None:
    assert _reason(monkeypatch, kind) is None


def test_a_system_that_does_not_tell_gives_no_reason(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(self: Path, *_: object) -> str:
        raise PermissionError

    monkeypatch.setattr(Path, "read_text", refuse)
    assert needs_polling(Path("/some/where")) is None


MOUNTS = """\
/dev/disk3s1s1 on / (apfs, sealed, local, read-only, journaled)
/dev/disk3s5 on /System/Volumes/Data (apfs, local, journaled, nobrowse)
//me@server/Team%20Files on /Volumes/Team Files (on the server) (smbfs, nodev, nosuid, mounted by me)
server:/export on /Volumes/export (nfs, nodev)
me@host: on /Volumes/ssh (macfuse, nodev, synchronous)
/dev/disk4s1 on /Volumes/Stick (msdos, local, nodev, noowners)
"""


@pytest.mark.parametrize(
    ("path", "reason"),
    [
        ("/Users/me/Pictures", None),
        ("/Volumes/Stick/a", None),
        ("/Volumes/Team Files (on the server)/a", "a network disk (SMB)"),
        ("/Volumes/export", "a network disk (NFS)"),
        ("/Volumes/ssh/a", "a disk elsewhere (macfuse)"),
    ],
)
def test_a_disk_that_macos_does_not_call_local_has_to_be_polled(path: str, reason: str | None) -> None:
    assert local_by_mount(path, MOUNTS) == reason
