"""What a shift works with: the open pair, and what the service has whatever pair is open."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from typing import Protocol

from fluxsync.engine.dirty import Dirt
from fluxsync.engine.hand import Hand
from fluxsync.engine.live import Live
from fluxsync.engine.report import Report
from fluxsync.engine.service import Outcome, Task
from fluxsync.engine.wake import Wake
from fluxsync.engine.watcher import Watcher
from fluxsync.replica.base import RemoteReplica
from fluxsync.state.journal import Journal

__all__ = ["Desk", "Ending", "Site", "Timing"]


class Site(Protocol):
    """A pair that is open: only the deciding thread uses it."""

    @property
    def journal(self) -> Journal: ...

    @property
    def remote(self) -> RemoteReplica: ...

    def run(self, watcher: Watcher, *, dirt: Dirt | None = None) -> Report: ...

    def run_beside(self, watcher: Watcher, dirt: Dirt) -> Report:
        """Make a pass over a part while another one waits for its transfers."""
        ...

    def perform(self, task: Task, watcher: Watcher) -> tuple[Outcome, Report | None]: ...

    def list_unread(self, watcher: Watcher) -> Report | None:
        """Make a full list without reading it, as `standstill` has it."""
        ...

    def changed(self) -> frozenset[str]:
        """Look at the whole folder for what is not as agreed, as `rescan` has it."""
        ...

    def before_walk(self) -> None:
        """Do what belongs before a look at the whole folder: watch what was out of reach."""
        ...

    def is_watched(self) -> bool:
        """Tell whether events show whatever changes in the folder."""
        ...


@dataclass(frozen=True, slots=True)
class Timing:
    """What the configuration says about time, in seconds."""

    settle_s: float
    poll_s: float
    list_s: float
    #: How often the whole folder is walked, and how often where events do not show all that changes.
    rescan_s: float = 3600.0
    unwatched_s: float = 60.0


class Ending(Enum):
    """Why the work on an open pair ended."""

    STOP = "stop"
    RELOAD = "reload"
    #: The pair has to be opened anew: the root, the journal or the credentials are not what they were.
    REOPEN = "reopen"
    AFRESH = "afresh"


@dataclass(frozen=True, slots=True)
class Desk:
    """What the service has whatever pair is open: it is the same for each shift."""

    wake: Wake
    hand: Hand
    live: Live
    clock: Callable[[], float]
    wall_s: Callable[[], float]
    on_rest: Callable[[], None]
    on_report: Callable[[Report, Dirt | None], None]
    #: Tell what the service is doing, where that is news.
    tell: Callable[[], None]
    #: The most seconds between two signs of life.
    beat_s: float
