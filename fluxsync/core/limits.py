"""The kinds of change that have a limit, and what of the history counts against each."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum

from fluxsync.core.model import Action, Entry, Item, State
from fluxsync.core.operations import Operation

__all__ = [
    "LIMITED_ACTIONS",
    "SETTINGS",
    "TRASH",
    "WINDOW_S",
    "Limited",
    "caused_by",
    "causes",
    "counts",
    "is_repair",
]

#: The cause of what leaves the trash of the account.
TRASH = "trash"


class Limited(StrEnum):
    """A kind of change that has a limit."""

    DELETE_HERE = "deletions here"
    DELETE_THERE = "deletions on the account"
    MOVE = "moves because of one tag"
    EDIT_HERE = "new contents here"
    EDIT_THERE = "new contents on the account"
    BACKWARDS = "older versions"
    PURGE = "purges on the account"
    IN_DOUBT = "deletions in doubt"


#: Seconds of history that count against each limit; a limit that is not here looks at one pass alone.
WINDOW_S: Mapping[Limited, float] = {
    Limited.DELETE_HERE: 3600.0,
    Limited.DELETE_THERE: 3600.0,
    Limited.MOVE: 3600.0,
    Limited.EDIT_HERE: 600.0,
    Limited.EDIT_THERE: 600.0,
    Limited.PURGE: 3600.0,
}

#: Which actions of the history count against each limit. Against moves only those that have a cause count,
#: and those count against no other limit.
LIMITED_ACTIONS: Mapping[Limited, frozenset[Action]] = {
    Limited.DELETE_HERE: frozenset({Action.TRASH_LOCAL}),
    Limited.DELETE_THERE: frozenset({Action.TRASH_REMOTE}),
    Limited.MOVE: frozenset({Action.MOVE_LOCAL, Action.DOWNLOAD, Action.CONFLICT}),
    Limited.EDIT_HERE: frozenset({Action.DOWNLOAD, Action.CONFLICT}),
    Limited.EDIT_THERE: frozenset({Action.VERSION}),
    Limited.PURGE: frozenset({Action.PURGE}),
}

#: The setting that a person would change, and the time that counts, for the message.
SETTINGS: Mapping[Limited, tuple[str, str]] = {
    Limited.DELETE_HERE: ("max_delete", "hour"),
    Limited.DELETE_THERE: ("max_delete", "hour"),
    Limited.MOVE: ("max_move", "hour"),
    Limited.EDIT_HERE: ("max_edit", "ten minutes"),
    Limited.EDIT_THERE: ("max_edit", "ten minutes"),
    Limited.PURGE: ("max_delete", "hour"),
}


def causes(item: Item | None, remote: Entry | None) -> tuple[str, ...]:
    """Return what on the account moves a file here: its tags' keys, or the trash that it leaves."""
    if item is None or remote is None:
        return ()
    if item.state is State.TRASHED:
        return (TRASH,)
    old, new = item.folder, remote.place.folder
    if item.state is not State.AGREED or old == new:
        return ()
    return (*((f"out of {old}",) if old else ()), *((f"into {new}",) if new else ()))


def caused_by(operation: Operation) -> tuple[str, ...]:
    """Return what on the account caused a step that moved a file, or brought it out of the trash."""
    if operation.action is Action.MOVE_LOCAL or _leaves_trash(operation):
        return causes(operation.item, operation.remote)
    return ()


def counts(operation: Operation) -> bool:
    """Tell whether a step that was done counts against a limit: only what befalls a file that both had."""
    if operation.action is Action.PURGE:
        return True
    item = operation.item
    if item is None or item.state is not State.AGREED:
        return _leaves_trash(operation)
    if operation.action is Action.DOWNLOAD:
        return not is_repair(item, operation.remote)
    renames = operation.action is Action.VERSION and operation.local and operation.local.digest == item.digest
    return not renames


def _leaves_trash(operation: Operation) -> bool:
    trashed = operation.item is not None and operation.item.state is State.TRASHED
    return trashed and operation.action in LIMITED_ACTIONS[Limited.MOVE]


def is_repair(item: Item | None, remote: Entry | None) -> bool:
    """Tell whether what comes down is what was here already: a file that a loss of power cut short."""
    return (
        item is not None
        and remote is not None
        and (remote.revision, remote.size) == (item.revision, item.size)
    )
