"""Whether a removal is still running: from the folders that held what vanished, and from a second look."""

from __future__ import annotations

import pytest

from fluxsync.core.model import Entry, Item, Kind, Place, Snapshot, Stamp, Unknown
from fluxsync.core.removal import is_over, more_gone


def folder(path: str, mtime_ns: int) -> Entry:
    return Entry(Kind.FOLDER, Place("", path), stamp=Stamp(0, mtime_ns, mtime_ns, 1))


def seen(*paths: str, unknown: str | None = None, **folders: int) -> Snapshot:
    return Snapshot(
        {path: Entry(Kind.FILE, Place(*path.rsplit("/", 1))) for path in paths},
        {path: folder(path, mtime_ns) for path, mtime_ns in folders.items()},
        unknown=() if unknown is None else (Unknown(unknown, "cannot be read"),),
    )


def items(*paths: str) -> list[Item]:
    return [Item(n, Kind.FILE, path, str(n), "7", "x") for n, path in enumerate(paths, 1)]


@pytest.mark.parametrize(
    ("paths", "folders", "over"),
    [
        pytest.param(["A/x"], {"A": 100}, True, id="its folder has been quiet"),
        pytest.param(["A/x"], {"A": 101}, False, id="its folder changed just now"),
        pytest.param(["A/x", "B/y"], {"A": 1, "B": 101}, False, id="one of two folders changed just now"),
        pytest.param(["A/B/x"], {"A": 100}, True, id="its folder is gone: the one above has been quiet"),
        pytest.param(["A/B/x"], {"A": 101}, False, id="its folder is gone just now"),
        pytest.param(["x"], {"A": 1}, False, id="it lay in the root, whose time nobody knows"),
        pytest.param([], {"A": 101}, True, id="nothing vanished"),
    ],
)
def test_a_removal_is_over_when_the_folders_that_held_it_are_quiet(
    paths: list[str], folders: dict[str, int], over: bool
) -> None:
    assert is_over(paths, seen(**folders), 100) is over


@pytest.mark.parametrize(
    ("after", "more"),
    [
        pytest.param(seen("A/1", "A/2"), False, id="all is there still"),
        pytest.param(seen("A/1"), True, id="one more is gone"),
        pytest.param(seen("A/1", unknown="A"), False, id="what cannot be read is not gone"),
        pytest.param(seen("A/1", unknown=""), False, id="nothing can be read"),
        pytest.param(seen("A/1", "A/2", "A/new"), False, id="something came"),
    ],
)
def test_more_is_gone_when_a_tracked_file_is_missing_that_was_there(after: Snapshot, more: bool) -> None:
    assert more_gone(seen("A/1", "A/2"), after, items("A/1", "A/2", "A/gone before")) is more


def test_an_untracked_file_that_vanishes_is_no_deletion() -> None:
    assert not more_gone(seen("A/1", "A/temporary"), seen("A/1"), items("A/1"))
