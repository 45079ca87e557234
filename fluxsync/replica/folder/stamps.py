"""Stamps: what tells, without reading it, that a file is still the one last looked at."""

from __future__ import annotations

import ctypes
import os
import sys
from collections.abc import Callable

from fluxsync.core.model import Stamp
from fluxsync.replica.folder.syscalls import At

__all__ = ["FINE_GRAIN_NS", "birth_ns", "grain_ns", "lstat", "quiet", "same_file", "stamp_at", "stamp_of"]

#: No local clock is coarser, except those that count whole seconds.
FINE_GRAIN_NS = 50_000_000
_COARSE_GRAIN_NS = 2_000_000_000
_SECOND_NS = 1_000_000_000

_AT_SYMLINK_NOFOLLOW = 0x100
_STATX_BTIME = 0x800


class _Statx(ctypes.Structure):
    _fields_ = (
        ("mask", ctypes.c_uint32),
        ("_before", ctypes.c_uint8 * 76),
        ("birth_s", ctypes.c_int64),
        ("birth_ns", ctypes.c_uint32),
        ("_after", ctypes.c_uint8 * 164),
    )


def _linux_birth() -> Callable[[int, str], int | None] | None:
    if not sys.platform.startswith("linux"):
        return None
    call = getattr(ctypes.CDLL(None, use_errno=True), "statx", None)
    if call is None:
        return None
    call.argtypes = [ctypes.c_int, ctypes.c_char_p, ctypes.c_int, ctypes.c_uint, ctypes.POINTER(_Statx)]

    def birth(fd: int, name: str) -> int | None:
        answer = _Statx()
        failed = call(fd, os.fsencode(name), _AT_SYMLINK_NOFOLLOW, _STATX_BTIME, ctypes.byref(answer))
        if failed or not answer.mask & _STATX_BTIME:
            return None
        return int(answer.birth_s) * _SECOND_NS + int(answer.birth_ns)

    return birth


_birth = _linux_birth()


def birth_ns(at: At, status: os.stat_result) -> int | None:
    """Return when a file was born, nanoseconds since 1970; None where the system does not tell."""
    seconds: float | None = getattr(status, "st_birthtime", None)
    if seconds is not None:
        return int(seconds * _SECOND_NS)
    return _birth(at.fd, at.name) if _birth is not None else None


def stamp_of(status: os.stat_result, birth: int | None = None) -> Stamp:
    return Stamp(status.st_size, status.st_mtime_ns, status.st_ctime_ns, status.st_ino, birth)


def lstat(at: At) -> os.stat_result:
    """Look at a name without following it. Raises `FileNotFoundError`."""
    return os.stat(at.name, dir_fd=at.fd, follow_symlinks=False)


def stamp_at(at: At) -> Stamp:
    """Return the stamp of what has this name, with its birth."""
    status = lstat(at)
    return stamp_of(status, birth_ns(at, status))


def same_file(one: Stamp, other: Stamp) -> bool:
    """Compare all but the ctime, which every rename changes."""
    return (one.inode, one.size, one.mtime_ns) == (other.inode, other.size, other.mtime_ns)


def grain_ns(mtime_ns: int, ctime_ns: int) -> int:
    """Return how far apart two writes must be for these times to differ, on the disk that gave them."""
    coarse = mtime_ns % _SECOND_NS == 0 and ctime_ns % _SECOND_NS == 0
    return _COARSE_GRAIN_NS if coarse else FINE_GRAIN_NS


def quiet(mtime_ns: int, ctime_ns: int, now_ns: int) -> bool:
    """Tell whether a write that comes now would show in the times.

    A time in the future proves nothing, whoever set it, and is not waited for.
    """
    grain = grain_ns(mtime_ns, ctime_ns)
    return not (-grain < now_ns - mtime_ns < grain or -grain < now_ns - ctime_ns < grain)
