"""What of the trash a person means."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import pytest

from fluxsync.core.model import Entry, Item, Kind, Place, Side, State
from fluxsync.core.restore import InTrash, choose, restored_names, within
from fluxsync.core.trash import TrashedFile


def here(path: str, when: float, number: int = 0, size: int = 1) -> InTrash:
    file = TrashedFile(f"2026-11-22/{when}/{path}", path, when, size)
    return InTrash(Side.LOCAL, f"h{when}{path}", path, size, when, pass_number=number, file=file)


def there(key: str, path: str, when: float, number: int = 0, *, known: bool = False) -> InTrash:
    entry = Entry(Kind.FILE, Place("", path), key=key, size=1, trashed=True)
    item = Item(1, Kind.FILE, path, key, "", path, state=State.TRASHED) if known else None
    return InTrash(Side.REMOTE, key, path, 1, when, pass_number=number, asset=entry, item=item)


OLD, NEW = here("A/x.gif", 1.0, 1), here("A/x.gif", 5.0, 3)
ASSET = there("17", "A/y.gif", 4.0, 2)
DEEP = here("A/B/z.gif", 2.0, 2)
ALL = [OLD, NEW, ASSET, DEEP]


def ids(things: Sequence[InTrash]) -> set[str]:
    return {thing.id for thing in things}


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("A/x.gif", [NEW]),
        ("17", [ASSET]),
        (OLD.id, [OLD]),
        ("A/", [NEW, ASSET, DEEP]),
        ("A", [NEW, ASSET, DEEP]),
        ("A/B", [DEEP]),
        (".", [NEW, ASSET, DEEP]),
    ],
)
def test_a_name_means(name: str, meant: list[InTrash]) -> None:
    paths = [name.rstrip("/") if name != "." else ""]
    chosen = choose(ALL, [(name, paths)], lambda path: False)
    assert ids(chosen.things) == ids(meant)
    assert chosen.missing == []


def test_what_is_not_there_is_named() -> None:
    assert choose(ALL, [("A/w.gif", ["A/w.gif"]), ("A/x.gif/", ["A/x.gif"])], None).missing == [
        "A/w.gif",
        "A/x.gif/",
    ]


def test_of_a_folder_only_what_is_missing_now_is_meant_unless_a_time_or_pass_is_named() -> None:
    exists: Callable[[str], bool] = "A/x.gif".__eq__
    chosen = choose(ALL, [("A/", ["A"])], exists)
    assert ids(chosen.things) == ids([ASSET, DEEP])
    assert chosen.left == 2
    assert ids(choose(ALL, [("A/", ["A"])], None).things) == ids([NEW, ASSET, DEEP])


def test_several_names_are_taken_together_and_nothing_twice() -> None:
    chosen = choose(ALL, [("17", ["17"]), ("A/y.gif", ["A/y.gif"]), ("A/B", ["A/B"])], None)
    assert [thing.id for thing in chosen.things] == ["17", DEEP.id]


def test_a_file_and_its_asset_in_the_other_trash_are_one() -> None:
    file, asset = here("x", 9.0), there("5", "x", 8.0, known=True)
    assert ids(choose([file, asset, here("x", 7.0)], [("x", ["x"])], None).things) == ids([file, asset])
    stranger = there("6", "x", 8.0)
    assert ids(choose([file, stranger], [("x", ["x"])], None).things) == ids([file])


def test_forms_of_an_umlaut_are_one_name() -> None:
    thing = here("u\u0308.gif", 1.0)
    assert choose([thing], [("\u00fc.gif", ["\u00fc.gif"])], None).things == [thing]


def test_times_and_passes_narrow_what_is_meant() -> None:
    assert within(ALL, 4.0, None) == [NEW, ASSET]
    assert within(ALL, None, 2) == [ASSET, DEEP]
    assert within(ALL, 3.0, 2) == [ASSET]
    assert within(ALL, None, None) == ALL


@pytest.mark.parametrize(
    ("path", "first", "second"),
    [
        ("A/logo.gif", "A/logo (restored T).gif", "A/logo (restored T) 2.gif"),
        ("README", "README (restored T)", "README (restored T) 2"),
    ],
)
def test_what_finds_its_place_taken_gets_a_name_beside_it(path: str, first: str, second: str) -> None:
    names = restored_names(path, "T")
    assert [next(names), next(names)] == [first, second]


def test_a_long_name_stays_one_that_a_disk_can_hold() -> None:
    name = next(restored_names("A/" + "ü" * 125 + ".gif", "2026-11-22 174501"))
    assert len(name.removeprefix("A/").encode()) <= 255
