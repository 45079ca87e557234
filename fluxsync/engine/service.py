"""What a running service lets others do: the socket, the page and signals know it by this and no more.

Only the deciding thread works on the pair; whoever asks waits for it. All methods are called from any thread.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Protocol

from fluxsync.engine.status import Status
from fluxsync.engine.watcher import Watcher

__all__ = ["Outcome", "Service", "Task", "Verb"]


class Verb(StrEnum):
    """What a person can ask for; each ends with a complete pass, but for EMPTY."""

    SYNC = "sync"
    APPROVE = "approve"
    RESOLVE = "resolve"
    RESTORE = "restore"
    EMPTY = "empty"
    REBUILD = "rebuild"


@dataclass(frozen=True, slots=True)
class Task:
    """Something to be done to a pair under its lock; `args` is JSON."""

    verb: Verb
    args: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of a task, as JSON: the exit code, the command's document, and what it tells a person."""

    code: int
    document: Mapping[str, object]
    told: Mapping[str, object] = field(default_factory=dict)


class Service(Protocol):
    """A service at work on one pair."""

    def status(self) -> Status:
        """Return the picture of this moment, live: what moves, what waits."""
        ...

    def totals(self) -> Mapping[str, float]:
        """Return what was done since the start, by name: passes, requests, bytes up and down, failures."""
        ...

    def perform(self, task: Task, watcher: Watcher | None = None, timeout_s: float | None = None) -> Outcome:
        """Have the task done by the deciding thread and wait for it.

        `watcher` hears what it does, from other threads. Raises the `FluxsyncError` that ended it, and
        `TimeoutError` after `timeout_s`; the task goes on all the same.
        """
        ...

    def pause(self) -> None:
        """Stop transfers, also those in hand; holds until `resume`, also over a restart."""
        ...

    def resume(self) -> None: ...
