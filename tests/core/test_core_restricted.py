"""What a look at single assets proves about the others, and about folders."""

from __future__ import annotations

from dataclasses import replace

import pytest
from core_world import Account, Machine

from fluxsync.core.model import Item, Kind, Scope, Snapshot, Unknown
from fluxsync.core.observe import absence_counts

NOTHING = Snapshot({}, {})
ONE = Scope(frozenset({"1"}))


def item(kind: Kind, key: str) -> Item:
    return Item(1, kind, "a", key, "", "a")


@pytest.mark.parametrize(
    ("snapshot", "kind", "key", "counts"),
    [
        (NOTHING, Kind.FILE, "1", True),
        (NOTHING, Kind.FOLDER, "7", True),
        (replace(NOTHING, complete=False), Kind.FOLDER, "7", False),
        (replace(NOTHING, unknown=(Unknown("1", "500"),)), Kind.FILE, "1", False),
        (replace(NOTHING, scope=ONE), Kind.FILE, "1", True),
        (replace(NOTHING, scope=ONE), Kind.FILE, "2", False),
        (replace(NOTHING, scope=ONE), Kind.FOLDER, "7", False),
        (replace(NOTHING, scope=ONE, all_folders=True), Kind.FILE, "2", False),
        (replace(NOTHING, scope=ONE, all_folders=True), Kind.FOLDER, "7", True),
        (replace(NOTHING, scope=ONE, all_folders=True), Kind.FOLDER, "", True),
        (replace(NOTHING, scope=ONE, all_folders=True, complete=False), Kind.FOLDER, "7", False),
    ],
)
def test_absence_counts_for_what_was_looked_at(
    snapshot: Snapshot, kind: Kind, key: str, counts: bool
) -> None:
    assert absence_counts(snapshot, item(kind, key)) is counts


@pytest.mark.parametrize("all_folders", [False, True])
def test_a_tag_that_is_gone_takes_its_empty_folder_along_where_all_tags_were_seen(all_folders: bool) -> None:
    machine = Machine(Account())
    machine.mkdir("Empty")
    machine.write("a.gif", "a")
    machine.sync()
    machine.check_rest()
    account = machine.account
    del account.tags[next(key for key, name in account.tags.items() if name == "Empty")]
    machine.look_there = lambda s: replace(s, files={}, scope=Scope(frozenset()), all_folders=all_folders)
    assert [str(op.action) for op in machine.planned()] == (["remove-folder"] if all_folders else [])
