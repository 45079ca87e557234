"""What SQLite's own check cannot see: a value that is another than was written."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest
from test_state_database import an_item

from fluxsync.core.model import Intent, Place
from fluxsync.errors import StateError
from fluxsync.state.journal import Journal, Planned

ITEM_VALUES = {
    "id": 99,
    "kind": "folder",
    "path": "Clients/Acme/fime 1.jpg",
    "key": "1002",
    "folder": "6",
    "name": "fime 1.jpg",
    "revision": 3,
    "size": 11,
    "digest": "a" * 64,
    "stamp_size": 11,
    "stamp_mtime_ns": 5,
    "stamp_ctime_ns": 6,
    "stamp_inode": 7,
    "birth_ns": 8,
    "memo": "7 9|2026-11-23",
    "state": "trashed",
    "made_here": 1,
    "seal": 0,
}


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "journal.sqlite"
    journal = Journal.open(path)
    journal.set_facts({"root_id": "abc"})
    journal.advance([an_item(1)])
    journal.remember_digests({("5", 2): "b" * 64})
    number = journal.begin_pass(1)
    (sent,) = journal.plan(number, [Planned("create", "new", "", 0, "new here")])
    journal.mark_sent([sent], {sent: Intent(Place("7", "new"), 5, "c" * 64, "9 1")})
    journal.close()
    return path


def alter(path: Path, table: str, column: str, value: object) -> None:
    connection = sqlite3.connect(path)
    with connection:
        connection.execute(f"UPDATE {table} SET {column} = ?", (value,))
    assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
    connection.close()


@pytest.mark.parametrize(
    ("table", "column", "value"),
    [
        *[("items", column, value) for column, value in ITEM_VALUES.items()],
        ("facts", "value", "abd"),
        ("digests", "digest", "d" * 64),
        ("digests", "revision", 3),
        ("operations", "intent", '["7", "new", 5'),
        ("operations", "intent", '["7", "new"]'),
        ("operations", "intent", "7"),
    ],
)
def test_a_value_that_was_not_written_is_damage(path: Path, table: str, column: str, value: object) -> None:
    alter(path, table, column, value)
    journal = Journal.open(path)
    assert journal.set_aside is not None
    assert "damaged" in journal.set_aside
    assert journal.items() == []
    journal.close()


def test_damage_that_comes_while_the_journal_is_open_is_seen_by_the_next_read(path: Path) -> None:
    journal = Journal.open(path)
    journal.items()
    alter(path, "items", "key", "1002")
    with pytest.raises(StateError, match=r"damaged.*`fluxsync --once` sets it aside"):
        journal.items()
    journal.close()


def test_a_reader_is_told_of_damage_and_changes_nothing(path: Path) -> None:
    alter(path, "items", "key", "1002")
    before = path.read_bytes()
    beside = Journal.peek(path)
    assert beside is not None
    with pytest.raises(StateError, match="damaged"):
        beside.items()
    beside.close()
    assert path.read_bytes() == before
