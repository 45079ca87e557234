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
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path

from fluxsync.core.model import Intent, Item, Kind, Side, State
from fluxsync.state import ancestor, facts, history, trash
from fluxsync.state import operations as operation_rows
from fluxsync.state.chronicle import Chronicle
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
_LASTING_FACTS = ("journal_id", "generation", "paused", "pruned")
#: Tables of what both sides agreed on, and what followed from it.
_AGREEMENTS = ("items", "operations", "problems", "held")
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


class Journal(Chronicle):
    """The memory of one pair. One thread owns it; transactions are short and never span the network.

    Every method raises StateError, or Full where the disk is, with one line that says what cures it.
    """

    def __init__(self, database: Database, clock: Callable[[], float] = time.time) -> None:
        super().__init__(database, clock)
        self._rows: list[ancestor.Row] | None = None
        #: The last tally, and the generation of the ancestor that was counted.
        self._tally: tuple[str | None, dict[tuple[Kind, State], tuple[int, int]]] | None = None
        self.set_aside = database.set_aside
        self.journal_id = self.fact("journal_id") or ""
        #: Told after each advance of the ancestor how far this journal is: `is_behind` takes it.
        self.on_advance: Callable[[str], object] = lambda mark: None

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

    def items_within(self, paths: Iterable[str]) -> list[Item]:
        """Return what both sides agreed on at these paths and below them."""
        return ancestor.within(self._database, paths)

    def folders(self) -> list[Item]:
        """Return what both sides agreed on of folders."""
        return ancestor.folders(self._database)

    def looks(self) -> dict[str, tuple[int, ...]]:
        """Return how each path looked that should be in the folder; `LocalReplica.differences` takes it."""
        return ancestor.looks(self._database)

    def items_like(self, inodes: Iterable[int], contents: Iterable[str], most: int) -> list[Item]:
        """Return the items that a new file with such an inode or digest may have been.

        `most`: of one digest no more than so many, and one.
        """
        return ancestor.alike(self._database, inodes, contents, most)

    def tracked(self) -> int:
        """Return how many files both sides have."""
        return self.tally().get((Kind.FILE, State.AGREED), (0, 0))[0]

    def tally(self) -> dict[tuple[Kind, State], tuple[int, int]]:
        """Return how many items there are of each kind and state, and their bytes."""
        generation = self.fact("generation")
        if self._tally is None or self._tally[0] != generation:
            self._tally = generation, ancestor.tally(self._database)
        return self._tally[1]

    def file_at(self, path: str) -> Item | None:
        """Return what both sides agree on for the file at a path."""
        found = ancestor.at(self._database, path)
        return next((i for i in found if i.kind is Kind.FILE and i.state is State.AGREED), None)

    def advance(self, upserts: Sequence[Item], forget: Sequence[int] = ()) -> list[Item]:
        """Record agreements that needed no operation, on the disk when this returns.

        Items with id 0 are new. Returns the written items in order, with their ids.
        """
        self._rows = None
        if not upserts and not forget:
            return []
        with self._database.transaction(flush=True) as cursor:
            written = ancestor.apply(cursor, [(upserts, forget)])
            generation = facts.count_up(cursor, "generation")
        self.on_advance(self._mark(generation))
        return written

    def digests(self) -> dict[tuple[str, int], str]:
        """Return digests by remote key and revision that downloads have shown and no item holds yet."""
        return ancestor.digests(self._database)

    def remember_digests(self, found: Mapping[tuple[str, int], str]) -> None:
        """Keep such digests, so that a first pass that was cut short need not download again."""
        if found:
            with self._database.transaction(flush=False) as cursor:
                ancestor.remember_digests(cursor, found, self._clock())

    def is_behind(self, mark: str | None) -> bool:
        """Tell whether a mark shows that this is an older copy of a journal: it knows of agreements since."""
        journal_id, _, generation = (mark or "").partition(" ")
        if not generation.isdecimal() or not self._database.rows("SELECT 1 FROM items LIMIT 1"):
            return False
        return journal_id != self.journal_id or int(generation) > int(self.fact("generation") or 0)

    def contents(self) -> dict[tuple[str, int], str]:
        """Return the digest of each version that both sides agreed on, by remote key and revision."""
        return {
            (item.key, item.revision): item.digest
            for item in self.items()
            if item.kind is Kind.FILE and item.state is State.AGREED and item.key and item.digest
        }

    def start_over(self, why: str) -> None:
        """Forget every agreement, as a journal does that is behind: the next pass merges.

        What contents were seen to be stays: a version of an asset never changes.
        """
        known = self.contents()
        with self._database.transaction(flush=True) as cursor:
            ancestor.remember_digests(cursor, known, self._clock())
            for table in _AGREEMENTS:
                cursor.execute(f"DELETE FROM {table}")
            generation = facts.count_up(cursor, "generation")
        self.set_aside = f"{why}: what it said of both sides is forgotten"
        self.on_advance(self._mark(generation))

    def _mark(self, generation: int) -> str:
        return f"{self.journal_id} {generation}"

    def forget_all(self) -> None:
        """Forget what was known of both sides; history, the journal's id and a pause stay."""
        self._rows = None
        with self._database.transaction(flush=True) as cursor:
            for table in _OF_BOTH_SIDES:
                cursor.execute(f"DELETE FROM {table}")
            cursor.execute("DELETE FROM facts WHERE name NOT IN (?, ?, ?, ?)", _LASTING_FACTS)
            facts.count_up(cursor, "generation")

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
            generation = facts.count_up(cursor, "generation")
        self.on_advance(self._mark(generation))
        return written

    def unsettled(self) -> list[Sent]:
        """Return the operations that were sent and not settled: after a crash, those in doubt."""
        return operation_rows.unsettled(self._database)

    def forget_planned(self) -> None:
        """Drop the operations that no mover was given."""
        with self._database.transaction(flush=False) as cursor:
            cursor.execute("DELETE FROM operations WHERE state = 'planned'")
