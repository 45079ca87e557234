"""What lies in both trashes: since when, by which pass, and why."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Collection, Mapping, Sequence

from fluxsync.core.model import Action, Item, Kind, Side, Snapshot, State
from fluxsync.core.purge import trashed_path
from fluxsync.core.restore import InTrash
from fluxsync.core.trash import DAY_S, TrashedFile
from fluxsync.state.journal import Event, Journal

__all__ = ["listed_here", "listed_there"]

#: Seconds within which a step is in the history after it was done.
_TOLD_S = 3600.0
_THERE = (Action.TRASH_REMOTE, Action.TRASH_LOCAL)


def listed_here(files: Sequence[TrashedFile], journal: Journal, days: float) -> list[InTrash]:
    """Return what is in the trash here, newest first."""
    by_path: dict[str, list[Event]] = {}
    for event in journal.takings():
        by_path.setdefault(event.path, []).append(event)
    seen = journal.first_seen(Side.LOCAL)
    found = []
    for file in sorted(files, key=lambda file: (file.when, len(file.where), file.where)):
        events = by_path.get(file.path, [])
        told = (e for e in events if file.when <= e.time < file.when + _TOLD_S)
        taking = min(told, key=lambda event: event.time, default=None)
        if taking is not None:
            events.remove(taking)  # of two within one second each has its own
        found.append(_here(file, taking, seen, days))
    return sorted(found, key=lambda thing: (-thing.when, thing.path))


def listed_there(
    remote: Snapshot | None, items: Collection[Item], journal: Journal, days: float
) -> list[InTrash]:
    """Return what is in the trash of the account, newest first; else what the journal knows."""
    known = {item.key: item for item in items if item.kind is Kind.FILE}
    last: dict[str, Event] = {}
    for event in journal.takings():
        if event.action in _THERE:
            last[event.asset_id] = event
    seen = journal.first_seen(Side.REMOTE)
    found = []
    if remote is None:
        for item in known.values():
            if item.state is State.TRASHED:
                thing = InTrash(Side.REMOTE, _number(item.key), item.path, item.size, 0.0, item=item)
                found.append((item.key, thing))
    else:
        for key, entry in remote.files.items():
            if entry.trashed:
                path = trashed_path(entry, known.get(key), remote)
                when = entry.modified_ns / 1e9
                thing = InTrash(
                    Side.REMOTE, _number(key), path, entry.size, when, asset=entry, item=known.get(key)
                )
                found.append((key, thing))
    rows = [_there(key, thing, last.get(key), seen.get(key), days) for key, thing in found]
    return sorted(rows, key=lambda thing: (-thing.when, thing.path))


def _here(file: TrashedFile, event: Event | None, seen: Mapping[str, float], days: float) -> InTrash:
    since = max(file.when, seen.get(file.batch, file.when))
    return InTrash(
        Side.LOCAL,
        "h" + hashlib.sha256(os.fsencode(file.where)).hexdigest()[:8],
        file.path,
        file.size,
        file.when,
        _why(event) if event else "",
        event.pass_number if event else 0,
        since + days * DAY_S if days else None,
        file=file,
    )


def _why(event: Event) -> str:
    if event.action in (*_THERE, Action.CONFLICT):
        return event.detail
    return f"replaced: {event.detail}"


def _there(key: str, thing: InTrash, event: Event | None, seen: float | None, days: float) -> InTrash:
    since = max(thing.when, seen or 0.0)
    ours = event is not None and event.action == Action.TRASH_REMOTE
    return InTrash(
        thing.side,
        thing.id,
        thing.path,
        thing.size,
        event.time if event is not None else since,
        event.detail if event is not None and ours else "put there on the account",
        event.pass_number if event is not None else 0,
        since + days * DAY_S if days and seen is not None else None,
        asset=thing.asset,
        item=thing.item,
    )


def _number(key: str) -> str:
    return key.partition("@")[0]
