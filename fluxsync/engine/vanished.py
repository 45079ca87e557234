"""What looks at parts of the folder have not found: paths that are gone, and since when; files not read.

A part sees one half of a move, and the other half may be seen later, or be seen and not be read yet.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Iterable

from fluxsync.core.model import Snapshot, Unknown
from fluxsync.core.part import covered as covered_by
from fluxsync.core.unknown import UnknownPaths

__all__ = ["Vanished"]


class Vanished:
    """Since when paths are known to be gone: their deletion waits until a second look, a quiet period later.

    So a file that is only on its way to another place is not taken for deleted, however late the news of its
    arrival come.
    """

    def __init__(self, settle_s: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._settle_s = settle_s
        self._clock = clock
        self._since: dict[str, float] = {}
        #: Files that earlier looks could not read: what is gone elsewhere may be one of them.
        self._unread: dict[str, Unknown] = {}

    def unripe(self, paths: Collection[str], covered: Callable[[str], bool]) -> set[str]:
        """Return those that were not gone long enough; of what else was looked at, nothing is gone."""
        now_s = self._clock()
        for path in [path for path in self._since if path not in paths and covered(path)]:
            del self._since[path]
        return {path for path in paths if now_s - self._since.setdefault(path, now_s) < self._settle_s}

    def only(self, paths: Collection[str]) -> None:
        """Hear that everything was looked at, and is as agreed but for these paths and what is below."""
        self.unripe((), lambda path: not covered_by(path, paths))
        self._unread = {path: unread for path, unread in self._unread.items() if covered_by(path, paths)}

    def done(self, paths: Iterable[str]) -> None:
        """Forget these, whose deletion is repeated now: gone again later, they wait again."""
        for path in paths:
            self._since.pop(path, None)

    def clear(self) -> None:
        """Forget everything: both sides were looked at as a whole."""
        self._since.clear()
        self._unread.clear()

    def unread_elsewhere(self, seen: Snapshot, covered: Callable[[str], bool]) -> UnknownPaths:
        """Note what a look could not read, and return what others could not, and this one did not cover."""
        elsewhere = {path: unread for path, unread in self._unread.items() if not covered(path)}
        now = {unread.path: unread for unread in seen.unknown if unread.stamp is not None}
        self._unread = elsewhere | now
        return UnknownPaths(Snapshot({}, {}, unknown=tuple(elsewhere.values())))
