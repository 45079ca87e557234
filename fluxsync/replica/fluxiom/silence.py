"""For how long an account has been asked without anything coming back: no answer, and no byte that moved."""

from __future__ import annotations

import threading
from collections.abc import Callable

__all__ = ["Silence"]


class Silence:
    """Begins with the first request that gets nothing back, ends with whatever comes.

    Time in which nothing was asked is no silence: an hour of reading files here says nothing of the account.
    """

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._under_way = 0
        self._since: float | None = None

    @property
    def seconds(self) -> float:
        since = self._since
        return 0.0 if since is None else max(0.0, self._clock() - since)

    def asked(self) -> None:
        """Note that a request leaves."""
        with self._lock:
            self._under_way += 1
            if self._since is None:
                self._since = self._clock()

    def moved(self) -> None:
        """Note an answer, or bytes on their way, in either direction."""
        with self._lock:
            self._since = self._clock() if self._under_way else None

    def ended(self, *, answered: bool) -> None:
        """Note that a request is over; one that is not `answered` leaves the silence as it is."""
        with self._lock:
            self._under_way -= 1
            if answered and not self._under_way:
                self._since = None
