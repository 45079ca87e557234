"""The root of the folder: is it still the one we opened, and how to reach what lies below it.

A link slipped in for a folder on the way must not lead a download out of the root, so no path is ever handed
to the system: each part is opened by itself, not following links, starting from the root's own descriptor.
The root is opened anew for each piece of work and compared with the one that `attach` saw; holding it open
would keep a disk from being ejected.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from fluxsync.errors import Halted, Rejected
from fluxsync.replica.folder import syscalls
from fluxsync.replica.folder.syscalls import At

__all__ = ["CONTROL", "FOLDER_FLAGS", "Root", "check_path", "is_text", "write_whole"]

#: The folder at the root that is fluxsync's own.
CONTROL = ".fluxsync"
FOLDER_FLAGS = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_ROOT_ID = "root-id"
_ROOT_FLAGS = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC


def is_text(name: str) -> bool:
    """Tell whether a name found on the disk is text at all: not every sequence of bytes is."""
    if name.isascii():
        return True
    try:
        name.encode()
    except UnicodeEncodeError:
        return False
    return True


def check_path(path: str) -> list[str]:
    """Split a path, or raise `Rejected` where it could lead anywhere but below the root."""
    parts = path.split("/")
    if any(part in ("", ".", "..") or "\0" in part or not is_text(part) for part in parts):
        raise Rejected(f"{path!r}: not a path below the root; rename it on the account")
    if parts[0].casefold() == CONTROL:
        raise Rejected(f"{path}: {CONTROL} is fluxsync's own folder; rename it on the account")
    return parts


class Root:
    """Knows one directory again. Safe to use from several threads."""

    def __init__(self, path: str) -> None:
        self.path = path
        self._identity: tuple[int, int] | None = None
        self._root_id: str | None = None
        self._control_inode: int | None = None

    @property
    def attached(self) -> bool:
        return self._identity is not None

    def attach(self) -> None:
        """Remember which directory the root is now. Raises `Halted` when there is none."""
        fd = self._open()
        try:
            status = os.fstat(fd)
            self._root_id = _read_root_id(fd)
            self._control_inode = _inode(fd, CONTROL)
            self._identity = (status.st_dev, status.st_ino)
        finally:
            os.close(fd)

    def prepare(self) -> None:
        """Make `.fluxsync` with its rooms, and remember the root. Raises `OSError`, `Halted`."""
        fd = self._open()
        try:
            made = make_folders(fd, (CONTROL,), 0o700)
            try:
                os.fchmod(made, 0o700)
            except OSError:
                pass  # a disk without modes
            finally:
                os.close(made)
            for room in ("tmp", "trash"):
                os.close(make_folders(fd, (CONTROL, room), 0o700))
        except OSError as error:
            if error.errno not in (errno.ENOTDIR, errno.ELOOP):
                raise
            raise Halted(
                f"{self.path}/{CONTROL} is, or holds, a link or a file where a folder of our own has to be;"
                " move that away"
            ) from error
        finally:
            os.close(fd)
        self.attach()

    @contextmanager
    def opened(self) -> Iterator[int]:
        """Yield a descriptor of the root. Raises `Halted` when it is not the one that was attached."""
        if self._identity is None:
            self.attach()
        fd = self._open()
        try:
            status = os.fstat(fd)
            if (status.st_dev, status.st_ino) != self._identity:
                raise Halted(
                    f"{self.path} is not the folder it was; mount the right disk, or run: fluxsync rebuild"
                )
            if _read_root_id(fd) != self._root_id:
                raise Halted(
                    f"{self.path} is another root than before; mount the right one, or run: fluxsync rebuild"
                )
            yield fd
        finally:
            os.close(fd)

    def root_id(self) -> str | None:
        """Return the text of the marker, None where there is none. Raises `Halted` without a root."""
        fd = self._open()
        try:
            return _read_root_id(fd)
        finally:
            os.close(fd)

    def write_root_id(self, text: str) -> None:
        """Write the marker, complete or not at all, flushed. Raises `OSError`, `Halted`."""
        with self.opened() as root, control(root) as fd:
            write_whole(At(fd, _ROOT_ID), text, flush=True)
            self._root_id = text

    @contextmanager
    def parent(self, root: int, path: str) -> Iterator[At]:
        """Yield the name at the end of a path, in its opened folder. Raises `OSError`, `Rejected`."""
        *folders, name = check_path(path)
        with self._walked(root, folders) as fd:
            yield At(fd, name)

    @contextmanager
    def folder(self, root: int, path: str) -> Iterator[int]:
        """Yield a descriptor of a folder, "" being the root. Raises `OSError`, `Rejected`."""
        with self._walked(root, check_path(path) if path else []) as fd:
            yield fd

    @contextmanager
    def _walked(self, root: int, parts: Sequence[str]) -> Iterator[int]:
        fd = root
        try:
            for part in parts:
                child = os.open(part, FOLDER_FLAGS, dir_fd=fd)
                if fd == root:
                    fd = child
                    # Some disks fold more than case: a name that looks unlike ours may still lead into ours.
                    if os.fstat(fd).st_ino == self._control_inode:
                        raise Rejected(
                            f"{part}: {CONTROL} is fluxsync's own folder; rename it on the account"
                        )
                else:
                    os.close(fd)
                    fd = child
            yield fd
        finally:
            if fd != root:
                os.close(fd)

    def _open(self) -> int:
        try:
            return os.open(self.path, _ROOT_FLAGS)
        except FileNotFoundError:
            raise Halted(
                f"the folder {self.path} is missing or not mounted: nothing was done; mount it and run again"
            ) from None
        except OSError as error:
            raise Halted(f"{self.path} cannot be opened ({error.strerror}); nothing was changed") from error


@contextmanager
def control(root: int, *rooms: str) -> Iterator[int]:
    """Yield a descriptor of `.fluxsync` or a room in it, made where it is missing. Raises `OSError`."""
    fd = make_folders(root, (CONTROL, *rooms), 0o700)
    try:
        yield fd
    finally:
        os.close(fd)


def make_folders(start: int, parts: Sequence[str], mode: int = 0o777) -> int:
    """Open a folder below another, making what is missing on the way and flushing it.

    Raises `NotADirectoryError` or another `OSError` when something else than a folder is in the way.
    """
    fd = start
    try:
        for part in parts:
            try:
                child = os.open(part, FOLDER_FLAGS, dir_fd=fd)
            except FileNotFoundError:
                try:
                    syscalls.mkdir(At(fd, part), mode)
                except FileExistsError:
                    pass  # another mover was faster
                syscalls.sync_folder(fd)
                child = os.open(part, FOLDER_FLAGS, dir_fd=fd)
            if fd != start:
                os.close(fd)
            fd = child
    except BaseException:
        if fd != start:
            os.close(fd)
        raise
    return os.dup(fd) if fd == start else fd


def write_whole(at: At, text: str, *, flush: bool) -> None:
    """Write one line into a file of our own, all of it or nothing. Raises `OSError`."""
    staged = At(at.fd, f"{at.name}.new")
    try:
        syscalls.unlink(staged)
    except FileNotFoundError:
        pass
    file = syscalls.create(staged, 0o600)
    try:
        os.write(file, f"{text}\n".encode())
        if flush:
            syscalls.sync_file(file)
    finally:
        os.close(file)
    syscalls.rename(staged, at)
    if flush:
        syscalls.sync_folder(at.fd)


def _inode(fd: int, name: str) -> int | None:
    try:
        return os.stat(name, dir_fd=fd, follow_symlinks=False).st_ino
    except FileNotFoundError:
        return None


def _read_root_id(root: int) -> str | None:
    try:
        folder = os.open(CONTROL, FOLDER_FLAGS, dir_fd=root)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise Halted(f"{CONTROL} cannot be opened ({error.strerror}); nothing was changed") from error
    try:
        file = os.open(_ROOT_ID, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC, dir_fd=folder)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise Halted(
            f"{CONTROL}/{_ROOT_ID} cannot be read ({error.strerror}); nothing was changed"
        ) from error
    finally:
        os.close(folder)
    try:
        return os.read(file, 4096).decode("utf-8", "replace").strip() or None
    except OSError as error:
        raise Halted(
            f"{CONTROL}/{_ROOT_ID} cannot be read ({error.strerror}); nothing was changed"
        ) from error
    finally:
        os.close(file)
