"""The `.fluxsyncignore` files of a tree, remembered between scans."""

from __future__ import annotations

import os
import stat
from collections.abc import Collection

from pathspec import GitIgnoreSpec

from fluxsync.replica.folder.ignore import IGNORE_FILE
from fluxsync.replica.folder.patterns import MOST_BYTES, parse_file
from fluxsync.replica.folder.source import open_file
from fluxsync.replica.folder.syscalls import At

__all__ = ["IgnoreFiles"]


class IgnoreFiles:
    """The `.fluxsyncignore` files met so far, read again only when their stamps change."""

    def __init__(self) -> None:
        self.specs: dict[str, GitIgnoreSpec] = {}
        self._seen: dict[str, tuple[int, int, int, int]] = {}

    def visit(self, fd: int, folder: str, status: os.stat_result | None) -> None:
        """Take up the ignore file of an open folder; None: it has none. Raises `OSError`, `ValueError`."""
        if status is None or not stat.S_ISREG(status.st_mode):
            self.specs.pop(folder, None)
            self._seen.pop(folder, None)
            return
        stamp = (status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns)
        if self._seen.get(folder) == stamp:
            return
        file = open_file(At(fd, IGNORE_FILE))
        try:
            content = os.read(file, MOST_BYTES + 1)
        finally:
            os.close(file)
        self.specs[folder] = parse_file(content)
        self._seen[folder] = stamp

    def keep_only(self, folders: Collection[str]) -> None:
        """Forget the files of folders that are no more."""
        for folder in [known for known in self.specs if known and known not in folders]:
            self.visit(-1, folder, None)
