"""What the service has in hand: the pass that runs now, and how it is made to let go."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from fluxsync.engine.live import Live
from fluxsync.engine.meter import Meter
from fluxsync.engine.watcher import Watcher
from fluxsync.errors import Interrupted

__all__ = ["Hand"]


class Hand:
    """Gives each pass a watcher that tells `alive` of every step, and the picture that something is done."""

    def __init__(self, alive: Callable[[], None], live: Live) -> None:
        self._alive = alive
        self._live = live
        self._lock = threading.RLock()
        #: Of the pass in hand, and of the one that is made beside it.
        self._meters: tuple[Meter, ...] = ()
        self._let_go = threading.Event()
        self._stopped = False
        self._paused = False

    @property
    def paused(self) -> bool:
        """Whether passes are broken off until somebody lets them go on."""
        return self._paused

    @property
    def was_let_go(self) -> bool:
        """Whether the last pass was broken off from here: that says nothing of the account."""
        return self._let_go.is_set()

    def let_go(self, why: str) -> None:
        """Break off what moves, at its next block, and what would begin; may be called by a signal."""
        with self._lock:
            self._stopped = self._stopped or why == "stopped"
            self._paused = self._paused or why == "paused"
            self._let_go.set()
            for meter in self._meters:
                meter.stop()

    def go_on(self) -> None:
        """Let passes begin again after a pause."""
        with self._lock:
            self._paused = False

    @contextmanager
    def watching(self, other: Watcher | None = None) -> Iterator[Watcher]:
        """Give the watcher of one pass, maybe beside another one; `other` hears of it, too."""
        meter = Meter(self._moved if other is None else _both_moved(self._moved, other.meter))
        before = self._meters
        with self._lock:
            self._meters = (*before, meter)
            if self._stopped or self._paused:
                meter.stop()
            elif not before:
                self._let_go.clear()
        watcher = Watcher(meter=meter, wait=self._wait)
        for name in ("on_phase", "on_plan", "on_done"):
            setattr(watcher, name, self._told(getattr(other, name)) if other is not None else self._moved)
        self._live.working(self._meters)
        try:
            yield watcher
        finally:
            self._live.working(before)
            with self._lock:
                self._meters = before

    def _wait(self, seconds: float) -> None:
        if self._let_go.wait(seconds):
            raise Interrupted
        self._alive()

    def _moved(self, *what: object) -> None:
        self._alive()

    def _told(self, other: Callable[..., None]) -> Callable[..., None]:
        def tell(*what: object) -> None:
            self._alive()
            other(*what)

        return tell


def _both_moved(own: Callable[[], None], other: Meter) -> Callable[[int, bool], None]:
    def moved(count: int, up: bool) -> None:
        own()
        other.add(count, up=up)

    return moved
