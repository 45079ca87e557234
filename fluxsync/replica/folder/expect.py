"""Is what lies here still the entry that we expect?"""

from __future__ import annotations

import os
import stat

from fluxsync.core.model import Entry, Stamp
from fluxsync.errors import Stale
from fluxsync.replica.folder.busy import open_for_writing
from fluxsync.replica.folder.source import digest_of, open_file
from fluxsync.replica.folder.stamps import lstat, quiet, same_file, stamp_of
from fluxsync.replica.folder.syscalls import At

__all__ = ["came_out", "confirm", "has_digest"]


def confirm(at: At, entry: Entry) -> Stamp:
    """Return the stamp of the file at a name, or raise `Stale` when it is not the entry.

    Where size, mtime and inode agree and only the ctime differs (a tag, a right, another hard link), or where
    there is no stamp to compare, the content decides. Raises `OSError`.
    """
    status = lstat(at)
    if not stat.S_ISREG(status.st_mode):
        raise Stale(f"{entry.path}: it is no file any more")
    stamp = stamp_of(status)
    if entry.stamp is not None and stamp == entry.stamp:
        return stamp
    alike = stamp.size == entry.size and (entry.stamp is None or same_file(stamp, entry.stamp))
    if alike and entry.digest and has_digest(at, entry.digest) and stamp_of(lstat(at)) == stamp:
        return stamp
    raise Stale(f"{entry.path}: it changed since it was looked at")


def came_out(at: At, confirmed: Stamp, entry: Entry, now_ns: int) -> bool:
    """Tell whether the file that a rename brought out is the one that was confirmed before.

    A file that somebody still writes to is not. Times decide, the ctime apart; where a write could hide in
    the clock's grain, or the disk gives a renamed file another inode number, the content does.
    """
    status = lstat(at)
    if not stat.S_ISREG(status.st_mode) or open_for_writing(at):
        return False
    stamp = stamp_of(status)
    if (stamp.size, stamp.mtime_ns) != (confirmed.size, confirmed.mtime_ns):
        return False
    certain = stamp.inode == confirmed.inode and quiet(stamp.mtime_ns, 0, now_ns)
    if entry.digest is None:
        return stamp.inode == confirmed.inode
    try:
        return certain or has_digest(at, entry.digest)
    except OSError:
        return False  # what cannot be read is not proved to be expected


def has_digest(at: At, digest: str) -> bool:
    """Read a file and compare its content."""
    fd = open_file(at)
    try:
        return digest_of(fd) == digest
    finally:
        os.close(fd)
