"""Items: what both sides last agreed on, one row for each file or folder."""

from __future__ import annotations

import gc
import sqlite3
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

from fluxsync.core.model import Item, Kind, Stamp, State
from fluxsync.state.connection import Database, Value, from_sql, to_sql
from fluxsync.state.seal import check_seals, seal

__all__ = [
    "alike",
    "apply",
    "at",
    "check",
    "check_digests",
    "digests",
    "folders",
    "items",
    "looks",
    "remember_digests",
    "tally",
    "within",
]

_COLUMNS = (
    "id, kind, path, key, folder, name, revision, size, digest,"
    " stamp_size, stamp_mtime_ns, stamp_ctime_ns, stamp_inode, birth_ns, memo, state, made_here, odd, seal"
)
_SELECT = f"SELECT {_COLUMNS} FROM items ORDER BY id"
_SELECT_AT = f"SELECT {_COLUMNS} FROM items WHERE path = ? ORDER BY id"
#: "0" is the character after "/": the paths between are those below a folder.
_SELECT_BELOW = f"SELECT {_COLUMNS} FROM items WHERE path > ? || '/' AND path < ? || '0' ORDER BY id"
_SELECT_FOLDERS = f"SELECT {_COLUMNS} FROM items WHERE kind = 'folder' ORDER BY id"
_SELECT_LOOKS = (
    "SELECT path, kind = 'file', digest <> '' AND stamp_size IS NOT NULL,"
    " stamp_size, stamp_mtime_ns, stamp_ctime_ns, stamp_inode"
    " FROM items WHERE state IN ('agreed', 'kept-here') AND path <> ''"
)
_NO_FILE = (-1, -1, -1, -1)
_SELECT_INODE = f"SELECT {_COLUMNS} FROM items WHERE stamp_inode = ? ORDER BY id"
_SELECT_DIGEST = f"SELECT {_COLUMNS} FROM items WHERE digest = ? AND digest <> '' ORDER BY id LIMIT ?"
_UPSERT = (
    f"INSERT INTO items ({_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
    " ON CONFLICT (id) DO UPDATE SET "
    + ", ".join(f"{name} = excluded.{name}" for name in _COLUMNS.replace(" ", "").split(",")[1:])
)
_KINDS = {kind.value: kind for kind in Kind}
_STATES = {state.value: state for state in State}

Row = tuple[Any, ...]


def check(database: Database) -> list[Row]:
    """Read every row strictly, raising sqlite3.Error where one cannot be, or is not what was written.

    The rows are worth keeping.
    """
    with _uncollected():
        rows = database.rows_untranslated(_SELECT, strict=True)
        check_seals(rows, "items")
        return rows


def items(database: Database, rows: list[Row] | None = None) -> list[Item]:
    """Return the whole ancestor, oldest item first; `rows` are those of `check`, if they still hold."""
    with _uncollected():
        if rows is None:
            with database.translated():
                rows = check(database)
        return [_item(row) for row in rows]


def at(database: Database, path: str) -> list[Item]:
    """Return the items at one path; several where some of them are not agreed."""
    return _selected(database, _SELECT_AT, (to_sql(path),))


def within(database: Database, paths: Iterable[str]) -> list[Item]:
    """Return the items at these paths and below them."""
    found: dict[int, Item] = {}
    for path in paths:
        for sql, parameters in ((_SELECT_AT, (path,)), (_SELECT_BELOW, (path, path))):
            found.update((item.id, item) for item in _selected(database, sql, tuple(map(to_sql, parameters))))
    return list(found.values())


def folders(database: Database) -> list[Item]:
    """Return the items that are folders."""
    return _selected(database, _SELECT_FOLDERS, ())


def alike(database: Database, inodes: Iterable[int], contents: Iterable[str], most: int) -> list[Item]:
    """Return the items with one of these inodes or digests, at most `most` and one more for each digest."""
    found: dict[int, Item] = {}
    for inode in inodes:
        found.update((item.id, item) for item in _selected(database, _SELECT_INODE, (to_sql(inode),)))
    for digest in contents:
        found.update((item.id, item) for item in _selected(database, _SELECT_DIGEST, (digest, most + 1)))
    return list(found.values())


def looks(database: Database) -> dict[str, tuple[int, ...]]:
    """Return how each path looked that should be in the folder.

    A file's size, times and inode, a folder's inode; nothing for a folder whose inode is not known. What no
    file has stands for one whose look tells nothing.
    """
    found: dict[str, tuple[int, ...]] = {}
    with _uncollected():
        for path, is_file, is_known, *stamp in database.each(_SELECT_LOOKS):
            plain = path if isinstance(path, str) else from_sql(path)
            look = tuple(stamp) if is_file and is_known else _NO_FILE if is_file else tuple(stamp[3:])
            found[plain] = _NO_FILE if plain in found else look if look != (None,) else ()
    return found


def tally(database: Database) -> dict[tuple[Kind, State], tuple[int, int]]:
    """Return how many items there are of each kind and state, and their bytes."""
    rows = database.rows("SELECT kind, state, count(*), sum(size) FROM items GROUP BY kind, state")
    return {(_KINDS[kind], _STATES[state]): (count, size) for kind, state, count, size in rows}


def _selected(database: Database, sql: str, parameters: Sequence[Value]) -> list[Item]:
    with database.translated():
        rows = database.rows_untranslated(sql, parameters, strict=True)
        check_seals(rows, "items")
    return [_item(row) for row in rows]


@contextmanager
def _uncollected() -> Iterator[None]:
    """Pause the collector: rows and items are many, and none can be in a cycle for it to find."""
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()


def apply(cursor: sqlite3.Cursor, steps: Iterable[tuple[Sequence[Item], Sequence[int]]]) -> list[Item]:
    """Carry out steps of (items to write, ids to forget) in their order, inside a transaction.

    Returns the written items in their order, those that came with id 0 under their new ids.
    """
    newest = cursor.execute("SELECT seq FROM sqlite_sequence WHERE name = 'items'").fetchone()
    last_id: int = newest[0] if newest else 0
    written: list[Item] = []
    final: dict[int, Item | None] = {}
    for upserts, forget in steps:
        for item in upserts:
            if item.id == 0:
                last_id += 1
                item = replace(item, id=last_id)
            written.append(item)
            final[item.id] = item
        for item_id in forget:
            final[item_id] = None
    kept = [item for item in final.values() if item is not None]
    gone = [(item_id,) for item_id, item in final.items() if item is None]
    if gone:
        cursor.executemany("DELETE FROM items WHERE id = ?", gone)
    try:
        cursor.executemany(_UPSERT, [_row(item) for item in kept])
    except (UnicodeEncodeError, OverflowError):
        cursor.executemany(_UPSERT, [_odd_row(item) for item in kept])
    if kept and cursor.execute("SELECT EXISTS (SELECT 1 FROM digests)").fetchone()[0]:
        cursor.executemany(
            "DELETE FROM digests WHERE key = ? AND revision <= ?",
            [(to_sql(item.key), item.revision) for item in kept if item.kind is Kind.FILE],
        )
    if final:
        # Ids are never used again, even where the last one was written and forgotten in one transaction.
        cursor.execute("UPDATE sqlite_sequence SET seq = max(seq, ?) WHERE name = 'items'", (last_id,))
    return written


def digests(database: Database) -> dict[tuple[str, int], str]:
    """Return the digests that downloads have shown and no item holds yet, by remote key and revision."""
    with database.translated():
        rows = check_digests(database)
    return {(from_sql(key), revision): digest for key, revision, digest, _ in rows}


def check_digests(database: Database) -> list[Row]:
    """Read every row like `check`."""
    rows = database.rows_untranslated("SELECT key, revision, digest, seal FROM digests", strict=True)
    check_seals(rows, "digests")
    return rows


def remember_digests(cursor: sqlite3.Cursor, found: Mapping[tuple[str, int], str], now_s: float) -> None:
    """Keep digests until an item is written that has the key and that revision or a later one."""
    rows = [(to_sql(key), revision, digest) for (key, revision), digest in found.items()]
    cursor.executemany(
        "INSERT OR REPLACE INTO digests (key, revision, digest, seal, time) VALUES (?, ?, ?, ?, ?)",
        [(*row, seal(row), now_s) for row in rows],
    )


def _row(item: Item) -> tuple[Value, ...]:
    stamp = item.stamp
    evidence: tuple[int | None, ...] = (None, None, None, None, None)
    if stamp is not None:
        evidence = (stamp.size, stamp.mtime_ns, stamp.ctime_ns, stamp.inode, stamp.birth_ns)
    values = (
        item.id,
        item.kind.value,
        item.path,
        item.key,
        item.folder,
        item.name,
        item.revision,
        item.size,
        item.digest,
        *evidence,
        item.memo,
        item.state.value,
        int(item.made_here),
        0,
    )
    return (*values, seal(values))


def _odd_row(item: Item) -> tuple[Value, ...]:
    row = _row(item)
    safe = tuple(to_sql(value) for value in row)
    if safe == row:
        return row
    values = (*safe[:-2], 1)
    return (*values, seal(values))


def _item(row: Row) -> Item:
    if row[17]:
        row = _plain(row)
    return Item(
        row[0],
        _KINDS[row[1]],
        row[2],
        row[3],
        row[4],
        row[5],
        row[6],
        row[7],
        row[8],
        None if row[9] is None else Stamp(row[9], row[10], row[11], row[12], row[13]),
        row[14],
        _STATES[row[15]],
        row[16] == 1,
    )


def _plain(row: Row) -> Row:
    """Undo `to_sql`: columns 2 to 5, 8 and 14 are text, the other blobs are large integers."""
    return tuple(
        (from_sql(value) if column in (2, 3, 4, 5, 8, 14) else int(value))
        if isinstance(value, bytes)
        else value
        for column, value in enumerate(row)
    )
