"""Is somebody working on a file right now?

Two signs: the system knows of a descriptor that is open for writing, or the program's own lock file lies
beside it.
"""

from __future__ import annotations

import fcntl
import os
import signal
import sys
from collections.abc import Callable

from fluxsync.errors import Busy
from fluxsync.replica.folder.syscalls import At

__all__ = ["OPEN_ELSEWHERE", "POLL_S", "Patience", "lock_beside", "make_sure_idle", "written_elsewhere"]

#: How often a file that is open or changing is looked at again.
POLL_S = 0.1
_UNTIL = "it is taken up when it is closed there"
OPEN_ELSEWHERE = f"open for writing in another program; {_UNTIL}"

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
    except BlockingIOError:
        return True  # somebody holds it for himself alone, and has been told that we asked
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
        raise Busy(f"{path}: {OPEN_ELSEWHERE}")
    if lock := lock_beside(at):
        raise Busy(f"{path}: open in another program ({lock} lies beside it); {_UNTIL}")


class Patience:
    """Waits for files that somebody works on: for each path once, until that was found idle again."""

    def __init__(self, patience_s: float, wait: Callable[[float], None]) -> None:
        self._patience_s = patience_s
        self._wait = wait
        self._in_vain: set[str] = set()

    def renew(self, patience_s: float) -> None:
        """Begin anew: so many seconds for each path, also for those that were waited for in vain."""
        self._patience_s = patience_s
        self._in_vain.clear()

    def await_idle(self, path: str, make_sure: Callable[[], None]) -> None:
        """Call `make_sure` until it raises no `Busy`, which is raised when patience is at its end."""
        left_s = 0.0 if path in self._in_vain else self._patience_s
        while True:
            try:
                make_sure()
            except Busy:
                if left_s <= 0:
                    self._in_vain.add(path)
                    raise
            else:
                self._in_vain.discard(path)
                return
            self._wait(POLL_S)
            left_s -= POLL_S
