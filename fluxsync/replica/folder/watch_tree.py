"""Which watched folder is where: the descriptors of the kernel as a tree. Pure; knows no disk.

A folder keeps its descriptor when it is renamed, and all that is below it goes along. A folder that lost its
place and has no new one is adrift: it has no path, and is either placed again or released.
"""

from __future__ import annotations

from collections.abc import Iterator

__all__ = ["WatchTree"]


class _Folder:
    __slots__ = ("children", "name", "parent", "walk")

    def __init__(self, parent: int | None, name: str, walk: int) -> None:
        self.parent = parent
        self.name = name
        self.walk = walk
        self.children: dict[str, int] | None = None  # most folders have none


class WatchTree:
    """Descriptors by place, and places by descriptor. Not safe to use from several threads."""

    def __init__(self) -> None:
        self.top: int | None = None
        self._folders: dict[int, _Folder] = {}
        self._adrift: list[int] = []
        self._walk = 0

    def __len__(self) -> int:
        return len(self._folders)

    def begin_walk(self, start: int) -> None:
        """From now on it is noted what is placed, until the next walk begins; `start` counts as placed."""
        self._walk += 1
        if self.top is None:
            self.top = start
        self._folders.setdefault(start, _Folder(None, "", 0)).walk = self._walk

    def place(self, wd: int, parent: int, name: str) -> bool:
        """Note that a folder lies in another under this name now, wherever it was before.

        The later sight counts, in one walk as well: a folder may move from where the walk has been to where
        it comes later. False, and nothing noted, for one that is on its own way to the top: it is mounted
        into itself.
        """
        if wd in self._upwards(parent):
            return False
        folder = self._folders.get(wd)
        if folder is None:
            folder = self._folders[wd] = _Folder(None, name, 0)
        folder.walk = self._walk
        holder = self._folders[parent]
        if holder.children is None:
            holder.children = {}
        other = holder.children.get(name)
        if other != wd:
            if other is not None:
                self.set_adrift(other)
            self._take_out(wd)
            folder.parent, folder.name = parent, name
            holder.children[name] = wd
        return True

    def child(self, parent: int, name: str) -> int | None:
        """Return the descriptor of the folder that has this name in another one."""
        folder = self._folders.get(parent)
        return folder.children.get(name) if folder is not None and folder.children else None

    def path(self, wd: int) -> str | None:
        """Return where a folder is below the top, "" for the top; None for one that is adrift or unknown."""
        names: list[str] = []
        while wd != self.top:
            folder = self._folders.get(wd)
            if folder is None or folder.parent is None:
                return None
            names.append(folder.name)
            wd = folder.parent
        return "/".join(reversed(names))

    def place_of(self, wd: int) -> tuple[int, str]:
        """Return the folder that holds one that has a path, and its name in it."""
        folder = self._folders[wd]
        assert folder.parent is not None
        return folder.parent, folder.name

    def set_adrift(self, wd: int) -> None:
        """Note that a folder is no longer where it was."""
        if wd != self.top:
            self._take_out(wd)
            self._adrift.append(wd)

    def set_unplaced_adrift(self, start: int) -> None:
        """Note that what the walk did not place again below its start is no longer there."""
        below = [wd for wd in self._below(start) if self._folders[wd].walk != self._walk]
        for wd in below:
            self.set_adrift(wd)

    @property
    def some_adrift(self) -> bool:
        return bool(self._adrift)

    def release(self) -> list[int]:
        """Forget what is adrift and all below it; returns the descriptors that are to be given back."""
        released: list[int] = []
        for start in self._adrift:
            folder = self._folders.get(start)
            if folder is not None and folder.parent is None:
                released += self._below(start)
                for wd in self._below(start):
                    del self._folders[wd]
        self._adrift.clear()
        return released

    def _take_out(self, wd: int) -> None:
        folder = self._folders[wd]
        holder = self._folders.get(folder.parent) if folder.parent is not None else None
        if holder is not None and holder.children and holder.children.get(folder.name) == wd:
            del holder.children[folder.name]
        folder.parent = None

    def _upwards(self, wd: int) -> Iterator[int]:
        parent: int | None = wd
        while parent is not None:
            yield parent
            folder = self._folders.get(parent)
            parent = folder.parent if folder is not None else None

    def _below(self, start: int) -> list[int]:
        found = [start]
        for wd in found:
            found += self._children(wd)
        return found

    def _children(self, wd: int) -> list[int]:
        children = self._folders[wd].children
        return list(children.values()) if children else []
