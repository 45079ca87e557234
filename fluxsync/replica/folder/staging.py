"""Staging: content is complete, checked and flushed in `.fluxsync/tmp` before the folder changes."""

from __future__ import annotations

import hashlib
import os
import secrets
import stat
from collections.abc import Iterator
from contextlib import contextmanager

from fluxsync.errors import Corrupted
from fluxsync.replica.base import Source
from fluxsync.replica.folder import syscalls
from fluxsync.replica.folder.names import drop_probe
from fluxsync.replica.folder.root import control
from fluxsync.replica.folder.source import open_file
from fluxsync.replica.folder.syscalls import At

__all__ = ["PREFIX", "Staged", "drop", "leftovers", "new_name", "staged"]

#: What the name of every staged file begins with; nothing else in `.fluxsync/tmp` is ever removed.
PREFIX = "put-"


class Staged:
    """A file in `.fluxsync/tmp` that nobody else knows yet."""

    __slots__ = ("at", "digest", "fd", "size")

    def __init__(self, at: At, fd: int) -> None:
        self.at = at
        self.fd = fd
        self.size = 0
        self.digest = ""

    def take_in(self, content: Source, path: str) -> None:
        """Write content and compare it with what its source says of it. Raises `OSError`, `Corrupted`."""
        running = hashlib.sha256()
        for block in content.blocks():
            running.update(block)
            view = memoryview(block)
            while view:
                written = os.write(self.fd, view)
                view = view[written:]
            self.size += len(block)
        promised = content.check()
        self.digest = running.hexdigest()
        if self.size != content.size or self.digest != promised:
            raise Corrupted(
                f"{path}: {self.size} of {content.size} bytes came, or with another digest; fetched again"
            )

    def dress(self, replaced: At | None, mtime_ns: int | None) -> None:
        """Give it mode and attributes of the file it will replace, and its time, and flush it."""
        if replaced is not None:
            try:
                source = open_file(replaced)
            except PermissionError:
                pass  # unreadable, so it has no attributes for us either
            else:
                try:
                    syscalls.copy_metadata(source, self.fd)
                finally:
                    os.close(source)
        if mtime_ns:
            os.utime(self.fd, ns=(mtime_ns, mtime_ns))
        syscalls.sync_file(self.fd)


def new_name(run: str = "") -> str:
    """Return a name for a staged file that no other has; it says which run it belongs to."""
    return f"{PREFIX}{run}-{secrets.token_hex(8)}"


@contextmanager
def staged(root: int, content: Source, path: str, run: str = "") -> Iterator[Staged]:
    """Yield the content for `path` as a staged file of a run.

    Whatever is still under its name afterwards is removed. Raises `OSError`, `Corrupted`, and whatever
    `content` raises.
    """
    with control(root, "tmp") as room:
        at = At(room, new_name(run))
        file = Staged(at, syscalls.create(at))
        try:
            file.take_in(content, path)
            yield file
        finally:
            os.close(file.fd)
            try:
                syscalls.unlink(at)
            except FileNotFoundError:
                pass  # it went where it was wanted


def leftovers(root: int, run: str) -> list[str]:
    """Return the names of staged files that a run left."""
    with control(root, "tmp") as room:
        return sorted(name for name in os.listdir(room) if name.startswith(f"{PREFIX}{run}-"))


def drop(root: int, name: str) -> None:
    """Remove what a run left under a staged file's name: a file, or a folder of empty files from a probe.

    Gone is no error. Raises `OSError`, `ValueError` for a foreign name.
    """
    if not name.startswith(PREFIX) or "/" in name:
        raise ValueError(f"not a staged file: {name!r}")
    with control(root, "tmp") as room:
        at = At(room, name)
        try:
            if stat.S_ISDIR(os.stat(name, dir_fd=room, follow_symlinks=False).st_mode):
                drop_probe(at)
            else:
                syscalls.unlink(at)
        except FileNotFoundError:
            pass
