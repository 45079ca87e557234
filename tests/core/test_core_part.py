"""What belongs to a part, what it assumes of the account, and what it cannot judge."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

import pytest

from fluxsync.core import part as parts
from fluxsync.core.decision import Fate, Verdict
from fluxsync.core.model import (
    EMPTY_DIGEST,
    Entry,
    Item,
    Kind,
    Place,
    Problem,
    Scope,
    Snapshot,
    Stamp,
    State,
    Unknown,
)
from fluxsync.core.paths import basename, dirname
from fluxsync.core.reconcile import Evidence, Policy, Reconciliation, reconcile
from fluxsync.core.reconciliation import Change

NOTHING_ASKED = Scope(frozenset())
KEEP_NOTHING = Policy()


def stamp(inode: int) -> Stamp:
    return Stamp(3, inode, inode, inode)


def file(path: str, number: int, digest: str = "", *, folder: str = "", **more: object) -> Item:
    row = Item(
        number,
        Kind.FILE,
        path,
        str(number),
        folder,
        basename(path),
        1,
        3,
        digest or f"digest {number}",
        stamp(number),
        "memo",
    )
    return replace(row, **more)  # type: ignore[arg-type]


def folder(path: str, number: int, **more: object) -> Item:
    row = Item(number, Kind.FOLDER, path, f"t{number}", "", path, stamp=stamp(number))
    return replace(row, **more)  # type: ignore[arg-type]


def here(item: Item, **more: object) -> Entry:
    """Return the entry of an item that lies where it lay, as it was."""
    if item.kind is Kind.FOLDER:
        entry = Entry(Kind.FOLDER, Place("", item.path), stamp=item.stamp)
    else:
        place = Place(dirname(item.path), basename(item.path))
        entry = Entry(Kind.FILE, place, "", 0, 3, item.digest, item.stamp)
    return replace(entry, **more)  # type: ignore[arg-type]


def there(item: Item, **more: object) -> Entry:
    if item.kind is Kind.FOLDER:
        return replace(Entry(Kind.FOLDER, Place("", item.name), item.key), **more)  # type: ignore[arg-type]
    entry = Entry(
        Kind.FILE, Place(item.folder, item.name), item.key, item.revision, item.size, memo=item.memo
    )
    return replace(entry, **more)  # type: ignore[arg-type]


def local(*entries: Entry, **more: object) -> Snapshot:
    files = {entry.path: entry for entry in entries if entry.kind is Kind.FILE}
    folders = {entry.path: entry for entry in entries if entry.kind is Kind.FOLDER}
    return replace(Snapshot(files, folders), **more)  # type: ignore[arg-type]


def remote(*entries: Entry, asked: Iterable[str] = ()) -> Snapshot:
    """Return a look at these assets, with all tags."""
    return Snapshot(
        {entry.key: entry for entry in entries if entry.kind is Kind.FILE},
        {entry.key: entry for entry in entries if entry.kind is Kind.FOLDER},
        scope=Scope(frozenset(asked)),
        all_folders=True,
    )


def closed(items: Iterable[Item], seen: Snapshot, paths: Iterable[str], looked: Snapshot) -> parts.Part:
    rows = list(items)
    folders = [item for item in rows if item.kind is Kind.FOLDER]
    return parts.close(rows, folders, seen, set(paths), looked)


def reconciled(part: parts.Part, policy: Policy = KEEP_NOTHING) -> Reconciliation:
    return reconcile(part.items, part.local, part.remote, Evidence(), policy)


# -- paths


@pytest.mark.parametrize(
    ("path", "paths", "covers"),
    [
        ("A/a.gif", {"A/a.gif"}, True),
        ("A/a.gif", {"A"}, True),
        ("A/Sub/a.gif", {"A"}, True),
        ("A/a.gif", {""}, True),
        ("", {""}, True),
        ("", {"A"}, False),
        ("A", {"A/a.gif"}, False),
        ("A0/a.gif", {"A"}, False),
        ("A a.gif", {"A"}, False),
        ("A/a.gif", set(), False),
    ],
)
def test_a_path_is_covered_by_itself_and_by_the_folders_above(
    path: str, paths: set[str], covers: bool
) -> None:
    assert parts.covered(path, paths) is covers


def test_folders_on_the_way_are_those_of_which_nothing_is_known() -> None:
    seen = local(here(file("A/B/C/a.gif", 1)), here(folder("D/E", 2)))
    known = [folder("A", 3), folder("A/B", 4, stamp=None)]
    assert parts.on_the_way(seen, known) == {"A/B", "A/B/C", "D"}


# -- what a new file may have been


def test_a_file_that_an_item_accounts_for_is_evidence_of_nothing() -> None:
    row = file("a.gif", 1)
    assert parts.unmet(local(here(row, digest="edited", stamp=stamp(9))), [row]) == parts.Unmet()


@pytest.mark.parametrize("state", [State.TRASHED, State.KEPT_THERE, State.KEPT_HERE, State.SUPERSEDED])
def test_a_file_at_the_path_of_what_is_not_agreed_may_be_another(state: State) -> None:
    row = file("a.gif", 1, state=state)
    found = parts.unmet(local(here(row)), [row])
    assert found == parts.Unmet(frozenset({1}), frozenset({"digest 1"}))


def test_empty_content_proves_nothing() -> None:
    seen = local(here(file("a.gif", 1, EMPTY_DIGEST)))
    assert parts.unmet(seen, []) == parts.Unmet(frozenset({1}))


def test_a_file_without_evidence_may_be_nothing() -> None:
    seen = local(here(file("a.gif", 1), digest=None, stamp=None))
    assert parts.unmet(seen, []) == parts.Unmet()


def test_a_folder_that_is_new_or_another_one_at_its_path_may_have_come_from_elsewhere() -> None:
    known, replaced, new = folder("A", 1), folder("B", 2), folder("C", 3)
    seen = local(here(known), here(replaced, stamp=stamp(7)), here(new))
    assert parts.unmet(seen, [known, replaced]) == parts.Unmet(frozenset({7, 3}))
    assert parts.unmet(local(here(known)), [replace(known, stamp=None)]) == parts.Unmet(frozenset({1}))
    assert parts.unmet(local(here(new, stamp=None)), []) == parts.Unmet()


# -- what the account is assumed to show


@pytest.mark.parametrize(
    ("state", "shows", "trashed"),
    [
        (State.AGREED, True, False),
        (State.KEPT_THERE, True, False),
        (State.SUPERSEDED, True, False),
        (State.TRASHED, True, True),
        (State.KEPT_HERE, False, False),
    ],
)
def test_the_account_is_assumed_to_show_what_the_ancestor_says(
    state: State, shows: bool, trashed: bool
) -> None:
    row = file("A/a.gif", 1, folder="t2", state=state)
    entry = parts.assumed(row)
    assert entry == (there(row, digest="digest 1", trashed=trashed) if shows else None)


def test_a_digest_that_is_not_known_is_not_assumed() -> None:
    entry = parts.assumed(file("a.gif", 1, digest=""))
    assert entry is not None
    assert parts.assumed(replace(file("a.gif", 1), digest="")) == replace(entry, digest=None)


def test_nothing_is_assumed_of_folders() -> None:
    assert parts.assumed(folder("A", 1)) is None


# -- what is in a part


def test_what_is_quiet_is_left_out_and_stays_present() -> None:
    quiet, edited = file("a.gif", 1), file("b.gif", 2)
    seen = local(here(quiet), here(edited, digest="new", stamp=stamp(9)))
    part = closed([quiet, edited], seen, [""], remote())
    assert part.items == [edited]
    assert set(part.local.files) == {"b.gif"}
    assert set(part.present) == {"a.gif", "b.gif"}
    assert set(part.remote.files) == {"2"}


@pytest.mark.parametrize(
    "change",
    [
        {"digest": "new"},
        {"stamp": stamp(9)},
        {"stamp": None},
    ],
)
def test_a_file_with_another_digest_or_stamp_is_not_quiet(change: dict[str, object]) -> None:
    row = file("a.gif", 1)
    assert closed([row], local(here(row, **change)), ["a.gif"], remote()).items == [row]


@pytest.mark.parametrize(
    ("state", "quiet"),
    [
        (State.AGREED, True),
        (State.KEPT_HERE, True),
        (State.KEPT_THERE, False),
        (State.TRASHED, False),
        (State.SUPERSEDED, False),
    ],
)
def test_only_what_is_in_the_folder_can_be_quiet(state: State, quiet: bool) -> None:
    row = file("a.gif", 1, state=state)
    assert (closed([row], local(here(row)), ["a.gif"], remote()).items == []) is quiet


def test_what_was_asked_for_is_never_quiet_and_shown_as_it_is() -> None:
    row = file("a.gif", 1)
    seen = there(row, revision=7)
    part = closed([row], local(here(row)), ["a.gif"], remote(seen, asked=["1"]))
    assert part.items == [row]
    assert part.remote.files == {"1": seen}


def test_what_was_asked_for_and_is_gone_is_not_assumed() -> None:
    row = file("a.gif", 1)
    part = closed([row], local(here(row)), ["a.gif"], remote(asked=["1"]))
    assert part.remote.files == {}
    assert part.remote.scope.members == {"1"}


def test_folders_elsewhere_are_taken_for_what_they_were() -> None:
    kept = [folder("A", 1), folder("B", 2, state=State.KEPT_HERE)]
    away = [folder("C", 3, state=State.KEPT_THERE), folder("D", 4, state=State.TRASHED)]
    part = closed([*kept, *away], local(), ["x.gif"], remote(*map(there, (*kept, *away))))
    assert set(part.local.folders) == {"A", "B"}
    assert set(part.remote.folders) == {"t1", "t2", "t3", "t4"}


def test_a_folder_that_was_looked_at_and_not_found_is_not_there() -> None:
    above, below = folder("A", 1), folder("A/Sub", 2)
    part = closed([above, below], local(), ["A"], remote(there(above), there(below)))
    assert part.local.folders == {}


def test_tags_that_the_ancestor_does_not_know_are_no_part_of_it() -> None:
    known, new = folder("A", 1), folder("New", 2)
    assert set(closed([known], local(), ["A"], remote(there(known), there(new))).remote.folders) == {"t1"}


def test_only_absence_of_what_is_in_the_part_counts() -> None:
    """The scope of the account's side is the keys of its items; that of the folder's is everything."""
    row = file("a.gif", 1)
    part = closed([row, folder("A", 2)], local(), ["a.gif"], remote())
    assert part.remote.scope.members == {"1", "t2"}
    assert part.local.scope.everything


# -- where there is nothing to do


def still(items: Iterable[Item], seen: Snapshot, *paths: str) -> bool:
    return parts.is_still(closed(items, seen, paths, Snapshot({}, {}, scope=NOTHING_ASKED)))


def test_what_is_as_it_was_needs_no_look_at_the_account() -> None:
    rows = [folder("A", 1), file("A/a.gif", 2), folder("K", 3, state=State.KEPT_HERE)]
    gone = [file("A/b.gif", 4, state=State.TRASHED), folder("T", 5, state=State.KEPT_THERE)]
    assert still([*rows, *gone], local(*map(here, rows)), "A", "K", "T")
    assert still([], local(), "never.gif")


@pytest.mark.parametrize(
    "seen",
    [
        local(here(file("new.gif", 7))),
        local(here(folder("A", 1)), here(folder("New", 8))),
        local(here(folder("A", 1), stamp=stamp(9))),
        local(),
        local(here(folder("A", 1)), unknown=(Unknown("A/x", "unreadable"),)),
        local(here(folder("A", 1)), problems=(Problem("A/x", "a link", harmless=True),)),
    ],
    ids=["new file", "new folder", "another folder", "gone", "unknown", "problem"],
)
def test_anything_else_needs_one(seen: Snapshot) -> None:
    assert not still([folder("A", 1)], seen, "A", "New", "new.gif")


def test_a_file_that_is_gone_needs_one() -> None:
    assert not still([file("a.gif", 1)], local(), "a.gif")


def test_a_folder_that_is_back_needs_one() -> None:
    row = folder("A", 1, state=State.KEPT_THERE)
    assert not still([row], local(here(row)), "A")


def test_a_folder_whose_inode_is_not_known_is_no_other_one() -> None:
    row = folder("A", 1, stamp=None)
    assert still([row], local(here(row, stamp=stamp(5))), "A")


# -- deletions


def deleted(policy: Policy = KEEP_NOTHING) -> tuple[parts.Part, Reconciliation]:
    """Return a part in which a file and a folder are gone, and one file was edited."""
    gone, rest, edited = folder("A", 1), file("A/a.gif", 2, folder="t1"), file("b.gif", 3)
    seen = local(here(edited, digest="new", stamp=stamp(9)))
    part = closed([gone, rest, edited], seen, ["A", "b.gif"], remote(there(gone, carried=1)))
    return part, reconciled(part, policy)


def test_files_and_folders_that_are_gone_are_removed() -> None:
    part, result = deleted()
    assert parts.removed(part, result) == {"A", "A/a.gif"}


def test_deletions_that_are_only_remembered_are_removals_too() -> None:
    """The other half of a move would find nothing to be the moved file."""
    part, result = deleted(Policy(remote_delete="keep"))
    assert parts.removed(part, result) == {"A", "A/a.gif"}
    parts.postpone(part, result, {"A/a.gif"})
    assert parts.removed(part, result) == {"A"}
    assert [row.path for row in result.agreements] == []


def test_postponed_deletions_are_neither_here_nor_gone() -> None:
    part, result = deleted()
    parts.postpone(part, result, {"A", "A/a.gif"})
    assert [change.path for change in result.changes] == ["b.gif"]
    assert result.tree.by_key["t1"].unknown
    assert parts.removed(part, result) == set()


def test_the_other_deletions_go_on() -> None:
    part, result = deleted()
    parts.postpone(part, result, {"A"})
    assert parts.removed(part, result) == {"A/a.gif"}
    assert {change.path for change in result.changes} == {"A/a.gif", "b.gif"}


def test_a_twin_that_goes_to_the_trash_was_not_deleted_here() -> None:
    part, result = deleted()
    twin = Change(Verdict(Fate.TRASH_REMOTE), "twin.gif", result.tree.root, "twin.gif", None, None)
    with_file = replace(result.changes[0], path="c.gif", local=here(file("c.gif", 4)))
    result.changes += [twin, with_file]
    assert "twin.gif" not in parts.removed(part, result)
    assert "c.gif" not in parts.removed(part, result)


def test_a_folder_that_nobody_could_look_at_is_not_removed() -> None:
    gone = folder("A/Sub", 1)
    seen = local(here(folder("A", 2)), unknown=(Unknown("A", "unreadable"),))
    part = closed([gone, folder("A", 2)], seen, ["A"], remote(there(gone), there(folder("A", 2))))
    assert parts.removed(part, reconciled(part)) == set()


# -- contradictions


def contradiction(items: list[Item], seen: Snapshot, paths: Iterable[str], looked: Snapshot) -> str:
    part = closed(items, seen, paths, looked)
    return parts.contradiction(part, looked, reconciled(part))


A, FILE = folder("A", 1), file("A/a.gif", 2, folder="t1")


def test_where_the_account_is_as_assumed_nothing_contradicts() -> None:
    seen = local(here(A), here(FILE, digest="new", stamp=stamp(9)))
    assert contradiction([A, FILE], seen, ["A"], remote(there(A, carried=1))) == ""
    asked = remote(there(A, carried=1), there(FILE, revision=5), asked=["2"])
    assert contradiction([A, FILE], seen, ["A"], asked) == ""


@pytest.mark.parametrize("tags", [[], [there(A, place=Place("", "Renamed"))]], ids=["deleted", "renamed"])
def test_a_tag_that_was_deleted_or_renamed_contradicts(tags: list[Entry]) -> None:
    assert "tag" in contradiction([A], local(here(A)), ["x.gif"], remote(*tags))


def test_a_tag_that_is_known_to_be_gone_does_not() -> None:
    row = folder("A", 1, state=State.KEPT_HERE)
    on_the_way = folder("B", 3, key="")
    assert contradiction([row, on_the_way], local(here(row)), ["x.gif"], remote()) == ""


def test_a_new_folder_that_has_a_tag_on_the_account_contradicts() -> None:
    """Somebody else has made it, and its assets may be the files that are new here."""
    new = folder("New", 7)
    seen = local(here(new), here(file("New/a.gif", 8)))
    assert contradiction([], seen, ["New"], remote(there(new))) == "a new folder has a tag on the account"
    assert contradiction([], seen, ["New"], remote(there(folder("Other", 9)))) == ""


@pytest.mark.parametrize(
    "place", [Place("t9", "a.gif"), Place("t1", "b.gif")], ids=["another folder", "another name"]
)
def test_an_asset_that_was_moved_or_renamed_contradicts(place: Place) -> None:
    looked = remote(there(A, carried=1), there(FILE, place=place), asked=["2"])
    assert "moved" in contradiction([A, FILE], local(here(A), here(FILE)), ["A"], looked)


@pytest.mark.parametrize("shown", [[], [there(FILE, trashed=True)]], ids=["gone", "in the trash"])
@pytest.mark.parametrize("file_is", ["here", "edited", "gone"])
def test_an_asset_that_has_gone_contradicts(shown: list[Entry], file_is: str) -> None:
    """Limits, doubts, and the other half of a move: all of them need a look at everything."""
    entries = {"here": [here(FILE)], "edited": [here(FILE, digest="new")], "gone": []}[file_is]
    looked = remote(there(A, carried=1), *shown, asked=["2"])
    assert "gone" in contradiction([A, FILE], local(here(A), *entries), ["A"], looked)


def test_an_asset_of_the_trash_that_is_gone_does_not() -> None:
    row = replace(FILE, state=State.TRASHED)
    looked = remote(there(A, carried=1), there(row, trashed=True), asked=["2"])
    assert contradiction([A, row], local(here(A), here(row)), ["A"], looked) == ""


def test_a_renamed_folder_whose_tag_has_more_assets_contradicts() -> None:
    renamed = local(
        here(A, place=Place("", "New")), here(FILE, place=Place("New", "a.gif"), stamp=FILE.stamp)
    )
    paths = ["A", "New"]
    assert contradiction([A, FILE], renamed, paths, remote(there(A, carried=1))) == ""
    assert "shares" in contradiction([A, FILE], renamed, paths, remote(there(A, carried=2)))
