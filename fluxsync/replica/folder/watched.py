"""Keeps every folder below the root watched, as they come, go and move.

A folder is watched first and listed after that, so whatever comes into it later has an event of its own. What
a path led to when an event was dealt with may be wrong by then; but then the event that says so is still to
come, and each one about a folder is a reason to look what has its name now.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Callable

from fluxsync.replica.folder.root import CONTROL
from fluxsync.replica.folder.watch_tree import WatchTree

__all__ = ["Watched"]


class Watched:
    """The watched folders of one root. Not safe to use from several threads.

    `add` watches the folder at a path and returns its descriptor, None where none is; it raises `OSError`
    where no more can be watched, and so do all methods here. `give_back` ends that.
    """

    def __init__(
        self,
        root: str,
        add: Callable[[str], int | None],
        give_back: Callable[[int], None],
        stopping: Callable[[], bool],
    ) -> None:
        self._root = root
        self._add = add
        self._give_back = give_back
        self._stopping = stopping
        self._tree = WatchTree()
        self._move = 0

    @property
    def top(self) -> int | None:
        """The root's descriptor."""
        return self._tree.top

    def path(self, wd: int) -> str | None:
        """Return the path of a folder below the root, "" for the root; None for one that has none now."""
        return self._tree.path(wd)

    def knows(self, parent: int, name: str) -> bool:
        """Tell whether a folder of this name is watched in another one."""
        return self._tree.child(parent, name) is not None

    def all(self) -> None:
        """Watch all that is there now, and nothing else."""
        top = self._add(self._root)
        if top is None:
            os.listdir(self._root)  # which says why
        if top is None or self._tree.top not in (None, top):
            raise FileNotFoundError(errno.ENOENT, "another folder has its place", self._root)
        self._tree.begin_walk(top)
        self._walk(top)

    def look(self, parent: int, name: str, *, move: int = 0, again: bool = True) -> None:
        """Watch, or no longer watch, what has this name in a folder now.

        `again`: list it also where it is known: it has moved, and may have been away when something in it was
        looked for. `move`: the two events of one rename have the same.
        """
        known = self._tree.child(parent, name)
        wd = self._add(self._disk_path(parent, name))
        if wd is None:
            if known is not None:
                self._tree.set_adrift(known)
                self._move = move
        elif wd != known or again:
            self._tree.begin_walk(parent)
            if self._tree.place(wd, parent, name):
                self._walk(wd)

    def uncover(self, wd: int) -> None:
        """Watch what was hidden below a disk that is gone."""
        parent, name = self._tree.place_of(wd)
        self.look(parent, name)

    def release(self, move: int = 0) -> None:
        """No longer watch what has left its place, unless this is the move that gives it a new one.

        To give it back and watch it anew would be right as well, but that is an event for each folder in it.
        """
        if self._tree.some_adrift and not (move and move == self._move):
            for wd in self._tree.release():
                self._give_back(wd)

    def _walk(self, start: int) -> None:
        stack = [start]
        while stack and not self._stopping():
            wd = stack.pop()
            for name in self._list(wd):
                child = self._add(self._disk_path(wd, name))
                if child is not None and self._tree.place(child, wd, name):
                    stack.append(child)
        self._tree.set_unplaced_adrift(start)

    def _list(self, wd: int) -> list[str]:
        """Return the names of the folders in a folder."""
        if self._tree.path(wd) is None:
            return []
        try:
            with os.scandir(self._disk_path(wd)) as listing:
                names = [entry.name for entry in listing if entry.is_dir(follow_symlinks=False)]
        except (FileNotFoundError, NotADirectoryError, PermissionError):
            return []
        if wd == self._tree.top:
            return [name for name in names if name.casefold() != CONTROL]
        return names

    def _disk_path(self, wd: int, name: str = "") -> str:
        parts = [part for part in (self._root, self._tree.path(wd), name) if part]
        return os.path.join(*parts)
