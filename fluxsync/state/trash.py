"""Since when something is known to be in a trash, on either side."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping

from fluxsync.core.model import Side
from fluxsync.state.connection import Database, from_sql, to_sql

__all__ = ["first_seen", "set_first_seen"]


def first_seen(database: Database, side: Side) -> dict[str, float]:
    rows = database.rows("SELECT key, seen FROM seen_in_trash WHERE side = ?", (side.value,))
    return {from_sql(key): seen for key, seen in rows}


def set_first_seen(cursor: sqlite3.Cursor, side: Side, seen: Mapping[str, float]) -> None:
    """Replace what is known of one side; only what differs is written."""
    rows = cursor.execute("SELECT key, seen FROM seen_in_trash WHERE side = ?", (side.value,))
    known = {from_sql(key): when for key, when in rows}
    cursor.executemany(
        "DELETE FROM seen_in_trash WHERE side = ? AND key = ?",
        [(side.value, to_sql(key)) for key in known.keys() - seen.keys()],
    )
    cursor.executemany(
        "INSERT OR REPLACE INTO seen_in_trash (side, key, seen) VALUES (?, ?, ?)",
        [(side.value, to_sql(key), when) for key, when in seen.items() if known.get(key) != when],
    )
