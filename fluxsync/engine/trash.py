"""Notes what lies in both trashes since when, and empties the local one by itself."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass

from fluxsync.core.model import Action, Item, Kind, Problem, Side, Snapshot, State
from fluxsync.core.operations import Operation
from fluxsync.core.trash import DAY_S, Clocks, TrashedFile, TrashPolicy, beyond_size, first_seen, too_old
from fluxsync.errors import ReplicaError, Stale
from fluxsync.replica.base import LocalReplica
from fluxsync.state.journal import Event, Journal

__all__ = ["Noted", "drop", "empty_here", "look_there", "note", "note_trashed"]

_CLOCKS = "clocks"
_LOOKED = "trash_looked"
#: Seconds between two looks at the local trash, unless something came into it.
_LOOK_S = 3600.0
#: Files that are dropped before the history is told.
_BATCH = 200


@dataclass(frozen=True, slots=True)
class Noted:
    """Since when each asset is known to be in the trash of the account, by the service's clock."""

    seen: Mapping[str, float]
    #: None: the service does not tell its time, and nothing can be said.
    clocks: Clocks | None = None
    #: One of the clocks was set since the last pass: everything begins to wait anew.
    afresh: bool = False


def look_there(journal: Journal, remote: Snapshot, here_s: float) -> Noted:
    """Compare what the account has in its trash, and its clock, with what the journal knows of both."""
    known = journal.first_seen(Side.REMOTE)
    if remote.clock_s is None:
        return Noted(known)
    clocks = Clocks(here_s, remote.clock_s)
    afresh = clocks.jumped_since(_clocks(journal))
    present = {key for key, entry in remote.files.items() if entry.trashed}
    if not remote.complete or not remote.scope.everything:
        present |= {key for key in known if key not in remote.files}
    present |= {unknown.path for unknown in remote.unknown if unknown.path in known}
    return Noted(first_seen(known, present, remote.clock_s, afresh=afresh), clocks, afresh)


def note(journal: Journal, noted: Noted) -> None:
    """Write down what was seen, all or nothing."""
    if noted.clocks is None:
        return
    seen: dict[Side, Mapping[str, float]] = {Side.REMOTE: noted.seen}
    if noted.afresh:
        here_s = noted.clocks.here_s
        seen[Side.LOCAL] = dict.fromkeys(journal.first_seen(Side.LOCAL), here_s)
    facts = {_CLOCKS: json.dumps([noted.clocks.here_s, noted.clocks.there_s])}
    journal.set_first_seen(seen, facts)


def note_trashed(journal: Journal, noted: Noted, done: Iterable[Operation]) -> None:
    """Write down what this pass put into the trash of the account itself."""
    keys = [op.remote.key for op in done if op.action is Action.TRASH_REMOTE and op.remote is not None]
    if keys and noted.clocks is not None:
        journal.set_first_seen({Side.REMOTE: {**dict.fromkeys(keys, noted.clocks.there_s), **noted.seen}}, {})


def empty_here(
    local: LocalReplica,
    journal: Journal,
    policy: TrashPolicy,
    *,
    now_s: float,
    pass_number: int,
    at_once: bool,
) -> list[Problem]:
    """Let go what the local trash need not keep any more; `at_once`: something may have come into it.

    By age only while this machine's clock has been compared with the service's in the last day.
    """
    looked = float(journal.fact(_LOOKED) or 0)
    if not at_once and looked <= now_s < looked + _LOOK_S:
        return []
    try:
        files = local.list_trash()
        seen = first_seen(journal.first_seen(Side.LOCAL), {file.batch for file in files}, now_s, afresh=False)
        journal.set_first_seen({Side.LOCAL: seen}, {_LOOKED: repr(now_s)})
        clocks = _clocks(journal)
        trusted = clocks is not None and abs(now_s - clocks.here_s) < DAY_S
        old = too_old(files, seen, now_s, policy.days) if trusted else []
        gone = {file.where for file in old}
        rest = [file for file in files if file.where not in gone]
        most = policy.most_bytes(local.disk_bytes())
        spare = _Spare(local, journal)
        large = beyond_size(rest, seen, now_s, most, spare)
    except ReplicaError as error:
        return [Problem("", f"the trash here could not be looked at: {error}", harmless=True)]
    reasons = {file.where: f"in the trash here for {policy.days:g} days" for file in old}
    reasons |= {file.where: "the trash here is full (trash_size)" for file in large}
    refused = drop(local, journal, [*old, *large], reasons, now_s=now_s, pass_number=pass_number)
    return [Problem("", f"in the trash here: {reason}", harmless=True) for reason in refused.values()]


def drop(
    local: LocalReplica,
    journal: Journal,
    files: Collection[TrashedFile],
    reasons: Mapping[str, str],
    *,
    now_s: float,
    pass_number: int,
) -> dict[str, str]:
    """Delete files in the local trash for good and write that into the history; returns what failed, and why.

    `reasons`, and what is returned, are by where the files are. Raises `Halted`.
    """
    refused: dict[str, str] = {}
    events: list[Event] = []
    try:
        for file in files:
            try:
                local.drop_trashed(file.where)
            except Stale:
                continue  # it is gone, as it shall be
            except ReplicaError as error:
                refused[file.where] = str(error)
                continue
            why = reasons[file.where]
            events.append(
                Event(
                    now_s,
                    pass_number,
                    str(Action.PURGE),
                    file.path,
                    "",
                    "done",
                    why,
                    file.size,
                    approved=True,
                )
            )
            if len(events) >= _BATCH:
                journal.record(events)
                events = []
    finally:
        journal.record(events)
    return refused


class _Spare:
    """Tells whether a trashed file was replaced, and holds what the account has as a present content."""

    def __init__(self, local: LocalReplica, journal: Journal) -> None:
        self._local = local
        self._journal = journal
        self._items: dict[tuple[int, str], Item] | None = None
        self._sizes: set[int] = set()
        self._paths: set[str] = set()

    def __call__(self, file: TrashedFile) -> bool:
        if self._items is None:
            agreed = [i for i in self._journal.items() if i.kind is Kind.FILE and i.state is State.AGREED]
            self._items = {(item.size, item.digest): item for item in agreed}
            self._sizes = {item.size for item in agreed}
            self._paths = {item.path for item in agreed}
        if file.path not in self._paths or file.size not in self._sizes:
            return False
        try:
            return (file.size, self._local.trashed_digest(file.where)) in self._items
        except ReplicaError:
            return False


def _clocks(journal: Journal) -> Clocks | None:
    text = journal.fact(_CLOCKS)
    return Clocks(*json.loads(text)) if text else None
