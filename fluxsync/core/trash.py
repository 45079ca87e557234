"""What leaves the local trash for good by itself, and when; how time is told for both trashes.

Time counts only where two clocks agree that it passed: where this machine's clock and the service's went
different ways since the last pass, one of them was set, and everything in both trashes begins to wait anew.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass

__all__ = ["DAY_S", "Clocks", "TrashPolicy", "TrashedFile", "beyond_size", "first_seen", "too_old"]

DAY_S = 86_400.0
#: Seconds by which the clocks may differ in what passed since the last pass: more than a wrong zone or
#: a summer time explains, less than makes a difference in days.
_LEEWAY_S = DAY_S
#: What came less than so many seconds ago never goes for its size alone.
_FRESH_S = 3600.0


@dataclass(frozen=True, slots=True)
class TrashedFile:
    """One file in the local trash: `where` names it for ever, `when` is seconds since 1970."""

    where: str
    path: str
    when: float
    size: int

    @property
    def batch(self) -> str:
        """What it was trashed together with: the part of `where` that says when."""
        return self.where.removesuffix(f"/{self.path}")


@dataclass(frozen=True, slots=True)
class TrashPolicy:
    """What the configuration says about the two trashes."""

    #: Days that something stays; 0: for ever.
    days: float = 0.0
    #: The most bytes that the local trash may take, for a disk of so many.
    most_bytes: Callable[[int], int] = lambda disk_bytes: disk_bytes
    #: Whether assets may be deleted from the trash of the account at all.
    purges: bool = True


@dataclass(frozen=True, slots=True)
class Clocks:
    """What both clocks said at the same moment, in seconds since 1970."""

    here_s: float
    there_s: float

    def jumped_since(self, before: Clocks | None) -> bool:
        """Tell whether one of them was set since."""
        if before is None:
            return False
        return abs((self.here_s - before.here_s) - (self.there_s - before.there_s)) > _LEEWAY_S


def first_seen(
    known: Mapping[str, float], present: Collection[str], now_s: float, *, afresh: bool
) -> dict[str, float]:
    """Return since when each of those present is known to be in a trash; `afresh`: since now."""
    return {key: now_s if afresh else known.get(key, now_s) for key in present}


def too_old(
    files: Sequence[TrashedFile], seen: Mapping[str, float], now_s: float, days: float
) -> list[TrashedFile]:
    """Return what has been in the trash for so many days; 0 days: for ever. `seen` is by batch."""
    if not days:
        return []
    return [file for file in files if now_s - _came(file, seen, now_s) >= days * DAY_S]


def beyond_size(
    files: Sequence[TrashedFile],
    seen: Mapping[str, float],
    now_s: float,
    most_bytes: int,
    is_spare: Callable[[TrashedFile], bool],
) -> list[TrashedFile]:
    """Return what has to go so that no more than so many bytes stay.

    First what `is_spare` says the account has, too, then the oldest. What came within the last hour stays: a
    person who sees a mistake at once finds everything, whatever its size.
    """
    over = sum(file.size for file in files) - most_bytes
    candidates = [file for file in files if file.size and now_s - _came(file, seen, now_s) >= _FRESH_S]
    candidates.sort(key=lambda file: (file.when, file.where))
    going: dict[str, TrashedFile] = {}
    for wanted in (is_spare, lambda file: True):
        for file in candidates:
            if over <= 0:
                break
            if file.where not in going and wanted(file):
                going[file.where] = file
                over -= file.size
    return list(going.values())


def _came(file: TrashedFile, seen: Mapping[str, float], now_s: float) -> float:
    """Return when a file came as far as it can be trusted: its name may tell of a clock that was wrong."""
    return max(seen.get(file.batch, now_s), file.when if file.when <= now_s else 0.0)
