"""The one place where errors of the system become errors of fluxsync."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager

from fluxsync.errors import Busy, Full, Rejected, ReplicaError, Stale
from fluxsync.replica.folder.busy import OPEN_ELSEWHERE

__all__ = ["explain", "translated"]

_FULL = frozenset({errno.ENOSPC, errno.EDQUOT})
_STALE = {
    errno.ENOENT: "it, or its folder, is gone",
    errno.EEXIST: "something else has that name",
    errno.ENOTDIR: "a folder on the way is no folder any more",
    errno.ELOOP: "it, or a folder on the way, became a symbolic link",
    errno.EISDIR: "it became a folder",
    errno.ENOTEMPTY: "the folder is not empty",
}
_REJECTED = {
    errno.EACCES: "permission denied; give your user the right to read and write it",
    errno.EPERM: "the system does not permit it; look for a locked or immutable file",
    errno.EROFS: "the disk is read-only",
    errno.ENAMETOOLONG: "its name is too long for this disk",
    errno.EILSEQ: "this disk cannot hold its name",
    errno.EINVAL: "this disk cannot hold its name",
    errno.EIO: "the disk reports an error; check the disk",
    errno.EXDEV: "it lies on another disk than the root; mounted folders can be read, not changed",
    errno.EFBIG: "it is too large for this disk",
}
_BUSY = {
    errno.EBUSY: "the system is using it",
    errno.ETXTBSY: "it is a program that runs",
    errno.EAGAIN: OPEN_ELSEWHERE,
}


def explain(error: OSError) -> str:
    """Say in a few words what went wrong, without the path."""
    number = error.errno or 0
    known = _REJECTED.get(number) or _STALE.get(number) or _BUSY.get(number)
    return known or (os.strerror(number) if number else str(error))


@contextmanager
def translated(path: str) -> Iterator[None]:
    """Raise what the system says about `path` as `Stale`, `Full`, `Busy` or `Rejected`."""
    try:
        yield
    except OSError as error:
        kind: type[ReplicaError] = Rejected
        if error.errno in _FULL:
            raise Full(
                f"{path}: no room on the disk; free some, the trash of fluxsync included", here=True
            ) from error
        if error.errno in _STALE:
            kind = Stale
        elif error.errno in _BUSY:
            kind = Busy
        raise kind(f"{path}: {explain(error)}") from error
