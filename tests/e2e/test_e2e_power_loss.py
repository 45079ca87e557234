"""What the journal says is on the disk is on the disk: flushed before the commit that says so.

A kill loses nothing that was written; a loss of power loses all that was not flushed. So this is watched:
each change of a file makes its content doubtful until it is flushed, each new name its folder, and when the
journal settles an operation nothing may be in doubt.
"""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
from crash_scenes import BY_NAME
from crash_world import Start
from e2e_world import Clock
from tripwire import POOLS, AtOnce

from fluxsync.replica.folder import syscalls
from fluxsync.state.journal import Journal, Settlement

#: Calls that change what a descriptor's file holds, or what is said of it.
_ON_FILES = ("write", "utime", "fchmod", "setxattr")
#: Calls that give a name to something. A removal that a loss of power undoes loses nothing.
_ON_NAMES = ("rename_new", "exchange", "rename", "link", "mkdir", "create")


#: What nobody misses: names in the staging room, the lock, the mark of the journal.
_OUR_FOLDERS = re.compile(r"/\.fluxsync(/tmp(/.*)?)?\Z")
_OUR_FILES = re.compile(r"/\.fluxsync/[^/]*\Z")


class Disk:
    """Knows which files and folders a loss of power would take back."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.doubtful: dict[tuple[int, int], str] = {}
        self.settled = 0
        #: How sure SQLite was to make the commits that others rely on.
        self.modes: set[tuple[str, int]] = set()
        for name in _ON_FILES:
            monkeypatch.setattr(os, name, self._changing(getattr(os, name)))
        for name in _ON_NAMES:
            monkeypatch.setattr(syscalls, name, self._naming(getattr(syscalls, name), name))
        monkeypatch.setattr(os, "fsync", self._flushing(os.fsync))
        for name in ("mark_sent", "settle", "advance"):
            monkeypatch.setattr(Journal, name, self._committing(getattr(Journal, name), name))

    def _changing(self, call: Callable[..., Any]) -> Callable[..., Any]:
        def called(fd: Any, *args: Any, **more: Any) -> Any:
            result = call(fd, *args, **more)
            if isinstance(fd, int):
                self._doubt(fd, "its content")
            return result

        return called

    def _naming(self, call: Callable[..., Any], name: str) -> Callable[..., Any]:
        def called(*args: Any) -> Any:
            result = call(*args)
            for at in args:
                if isinstance(at, syscalls.At) and not at.name.startswith("put-"):
                    self._doubt(at.fd, f"{name} {at.name!r}")
            return result

        return called

    def _flushing(self, call: Callable[[int], None]) -> Callable[[int], None]:
        def called(fd: int) -> None:
            call(fd)
            self.doubtful.pop(_identity(fd), None)

        return called

    def _committing(self, call: Callable[..., Any], name: str) -> Callable[..., Any]:
        def called(journal: Journal, rows: Sequence[Any], *more: Any) -> Any:
            if any(isinstance(row, Settlement) and row.outcome == "done" for row in rows):
                assert self.doubtful == {}, f"the journal says that it is there: {[*self.doubtful.values()]}"
                self.settled += len(rows)
            result = call(journal, rows, *more)
            if rows:
                ((mode,),) = journal._database.rows("PRAGMA synchronous")
                self.modes.add((name, mode))
            return result

        return called

    def _doubt(self, fd: int, why: str) -> None:
        status, path = os.fstat(fd), os.readlink(f"/proc/self/fd/{fd}")
        is_folder = stat.S_ISDIR(status.st_mode)
        counts = is_folder or stat.S_ISREG(status.st_mode)
        if counts and not (_OUR_FOLDERS if is_folder else _OUR_FILES).search(path):
            self.doubtful[_identity(fd)] = f"{why} in {path}"


def _identity(fd: int) -> tuple[int, int]:
    status = os.fstat(fd)
    return status.st_dev, status.st_ino


@pytest.mark.parametrize(
    "name",
    [
        "download",
        "conflict keep-both",
        "moved there",
        "delete",
        pytest.param("conflict local", marks=pytest.mark.slow),
        pytest.param("conflict remote", marks=pytest.mark.slow),
        pytest.param("edits win over deletions", marks=pytest.mark.slow),
        pytest.param("empty folders", marks=pytest.mark.slow),
        pytest.param("folders renamed", marks=pytest.mark.slow),
        pytest.param("first merge", marks=pytest.mark.slow),
    ],
)
@pytest.mark.parametrize("disk", ["exchange", "links"])
def test_files_and_folders_are_flushed_before_the_journal_says_that_they_are_there(
    name: str, disk: str, tmp_path: Path, time_passes: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    start = Start(BY_NAME[name], tmp_path, time_passes)
    for pool in POOLS:
        monkeypatch.setattr(f"{pool}.ThreadPoolExecutor", AtOnce)
    if disk == "links":
        monkeypatch.setattr(syscalls, "_flagged", _lacking)
    watched = Disk(monkeypatch)
    with start.world("flushed") as (a, _):
        a.in_step()
    assert watched.settled > 1
    assert {mode for _, mode in watched.modes} == {2}, f"2 (FULL) flushes a commit: {watched.modes}"
    assert {"mark_sent", "settle"} <= {name for name, _ in watched.modes}


def _lacking(*_: object) -> None:
    raise syscalls.Unsupported(22, "not on this disk")
