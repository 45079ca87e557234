"""What failed again and again is put aside: left alone for a while, so that it holds up nothing else.

The pauses grow from 25 seconds to a day. What both sides show is the evidence of what failed: as soon as the
file, the asset, or what anybody may do with them changes, it is another thing, and is tried at once.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from fluxsync.core.model import Entry
from fluxsync.core.operations import ON_ACCOUNT, Operation
from fluxsync.core.reconciliation import Change

__all__ = ["FIRST_PAUSE_S", "LONGEST_PAUSE_S", "PutAside", "Shelf", "evidence_of", "pause_s"]

FIRST_PAUSE_S = 25.0
LONGEST_PAUSE_S = 86_400.0
_GROWTH = 5


@dataclass(frozen=True, slots=True)
class PutAside:
    """One thing that failed. Times are seconds since 1970."""

    path: str
    #: What both sides showed of it when it failed.
    evidence: str
    reason: str
    #: Passes in a row in which it failed.
    tries: int
    since: float
    next_try: float


def pause_s(tries: int) -> float:
    """Return for how many seconds something is left alone that failed in so many passes in a row."""
    exponent = min(max(tries, 1) - 1, 20)
    return min(FIRST_PAUSE_S * float(_GROWTH**exponent), LONGEST_PAUSE_S)


def evidence_of(local: Entry | None, remote: Entry | None) -> str:
    """Return what both sides show of one item, as one comparable text.

    The ctime is in it, so that a right that was given here is a change; so are labels there. Times there are
    not: nobody knows them who looks at a part.
    """
    here = there = "-"
    if local is not None:
        stamp = local.stamp
        looks = (stamp.size, stamp.mtime_ns, stamp.ctime_ns, stamp.inode) if stamp else local.size
        here = f"{looks} {local.path}"
    if remote is not None:
        seen = (remote.key, remote.revision, remote.size, remote.trashed)
        there = f"{seen} {remote.place.folder}/{remote.place.name} {remote.memo}"
    return f"{here} | {there}"


class Shelf:
    """All that is put aside, as one pass sees it.

    `heed_from`: pauses are heeded from so many failed passes in a row on; None: never, because somebody asks
    for a try. What fails in this very pass is not tried again in it either way.
    """

    def __init__(self, rows: Iterable[PutAside], heed_from: int | None = None) -> None:
        self._rows = {row.evidence: row for row in rows}
        self._heed_from = heed_from
        self._failed: set[str] = set()
        self._waiting: set[str] = set()

    @property
    def rows(self) -> list[PutAside]:
        return list(self._rows.values())

    def begin(self) -> None:
        """Begin a look at both sides: what waits is found out anew."""
        self._waiting.clear()

    def split(self, changes: Sequence[Change], now_s: float) -> tuple[list[Change], list[PutAside]]:
        """Return the changes that are tried now, and what waits."""
        go: list[Change] = []
        waiting: list[PutAside] = []
        for change in changes:
            row = self._waits(evidence_of(change.local, change.remote), now_s)
            if row is None:
                go.append(change)
            else:
                waiting.append(row)
        return go, waiting

    def split_folders(
        self, operations: Sequence[Operation], now_s: float
    ) -> tuple[list[Operation], list[PutAside]]:
        """Return the same for requests about folders, which belong to no change."""
        go: list[Operation] = []
        waiting: list[PutAside] = []
        for operation in operations:
            asks = operation.subject < 0 and operation.action in ON_ACCOUNT
            row = self._waits(_evidence_of_step(operation), now_s) if asks else None
            if row is None:
                go.append(operation)
            else:
                waiting.append(row)
        return go, waiting

    def failed(self, operation: Operation, change: Change | None, reason: str, now_s: float) -> PutAside:
        """Put aside what an operation was for: a change, or a folder."""
        evidence = _evidence_of_step(operation)
        if change is not None:
            evidence = evidence_of(change.local, change.remote)
        before = self._rows.get(evidence)
        tries, since = (before.tries + 1, before.since) if before else (1, now_s)
        row = PutAside(operation.path, evidence, reason, tries, since, now_s + pause_s(tries))
        self._rows[evidence] = row
        self._failed.add(evidence)
        return row

    def drop_settled(self, covers: Callable[[str], bool] = lambda path: True) -> None:
        """Forget what neither failed nor waits of the paths covered, after a pass that went to its end."""
        kept = self._failed | self._waiting
        self._rows = {
            evidence: row for evidence, row in self._rows.items() if evidence in kept or not covers(row.path)
        }

    def _waits(self, evidence: str, now_s: float) -> PutAside | None:
        row = self._rows.get(evidence)
        if row is None:
            return None
        heeded = self._heed_from is not None and row.tries >= self._heed_from
        # A clock that was set back must not make a pause longer than it was.
        paused = row.next_try - pause_s(row.tries) <= now_s < row.next_try
        if evidence in self._failed or (heeded and paused):
            self._waiting.add(evidence)
            return row
        return None


def _evidence_of_step(operation: Operation) -> str:
    return f"{operation.action} {operation.path} {evidence_of(operation.local, operation.remote)}"
