"""The journal's file: made, checked, set aside where it is damaged, brought to the present schema."""

from __future__ import annotations

import os
import sqlite3
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

from fluxsync.errors import StateError
from fluxsync.state.connection import CURE, Database, is_damage, one_line, translate

__all__ = ["APPLICATION_ID", "SCHEMA", "open_in_memory", "open_to_read", "open_to_write"]

#: Marks the file as ours: "flux" in ASCII.
APPLICATION_ID = 0x666C7578
#: The newest migration in `schema`.
SCHEMA = 3
#: A larger number in the header is damage, not a fluxsync of the far future.
_LARGEST_SCHEMA = 999
#: Seconds to wait for another process that writes.
_BUSY_S = 2.0
_TABLES = {
    "facts",
    "items",
    "digests",
    "operations",
    "passes",
    "history",
    "problems",
    "held",
    "conflicts",
    "put_aside",
    "seen_in_trash",
}


class _Damaged(Exception):
    """The file is no journal that can be trusted; carries the reason."""


class _Newer(StateError):
    """The file is sound, but this fluxsync cannot read it."""


def open_to_write(
    path: Path,
    *,
    check: Callable[[Database], None],
    clock: Callable[[], float] = time.time,
    replace_newer: bool = False,
) -> Database:
    """Open for writing, making file (0600) and folders (0700) where there are none.

    `check` reads what must be readable; what SQLite cannot read for it counts as damage. A damaged file
    is renamed, together with its log, and an empty one takes its place: the next pass merges. With
    `replace_newer` the same is done with one of a newer schema.
    Raises StateError for a file that is locked, of a newer schema, not ours, or not permitted; Full.
    """
    set_aside = None
    _make_folder(path.parent, str(path))
    for last_try in (False, True):
        try:
            return _open_sound(path, set_aside, check)
        except _Damaged as damage:
            if last_try:
                raise StateError(f"journal {path} cannot be written: {damage}") from damage
            kept = _rename_away(path, "damaged", clock())
            set_aside = f"the journal was damaged ({damage}); it is kept as {kept}"
        except _Newer:
            if not replace_newer or last_try:
                raise
            kept = _rename_away(path, "newer", clock())
            set_aside = f"the journal was written by a newer fluxsync; it is kept as {kept}"
    raise AssertionError("unreachable")


def _open_sound(path: Path, set_aside: str | None, check: Callable[[Database], None]) -> Database:
    try:
        os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))
        os.chmod(path, 0o600)
    except OSError as error:
        raise StateError(f"journal {path} cannot be opened ({error.strerror}): {CURE}") from error
    connection: sqlite3.Connection | None = None
    try:
        connection = sqlite3.connect(path, timeout=_BUSY_S, isolation_level=None)
        database = Database(connection, str(path), set_aside)
        _prepare(database)
        check(database)
        return database
    except BaseException as error:
        if connection is not None:
            connection.close()
        if isinstance(error, sqlite3.Error):
            if is_damage(error):
                raise _Damaged(one_line(error)) from error
            raise translate(error, str(path)) from error
        raise


def open_to_read(path: Path) -> Database | None:
    """Open for reading beside a running service, or return None where there is no journal.

    An older schema is brought forward in a copy in memory. Raises StateError where it cannot be read.
    """
    try:
        if path.stat().st_size == 0 and not path.with_name(path.name + "-wal").exists():
            return None
    except FileNotFoundError:
        return None
    except OSError as error:
        raise StateError(f"journal {path} cannot be read: {error.strerror}") from error
    uri = path.absolute().as_uri() + "?mode=ro"
    had_log = path.with_name(path.name + "-wal").exists()
    try:
        try:
            connection = _connect_reading(uri)
        except sqlite3.OperationalError as error:
            # A journal in a folder that is not writable has no place for SQLite's shared memory.
            if error.sqlite_errorcode & 0xFF not in (sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_READONLY):
                raise
            connection = _connect_reading(uri + "&immutable=1")
        try:
            database = Database(connection, str(path))
            if not had_log:
                database.after_close = partial(_remove_empty_log, str(path))
            version = _schema_of(database)
            if version == 0:
                database.close()
                return None
            if version < SCHEMA:
                copy = Database(sqlite3.connect(":memory:", isolation_level=None), str(path))
                connection.backup(copy.connection)
                database.close()
                _migrate(copy)
                return copy
            return database
        except BaseException:
            connection.close()
            raise
    except _Damaged as damage:
        raise StateError(
            f"journal {path} is damaged ({damage}); the next pass sets it aside and merges"
        ) from damage
    except sqlite3.Error as error:
        raise translate(error, str(path)) from error


def open_in_memory() -> Database:
    """Make an empty one that nobody keeps."""
    database = Database(sqlite3.connect(":memory:", isolation_level=None), "in memory")
    _migrate(database)
    return database


def _prepare(database: Database) -> None:
    """Check and migrate a file that was just opened for writing."""
    connection = database.connection
    version = _schema_of(database)
    if version:
        faults = database.rows_untranslated("PRAGMA integrity_check(1)")
        if faults != [("ok",)]:
            raise _Damaged(str(faults[0][0]).splitlines()[-1] if faults else "no answer from the check")
    connection.execute("PRAGMA journal_mode = WAL")
    # On macOS an ordinary flush stops in the disk's own memory.
    connection.execute("PRAGMA fullfsync = ON")
    connection.execute("PRAGMA journal_size_limit = 16777216")
    if version < SCHEMA:
        if version:
            _copy(database, f"{database.name}.before-{SCHEMA}")
        _migrate(database)


def _schema_of(database: Database) -> int:
    """Return the schema's number, 0 for an empty file."""
    master = database.rows_untranslated("SELECT name FROM sqlite_master WHERE type = 'table'")
    tables = {name for (name,) in master}
    # The migrations' own table comes first: alone, it is what a kill while the file was made has left.
    if tables <= {"_sqlite_migrations", "sqlite_sequence"}:
        return 0
    (version,) = database.rows_untranslated("PRAGMA user_version")[0]
    (application,) = database.rows_untranslated("PRAGMA application_id")[0]
    if not tables & _TABLES:
        if application == APPLICATION_ID:
            raise _Damaged("its tables are gone")
        raise StateError(f"{database.name} is a database of another program: set [journal] path to another")
    if application != APPLICATION_ID or not 1 <= version <= _LARGEST_SCHEMA:
        raise _Damaged("its header is overwritten")
    if version > SCHEMA:
        raise _Newer(
            f"journal {database.name} was written by a newer fluxsync: upgrade, or `fluxsync rebuild`"
        )
    return int(version)


def _migrate(database: Database) -> None:
    from sqlite_utils import Database as SqliteUtils

    from fluxsync.state.schema import migrations

    with database.transaction(flush=True) as cursor:
        cursor.execute(f"PRAGMA application_id = {APPLICATION_ID}")
    migrations.apply(SqliteUtils(database.connection, execute_plugins=False))


def _connect_reading(uri: str) -> sqlite3.Connection:
    connection = sqlite3.connect(uri, uri=True, timeout=_BUSY_S, isolation_level=None)
    try:
        connection.execute("SELECT 1 FROM sqlite_master LIMIT 1").fetchall()
    except BaseException:
        connection.close()
        raise
    return connection


def _remove_empty_log(name: str) -> None:
    """Take away the empty log that reading has made: the last one that may write does so when it closes."""
    try:
        connection = sqlite3.connect(name, timeout=0, isolation_level=None)
        try:
            connection.execute("SELECT 1 FROM sqlite_master LIMIT 1").fetchall()
        finally:
            connection.close()
    except sqlite3.Error:
        pass  # an empty log does no harm


def _copy(database: Database, target: str) -> None:
    """Copy the file as it is, log included, for the owner's eyes only."""
    try:
        os.close(os.open(target, os.O_RDWR | os.O_CREAT | os.O_TRUNC, 0o600))
    except OSError as error:
        raise StateError(f"the copy {target} cannot be made: {error.strerror}") from error
    copy = sqlite3.connect(target)
    try:
        database.connection.backup(copy)
    finally:
        copy.close()


def _make_folder(folder: Path, name: str) -> None:
    missing = [parent for parent in (folder, *folder.parents) if not parent.exists()]
    try:
        for parent in reversed(missing):
            parent.mkdir(mode=0o700, exist_ok=True)
    except OSError as error:
        raise StateError(f"the folder of journal {name} cannot be made: {error.strerror}") from error


def _rename_away(path: Path, why: str, now_s: float) -> str:
    """Rename file and log to a name that says when, and return that name."""
    stamp = time.strftime("%Y%m%d-%H%M%S", time.localtime(now_s))
    kept = f"{path.name}.{why}-{stamp}"
    number = 1
    while path.with_name(kept).exists():
        number += 1
        kept = f"{path.name}.{why}-{stamp}-{number}"
    try:
        for suffix in ("-wal", "-shm", ""):
            part = path.with_name(path.name + suffix)
            if part.exists():
                part.rename(path.with_name(kept + suffix))
    except OSError as error:
        raise StateError(f"journal {path} cannot be set aside: {error.strerror}") from error
    return kept
