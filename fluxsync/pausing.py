"""Stops transfers, or lets them go on, where no service runs: the next one that starts heeds it."""

from __future__ import annotations

from contextlib import ExitStack
from typing import TYPE_CHECKING

from fluxsync.lock import hold_lock
from fluxsync.root_checks import check_root
from fluxsync.state.journal import Journal

if TYPE_CHECKING:
    from fluxsync.settings import Settings

__all__ = ["set_paused"]


def set_paused(settings: Settings, paused: bool) -> None:
    """Note in the journal whether a service may transfer.

    Raises `ConfigError`, `Halted` (no root), `Locked`, `StateError`.
    """
    root = settings.local.root
    check_root(root, settings.journal_path)
    with ExitStack() as stack:
        # Before the first pass there is nothing that could be locked, and nobody who could be at work.
        if (root / ".fluxsync").is_dir():
            stack.enter_context(hold_lock(root))
        journal = Journal.open(settings.journal_path)
        stack.callback(journal.close)
        journal.set_facts({"paused": "yes" if paused else None})
