"""The picture of a running service: made by the deciding thread, read by everybody."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from fluxsync.engine.meter import Meter
from fluxsync.engine.report import Report, Result
from fluxsync.engine.status import Counts, State, Status, Trouble, read
from fluxsync.state.journal import Journal

__all__ = ["Live"]

_QUIET = "changed here; taken up when it has been quiet"
_NEXT = "changed here; taken up when what is under way is done"
_NOTHING = Status(State.WAITING, 0.0, None, Counts(), (), (), (), (), (), None)


class Live:
    """One immutable picture, replaced as a whole. `waiting` gives the paths that wait for quiet."""

    def __init__(
        self, waiting: Callable[[], tuple[str, ...]], wall_s: Callable[[], float] = time.time
    ) -> None:
        self._waiting = waiting
        self._wall_s = wall_s
        self._lock = threading.Lock()
        self._picture = _NOTHING
        #: Of the passes in hand.
        self._meters: Sequence[Meter] = ()
        #: Both sides were looked at since the pair was opened; before that, nobody knows.
        self._looked = False
        self._paused = False
        #: What keeps the service from working, and the state that it makes; "": nothing does.
        self._trouble = (State.OFFLINE, "")
        self._totals: Counter[str] = Counter()

    # -- from the deciding thread

    def begin(self, journal: Journal) -> None:
        """Begin with what the journal says of the last time."""
        with self._lock:
            self._looked = False
        self.refresh(journal)

    def refresh(self, journal: Journal) -> None:
        """Read the picture anew."""
        picture = read(journal, self._wall_s(), working=False)
        with self._lock:
            self._picture, self._paused = picture, bool(journal.fact("paused"))

    def working(self, meters: Sequence[Meter]) -> None:
        """Note which passes are in hand, by the meters that count their transfers."""
        with self._lock:
            self._meters = meters

    def paused(self, is_paused: bool) -> None:
        with self._lock:
            self._paused = is_paused

    def trouble(self, state: State = State.OFFLINE, message: str = "") -> None:
        """Say what keeps the service from working."""
        with self._lock:
            self._trouble = state, message

    def count(self, report: Report) -> None:
        """Add what a pass did."""
        with self._lock:
            self._looked = self._looked or report.stopped is None
            self._totals["passes"] += 1
            lost = report.result in (Result.UNREACHABLE, Result.UNAUTHORIZED)
            self._totals["failed_passes"] += lost and not report.interrupted
            for name in ("requests", "bytes_up", "bytes_down", "uploaded", "versions", "downloaded"):
                self._totals[name] += getattr(report, name)
            self._totals["failures"] += len(report.failures)
            self._totals["conflicts"] += report.conflicts
            self._totals["lists"] += report.listed is not None

    def probed(self) -> None:
        with self._lock:
            self._totals["probes"] += 1

    # -- from any thread

    def totals(self) -> Mapping[str, float]:
        with self._lock:
            return dict(self._totals)

    def status(self) -> Status:
        dirty = self._waiting()
        with self._lock:
            reason = _NEXT if self._meters else _QUIET
            quiet = tuple(Trouble(path or ".", reason) for path in dirty)
            picture, state = self._picture, self._picture.state
            trouble, message = self._trouble
            if message:
                state = trouble
            if self._paused:
                state = State.PAUSED
            elif self._meters:
                state = State.WORKING
            elif state is State.IN_STEP and (quiet or not self._looked):
                state = State.WAITING
            moving = tuple(row for meter in self._meters for row in meter.moving())
            on_their_way = {row.path for row in moving}
            return replace(
                picture,
                state=state,
                now=self._wall_s(),
                waiting=tuple(row for row in (*picture.waiting, *quiet) if row.path not in on_their_way),
                message=message,
                moving=moving,
            )
