"""The content of one file on its way up, and proof that it is not torn."""

from __future__ import annotations

import hashlib
import os
import stat
from collections.abc import Callable, Iterator

from fluxsync.core.model import Entry, Stamp
from fluxsync.errors import Busy, Stale
from fluxsync.replica.folder.busy import OPEN_ELSEWHERE
from fluxsync.replica.folder.root import Root
from fluxsync.replica.folder.stamps import lstat, same_file, stamp_of
from fluxsync.replica.folder.syscalls import At
from fluxsync.replica.folder.take_up import TakeUp
from fluxsync.replica.folder.translate import translated

__all__ = ["BLOCK", "READ_FLAGS", "FileSource", "digest_of", "open_file"]

BLOCK = 1 << 20
#: Not blocking: a pipe that took the file's place must not hang us.
READ_FLAGS = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC


def open_file(at: At) -> int:
    """Open a file for reading, itself and nothing it might point to."""
    return os.open(at.name, READ_FLAGS, dir_fd=at.fd)


def digest_of(fd: int, on_block: Callable[[int], None] = lambda count: None) -> str:
    """Read an open file to its end and return its digest; `on_block` hears the size of each block."""
    running = hashlib.sha256()
    while block := os.read(fd, BLOCK):
        on_block(len(block))
        running.update(block)
    return running.hexdigest()


class FileSource:
    """A `Source` over a file below the root.

    Raises `Stale` on opening when the file is not the entry, `Busy` when somebody has it open for writing. A
    stamp that differs only in its ctime (a tag, a right, another hard link) is let through where the entry
    has a digest: `check` compares that.
    """

    def __init__(self, root: Root, entry: Entry, take_up: TakeUp) -> None:
        self._root = root
        self._take_up = take_up
        self._path = entry.path
        self._digest = entry.digest
        self._running = hashlib.sha256()
        self._fd = -1
        with root.opened() as top, translated(entry.path), root.parent(top, entry.path) as at:
            self._fd = open_file(at)
        try:
            self._stamp = self._first_look(entry)
        except BaseException:
            self.close()
            raise
        self.size = self._stamp.size

    def blocks(self) -> Iterator[bytes]:
        """Yield the content in blocks of at most 1 MiB. Raises `Stale` when it ends early."""
        left = self.size
        while left:
            with translated(self._path):
                block = os.read(self._fd, min(BLOCK, left))
            if not block:
                raise Stale(f"{self._path}: it became shorter while it was read")
            self._running.update(block)
            left -= len(block)
            yield block

    def check(self) -> str:
        """Return the digest of what was read. Raises `Stale` or `Busy` if the file may be another by now."""
        with translated(self._path):
            if self._take_up.is_open(self._fd, self._stamp):
                raise Busy(f"{self._path}: {OPEN_ELSEWHERE}")
            if os.read(self._fd, 1) or stamp_of(os.fstat(self._fd)) != self._stamp:
                raise Stale(f"{self._path}: it changed while it was read")
            with self._root.opened() as top, self._root.parent(top, self._path) as at:
                if stamp_of(lstat(at)) != self._stamp:
                    raise Stale(f"{self._path}: another file took its place while it was read")
        digest = self._running.hexdigest()
        if self._digest is not None and digest != self._digest:
            raise Stale(f"{self._path}: its content is not what was planned")
        return digest

    def close(self) -> None:
        """Close the file; may be called twice."""
        fd, self._fd = self._fd, -1
        if fd >= 0:
            os.close(fd)

    def _first_look(self, entry: Entry) -> Stamp:
        status = os.fstat(self._fd)
        if not stat.S_ISREG(status.st_mode):
            raise Stale(f"{self._path}: it is no file any more")
        stamp = stamp_of(status)
        known = entry.stamp
        if known is not None and stamp != known and not (same_file(stamp, known) and entry.digest):
            raise Stale(f"{self._path}: it changed since it was looked at")
        if known is None and (stamp.size != entry.size or not entry.digest):
            raise Stale(f"{self._path}: it was never looked at")
        if self._take_up.is_open(self._fd, stamp):
            raise Busy(f"{self._path}: {OPEN_ELSEWHERE}")
        return stamp
