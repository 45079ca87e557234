"""The history is searched by path, date, action, pass and what it says; all of it has to be met."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import Any

import pytest

from fluxsync.state.journal import Event, Journal
from fluxsync.state.search import Search

EVENTS = [
    Event(100.0, 1, "create", "A/one.gif", "1", "done", "new here"),
    Event(200.0, 1, "create", "A/Übersicht.gif", "2", "done", "new here"),
    Event(300.0, 2, "version", "A/one.gif", "1", "done", "edited here"),
    Event(400.0, 2, "move-remote", "B/two.gif", "1", "done", "moved here; it was A/one.gif"),
    Event(500.0, 3, "trash-remote", "B/two.gif", "1", "problem", "refused"),
    Event(600.0, 4, "create", "A\udcff/odd.gif", "3", "done", "new here"),
]


@pytest.fixture
def journal(tmp_path: Path) -> Any:
    journal = Journal.open(tmp_path / "journal.sqlite", clock=lambda: 700.0)
    journal.record(EVENTS)
    yield journal
    journal.close()


@pytest.mark.parametrize(
    ("search", "times"),
    [
        (Search(), [600, 500, 400, 300, 200, 100]),
        (Search(path="A"), [300, 200, 100]),
        (Search(path="A\udcff"), [600]),
        (Search(actions=("create",)), [600, 200, 100]),
        (Search(actions=("create", "version")), [600, 300, 200, 100]),
        (Search(since_s=300.0), [600, 500, 400, 300]),
        (Search(until_s=300.0), [200, 100]),
        (Search(since_s=200.0, until_s=400.0), [300, 200]),
        (Search(pass_number=2), [400, 300]),
        (Search(text="one.gif"), [400, 300, 100]),
        (Search(text="übersicht"), [200]),
        (Search(text="ÜBERSICHT"), [200]),
        (Search(text="REFUSED"), [500]),
        (Search(text="odd"), [600]),
        (Search(text="%"), []),
        (Search("A", ("create",), 150.0, 250.0, 1, "GIF"), [200]),
        (Search("A", ("create",), 150.0, 250.0, 2, "GIF"), []),
    ],
    ids=str,
)
def test_only_what_meets_all_of_it_is_found_newest_first(
    journal: Journal, search: Search, times: list[int]
) -> None:
    assert [int(event.time) for event in journal.search(search)] == times
    assert [int(event.time) for event in journal.search(search, 2)] == times[:2]


@pytest.mark.parametrize(
    "search",
    [
        Search(path="A"),
        Search(since_s=1.0),
        Search(until_s=1.0),
        Search(pass_number=1),
        Search("A", ("create",), 1.0),
    ],
    ids=str,
)
def test_a_search_reads_no_more_than_it_has_to(
    journal: Journal, search: Search, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []
    connection: sqlite3.Connection = journal._database.connection
    connection.set_trace_callback(asked.append)
    journal.search(search)
    connection.set_trace_callback(None)
    (query,) = [text for text in asked if "FROM history" in text]
    plan = " ".join(str(row[3]) for row in connection.execute(f"EXPLAIN QUERY PLAN {query}"))
    assert "USING INDEX history_" in plan
    assert "SCAN" not in plan
