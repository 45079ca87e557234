"""The local trash: `.fluxsync/trash/<day>/<time>/<path>`, nothing else needed to bring a file back.

    .fluxsync/trash/2026-11-22/174501Z/Clients/Acme/logo.ai      taken away on that day, at 17:45:01 UTC
    .fluxsync/trash/2026-11-22/174501Z-2/Clients/Acme/logo.ai    the same path again within that second

What was trashed together lies together, so a whole folder is brought back by moving it. The files themselves
are the ones that lay in the folder, with their own times and attributes. Nothing here is ever replaced: a
name that is taken means the next number.
"""

from __future__ import annotations

import calendar
import errno
import os
import re
import stat
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from fluxsync.core.paths import dirname, join
from fluxsync.core.trash import TrashedFile
from fluxsync.errors import Rejected
from fluxsync.replica.folder import syscalls
from fluxsync.replica.folder.root import CONTROL, FOLDER_FLAGS, check_path, control, make_folders
from fluxsync.replica.folder.stamps import lstat
from fluxsync.replica.folder.syscalls import At

__all__ = ["Slot", "Trash", "trashed_at"]

_ROOM = "trash"
_WHERE = re.compile(r"(\d{4}-\d{2}-\d{2})/(\d{6})Z(?:-\d+)?/(.+)", re.DOTALL)
#: How often one path can come into the trash within a second.
_TRIES = 10_000


@dataclass(frozen=True, slots=True)
class Slot:
    """A name in the trash that holds something now."""

    where: str
    at: At


def trashed_at(where: str) -> tuple[float, str]:
    """Return when a file came into the trash, and its path before. Raises `ValueError` for a foreign name."""
    match = _WHERE.fullmatch(where)
    if match is None:
        raise ValueError(f"not a place in the trash: {where!r}")
    day, moment, path = match.groups()
    return float(calendar.timegm(time.strptime(f"{day} {moment}", "%Y-%m-%d %H%M%S"))), path


class Trash:
    """Takes files in, lists them, lets them go. Safe to use from several threads."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock

    @contextmanager
    def take(self, root: int, path: str, bring: Callable[[At], None]) -> Iterator[Slot]:
        """Yield the slot into which `bring` put a file; its folder is flushed at the end.

        `bring` is called with a name and raises `FileExistsError` where that is taken, upon which the next
        one is tried. Raises `OSError`.
        """
        check_path(path)
        moment = time.strftime("%Y-%m-%d/%H%M%SZ", time.gmtime(self._clock()))
        for number in range(1, _TRIES):
            where = f"{moment}/{path}" if number == 1 else f"{moment}-{number}/{path}"
            *folders, name = where.split("/")
            with control(root, _ROOM) as room:
                try:
                    fd = make_folders(room, folders, 0o700)
                except (NotADirectoryError, FileNotFoundError):
                    continue  # a file of this second has the folder's name; or it was just tidied away
            try:
                try:
                    bring(At(fd, name))
                except FileExistsError:
                    continue
                except FileNotFoundError:
                    if os.fstat(fd).st_nlink:
                        raise
                    continue  # the folder was tidied away before anything was in it
                yield Slot(where, At(fd, name))
                syscalls.sync_folder(fd)
                return
            finally:
                os.close(fd)
        raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), path)

    def files(self, root: int) -> list[TrashedFile]:
        """List what is in the trash, oldest first."""
        found: list[TrashedFile] = []
        with _opened(root) as room:
            for where, status in _below(room, "") if room is not None else ():
                try:
                    when, path = trashed_at(where)
                except ValueError:
                    continue  # put there by somebody else; not ours to offer or to remove
                found.append(TrashedFile(where, path, when, status.st_size))
        found.sort(key=lambda file: (file.when, file.where))
        return found

    @contextmanager
    def slot(self, root: int, where: str) -> Iterator[Slot]:
        """Yield the slot of a trashed file. Raises `OSError`, `Rejected` for a foreign name."""
        try:
            trashed_at(where)
        except ValueError as error:
            raise Rejected(str(error)) from error
        *folders, name = check_path(where)
        with control(root, _ROOM) as room:
            fd = room
            try:
                for part in folders:
                    child = os.open(part, FOLDER_FLAGS, dir_fd=fd)
                    if fd != room:
                        os.close(fd)
                    fd = child
                yield Slot(where, At(fd, name))
            finally:
                if fd != room:
                    os.close(fd)

    def drop(self, root: int, where: str) -> None:
        """Delete a trashed file for good, with the folders that it leaves empty. Raises like `slot`."""
        with self.slot(root, where) as slot:
            syscalls.unlink(slot.at)
        self.tidy(root, where)

    def bytes(self, root: int) -> int:
        """Return how much is in the trash, whoever put it there."""
        with _opened(root) as room:
            return sum(status.st_size for _, status in _below(room, "")) if room is not None else 0

    def tidy(self, root: int, where: str) -> None:
        """Remove the empty folders that a file left in the trash."""
        with control(root, _ROOM) as room:
            while where := dirname(where):
                *folders, name = where.split("/")
                try:
                    fd = make_folders(room, folders, 0o700)
                    try:
                        syscalls.rmdir(At(fd, name))
                    finally:
                        os.close(fd)
                except OSError:
                    return  # something is in it


@contextmanager
def _opened(root: int) -> Iterator[int | None]:
    """Yield a descriptor of the trash, None where there is none yet: looking makes nothing."""
    try:
        ours = os.open(CONTROL, FOLDER_FLAGS, dir_fd=root)
        try:
            room = os.open(_ROOM, FOLDER_FLAGS, dir_fd=ours)
        finally:
            os.close(ours)
    except FileNotFoundError:
        yield None
        return
    try:
        yield room
    finally:
        os.close(room)


def _below(fd: int, path: str) -> Iterator[tuple[str, os.stat_result]]:
    for name in sorted(os.listdir(fd)):
        try:
            status = lstat(At(fd, name))
        except FileNotFoundError:
            continue
        if not stat.S_ISDIR(status.st_mode):
            yield join(path, name), status
            continue
        try:
            child = os.open(name, FOLDER_FLAGS, dir_fd=fd)
        except FileNotFoundError:
            continue  # tidied away meanwhile
        try:
            yield from _below(child, join(path, name))
        finally:
            os.close(child)
