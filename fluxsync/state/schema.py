"""The tables of the journal, as forward migrations.

Imported only where a journal is made or brought forward, so that reading one needs no sqlite-utils.
The checks are there for `PRAGMA integrity_check`, which reads them: a damaged page shows itself at once.
Text that is no valid Unicode (a file name of another encoding) and integers beyond 64 bits are stored as
blobs; the column says `odd` where a row of `items` holds one.
"""

from __future__ import annotations

from sqlite_utils import Database as SqliteUtils
from sqlite_utils import Migrations

from fluxsync.state.seal import seal

__all__ = ["migrations"]

migrations = Migrations("fluxsync")


@migrations()
def schema_1(db: SqliteUtils) -> None:
    for statement in (
        "CREATE TABLE facts (name TEXT PRIMARY KEY NOT NULL, value TEXT NOT NULL) WITHOUT ROWID",
        # No path or key is unique: two items may swap theirs inside one transaction.
        """CREATE TABLE items (
            id INTEGER PRIMARY KEY AUTOINCREMENT,
            kind TEXT NOT NULL CHECK (kind IN ('file', 'folder')),
            path TEXT NOT NULL,
            key TEXT NOT NULL,
            folder TEXT NOT NULL,
            name TEXT NOT NULL,
            revision INTEGER NOT NULL,
            size INTEGER NOT NULL,
            digest TEXT NOT NULL,
            stamp_size INTEGER,
            stamp_mtime_ns INTEGER,
            stamp_ctime_ns INTEGER,
            stamp_inode INTEGER,
            birth_ns INTEGER,
            memo TEXT NOT NULL,
            state TEXT NOT NULL
                CHECK (state IN ('agreed', 'kept-here', 'kept-there', 'trashed', 'superseded')),
            made_here INTEGER NOT NULL CHECK (made_here IN (0, 1)),
            odd INTEGER NOT NULL CHECK (odd IN (0, 1)),
            CHECK (stamp_size IS NULL OR
                   (stamp_mtime_ns IS NOT NULL AND stamp_ctime_ns IS NOT NULL AND stamp_inode IS NOT NULL))
        )""",
        "CREATE INDEX items_path ON items (path)",
        "CREATE INDEX items_key ON items (key)",
        """CREATE TABLE digests (
            key TEXT NOT NULL,
            revision INTEGER NOT NULL,
            digest TEXT NOT NULL,
            time REAL NOT NULL,
            PRIMARY KEY (key, revision)
        ) WITHOUT ROWID""",
        """CREATE TABLE operations (
            id INTEGER PRIMARY KEY AUTOINCREMENT,
            pass INTEGER NOT NULL,
            action TEXT NOT NULL,
            path TEXT NOT NULL,
            key TEXT NOT NULL,
            item_id INTEGER NOT NULL,
            why TEXT NOT NULL,
            state TEXT NOT NULL CHECK (state IN ('planned', 'sent')),
            intent TEXT
        )""",
        """CREATE TABLE passes (
            number INTEGER PRIMARY KEY AUTOINCREMENT,
            started REAL NOT NULL,
            ended REAL,
            tracked INTEGER NOT NULL,
            result TEXT NOT NULL,
            counts TEXT NOT NULL
        )""",
        "CREATE INDEX passes_started ON passes (started)",
        """CREATE TABLE history (
            id INTEGER PRIMARY KEY AUTOINCREMENT,
            time REAL NOT NULL,
            pass INTEGER NOT NULL,
            action TEXT NOT NULL,
            path TEXT NOT NULL,
            asset_id TEXT NOT NULL,
            outcome TEXT NOT NULL,
            detail TEXT NOT NULL,
            bytes INTEGER NOT NULL,
            approved INTEGER NOT NULL CHECK (approved IN (0, 1))
        )""",
        "CREATE INDEX history_time ON history (time)",
        "CREATE INDEX history_path ON history (path)",
        "CREATE INDEX history_pass ON history (pass)",
        """CREATE TABLE problems (
            path TEXT NOT NULL,
            reason TEXT NOT NULL,
            harmless INTEGER NOT NULL CHECK (harmless IN (0, 1)),
            since REAL NOT NULL,
            pass INTEGER NOT NULL
        )""",
        """CREATE TABLE held (
            action TEXT NOT NULL,
            path TEXT NOT NULL,
            asset_id TEXT NOT NULL,
            why TEXT NOT NULL
        )""",
        """CREATE TABLE conflicts (
            path TEXT NOT NULL,
            copy_path TEXT NOT NULL,
            asset_id TEXT NOT NULL,
            time REAL NOT NULL,
            PRIMARY KEY (path, copy_path)
        )""",
    ):
        db.execute(statement)
    db.execute("PRAGMA user_version = 1")


@migrations()
def schema_2(db: SqliteUtils) -> None:
    db.conn.create_function("seal_of", -1, lambda *values: seal(values), deterministic=True)
    for statement in (
        # What on the account caused a change, where a limit counts by cause: "out of 812", "trash".
        "ALTER TABLE history ADD COLUMN cause TEXT NOT NULL DEFAULT ''",
        # Why a pass stopped, in one line for people.
        "ALTER TABLE passes ADD COLUMN message TEXT NOT NULL DEFAULT ''",
        # What exactly is held back, so that an approval lets that through and nothing else.
        "ALTER TABLE held ADD COLUMN kind TEXT NOT NULL DEFAULT ''",
        "ALTER TABLE held ADD COLUMN revision INTEGER NOT NULL DEFAULT 0",
        "ALTER TABLE held ADD COLUMN digest TEXT NOT NULL DEFAULT ''",
        "ALTER TABLE held ADD COLUMN approved INTEGER NOT NULL DEFAULT 0",
        # Files that failed again and again: left alone until a time, or until they change.
        """CREATE TABLE put_aside (
            path TEXT PRIMARY KEY NOT NULL,
            evidence TEXT NOT NULL,
            reason TEXT NOT NULL,
            tries INTEGER NOT NULL,
            since REAL NOT NULL,
            next_try REAL NOT NULL
        ) WITHOUT ROWID""",
        # Since when something is known to be in a trash: assets by key and by the service's clock, batches
        # of the local trash by their names and by this machine's.
        """CREATE TABLE seen_in_trash (
            side TEXT NOT NULL CHECK (side IN ('local', 'remote')),
            key TEXT NOT NULL,
            seen REAL NOT NULL,
            seal INTEGER NOT NULL,
            PRIMARY KEY (side, key)
        ) WITHOUT ROWID""",
        # A check on each row that decisions are made from: `seal` says why.
        "ALTER TABLE facts ADD COLUMN seal INTEGER NOT NULL DEFAULT 0",
        "ALTER TABLE items ADD COLUMN seal INTEGER NOT NULL DEFAULT 0",
        "ALTER TABLE digests ADD COLUMN seal INTEGER NOT NULL DEFAULT 0",
        "UPDATE facts SET seal = seal_of(name, value)",
        """UPDATE items SET seal = seal_of(
            id, kind, path, key, folder, name, revision, size, digest, stamp_size, stamp_mtime_ns,
            stamp_ctime_ns, stamp_inode, birth_ns, memo, state, made_here, odd
        )""",
        "UPDATE digests SET seal = seal_of(key, revision, digest)",
    ):
        db.execute(statement)
    db.execute("PRAGMA user_version = 2")


@migrations()
def schema_3(db: SqliteUtils) -> None:
    for statement in (
        # What a pass over a few paths asks for: folders, what is counted, and what a new file may have been.
        "CREATE INDEX items_kind ON items (kind, state)",
        "CREATE INDEX items_inode ON items (stamp_inode) WHERE stamp_inode IS NOT NULL",
        "CREATE INDEX items_digest ON items (digest) WHERE digest <> ''",
    ):
        db.execute(statement)
    db.execute("PRAGMA user_version = 3")
