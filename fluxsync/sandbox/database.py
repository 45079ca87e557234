"""SQLite behind one connection and one lock.

Every statement here takes tens of microseconds, so that threads gain nothing from connections of their own;
one lock makes each transaction whole without retries. The connection holds the file exclusively: a second
server on the same folder is refused instead of corrupting the first one's figures.
"""

import sqlite3
import threading
import unicodedata
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from fluxsync.sandbox import schema
from fluxsync.sandbox.errors import SandboxError

Parameters = Sequence[str | int | None]


def fold(text: str) -> str:
    """Bring text to the form in which searches compare it: case and composition do not count."""
    return unicodedata.normalize("NFC", text).casefold()


class Database:
    """The account's tables. All methods may be called from any thread."""

    def __init__(self, path: Path) -> None:
        """Open or create the file.

        Raises SandboxError where another server has it open.
        """
        self._lock = threading.RLock()
        self._connection = sqlite3.connect(path, timeout=0.2, isolation_level=None, check_same_thread=False)
        try:
            self._prepare()
        except sqlite3.DatabaseError as error:
            self.close()
            reason = "is in use by another sandbox" if "locked" in str(error) else f"is not usable ({error})"
            raise SandboxError(f"{path.parent} {reason}: choose another folder with --data") from error

    def _prepare(self) -> None:
        run = self._connection.execute
        run("PRAGMA locking_mode = EXCLUSIVE")
        run("PRAGMA journal_mode = WAL")
        # A killed server loses nothing with this. A power cut may cost the last changes: so be it here.
        run("PRAGMA synchronous = OFF")
        self._connection.create_function("fold", 1, fold, deterministic=True)
        self._connection.executescript(schema.TABLES)
        with self.transaction():
            for table, last_id in schema.LAST_IDS.items():
                known = self.value("SELECT 1 FROM sqlite_sequence WHERE name = ?", (table,))
                if known is None:
                    self.execute("INSERT INTO sqlite_sequence (name, seq) VALUES (?, ?)", (table, last_id))

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Make the statements inside one change, seen as a whole or not at all. Transactions do not nest."""
        with self._lock:
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                yield
            except BaseException:
                self._connection.execute("ROLLBACK")
                raise
            self._connection.execute("COMMIT")

    def execute(self, sql: str, parameters: Parameters = ()) -> int:
        """Run a statement and return the id of the row that it inserted."""
        with self._lock:
            return self._connection.execute(sql, parameters).lastrowid or 0

    def changed(self, sql: str, parameters: Parameters = ()) -> int:
        """Run a statement and return the number of rows that it changed."""
        with self._lock:
            return self._connection.execute(sql, parameters).rowcount

    def rows(self, sql: str, parameters: Parameters = ()) -> list[tuple[Any, ...]]:
        """Return all rows."""
        with self._lock:
            return self._connection.execute(sql, parameters).fetchall()

    def row(self, sql: str, parameters: Parameters = ()) -> tuple[Any, ...] | None:
        """Return the first row, or None."""
        rows = self.rows(sql, parameters)
        return rows[0] if rows else None

    def value(self, sql: str, parameters: Parameters = ()) -> Any:
        """Return the first column of the first row, or None."""
        row = self.row(sql, parameters)
        return row[0] if row else None

    def setting(self, name: str, default: str) -> str:
        """Return a setting, writing the default where it has none yet."""
        with self._lock:
            self.execute("INSERT OR IGNORE INTO settings (name, value) VALUES (?, ?)", (name, default))
            return str(self.value("SELECT value FROM settings WHERE name = ?", (name,)))

    def close(self) -> None:
        """Close the file. Calling it twice is fine."""
        with self._lock:
            self._connection.close()
