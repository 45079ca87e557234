"""Where commands find the service of a pair: a socket beside its journal, for its owner alone.

An address holds some hundred bytes, a path may be longer: then the folder is reached by a shorter way. The
socket lies beside the journal all the same, so both ends find it by the journal's path and nothing else.
"""

from __future__ import annotations

import os
import shutil
import socket
import struct
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from hashlib import sha256
from pathlib import Path

__all__ = ["connected", "is_ours", "listening", "socket_path"]

#: Bytes of a path that every system takes for an address; and of a name, whatever stands before it.
_MOST_PATH = 100
_MOST_NAME = 60
_BACKLOG = 16
#: Seconds that a service may take to hear that somebody is there.
_CONNECT_S = 5.0
_PROC = "/proc/self/fd"


def socket_path(journal: Path) -> Path:
    """Return the path of the socket for the pair of this journal."""
    name = f"{journal.name}.sock"
    if len(os.fsencode(name)) > _MOST_NAME:
        name = f"{sha256(os.fsencode(journal.name)).hexdigest()[:16]}.sock"
    return journal.absolute().with_name(name)


def listening(journal: Path) -> socket.socket:
    """Return a socket that listens there, in the place of one that a killed process left.

    It must be called under the lock of the pair. Raises `OSError`.
    """
    path = socket_path(journal)
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    # It is made where nobody else can reach it, and appears with its rights: no instant of others.
    private = path.with_name(f"{path.name}.new")
    shutil.rmtree(private, ignore_errors=True)
    private.mkdir(mode=0o700)
    sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        with _address(private / "s") as address:
            sock.bind(address)
        os.chmod(private / "s", 0o600)
        sock.listen(_BACKLOG)
        os.replace(private / "s", path)
    except BaseException:
        sock.close()
        raise
    finally:
        shutil.rmtree(private, ignore_errors=True)
    return sock


def connected(journal: Path) -> socket.socket | None:
    """Return a socket that is connected to the service of this journal; None where none listens."""
    path = socket_path(journal)
    sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    sock.settimeout(_CONNECT_S)
    try:
        with _address(path) as address:
            sock.connect(address)
        sock.settimeout(None)
    except OSError:
        sock.close()
        return None
    return sock


def is_ours(sock: socket.socket) -> bool:
    """Tell whether our own user, or the system's, is at the other end; True where the system cannot tell."""
    kind = getattr(socket, "SO_PEERCRED", None)
    if kind is None:
        return True
    _, user, _ = struct.unpack("3i", sock.getsockopt(socket.SOL_SOCKET, kind, struct.calcsize("3i")))
    return user in (os.geteuid(), 0)


@contextmanager
def _address(path: Path) -> Iterator[str | bytes]:
    """Give what a socket can be bound or connected to that lies at this path. Raises `OSError`."""
    if len(os.fsencode(path)) <= _MOST_PATH:
        yield os.fsencode(path)
        return
    folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        if os.path.isdir(_PROC):
            yield os.fsencode(f"{_PROC}/{folder}/{path.name}")
        else:
            with _link_to(path.parent) as link:
                yield os.fsencode(f"{link}/{path.name}")
    finally:
        os.close(folder)


@contextmanager
def _link_to(folder: Path) -> Iterator[str]:
    """Give a short path of a folder, for a moment."""
    place = tempfile.mkdtemp(dir="/tmp")
    link = os.path.join(place, "j")
    try:
        os.symlink(folder, link)
        yield link
    finally:
        with suppress(OSError):
            os.unlink(link)
        os.rmdir(place)
