"""The decision table: what both sides show of an item, to a verdict."""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import Enum

from fluxsync.core.model import Side
from fluxsync.core.observe import Presence, Update

__all__ = ["Content", "Fate", "Verdict", "decide"]


class Fate(Enum):
    """What becomes of an item as a whole."""

    LIVE = "live"  # on both sides
    TRASH_LOCAL = "trash-local"
    TRASH_REMOTE = "trash-remote"
    FORGET = "forget"
    CREATE = "create"  # a new asset for the file
    RESTORE = "restore"  # the asset out of the trash, and then live
    LEAVE = "leave"  # not enough is known
    PURGE = "purge"  # deleted from the trash of the account for good


class Content(Enum):
    """Which way content goes."""

    NONE = "none"
    UP = "up"
    DOWN = "down"
    CONFLICT = "conflict"
    EQUAL = "equal"  # both changed, to the same


@dataclass(frozen=True, slots=True)
class Verdict:
    fate: Fate
    content: Content = Content.NONE
    #: Whose place and name hold, where both sides live.
    place: Side = Side.LOCAL
    why: str = ""


def decide(here: Update, there: Update, *, equal: bool = False, buried: bool = False) -> Verdict:
    """Return the verdict for an item that both sides once agreed on.

    `equal`: both contents are the same bytes. `buried`: the account's new content did not know the version
    that this machine sent.
    """
    if here.presence is Presence.UNKNOWN or there.presence is Presence.UNKNOWN:
        return Verdict(Fate.LEAVE)
    if there.trashed_last and not (here.edited or here.moved or here.returned):
        there = replace(there, edited=False)

    if here.presence is Presence.GONE:
        if there.presence is not Presence.HERE and not there.edited:
            return Verdict(Fate.FORGET, why="gone on both sides")
        if there.edited:
            fate = Fate.RESTORE if there.presence is Presence.TRASHED else Fate.LIVE
            return Verdict(
                fate, Content.DOWN, Side.REMOTE, "new content on the account wins over the deletion here"
            )
        return Verdict(Fate.TRASH_REMOTE, why="deleted here")

    if there.presence is Presence.GONE:
        if here.edited:
            return Verdict(Fate.CREATE, why="deleted on the account, but edited here: the edit wins")
        if here.moved:
            return Verdict(Fate.CREATE, why="deleted on the account, but moved here")
        if here.returned:
            return Verdict(Fate.CREATE, why="deleted on the account, but back here")
        return Verdict(Fate.TRASH_LOCAL, why="deleted on the account")

    if there.presence is Presence.TRASHED and not there.edited:
        if here.edited:
            return Verdict(
                Fate.RESTORE, Content.UP, Side.LOCAL, "in the remote trash, but edited here: the edit wins"
            )
        if here.moved:
            return Verdict(Fate.RESTORE, Content.NONE, Side.LOCAL, "in the remote trash, but moved here")
        if here.returned:
            return Verdict(Fate.RESTORE, Content.NONE, Side.LOCAL, "in the remote trash, but back here")
        return Verdict(Fate.TRASH_LOCAL, why="in the remote trash")

    fate = Fate.RESTORE if there.presence is Presence.TRASHED else Fate.LIVE
    place = Side.REMOTE if there.moved else Side.LOCAL
    if equal and (here.edited or there.edited):
        return Verdict(fate, Content.EQUAL, place, "equal on both sides")
    if there.backwards:
        return Verdict(fate, Content.CONFLICT, place, "the account went back to an older version")
    if here.edited and there.edited:
        return Verdict(fate, Content.CONFLICT, place, "new content on both sides")
    if here.edited:
        return Verdict(fate, Content.UP, place, "edited here")
    if there.edited and buried:
        return Verdict(
            fate, Content.CONFLICT, place, "a version on the account did not know the one sent from here"
        )
    if there.edited:
        return Verdict(fate, Content.DOWN, place, "new content on the account")
    if here.damaged:
        return Verdict(fate, Content.DOWN, place, "cut short here without having been saved: brought again")
    if there.moved:
        return Verdict(fate, Content.NONE, place, "moved or renamed on the account")
    if here.moved:
        return Verdict(fate, Content.NONE, place, "moved or renamed here")
    if here.returned:
        return Verdict(fate, Content.NONE, place, "back here as it was")
    return Verdict(fate, Content.NONE, place, "taken out of the trash" if fate is Fate.RESTORE else "")
