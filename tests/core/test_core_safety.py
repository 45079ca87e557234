"""Limits: exactly the limit is allowed, one more holds back that kind and nothing else."""

from __future__ import annotations

import pytest

from fluxsync.core.folders import Node
from fluxsync.core.held import mark_of
from fluxsync.core.model import Entry, Item, Kind, Place, Side, State
from fluxsync.core.reconcile import Change, Content, Fate, Verdict
from fluxsync.core.safety import Guarded, Limited, Limits, guard

ROOT = Node("", "")
ITEM = Item(1, Kind.FILE, "x", "1", "7", "x", revision=3)


def change(
    fate: Fate,
    content: Content = Content.NONE,
    *,
    item: Item | None = ITEM,
    place: Side = Side.LOCAL,
    home: str = "7",
    revision: int = 3,
) -> Change:
    local = Entry(Kind.FILE, Place("old", "x")) if place is Side.REMOTE else None
    remote = Entry(Kind.FILE, Place(home, "x"), key="1", revision=revision)
    return Change(Verdict(fate, content, place), "x", ROOT, "x", item, local, remote)


KINDS = {
    Limited.DELETE_HERE: lambda: change(Fate.TRASH_LOCAL),
    Limited.DELETE_THERE: lambda: change(Fate.TRASH_REMOTE),
    Limited.EDIT_THERE: lambda: change(Fate.LIVE, Content.UP),
    Limited.EDIT_HERE: lambda: change(Fate.LIVE, Content.DOWN, revision=4),
    Limited.MOVE: lambda: change(Fate.LIVE, place=Side.REMOTE, home="8"),
    Limited.PURGE: lambda: change(Fate.PURGE, item=None),
}


@pytest.mark.parametrize("kind", KINDS)
def test_exactly_the_limit_is_allowed_and_one_more_is_held(kind: Limited) -> None:
    limits = Limits(dict.fromkeys(Limited, 1000) | {kind: 5})
    five = [KINDS[kind]() for _ in range(5)]
    assert guard(five, limits, {}) == Guarded(five)
    others = [make() for other, make in KINDS.items() if other is not kind]
    guarded = guard([*five, KINDS[kind](), *others], limits, {})
    assert guarded.go == others
    assert [row.kinds for row in guarded.held] == [(kind,)] * 6
    assert all("limit of 5" in row.why for row in guarded.held)


def test_what_was_done_lately_counts() -> None:
    limits = Limits({Limited.DELETE_HERE: 5}, {(Limited.DELETE_HERE, ""): 5})
    assert len(guard([change(Fate.TRASH_LOCAL)], limits, {}).held) == 1


def test_approved_changes_go() -> None:
    many = [change(Fate.TRASH_LOCAL) for _ in range(100)]
    guarded = guard(many, Limits({Limited.DELETE_HERE: 5}), {}, approve_all=True)
    assert (guarded.go, guarded.held, len(guarded.approved)) == (many, [], 100)


@pytest.mark.parametrize("item", [None, Item(1, Kind.FILE, "x", "1", "", "x", state=State.SUPERSEDED)])
def test_twins_and_superseded_assets_are_no_deletions(item: Item | None) -> None:
    many = [change(Fate.TRASH_REMOTE, item=item) for _ in range(100)]
    assert not guard(many, Limits({Limited.DELETE_THERE: 5}), {}).held


def test_files_of_one_deleted_tag_count_together_wherever_they_go() -> None:
    many = [change(Fate.LIVE, place=Side.REMOTE, home=str(n % 3 or "")) for n in range(9)]
    assert len(guard(many, Limits({Limited.MOVE: 8}), {}).held) == 9


def test_moves_between_other_tags_do_not_count_together() -> None:
    many = [
        change(
            Fate.LIVE,
            place=Side.REMOTE,
            home=f"b{n}",
            item=Item(n, Kind.FILE, "x", "1", f"a{n}", "x", revision=3),
        )
        for n in range(20)
    ]
    assert not guard(many, Limits({Limited.MOVE: 5}), {}).held


@pytest.mark.parametrize(("count", "held"), [(10, 0), (11, 11)])
def test_more_than_ten_older_versions_are_held(count: int, held: int) -> None:
    many = [change(Fate.LIVE, Content.CONFLICT, revision=1) for _ in range(count)]
    limits = Limits(dict.fromkeys(set(Limited) - {Limited.BACKWARDS}, 1000))
    assert len(guard(many, limits, {}).held) == held


def test_assets_leaving_the_trash_count_as_moves_but_not_going_back_to_it() -> None:
    item = Item(1, Kind.FILE, "x", "1", "", "x", state=State.TRASHED)
    limits = Limits({Limited.MOVE: 5})
    assert len(guard([change(Fate.LIVE, item=item) for _ in range(6)], limits, {}).held) == 6
    assert not guard([change(Fate.TRASH_REMOTE, item=item) for _ in range(6)], limits, {}).held


def test_an_approval_for_one_limit_does_not_cover_another() -> None:
    many = [change(Fate.LIVE, Content.DOWN, revision=4, place=Side.REMOTE, home="8") for _ in range(6)]
    limits = Limits({Limited.MOVE: 5, Limited.EDIT_HERE: 5})
    both = (str(Limited.EDIT_HERE), str(Limited.MOVE))
    assert {row.kinds for row in guard(many, limits, {}).held} == {both}
    for approved, held in (([Limited.MOVE], 6), ([Limited.EDIT_HERE], 6), (both, 0)):
        assert len(guard(many, limits, {mark_of(many[0]): approved}).held) == held
