"""A bandwidth limit shared by all movers of one direction."""

from __future__ import annotations

import threading
from collections.abc import Callable

__all__ = ["Throttle"]


class Throttle:
    """A token bucket that holds one second's worth; without a rate it lets everything through."""

    def __init__(
        self, rate: float | None, clock: Callable[[], float], sleep: Callable[[float], None]
    ) -> None:
        self._rate = rate
        self._clock = clock
        self._sleep = sleep
        self._lock = threading.Lock()
        self._room = rate or 0.0
        self._seen = clock()

    def take(self, count: int) -> None:
        """Wait until `count` bytes may pass.

        A block larger than the bucket drives it below zero, and whoever comes next waits longer.
        """
        if not self._rate:
            return
        with self._lock:
            now = self._clock()
            self._room = min(self._rate, self._room + (now - self._seen) * self._rate) - count
            self._seen = now
            wait_s = -self._room / self._rate
        if wait_s > 0:
            self._sleep(wait_s)
