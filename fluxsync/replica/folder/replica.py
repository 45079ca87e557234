"""The folder, as the contract of a local side wants it."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from fluxsync.core.model import (
    Capabilities,
    Entry,
    Item,
    Kind,
    Place,
    Scope,
    Snapshot,
    Stamp,
)
from fluxsync.core.paths import basename, dirname, join
from fluxsync.errors import Rejected, Stale
from fluxsync.replica.base import Look, Source, Trashed
from fluxsync.replica.folder import names, staging, syscalls
from fluxsync.replica.folder.apply import Apply, conflicted_copy
from fluxsync.replica.folder.busy import Patience, make_sure_idle
from fluxsync.replica.folder.facts import Facts
from fluxsync.replica.folder.folders import Folders
from fluxsync.replica.folder.ignore import Rules
from fluxsync.replica.folder.journal_mark import read_mark, write_mark
from fluxsync.replica.folder.names import same_name
from fluxsync.replica.folder.root import Root
from fluxsync.replica.folder.source import FileSource
from fluxsync.replica.folder.stamps import lstat, same_file, stamp_at, stamp_of
from fluxsync.replica.folder.survey import Survey
from fluxsync.replica.folder.syscalls import At
from fluxsync.replica.folder.take_up import TakeUp
from fluxsync.replica.folder.translate import translated
from fluxsync.replica.folder.trash import Trash
from fluxsync.replica.folder.trash_verbs import TrashVerbs

__all__ = ["Folder"]


class Folder(TrashVerbs):
    """One root folder. The constructor touches nothing; `prepare` makes `.fluxsync`.

    `ignore` and `include` are gitignore patterns, `settle_s` seconds. `mounts` are the mount points below the
    root that the journal knows; the attribute of that name holds after a scan what it should know from then
    on. `run` marks staged files, so that a journal can know them again. `conflict_name` gives the path for a
    file that was saved in the very moment in which it was replaced, `on_conflict_copy` hears of the path and
    of the name that it got. `on_progress` hears the files and bytes read so far, from any
    thread; what it raises ends the scan. Every verb raises `Halted` when the
    root is not the one that was prepared.
    """

    def __init__(
        self,
        root: Path,
        *,
        ignore: Sequence[str] = (),
        include: Sequence[str] = ("**",),
        settle_s: float = 2.0,
        mounts: frozenset[str] = frozenset(),
        run: str = "",
        clock: Callable[[], float] = time.time,
        wait: Callable[[float], None] = time.sleep,
        conflict_name: Callable[[str], str] | None = None,
        on_conflict_copy: Callable[[str, str], None] = lambda path, copy: None,
        on_progress: Callable[[int, int], None] | None = None,
    ) -> None:
        self.mounts = mounts
        self._run = run
        self._root = Root(os.fspath(root))
        self._facts = Facts(self._root, run)
        self._survey = Survey(
            self._root,
            self._facts,
            Rules(ignore, include),
            wait=wait,
            on_progress=on_progress,
        )
        trash = Trash(clock)
        apply = Apply(trash, clock, conflict_name or conflicted_copy, on_conflict_copy)
        super().__init__(self._root, trash, apply)
        self._take_up = TakeUp(settle_s, clock)
        self._patience = Patience(self._take_up.patience_s, wait)
        self._folders = Folders(self._root, trash, self._facts, self._patience)

    @property
    def unattended(self) -> bool:
        """Whether nobody waits for what is done now: then nothing here waits for a file.

        What was saved a moment ago, or is open for writing and was saved within the last minute, is unknown
        until the time that the snapshot says; a change of a file that somebody works on raises `Busy`. Set it
        before each pass: so much patience is there for a file, however often it is met in one.
        """
        return self._take_up.unattended

    @unattended.setter
    def unattended(self, unattended: bool) -> None:
        self._take_up = replace(self._take_up, unattended=unattended)
        self._patience.renew(self._take_up.patience_s)

    # The root

    def prepare(self) -> None:
        """Make `.fluxsync` and what belongs in it, and remember which directory the root is."""
        with translated(self._root.path):
            self._root.prepare()

    def root_id(self) -> str | None:
        """Return what `.fluxsync/root-id` holds; None where it is missing. Needs no `prepare`."""
        return self._root.root_id()

    def write_root_id(self, root_id: str) -> None:
        """Write `.fluxsync/root-id`, flushed, complete or not at all."""
        with translated(self._root.path):
            self._root.write_root_id(root_id)

    def journal_mark(self, account: str) -> str | None:
        """Return what the root knows of the last journal that worked on it for an account."""
        with self._root.opened() as top, translated(self._root.path):
            return read_mark(top, account)

    def write_journal_mark(self, account: str, mark: str) -> None:
        """Note in the root how far a journal is."""
        with self._root.opened() as top, translated(self._root.path):
            write_mark(top, account, mark)

    def make_sure(self) -> None:
        with self._root.opened():
            pass

    def free_bytes(self) -> int:
        with self._root.opened() as top, translated(self._root.path):
            room = os.fstatvfs(top)
            return room.f_bavail * room.f_frsize

    @property
    def capabilities(self) -> Capabilities:
        """What this disk can do. Probed once, in `.fluxsync/tmp`; assumed where that is not there yet."""
        with translated(self._root.path):
            return Capabilities(names=self._facts.names(), versions=False, digests=True)

    @property
    def names_text(self) -> str:
        """What is known of the disk's rules for names, as text; a journal keeps it.

        On a full disk there is no room to try them again.
        """
        return names.to_text(self._facts.known) if self._facts.known else ""

    @names_text.setter
    def names_text(self, text: str) -> None:
        self._facts.known = names.from_text(text) if text else None

    def close(self) -> None:
        """Nothing is held between two verbs."""

    # Looking

    def scan(self, scope: Scope, known: Mapping[str, Item]) -> Snapshot:
        """Look at the folder. No file is opened whose stamp is that of its item.

        A file that is open for writing or keeps changing is waited for, `settle_s` and a second, then it is
        unknown; where this is `unattended`, it is at once.
        """
        snapshot, self.mounts = self._survey.scan(scope, known, self.mounts, self._take_up)
        return snapshot

    def differences(self, looks: Mapping[str, Look]) -> set[str]:
        return self._survey.differences(looks, self.mounts, self._take_up)

    def look(self, entry: Entry) -> Entry | None:
        return self._survey.look(entry)

    def open(self, entry: Entry) -> FileSource:
        return FileSource(self._root, entry, self._take_up)

    def digest(self, entry: Entry) -> str:
        """Read a file and return its digest. Raises `Stale` when it changes meanwhile, `Busy`."""
        source = self.open(entry)
        try:
            for _ in source.blocks():
                pass
            return source.check()
        finally:
            source.close()

    # Changing files

    def put(
        self,
        place: Place,
        content: Source,
        expected: Entry | None,
        *,
        aside: Place | None = None,
        mtime_ns: int | None = None,
    ) -> Entry:
        """Bring content to a place, as the contract says; its time becomes `mtime_ns`, where given."""
        path = _path(place)
        if expected is not None and expected.path != path:
            raise Rejected(f"{path}: only the file at its own path is replaced; move it first")
        with self._root.opened() as top, translated(path):
            self._first_look(top, path, expected)
            with staging.staged(top, content, path, self._run) as file:
                with self._root.parent(top, path) as target, self._aside(top, aside) as aside_at:
                    file.dress(target if expected else None, mtime_ns)
                    before = stamp_of(os.fstat(file.fd))
                    self.make_sure()
                    if expected is None:
                        self._apply.publish(file.at, target, path)
                    else:
                        self._apply.replace(
                            top, file.at, target, expected, aside_at, by_exchange=self._facts.exchanges(top)
                        )
                    stamp = _published(target, before)
                return Entry(Kind.FILE, place, size=file.size, digest=file.digest, stamp=stamp)

    def keep(self, path: str, content: Source) -> Trashed:
        """Bring content into the trash as what `path` held. Raises `Full`, and what `content` raises."""
        with (
            self._root.opened() as top,
            translated(path),
            staging.staged(top, content, path, self._run) as file,
        ):
            file.dress(None, None)
            with self._trash.take(top, path, lambda at: syscalls.rename_new(file.at, at)) as slot:
                stamp = stamp_at(slot.at)
            place = Place(dirname(path), basename(path))
            return Trashed(
                slot.where, Entry(Kind.FILE, place, size=file.size, digest=file.digest, stamp=stamp)
            )

    def move(self, entry: Entry, place: Place) -> Entry:
        """Rename a file. Raises `Stale` when it is not the entry or the name is taken, `Busy`, `Rejected`."""
        old, new = entry.path, _path(place)
        with (
            self._root.opened() as top,
            translated(new if old == new else f"{old} -> {new}"),
            self._root.parent(top, old) as source,
            self._root.parent(top, new) as target,
        ):
            same = old != new and same_name(old, new, self._facts.names())
            self._patience.await_idle(old, lambda: make_sure_idle(source, old))
            self._apply.move(source, target, entry, new, same_name=same)
            stamp = stamp_at(target)
        if entry.stamp is not None and not same_file(stamp, entry.stamp):
            stamp = entry.stamp  # saved since: the next scan has to find a difference
        return replace(entry, place=place, stamp=stamp)

    def trash(self, entry: Entry) -> Trashed:
        path = entry.path
        with self._root.opened() as top, translated(path), self._root.parent(top, path) as at:
            self._patience.await_idle(path, lambda: make_sure_idle(at, path))
            return Trashed(self._apply.take_away(top, at, entry), entry)

    def delete(self, entry: Entry) -> None:
        """Delete a file for good, by way of the trash: a wrong one is still there when we see it."""
        trashed = self.trash(entry)
        self.drop_trashed(trashed.where)

    # Changing folders

    def make_folder(self, place: Place) -> Entry:
        """Make a folder, and those on the way to it. Raises `Stale` where something else is in the way."""
        return self._folders.make(join(place.folder, place.name))

    def move_folder(self, folder: Entry, place: Place) -> Entry:
        return self._folders.move(folder, join(place.folder, place.name))

    def remove_folder(self, folder: Entry) -> None:
        self._folders.remove(folder)

    # The staging room

    def leftovers(self, run: str) -> list[str]:
        """Return the names of staged files that an interrupted run left in `.fluxsync/tmp`."""
        with self._root.opened() as top, translated(self._root.path):
            return staging.leftovers(top, run)

    def drop_staged(self, names: Iterable[str]) -> None:
        """Remove staged files by name; nobody may be putting anything meanwhile."""
        with self._root.opened() as top, translated(self._root.path):
            for name in names:
                staging.drop(top, name)

    # Inside

    def _first_look(self, top: int, path: str, expected: Entry | None) -> None:
        """Find out before any byte is fetched that a place is not as expected, or that it has to wait."""
        with self._root.parent(top, path) as at:
            try:
                status = lstat(at)
            except FileNotFoundError:
                if expected is not None:
                    raise
                return
            if expected is None:
                raise Stale(f"{path}: there is a file already")
            if status.st_size != expected.size:
                raise Stale(f"{path}: it changed since it was looked at")
            self._patience.await_idle(path, lambda: make_sure_idle(at, path))

    @contextmanager
    def _aside(self, top: int, aside: Place | None) -> Iterator[At | None]:
        if aside is None:
            yield None
            return
        with self._root.parent(top, _path(aside)) as at:
            yield at


def _path(place: Place) -> str:
    """Return the path of a file's place. Raises `Rejected` where its name is more than a name."""
    if "/" in place.name:
        raise Rejected(f"{place.name}: no disk can hold a slash in a name; rename it on the account")
    return join(place.folder, place.name)


def _published(target: At, before: Stamp) -> Stamp:
    """Return the stamp of what was published, or one that no file has where somebody was at it since."""
    try:
        stamp = stamp_at(target)
    except FileNotFoundError:
        return before
    return stamp if same_file(stamp, before) else before
