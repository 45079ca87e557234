"""A scan from beginning to end: walk, read what has to be read, put the snapshot together."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Mapping
from itertools import chain

from fluxsync.core.model import Entry, Item, Kind, Place, Scope, Snapshot
from fluxsync.core.paths import ancestors, basename, covering, is_below
from fluxsync.errors import Rejected
from fluxsync.replica.base import Look
from fluxsync.replica.folder.facts import Facts
from fluxsync.replica.folder.glance import Glance
from fluxsync.replica.folder.ignore import Rules
from fluxsync.replica.folder.ignore_files import IgnoreFiles
from fluxsync.replica.folder.reading import Reader
from fluxsync.replica.folder.root import FOLDER_FLAGS, Root, check_path, is_text
from fluxsync.replica.folder.scan import Walk
from fluxsync.replica.folder.stamps import birth_ns, lstat, stamp_of
from fluxsync.replica.folder.syscalls import At
from fluxsync.replica.folder.take_up import TakeUp
from fluxsync.replica.folder.translate import translated

__all__ = ["Survey"]


class Survey:
    """Makes snapshots. Remembers the ignore files, which a restricted scan needs but does not all meet."""

    def __init__(
        self,
        root: Root,
        facts: Facts,
        rules: Rules,
        *,
        wait: Callable[[float], None],
        on_progress: Callable[[int, int], None] | None,
    ) -> None:
        self._root = root
        self._facts = facts
        self._rules = rules
        self._ignore_files = IgnoreFiles()
        self._wait = wait
        self._on_progress = on_progress

    def scan(
        self, scope: Scope, known: Mapping[str, Item], mounts: frozenset[str], take_up: TakeUp
    ) -> tuple[Snapshot, frozenset[str]]:
        """Return what is there now, and the mount points to be remembered. Raises `Halted`."""
        with self._root.opened() as top:
            walk = Walk(known, self._rules, self._ignore_files, mounts, take_up)
            if scope.members is None or "" in scope.members:
                walk.tree(top, "", os.fstat(top).st_dev)
                self._ignore_files.keep_only(walk.folders)
                seen = walk.mounts
            else:
                members = sorted(covering(scope.members))
                for path in members:
                    self._one(walk, top, path)
                seen = walk.mounts | {
                    mount
                    for mount in mounts
                    if not any(mount == path or is_below(mount, path) for path in members)
                }
            self._read(walk, top, take_up)
            self._drop_what_moved_on(walk, top, known)
        # A root that went away in the middle looks like an empty folder up to here, and no further.
        with self._root.opened():
            pass
        for folder in walk.rules.unwanted((*walk.files, *walk.unread, *walk.unknown), walk.folders):
            if folder not in walk.unknown:
                del walk.folders[folder]
        snapshot = Snapshot(
            files=walk.files,
            folders=walk.folders,
            scope=scope,
            complete="" not in walk.unknown,
            unknown=tuple(walk.unknown.values()),
            problems=tuple(walk.problems),
            admits=walk.admits,
        )
        return snapshot, frozenset(seen)

    def differences(self, looks: Mapping[str, Look], mounts: frozenset[str], take_up: TakeUp) -> set[str]:
        """Return the paths that are not as they looked when they were agreed on. Raises `Halted`."""
        with self._root.opened() as top:
            glance = Glance(looks, self._rules, self._ignore_files, mounts, take_up)
            glance.tree(top, "", os.fstat(top).st_dev)
            self._ignore_files.keep_only(glance.inodes)
        # As in a scan: a root that went away in the middle has lost nothing.
        with self._root.opened():
            pass
        return glance.differing()

    def look(self, entry: Entry) -> Entry | None:
        """Look at a path; None: nothing of that kind is there. Its digest is known if the stamp is.

        Raises `Rejected` where a link or a special file is in the place or on the way: that proves nothing
        gone.
        """
        path = entry.path
        with self._root.opened() as top, translated(path):
            try:
                with self._root.parent(top, path) as at:
                    status = lstat(at)
                    stamp = stamp_of(status, birth_ns(at, status))
                    if not self._facts.listed(at):
                        return None
            except FileNotFoundError:
                with self._root.opened():
                    return None  # gone, and not with the whole root
            except NotADirectoryError as error:
                raise Rejected(f"{path}: a link or a file took the place of a folder on the way") from error
        if not (stat.S_ISREG(status.st_mode) or stat.S_ISDIR(status.st_mode)):
            raise Rejected(f"{path}: it became a link or a special file; move that away")
        if stat.S_ISDIR(status.st_mode) != (entry.kind is Kind.FOLDER):
            return None
        if entry.kind is Kind.FOLDER:
            return Entry(Kind.FOLDER, Place("", path), stamp=stamp)
        digest = entry.digest if stamp == entry.stamp else None
        return Entry(Kind.FILE, entry.place, size=stamp.size, digest=digest, stamp=stamp)

    def _one(self, walk: Walk, top: int, path: str) -> None:
        """Look at one path of a restricted scan; it is nowhere when a folder on the way is gone."""
        if not is_text(path):
            walk.no_text(path)
            return
        try:
            check_path(path)
        except Rejected:
            return  # our own folder, or no path at all: nothing of the pair lies there
        fd, on_the_way = top, ""
        try:
            if not walk.visit_ignore_file(fd, ""):
                return
            for on_the_way in reversed(tuple(ancestors(path))):
                if walk.rules.hides(on_the_way, True):
                    return
                child = os.open(basename(on_the_way), FOLDER_FLAGS, dir_fd=fd)
                device = os.fstat(fd).st_dev
                if fd != top:
                    os.close(fd)
                fd = child
                if not walk.passes(fd, on_the_way, device):
                    return
            at = At(fd, basename(path))
            if self._facts.listed(at):
                walk.one(at, path, os.fstat(fd).st_dev)
        except FileNotFoundError:
            return
        except OSError:
            walk.trouble(on_the_way, "a link or a file took the place of the folder, or it cannot be read")
        finally:
            if fd != top:
                os.close(fd)

    def _read(self, walk: Walk, top: int, take_up: TakeUp) -> None:
        reader = Reader(self._root, top, take_up, wait=self._wait, on_progress=self._on_progress)
        for reading in reader.read_all(walk.unread):
            if reading.entry is not None:
                walk.files[reading.path] = reading.entry
            elif not reading.gone:
                again_s = take_up.again_at(reading.reason, reading.stamp) if reading.again else None
                walk.trouble(reading.path, reading.reason, reading.stamp, again_s)

    def _drop_what_moved_on(self, walk: Walk, top: int, known: Mapping[str, Item]) -> None:
        """Drop what the walk has met twice, at the place where it no longer is.

        Something that moves from where the walk has been to where it comes would be a copy there, and deleted
        here at the next look.
        """
        new_paths = [path for path in chain(walk.files, walk.folders) if path not in known]
        if not new_paths:
            return
        entries = {**walk.files, **walk.folders}
        at = {path: entry.stamp.inode for path, entry in entries.items() if entry.stamp is not None}
        new = {at[path] for path in new_paths if path in at}
        met: dict[int, list[str]] = {}
        for path, inode in at.items():
            if inode in new:
                met.setdefault(inode, []).append(path)
        twice = [path for paths in met.values() if len(paths) > 1 for path in paths]
        gone = {path for path in twice if self._is_gone(top, path)}
        for path in entries if gone else ():
            if path in gone or not gone.isdisjoint(ancestors(path)):
                walk.files.pop(path, None)
                walk.folders.pop(path, None)

    def _is_gone(self, top: int, path: str) -> bool:
        try:
            with self._root.parent(top, path) as at:
                lstat(at)
        except FileNotFoundError:
            return True
        except (OSError, Rejected):
            pass  # nobody can tell, which is no proof
        return False
