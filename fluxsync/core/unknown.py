"""What a look at the folder says nothing about: paths unknown or out of scope, files not read yet."""

from __future__ import annotations

from fluxsync.core.model import Entry, Item, Kind, Place, Snapshot
from fluxsync.core.paths import ancestors, basename, dirname

__all__ = ["UnknownPaths"]


class UnknownPaths:
    """The paths of which a local snapshot knows nothing."""

    def __init__(self, snapshot: Snapshot) -> None:
        self._unknown = {u.path for u in snapshot.unknown}
        self._members = snapshot.scope.members
        #: Files that are there and were not read, by path.
        self.unread = {
            u.path: Entry(
                Kind.FILE, Place(dirname(u.path), basename(u.path)), size=u.stamp.size, stamp=u.stamp
            )
            for u in snapshot.unknown
            if u.stamp is not None
        }
        self._inodes = {entry.stamp.inode for entry in self.unread.values() if entry.stamp is not None}
        self._sizes = {entry.size for entry in self.unread.values() if entry.size}

    def covers(self, path: str) -> bool:
        """Tell whether nobody has looked at a path: it is unknown, or out of scope."""
        if self.hides(path):
            return True
        return self._members is not None and self._members.isdisjoint((path, *ancestors(path), ""))

    def hides(self, path: str) -> bool:
        """Tell whether a path is unknown, or below something that is."""
        return not self._unknown.isdisjoint((path, *ancestors(path), ""))

    def has_inode_of(self, item: Item) -> bool:
        """Tell whether a file that was not read has the inode of this one."""
        return item.stamp is not None and item.stamp.inode in self._inodes

    def may_be(self, item: Item) -> bool:
        """Tell whether a file that was not read may be this one: a move keeps the inode or the content."""
        return item.size in self._sizes or self.has_inode_of(item)
