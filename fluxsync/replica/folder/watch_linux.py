"""Watching on Linux: watchdog reads the kernel's events, and here they become paths below the root.

Only watchdog's reader is used. Its observer keeps the kernel's loss of events to itself, forgets what it had
read before it, leaves folders unwatched in silence when there are too many, or when one is made in a folder
that is just being renamed, and holds everything back half a second to make pairs of renames, which nobody
here needs: an event never says what happened, only where to look.
"""

from __future__ import annotations

import ctypes
import errno
import os
import threading
from collections.abc import Callable
from functools import partial
from pathlib import Path

from watchdog.observers.inotify_c import (
    InotifyConstants,
    InotifyEvent,
    InotifyFD,
    Mask,
    WatchDescriptor,
    inotify_add_watch,
    inotify_rm_watch,
)

from fluxsync.replica.folder.root import CONTROL
from fluxsync.replica.folder.watched import Watched

__all__ = ["InotifyWatch"]

_IN = InotifyConstants
#: No IN_OPEN, IN_ACCESS, IN_CLOSE_NOWRITE: who reads wakes nobody.
_MASK = (
    _IN.IN_MODIFY
    | _IN.IN_ATTRIB
    | _IN.IN_CLOSE_WRITE
    | _IN.IN_MOVE
    | _IN.IN_CREATE
    | _IN.IN_DELETE
    | _IN.IN_ONLYDIR
    | _IN.IN_DONT_FOLLOW
    | _IN.IN_EXCL_UNLINK
)
_ROOT_MASK = _MASK | _IN.IN_DELETE_SELF | _IN.IN_MOVE_SELF
#: Of the folders above the root only this: whether the root's path still leads to it.
_ABOVE_MASK = _IN.IN_MOVE_SELF | _IN.IN_ONLYDIR
#: No folder is there; or one that the scan cannot read either, and whose change of mode is an event; or one
#: too deep for the system, and for any name on the account.
_NOTHING_TO_WATCH = (errno.ENOENT, errno.ENOTDIR, errno.ELOOP, errno.EACCES, errno.ENAMETOOLONG)
_CURES = {
    errno.ENOSPC: "it has more folders than this system lets one user watch;"
    " raise the limit: sudo sysctl fs.inotify.max_user_watches=1048576",
    errno.EMFILE: "too many programs watch folders, or too many files are open;"
    " raise the limit: sudo sysctl fs.inotify.max_user_instances=1024",
}


class InotifyWatch(InotifyFD):
    """Watches all folders below a root. Raises `OSError` when no more can be watched."""

    def __init__(self, root: Path, on_dirty: Callable[[str], None], on_lost: Callable[[str], None]) -> None:
        super().__init__()
        self.name = "fluxsync-watch"
        self.complete = False
        self.ended = False
        self._root = os.path.realpath(root)
        self._on_dirty = on_dirty
        self._on_lost = on_lost
        self._above: set[int] = set()
        self._watched = Watched(
            self._root, self._add, self._give_back, lambda: not self.should_keep_running()
        )
        self._turn = threading.Lock()
        self._freed = False

    @classmethod
    def _create_inotify_fd(cls) -> int:
        try:
            return super()._create_inotify_fd()
        except OSError as error:
            raise _with_cure(error.errno or 0) from error

    def open(self) -> None:
        """Watch what is there and begin to report. Raises `OSError`, and leaves nothing behind then."""
        try:
            for folder in Path(self._root).parents:
                wd = self._add(os.fspath(folder), _ABOVE_MASK)
                if wd is not None:
                    self._above.add(wd)
            self._watched.all()
            self.complete = True
            self.start()
        except BaseException:
            self._close_resources()
            raise

    def leave(self, patience_s: float) -> None:
        """End; waits no longer than this for a report in hand."""
        self.complete = False
        self.stop()
        if threading.current_thread() is not self:
            self.join(patience_s)
            if not self.is_alive():
                self._close_resources()

    def refresh(self) -> bool:
        """Watch what could not be watched before, or was mounted since; returns whether all is watched."""
        with self._turn:
            if not self.ended:
                self.complete = _hindrance(self._watched.all) is None
            return self.complete

    def run(self) -> None:
        try:
            super().run()
        except Exception as error:  # else the thread would end without a word
            self._end()
            self._on_lost(f"watching the folder failed: {error!r}")

    def handle_event(self, event: InotifyEvent) -> None:
        with self._turn:
            if self.ended or not self.should_keep_running():
                return
            dirty, lost = self._follow(event)
        if dirty is not None:
            self._on_dirty(dirty)
        if lost is not None:
            self._on_lost(lost)

    def _follow(self, event: InotifyEvent) -> tuple[str | None, str | None]:
        """Keep up with what happened; returns the path to look at, and why events may have been lost."""
        watched, wd = self._watched, event.wd
        if event.is_queue_overflow:
            # Nothing is given back before: that, too, is an event for each folder, and might overflow again.
            return None, self._attempt(watched.all) or "the system's queue of changes overflowed"
        watched.release(event.cookie if event.is_moved_to else 0)
        if reason := self._end_of_root(event):
            self._end()
            return None, reason
        folder = watched.path(wd)
        if folder is None or event.is_ignored:
            return None, None  # moved out of the root, or deleted: the folder that held it has told
        name = os.fsdecode(event.name)
        if not name:
            unmounted = event.mask & _IN.IN_UNMOUNT
            return folder, self._attempt(partial(watched.uncover, wd)) if unmounted else None
        if not folder and name.casefold() == CONTROL:
            return None, None
        lost = None
        if event.mask & _IN.IN_ISDIR and not (event.is_attrib and watched.knows(wd, name)):
            # One that moved is listed anew: what was made in it lately was looked for at its former place.
            look = partial(watched.look, wd, name, move=event.cookie, again=event.is_moved_to)
            lost = self._attempt(look)
        return (f"{folder}/{name}" if folder else name), lost

    def _attempt(self, work: Callable[[], None]) -> str | None:
        """Do it; returns why not everything is watched any more, where that is news."""
        reason = _hindrance(work)
        if reason is None or not self.complete:
            return None
        self.complete = False
        return f"not every folder can be watched: {reason}"

    def _end_of_root(self, event: InotifyEvent) -> str | None:
        """Return why the root can no longer be watched, None where it can."""
        is_root = event.wd == self._watched.top
        if event.is_move_self and (is_root or event.wd in self._above):
            return "the folder, or one above it, was renamed"
        if is_root and event.is_delete_self:
            return "the folder was deleted"
        if is_root and event.mask & _IN.IN_UNMOUNT:
            return "the folder's disk was unmounted"
        if is_root and event.is_ignored:
            return "the system no longer watches the folder"
        return None

    def _end(self) -> None:
        self.ended = True
        self.complete = False

    def _add(self, path: str, mask: int | None = None) -> int | None:
        """Watch a folder; None where there is none to be watched. Raises `OSError` with the cure."""
        mask = mask or (_ROOT_MASK if path == self._root else _MASK)
        wd = inotify_add_watch(self._inotify_fd, os.fsencode(path), Mask(mask))
        if wd != -1:
            return wd
        number = ctypes.get_errno()
        if number in _NOTHING_TO_WATCH:
            return None
        raise _with_cure(number)

    def _give_back(self, wd: int) -> None:
        inotify_rm_watch(self._inotify_fd, WatchDescriptor(wd))  # which fails where it is gone already

    def _close_resources(self) -> None:
        if not self._freed:
            self._freed = True
            super()._close_resources()


def _hindrance(work: Callable[[], None]) -> str | None:
    try:
        work()
    except OSError as error:
        return error.strerror or str(error)
    return None


def _with_cure(number: int) -> OSError:
    return OSError(number, _CURES.get(number) or os.strerror(number))
