"""Is somebody working on a file right now?

Two signs: the system knows of a descriptor that is open for writing, or the program's own lock file lies
beside it.
"""

from __future__ import annotations

import fcntl
import os
import signal
import sys

from fluxsync.errors import Busy
from fluxsync.replica.folder.syscalls import At

__all__ = ["lock_beside", "make_sure_idle", "open_for_writing", "written_elsewhere"]

#: Extensions of documents beside which InDesign and InCopy put `~NAME~xxxxxx.idlk`.
_INDESIGN = (".indd", ".indl", ".indt", ".indb", ".idml", ".inx", ".icml", ".icma", ".incx", ".inca")
_LINUX = sys.platform.startswith("linux")


def written_elsewhere(fd: int) -> bool:
    """Tell whether anybody has this file (opened read-only here) open for writing; False: no, or not known.

    On Linux a read lease is refused exactly then. It is given back at once, and whoever opens the file within
    these microseconds waits for no longer than that.
    """
    if not _LINUX:
        return False
    try:
        # Breaking a lease sends SIGIO, which kills by default; SIGURG is ignored by default.
        fcntl.fcntl(fd, fcntl.F_SETSIG, signal.SIGURG)
        fcntl.fcntl(fd, fcntl.F_SETLEASE, fcntl.F_RDLCK)
    except BlockingIOError:
        return True
    except OSError:
        return False  # not our file, or a disk without leases
    try:
        fcntl.fcntl(fd, fcntl.F_SETLEASE, fcntl.F_UNLCK)
    except OSError:
        pass  # closing the descriptor gives it back as well
    return False


def open_for_writing(at: At) -> bool:
    """Tell whether anybody has the file at this name open for writing; False where nobody can tell."""
    try:
        fd = os.open(at.name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC, dir_fd=at.fd)
    except OSError:
        return False
    try:
        return written_elsewhere(fd)
    finally:
        os.close(fd)


def lock_beside(at: At) -> str | None:
    """Return the name of the lock file that a program keeps beside the file while it is open there."""
    stem = at.name.rpartition(".")[0] or at.name
    candidates = [f".~lock.{at.name}#", f"~${at.name}", f"{at.name}.idlk", f"{stem}.idlk"]
    if len(at.name) > 2:
        candidates.append(
            f"~${at.name[2:]}"
        )  # Word and Excel put it over the first two letters of long names
    for name in candidates:
        if name == at.name:
            continue
        try:
            os.stat(name, dir_fd=at.fd, follow_symlinks=False)
        except OSError:
            continue
        return name
    if at.name.lower().endswith(_INDESIGN):
        prefix = f"~{stem}~".lower()
        for name in os.listdir(at.fd):
            if name.lower().startswith(prefix) and name.lower().endswith(".idlk"):
                return name
    return None


def make_sure_idle(at: At, path: str) -> None:
    """Raise `Busy` while somebody works on the file."""
    if open_for_writing(at):
        raise Busy(f"{path}: open for writing in another program; it waits until it is closed there")
    if lock := lock_beside(at):
        raise Busy(
            f"{path}: open in another program ({lock} lies beside it); it waits until it is closed there"
        )
