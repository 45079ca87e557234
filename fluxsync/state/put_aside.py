"""What failed again and again, until it succeeds or changes."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence

from fluxsync.core.put_aside import PutAside
from fluxsync.state.connection import Database, from_sql, to_sql

__all__ = ["put_aside", "set_put_aside"]


def put_aside(database: Database) -> list[PutAside]:
    """Return all of it, by path."""
    rows = database.rows("SELECT path, evidence, reason, tries, since, next_try FROM put_aside ORDER BY path")
    return [
        PutAside(from_sql(path), from_sql(evidence), from_sql(reason), tries, since, next_try)
        for path, evidence, reason, tries, since, next_try in rows
    ]


def set_put_aside(cursor: sqlite3.Cursor, rows: Sequence[PutAside]) -> None:
    """Replace all of it."""
    cursor.execute("DELETE FROM put_aside")
    cursor.executemany(
        "INSERT OR REPLACE INTO put_aside (path, evidence, reason, tries, since, next_try)"
        " VALUES (?, ?, ?, ?, ?, ?)",
        [(to_sql(r.path), to_sql(r.evidence), to_sql(r.reason), r.tries, r.since, r.next_try) for r in rows],
    )
