"""Which vanished file is which new file."""

from __future__ import annotations

import pytest

from fluxsync.core.model import EMPTY_DIGEST, Entry, Item, Kind, Place, Stamp
from fluxsync.core.moves import match_files, match_folders
from fluxsync.core.paths import basename, dirname


def item(number: int, path: str, digest: str, inode: int = 0, birth: int | None = None) -> Item:
    stamp = Stamp(1, 1, 1, inode or number, birth)
    return Item(number, Kind.FILE, path, str(number), "", basename(path), 0, 1, digest, stamp)


def entry(path: str, digest: str, inode: int, birth: int | None = None) -> Entry:
    stamp = Stamp(1, 1, 1, inode, birth)
    return Entry(Kind.FILE, Place(dirname(path), basename(path)), size=1, digest=digest, stamp=stamp)


CASES = [
    ("same inode, same content", [item(1, "a", "X")], [entry("b", "X", 1)], {1: "b"}),
    ("same inode, other content: the inode was used again", [item(1, "a", "X")], [entry("b", "Y", 1)], {}),
    (
        "same inode, other content, same birth: moved and edited",
        [item(1, "a", "X", birth=5)],
        [entry("b", "Y", 1, birth=5)],
        {1: "b"},
    ),
    (
        "same inode, other content, other birth",
        [item(1, "a", "X", birth=5)],
        [entry("b", "Y", 1, birth=6)],
        {},
    ),
    ("other inode, same content, one of each", [item(1, "a", "X")], [entry("b", "X", 9)], {1: "b"}),
    (
        "other inode, same content, two new: ambiguous",
        [item(1, "a", "X")],
        [entry("b", "X", 8), entry("c", "X", 9)],
        {},
    ),
    (
        "other inode, same content, two vanished: ambiguous",
        [item(1, "a", "X"), item(2, "c", "X")],
        [entry("b", "X", 9)],
        {},
    ),
    (
        "empty content proves nothing",
        [item(1, "a", EMPTY_DIGEST)],
        [entry("b", EMPTY_DIGEST, 9)],
        {},
    ),
    (
        "inode before content",
        [item(1, "a", "X")],
        [entry("b", "X", 9), entry("c", "X", 1)],
        {1: "c"},
    ),
]


@pytest.mark.parametrize(("vanished", "new", "expected"), [c[1:] for c in CASES], ids=[c[0] for c in CASES])
def test_match_files(vanished: list[Item], new: list[Entry], expected: dict[int, str]) -> None:
    found = match_files(vanished, {e.path: e for e in new}, {})
    assert {number: e.path for number, e in found.items()} == expected


def test_a_file_in_a_renamed_folder_is_that_file_whatever_its_content() -> None:
    found = match_files([item(1, "D/a", "X")], {"E/a": entry("E/a", "Y", 9)}, {1: "E/a"})
    assert found[1].path == "E/a"


def folder(number: int, path: str, inode: int, birth: int | None = None) -> Item:
    return Item(number, Kind.FOLDER, path, str(number), "", path, stamp=Stamp(0, 1, 1, inode, birth))


def folder_entry(path: str, inode: int, birth: int | None = None) -> Entry:
    return Entry(Kind.FOLDER, Place("", path), stamp=Stamp(0, 1, 1, inode, birth))


@pytest.mark.parametrize(
    ("present", "moved"),
    [
        ({"E/a": entry("E/a", "X", 9)}, True),
        ({"E/a": entry("E/a", "Y", 2)}, True),
        ({"E/a": entry("E/a", "Y", 9)}, False),
        ({}, False),
    ],
    ids=["a file with its content", "a file with its inode", "a stranger", "nothing in it"],
)
def test_a_folder_is_proved_by_a_file_in_it(present: dict[str, Entry], moved: bool) -> None:
    files = [item(2, "D/a", "X")]
    found = match_folders([folder(1, "D", 50)], [folder_entry("E", 50)], files, present)
    assert (1 in found) is moved


@pytest.mark.parametrize(("birth", "moved"), [(7, True), (8, False), (None, False)])
def test_an_empty_folder_is_proved_by_its_birth(birth: int | None, moved: bool) -> None:
    found = match_folders([folder(1, "D", 50, 7)], [folder_entry("E", 50, birth)], [], {})
    assert (1 in found) is moved


def test_a_folder_is_never_found_inside_itself() -> None:
    found = match_folders([folder(1, "D", 50, 7)], [folder_entry("D/E", 50, 7)], [], {})
    assert not found
