"""Which assets in the trash of the account are due, and when none is."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fluxsync.core.model import Entry, Item, Kind, Place, Snapshot, State, Unknown
from fluxsync.core.purge import due, is_suspect
from fluxsync.core.reconcile import Change, Content, Fate, Verdict
from fluxsync.core.trash import DAY_S
from fluxsync.core.tree import Node

NOW = 1_800_000_000.0


def asset(key: str = "7", *, changed_s: float = 0.0, trashed: bool = True, revision: int = 2) -> Entry:
    return Entry(
        Kind.FILE,
        Place("1@tag", "x.gif"),
        key=key,
        revision=revision,
        trashed=trashed,
        modified_ns=int(changed_s * 1e9),
    )


def account(*assets: Entry, clock_s: float | None = NOW) -> Snapshot:
    folders = {"1@tag": Entry(Kind.FOLDER, Place("", "A/B"), key="1@tag")}
    return Snapshot({each.key: each for each in assets}, folders, clock_s=clock_s)


def item(state: State, revision: int = 2) -> Item:
    return Item(1, Kind.FILE, "here/x.gif", "7", "1@tag", "x.gif", revision=revision, state=state)


LONG_AGO = {"7": NOW - 31 * DAY_S}


def test_an_asset_is_due_after_its_days_with_its_path_and_the_reason() -> None:
    (change,) = due(account(asset()), [], LONG_AGO, 30)
    assert (change.verdict.fate, change.path, change.verdict.why) == (
        Fate.PURGE,
        "A/B/x.gif",
        "in the trash for 30 days",
    )
    (change,) = due(account(asset()), [item(State.TRASHED)], LONG_AGO, 30)
    assert change.path == "here/x.gif"


@pytest.mark.parametrize(
    ("remote", "items", "seen", "days"),
    [
        (account(asset()), [], {}, 30),
        (account(asset()), [], {"7": NOW - 29 * DAY_S}, 30),
        (account(asset(changed_s=NOW - 29 * DAY_S)), [], LONG_AGO, 30),
        (account(asset(changed_s=NOW + DAY_S)), [], LONG_AGO, 30),
        (account(asset()), [], LONG_AGO, 0),
        (account(asset(), clock_s=None), [], LONG_AGO, 30),
        (account(asset(trashed=False)), [], LONG_AGO, 30),
        (account(asset()), [item(State.AGREED)], LONG_AGO, 30),
        (account(asset()), [item(State.KEPT_HERE)], LONG_AGO, 30),
        (account(asset(revision=3)), [item(State.TRASHED)], LONG_AGO, 30),
    ],
    ids=[
        "not seen before",
        "seen later",
        "changed later",
        "changed in the future",
        "for ever",
        "no clock",
        "not in the trash",
        "its file is here yet",
        "its file is kept here",
        "new content takes it out",
    ],
)
def test_an_asset_is_not_due(
    remote: Snapshot, items: list[Item], seen: dict[str, float], days: float
) -> None:
    assert due(remote, items, seen, days) == []


@given(
    st.dictionaries(st.integers(1, 9).map(str), st.floats(0, 60), max_size=6),
    st.dictionaries(st.integers(1, 9).map(str), st.floats(0, 60), max_size=6),
    st.integers(1, 50),
)
def test_law_of_days(seen: dict[str, float], changed: dict[str, float], days: int) -> None:
    """Due is exactly what both were so long ago: the last change, and the first sight."""
    assets = [asset(key, changed_s=NOW - ago * DAY_S) for key, ago in changed.items()]
    known = {key: NOW - ago * DAY_S for key, ago in seen.items()}
    found = {c.remote.key for c in due(account(*assets), [], known, days) if c.remote is not None}
    both = {key: min(changed[key], seen[key]) for key in changed.keys() & seen.keys()}
    assert {key for key, ago in both.items() if ago > days + 0.001} <= found
    assert found <= {key for key, ago in both.items() if ago > days - 0.001}


def backwards(revision: int) -> Change:
    remote = replace(asset(trashed=False), revision=revision)
    verdict = Verdict(Fate.LIVE, Content.CONFLICT)
    return Change(verdict, "x", Node("", ""), "x", item(State.AGREED), None, remote)


@pytest.mark.parametrize(
    ("remote", "changes", "suspect"),
    [
        (account(), [], False),
        (replace(account(), complete=False), [], True),
        (replace(account(), unknown=(Unknown("9", "timeout"),)), [], True),
        (replace(account(), trash_lost=True), [], True),
        (account(), [backwards(1)], True),
        (account(), [backwards(3)], False),
    ],
    ids=["sound", "incomplete", "unknown", "trash lost", "older version", "a plain conflict"],
)
def test_nothing_is_deleted_for_good_on_an_account_that_is_suspect(
    remote: Snapshot, changes: list[Change], suspect: bool
) -> None:
    assert is_suspect(remote, changes) == suspect
