"""Operations: rows that are planned, then sent, then gone. `journal` says what recovery may rely on."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from fluxsync.core.model import Intent, Item, Place
from fluxsync.errors import StateError
from fluxsync.state.connection import Broken, Database, from_sql, to_sql
from fluxsync.state.history import Event

__all__ = ["Planned", "Sent", "Settlement", "check", "end", "event_of", "mark_sent", "plan", "unsettled"]


@dataclass(frozen=True, slots=True)
class Planned:
    """An operation as the plan names it; `item_id` is 0 where the ancestor has no item yet."""

    action: str
    path: str
    key: str
    item_id: int
    why: str


@dataclass(frozen=True, slots=True)
class Sent:
    """An operation that may have left something behind."""

    id: int
    pass_number: int
    action: str
    path: str
    key: str
    item_id: int
    intent: Intent | None


@dataclass(frozen=True, slots=True)
class Settlement:
    """What became of an operation, and what both sides agree on since.

    `outcome` is done, stale, problem or dropped. An item with id 0 is a new row; `forget` is an item's id, 0
    for none. An operation that is done is always in the history: without `event`, one is made from its row.
    """

    operation_id: int
    outcome: str
    item: Item | None = None
    forget: int = 0
    also: tuple[Item, ...] = ()
    event: Event | None = None


def plan(cursor: sqlite3.Cursor, pass_number: int, operations: Sequence[Planned]) -> list[int]:
    """Write operations down as planned; returns their ids in order."""
    newest = cursor.execute("SELECT seq FROM sqlite_sequence WHERE name = 'operations'").fetchone()
    first = (newest[0] if newest else 0) + 1
    cursor.executemany(
        "INSERT INTO operations (id, pass, action, path, key, item_id, why, state)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, 'planned')",
        [
            (number, pass_number, row.action, to_sql(row.path), to_sql(row.key), row.item_id, to_sql(row.why))
            for number, row in enumerate(operations, first)
        ],
    )
    return list(range(first, first + len(operations)))


def mark_sent(cursor: sqlite3.Cursor, ids: Sequence[int], intents: Mapping[int, Intent]) -> None:
    """Mark operations as sent, raising StateError where one is not in the journal."""
    cursor.executemany(
        "UPDATE operations SET state = 'sent', intent = ? WHERE id = ?",
        [(_intent_text(intents.get(number)), number) for number in ids],
    )
    _expect(cursor, len(ids))


def event_of(cursor: sqlite3.Cursor, settlement: Settlement, now_s: float) -> Event | None:
    """Return the event of a settlement, made from the operation's row where it is done and brings none."""
    if settlement.event is not None or settlement.outcome != "done" or not settlement.operation_id:
        return settlement.event
    row = cursor.execute(
        "SELECT pass, action, path, key FROM operations WHERE id = ?", (settlement.operation_id,)
    ).fetchone()
    if row is None:
        return None
    key = (settlement.item.key if settlement.item else "") or from_sql(row[3])
    return Event(now_s, row[0], row[1], from_sql(row[2]), key, "done")


def end(cursor: sqlite3.Cursor, ids: Sequence[int]) -> None:
    """Remove the rows of settled operations, raising StateError where one is not in the journal."""
    if ids:
        cursor.executemany("DELETE FROM operations WHERE id = ?", [(number,) for number in ids])
        _expect(cursor, len(ids))


def check(database: Database) -> None:
    """Read what was sent, raising sqlite3.Error where that cannot be done."""
    _sent(database)


def unsettled(database: Database) -> list[Sent]:
    """Return what was sent and not settled, oldest first."""
    with database.translated():
        return _sent(database)


def _sent(database: Database) -> list[Sent]:
    rows = database.rows_untranslated(
        "SELECT id, pass, action, path, key, item_id, intent FROM operations WHERE state = 'sent' ORDER BY id"
    )
    return [
        Sent(number, pass_number, action, from_sql(path), from_sql(key), item_id, _intent(intent))
        for number, pass_number, action, path, key, item_id, intent in rows
    ]


def _expect(cursor: sqlite3.Cursor, count: int) -> None:
    if cursor.rowcount != count:
        missing = count - cursor.rowcount
        raise StateError(
            f"{missing} of {count} operations are not in the journal: run again, it looks afresh"
        )


def _intent_text(intent: Intent | None) -> str | None:
    if intent is None:
        return None
    place = intent.place
    return json.dumps(
        [place.folder, place.name, intent.size, intent.digest, intent.mark, intent.key, intent.revision]
    )


def _intent(text: Any) -> Intent | None:
    if text is None:
        return None
    try:
        folder, name, size, digest, mark, *version = json.loads(text)
        return Intent(Place(folder, name), size, digest, mark, *version)
    except (ValueError, TypeError) as error:
        raise Broken("what was sent cannot be read") from error
