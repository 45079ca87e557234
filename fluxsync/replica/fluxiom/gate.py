"""The pause that a service asks for, and how many requests it takes at a time.

After a 429 or 503 no request at all leaves before its Retry-After has passed; the number of requests in
flight is halved, and grows again by one for each round of answers.
"""

from __future__ import annotations

import math
import random
import threading
from collections.abc import Callable
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

from fluxsync.errors import Unavailable

__all__ = ["Gate", "parse_date", "parse_retry_after"]

LONGEST_PAUSE_S = 300.0
LONGEST_ASKED_S = 31 * 86_400.0


def parse_date(text: str) -> datetime | None:
    """Read an HTTP date; None where it is none."""
    try:
        moment = parsedate_to_datetime(text)
    except (ValueError, TypeError, IndexError, OverflowError):
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def parse_retry_after(text: str, date: str) -> float | None:
    """Read Retry-After as seconds; a date counts from the answer's own Date, not this machine's clock.

    None where it is nothing that a service can mean: neither a number nor a date, or more than a month.
    """
    text = text.strip()
    if text.isascii() and text.isdigit():
        seconds = float(text[:9])
    else:
        until, now = parse_date(text), parse_date(date) or datetime.now(UTC)
        if until is None:
            return None
        seconds = max(0.0, (until - now).total_seconds())
    return seconds if seconds <= LONGEST_ASKED_S else None


class Gate:
    """Lets requests through, fewer where the service minds, none while it is closed.

    Whoever enters leaves again, and says in between what the answer was: so nobody enters between a refusal
    and its being known here.
    """

    def __init__(
        self,
        width: int,
        clock: Callable[[], float],
        sleep: Callable[[float], None],
        *,
        patience_s: float = 60.0,
    ) -> None:
        self._most = float(width)
        self._width = float(width)
        self._clock = clock
        self._sleep = sleep
        self._patience_s = patience_s
        self._inside = 0
        self._opens = -math.inf
        self._asked_until = -math.inf
        self._refusals = 0
        self._round = 0
        self._changed = threading.Condition()

    @property
    def width(self) -> int:
        """How many requests may be in flight now."""
        return max(1, int(self._width))

    @property
    def asked_s(self) -> float:
        """For how many seconds yet the service has asked to be left alone."""
        return max(0.0, self._asked_until - self._clock())

    def stay_away(self, seconds: float) -> None:
        """Close for what the service asked of an earlier run."""
        with self._changed:
            self._asked_until = self._opens = max(self._opens, self._clock() + seconds)

    def enter(self) -> int:
        """Wait for a place and take it; returns the round, to be given with the answer.

        Raises `Unavailable` (unsent) at once when the gate stays closed longer than anybody waits here.
        """
        while True:
            with self._changed:
                while self._inside >= self.width:
                    self._changed.wait()
                wait_s = self._opens - self._clock()
                if wait_s <= 0:
                    self._inside += 1
                    return self._round
            if wait_s > self._patience_s:
                raise Unavailable(
                    f"the service asks to be left alone for {math.ceil(wait_s)} s",
                    retry_after_s=wait_s,
                    unsent=True,
                )
            self._sleep(wait_s)

    def leave(self) -> None:
        """Give the place back."""
        with self._changed:
            self._inside -= 1
            self._changed.notify()

    def refused(self, entered: int, retry_after_s: float | None) -> float:
        """Close after a 429 or 503 and return for how long; without a word from the service, ever longer."""
        with self._changed:
            now = self._clock()
            if entered == self._round:  # one refusal for all that were in flight together
                self._round += 1
                self._refusals += 1
                self._width = max(1.0, self._width / 2)
            if retry_after_s is None:
                retry_after_s = min(LONGEST_PAUSE_S, 2.0**self._refusals) * random.uniform(0.5, 1.0)
            else:
                self._asked_until = max(self._asked_until, now + retry_after_s)
            self._opens = max(self._opens, now + retry_after_s)
            return self._opens - now

    def answered(self, entered: int) -> None:
        """Note an answer that was no refusal; one to a request from before the last one proves nothing."""
        if self._refusals or self._width < self._most:
            with self._changed:
                if entered == self._round:
                    self._refusals = 0
                    self._width = min(self._most, self._width + 1 / self._width)
                    self._changed.notify()
