"""Finds the dirty paths by itself, where no event tells them: a walk that compares, and loads nothing."""

from __future__ import annotations

from fluxsync.engine.pair import Pair

__all__ = ["changed"]

#: More than so many, and it is cheaper to look at everything.
_MOST = 1000


def changed(pair: Pair) -> frozenset[str]:
    """Return the paths in the folder that are not as agreed; "" is the whole folder.

    Raises `Halted`, `ReplicaError`.
    """
    found = pair.local.differences(pair.journal.looks())
    return frozenset(found) if len(found) <= _MOST else frozenset({""})
