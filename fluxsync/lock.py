"""The lock of a root: one fluxsync at a time works on a folder."""

from __future__ import annotations

import errno
import fcntl
import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from fluxsync.errors import ConfigError, Locked

__all__ = ["hold_lock"]


@contextmanager
def hold_lock(root: Path) -> Iterator[None]:
    """Hold the lock of a root that is prepared; the kernel releases it when the process ends.

    Raises `Locked` where another holds it, `ConfigError` where the root cannot be locked.
    """
    from filelock import FileLock, Timeout

    folder = root / ".fluxsync"
    lock = FileLock(folder / "lock", mode=0o600)
    with ExitStack() as held:
        try:
            lock.acquire(timeout=0)
            held.callback(lock.release)
            held.enter_context(_hold_folder(folder))
        except (Timeout, BlockingIOError):
            raise Locked(f"another fluxsync works on {root}: wait until it is done, or stop it") from None
        except OSError as error:
            what = f"[local] root = {root}: cannot be locked ({error.strerror})"
            raise ConfigError(f"{what}: make it writable for your user") from None
        yield


@contextmanager
def _hold_folder(folder: Path) -> Iterator[None]:
    """Lock the folder itself, too: the lock's file may be deleted under the one who holds it.

    Not every disk can lock a folder; there the file has to do. Raises `BlockingIOError` where another has it.
    """
    fd = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            if error.errno in (errno.EWOULDBLOCK, errno.EAGAIN):
                raise
        yield
    finally:
        os.close(fd)
