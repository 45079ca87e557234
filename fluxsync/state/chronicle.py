"""The part of a journal that decides nothing by itself: what was done, and what a person is shown."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence

from fluxsync.core.model import Problem
from fluxsync.core.put_aside import PutAside
from fluxsync.state import history, notices, put_aside, search
from fluxsync.state.connection import Database
from fluxsync.state.history import Event, PassRow
from fluxsync.state.notices import ConflictRow, HeldRow, ProblemRow
from fluxsync.state.search import Search

__all__ = ["Chronicle"]


class Chronicle:
    """History, problems, what is put aside or held back, conflicts."""

    def __init__(self, database: Database, clock: Callable[[], float]) -> None:
        self._database = database
        self._clock = clock

    # -- history ---------------------------------------------------------------------------------------

    def record(self, events: Sequence[Event]) -> None:
        """Write events that belong to no operation."""
        if events:
            with self._database.transaction(flush=False) as cursor:
                history.record(cursor, events)

    def history(self, path: str | None = None, limit: int = 100) -> list[Event]:
        """Return events, newest first; a path stands for itself and all below it."""
        return search.events(self._database, Search(path), limit)

    def search(self, wanted: Search, limit: int = 100) -> list[Event]:
        """Return the events that meet all that is wanted, newest first."""
        return search.events(self._database, wanted, limit)

    def takings(self) -> list[Event]:
        """Return the events by which something came into a trash, oldest first."""
        return history.takings(self._database)

    def last_pass(self) -> PassRow | None:
        """Return the newest pass."""
        return history.last_pass(self._database)

    def next_pass(self) -> int:
        """Return the number that the next pass will have: what leads to it is told with it."""
        last = self.last_pass()
        return (last.number if last else 0) + 1

    def last_in_step(self) -> float | None:
        """Return when a pass last ended in step, in seconds since 1970."""
        return history.last_in_step(self._database)

    def recent(self, actions: Collection[str], since_s: float) -> dict[str, int]:
        """Count by cause what was done of these kinds after a time (seconds since 1970), not approved."""
        return history.recent(self._database, actions, since_s)

    def touched(self, actions: Collection[str], since_s: float) -> frozenset[str]:
        """Return the assets to which that was done after a time (seconds since 1970), not approved."""
        return history.touched(self._database, actions, since_s)

    def last_sent(self, keys: Collection[str], since_s: float) -> dict[str, float]:
        """Return when content was last sent to these assets after a time, by key (seconds since 1970)."""
        return history.last_sent(self._database, keys, since_s)

    def most_tracked(self, since_s: float, now: int) -> int:
        """Return the most that was tracked by a pass begun since then, and `now`."""
        return history.most_tracked(self._database, since_s, now)

    # -- notices ---------------------------------------------------------------------------------------

    def problem_rows(self) -> list[ProblemRow]:
        """Return the problems with the time since when each path has had one."""
        return notices.problems(self._database)

    def set_problems(self, problems: Sequence[Problem], pass_number: int) -> None:
        """Replace the problems as a whole; a path that had one keeps its time."""
        with self._database.transaction(flush=False) as cursor:
            notices.set_problems(cursor, problems, pass_number, self._clock())

    def put_aside(self) -> list[PutAside]:
        """Return what failed and is left alone until a time, or until it changes."""
        return put_aside.put_aside(self._database)

    def set_put_aside(self, rows: Sequence[PutAside]) -> None:
        """Replace what is put aside as a whole."""
        with self._database.transaction(flush=False) as cursor:
            put_aside.set_put_aside(cursor, rows)

    def held(self) -> list[HeldRow]:
        """Return what a limit holds back, and nobody has approved."""
        return [row for row in notices.held(self._database) if not row.approved]

    def approved(self) -> list[HeldRow]:
        """Return what a person let through, and no pass has looked at since."""
        return [row for row in notices.held(self._database) if row.approved]

    def set_held(self, rows: Sequence[HeldRow]) -> None:
        """Replace what is held back or approved as a whole."""
        with self._database.transaction(flush=False) as cursor:
            notices.set_held(cursor, rows)

    def approve(self, rows: Collection[HeldRow]) -> None:
        """Let through exactly these of the rows that are held back, on the disk when this returns."""
        with self._database.transaction(flush=True) as cursor:
            notices.approve(cursor, self._database, rows)

    def conflicts(self) -> list[ConflictRow]:
        """Return the conflicts that were kept as two files, oldest first."""
        return notices.conflicts(self._database)

    def add_conflict(self, row: ConflictRow) -> None:
        """Note a conflict; one with the same path and copy is replaced."""
        with self._database.transaction(flush=False) as cursor:
            notices.add_conflict(cursor, row)

    def set_conflicts(self, rows: Sequence[ConflictRow]) -> None:
        """Replace the conflicts as a whole."""
        with self._database.transaction(flush=False) as cursor:
            notices.set_conflicts(cursor, rows)
