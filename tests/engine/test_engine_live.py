"""The picture of a running service: what it says before, between and after passes."""

from __future__ import annotations

import pytest

from fluxsync.engine.live import Live
from fluxsync.engine.meter import Meter
from fluxsync.engine.report import Report, Result
from fluxsync.engine.status import State
from fluxsync.state.journal import Journal


@pytest.fixture
def journal() -> Journal:
    """A journal whose last pass ended in step."""
    made = Journal.in_memory()
    made.end_pass(made.begin_pass(0), "in-step", {})
    return made


def test_in_step_is_said_only_once_both_sides_were_looked_at(journal: Journal) -> None:
    """What an earlier run left is no knowledge of now, nor is a pass that could not go on."""
    live = Live(tuple)
    live.begin(journal)
    assert live.status().state is State.WAITING
    live.count(Report(stopped=Result.UNREACHABLE))
    assert live.status().state is State.WAITING
    live.count(Report())
    assert live.status().state is State.IN_STEP
    live.begin(journal)
    assert live.status().state is State.WAITING


def test_what_is_dirty_waits(journal: Journal) -> None:
    dirty = ["a.gif"]
    live = Live(lambda: tuple(dirty))
    live.begin(journal)
    live.count(Report())
    assert [row.path for row in live.status().waiting] == ["a.gif"]
    assert live.status().state is State.WAITING
    dirty.clear()
    assert live.status().state is State.IN_STEP


def test_trouble_and_pause_say_more_than_the_journal(journal: Journal) -> None:
    live = Live(tuple)
    live.begin(journal)
    live.count(Report())
    live.trouble(State.OFFLINE, "no route")
    assert (live.status().state, live.status().message) == (State.OFFLINE, "no route")
    live.paused(True)
    assert live.status().state is State.PAUSED
    live.paused(False)
    live.trouble()
    assert (live.status().state, live.status().message) == (State.IN_STEP, "")


def test_only_the_account_makes_a_pass_count_as_failed() -> None:
    """A pass that a pause or the end of the service broke off is no failure of the account."""
    live = Live(tuple)
    live.count(Report(stopped=Result.UNREACHABLE, interrupted=True))
    assert live.totals()["failed_passes"] == 0
    live.count(Report(stopped=Result.UNREACHABLE))
    assert (live.totals()["failed_passes"], live.totals()["passes"]) == (1, 2)


def test_what_changes_during_a_pass_waits_for_its_end(journal: Journal) -> None:
    """Until then nothing more is taken up, however quiet it is."""
    live = Live(lambda: ("a.gif",))
    live.begin(journal)
    live.working((Meter(),))
    assert [row.reason for row in live.status().waiting] == [
        "changed here; taken up when what is under way is done"
    ]
    live.working(())
    assert [row.reason for row in live.status().waiting] == ["changed here; taken up when it has been quiet"]
