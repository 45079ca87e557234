"""How a staged file takes its place, and how a file leaves it, without any content getting lost.

The invariant: at every instant each content that was in the folder, and that nobody deleted, is in the folder
or in the trash. Three ways to replace a file keep it, the best that the disk can do:

exchange   The staged file takes a name in the trash, then the two names swap what they name. Whatever was
           in the place, saved a moment ago or not, is in the trash in the same step; then we look at it.
           Killed before the swap: the trash holds a copy of the new content, nothing else happened.
links      The old file gets a second name in the trash, a last look, one rename over the first name.
steps      The old file goes to the trash, the staged one takes the free name. Killed in between: the name is
           missing, its content is in the trash, and the account's newer content comes down in the next pass.

Nothing is renamed onto a name that holds something, but for the one `RACE` below.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from fluxsync.core.model import Entry, Stamp
from fluxsync.core.paths import basename, dirname, join, splitext
from fluxsync.errors import Stale
from fluxsync.replica.folder import staging, syscalls
from fluxsync.replica.folder.busy import make_sure_idle
from fluxsync.replica.folder.expect import came_out, confirm
from fluxsync.replica.folder.root import control
from fluxsync.replica.folder.stamps import lstat, same_file, stamp_of
from fluxsync.replica.folder.syscalls import At, Unsupported
from fluxsync.replica.folder.trash import Trash

__all__ = ["Apply", "conflicted_copy", "numbered"]

#: What is left of a name for a conflict copy, so that the whole fits into 255 bytes.
_STEM_BYTES = 180


def conflicted_copy(path: str) -> str:
    """Return the path of the conflict copy for a path, short enough for any disk."""
    stem, extension = splitext(basename(path))
    stem = stem.encode()[:_STEM_BYTES].decode(errors="ignore")
    return join(dirname(path), f"{stem} (conflicted copy){extension}")


def numbered(name: str) -> Iterator[str]:
    """Yield a name, then the same with rising numbers before its extension."""
    yield name
    stem, extension = splitext(name)
    number = 2
    while True:
        yield f"{stem} {number}{extension}"
        number += 1


class Apply:
    """Changes names below the root. The folders are given as descriptors, already reached without links.

    `conflict_name` gives the path of the conflict copy for a path; `on_conflict_copy` is told the path, and
    the path where a file was put that somebody saved at the very moment of a change.
    """

    def __init__(
        self,
        trash: Trash,
        clock: Callable[[], float],
        conflict_name: Callable[[str], str],
        on_conflict_copy: Callable[[str, str], None],
    ) -> None:
        self._trash = trash
        self._clock = clock
        self._conflict_name = conflict_name
        self._on_conflict_copy = on_conflict_copy

    def publish(self, staged: At, target: At, path: str) -> None:
        """Give a staged file its name. Raises `Stale` where that is taken, `OSError`."""
        try:
            syscalls.rename_new(staged, target)
        except FileExistsError as error:
            raise Stale(f"{path}: a file appeared there meanwhile") from error
        syscalls.sync_folder(target.fd)

    def replace(
        self, root: int, staged: At, target: At, expected: Entry, aside: At | None, *, by_exchange: bool
    ) -> None:
        """Put a staged file in the place of the expected one, which goes to the trash or `aside`.

        Raises `Stale`, `Busy`, `OSError`; the target is as it was then.
        """
        make_sure_idle(target, expected.path)
        confirmed = confirm(target, expected)
        if by_exchange:
            self._by_exchange(root, staged, target, expected, confirmed, aside)
        else:
            try:
                self._by_links(root, staged, target, expected, confirmed, aside)
            except Unsupported:
                self._by_steps(root, staged, target, expected, confirmed, aside)
        syscalls.sync_folder(target.fd)
        if aside is not None:
            syscalls.sync_folder(aside.fd)

    def take_away(self, root: int, target: At, expected: Entry) -> str:
        """Put a file in the trash and return where it is there. Raises `Stale`, `Busy`, `OSError`."""
        make_sure_idle(target, expected.path)
        confirmed = confirm(target, expected)
        with self._trash.take(root, expected.path, lambda at: syscalls.rename_new(target, at)) as slot:
            self._expect_out(slot.at, target, expected, confirmed)
            syscalls.sync_folder(target.fd)
            return slot.where

    def move(self, source: At, target: At, expected: Entry, path: str, *, same_name: bool) -> None:
        """Rename a file to a free name; `same_name`: this disk does not tell the two names apart.

        Raises `Stale`, `Busy`, `OSError`.
        """
        make_sure_idle(source, expected.path)
        confirmed = confirm(source, expected)
        try:
            syscalls.rename_new(source, target)
        except FileExistsError as error:
            if not (same_name and lstat(source).st_ino == lstat(target).st_ino):
                raise Stale(f"{path}: something else has that name") from error
            syscalls.rename(source, target)
        self._expect_out(target, source, expected, confirmed)
        syscalls.sync_folder(target.fd)
        syscalls.sync_folder(source.fd)

    def _by_exchange(
        self, root: int, staged: At, target: At, expected: Entry, confirmed: Stamp, aside: At | None
    ) -> None:
        linked = aside is not None and self._link_aside(root, target, aside, expected)
        with self._trash.take(root, expected.path, lambda at: syscalls.rename_new(staged, at)) as slot:
            try:
                syscalls.exchange(slot.at, target)
            except OSError:
                syscalls.rename_new(slot.at, staged)
                if linked and aside is not None:
                    self._drop_link(aside, target)
                raise
            if aside is not None and lstat(slot.at).st_ino == lstat(aside).st_ino:
                syscalls.sync_folder(aside.fd)
                self._drop_link(slot.at, aside)
            elif not came_out(slot.at, confirmed, expected, self._now_ns()):
                # Saved between our last look and the swap; it is the user's newest work, so it stays beside.
                if aside is None:
                    self._set_beside(slot.at, target, expected.path)
                else:
                    syscalls.exchange(slot.at, aside)

    def _by_links(
        self, root: int, staged: At, target: At, expected: Entry, confirmed: Stamp, aside: At | None
    ) -> None:
        if aside is not None:
            self._link_new(target, aside, expected)
            self._rename_over(staged, target, expected, confirmed, aside)
            return
        with self._trash.take(root, expected.path, lambda at: syscalls.link(target, at)) as slot:
            self._rename_over(staged, target, expected, confirmed, slot.at)
            if not came_out(slot.at, confirmed, expected, self._now_ns()):
                self._set_beside(slot.at, target, expected.path)

    def _by_steps(
        self, root: int, staged: At, target: At, expected: Entry, confirmed: Stamp, aside: At | None
    ) -> None:
        if aside is not None:
            try:
                syscalls.rename_new(target, aside)
            except FileExistsError as error:
                raise Stale(f"{expected.path}: the name of its conflict copy is taken") from error
            self._fill(staged, target, aside, expected, confirmed)
            return
        with self._trash.take(root, expected.path, lambda at: syscalls.rename_new(target, at)) as slot:
            self._fill(staged, target, slot.at, expected, confirmed)

    def _rename_over(self, staged: At, target: At, expected: Entry, confirmed: Stamp, kept: At) -> None:
        try:
            make_sure_idle(target, expected.path)
            if not (
                same_file(stamp_of(lstat(target)), confirmed) and lstat(kept).st_ino == lstat(target).st_ino
            ):
                raise Stale(f"{expected.path}: it changed at the last moment")
        except BaseException:
            self._drop_link(kept, target)
            raise
        # RACE: a file that another program renames to this name right now is replaced by ours and lost; one
        # that it writes in place is not, `kept` is that very file. Only disks that cannot exchange two names
        # come here.
        syscalls.rename(staged, target)

    def _fill(self, staged: At, target: At, kept: At, expected: Entry, confirmed: Stamp) -> None:
        self._expect_out(kept, target, expected, confirmed)
        try:
            syscalls.rename_new(staged, target)
        except FileExistsError as error:
            raise Stale(f"{expected.path}: a file appeared there meanwhile; the old one is kept") from error
        except OSError:
            self._give_back(kept, target, expected.path)
            raise

    def _expect_out(self, at: At, target: At, expected: Entry, confirmed: Stamp) -> None:
        """Give a file that was moved from `target` back, with `Stale`, when it is not the expected one."""
        if not came_out(at, confirmed, expected, self._now_ns()):
            self._give_back(at, target, expected.path)
            syscalls.sync_folder(target.fd)
            raise Stale(f"{expected.path}: it changed at the last moment; nothing was taken away")

    def _give_back(self, at: At, target: At, path: str) -> None:
        try:
            syscalls.rename_new(at, target)
        except FileExistsError:
            self._set_beside(at, target, path)

    def _set_beside(self, at: At, target: At, path: str) -> None:
        wanted = self._conflict_name(path)
        for name in numbered(basename(wanted)):
            try:
                syscalls.rename_new(at, At(target.fd, name))
            except FileExistsError:
                continue
            self._on_conflict_copy(path, join(dirname(path), name))
            return

    def _link_aside(self, root: int, target: At, aside: At, expected: Entry) -> bool:
        """Give the old file its second name; False where that is a copy, for want of links."""
        try:
            self._link_new(target, aside, expected)
        except Unsupported:
            self._copy_new(root, target, aside, expected)
            return False
        return True

    def _link_new(self, target: At, aside: At, expected: Entry) -> None:
        try:
            syscalls.link(target, aside)
        except FileExistsError as error:
            raise Stale(f"{expected.path}: the name of its conflict copy is taken") from error

    def _copy_new(self, root: int, target: At, aside: At, expected: Entry) -> None:
        with control(root, "tmp") as room:
            copy = At(room, staging.new_name())
            syscalls.copy(target, copy)
            try:
                syscalls.rename_new(copy, aside)
            except FileExistsError as error:
                syscalls.unlink(copy)
                raise Stale(f"{expected.path}: the name of its conflict copy is taken") from error

    def _drop_link(self, at: At, other: At) -> None:
        """Remove a name, but only where the same file certainly has the other name, too."""
        try:
            if lstat(at).st_ino == lstat(other).st_ino:
                syscalls.unlink(at)
        except FileNotFoundError:
            pass  # then it stays: one copy too many is no loss

    def _now_ns(self) -> int:
        return int(self._clock() * 1e9)
