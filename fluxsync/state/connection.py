"""One SQLite connection: short transactions, plain rows, and SQLite's exceptions translated, here only.

no room left               -> Full
locked by somebody else    -> StateError, after a short wait
everything else            -> StateError, one line with the file's name
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from fluxsync.errors import Full, StateError

__all__ = [
    "CURE",
    "Broken",
    "Database",
    "Value",
    "from_sql",
    "is_damage",
    "one_line",
    "placeholders",
    "to_sql",
    "translate",
]

Value = str | bytes | int | float | None

#: What helps where the system lets us not at the file.
CURE = "give your user the right to write it and its folder, or set [journal] path to another place"
#: Bytes without which SQLite can do nothing.
_LEAST_ROOM = 1 << 16


class Broken(sqlite3.DatabaseError):
    """A row is not what was written, though SQLite could read it."""


def to_sql(value: Value) -> Value:
    """Return the value in a form that SQLite takes: what it has no type for becomes a blob."""
    if isinstance(value, str):
        if not value.isascii():
            try:
                value.encode()
            except UnicodeEncodeError:
                return value.encode("utf-8", "surrogatepass")
    elif isinstance(value, int) and not -(1 << 63) <= value < 1 << 63:
        return str(value).encode()
    return value


def from_sql(value: Any) -> str:
    """Return the text that `to_sql` was given."""
    return value.decode("utf-8", "surrogatepass") if isinstance(value, bytes) else str(value)


class Database:
    """A connection for one thread; `set_aside` says in one line why a damaged file was renamed."""

    def __init__(self, connection: sqlite3.Connection, name: str, set_aside: str | None = None) -> None:
        self.connection = connection
        self.name = name
        self.set_aside = set_aside
        self._flushing: bool | None = None
        #: Called once it is closed.
        self.after_close: Callable[[], None] | None = None
        # Whatever is only shown must be readable even where a byte of it is not; items are read strictly.
        connection.text_factory = _lenient

    @contextmanager
    def transaction(self, *, flush: bool) -> Iterator[sqlite3.Cursor]:
        """Write in one transaction: all of it, or nothing when anything is raised.

        With `flush` it is on the disk when this returns; a flushed transaction also flushes all before it.
        """
        try:
            if flush != self._flushing:
                self.connection.execute(f"PRAGMA synchronous = {'FULL' if flush else 'NORMAL'}")
                self._flushing = flush
            self.connection.execute("BEGIN IMMEDIATE")
            try:
                yield self.connection.cursor()
                self.connection.execute("COMMIT")
            except BaseException:
                # A full disk may have rolled back by itself.
                if self.connection.in_transaction:
                    self.connection.execute("ROLLBACK")
                raise
        except sqlite3.Error as error:
            raise translate(error, self.name) from error

    @contextmanager
    def translated(self) -> Iterator[None]:
        """Say in one line what SQLite complains about."""
        try:
            yield
        except sqlite3.Error as error:
            raise translate(error, self.name) from error

    def rows(self, sql: str, parameters: Sequence[Value] = (), *, strict: bool = False) -> list[Any]:
        """Return all rows of a query; with `strict`, text that is no UTF-8 is an error."""
        with self.translated():
            return self.rows_untranslated(sql, parameters, strict=strict)

    def each(self, sql: str) -> Iterator[Any]:
        """Yield the rows of a query, to be read to its end at once."""
        with self.translated():
            yield from self.connection.execute(sql)

    def rows_untranslated(
        self, sql: str, parameters: Sequence[Value] = (), *, strict: bool = False
    ) -> list[Any]:
        """Return all rows like `rows`, but leave SQLite's errors as they are: for checks while opening."""
        if not strict:
            return self.connection.execute(sql, parameters).fetchall()
        self.connection.text_factory = str
        try:
            return self.connection.execute(sql, parameters).fetchall()
        finally:
            self.connection.text_factory = _lenient

    def close(self) -> None:
        """Close; the write-ahead log is folded into the file."""
        try:
            self.connection.close()
        except sqlite3.Error as error:
            raise translate(error, self.name) from error
        if self.after_close is not None:
            self.after_close()


def _lenient(raw: bytes) -> str:
    return raw.decode("utf-8", "replace")


def is_damage(error: sqlite3.Error) -> bool:
    if isinstance(error, Broken):
        return True
    code = getattr(error, "sqlite_errorcode", None)
    if code is None:
        # The module's own complaint about text that is no UTF-8 carries no code.
        return isinstance(error, sqlite3.OperationalError)
    return code & 0xFF in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_ERROR)


def translate(error: sqlite3.Error, name: str) -> StateError | Full:
    """Say in one line what SQLite complains about."""
    code = getattr(error, "sqlite_errorcode", 0) & 0xFF
    # Where there is no room for the index of its log, SQLite speaks of a disk error.
    if code == sqlite3.SQLITE_FULL or (code == sqlite3.SQLITE_IOERR and _lacks_room(name)):
        return Full(f"no room left on the disk of journal {name}: make room, then run again", here=True)
    if code in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
        return StateError(f"journal {name} is in use by another program: end that one, then run again")
    if is_damage(error):
        return StateError(
            f"journal {name} is damaged ({one_line(error)}): `fluxsync --once` sets it aside and merges"
        )
    if code in (sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_PERM):
        return StateError(f"journal {name} cannot be used ({one_line(error)}): {CURE}")
    return StateError(f"journal {name} cannot be used: {one_line(error)}")


def _lacks_room(name: str) -> bool:
    try:
        room = os.statvfs(os.path.dirname(name))
    except OSError:
        return False
    return room.f_bavail * room.f_frsize < _LEAST_ROOM


def one_line(error: BaseException) -> str:
    return " ".join(str(error).split())


def placeholders(values: Iterable[object]) -> str:
    """Return the question marks of an SQL list."""
    return ", ".join("?" for _ in values)
