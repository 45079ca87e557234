"""What a limit holds back, and how exactly that change is known again when a person approves it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from fluxsync.core.model import Action, Side
from fluxsync.core.reconcile import Change, Content, Fate

__all__ = ["Held", "Mark", "mark_of"]

_FATES = {
    Fate.TRASH_LOCAL: Action.TRASH_LOCAL,
    Fate.TRASH_REMOTE: Action.TRASH_REMOTE,
    Fate.PURGE: Action.PURGE,
}
_CONTENTS = {
    Content.UP: Action.VERSION,
    Content.DOWN: Action.DOWNLOAD,
    Content.CONFLICT: Action.CONFLICT,
}


@dataclass(frozen=True, slots=True)
class Mark:
    """One change exactly: another version, another content here or another place make it another change."""

    action: str
    path: str
    key: str
    revision: int
    digest: str


@dataclass(frozen=True, slots=True)
class Held:
    """A change that waits for a person, the limits that hold it, and why in one line."""

    change: Change
    kinds: Sequence[str]
    why: str

    @property
    def mark(self) -> Mark:
        return mark_of(self.change)


def mark_of(change: Change) -> Mark:
    """Return what an approval of this change has to name."""
    item, remote, local = change.item, change.remote, change.local
    key = remote.key if remote is not None else item.key if item is not None else ""
    revision = remote.revision if remote is not None else item.revision if item is not None else 0
    digest = local.digest or "" if local is not None else ""
    return Mark(str(_action(change)), change.path, key, revision, digest)


def _action(change: Change) -> Action:
    """Return the word for what would be done first of all to this file."""
    verdict = change.verdict
    action = _FATES.get(verdict.fate) or _CONTENTS.get(verdict.content)
    if action is not None:
        return action
    return Action.MOVE_LOCAL if verdict.place is Side.REMOTE else Action.MOVE_REMOTE
