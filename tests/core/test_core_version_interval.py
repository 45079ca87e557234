"""Saves of a large file in quick succession go up as one version, and nothing else waits."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fluxsync.core.decision import Content, Fate, Verdict
from fluxsync.core.model import Entry, Item, Kind, Place, Stamp
from fluxsync.core.reconciliation import Change
from fluxsync.core.tree import Node
from fluxsync.core.version_interval import LARGE_BYTES, may_wait, put_off

INTERVAL_S = 300.0
SIZE = LARGE_BYTES + 1
NODE = Node("Acme", "Acme", "7")
FILE = Entry(Kind.FILE, Place("Acme", "a.psd"), size=SIZE, digest="new", stamp=Stamp(SIZE, 10, 11, 12))
ASSET = Entry(Kind.FILE, Place("7", "a.psd"), "100", 2, SIZE)
ITEM = Item(1, Kind.FILE, "Acme/a.psd", "100", "7", "a.psd", 2, SIZE, "old")
EDIT = Change(Verdict(Fate.LIVE, Content.UP), "Acme/a.psd", NODE, "a.psd", ITEM, FILE, ASSET)


def waits_until(change: Change, sent_s: float | None, now_s: float) -> float | None:
    sent = {"100": sent_s} if sent_s is not None else {}
    go, later = put_off([change], sent, now_s, INTERVAL_S)
    assert [*go, *(each.change for each in later)] == [change]
    return later[0].until_s if later else None


@pytest.mark.parametrize(
    ("sent_s", "until_s"),
    [(None, None), (1000.0, 1300.0), (800.0, 1100.0), (700.1, 1000.1), (700.0, None), (500.0, None)],
)
def test_a_version_waits_until_its_interval_is_over(sent_s: float | None, until_s: float | None) -> None:
    assert waits_until(EDIT, sent_s, 1000.0) == until_s


def test_what_was_sent_by_a_clock_that_has_been_set_back_holds_up_nothing() -> None:
    assert waits_until(EDIT, 1000.1, 1000.0) is None


OTHERS = {
    "a file of 8 MB": replace(EDIT, local=replace(FILE, size=LARGE_BYTES)),
    "renamed": replace(EDIT, verdict=Verdict(Fate.LIVE), path="Acme/b.psd", name="b.psd"),
    "renamed and edited": replace(
        EDIT, path="Acme/b.psd", name="b.psd", local=replace(FILE, place=Place("Acme", "b.psd"))
    ),
    "renamed on the account": replace(EDIT, path="Acme/b.psd", name="b.psd"),
    "moved": replace(EDIT, node=Node("Other", "Other", "8")),
    "in a folder that was renamed": replace(EDIT, item=replace(ITEM, path="Before/a.psd")),
    "in conflict": replace(EDIT, verdict=Verdict(Fate.LIVE, Content.CONFLICT)),
    "new on the account": replace(EDIT, verdict=Verdict(Fate.LIVE, Content.DOWN)),
    "in the remote trash": replace(EDIT, verdict=Verdict(Fate.RESTORE, Content.UP)),
    "deleted": replace(EDIT, verdict=Verdict(Fate.TRASH_REMOTE), local=None),
    "new": replace(EDIT, verdict=Verdict(Fate.CREATE), item=None, remote=None),
}


@pytest.mark.parametrize("change", OTHERS.values(), ids=OTHERS)
def test_everything_else_goes_at_once(change: Change) -> None:
    assert not may_wait(change)
    assert waits_until(change, 999.0, 1000.0) is None


def test_a_large_file_that_became_small_goes_at_once_and_a_small_one_that_became_large_waits() -> None:
    small = replace(EDIT, local=replace(FILE, size=10))
    large = replace(EDIT, remote=replace(ASSET, size=10), item=replace(ITEM, size=10))
    assert waits_until(small, 999.0, 1000.0) is None
    assert waits_until(large, 999.0, 1000.0) == 1299.0


@given(
    saves=st.lists(st.floats(0.1, 400.0), min_size=1, max_size=12),
    interval_s=st.floats(1.0, 300.0),
)
def test_law_versions_are_apart_and_the_last_save_goes_up(saves: list[float], interval_s: float) -> None:
    """However saves follow each other, looked at after each and whenever another look is due."""
    now_s, sent_s, pending = 1000.0, 1000.0, False
    versions = [sent_s]
    for pause_s in (*saves, 2 * interval_s):
        due_s, next_s = now_s, now_s + pause_s
        while pending and due_s < next_s:
            go, later = put_off([EDIT], {"100": sent_s}, due_s, interval_s)
            if go:
                sent_s, pending = due_s, False
                versions.append(sent_s)
            else:
                due_s = later[0].until_s
        now_s, pending = next_s, True
    assert all(after - before >= interval_s * 0.999 for before, after in pairwise(versions))
    assert len(versions) >= 2
