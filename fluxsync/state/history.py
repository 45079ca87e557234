"""Events and passes: what was done and when, for people and for the limits on deletions, moves and edits."""

from __future__ import annotations

import json
import sqlite3
from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from fluxsync.state import facts
from fluxsync.state.connection import Database, from_sql, placeholders, to_sql

__all__ = [
    "COLUMNS",
    "KEEP_S",
    "Event",
    "PassRow",
    "begin_pass",
    "end_pass",
    "event_of",
    "last_in_step",
    "last_pass",
    "last_sent",
    "most_tracked",
    "prune",
    "recent",
    "record",
    "takings",
    "touched",
]

#: Seconds that events are kept: 400 days.
KEEP_S = 400 * 86_400.0
#: Seconds that a pass without any event is kept, and an unused digest: a service makes one each minute.
_KEEP_QUIET_S = 2 * 86_400.0
_KEEP_DIGESTS_S = 30 * 86_400.0
#: Names in one query.
_AT_ONCE = 500
COLUMNS = "time, pass, action, path, asset_id, outcome, detail, bytes, approved, cause"


@dataclass(frozen=True, slots=True)
class Event:
    """One thing that was done, or tried, at one path; `time` is seconds since 1970."""

    time: float
    pass_number: int
    action: str
    path: str
    asset_id: str
    outcome: str
    detail: str = ""
    bytes: int = 0
    #: It does not count against a limit: a person approved it, or it is of no limited kind.
    approved: bool = False
    #: What on the account caused it, where a limit counts by cause; several in lines of their own.
    cause: str = ""


@dataclass(frozen=True, slots=True)
class PassRow:
    """One pass; `ended` is None and `result` empty while it runs, or if it was cut short."""

    number: int
    started: float
    ended: float | None
    tracked: int
    result: str
    counts: Mapping[str, int | float]
    #: What stopped it, in one line; empty where nothing did.
    message: str = ""


def begin_pass(cursor: sqlite3.Cursor, tracked: int, now_s: float) -> int:
    cursor.execute(
        "INSERT INTO passes (started, tracked, result, counts) VALUES (?, ?, '', '{}')", (now_s, tracked)
    )
    return int(cursor.lastrowid or 0)


def end_pass(
    cursor: sqlite3.Cursor,
    number: int,
    result: str,
    counts: Mapping[str, int | float],
    message: str,
    now_s: float,
) -> None:
    cursor.execute(
        "UPDATE passes SET ended = ?, result = ?, counts = ?, message = ? WHERE number = ?",
        (now_s, result, json.dumps(dict(counts)), to_sql(message), number),
    )


def record(cursor: sqlite3.Cursor, events: Iterable[Event]) -> None:
    """Write events, inside a transaction."""
    cursor.executemany(
        f"INSERT INTO history ({COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        [
            (
                event.time,
                event.pass_number,
                event.action,
                to_sql(event.path),
                to_sql(event.asset_id),
                event.outcome,
                to_sql(event.detail),
                to_sql(event.bytes),
                event.approved,
                to_sql(event.cause),
            )
            for event in events
        ],
    )


def prune(cursor: sqlite3.Cursor, now_s: float) -> None:
    """Drop what is older than `KEEP_S`, and the passes of some days ago in which nothing happened.

    Once a day is enough, and it looks only then. The last pass that ended in step stays.
    """
    pruned = cursor.execute("SELECT value FROM facts WHERE name = 'pruned'").fetchone()
    if pruned is not None and float(pruned[0]) <= now_s < float(pruned[0]) + 86_400:
        return
    cursor.execute("DELETE FROM history WHERE time < ?", (now_s - KEEP_S,))
    cursor.execute(
        "DELETE FROM passes WHERE started < ?"
        " AND NOT EXISTS (SELECT 1 FROM history WHERE history.pass = passes.number)"
        " AND number IS NOT (SELECT max(number) FROM passes WHERE result = 'in-step')",
        (now_s - _KEEP_QUIET_S,),
    )
    cursor.execute("DELETE FROM digests WHERE time < ?", (now_s - _KEEP_DIGESTS_S,))
    facts.note(cursor, {"pruned": repr(now_s)})


def recent(database: Database, actions: Collection[str], since_s: float) -> dict[str, int]:
    """Count by cause what was done of these kinds after that time, without what a person approved.

    An event with several causes counts for each of them; one without any counts for "".
    """
    names = sorted(actions)
    rows = database.rows(
        "SELECT cause, count(*) FROM history WHERE time > ? AND outcome = 'done' AND NOT approved"
        f" AND action IN ({placeholders(names)}) GROUP BY cause",
        (since_s, *names),
    )
    counted: Counter[str] = Counter()
    for text, number in rows:
        for cause in from_sql(text).split("\n"):
            counted[cause] += number
    return dict(counted)


def touched(database: Database, actions: Collection[str], since_s: float) -> frozenset[str]:
    """Return the assets to which that was done after that time for no cause, without what was approved."""
    names = sorted(actions)
    rows = database.rows(
        "SELECT DISTINCT asset_id FROM history WHERE time > ? AND outcome = 'done' AND NOT approved"
        f" AND cause = '' AND action IN ({placeholders(names)})",
        (since_s, *names),
    )
    return frozenset(from_sql(key) for (key,) in rows)


def last_sent(database: Database, keys: Collection[str], since_s: float) -> dict[str, float]:
    """Return when content was last sent to these assets after that time, by key; others are missing."""
    found: dict[str, float] = {}
    names = sorted(keys)
    for start in range(0, len(names), _AT_ONCE):
        some = list(map(to_sql, names[start : start + _AT_ONCE]))
        rows = database.rows(
            "SELECT asset_id, max(time) FROM history WHERE time > ? AND outcome = 'done'"
            f" AND action IN ('create', 'version') AND asset_id IN ({placeholders(some)}) GROUP BY asset_id",
            (since_s, *some),
        )
        found |= {from_sql(key): float(time) for key, time in rows}
    return found


def most_tracked(database: Database, since_s: float, now: int) -> int:
    """Return the most that was tracked by any pass begun since then, and by this one (`now`)."""
    rows = database.rows("SELECT max(tracked) FROM passes WHERE started >= ?", (since_s,))
    return max(now, rows[0][0] or 0)


def takings(database: Database) -> list[Event]:
    """Return the events by which something came into a trash, oldest first."""
    rows = database.rows(
        f"SELECT {COLUMNS} FROM history WHERE outcome = 'done'"
        " AND action IN ('trash-local', 'trash-remote', 'download', 'version', 'conflict') ORDER BY id"
    )
    return [event_of(row) for row in rows]


def last_pass(database: Database) -> PassRow | None:
    rows = database.rows(
        "SELECT number, started, ended, tracked, result, counts, message FROM passes"
        " ORDER BY number DESC LIMIT 1"
    )
    if not rows:
        return None
    number, started, ended, tracked, result, counts, message = rows[0]
    try:
        known = json.loads(counts)
    except ValueError:
        known = {}
    known = known if isinstance(known, dict) else {}
    return PassRow(number, started, ended, tracked, result, known, from_sql(message))


def last_in_step(database: Database) -> float | None:
    """Return when a pass last ended with both sides in step, in seconds since 1970."""
    rows = database.rows(
        "SELECT ended FROM passes WHERE result = 'in-step' AND ended IS NOT NULL ORDER BY number DESC LIMIT 1"
    )
    return float(rows[0][0]) if rows else None


def event_of(row: tuple[Any, ...]) -> Event:
    """Return the event that a row with these columns is."""
    time, number, action, path, key, outcome, detail, count, approved, cause = row
    texts = from_sql(path), from_sql(key), outcome, from_sql(detail)
    return Event(time, number, action, *texts, int(count), approved == 1, from_sql(cause))
