"""What an interrupted pass left is found out before anything else is done."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import pytest
from engine_world import Clock

from fluxsync.core.model import Entry, Intent, Item, Kind, Place, Stamp, State
from fluxsync.engine.late import may_come_late
from fluxsync.engine.recover import find_patiently, recover
from fluxsync.errors import Unavailable
from fluxsync.replica.memory import MemoryFolder
from fluxsync.state.journal import Journal, Planned

INTENT = Intent(Place("7", "a.gif"), 3, "d" * 64, "100")
OTHER = Intent(Place("", "b.gif"), 3, "e" * 64, "100")


class Account:
    """Shows what intents left, from a certain look on."""

    def __init__(self, *shown: tuple[Intent, int], key: str = "101") -> None:
        self.shown = dict(shown)
        self.key = key
        self.looks: list[list[Intent]] = []

    def find(self, intents: Sequence[Intent]) -> Mapping[Intent, Entry]:
        self.looks.append(list(intents))
        seen = [i for i in intents if i in self.shown and len(self.looks) > self.shown[i]]
        return {
            intent: Entry(Kind.FILE, intent.place, key=self.key, size=intent.size, digest=intent.digest)
            for intent in seen
        }


@pytest.fixture
def journal() -> Journal:
    return Journal.in_memory()


@pytest.fixture
def clock() -> Clock:
    return Clock()


def sent(journal: Journal, action: str, path: str, intent: Intent | None, item_id: int = 0) -> int:
    (number,) = journal.plan(1, [Planned(action, path, "", item_id, "why")])
    journal.mark_sent([number], {number: intent} if intent else {})
    return number


def recovered(journal: Journal, account: Account, clock: Clock) -> int:
    return recover(journal, MemoryFolder(), account, clock.wait, clock)  # type: ignore[arg-type]


def test_nothing_in_doubt_asks_nothing(journal: Journal, clock: Clock) -> None:
    account = Account()
    assert recovered(journal, account, clock) == 0
    assert account.looks == []


def test_what_was_only_planned_is_forgotten(journal: Journal, clock: Clock) -> None:
    (number,) = journal.plan(1, [Planned("create", "a.gif", "", 0, "why")])
    account = Account()
    assert recovered(journal, account, clock) == 0
    assert account.looks == []
    journal.mark_sent([], {})
    assert journal.unsettled() == []
    assert journal.plan(1, [Planned("create", "a.gif", "", 0, "why")]) != [number]


def test_a_create_that_is_found_becomes_an_item_without_a_stamp(journal: Journal, clock: Clock) -> None:
    sent(journal, "create", "Clients/a.gif", INTENT)
    assert recovered(journal, Account((INTENT, 0)), clock) == 1
    (row,) = journal.items()
    assert (row.path, row.key, row.folder, row.name) == ("Clients/a.gif", "101", "7", "a.gif")
    assert (row.size, row.digest, row.stamp, row.made_here) == (3, "d" * 64, None, True)
    assert journal.unsettled() == []
    (event,) = journal.history()
    assert (event.action, event.path, event.asset_id, event.outcome) == (
        "create",
        "Clients/a.gif",
        "101",
        "done",
    )
    assert clock.waits == []


def test_a_create_that_is_not_found_is_looked_for_four_times_and_may_come_late(
    journal: Journal, clock: Clock
) -> None:
    sent(journal, "create", "a.gif", INTENT)
    account = Account()
    assert recovered(journal, account, clock) == 0
    assert account.looks == [[INTENT]] * 4
    assert clock.waits == [2, 3, 5]
    assert (journal.items(), journal.unsettled()) == ([], [])
    assert may_come_late(journal, clock()) == {INTENT}
    assert may_come_late(journal, clock() + 8 * 86_400) == frozenset()


def test_only_what_is_missing_is_looked_for_again(journal: Journal, clock: Clock) -> None:
    account = Account((INTENT, 0), (OTHER, 2))
    found = find_patiently(account, [INTENT, OTHER], clock.wait)  # type: ignore[arg-type]
    assert set(found) == {INTENT, OTHER}
    assert account.looks == [[INTENT, OTHER], [OTHER], [OTHER]]
    assert clock.waits == [2, 3]


def test_what_has_no_intent_is_dropped_without_a_look(journal: Journal, clock: Clock) -> None:
    sent(journal, "download", "a.gif", None)
    account = Account()
    assert recovered(journal, account, clock) == 0
    assert account.looks == []
    assert journal.unsettled() == []


def test_an_asset_that_an_item_has_already_is_no_find(journal: Journal, clock: Clock) -> None:
    journal.advance([Item(0, Kind.FILE, "other.gif", "101", "7", "a.gif")])
    sent(journal, "create", "a.gif", INTENT)
    assert recovered(journal, Account((INTENT, 0)), clock) == 0
    assert [item.path for item in journal.items()] == ["other.gif"]


def test_a_successor_that_is_found_leaves_the_old_asset_superseded(journal: Journal, clock: Clock) -> None:
    (old,) = journal.advance(
        [Item(0, Kind.FILE, "a.gif", "50", "7", "a.gif", 0, 9, "o" * 64, Stamp(9, 1, 1, 1), "memo")]
    )
    sent(journal, "version", "a.gif", INTENT, old.id)
    assert recovered(journal, Account((INTENT, 0)), clock) == 1
    row, left = sorted(journal.items(), key=lambda item: item.id)
    assert (row.id, row.key, row.state, row.stamp) == (old.id, "101", State.AGREED, None)
    assert (left.key, left.state, left.digest) == ("50", State.SUPERSEDED, "o" * 64)


def test_an_item_that_is_gone_meanwhile_is_made_anew(journal: Journal, clock: Clock) -> None:
    sent(journal, "version", "a.gif", INTENT, 4711)
    assert recovered(journal, Account((INTENT, 0)), clock) == 1
    (row,) = journal.items()
    assert (row.path, row.key) == ("a.gif", "101")


VERSION = Intent(Place("7", "b.gif"), 3, "n" * 64, "100", "50", 4)


class Versions:
    """An account that shows a version from a certain look on."""

    def __init__(self, shown_at: int = 0) -> None:
        self.looks = 0
        self.resumed: list[tuple[Place, Entry]] = []
        self._shown_at = shown_at

    def find(self, intents: Sequence[Intent]) -> Mapping[Intent, Entry]:
        self.looks += 1
        if self.looks <= self._shown_at:
            return {}
        return {i: Entry(Kind.FILE, i.place, i.key, i.revision + 1, i.size, i.digest) for i in intents}

    def resume(self, place: Place, expected: Entry, found: Entry) -> Entry:
        self.resumed.append((place, expected))
        return replace(found, memo="its title follows")


def an_item(journal: Journal) -> Item:
    old = Item(0, Kind.FILE, "a.gif", "50", "7", "a.gif", 4, 9, "o" * 64, Stamp(9, 1, 1, 1), "memo")
    (written,) = journal.advance([old])
    return written


@pytest.mark.parametrize("shown_at", [0, 2])
def test_a_version_that_is_found_advances_its_item_and_is_gone_on_with(
    journal: Journal, clock: Clock, shown_at: int
) -> None:
    old = an_item(journal)
    sent(journal, "version", "b.gif", VERSION, old.id)
    account = Versions(shown_at)
    assert recovered(journal, account, clock) == 1  # type: ignore[arg-type]
    (row,) = journal.items()
    assert (row.id, row.path, row.name, row.revision) == (old.id, "b.gif", "b.gif", 5)
    assert (row.size, row.digest, row.stamp, row.memo) == (3, "n" * 64, None, "its title follows")
    assert row.made_here
    assert clock.waits == [2, 3][:shown_at]
    ((place, expected),) = account.resumed
    assert (place, expected.place, expected.revision) == (VERSION.place, Place("7", "a.gif"), 4)


def test_the_place_of_a_found_version_is_agreed_only_if_nothing_else_was_due(
    journal: Journal, clock: Clock
) -> None:
    old = an_item(journal)
    sent(journal, "version", "B/b.gif", VERSION, old.id)
    sent(journal, "move-remote", "B/b.gif", None, old.id)
    recovered(journal, Versions(), clock)  # type: ignore[arg-type]
    (row,) = journal.items()
    assert (row.path, row.name, row.revision) == ("a.gif", "b.gif", 5)


def test_a_version_that_is_not_found_is_planned_again_and_is_no_late_twin(
    journal: Journal, clock: Clock
) -> None:
    old = an_item(journal)
    sent(journal, "version", "b.gif", VERSION, old.id)
    account = Versions(shown_at=99)
    assert recovered(journal, account, clock) == 0  # type: ignore[arg-type]
    assert (account.looks, clock.waits) == (4, [2, 3, 5])
    assert journal.items() == [old]
    assert may_come_late(journal, clock()) == frozenset()


def test_a_version_of_an_item_that_is_gone_or_newer_changes_nothing(journal: Journal, clock: Clock) -> None:
    old = an_item(journal)
    (newer,) = journal.advance([replace(old, revision=9)])
    sent(journal, "version", "b.gif", VERSION, old.id)
    sent(journal, "version", "c.gif", VERSION, 4711)
    assert recovered(journal, Versions(), clock) == 0  # type: ignore[arg-type]
    assert journal.items() == [newer]


def test_while_the_account_is_away_everything_stays_in_doubt(journal: Journal, clock: Clock) -> None:
    number = sent(journal, "create", "a.gif", INTENT)

    class Away:
        def find(self, intents: Sequence[Intent]) -> Mapping[Intent, Entry]:
            raise Unavailable("no way")

    with pytest.raises(Unavailable):
        recover(journal, MemoryFolder(), Away(), clock.wait, clock)  # type: ignore[arg-type]
    assert [s.id for s in journal.unsettled()] == [number]
