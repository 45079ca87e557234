"""Whether a full list would show what an earlier one showed, found out without reading what is in it.

While nothing changes, the pages of the list are byte for byte what they were: they are fetched as ever, and
only compared. Whatever differs says nothing but that a list has to be read.
"""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import count, takewhile

from fluxsync.replica.base import Probe

__all__ = ["QuietList", "Seen", "in_order", "mark_of"]

#: So many pages that differed though nothing had changed, and this service never gives the same bytes twice.
_MOST_IN_VAIN = 2


@dataclass(frozen=True, slots=True)
class Seen:
    """A complete list as it came: a mark of each page, the empty ones at its end included."""

    marks: tuple[bytes, ...]
    #: The same before the first page and after the last.
    probe: Probe
    #: How many own writes had ever been begun before it.
    writes: int
    #: An earlier list did not have the same pages.
    differs: bool = False


def mark_of(body: bytes | None) -> bytes:
    """Return what tells a page from others; None: the service says that there is no such page."""
    return b"" if body is None else hashlib.blake2b(body, digest_size=16).digest()


def in_order(marks: Mapping[int, bytes]) -> tuple[bytes, ...]:
    """Return the marks of the pages from 1 up to the first that was not asked for."""
    return tuple(marks[number] for number in takewhile(marks.__contains__, count(1)))


class QuietList:
    """Remembers the last list on which a pass found nothing to do. One thread calls its methods."""

    def __init__(
        self,
        page: Callable[[int], bytes | None],
        probe: Callable[[], Probe],
        writes: Callable[[], int],
        *,
        width: int,
    ) -> None:
        self._page = page
        self._probe = probe
        self._writes = writes
        self._width = width
        self._last: Seen | None = None
        self._settled: Seen | None = None
        self._differed = False
        self._in_vain = 0

    def saw(self, marks: tuple[bytes, ...] | None, probe: Probe, writes: int) -> None:
        """Take over a full list; None: its pages alone do not tell what it showed."""
        self._last = None if marks is None else Seen(marks, probe, writes, self._differed)
        self._differed = False

    def settled(self) -> None:
        """Remember the last list, and none before it: a pass has found nothing to do on it."""
        self._settled, self._last = self._last, None
        if self._settled is not None:
            self._in_vain += self._settled.differs

    def unchanged(self, check_user: Callable[[], object], go_on: Callable[[], object]) -> bool | None:
        """See `RemoteReplica.unchanged`; `check_user` raises where the user may not list the account."""
        settled = self._settled
        if settled is None or settled.writes != self._writes() or self._in_vain >= _MOST_IN_VAIN:
            return None
        if self._probe() != settled.probe:
            return False
        check_user()
        if not self._has_same_pages(settled.marks, go_on):
            self._differed = True
            return False
        self._in_vain = 0
        return self._probe() == settled.probe

    def _has_same_pages(self, marks: tuple[bytes, ...], go_on: Callable[[], object]) -> bool:
        over = threading.Event()

        def same(first: int) -> bool:
            """Compare every so many-th page; what ends one of the threads ends all."""
            try:
                for number in range(first, len(marks) + 1, self._width):
                    go_on()
                    if over.is_set():
                        break
                    if mark_of(self._page(number)) != marks[number - 1]:
                        over.set()
                        return False
            except BaseException:
                over.set()
                raise
            return True

        # Each thread has its pages from the start: to hand them out one by one wakes two threads for each.
        with ThreadPoolExecutor(self._width, "list") as pool:
            return all(pool.map(same, range(1, self._width + 1)))
