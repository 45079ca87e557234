"""Watching the folder: every change marks a path dirty, which is a hint where to look and never a fact.

Events can be lost, and whoever relies on them has to know: see `Watch.on_lost`, `complete` and `alive`.
What no event tells: changes made by another machine (`disk_kind`), bytes written through a mapped file until
it is closed, a disk that is mounted over a folder (until `refresh`).
"""

from __future__ import annotations

import errno
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Protocol

from fluxsync.errors import FluxsyncError

__all__ = ["Unwatchable", "Watch"]

#: How long `stop` waits for a report in hand.
_PATIENCE_S = 1.0


class Unwatchable(FluxsyncError):
    """The folder cannot be watched; looking at it from time to time is what is left."""


class _System(Protocol):
    """The events of one operating system."""

    complete: bool
    ended: bool

    def open(self) -> None: ...

    def refresh(self) -> bool: ...

    def leave(self, patience_s: float) -> None: ...


class Watch:
    """Reports what may have changed below one directory, from a thread of its own.

    `on_dirty(path)`: look at this path; "" is the root, "/" separates, names that are no text are as
    `os.fsdecode` gives them. For a folder it means: at it and all that is below. Own writes are reported like
    all others, what is below `.fluxsync` never, and reading is no change.

    `on_lost(reason)`: changes may have gone unreported; look at everything.

    Both are called from that thread and should only take a note: while one does not return, the system's
    queue fills, and overflows.
    """

    def __init__(self, root: Path, on_dirty: Callable[[str], None], on_lost: Callable[[str], None]) -> None:
        self._root = root
        self._on_dirty = on_dirty
        self._on_lost = on_lost
        self._system: _System | None = None

    def start(self) -> None:
        """Begin; what changes after the return is reported, and maybe also what changed before.

        Raises `Unwatchable`, and watches nothing then.
        """
        self.stop()
        try:
            system = _system()(self._root, self._on_dirty, self._on_lost)
            system.open()
        except OSError as error:
            reason = error.strerror or str(error)
            raise Unwatchable(f"{self._root} cannot be watched: {reason}") from error
        self._system = system

    def stop(self) -> None:
        """End; nothing is reported afterwards, unless a report in hand takes longer than a second."""
        if self._system is not None:
            self._system.leave(_PATIENCE_S)
            self._system = None

    def refresh(self) -> bool:
        """Watch what was out of reach before, or was mounted since; returns `complete`.

        Costs a listing of each folder: meant for the regular look at everything, just before it.
        """
        return self._system is not None and self._system.refresh()

    @property
    def complete(self) -> bool:
        """Tell whether every folder is watched; where not, look at everything from time to time as well."""
        return self._system is not None and self._system.complete

    @property
    def alive(self) -> bool:
        """Tell whether anything is watched at all.

        False before `start`, after `stop`, and once the root was deleted, renamed (or a folder above it) or
        unmounted, which `on_lost` has said; `start` tries again.
        """
        return self._system is not None and not self._system.ended


def _system() -> Callable[[Path, Callable[[str], None], Callable[[str], None]], _System]:
    if sys.platform == "linux":
        from fluxsync.replica.folder.watch_linux import InotifyWatch

        return InotifyWatch
    if sys.platform == "darwin":
        from fluxsync.replica.folder.watch_macos import FSEventsWatch

        return FSEventsWatch
    raise OSError(errno.ENOSYS, "this system has no events that fluxsync knows")
