"""Conflicts that were kept as two files: which still stand, and how a person settles one.

To settle a conflict changes the folder only, in steps that each lose nothing; the pass that follows sees what
was removed, edited or renamed, and brings the account in step.
"""

from __future__ import annotations

import re
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from enum import StrEnum

from fluxsync.core.conflicts import standing, unmarked
from fluxsync.core.limits import Limited
from fluxsync.core.model import Action, Entry, Item, Kind, Place, State
from fluxsync.core.operations import Operation
from fluxsync.core.paths import basename, dirname, is_below
from fluxsync.engine.view import View
from fluxsync.errors import ConfigError, Rejected, Stale
from fluxsync.replica.base import LocalReplica
from fluxsync.state.journal import ConflictRow, HeldRow, Journal

__all__ = ["Keep", "approvals", "chosen", "named", "note_conflicts", "settle"]

_MADE = re.compile(r"\(conflicted copy (\d{4}-\d\d-\d\d \d{6})\b")


class Keep(StrEnum):
    """Which content of a conflict is kept."""

    LOCAL = "local"  # the conflict copy's: it takes the name
    REMOTE = "remote"  # the account's, which has the name
    BOTH = "both"  # two ordinary files


def note_conflicts(
    journal: Journal,
    files: Mapping[str, Entry],
    view: View,
    done: Sequence[Operation],
    now_s: float,
) -> None:
    """Write down which conflicts stand after a round that saw these files and did these operations."""
    known = journal.conflicts()
    paths = set(files)
    if not view.whole:
        paths.update(path for row in known for path in (row.path, row.copy_path) if not view.covers(path))
    for operation in done:
        match operation.action:
            case Action.TRASH_LOCAL:
                paths.discard(operation.path)
            case Action.MOVE_LOCAL:
                paths.discard(operation.path)
                paths.add(operation.target)
            case Action.CONFLICT:
                paths.add(operation.target)
            case Action.DOWNLOAD:
                paths.add(operation.path)
    pairs = standing(((row.path, row.copy_path) for row in known), paths)
    rows = _rows(known, pairs, view.items, now_s) if pairs else []
    if rows != known:
        journal.set_conflicts(rows)


def _rows(
    known: Sequence[ConflictRow], pairs: Mapping[str, str], items: Iterable[Item], now_s: float
) -> list[ConflictRow]:
    """Return the rows of pairs (copy -> original), oldest first."""
    before = {(row.path, row.copy_path): row for row in known}
    keys = {item.path: item.key for item in items if item.kind is Kind.FILE and item.state is State.AGREED}
    found = []
    for copy, path in pairs.items():
        row = before.get((path, copy)) or ConflictRow(path, copy, "", _made(copy, now_s))
        found.append(replace(row, asset_id=keys.get(path, row.asset_id)))
    return sorted(found, key=lambda row: (row.time, row.path, row.copy_path))


def chosen(rows: Sequence[ConflictRow], path: str) -> list[ConflictRow]:
    """Return the conflicts that a path names: the file, its copy, or a folder that holds them."""
    return [row for row in rows if path in (row.path, row.copy_path) or not path or is_below(row.path, path)]


def named(rows: Sequence[ConflictRow], paths: Mapping[str, str], keep: Keep) -> list[ConflictRow]:
    """Return the conflicts at these paths, each given by what a person called it.

    Raises `ConfigError` where there is none, or too many.
    """
    found: dict[tuple[str, str], ConflictRow] = {}
    for text, path in paths.items():
        there = chosen(rows, path)
        if not there:
            raise ConfigError(f"nothing is in conflict at {text}; `fluxsync conflicts` lists what is")
        found.update({(row.path, row.copy_path): row for row in there})
    if keep is Keep.LOCAL:
        originals = [row.path for row in found.values()]
        for path in originals:
            if originals.count(path) > 1:
                raise ConfigError(f"{path} has {originals.count(path)} conflict copies: name the one to keep")
    return list(found.values())


def settle(local: LocalReplica, row: ConflictRow, keep: Keep) -> str:
    """Settle one conflict in the folder; returns what was done, for people.

    Raises `Stale` where one of the two files is not there any more, `Busy`, `Full`, `Rejected`, `Halted`.
    """
    copy = _present(local, row.copy_path)
    if keep is Keep.REMOTE:
        _present(local, row.path)  # else nothing would be kept
        local.trash(copy)
        return f"kept the account's content; {row.copy_path} is in the trash"
    if keep is Keep.BOTH:
        return f"kept as two files, the copy as {_rename(local, copy)}"
    winner = _present(local, row.path)
    content = local.open(copy)
    mtime_ns = copy.stamp.mtime_ns if copy.stamp is not None else None
    try:
        # One step, and the copy still beside it: killed right after, the conflict stands with equal contents.
        local.put(winner.place, content, winner, mtime_ns=mtime_ns)
    finally:
        content.close()
    local.trash(copy)
    return f"kept the content of {row.copy_path}; the account's is in the trash"


def approvals(row: ConflictRow, keep: Keep, journal: Journal) -> list[HeldRow]:
    """Return what the next pass has to do for it: a person asked for that, so no limit holds it back."""
    copy, winner = journal.file_at(row.copy_path), journal.file_at(row.path)
    if copy is None or keep is Keep.BOTH:
        return []
    rows = [_approved(Action.TRASH_REMOTE, copy, "", Limited.DELETE_THERE)]
    if keep is Keep.LOCAL and winner is not None:
        rows.append(_approved(Action.VERSION, winner, copy.digest, Limited.EDIT_THERE))
    return rows


def _approved(action: Action, item: Item, digest: str, limit: Limited) -> HeldRow:
    return HeldRow(str(action), item.path, item.key, "", str(limit), item.revision, digest, approved=True)


def _present(local: LocalReplica, path: str) -> Entry:
    entry = local.look(Entry(Kind.FILE, Place(dirname(path), basename(path))))
    if entry is None:
        raise Stale(f"{path}: it is not there any more")
    return entry


def _rename(local: LocalReplica, copy: Entry) -> str:
    def taken(path: str) -> bool:
        place = Place(dirname(path), basename(path))
        try:
            return any(local.look(Entry(kind, place)) is not None for kind in Kind)
        except Rejected:
            return True  # a link or the like

    path = unmarked(copy.path, taken, max_bytes=local.capabilities.names.max_name_bytes)
    return local.move(copy, Place(dirname(path), basename(path))).path


def _made(copy: str, now_s: float) -> float:
    """Return when a conflict copy was made, by its name, in seconds since 1970."""
    label = _MADE.search(copy)
    try:
        return (
            time.mktime(datetime.strptime(label.group(1), "%Y-%m-%d %H%M%S").timetuple()) if label else now_s
        )
    except (ValueError, OverflowError):
        return now_s
