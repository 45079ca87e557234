"""What a pass looks at: both sides as a whole, or a few dirty paths and what they may have to do with.

A view of a part (`dirty`) is as good as one of everything for what it decides, or it raises `TooNarrow`: a
law, tested with the same changes looked at in parts, in any split.
"""

from __future__ import annotations

import time
from collections.abc import Collection, Iterable, Iterator, Set
from dataclasses import dataclass, field
from typing import Protocol

from fluxsync.core.model import Item, Kind, Snapshot, State
from fluxsync.core.observe import observe_remote
from fluxsync.core.owed import Owed
from fluxsync.core.reconcile import Change, Evidence, Policy
from fluxsync.core.under_way import UnderWay
from fluxsync.engine.meter import Meter
from fluxsync.engine.pair import Pair
from fluxsync.engine.survey import Survey, survey

__all__ = ["Everything", "Listed", "TooNarrow", "View"]


class TooNarrow(Exception):
    """A part cannot be judged alone: the pass has to look at everything. `str` says why."""


@dataclass(frozen=True, slots=True)
class Listed:
    """What a full list of the account cost, and whether it found changes that a probe had not shown."""

    requests: int
    seconds: float
    found: bool
    shown: bool


class View(Protocol):
    """What one pass looks at, in its rounds."""

    #: Everything is looked at, so what was not seen is not there.
    whole: bool

    @property
    def items(self) -> Collection[Item]:
        """The ancestor's rows that the last look was about."""
        ...

    #: What the account is known to have, and the folder has not.
    owed: Owed

    @property
    def under_way(self) -> UnderWay | None:
        """What another pass, beside which this one is made, has in hand."""
        ...

    #: Paths of deletions that are repeated only when they were looked at again.
    again: Set[str]

    @property
    def listed(self) -> Listed | None: ...

    def tracked(self) -> int:
        """Return how many files both sides have."""
        ...

    def look(self, policy: Policy, known: Evidence, meter: Meter) -> Survey | None:
        """Look at both sides; None: nothing is there to be decided.

        Raises `Unavailable`, `Unauthorized`, `Halted`, `TooNarrow`.
        """
        ...

    def check(self, changes: Iterable[Change], *, held: bool) -> None:
        """Raise `TooNarrow` where limits need to see more than these changes."""
        ...

    def look_again(self, stale: Iterable[Item]) -> None:
        """Forget what was assumed of these items: the next look asks the account."""
        ...

    def covers(self, path: str) -> bool:
        """Tell whether what is known of a path is known from this look."""
        ...


@dataclass(slots=True)
class Everything:
    """Both sides as a whole."""

    pair: Pair
    items: Collection[Item] = ()
    listed: Listed | None = None
    whole: bool = True
    again: Set[str] = frozenset()
    owed: Owed = field(default_factory=Owed)
    under_way: UnderWay | None = None

    def tracked(self) -> int:
        return self.pair.journal.tracked()

    def look(self, policy: Policy, known: Evidence, meter: Meter) -> Survey:
        pair = self.pair
        self.items = pair.journal.items()
        expected = pair.remote.expected() if self.listed is None else None
        before, started = pair.requests(), time.monotonic()
        listing: list[tuple[int, float]] = []

        def on_list() -> None:
            listing.append((pair.requests() - before, time.monotonic() - started))

        seen = survey(
            pair.local,
            pair.remote,
            self.items,
            policy,
            known,
            connections=pair.connections,
            meter=meter,
            on_list=on_list,
        )
        if self.listed is None:
            shown = expected is None or expected.text != seen.remote.probe
            found = not shown and any(_news(seen.remote, self.items))
            self.listed = Listed(*listing[0], found, shown)
        return seen

    def check(self, changes: Iterable[Change], *, held: bool) -> None:
        pass

    def look_again(self, stale: Iterable[Item]) -> None:
        pass

    def covers(self, path: str) -> bool:
        return True


def _news(remote: Snapshot, items: Iterable[Item]) -> Iterator[bool]:
    """Yield true for each asset that the ancestor does not know as it is."""
    known = set()
    for item in items:
        if item.kind is Kind.FILE and item.key:
            known.add(item.key)
            yield item.state is State.AGREED and observe_remote(remote, item) is not None
    yield any(key not in known and not entry.trashed for key, entry in remote.files.items())
