"""When a file with news is taken up: once it has come to rest, and nobody has it open for writing.

A pass that somebody waits for takes up what is at rest while it is read, and waits a little for the rest. One
that nobody waits for never waits: it leaves alone what was saved a moment ago, and says when to look again.
Times are evidence of rest, never of anything else: one that lies in the future, or long ago, proves nothing.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

from fluxsync.core.model import Stamp
from fluxsync.replica.folder.busy import OPEN_ELSEWHERE, POLL_S, written_elsewhere

__all__ = ["JUST_SAVED", "TakeUp"]

JUST_SAVED = "saved a moment ago; it is taken up when it has come to rest"

#: What a scan or a change that somebody waits for spends on open and changing files, beyond `settle_s`.
_PATIENCE_S = 1.0
#: A large file needs half of `settle_s` more for each 100 MB, fifteen times as long at most: programs take
#: seconds to save so much, with pauses between their writes.
_STEP_BYTES = 200_000_000
_MOST_TIMES = 15.0
#: So long a file that is open for writing has to be as it is; then nobody knows when it will be closed.
_GRACE_S = 60.0
#: No event says that a lease is gone, or a file closed where events are missing.
_OPEN_AGAIN_S = 15.0
#: Another look is worth it a moment after a time has come, not just before, and never at once.
_MOMENT_S = 0.01


@dataclass(frozen=True, slots=True)
class TakeUp:
    """The rule of one pass; `unattended`: nobody waits for it. `clock` is that of the files' times."""

    settle_s: float
    clock: Callable[[], float]
    unattended: bool = False

    @property
    def patience_s(self) -> float:
        """Seconds that a scan or a change waits for a file that is open or changing."""
        return 0.0 if self.unattended else self.settle_s + _PATIENCE_S

    def settled_s(self, size: int) -> float:
        """Return for how many seconds a file of this size has to be unchanged."""
        return self.settle_s * min(1.0 + size / _STEP_BYTES, _MOST_TIMES)

    def rests_at(self, stamp: Stamp) -> float | None:
        """Return when a file with news may be taken up, in seconds since 1970; None: now."""
        if not self.unattended:
            return None
        return self._until(stamp, self.settled_s(stamp.size))

    def is_open(self, fd: int, stamp: Stamp) -> bool:
        """Tell whether somebody has an open file open for writing, too, and may be at it."""
        if not written_elsewhere(fd):
            return False
        return not self.unattended or self._until(stamp, _GRACE_S) is not None

    def again_at(self, reason: str, stamp: Stamp | None) -> float | None:
        """Return when a file that was not taken up is worth another look; None: nobody can tell."""
        if not self.unattended:
            return None
        now_s = self.clock()
        if reason == OPEN_ELSEWHERE:
            given_up = self._until(stamp, _GRACE_S) if stamp is not None else None
            return min(given_up or math.inf, now_s + _OPEN_AGAIN_S)
        rested = self._until(stamp, self.settled_s(stamp.size)) if stamp is not None else None
        return rested or now_s + max(self.settle_s, POLL_S)

    def _until(self, stamp: Stamp, rest_s: float) -> float | None:
        """Return when a file will have been unchanged for so long; None: it has."""
        now_s = self.clock()
        young = [
            time_ns / 1e9 + rest_s
            for time_ns in (stamp.mtime_ns, stamp.ctime_ns)
            if abs(now_s - time_ns / 1e9) < rest_s
        ]
        return max(young) + _MOMENT_S if young else None
