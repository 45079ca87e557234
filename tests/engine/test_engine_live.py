"""The picture of a running service: what it says before, between and after passes."""

from __future__ import annotations

import pytest

from fluxsync.engine.live import Live
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
