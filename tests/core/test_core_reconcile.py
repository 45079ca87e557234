"""The decision table of the contract, cell by cell."""

from __future__ import annotations

import pytest

from fluxsync.core.decision import Content, Fate, decide
from fluxsync.core.model import Entry, Kind, Place, Side
from fluxsync.core.observe import Presence, Update

FILE = Entry(Kind.FILE, Place("", "logo.gif"))

HERE = {
    "unchanged": Update(Presence.HERE, FILE),
    "new content": Update(Presence.HERE, FILE, edited=True),
    "moved": Update(Presence.HERE, FILE, moved=True),
    "new content, moved": Update(Presence.HERE, FILE, edited=True, moved=True),
    "back again": Update(Presence.HERE, FILE, returned=True),
    "cut short": Update(Presence.HERE, FILE, damaged=True),
    "gone": Update(Presence.GONE),
    "unknown": Update(Presence.UNKNOWN),
}
THERE = {
    "unchanged": Update(Presence.HERE, FILE),
    "new content": Update(Presence.HERE, FILE, edited=True),
    "moved": Update(Presence.HERE, FILE, moved=True),
    "new content, moved": Update(Presence.HERE, FILE, edited=True, moved=True),
    "in the trash": Update(Presence.TRASHED, FILE),
    "in the trash, new content": Update(Presence.TRASHED, FILE, edited=True),
    "in the trash with new content": Update(Presence.TRASHED, FILE, edited=True, trashed_last=True),
    "gone": Update(Presence.GONE),
    "backwards": Update(Presence.HERE, FILE, edited=True, backwards=True),
    "unknown": Update(Presence.UNKNOWN),
}

LIVE, RESTORE, CREATE, FORGET = Fate.LIVE, Fate.RESTORE, Fate.CREATE, Fate.FORGET
OFF_HERE, OFF_THERE, LEAVE = Fate.TRASH_LOCAL, Fate.TRASH_REMOTE, Fate.LEAVE
NONE, UP, DOWN, BOTH = Content.NONE, Content.UP, Content.DOWN, Content.CONFLICT
L, R = Side.LOCAL, Side.REMOTE

TABLE = [
    ("unchanged", "unchanged", LIVE, NONE, L),
    ("unchanged", "new content", LIVE, DOWN, L),
    ("unchanged", "moved", LIVE, NONE, R),
    ("unchanged", "new content, moved", LIVE, DOWN, R),
    ("unchanged", "in the trash", OFF_HERE, NONE, None),
    ("unchanged", "in the trash, new content", RESTORE, DOWN, L),
    ("unchanged", "in the trash with new content", OFF_HERE, NONE, None),
    ("unchanged", "gone", OFF_HERE, NONE, None),
    ("unchanged", "backwards", LIVE, BOTH, L),
    ("new content", "unchanged", LIVE, UP, L),
    ("new content", "new content", LIVE, BOTH, L),
    ("new content", "moved", LIVE, UP, R),
    ("new content", "new content, moved", LIVE, BOTH, R),
    ("new content", "in the trash", RESTORE, UP, L),
    ("new content", "in the trash, new content", RESTORE, BOTH, L),
    ("new content", "in the trash with new content", RESTORE, BOTH, L),
    ("new content", "gone", CREATE, NONE, None),
    ("new content", "backwards", LIVE, BOTH, L),
    ("moved", "unchanged", LIVE, NONE, L),
    ("moved", "new content", LIVE, DOWN, L),
    ("moved", "moved", LIVE, NONE, R),
    ("moved", "new content, moved", LIVE, DOWN, R),
    ("moved", "in the trash", RESTORE, NONE, L),
    ("moved", "in the trash, new content", RESTORE, DOWN, L),
    ("moved", "in the trash with new content", RESTORE, DOWN, L),
    ("moved", "gone", CREATE, NONE, None),
    ("moved", "backwards", LIVE, BOTH, L),
    ("new content, moved", "unchanged", LIVE, UP, L),
    ("new content, moved", "moved", LIVE, UP, R),
    ("new content, moved", "in the trash", RESTORE, UP, L),
    ("new content, moved", "gone", CREATE, NONE, None),
    ("back again", "unchanged", LIVE, NONE, L),
    ("back again", "new content", LIVE, DOWN, L),
    ("back again", "in the trash", RESTORE, NONE, L),
    ("back again", "gone", CREATE, NONE, None),
    ("cut short", "unchanged", LIVE, DOWN, L),
    ("cut short", "new content", LIVE, DOWN, L),
    ("cut short", "moved", LIVE, DOWN, R),
    ("cut short", "in the trash", OFF_HERE, NONE, None),
    ("cut short", "gone", OFF_HERE, NONE, None),
    ("gone", "unchanged", OFF_THERE, NONE, None),
    ("gone", "new content", LIVE, DOWN, R),
    ("gone", "moved", OFF_THERE, NONE, None),
    ("gone", "new content, moved", LIVE, DOWN, R),
    ("gone", "in the trash", FORGET, NONE, None),
    ("gone", "in the trash, new content", RESTORE, DOWN, R),
    ("gone", "in the trash with new content", FORGET, NONE, None),
    ("gone", "gone", FORGET, NONE, None),
    ("gone", "backwards", LIVE, DOWN, R),
    *(("unknown", there, LEAVE, NONE, None) for there in THERE),
    *((here, "unknown", LEAVE, NONE, None) for here in HERE),
]


@pytest.mark.parametrize(
    ("here", "there", "fate", "content", "place"), TABLE, ids=[f"here {r[0]}; there {r[1]}" for r in TABLE]
)
def test_each_cell(here: str, there: str, fate: Fate, content: Content, place: Side | None) -> None:
    verdict = decide(HERE[here], THERE[there])
    assert (verdict.fate, verdict.content) == (fate, content)
    assert place is None or verdict.place is place
    quiet = fate is LEAVE or (here, there) == ("unchanged", "unchanged")
    assert quiet or verdict.why


@pytest.mark.parametrize("here", ["new content", "new content, moved"])
@pytest.mark.parametrize("there", ["new content", "new content, moved", "backwards"])
def test_equal_bytes_are_no_conflict(here: str, there: str) -> None:
    assert decide(HERE[here], THERE[there], equal=True).content is Content.EQUAL


def test_new_content_on_the_account_that_buried_ours_is_a_conflict() -> None:
    assert decide(HERE["unchanged"], THERE["new content"], buried=True).content is Content.CONFLICT


def test_what_is_buried_but_equal_is_no_conflict() -> None:
    verdict = decide(HERE["unchanged"], THERE["new content"], equal=True, buried=True)
    assert verdict.content is Content.EQUAL
