"""Operations, from plan to settlement, and everything else that survives a crash.

DURABILITY. An operation is a row that is `planned`, then `sent`, then gone:

- It is *planned* before anything is done. A planned row promises nothing: no mover has it, so after a crash
  it is dropped (`forget_planned`) and the next pass plans again from what is there.
- It is marked *sent*, with its intent, in a transaction that is on the disk before a mover is given it
  (`mark_sent`). Only here can the outside world change. So after a crash exactly the rows marked sent are in
  doubt (`unsettled`): their request may have left, wholly, in part, or not at all.
- It is *settled* when its outcome is known. One transaction, on the disk when `settle` returns, removes the
  row, advances the ancestor and writes the history. There is no instant at which an operation counts as done
  and the ancestor does not know it, nor the other way round.

What follows: a row that is absent is either done and in the ancestor, or was never begun. A row that is
present is either harmless (planned) or named (sent), with all that is needed to look for what it left. The
ancestor never claims an agreement that was not seen: it is only written from what was found after the fact.
Transactions that are not flushed (plans, problems, what is held) may be lost in a power failure, each as a
whole and never before an earlier one; none of them records an agreement.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from pathlib import Path

from fluxsync.core.model import Intent, Item, Problem, Side
from fluxsync.core.put_aside import PutAside
from fluxsync.state import ancestor, facts, history, notices, put_aside, trash
from fluxsync.state import operations as operation_rows
from fluxsync.state.connection import Database
from fluxsync.state.database import open_in_memory, open_to_read, open_to_write
from fluxsync.state.history import Event, PassRow
from fluxsync.state.notices import ConflictRow, HeldRow, ProblemRow
from fluxsync.state.operations import Planned, Sent, Settlement

__all__ = [
    "ConflictRow",
    "Event",
    "HeldRow",
    "Journal",
    "PassRow",
    "Planned",
    "ProblemRow",
    "Sent",
    "Settlement",
]

#: Facts that belong to this machine and not to what it knew of the two sides.
_LASTING_FACTS = ("journal_id", "paused", "pruned")
#: Tables of what was known of the two sides.
_OF_BOTH_SIDES = (
    "items",
    "operations",
    "digests",
    "problems",
    "held",
    "conflicts",
    "put_aside",
    "seen_in_trash",
)


class Journal:
    """The memory of one pair. One thread owns it; transactions are short and never span the network.

    Every method raises StateError, or Full where the disk is, with one line that says what cures it.
    """

    def __init__(self, database: Database, clock: Callable[[], float] = time.time) -> None:
        self._database = database
        self._clock = clock
        self._rows: list[ancestor.Row] | None = None
        self.set_aside = database.set_aside
        self.journal_id = self.fact("journal_id") or ""

    # -- opening ---------------------------------------------------------------------------------------

    @classmethod
    def open(
        cls, path: Path, *, clock: Callable[[], float] = time.time, replace_newer: bool = False
    ) -> Journal:
        """Open for writing, making what is missing.

        A damaged file is renamed and `set_aside` says so in one line; an older schema is copied, then brought
        forward. Raises StateError for one that is in use, not permitted, or of a newer fluxsync, unless
        `replace_newer` (for `rebuild`) sets that aside, too.
        """
        rows: list[ancestor.Row] = []

        def check(database: Database) -> None:
            rows[:] = ancestor.check(database)
            ancestor.check_digests(database)
            facts.check(database)
            operation_rows.check(database)

        journal = cls(open_to_write(path, check=check, clock=clock, replace_newer=replace_newer), clock)
        journal._rows = rows
        journal._name_itself()
        return journal

    @classmethod
    def peek(cls, path: Path) -> Journal | None:
        """Open for reading, beside whoever writes; None where there is no journal.

        Raises StateError where it cannot be read; writing to it raises StateError.
        """
        database = open_to_read(path)
        return None if database is None else cls(database)

    @classmethod
    def in_memory(cls, *, clock: Callable[[], float] = time.time) -> Journal:
        """Make an empty journal that nobody keeps: for a dry run before the first pass, and for tests."""
        journal = cls(open_in_memory(), clock)
        journal._name_itself()
        return journal

    def _name_itself(self) -> None:
        if not self.journal_id:
            self.journal_id = secrets.token_hex(4)
            self.set_facts({"journal_id": self.journal_id})

    def close(self) -> None:
        self._database.close()

    # -- facts and items -------------------------------------------------------------------------------

    def fact(self, name: str) -> str | None:
        """Return what is noted under a name, such as the root's id or the account."""
        return facts.read(self._database, name)

    def set_facts(self, new: Mapping[str, str | None]) -> None:
        """Note facts, all or none, on the disk when this returns; None takes one away."""
        with self._database.transaction(flush=True) as cursor:
            facts.note(cursor, new)

    def claim(self, name: str, value: str) -> str:
        """Note a fact unless there is one, even by another process; returns what holds."""
        with self._database.transaction(flush=True) as cursor:
            return facts.claim(cursor, name, value)

    def items(self) -> list[Item]:
        """Return the whole ancestor."""
        rows, self._rows = self._rows, None
        return ancestor.items(self._database, rows)

    def advance(self, upserts: Sequence[Item], forget: Sequence[int] = ()) -> list[Item]:
        """Record agreements that needed no operation, on the disk when this returns.

        Items with id 0 are new. Returns the written items in order, with their ids.
        """
        self._rows = None
        if not upserts and not forget:
            return []
        with self._database.transaction(flush=True) as cursor:
            return ancestor.apply(cursor, [(upserts, forget)])

    def digests(self) -> dict[tuple[str, int], str]:
        """Return digests by remote key and revision that downloads have shown and no item holds yet."""
        return ancestor.digests(self._database)

    def remember_digests(self, found: Mapping[tuple[str, int], str]) -> None:
        """Keep such digests, so that a first pass that was cut short need not download again."""
        if found:
            with self._database.transaction(flush=False) as cursor:
                ancestor.remember_digests(cursor, found, self._clock())

    def forget_all(self) -> None:
        """Forget what was known of both sides; history, the journal's id and a pause stay."""
        self._rows = None
        with self._database.transaction(flush=True) as cursor:
            for table in _OF_BOTH_SIDES:
                cursor.execute(f"DELETE FROM {table}")
            cursor.execute("DELETE FROM facts WHERE name NOT IN (?, ?, ?)", _LASTING_FACTS)

    def first_seen(self, side: Side) -> dict[str, float]:
        """Return since when assets (by key) or batches of trashed files are known to be in a trash."""
        return trash.first_seen(self._database, side)

    def set_first_seen(self, seen: Mapping[Side, Mapping[str, float]], new: Mapping[str, str]) -> None:
        """Replace that for each side given, and note facts, all or nothing."""
        with self._database.transaction(flush=False) as cursor:
            for side, times in seen.items():
                trash.set_first_seen(cursor, side, times)
            facts.note(cursor, new)

    # -- operations ------------------------------------------------------------------------------------

    def begin_pass(self, tracked: int) -> int:
        """Number a new pass; `tracked` is how many files the ancestor has."""
        now_s = self._clock()
        with self._database.transaction(flush=False) as cursor:
            history.prune(cursor, now_s)
            return history.begin_pass(cursor, tracked, now_s)

    def end_pass(
        self, number: int, result: str, counts: Mapping[str, int | float], message: str = ""
    ) -> None:
        """Note how a pass ended, and in one line what stopped it, if something did."""
        with self._database.transaction(flush=False) as cursor:
            history.end_pass(cursor, number, result, counts, message, self._clock())

    def plan(self, pass_number: int, operations: Sequence[Planned]) -> list[int]:
        """Write operations down before anything is done; returns their ids in order."""
        if not operations:
            return []
        with self._database.transaction(flush=False) as cursor:
            return operation_rows.plan(cursor, pass_number, operations)

    def mark_sent(self, ids: Sequence[int], intents: Mapping[int, Intent]) -> None:
        """Say that movers will be given these operations, on the disk when this returns."""
        if not ids:
            return
        with self._database.transaction(flush=True) as cursor:
            operation_rows.mark_sent(cursor, ids, intents)

    def settle(self, settlements: Sequence[Settlement]) -> list[Item]:
        """End operations, advance the ancestor and write the history, in one flushed transaction.

        Returns the written items in order (`item`, then `also`, of one settlement after the other) with their
        ids. Raises StateError, and changes nothing, where an operation is not in the journal (any more).
        """
        self._rows = None
        if not settlements:
            return []
        with self._database.transaction(flush=True) as cursor:
            now_s = self._clock()
            events = [operation_rows.event_of(cursor, settlement, now_s) for settlement in settlements]
            operation_rows.end(cursor, [s.operation_id for s in settlements if s.operation_id])
            written = ancestor.apply(
                cursor,
                [
                    ((*((s.item,) if s.item else ()), *s.also), (s.forget,) if s.forget else ())
                    for s in settlements
                ],
            )
            history.record(cursor, [event for event in events if event is not None])
            return written

    def unsettled(self) -> list[Sent]:
        """Return the operations that were sent and not settled: after a crash, those in doubt."""
        return operation_rows.unsettled(self._database)

    def forget_planned(self) -> None:
        """Drop the operations that no mover was given."""
        with self._database.transaction(flush=False) as cursor:
            cursor.execute("DELETE FROM operations WHERE state = 'planned'")

    # -- history ---------------------------------------------------------------------------------------

    def record(self, events: Sequence[Event]) -> None:
        """Write events that belong to no operation."""
        if events:
            with self._database.transaction(flush=False) as cursor:
                history.record(cursor, events)

    def history(self, path: str | None = None, limit: int = 100) -> list[Event]:
        """Return events, newest first; a path stands for itself and all below it."""
        return history.events(self._database, path, limit)

    def last_pass(self) -> PassRow | None:
        """Return the newest pass."""
        return history.last_pass(self._database)

    def last_in_step(self) -> float | None:
        """Return when a pass last ended in step, in seconds since 1970."""
        return history.last_in_step(self._database)

    def recent(self, actions: Collection[str], since_s: float) -> dict[str, int]:
        """Count by cause what was done of these kinds after a time (seconds since 1970), not approved."""
        return history.recent(self._database, actions, since_s)

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
