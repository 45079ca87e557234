"""Decides when to look at the account, and how: a cheap probe or a full list.

Pure: told what happened and when (seconds of a clock that counts sleep and never goes back), it works out
what is next from those facts alone. Chance comes in as `jitter`, so that no two machines ask in step.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from enum import Enum
from math import inf

__all__ = ["Agenda", "Look"]

#: A library whose list takes no more requests is listed where others are probed.
_SMALL = 20
_MISSES = 3
#: Lists for which no probe stands in take no more than one part in so many of the time.
_LIST_SHARE = 50
_SOON_S = 2.0
_IDLE_S = 7200.0
_BACK_OFF_S = 5.0
_MOST_BACK_OFF_S = 300.0
_JITTER = 0.1


class Look(Enum):
    PROBE = "probe"
    #: A complete pass: a full list of the account and a walk of the folder.
    LIST = "list"


class Agenda:
    """When to look next; begins with a list at once.

    Each look that is due ends in one of `probed`, `listed` and `failed`. `trusted` and `misses` are what is
    known of this account's probe from earlier runs; a service that has none is not `trusted`.
    """

    def __init__(
        self,
        poll_s: float,
        list_s: float,
        rescan_s: float = 3600.0,
        *,
        jitter: Callable[[], float] = random.random,
        trusted: bool = True,
        misses: int = 0,
    ) -> None:
        self._poll_s = poll_s
        self._list_s = list_s
        self._rescan_s = rescan_s
        self._jitter = jitter
        self._trusted = trusted
        self._misses = misses
        self._small = False
        self._cost_s = 0.0
        self._looked_s = -inf
        self._listed_s = -inf
        self._walked_s = inf  # the first list walks
        self._alive_s = -inf
        self._look_jitter = self._list_jitter = 0.0
        #: When a look is wanted ahead of its time.
        self._soon_s = inf
        #: When a list may answer to what a probe has shown; inf: none has.
        self._shown_s = inf
        self._answered_s = -inf
        self._failures = 0
        self._backed_off_s = -inf
        self._barred_s = -inf

    @property
    def misses(self) -> int:
        """How many lists found what the probe had not shown."""
        return self._misses

    @property
    def trusted(self) -> bool:
        return self._trusted and self._misses < _MISSES

    @property
    def small(self) -> bool:
        """Whether the library is so small that a list costs no more than a few looks."""
        return self._small

    @property
    def shown(self) -> bool:
        """Whether a list is due because of what a probe has shown."""
        return self._shown_s < inf

    @property
    def closed_until_s(self) -> float:
        """Until when nothing at all is to be asked of the account; in the past where it answers."""
        return max(self._barred_s, self._backed_off_s)

    def next_s(self) -> float:
        """Return when a look or a rescan is due, -inf at the start; `due` and `rescan_due` say no before."""
        return min(self._next_look_s(), self._walked_s + self._rescan_s)

    def due(self, now_s: float) -> Look | None:
        if now_s < self._next_look_s():
            return None
        # Without a probe that can be believed, or where a list costs no more, there is nothing to probe for.
        if self._small or not self.trusted or self._next_list_s() <= now_s:
            return Look.LIST
        return Look.PROBE

    def rescan_due(self, now_s: float) -> bool:
        """Tell whether the folder is to be walked, without a list."""
        return now_s >= self._walked_s + self._rescan_s

    def probed(self, now_s: float, *, changed: bool) -> None:
        self._reached()
        self._looked(now_s)
        if changed:
            self._alive_s = now_s
            self._shown_s = max(now_s, self._answered_s + self._poll_s)

    def listed(
        self,
        now_s: float,
        *,
        requests: int,
        seconds: float,
        found: bool,
        shown: bool,
        walked: bool = True,
        began_s: float | None = None,
    ) -> None:
        """Note that a list is over, with the pass that it belongs to, and what it took.

        `began_s`: when the pass began, where that is not now; `found`: it found changes on the account;
        `shown`: the probe had shown them, or was not asked; `walked`: the folder was looked at, too.
        """
        if found or self._listed_s == -inf:
            self._alive_s = now_s
        if found and not shown:
            self._misses += 1
        # What changed since the list began is not in it; a long pass is followed by some rest all the same.
        looked_s = now_s if began_s is None else max(began_s, now_s - self._poll_s / 2)
        if self._shown_s < inf:
            self._shown_s, self._answered_s = inf, looked_s
        self._small, self._cost_s = requests <= _SMALL, seconds
        self._listed_s, self._list_jitter = now_s, self._jitter()
        self._reached()
        self._looked(looked_s)
        if walked:
            self.rescanned(now_s)

    def unfinished(self, now_s: float) -> None:
        """Note that a complete pass did not come to its end: another is due when the account answers."""
        self._shown_s = min(self._shown_s, now_s)

    def rescan_every(self, seconds: float) -> None:
        """Walk the folder so often from now on."""
        self._rescan_s = seconds

    def wrote(self, now_s: float) -> None:
        """Note that own changes went to the account: one look comes sooner. Told after `listed`, if both."""
        self._reached()
        self._alive_s = now_s
        if self._small or self.trusted:
            self._soon_s = min(self._soon_s, now_s + max(_SOON_S, self._poll_s / 4))

    def stirred(self, now_s: float) -> None:
        """Note that something happened in the folder; a look that an idle night put off is due at once."""
        self._alive_s = now_s

    def failed(self, now_s: float, *, retry_after_s: float | None = None) -> None:
        """Note that the account could not be reached: the next look is the next try."""
        pause_s = min(_MOST_BACK_OFF_S, _BACK_OFF_S * 2.0 ** min(self._failures, 10))
        self._failures += 1
        self._backed_off_s = now_s + pause_s * (1 - _JITTER * self._jitter())
        if retry_after_s is not None:
            self._barred_s = max(self._barred_s, now_s + retry_after_s * (1 + _JITTER * self._jitter()))

    def woke(self, now_s: float) -> None:
        """Note that the machine slept, the network came back or the clock jumped: look now.

        A pause that the service asked for stands.
        """
        self._reached()
        self._alive_s = self._soon_s = now_s

    def rescanned(self, now_s: float) -> None:
        self._walked_s = now_s

    def _reached(self) -> None:
        self._failures, self._backed_off_s = 0, -inf

    def _looked(self, now_s: float) -> None:
        self._looked_s, self._look_jitter = now_s, self._jitter()
        self._soon_s = inf

    def _next_look_s(self) -> float:
        if self._failures:
            return self.closed_until_s
        return max(min(self._next_poll_s(), self._next_list_s()), self._barred_s)

    def _next_poll_s(self) -> float:
        if self._shown_s < inf:
            return inf  # the list that is due tells all that a probe could
        if self._small or self.trusted:
            every_s = self._poll_s * (1 + _JITTER * (2 * self._look_jitter - 1))
        else:
            every_s = max(self._poll_s, self._cost_s * _LIST_SHARE) * (1 + _JITTER * self._look_jitter)
        next_s = self._looked_s + every_s * self._stretch(self._looked_s)
        # What a probe shows before a list may answer it waits for that, and is less than one shows then.
        return min(max(next_s, self._answered_s + self._poll_s), self._soon_s)

    def _next_list_s(self) -> float:
        every_s = self._list_s * (1 - _JITTER * self._list_jitter)
        return min(self._listed_s + every_s * self._stretch(self._listed_s), self._shown_s)

    def _stretch(self, since_s: float) -> int:
        """Return how many times longer than usual to wait, from how idle both sides were at the last look."""
        idle_s = since_s - self._alive_s
        return 4 if idle_s >= 2 * _IDLE_S else 2 if idle_s >= _IDLE_S else 1
