"""The lock of a root: one fluxsync at a time works on a folder."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from fluxsync.errors import ConfigError, Locked

__all__ = ["hold_lock"]


@contextmanager
def hold_lock(root: Path) -> Iterator[None]:
    """Hold the lock of a root that is prepared; the kernel releases it when the process ends.

    Raises `Locked` where another holds it, `ConfigError` where the root cannot be locked.
    """
    from filelock import FileLock, Timeout

    lock = FileLock(root / ".fluxsync" / "lock", mode=0o600)
    try:
        lock.acquire(timeout=0)
    except Timeout:
        raise Locked(f"another fluxsync works on {root}: wait until it is done, or stop it") from None
    except OSError as error:
        raise ConfigError(f"[local] root = {root}: cannot be locked ({error.strerror})") from None
    try:
        yield
    finally:
        lock.release()
