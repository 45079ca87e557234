"""Limits: what a pass may not do without a person's word, and what it holds back.

A limit counts what was done in the window before this pass, too, so that many small passes cannot do what one
large one may not. Only the kind that exceeds its limit is held back; everything else goes on. What a person
approved goes, and counts against nothing.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from fluxsync.core.held import Held, Mark, mark_of
from fluxsync.core.limits import LIMITED_ACTIONS, SETTINGS, TRASH, WINDOW_S, Limited, causes, is_repair
from fluxsync.core.model import Item, Kind, Side, Snapshot, State
from fluxsync.core.paths import dirname
from fluxsync.core.reconcile import Change, Content, Fate

__all__ = ["LIMITED_ACTIONS", "WINDOW_S", "Guarded", "Limited", "Limits", "disbelief", "guard", "is_doubtful"]

#: How many older versions at once make a restored server likely.
_MOST_BACKWARDS = 10
_RESTORED = "its server may have been restored"
_STILL = "gone since the account was empty or an older state of itself: that deletes nothing by itself"


@dataclass(frozen=True, slots=True)
class Limits:
    """The most that may be done of each kind, exactly so many allowed; and what was done already."""

    most: Mapping[Limited, int]
    #: By kind and cause; the cause is "" but for moves.
    recent: Mapping[tuple[Limited, str], int] = field(default_factory=dict)
    #: What resolving a conflict counts as.
    conflicts: Limited = Limited.EDIT_HERE
    #: Why the account is not believed when it says that an asset is gone; "": it is believed.
    disbelief: str = ""
    #: Keys of assets whose absence was in doubt before, and stays so until a person decides or they are back.
    doubts: Collection[str] = frozenset()
    #: The assets that had new contents lately, by kind: one that is saved over and over counts once.
    edited: Mapping[Limited, frozenset[str]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Guarded:
    """Changes that may go on, those held back, and those of the first that a person let through."""

    go: list[Change]
    held: list[Held] = field(default_factory=list)
    approved: list[Held] = field(default_factory=list)


def guard(
    changes: Sequence[Change],
    limits: Limits,
    approvals: Mapping[Mark, Collection[str]],
    *,
    approve_all: bool = False,
) -> Guarded:
    """Split changes into those that may go on and those held back.

    `approvals` names the changes that a person let through, each with the limits that held it then. With
    `approve_all` this person has said so of whatever would be held.
    """
    let_through: dict[int, Held] = {}
    groups: dict[tuple[Limited, str], list[Change]] = {}
    labels: dict[tuple[Limited, str], str] = {}
    went_back = limits.disbelief or _went_back(changes)
    for change in changes:
        approved = approvals.get(mark_of(change), ()) if approvals else ()
        if approved:
            let_through[id(change)] = Held(change, tuple(approved), "approved")
        for kind, cause, label in _kinds(change, limits, went_back):
            if kind not in approved:
                groups.setdefault((kind, cause), []).append(change)
                labels.setdefault((kind, cause), label)
    over: dict[int, list[tuple[Limited, str]]] = {}
    for (kind, cause), group in groups.items():
        done = limits.recent.get((kind, cause), 0)
        done += len(limits.edited.get(kind, frozenset()).difference(map(_key, group)))
        why = _exceeds(kind, labels[kind, cause], len(group), done, limits)
        if why:
            for change in group:
                over.setdefault(id(change), []).append((kind, why))
    held = [
        _held(change, over[id(change)], let_through.get(id(change)))
        for change in changes
        if id(change) in over
    ]
    if approve_all:
        let_through |= {id(each.change): each for each in held}
        held = []
    waiting = {id(each.change) for each in held}
    go = [change for change in changes if id(change) not in waiting]
    return Guarded(go, held, [let_through[id(change)] for change in go if id(change) in let_through])


def disbelief(remote: Snapshot, items: Collection[Item]) -> str:
    """Return why the account is not believed about what is gone for good; "" where it is.

    What lies in the trash of the account was put there by somebody, and a list that shows it is no empty one.
    """
    if remote.replaced:
        return f"{len(remote.replaced)} ids on the account mean other assets now: {_RESTORED}"
    tracked = any(item.kind is Kind.FILE and item.state is State.AGREED for item in items)
    if tracked and remote.complete and remote.scope.everything and not remote.files:
        return "the account is suddenly empty: that deletes nothing by itself"
    return ""


def is_doubtful(change: Change, limits: Limits) -> bool:
    """Tell whether a file's asset is gone only as far as an account says that is not believed."""
    if change.verdict.fate is not Fate.TRASH_LOCAL or change.remote is not None or change.item is None:
        return False
    return bool(limits.disbelief) or change.item.key in limits.doubts


def _kinds(change: Change, limits: Limits, disbelief: str) -> Iterator[tuple[Limited, str, str]]:
    """Name the limits that a change counts against, with the cause, and the cause in words."""
    verdict, item, remote = change.verdict, change.item, change.remote
    if verdict.fate is Fate.PURGE:
        yield Limited.PURGE, "", Limited.PURGE
        return
    if item is None:
        return
    if item.state is not State.AGREED:
        if item.state is State.TRASHED and verdict.fate is not Fate.TRASH_REMOTE:
            yield Limited.MOVE, TRASH, "assets out of the trash"
        return
    match verdict.fate:
        case Fate.TRASH_LOCAL:
            yield Limited.DELETE_HERE, "", Limited.DELETE_HERE
            if is_doubtful(change, limits) or (disbelief and remote is None):
                yield Limited.IN_DOUBT, "", disbelief or _STILL
            return
        case Fate.TRASH_REMOTE:
            yield Limited.DELETE_THERE, "", Limited.DELETE_THERE
            return
    if _is_backwards(change):
        yield Limited.BACKWARDS, "", ""
    if verdict.content is Content.UP:
        yield Limited.EDIT_THERE, "", Limited.EDIT_THERE
    elif verdict.content is Content.CONFLICT:
        yield limits.conflicts, "", limits.conflicts
    elif verdict.content is Content.DOWN and not is_repair(item, remote):
        yield Limited.EDIT_HERE, "", Limited.EDIT_HERE
    moves = change.local is not None and change.local.path != change.path
    if verdict.place is Side.REMOTE and moves:
        for cause in causes(item, remote):
            away = cause.startswith("out of")
            place = f"out of {dirname(item.path)}" if away else f"into {change.node.path}"
            yield Limited.MOVE, cause, f"moves {place}"


def _key(change: Change) -> str:
    return change.item.key if change.item is not None else ""


def _exceeds(kind: Limited, label: str, now: int, done: int, limits: Limits) -> str:
    """Return why so many are too many; "" where they are not."""
    if kind is Limited.IN_DOUBT:
        return label
    if kind is Limited.BACKWARDS:
        return _older(now) if now > _MOST_BACKWARDS else ""
    most = limits.most.get(kind)
    if most is None or now + done <= most:
        return ""
    setting, window = SETTINGS[kind]
    return f"{now + done} {label} over the last {window}, more than the limit of {most} ([safety] {setting})"


def _held(change: Change, reasons: Sequence[tuple[Limited, str]], approved: Held | None) -> Held:
    """Name what holds a change; what was approved of it already is approved with the rest."""
    kinds = [*(approved.kinds if approved is not None else ()), *(str(kind) for kind, _ in reasons)]
    return Held(change, tuple(dict.fromkeys(kinds)), "; ".join(dict.fromkeys(why for _, why in reasons)))


def _is_backwards(change: Change) -> bool:
    item, remote = change.item, change.remote
    if item is None or remote is None or item.state is not State.AGREED:
        return False
    return change.verdict.content is Content.CONFLICT and remote.revision <= item.revision


def _went_back(changes: Sequence[Change]) -> str:
    """Return why the account seems to be an older state of itself; "" where it does not."""
    older = sum(map(_is_backwards, changes))
    return _older(older) if older > _MOST_BACKWARDS else ""


def _older(count: int) -> str:
    return f"{count} versions on the account are older than before: {_RESTORED}"
