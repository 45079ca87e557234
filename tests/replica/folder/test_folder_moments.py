"""A person saves in the very moment in which a download takes the file's place, or the file is taken away.

Each way in which programs save, at each point between the comparison and the end, on each kind of disk: both
contents are still there afterwards.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from folder_world import DISKS, Clock, Content, entry, lack, place, trashed, tree

from fluxsync.errors import Busy, Stale
from fluxsync.replica.folder import Folder, syscalls
from fluxsync.replica.folder.syscalls import At

OLD, NEW, SAVED = b"the old content", b"new from the account", b"saved right now"


def _over(path: Path) -> None:
    other = path.with_name("other.tmp")
    other.write_bytes(SAVED)
    other.replace(path)


def _same_time(path: Path) -> None:
    """Save the same number of bytes, under the time of before."""
    before = path.stat()
    assert len(SAVED) == len(OLD)
    path.write_bytes(SAVED)
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))


def _same_time_over(path: Path) -> None:
    before = path.stat()
    _over(path)
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))


def _backup(path: Path) -> None:
    path.rename(path.with_name("a.ai~"))
    path.write_bytes(SAVED)
    path.with_name("a.ai~").unlink()


def _anew(path: Path) -> None:
    path.unlink(missing_ok=True)
    path.write_bytes(SAVED)


def _linked(path: Path) -> None:
    other = path.with_name("other.tmp")
    other.write_bytes(SAVED)
    path.unlink(missing_ok=True)
    os.link(other, path)
    other.unlink()


def _swapped(path: Path) -> None:
    other = path.with_name("other.tmp")
    other.write_bytes(SAVED)
    other.rename(path.with_name("third.tmp"))
    path.rename(other)
    path.with_name("third.tmp").rename(path)
    other.unlink()


SAVES: dict[str, Callable[[Path], None]] = {
    "in place": lambda path: _in_place(path),
    "truncated and written": lambda path: _truncated(path),
    "renamed over": _over,
    "same size and time": _same_time,
    "same size and time, renamed over": _same_time_over,
    "backup first": _backup,
    "deleted and created": _anew,
    "link finalised": _linked,
    "swapped": _swapped,
}
#: Ways in which a save puts another file under the name.
_ANOTHER_FILE = {
    "renamed over",
    "same size and time, renamed over",
    "backup first",
    "deleted and created",
    "link finalised",
    "swapped",
}
SEAMS = ("rename_new", "exchange", "link", "rename")
MOMENTS = [(seam, when) for seam in SEAMS for when in ("before", "after")]


def _truncated(path: Path) -> None:
    path.write_bytes(SAVED)


def _in_place(path: Path) -> None:
    with path.open("r+b") as file:
        file.write(SAVED)
        file.truncate()


class Moments:
    """Runs something at one of the calls that touch the file's name."""

    def __init__(
        self, monkeypatch: pytest.MonkeyPatch, seam: str, when: str, act: Callable[[], None]
    ) -> None:
        self.came = False
        call = getattr(syscalls, seam)

        def called(*args: At) -> object:
            mine = not self.came and "a.ai" in [at.name for at in args]
            if mine and when == "before":
                self.came = True
                act()
            result = call(*args)
            if mine and when == "after":
                self.came = True
                act()
            return result

        monkeypatch.setattr(syscalls, seam, called)


def _cases(disks: tuple[str, ...]) -> Iterator[tuple[str, str, str, str]]:
    for disk in disks:
        for seam, when in MOMENTS:
            for save in SAVES:
                yield disk, seam, when, save


def _is_the_one_race(disk: str, seam: str, when: str, save: str) -> bool:
    """Tell of the moment that no call can close: where names cannot be exchanged, another file renamed there
    between the last look and our rename."""
    return disk == "links" and (seam, when) == ("rename", "before") and save in _ANOTHER_FILE


@pytest.mark.parametrize("aside", [False, True], ids=["trash", "aside"])
@pytest.mark.parametrize("disk", DISKS)
def test_a_save_in_the_moment_of_a_download_loses_neither(
    tmp_path: Path, clock: Clock, monkeypatch: pytest.MonkeyPatch, disk: str, aside: bool
) -> None:
    lost, came = [], 0
    for number, (_, seam, when, save) in enumerate(_cases((disk,))):
        with monkeypatch.context() as patch:
            root = tmp_path / str(number)
            root.mkdir()
            folder = Folder(root, clock=clock, wait=clock.wait)
            folder.prepare()
            path = root / "a.ai"
            path.write_bytes(OLD)
            lack(patch, disk)
            expected = entry(folder, "a.ai")
            folder.put(place("first"), Content(b""), None)
            moments = Moments(patch, seam, when, lambda path=path, save=save: _saved(save, path))
            content = Content(NEW)
            stale = False
            try:
                folder.put(place("a.ai"), content, expected, aside=place("a (mine).ai") if aside else None)
            except (Stale, Busy):
                stale = True
        came += moments.came
        there = tree(root)
        kept = {*there.values(), *trashed(root)}
        case = (seam, when, save)
        if not stale and NEW not in kept and (when, there.get("a.ai")) != ("after", SAVED):
            lost.append((*case, "the download"))
        if moments.came and SAVED not in kept and not _is_the_one_race(disk, *case):
            lost.append((*case, "the save"))
        # What no time tells apart is taken for the file that was compared, and lies in the trash.
        if SAVED in kept and SAVED not in there.values() and save != "same size and time":
            lost.append((*case, "the save went out of sight"))
        if len(there) > 4:
            lost.append((*case, f"too many files: {sorted(there)}"))
    assert lost == []
    assert came >= 2 * len(SAVES), "the moments were really met"


@pytest.mark.parametrize("verb", ["trash", "move"])
def test_a_save_in_the_moment_in_which_a_file_is_taken_away_or_moved_is_not_lost(
    tmp_path: Path, clock: Clock, monkeypatch: pytest.MonkeyPatch, verb: str
) -> None:
    lost, came = [], 0
    for number, (disk, seam, when, save) in enumerate(_cases(("exchange", "links", "steps"))):
        with monkeypatch.context() as patch:
            root = tmp_path / str(number)
            root.mkdir()
            folder = Folder(root, clock=clock, wait=clock.wait)
            folder.prepare()
            path = root / "a.ai"
            path.write_bytes(OLD)
            lack(patch, disk)
            expected = entry(folder, "a.ai")
            moments = Moments(patch, seam, when, lambda path=path, save=save: _saved(save, path))
            try:
                if verb == "trash":
                    folder.trash(expected)
                else:
                    folder.move(expected, place("b.ai"))
            except (Stale, Busy):
                pass
        came += moments.came
        kept = {*tree(root).values(), *trashed(root)}
        if moments.came and SAVED not in kept:
            lost.append((disk, seam, when, save))
    assert lost == []
    assert came > 3 * len(SAVES)


def _saved(save: str, path: Path) -> None:
    """Save as a program does that finds its file gone: it writes a new one."""
    (SAVES[save] if path.exists() else _anew)(path)
