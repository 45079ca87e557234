"""The clock that the service waits by, and the jumps of others: sleep, and a wall clock that was set."""

from __future__ import annotations

import sys
import time
from typing import Literal

__all__ = ["Jumps", "uptime_s"]

_SLEPT_S = 10.0
_SET_S = 30.0


def _counts_sleep() -> int | None:
    """Return the system's clock that goes on while the machine sleeps, if it has one."""
    if sys.platform == "darwin":
        return time.CLOCK_MONOTONIC  # unlike `time.monotonic`, which stands still there
    return getattr(time, "CLOCK_BOOTTIME", None)


_CLOCK = _counts_sleep()


def uptime_s() -> float:
    """Return seconds that never go back; sleep counts where the system has a clock for it."""
    return time.monotonic() if _CLOCK is None else time.clock_gettime(_CLOCK)


class Jumps:
    """Tells from three clocks, read together at each wake-up, what happened since the one before.

    Where no clock counts sleep, a sleep is told as "clock": the wall clock went on alone.
    """

    def __init__(self) -> None:
        self._last: tuple[float, float, float] | None = None

    def see(self, uptime_s: float, monotonic_s: float, wall_s: float) -> Literal["", "slept", "clock"]:
        """Return "slept", "clock" (the wall clock was set, or the machine frozen), or "" for neither."""
        last, self._last = self._last, (uptime_s, monotonic_s, wall_s)
        if last is None:
            return ""
        up_s, awake_s, passed_s = uptime_s - last[0], monotonic_s - last[1], wall_s - last[2]
        if up_s - awake_s > _SLEPT_S:
            return "slept"
        return "clock" if abs(passed_s - up_s) > _SET_S else ""
