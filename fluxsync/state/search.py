"""Events of the history by path, date, action, pass or a part of what they say."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from fluxsync.core.paths import nfc
from fluxsync.state.connection import Database, Value, placeholders, to_sql
from fluxsync.state.history import COLUMNS, Event, event_of

__all__ = ["Search", "events"]


@dataclass(frozen=True, slots=True)
class Search:
    """Which events are wanted: those that meet all of this. Times are seconds since 1970."""

    #: It, and everything below it; None or "": everything.
    path: str | None = None
    actions: Collection[str] = ()
    #: From this time on, and before that one.
    since_s: float | None = None
    until_s: float | None = None
    pass_number: int | None = None
    #: What is in the path or the detail, in letters of either case.
    text: str = ""


def events(database: Database, search: Search, limit: int) -> list[Event]:
    """Return events, newest first."""
    where: list[str] = []
    parameters: list[Value] = []

    def add(condition: str, *values: Value) -> None:
        where.append(condition)
        parameters.extend(values)

    if search.path:
        # "0" follows "/" in every encoding: the range holds exactly what is below the path. Blobs sort
        # apart from text, so names that are no Unicode have a range of their own.
        start, end = f"{search.path}/", f"{search.path}0"
        texts = to_sql(search.path), to_sql(start), to_sql(end)
        add(
            "(path = ? OR (path >= ? AND path < ?) OR (path >= ? AND path < ?))",
            *texts,
            _blob(start),
            _blob(end),
        )
    if search.actions:
        names = sorted(search.actions)
        add(f"action IN ({placeholders(names)})", *names)
    if search.since_s is not None:
        add("time >= ?", search.since_s)
    if search.until_s is not None:
        add("time < ?", search.until_s)
    if search.pass_number is not None:
        add("pass = ?", search.pass_number)
    if search.text:
        database.connection.create_function("says", 2, _says, deterministic=True)
        wanted = _folded(search.text)
        add("(says(path, ?) OR says(detail, ?))", wanted, wanted)
    condition = f"WHERE {' AND '.join(where)}" if where else ""
    # Both orders are newest first; each is that of an index, so that no more is read than shown.
    timed = search.since_s is not None or search.until_s is not None
    order = "time DESC, id DESC" if timed else "id DESC"
    rows = database.rows(
        f"SELECT {COLUMNS} FROM history {condition} ORDER BY {order} LIMIT ?", (*parameters, limit)
    )
    return [event_of(row) for row in rows]


def _says(value: object, wanted: str) -> bool:
    """Tell whether a text of the journal holds this one, as far as it is Unicode."""
    text = value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)
    return wanted in _folded(text)


def _folded(text: str) -> str:
    return nfc(nfc(text).casefold())


def _blob(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")
