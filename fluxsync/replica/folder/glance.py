"""A walk that finds out which paths are not as agreed, and nothing else of them.

What is in doubt is one of these paths: who looks at it then finds out.
"""

from __future__ import annotations

import os
from collections.abc import Mapping

from fluxsync.core.model import Stamp
from fluxsync.core.paths import covering, dirname
from fluxsync.replica.base import Look
from fluxsync.replica.folder.ignore import Rules
from fluxsync.replica.folder.ignore_files import IgnoreFiles
from fluxsync.replica.folder.scan import Walk
from fluxsync.replica.folder.stamps import grain_ns
from fluxsync.replica.folder.take_up import TakeUp

__all__ = ["Glance"]


class Glance(Walk):
    """One look at a tree; `looks` says what was agreed, by path. `inodes` are those of its folders."""

    def __init__(
        self,
        looks: Mapping[str, Look],
        rules: Rules,
        ignore_files: IgnoreFiles,
        mounts: frozenset[str],
        take_up: TakeUp,
    ) -> None:
        super().__init__({}, rules, ignore_files, mounts, take_up, paths=looks.keys())
        self._looks = looks
        self._seen: set[str] = set()
        self.inodes: dict[str, int] = {}
        self._differing: set[str] = set()

    def differing(self) -> set[str]:
        """Return the paths that differ, none below another; "" is the whole tree."""
        looks, seen = self._looks, self._seen
        found = self._differing | self.unread.keys() | self.unknown.keys()
        left_out = self.rules.unwanted((*seen, *self.unread, *self.unknown), self.inodes)
        for path, inode in self.inodes.items():
            if path in left_out:
                continue
            seen.add(path)
            look = looks.get(path)
            # A folder that is only on the way to what was agreed need not be agreed on itself.
            if look != (inode,) and (look or not self._tracked.has(path)):
                found.add(path)
        found.update(path for path in looks if path not in seen)
        return {""} if "" in found else covering(found)

    def no_text(self, path: str) -> None:
        self._differing.add(dirname(path))

    def _file(self, path: str, status: os.stat_result, folder: str | None = None, name: str = "") -> None:
        if self._selective and not self._rules.includes(path, False):
            return
        self._seen.add(path)
        mtime_ns, ctime_ns = status.st_mtime_ns, status.st_ctime_ns
        if self._looks.get(path) != (status.st_size, mtime_ns, ctime_ns, status.st_ino) or (
            abs(self._now_ns - max(mtime_ns, ctime_ns)) <= grain_ns(mtime_ns, ctime_ns)
        ):
            self._differing.add(path)

    def _folder(self, path: str, stamp: Stamp) -> None:
        self.inodes[path] = stamp.inode
