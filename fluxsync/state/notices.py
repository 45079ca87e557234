"""What a person is shown until it is settled: problems, what is held back, conflicts."""

from __future__ import annotations

import sqlite3
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace

from fluxsync.core.model import Problem
from fluxsync.state.connection import Database, from_sql, to_sql

__all__ = [
    "ConflictRow",
    "HeldRow",
    "ProblemRow",
    "add_conflict",
    "approve",
    "conflicts",
    "held",
    "problems",
    "set_conflicts",
    "set_held",
    "set_problems",
]

_HELD = "action, path, asset_id, why, kind, revision, digest, approved"


@dataclass(frozen=True, slots=True)
class ProblemRow:
    """A problem of the last pass, and since when its path has had one (seconds since 1970)."""

    problem: Problem
    since: float
    pass_number: int


@dataclass(frozen=True, slots=True)
class HeldRow:
    """A change that a limit holds back, so exactly that an approval can mean it and nothing else."""

    action: str
    path: str
    asset_id: str
    why: str
    #: The limits that hold it, one in each line.
    kind: str = ""
    revision: int = 0
    #: The content here; "" where there is none.
    digest: str = ""
    approved: bool = False


@dataclass(frozen=True, slots=True)
class ConflictRow:
    """Two contents kept as two files, since `time` (seconds since 1970)."""

    path: str
    copy_path: str
    asset_id: str
    time: float


def problems(database: Database) -> list[ProblemRow]:
    rows = database.rows("SELECT path, reason, harmless, since, pass FROM problems ORDER BY rowid")
    return [
        ProblemRow(Problem(from_sql(path), from_sql(reason), harmless == 1), since, number)
        for path, reason, harmless, since, number in rows
    ]


def set_problems(cursor: sqlite3.Cursor, found: Sequence[Problem], pass_number: int, now_s: float) -> None:
    """Replace all problems; a path that had one keeps its time."""
    since: dict[str, float] = {}
    for path, time in cursor.execute("SELECT path, since FROM problems"):
        known = from_sql(path)
        since[known] = min(time, since.get(known, time))
    cursor.execute("DELETE FROM problems")
    cursor.executemany(
        "INSERT INTO problems (path, reason, harmless, since, pass) VALUES (?, ?, ?, ?, ?)",
        [
            (
                to_sql(problem.path),
                to_sql(problem.reason),
                problem.harmless,
                since.get(problem.path, now_s),
                pass_number,
            )
            for problem in found
        ],
    )


def held(database: Database) -> list[HeldRow]:
    rows = database.rows(f"SELECT {_HELD} FROM held ORDER BY rowid")
    return [
        HeldRow(
            action,
            from_sql(path),
            from_sql(key),
            from_sql(why),
            from_sql(kind),
            _whole(from_sql(revision)),
            from_sql(digest),
            approved == 1,
        )
        for action, path, key, why, kind, revision, digest, approved in rows
    ]


def set_held(cursor: sqlite3.Cursor, rows: Sequence[HeldRow]) -> None:
    """Replace all that is held back."""
    cursor.execute("DELETE FROM held")
    cursor.executemany(
        f"INSERT INTO held ({_HELD}) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        [
            (
                row.action,
                to_sql(row.path),
                to_sql(row.asset_id),
                to_sql(row.why),
                row.kind,
                to_sql(row.revision),
                row.digest,
                row.approved,
            )
            for row in rows
        ],
    )


def approve(cursor: sqlite3.Cursor, database: Database, rows: Collection[HeldRow]) -> None:
    """Let through these of the rows that are held back; why they were held may read otherwise by now."""
    meant = {replace(row, why="") for row in rows}
    set_held(
        cursor,
        [replace(row, approved=row.approved or replace(row, why="") in meant) for row in held(database)],
    )


def conflicts(database: Database) -> list[ConflictRow]:
    """Return the conflicts, oldest first."""
    rows = database.rows("SELECT path, copy_path, asset_id, time FROM conflicts ORDER BY time, path")
    return [
        ConflictRow(from_sql(path), from_sql(copy), from_sql(key), time) for path, copy, key, time in rows
    ]


def add_conflict(cursor: sqlite3.Cursor, row: ConflictRow) -> None:
    cursor.execute(
        "INSERT OR REPLACE INTO conflicts (path, copy_path, asset_id, time) VALUES (?, ?, ?, ?)",
        (to_sql(row.path), to_sql(row.copy_path), to_sql(row.asset_id), row.time),
    )


def set_conflicts(cursor: sqlite3.Cursor, rows: Sequence[ConflictRow]) -> None:
    """Replace all conflicts."""
    cursor.execute("DELETE FROM conflicts")
    for row in rows:
        add_conflict(cursor, row)


def _whole(text: str) -> int:
    try:
        return int(text)
    except ValueError:
        return 0
