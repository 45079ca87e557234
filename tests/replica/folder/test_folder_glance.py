"""The paths that are not as agreed: found without opening a file, and never fewer than a scan would show."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from folder_world import Clock, items, scan

from fluxsync.core.model import Item, Kind
from fluxsync.errors import Halted
from fluxsync.replica.base import Look
from fluxsync.replica.folder import Folder

IGNORED = ".fluxsyncignore"


def looks(known: dict[str, Item]) -> dict[str, Look]:
    found: dict[str, Look] = {}
    for path, item in known.items():
        stamp = item.stamp
        assert stamp is not None
        is_file = item.kind is Kind.FILE
        found[path] = (stamp.size, stamp.mtime_ns, stamp.ctime_ns, stamp.inode) if is_file else (stamp.inode,)
    return found


@pytest.fixture
def agreed(folder: Folder, root: Path) -> dict[str, Look]:
    """What was agreed of a small tree."""
    (root / "A/Deep").mkdir(parents=True)
    (root / "B").mkdir()
    for path in ("a.ai", "A/a.ai", "A/b.ai", "A/Deep/c.ai", "B/d.ai"):
        (root / path).write_bytes(path.encode())
    (root / "B" / IGNORED).write_bytes(b"*.psd\n")
    return looks(items(scan(folder)))


def swap(root: Path) -> None:
    """Another file with the same size and times, under the same name."""
    status = (root / "a.ai").stat()
    (root / "other").write_bytes(b"a.ui")
    os.utime(root / "other", ns=(status.st_atime_ns, status.st_mtime_ns))
    (root / "other").replace(root / "a.ai")


def become_a_link(root: Path) -> None:
    (root / "A").rename(root.parent / "elsewhere")
    (root / "A").symlink_to(root.parent / "elsewhere")


def become_a_file(root: Path) -> None:
    (root / "B/d.ai").unlink()
    (root / "B" / IGNORED).unlink()
    (root / "B").rmdir()
    (root / "B").write_bytes(b"a file")


def become_a_folder(root: Path) -> None:
    (root / "a.ai").unlink()
    (root / "a.ai").mkdir()


DEEDS: dict[str, tuple[Callable[[Path], object], set[str]]] = {
    "nothing": (lambda root: None, set()),
    "other content": (lambda root: (root / "A/a.ai").write_bytes(b"edited"), {"A/a.ai"}),
    "other rights": (lambda root: (root / "A/a.ai").chmod(0o600), {"A/a.ai"}),
    "another file in its place": (swap, {"a.ai"}),
    "a new file": (lambda root: (root / "A/new.ai").write_bytes(b"new"), {"A/new.ai"}),
    "a new folder": (lambda root: (root / "A/New/Deep").mkdir(parents=True), {"A/New"}),
    "a file gone": (lambda root: (root / "A/Deep/c.ai").unlink(), {"A/Deep/c.ai"}),
    "a folder renamed": (lambda root: (root / "A").rename(root / "C"), {"A", "C"}),
    "a link for a folder": (become_a_link, {"A"}),
    "a file for a folder": (become_a_file, {"B"}),
    "a folder for a file": (become_a_folder, {"a.ai"}),
    "a file that is ignored": (lambda root: (root / "B/x.psd").write_bytes(b"x"), set()),
    "a new link": (lambda root: (root / "link").symlink_to("a.ai"), set()),
    "ignored from now on": (
        lambda root: (root / "A" / IGNORED).write_bytes(b"b.ai\n"),
        {f"A/{IGNORED}", "A/b.ai"},
    ),
    "no longer ignored": (
        lambda root: ((root / "B/x.psd").write_bytes(b"x"), (root / "B" / IGNORED).unlink()),
        {f"B/{IGNORED}", "B/x.psd"},
    ),
    "another root inside": (lambda root: (root / "A/.fluxsync").mkdir(), {"A"}),
}


@pytest.mark.parametrize(("deed", "paths"), DEEDS.values(), ids=DEEDS)
def test_what_differs_is_found(
    folder: Folder, root: Path, agreed: dict[str, Look], deed: Callable[[Path], object], paths: set[str]
) -> None:
    deed(root)
    assert folder.differences(agreed) == paths


def test_no_file_is_opened(folder: Folder, root: Path, agreed: dict[str, Look]) -> None:
    (root / "A/a.ai").write_bytes(b"edited")
    opened: list[str] = []
    listening = True

    def hear(event: str, args: tuple[object, ...]) -> None:
        if listening and event == "open":
            opened.append(str(args[0]))

    sys.addaudithook(hear)
    assert folder.differences(agreed) == {"A/a.ai"}
    listening = False
    assert not [name for name in opened if name.endswith(".ai")]
    assert "A" in opened


def test_a_file_that_was_saved_just_now_is_in_doubt(
    folder: Folder, clock: Clock, agreed: dict[str, Look]
) -> None:
    """It could be written again within the grain of the clock, and look the same."""
    assert folder.differences(agreed) == set()
    stamps = [look[1] for look in agreed.values() if len(look) == 4]
    clock.ahead = 0.0
    clock.ahead = max(stamps) / 1e9 - clock()
    assert folder.differences(agreed) != set()


@pytest.mark.parametrize("part", range(4))
def test_each_part_of_a_look_counts(folder: Folder, agreed: dict[str, Look], part: int) -> None:
    other = list(agreed["A/a.ai"])
    other[part] += 1
    assert folder.differences({**agreed, "A/a.ai": tuple(other)}) == {"A/a.ai"}


def test_a_look_that_tells_nothing_is_in_doubt_for_a_file_and_not_for_a_folder(
    folder: Folder, agreed: dict[str, Look]
) -> None:
    assert folder.differences({**agreed, "A": ()}) == set()
    assert folder.differences({path: look for path, look in agreed.items() if path != "A"}) == set()
    assert folder.differences({path: look for path, look in agreed.items() if path[0] != "A"}) == {"A"}
    assert folder.differences({**agreed, "a.ai": ()}) == {"a.ai"}
    assert folder.differences({**agreed, "A": (1,)}) == {"A"}


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_folder_that_cannot_be_read_is_in_doubt_as_one(
    folder: Folder, root: Path, agreed: dict[str, Look]
) -> None:
    (root / "A").chmod(0)
    try:
        assert folder.differences(agreed) == {"A"}
    finally:
        (root / "A").chmod(0o700)


@pytest.mark.skipif(sys.platform == "darwin", reason="its disks take text alone")
def test_a_name_that_is_no_text_puts_its_folder_in_doubt(
    folder: Folder, root: Path, agreed: dict[str, Look]
) -> None:
    (root / "A" / os.fsdecode(b"\xff.ai")).write_bytes(b"x")
    assert folder.differences(agreed) == {"A"}


def test_what_became_a_mount_point_is_in_doubt(
    folder: Folder, agreed: dict[str, Look], monkeypatch: pytest.MonkeyPatch
) -> None:
    folder.mounts = frozenset({"B"})
    assert folder.differences(agreed) == {"B"}
    assert folder.mounts == {"B"}


def test_selective_sync_sees_what_it_wants(root: Path, clock: Clock) -> None:
    chosen = Folder(root, include=("A/**",), clock=clock, wait=clock.wait)
    chosen.prepare()
    (root / "A").mkdir()
    (root / "B/Deep").mkdir(parents=True)
    (root / "A/a.ai").write_bytes(b"a")
    (root / "B/Deep/b.ai").write_bytes(b"b")
    agreed = looks(items(scan(chosen)))
    assert agreed.keys() == {"A", "A/a.ai"}
    assert chosen.differences(agreed) == set()
    (root / "A/New").mkdir()
    (root / "B/New").mkdir()
    (root / "B/c.ai").write_bytes(b"c")
    assert chosen.differences(agreed) == {"A/New"}


def test_a_root_that_is_away_has_lost_nothing(folder: Folder, root: Path, agreed: dict[str, Look]) -> None:
    root.rename(root.parent / "away")
    with pytest.raises(Halted):
        folder.differences(agreed)
    root.mkdir()
    with pytest.raises(Halted):
        folder.differences(agreed)


def test_an_ignore_file_of_a_folder_that_is_gone_is_forgotten(
    folder: Folder, root: Path, agreed: dict[str, Look]
) -> None:
    (root / "B").rename(root.parent / "B away")
    assert not scan(folder, None, "a.ai").admits("B/x.psd")
    assert folder.differences(agreed) == {"B"}
    assert scan(folder, None, "a.ai").admits("B/x.psd")
