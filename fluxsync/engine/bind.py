"""A journal belongs to one root and one account.

A root that is another one, or an account that is, would look as if everything had been deleted.
"""

from __future__ import annotations

import secrets
from typing import Protocol

from fluxsync.errors import FluxsyncError, Halted
from fluxsync.state.journal import Journal

__all__ = ["MarkedRoot", "bind_account", "bind_lineage", "bind_root"]

_CURE = "`fluxsync rebuild` merges both sides again and deletes nothing"
_TAKING_TURNS = (
    "another journal has worked on this folder since (where two configurations take turns on it, give up one)"
)
_OTHER = "two pairs need two journals: see [journal] path"


class MarkedRoot(Protocol):
    """A root that carries an id of its own."""

    def root_id(self) -> str | None: ...

    def write_root_id(self, root_id: str) -> None: ...

    def journal_mark(self, account: str) -> str | None: ...

    def write_journal_mark(self, account: str, mark: str) -> None: ...


def bind_root(journal: Journal, root: MarkedRoot, *, dry_run: bool = False) -> None:
    """Make sure that this is the journal's root, or make it so where the journal knows none.

    Raises `Halted` when the marker is missing or another.
    """
    known, found = journal.fact("root_id"), root.root_id()
    if known is not None:
        if found is None:
            raise Halted(
                f"the folder has lost its marker, so it may be another one or not mounted: {_CURE}; {_OTHER}"
            )
        if found != known:
            raise Halted(f"this is another folder than the one the journal knows: {_CURE}; {_OTHER}")
        return
    if dry_run:
        return
    if found is None:
        found = secrets.token_hex(16)
        root.write_root_id(found)
    if journal.claim("root_id", found) != found:
        raise Halted(f"another folder has taken the journal in this moment: {_OTHER}")


def bind_lineage(journal: Journal, root: MarkedRoot, account: str) -> None:
    """Make sure that no later journal has worked on this root: an older copy does not know what came since.

    By such a copy a file that moved would have been edited, and another in its place would be a second
    asset. One that is behind starts over. From here on the root hears how far this journal is.
    """

    def note(mark: str) -> None:
        try:
            root.write_journal_mark(account, mark)
        except FluxsyncError:
            pass  # it is evidence only, and what hinders it the pass finds out by itself

    journal.on_advance = note
    mark = root.journal_mark(account)
    if journal.is_behind(mark):
        is_another = not (mark or "").startswith(f"{journal.journal_id} ")
        journal.start_over(_TAKING_TURNS if is_another else "the journal was an older copy")


def bind_account(journal: Journal, account: str, *, dry_run: bool = False) -> None:
    """Make sure that this is the journal's account. Raises `Halted` when it is another."""
    known = journal.fact("account") if dry_run else journal.claim("account", account)
    if known not in (None, account):
        raise Halted(f"the journal belongs to the account {known}, not to {account}: {_CURE}")
