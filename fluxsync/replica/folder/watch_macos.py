"""Watching on macOS: watchdog reads the FSEvents stream, and here they become paths below the root.

Of watchdog only the stream is used: its emitter pairs renames and drops the flags by which the system says
that it lost events. The system watches the whole tree by itself, so there is no limit and nothing partial.
"""

from __future__ import annotations

import errno
import fcntl
import os
import sys
import threading
from collections.abc import Callable
from pathlib import Path

from fluxsync.replica.folder.root import CONTROL

__all__ = ["meaning"]

# Of FSEventStreamEventFlags.
_USER_DROPPED = 0x02
_KERNEL_DROPPED = 0x04
_HISTORY_DONE = 0x10
_ROOT_CHANGED = 0x20
_UNMOUNT = 0x80


def meaning(root: str, path: str, flags: int) -> tuple[str | None, str | None, bool]:
    """Return the path to look at, why events may have been lost, and whether the root is gone.

    The flag MustScanSubDirs alone needs no care: a folder that is reported is looked at with all below it.
    """
    if flags & _ROOT_CHANGED or (flags & _UNMOUNT and path == root):
        return None, "the folder, or one above it, was renamed, deleted or unmounted", True
    if flags & (_USER_DROPPED | _KERNEL_DROPPED):
        return None, "the system dropped changes", False
    if flags & _HISTORY_DONE:
        return None, None, False
    root, path = root.rstrip("/"), path.rstrip("/")
    if path != root and not path.startswith(f"{root}/"):
        return "", None, False  # the root is spelled in another way there
    below = path[len(root) + 1 :]
    if below.partition("/")[0].casefold() == CONTROL:
        return None, None, False
    return below, None, False


if sys.platform == "darwin":
    from watchdog.observers.api import EventQueue, ObservedWatch
    from watchdog.observers.fsevents import FSEventsEmitter

    __all__ += ["FSEventsWatch"]

    class FSEventsWatch(FSEventsEmitter):
        """Watches all that is below a root. Raises `OSError` when that is impossible."""

        def __init__(
            self, root: Path, on_dirty: Callable[[str], None], on_lost: Callable[[str], None]
        ) -> None:
            self._top = _true_path(root)
            super().__init__(EventQueue(), ObservedWatch(self._top, recursive=True))
            self.name = "fluxsync-watch"
            self.complete = False
            self.ended = False
            self._on_dirty = on_dirty
            self._on_lost = on_lost

        def open(self) -> None:
            """Begin to report. Raises `OSError`."""
            try:
                self.start()
            except OSError:
                raise
            except Exception as error:
                raise OSError(errno.EIO, f"the system's stream of changes does not start: {error}") from error
            self.complete = True

        def refresh(self) -> bool:
            """Return whether all is watched."""
            return self.complete

        def leave(self, patience_s: float) -> None:
            """End; waits no longer than this for a report in hand."""
            self.complete = False
            self.stop()
            if threading.current_thread() is not self:
                self.join(patience_s)

        def run(self) -> None:
            super().run()
            if self.should_keep_running():
                self._end("the system's stream of changes ended")

        def events_callback(
            self, paths: list[bytes], inodes: list[int], flags: list[int], ids: list[int]
        ) -> None:
            """Report what the stream says. An error raised here would end in watchdog's log alone."""
            try:
                for path, flag in zip(paths, flags, strict=True):
                    self._report(os.fsdecode(path), flag)
            except Exception as error:
                self._end(f"watching the folder failed: {error!r}")

        def _report(self, path: str, flags: int) -> None:
            if self.ended or not self.should_keep_running():
                return
            dirty, lost, gone = meaning(self._top, path, flags)
            if gone and lost is not None:
                self._end(lost)
            elif lost is not None:
                self._on_lost(lost)
            elif dirty is not None:
                self._on_dirty(dirty)

        def _end(self, reason: str) -> None:
            if not self.ended:
                self.ended = True
                self.complete = False
                self._on_lost(reason)

    def _true_path(root: Path) -> str:
        """Return the root's path as the stream spells it: without links, in the disk's own letters."""
        fd = os.open(root, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            path: bytes = fcntl.fcntl(fd, fcntl.F_GETPATH, bytes(1024))
            return os.fsdecode(path.rstrip(b"\0"))
        finally:
            os.close(fd)
