"""Limits: what a pass may not do without a person's word, and what it holds back.

A limit counts what was done in the window before this pass, too, so that many small passes cannot do what one
large one may not. Only the kind that exceeds its limit is held back; everything else goes on.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from fluxsync.core.model import Action, Side, State
from fluxsync.core.reconcile import Change, Content, Fate

__all__ = ["LIMITED_ACTIONS", "WINDOW_S", "Held", "Limited", "Limits", "guard"]

#: How many older versions at once make a restored server likely.
_MOST_BACKWARDS = 10


class Limited(StrEnum):
    """A kind of change that has a limit."""

    DELETE_HERE = "deletions here"
    DELETE_THERE = "deletions on the account"
    MOVE = "moves because of one tag"
    EDIT_HERE = "new contents here"
    EDIT_THERE = "new contents on the account"
    BACKWARDS = "older versions"
    PURGE = "purges on the account"


#: Seconds of history that count against each limit.
WINDOW_S: Mapping[Limited, float] = {
    Limited.DELETE_HERE: 3600.0,
    Limited.DELETE_THERE: 3600.0,
    Limited.MOVE: 3600.0,
    Limited.EDIT_HERE: 600.0,
    Limited.EDIT_THERE: 600.0,
    Limited.BACKWARDS: 0.0,
    Limited.PURGE: 3600.0,
}

#: Which actions of the history count against each limit.
LIMITED_ACTIONS: Mapping[Limited, frozenset[Action]] = {
    Limited.DELETE_HERE: frozenset({Action.TRASH_LOCAL}),
    Limited.DELETE_THERE: frozenset({Action.TRASH_REMOTE}),
    Limited.MOVE: frozenset(),
    Limited.EDIT_HERE: frozenset({Action.DOWNLOAD, Action.CONFLICT}),
    Limited.EDIT_THERE: frozenset({Action.VERSION}),
    Limited.BACKWARDS: frozenset(),
    Limited.PURGE: frozenset({Action.PURGE}),
}


@dataclass(frozen=True, slots=True)
class Limits:
    """The most that may be done of each kind, exactly so many allowed; and what was done already."""

    most: Mapping[Limited, int]
    recent: Mapping[Limited, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Held:
    """A change that waits for a person, and why."""

    change: Change
    why: str


def guard(changes: Sequence[Change], limits: Limits, *, approved: bool) -> tuple[list[Change], list[Held]]:
    """Split changes into those that may go on and those held back."""
    if approved:
        return list(changes), []
    groups: dict[tuple[Limited, str], list[Change]] = {}
    for change in changes:
        for kind, cause in _kinds(change):
            groups.setdefault((kind, cause), []).append(change)
    over: dict[int, str] = {}
    for (kind, cause), group in groups.items():
        most = limits.most.get(kind, _MOST_BACKWARDS if kind is Limited.BACKWARDS else None)
        total = len(group) + limits.recent.get(kind, 0)
        if most is not None and total > most:
            what = f"{total} {kind}{cause} are more than the limit of {most}"
            over.update(dict.fromkeys(map(id, group), what))
    go = [change for change in changes if id(change) not in over]
    return go, [Held(change, over[id(change)]) for change in changes if id(change) in over]


def _kinds(change: Change) -> Iterable[tuple[Limited, str]]:
    """Name the limits that a change counts against."""
    verdict, item = change.verdict, change.item
    if verdict.fate is Fate.PURGE:
        yield Limited.PURGE, ""
        return
    if item is None or item.state is not State.AGREED:
        if item is not None and item.state is State.TRASHED and verdict.fate is not Fate.TRASH_REMOTE:
            yield Limited.MOVE, " out of the trash"
        return
    match verdict.fate:
        case Fate.TRASH_LOCAL:
            yield Limited.DELETE_HERE, ""
            return
        case Fate.TRASH_REMOTE:
            yield Limited.DELETE_THERE, ""
            return
    if verdict.content is Content.CONFLICT and change.remote and change.remote.revision <= item.revision:
        yield Limited.BACKWARDS, ""
    if verdict.content is Content.UP:
        yield Limited.EDIT_THERE, ""
    elif verdict.content in (Content.DOWN, Content.CONFLICT):
        yield Limited.EDIT_HERE, ""
    if verdict.place is Side.REMOTE and change.remote is not None:
        old, new = item.folder, change.remote.place.folder
        if old and old != new:
            yield Limited.MOVE, f" (out of tag {old})"
        if new and old != new:
            yield Limited.MOVE, f" (into tag {new})"
