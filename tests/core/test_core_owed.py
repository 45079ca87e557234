"""What the account has and the folder has not, and which file here may be one of it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from fluxsync.core.decision import Fate, Verdict
from fluxsync.core.model import Entry, Item, Kind, NameRules, Place, Snapshot, Stamp, State
from fluxsync.core.owed import Owed, is_owed, meets, owed
from fluxsync.core.paths import basename, dirname
from fluxsync.core.reconciliation import Change
from fluxsync.core.tree import Node

STAMP = Stamp(3, 1, 1, 1)


def item(path: str, number: int, state: State = State.AGREED) -> Item:
    name = basename(path)
    return Item(number, Kind.FILE, path, str(number), "", name, 1, 3, "d", STAMP, "memo", state)


def there(row: Item, **more: object) -> Entry:
    entry = Entry(Kind.FILE, Place(row.folder, row.name), row.key, row.revision, row.size, memo=row.memo)
    return replace(entry, **more)  # type: ignore[arg-type]


def shown(*entries: Entry) -> Snapshot:
    return Snapshot({entry.key: entry for entry in entries}, {})


def found(rows: list[Item], *entries: Entry) -> Owed:
    return owed(shown(*entries), rows, NameRules())


def test_owed_is_what_the_account_has_otherwise_than_the_ancestor() -> None:
    rows = [item("same.gif", 1), item("edited.gif", 2), item("Moved.gif", 3)]
    seen = found(
        rows, there(rows[0]), there(rows[1], revision=9), there(rows[2], place=Place("t", "New.gif"))
    )
    assert seen == Owed(frozenset({"2", "3"}), frozenset({"new.gif"}))


def test_what_is_new_there_is_owed_by_its_name_as_this_disk_would_have_it() -> None:
    names = {"8": "New.GIF", "9": "a/b.gif", "10": "U\u0308.gif"}
    entries = [Entry(Kind.FILE, Place("", name), key) for key, name in names.items()]
    trashed = Entry(Kind.FILE, Place("", "in the trash.gif"), "11", trashed=True)
    assert found([], *entries, trashed) == Owed(
        frozenset(), frozenset({"new.gif", "a%2fb.gif", "\u00fc.gif"})
    )


@pytest.mark.parametrize("state", [State.TRASHED, State.KEPT_THERE, State.SUPERSEDED])
def test_an_asset_that_is_to_come_back_is_owed_by_key_and_name(state: State) -> None:
    row = item("Back.gif", 4, state)
    assert found([row], there(row, revision=9)) == Owed(frozenset({"4"}), frozenset({"back.gif"}))


def test_an_asset_that_was_taken_out_of_the_trash_is_owed() -> None:
    row = item("back.gif", 4, State.TRASHED)
    assert found([row], there(row)) == Owed(frozenset({"4"}), frozenset({"back.gif"}))
    assert found([row], there(row, trashed=True, revision=9)).keys == {"4"}


def test_what_is_in_the_trash_or_gone_as_the_ancestor_says_is_not_owed() -> None:
    rows = [item("trashed.gif", 1, State.TRASHED), item("kept.gif", 2, State.KEPT_HERE)]
    assert found(rows, there(rows[0], trashed=True)) == Owed()


def test_what_was_moved_and_is_in_the_trash_has_no_name() -> None:
    row = item("a.gif", 1)
    assert found([row], there(row, trashed=True, revision=9, place=Place("t", "b.gif"))).names == frozenset()


def test_what_has_gone_is_owed_by_key() -> None:
    rows = [item("gone.gif", 1), item("trashed.gif", 2)]
    assert found(rows, there(rows[1], trashed=True)) == Owed(frozenset({"1", "2"}), frozenset())


@pytest.mark.parametrize(
    ("path", "belongs"),
    [("A/NEW.gif", True), ("new.gif", True), ("U\u0308.GIF", True), ("new.gif/a", False), ("", False)],
)
def test_a_path_whose_name_is_owed_may_be_where_the_asset_belongs(path: str, belongs: bool) -> None:
    some = Owed(frozenset(), frozenset({"new.gif", "\u00fc.gif"}))
    assert is_owed(path, some) is belongs
    assert not is_owed(path, Owed())


def test_a_file_here_with_an_owed_name_meets_it() -> None:
    some = Owed(frozenset(), frozenset({"new.gif"}))

    def change(path: str) -> Change:
        local = Entry(Kind.FILE, Place(dirname(path), basename(path)))
        return Change(Verdict(Fate.CREATE), path, Node("A", "A"), basename(path), None, local)

    assert meets([change("A/old.gif"), change("A/NEW.gif")], some)
    assert not meets([change("A/old.gif"), replace(change("A/new.gif"), local=None)], some)
    assert not meets([change("A/new.gif")], Owed())
