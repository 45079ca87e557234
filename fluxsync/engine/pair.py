"""Two sides and what is remembered of them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from fluxsync.replica.base import LocalReplica, RemoteReplica
from fluxsync.state.journal import Journal

__all__ = ["Pair"]


@dataclass(frozen=True, slots=True)
class Pair:
    """Two sides and what is remembered of them."""

    local: LocalReplica
    remote: RemoteReplica
    journal: Journal
    connections: int = 8
    #: How much was asked of the account so far, and for how long nothing has come back.
    requests: Callable[[], int] = lambda: 0
    idle_s: Callable[[], float] = lambda: 0.0
    #: How many files were set beside so far, because somebody saved them in the moment of a change.
    set_beside: Callable[[], int] = lambda: 0
