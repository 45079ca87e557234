"""The walk: what lies below the root now, without opening a file whose stamp is known."""

from __future__ import annotations

import os
import stat
from collections.abc import Collection, Iterator, Mapping

from fluxsync.core.model import Entry, Item, Kind, Place, Problem, Stamp, Unknown
from fluxsync.core.paths import ancestors, join
from fluxsync.replica.folder.ignore import IGNORE_FILE, Rules
from fluxsync.replica.folder.ignore_files import IgnoreFiles
from fluxsync.replica.folder.root import CONTROL, FOLDER_FLAGS, is_text
from fluxsync.replica.folder.special import what_it_is
from fluxsync.replica.folder.stamps import grain_ns, stamp_of
from fluxsync.replica.folder.syscalls import At
from fluxsync.replica.folder.take_up import JUST_SAVED, TakeUp
from fluxsync.replica.folder.tracked import Tracked
from fluxsync.replica.folder.translate import explain

__all__ = ["Walk"]

_ANOTHER_ROOT = f"another root is there: it holds a {CONTROL} of its own"


class Walk:
    """One look at a tree.

    After the walk `unread` holds the files whose content has to be read, each with the stamp that it has to
    have then; None: whichever. `paths` are those that are tracked, where `known` does not name them all.
    """

    def __init__(
        self,
        known: Mapping[str, Item],
        rules: Rules,
        ignore_files: IgnoreFiles,
        mounts: frozenset[str],
        take_up: TakeUp,
        *,
        paths: Collection[str] | None = None,
    ) -> None:
        self.files: dict[str, Entry] = {}
        self.folders: dict[str, Entry] = {}
        self.unread: dict[str, Stamp | None] = {}
        self.unknown: dict[str, Unknown] = {}
        self.problems: list[Problem] = []
        self.mounts: set[str] = set()
        #: Links and special files that were never tracked: left alone on both sides, with all that is below.
        self._skipped: set[str] = set()
        self._known = known
        self._tracked = Tracked(known, known.keys() if paths is None else paths)
        self._base_rules = rules
        self._rules = rules.with_nested(ignore_files.specs)
        self._ignore_files = ignore_files
        self._known_mounts = mounts
        self._selective = rules.selective
        self._take_up = take_up
        self._now_ns = int(take_up.clock() * 1e9)

    @property
    def rules(self) -> Rules:
        """The rules with the `.fluxsyncignore` files that were found."""
        return self._base_rules.with_nested(self._ignore_files.specs)

    def admits(self, path: str) -> bool:
        """Tell whether a path takes part: by the rules, and by what stands in its place or on the way."""
        if self._skipped and not self._skipped.isdisjoint((path.rstrip("/"), *ancestors(path))):
            return False
        return self.rules.admits(path)

    def trouble(
        self, path: str, reason: str, stamp: Stamp | None = None, again_s: float | None = None
    ) -> None:
        """Record that a path cannot be known, and why; the rest as in `Unknown`."""
        if path not in self.unknown:
            self.unknown[path] = Unknown(path, reason, stamp, again_s)
            self.problems.append(Problem(path, reason))

    def no_text(self, path: str) -> None:
        """Record that a name is no text; what it stands for never becomes an entry."""
        shown = os.fsencode(path).decode("utf-8", "backslashreplace")
        self.problems.append(Problem(shown, "its name is not text the account can hold; rename it"))

    def tree(self, root: int, path: str, device: int) -> None:
        """Look at everything below an open folder."""
        # Descriptors of the folders on the way stay open, so that no link can take the place of one of them.
        stack = [(root, path, device, iter(self._list(root, path)))]
        try:
            while stack:
                fd, path, device, names = stack[-1]
                name = next(names, None)
                if name is None:
                    stack.pop()
                    if stack:
                        os.close(fd)
                    continue
                child = self._enter(fd, join(path, name), name, device)
                if child is not None:
                    child_fd, child_device = child
                    child_path = join(path, name)
                    stack.append((child_fd, child_path, child_device, iter(())))
                    stack[-1] = (child_fd, child_path, child_device, iter(self._list(child_fd, child_path)))
        finally:
            for fd, *_ in stack[1:]:
                os.close(fd)

    def one(self, at: At, path: str, device: int) -> None:
        """Look at one name in an open folder, and below it if it is a folder."""
        status = self._status(at, path)
        if status is None or self._rules.hides(path, stat.S_ISDIR(status.st_mode)):
            return
        if stat.S_ISREG(status.st_mode):
            self._file(path, status)
        elif not stat.S_ISDIR(status.st_mode):
            self._special(path, status.st_mode)
        elif (child := self._enter(at.fd, path, at.name, device)) is not None:
            try:
                self.tree(child[0], path, child[1])
            finally:
                os.close(child[0])

    def passes(self, fd: int, path: str, device: int) -> bool:
        """Take up the rules of an open folder on the way to a member; False where nothing below is known."""
        if self._mount_changed(path, os.fstat(fd).st_dev != device):
            return False
        if self._holds_root(fd):
            self.trouble(path, _ANOTHER_ROOT)
            return False
        return self.visit_ignore_file(fd, path)

    def visit_ignore_file(self, fd: int, folder: str) -> bool:
        """Take up the ignore file of an open folder; False where it cannot be read."""
        try:
            try:
                status = os.stat(IGNORE_FILE, dir_fd=fd, follow_symlinks=False)
            except FileNotFoundError:
                status = None
            self._ignore_files.visit(fd, folder, status)
        except (OSError, ValueError) as error:
            reason = explain(error) if isinstance(error, OSError) else str(error)
            self.trouble(folder, f"its {IGNORE_FILE} cannot be read: {reason}")
            return False
        self._rules = self._base_rules.with_nested(self._ignore_files.specs)
        return True

    def _list(self, fd: int, path: str) -> Iterator[str]:
        """Take up the files of a folder and return the names of its folders."""
        try:
            with os.scandir(fd) as listing:
                entries = list(listing)
        except OSError as error:
            self.trouble(path, f"the folder cannot be read: {explain(error)}")
            return iter(())
        names = {entry.name for entry in entries}
        if path and CONTROL in names:
            self.trouble(path, _ANOTHER_ROOT)
            return iter(())
        if (IGNORE_FILE in names or path in self._ignore_files.specs) and not self.visit_ignore_file(
            fd, path
        ):
            return iter(())
        folders: list[str] = []
        prefix = f"{path}/" if path else ""
        hides = self._rules.hides
        for entry in entries:
            name = entry.name
            child = prefix + name
            if not (name.isascii() or is_text(name)):
                self.no_text(child)
                continue
            if not path and name.casefold() == CONTROL:
                continue
            try:
                if entry.is_dir(follow_symlinks=False):
                    if not hides(child, True):
                        folders.append(name)
                    continue
                if hides(child, False):
                    continue
                status = entry.stat(follow_symlinks=False)
            except FileNotFoundError:
                continue  # gone between listing and looking is gone
            except OSError as error:
                self.trouble(child, explain(error))
                continue
            if stat.S_ISREG(status.st_mode):
                self._file(child, status, path, name)
            elif stat.S_ISDIR(status.st_mode):
                folders.append(name)
            else:
                self._special(child, status.st_mode)
        return iter(folders)

    def _enter(self, parent: int, path: str, name: str, device: int) -> tuple[int, int] | None:
        """Take up a folder and open it; None where it is not to be walked."""
        try:
            fd = os.open(name, FOLDER_FLAGS, dir_fd=parent)
        except OSError as error:
            status = self._status(At(parent, name), path)
            if status is None:
                return None
            if stat.S_ISDIR(status.st_mode):
                self.trouble(path, f"the folder cannot be read: {explain(error)}")
                self._folder(path, stamp_of(status))
            elif stat.S_ISREG(status.st_mode):
                self.unread[path] = None
            else:
                self._special(path, status.st_mode)
            return None
        status = os.fstat(fd)
        self._folder(path, stamp_of(status))
        if self._mount_changed(path, status.st_dev != device):
            os.close(fd)
            return None
        return fd, status.st_dev

    def _file(self, path: str, status: os.stat_result, folder: str | None = None, name: str = "") -> None:
        if folder is None:
            folder, _, name = path.rpartition("/")
        if self._selective and not self._rules.includes(path, False):
            return
        item = self._known.get(path)
        news = True
        if item is not None and item.digest:
            stamp = item.stamp
            mtime_ns = status.st_mtime_ns
            ctime_ns = status.st_ctime_ns
            if (
                stamp is not None
                and stamp.mtime_ns == mtime_ns
                and stamp.ctime_ns == ctime_ns
                and stamp.size == status.st_size
                and stamp.inode == status.st_ino
            ):
                # A file written just now could be written again within the clock's grain, and show no
                # difference.
                if abs(self._now_ns - max(mtime_ns, ctime_ns)) > grain_ns(mtime_ns, ctime_ns):
                    place = Place(folder, name)
                    self.files[path] = Entry(Kind.FILE, place, "", 0, stamp.size, item.digest, stamp)
                    return
                news = False
        self._unread(path, status, news=news)

    def _unread(self, path: str, status: os.stat_result, *, news: bool) -> None:
        """Let a file be read, unless it has news and has to come to rest first."""
        stamp = stamp_of(status) if self._take_up.unattended else None
        again_s = self._take_up.rests_at(stamp) if stamp is not None and news else None
        if stamp is None or again_s is None or self._tracked.has_stamp(stamp):
            self.unread[path] = stamp
        else:
            self.trouble(path, JUST_SAVED, stamp, again_s)

    def _folder(self, path: str, stamp: Stamp) -> None:
        self.folders[path] = Entry(Kind.FOLDER, Place("", path), stamp=stamp)

    def _special(self, path: str, mode: int) -> None:
        what = what_it_is(mode)
        if self._tracked.has(path):
            self.trouble(path, f"became {what}")
        else:
            self._skipped.add(path)
            self.problems.append(Problem(path, f"{what}; skipped", harmless=True))

    def _mount_changed(self, path: str, mounted: bool) -> bool:
        """Record a mount point; True where a tracked folder became one, or is none any more."""
        before = path in self._known_mounts
        changed = mounted != before and self._tracked.has(path)
        # In doubt the journal keeps what it knew, else the next scan would take an empty mount for the truth.
        if before if changed else mounted:
            self.mounts.add(path)
        if changed:
            self.trouble(path, "became a mount point" if mounted else "is no longer mounted")
        return changed

    def _holds_root(self, fd: int) -> bool:
        try:
            os.stat(CONTROL, dir_fd=fd, follow_symlinks=False)
        except FileNotFoundError:
            return False
        return True

    def _status(self, at: At, path: str) -> os.stat_result | None:
        try:
            return os.stat(at.name, dir_fd=at.fd, follow_symlinks=False)
        except (FileNotFoundError, NotADirectoryError):
            return None
        except OSError as error:
            self.trouble(path, explain(error))
            return None
