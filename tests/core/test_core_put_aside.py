"""What failed again and again is left alone for a while, until it changes."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fluxsync.core.decision import Fate, Verdict
from fluxsync.core.model import Action, Entry, Kind, Place, Stamp
from fluxsync.core.operations import Operation
from fluxsync.core.put_aside import PutAside, Shelf, evidence_of, pause_s
from fluxsync.core.reconciliation import Change
from fluxsync.core.tree import Node

FILE = Entry(Kind.FILE, Place("Acme", "a.gif"), size=3, digest="d", stamp=Stamp(3, 10, 11, 12))
ASSET = Entry(Kind.FILE, Place("7", "a.gif"), "100", 2, 3, modified_ns=5, memo="tags 7")
CHANGE = Change(Verdict(Fate.LIVE), "Acme/a.gif", Node("Acme", "Acme"), "a.gif", None, FILE, ASSET)
SEND = Operation(Action.VERSION, "Acme/a.gif", "edited here", 0, local=FILE, remote=ASSET)


def shelf_with(tries: int, *, at: float = 1000.0, heed_from: int | None = 1) -> Shelf:
    """Return what the pass after the last failure sees."""
    rows: list[PutAside] = []
    for _ in range(tries):
        before = Shelf(rows)
        before.failed(SEND, CHANGE, "refused", at)
        rows = before.rows
    return Shelf(rows, heed_from)


def waits(shelf: Shelf, change: Change, now_s: float) -> bool:
    go, waiting = shelf.split([change], now_s)
    assert len(go) + len(waiting) == 1
    return bool(waiting)


def test_pauses_grow_from_25_seconds_to_a_day() -> None:
    assert [pause_s(tries) for tries in (1, 2, 3, 4, 5, 6, 7, 10_000)] == [
        25,
        125,
        625,
        3125,
        15_625,
        78_125,
        86_400,
        86_400,
    ]


@pytest.mark.parametrize(("later_s", "waiting"), [(0, True), (24.9, True), (25, False), (26, False)])
def test_what_failed_waits_until_its_pause_is_over(later_s: float, waiting: bool) -> None:
    assert waits(shelf_with(1), CHANGE, 1000 + later_s) is waiting


@pytest.mark.parametrize(
    "change",
    [
        replace(CHANGE, local=replace(FILE, stamp=replace(FILE.stamp, mtime_ns=99))),
        replace(CHANGE, local=replace(FILE, stamp=replace(FILE.stamp, ctime_ns=99))),
        replace(CHANGE, local=replace(FILE, stamp=replace(FILE.stamp, inode=99))),
        replace(CHANGE, local=replace(FILE, stamp=replace(FILE.stamp, size=99))),
        replace(CHANGE, local=replace(FILE, place=Place("Acme", "b.gif"))),
        replace(CHANGE, local=None),
        replace(CHANGE, remote=replace(ASSET, revision=3)),
        replace(CHANGE, remote=replace(ASSET, place=Place("8", "a.gif"))),
        replace(CHANGE, remote=replace(ASSET, place=Place("7", "b.gif"))),
        replace(CHANGE, remote=replace(ASSET, trashed=True)),
        replace(CHANGE, remote=replace(ASSET, memo="tags 7 9")),
        replace(CHANGE, remote=None),
    ],
    ids=[
        "saved",
        "given another right",
        "another file",
        "another size",
        "renamed here",
        "gone here",
        "new version",
        "moved there",
        "renamed there",
        "trashed there",
        "labelled there",
        "gone there",
    ],
)
def test_a_change_on_either_side_ends_the_pause_at_once(change: Change) -> None:
    assert not waits(shelf_with(6), change, 1000)


def test_others_do_not_wait() -> None:
    other = replace(CHANGE, path="b.gif", local=replace(FILE, place=Place("", "b.gif")))
    go, waiting = shelf_with(3).split([CHANGE, other], 1000)
    assert go == [other]
    assert [row.path for row in waiting] == ["Acme/a.gif"]


@pytest.mark.parametrize(
    ("heed_from", "tries", "waiting"), [(None, 9, False), (3, 2, False), (3, 3, True), (1, 1, True)]
)
def test_whoever_asks_for_a_try_gets_one(heed_from: int | None, tries: int, waiting: bool) -> None:
    assert waits(shelf_with(tries, heed_from=heed_from), CHANGE, 1000) is waiting


def test_what_failed_in_this_very_pass_is_not_tried_again_in_it() -> None:
    shelf = Shelf([], heed_from=None)
    shelf.failed(SEND, CHANGE, "refused", 1000)
    assert waits(shelf, CHANGE, 5000)
    assert not waits(shelf, replace(CHANGE, remote=replace(ASSET, revision=3)), 1000)


def test_tries_are_counted_and_the_first_failure_is_remembered() -> None:
    rows: list[PutAside] = []
    for at in (1000.0, 2000.0, 9000.0):
        shelf = Shelf(rows)
        shelf.failed(SEND, CHANGE, f"refused at {at:.0f}", at)
        rows = shelf.rows
    (row,) = rows
    assert (row.tries, row.since, row.next_try, row.reason) == (3, 1000.0, 9625.0, "refused at 9000")


def test_what_succeeds_or_goes_away_is_forgotten() -> None:
    shelf = shelf_with(3, heed_from=None)
    assert not waits(shelf, CHANGE, 1000)
    shelf.drop_settled()
    assert shelf.rows == []


def test_what_waits_stays_put_aside() -> None:
    shelf = shelf_with(3)
    assert waits(shelf, CHANGE, 1001)
    shelf.drop_settled()
    assert [row.tries for row in shelf.rows] == [3]


def test_a_folder_that_the_account_refuses_waits_apart_from_its_files() -> None:
    make = Operation(Action.MAKE_TAG, "Acme", "needed", -1)
    shelf = Shelf([], heed_from=1)
    shelf.failed(make, None, "refused", 1000)
    later = Shelf(shelf.rows, heed_from=1)
    go, waiting = later.split_folders([make, SEND], 1001)
    assert (go, [row.path for row in waiting]) == ([SEND], ["Acme"])
    assert later.split([CHANGE], 1001)[0] == [CHANGE]


@given(st.integers(1, 50), st.integers(0, 4_000_000_000), st.integers(0, 4_000_000_000))
def test_no_clock_makes_a_pause_longer_than_it_was(tries: int, failed_at: int, now_s: int) -> None:
    """A clock that is set back ends a pause; nothing waits for years."""
    if waits(shelf_with(tries, at=failed_at), CHANGE, now_s):
        assert 0 <= now_s - failed_at <= pause_s(tries)


def test_evidence_needs_neither_side() -> None:
    assert evidence_of(None, None) != evidence_of(FILE, None) != evidence_of(None, ASSET)
