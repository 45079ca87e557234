"""Since when something is known to be in a trash, on either side.

A row that is not what was written counts as none: what it was about begins to wait anew, and nothing is
deleted for good too early for a bit that flipped.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Mapping
from typing import Any

from fluxsync.core.model import Side
from fluxsync.state.connection import Database, from_sql, to_sql
from fluxsync.state.seal import seal

__all__ = ["first_seen", "set_first_seen"]

_SELECT = "SELECT key, seen, seal FROM seen_in_trash WHERE side = ?"


def first_seen(database: Database, side: Side) -> dict[str, float]:
    return _sound(database.rows(_SELECT, (side.value,)), side)


def set_first_seen(cursor: sqlite3.Cursor, side: Side, seen: Mapping[str, float]) -> None:
    """Replace what is known of one side; only what differs is written."""
    rows = cursor.execute(_SELECT, (side.value,)).fetchall()
    known = _sound(rows, side)
    cursor.executemany(
        "DELETE FROM seen_in_trash WHERE side = ? AND key = ?",
        [(side.value, key) for key, _, _ in rows if from_sql(key) not in seen],
    )
    cursor.executemany(
        "INSERT OR REPLACE INTO seen_in_trash (side, key, seen, seal) VALUES (?, ?, ?, ?)",
        [
            (side.value, to_sql(key), float(when), seal((side.value, to_sql(key), float(when))))
            for key, when in seen.items()
            if known.get(key) != when
        ],
    )


def _sound(rows: Iterable[tuple[Any, ...]], side: Side) -> dict[str, float]:
    return {from_sql(key): when for key, when, mark in rows if mark == seal((side.value, key, when))}
