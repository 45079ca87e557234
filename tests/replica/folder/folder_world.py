"""What the tests of the folder share: content out of nowhere, a clock, and a disk that stops at any step."""

from __future__ import annotations

import hashlib
import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from fluxsync.core.model import Entry, Item, Place, Scope, Snapshot
from fluxsync.replica.folder import Folder, syscalls

#: Every call that changes the disk.
SEAMS = (
    "rename_new",
    "exchange",
    "rename",
    "link",
    "unlink",
    "mkdir",
    "rmdir",
    "create",
    "copy",
    "sync_file",
    "sync_folder",
)


class Content:
    """A `Source` over bytes; `during` is called when the last byte has been handed out."""

    def __init__(
        self, text: bytes, during: Callable[[], None] = lambda: None, size: int | None = None
    ) -> None:
        self.text = text
        self.size = len(text) if size is None else size
        self._during = during

    def blocks(self) -> Iterator[bytes]:
        for start in range(0, len(self.text), 1 << 20):
            yield self.text[start : start + (1 << 20)]
        self._during()

    def check(self) -> str:
        return digest(self.text)

    def close(self) -> None:
        pass


class Clock:
    """An hour ahead, so that files written a moment ago are old; `wait` moves it and calls `during`."""

    def __init__(self) -> None:
        self.ahead = 3600.0
        self.waited: list[float] = []
        self.during: Callable[[], None] = lambda: None

    def __call__(self) -> float:
        return time.time() + self.ahead

    def wait(self, seconds: float) -> None:
        self.waited.append(seconds)
        self.ahead += seconds
        self.during()


def digest(text: bytes) -> str:
    return hashlib.sha256(text).hexdigest()


def place(path: str) -> Place:
    folder, _, name = path.rpartition("/")
    return Place(folder, name)


def items(snapshot: Snapshot) -> dict[str, Item]:
    """What the ancestor holds once both sides agree on a snapshot."""
    entries = {**snapshot.files, **snapshot.folders}
    return {
        path: Item(number, entry.kind, path, "k", "", path, 0, entry.size, entry.digest or "", entry.stamp)
        for number, (path, entry) in enumerate(entries.items())
    }


def scan(folder: Folder, known: dict[str, Item] | None = None, *members: str) -> Snapshot:
    return folder.scan(Scope(frozenset(members)) if members else Scope(), known or {})


def entry(folder: Folder, path: str) -> Entry:
    return scan(folder, None, path).files[path]


def tree(root: Path) -> dict[str, bytes]:
    """Everything outside of `.fluxsync`, by path."""
    return {
        path.relative_to(root).as_posix(): path.read_bytes()
        for path in sorted(root.rglob("*"))
        if path.is_file() and path.relative_to(root).parts[0] != ".fluxsync"
    }


def trashed(root: Path) -> list[bytes]:
    return [path.read_bytes() for path in sorted((root / ".fluxsync/trash").rglob("*")) if path.is_file()]


def staged(root: Path) -> list[str]:
    return sorted(os.listdir(root / ".fluxsync/tmp"))


#: From a disk that can do all to one that can do neither: exchange two names, link.
DISKS = ("exchange", "copies", "links", "steps")


def lack(monkeypatch: pytest.MonkeyPatch, disk: str) -> None:
    """Make the disk one that cannot exchange names ("links"), has no hard links ("copies"), or neither."""

    def missing(*_: object) -> None:
        raise syscalls.Unsupported(22, "not on this disk")

    if disk not in ("exchange", "copies"):
        monkeypatch.setattr(syscalls, "_flagged", missing)
    if disk in ("steps", "copies"):
        monkeypatch.setattr(syscalls, "link", missing)


def killed(work: Callable[[], object], step: int) -> bool:
    """Run something in a process that is killed after its n-th change of the disk; False: it ended before."""
    child = os.fork()
    if child:
        return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 9
    try:
        left = step

        def dying(call: Callable[..., object]) -> Callable[..., object]:
            def called(*args: object) -> object:
                nonlocal left
                result = call(*args)
                left -= 1
                if left < 0:
                    os._exit(9)
                return result

            return called

        for name in SEAMS:
            setattr(syscalls, name, dying(getattr(syscalls, name)))
        work()
    except BaseException as error:
        os.write(2, repr(error).encode())
        os._exit(1)
    os._exit(0)


def before(
    monkeypatch: pytest.MonkeyPatch, seam: str, act: Callable[[], None], *, when: str | None = None
) -> None:
    """Let somebody else act right before the first call of a seam; `when`: the first that names this."""
    call = getattr(syscalls, seam)
    done = False

    def called(*args: object) -> object:
        nonlocal done
        names = [getattr(arg, "name", None) for arg in args]
        if not done and (when is None or when in names):
            done = True
            act()
        return call(*args)

    monkeypatch.setattr(syscalls, seam, called)
