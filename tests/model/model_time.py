"""Time that passes only where somebody waits or works, and clocks that show it wrongly."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from types import SimpleNamespace
from unittest.mock import patch

from fluxsync.replica.fluxiom.client import Client
from fluxsync.replica.folder.replica import Folder
from fluxsync.state.journal import Journal


class Time:
    """The true time, and by how much each clock is wrong."""

    def __init__(self) -> None:
        # The kernel's own time stands in the folders that it makes, so this one begins where that one is.
        self.true_s = float(int(time.time()))
        self.wrong_s: dict[str, float] = {}
        self._marks = 0

    def passes(self, seconds: float) -> None:
        self.true_s += seconds

    def unique_ns(self) -> int:
        """Return the time of a write: later than any before it, whatever the clocks show."""
        self._marks += 1
        return int(self.true_s * 1e9) + self._marks


class Clock:
    """The clock of one machine, or of the service; waiting by it takes no real time."""

    def __init__(self, time: Time, whose: str) -> None:
        self._time = time
        self.whose = whose

    def time(self) -> float:
        return self._time.true_s + self._time.wrong_s.get(self.whose, 0.0)

    def monotonic(self) -> float:
        return self._time.true_s

    def wait(self, seconds: float) -> None:
        self._time.passes(seconds)


@contextmanager
def shown_by(clock: Clock) -> Iterator[None]:
    """Let everything that would look at the real clock look at this one."""
    module = SimpleNamespace(time=clock.time, monotonic=clock.monotonic, sleep=clock.wait)
    with ExitStack() as patched:
        patched.enter_context(patch("fluxsync.app.time", module))
        for function, ours in (
            (Client.__init__, {"clock": clock.monotonic, "sleep": clock.wait}),
            (Folder.__init__, {"clock": clock.time, "wait": clock.wait}),
            (Journal.open.__func__, {"clock": clock.time}),  # type: ignore[attr-defined]
        ):
            patched.enter_context(
                patch.object(function, "__kwdefaults__", {**(function.__kwdefaults__ or {}), **ours})
            )
        yield
