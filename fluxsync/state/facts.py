"""Facts: what is noted under a name, such as the root's id or the account."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping

from fluxsync.state.connection import Database, from_sql, to_sql
from fluxsync.state.seal import check_seals, seal

__all__ = ["check", "claim", "count_up", "note", "read"]


def check(database: Database) -> None:
    """Read every fact, raising sqlite3.Error where one cannot be, or is not what was written."""
    rows = database.rows_untranslated("SELECT name, value, seal FROM facts", strict=True)
    check_seals(rows, "facts")


def read(database: Database, name: str) -> str | None:
    rows = database.rows("SELECT value FROM facts WHERE name = ?", (name,))
    return from_sql(rows[0][0]) if rows else None


def note(cursor: sqlite3.Cursor, facts: Mapping[str, str | None]) -> None:
    """Write facts; None takes one away."""
    for name, text in facts.items():
        if text is None:
            cursor.execute("DELETE FROM facts WHERE name = ?", (name,))
        else:
            value = to_sql(text)
            cursor.execute(
                "INSERT OR REPLACE INTO facts (name, value, seal) VALUES (?, ?, ?)",
                (name, value, seal((name, value))),
            )


def count_up(cursor: sqlite3.Cursor, name: str) -> int:
    """Raise a fact that is a number by one, and return it."""
    row = cursor.execute("SELECT value FROM facts WHERE name = ?", (name,)).fetchone()
    number = int(row[0]) + 1 if row is not None else 1
    note(cursor, {name: str(number)})
    return number


def claim(cursor: sqlite3.Cursor, name: str, text: str) -> str:
    """Write a fact unless there is one, and return what holds now."""
    row = cursor.execute("SELECT value FROM facts WHERE name = ?", (name,)).fetchone()
    if row is not None:
        return from_sql(row[0])
    note(cursor, {name: text})
    return text
