"""Who looks on while a pass runs."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field

from fluxsync.core.operations import Operation, Plan
from fluxsync.core.owed import Owed
from fluxsync.core.under_way import UnderWay
from fluxsync.engine.meter import Meter

__all__ = ["Watcher"]


@dataclass(slots=True)
class Watcher:
    """Who looks on: told what begins, what is done, and how many bytes have moved."""

    on_phase: Callable[[str], None] = lambda phase: None
    on_plan: Callable[[Plan], None] = lambda plan: None
    on_done: Callable[[Operation], None] = lambda operation: None
    meter: Meter = field(default_factory=Meter)
    clock: Callable[[], float] = time.time
    wait: Callable[[float], None] = time.sleep
    #: May make another pass while transfers last: told what is under way, and what the account has that was
    #: not brought here yet. Called by the thread that makes the pass.
    beside: Callable[[Callable[[], UnderWay], Callable[[], Owed]], None] | None = None
