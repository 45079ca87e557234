"""What the engine may ask of a side.

Every changing verb names the entry that it expects to find and raises `Stale` when something else is there;
every changing verb returns what is there afterwards. Reads may be repeated; a `put` whose answer was lost
is never sent again before `find` has looked for what it left.

All verbs but `scan` are called from several threads at once.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from fluxsync.core.model import Capabilities, Entry, Intent, Item, Place, Scope, Snapshot
from fluxsync.core.trash import TrashedFile

__all__ = ["LocalReplica", "Look", "Probe", "RemoteReplica", "Replica", "Source", "Trashed"]


@dataclass(frozen=True, slots=True)
class Probe:
    """Cheap evidence that a side is as it was: two equal probes saw the same."""

    text: str


@dataclass(frozen=True, slots=True)
class Trashed:
    """Where something went: a path in the local trash, or the key of an asset in the remote one."""

    where: str
    entry: Entry


class Source(Protocol):
    """Content on its way from one side to the other; used once, by one thread, then closed."""

    #: Bytes that `blocks` will yield when nothing goes wrong.
    size: int

    def blocks(self) -> Iterator[bytes]:
        """Yield the content in blocks of at most 1 MiB.

        Raises `Unavailable`, `Corrupted`, `Busy` or `Stale` in the middle when the content cannot be had.
        """
        ...

    def check(self) -> str:
        """Return the digest of what was yielded, once all was and it still is the entry that was opened.

        Whoever sends content on withholds its last block until this has returned.
        Raises `Stale` when a local file changed meanwhile, `Corrupted` when length or digest are wrong.
        """
        ...

    def close(self) -> None:
        """Let go of file or connection; may be called twice."""
        ...


class Replica(Protocol):
    """One side of a pair."""

    @property
    def capabilities(self) -> Capabilities: ...

    def scan(self, scope: Scope, known: Mapping[str, Item]) -> Snapshot:
        """Look at a side. `known` holds the ancestor's items, by path (local) or by key (remote).

        On the remote side a scope names assets; its snapshot shows all folders whatever the scope.
        """
        ...

    def look(self, entry: Entry) -> Entry | None:
        """Look at that very thing now; None only when it is surely gone.

        A folder without a key is looked for by its place.
        """
        ...

    def open(self, entry: Entry) -> Source:
        """Open the content of a file. Raises `Stale` when it is not that entry any more."""
        ...

    def move(self, entry: Entry, place: Place) -> Entry:
        """Put a file at another place without moving bytes; `place.folder` exists."""
        ...

    def make_folder(self, place: Place) -> Entry:
        """Make a folder, or return the one that is there already."""
        ...

    def move_folder(self, folder: Entry, place: Place) -> Entry:
        """Rename a whole folder in one step. Raises `Stale` when `place` is taken."""
        ...

    def remove_folder(self, folder: Entry) -> None:
        """Remove an empty folder. Raises `Stale` when something is in it; one that is gone is no error."""
        ...

    def trash(self, entry: Entry) -> Trashed:
        """Put a file in this side's trash. Raises `Stale` when it is not that entry any more."""
        ...

    def delete(self, entry: Entry) -> None:
        """Delete a file for good, where the configuration says so. Raises `Stale` like `trash`."""
        ...

    def close(self) -> None: ...


#: How a path looked when it was agreed on: a file's size, mtime and ctime (nanoseconds) and inode; a folder's
#: inode, or nothing where that is not known.
Look = tuple[int, ...]


class LocalReplica(Replica, Protocol):
    """The folder."""

    def differences(self, looks: Mapping[str, Look]) -> set[str]:
        """Return the paths that are new, gone, or look otherwise, none below another; "" is everything.

        Whatever is in doubt is among them; no file is opened. `looks` has all that should be there, but for
        folders on the way to something, of which nothing need be known.
        """
        ...

    def put(
        self,
        place: Place,
        content: Source,
        expected: Entry | None,
        *,
        aside: Place | None = None,
        mtime_ns: int | None = None,
    ) -> Entry:
        """Bring content to a place: staged, checked, flushed, then in the file's place in one step.

        `expected` is the file to be replaced, None where there must be none. The replaced file goes to the
        trash, or to `aside` (beside it, a free name) where one is given. Returns the entry with its digest.
        Raises `Stale`, `Busy`, `Full`, `Rejected`, and whatever `content` raises.
        """
        ...

    def digest(self, entry: Entry) -> str:
        """Read a file and return its digest. Raises `Stale` when it changes meanwhile, `Busy`."""
        ...

    def list_trash(self) -> Sequence[TrashedFile]:
        """List the local trash, oldest first; makes nothing."""
        ...

    def trash_bytes(self) -> int:
        """Return how many bytes the local trash holds."""
        ...

    def trashed_digest(self, where: str) -> str:
        """Read a file in the trash and return its digest. Raises `Stale` where it is gone."""
        ...

    def restore_trashed(self, where: str, place: Place) -> Entry:
        """Move a file out of the trash to a free name. Raises `Stale` where that is taken."""
        ...

    def drop_trashed(self, where: str) -> None:
        """Delete a file in the trash for good. Raises `Stale` where it is gone."""
        ...

    def disk_bytes(self) -> int:
        """Return the size of the disk that holds the root."""
        ...

    def keep(self, path: str, content: Source) -> Trashed:
        """Bring content into the trash as what `path` held; the file at `path` is not touched."""
        ...

    def make_sure(self) -> None:
        """Raise `Halted` when the root is missing or not the one that was opened."""
        ...

    def free_bytes(self) -> int:
        """Room on the disk that holds the root."""
        ...


class RemoteReplica(Replica, Protocol):
    """The account."""

    def probe(self) -> Probe | None:
        """Look cheaply whether anything changed; None: cannot tell."""
        ...

    def expected(self) -> Probe | None:
        """What a probe would show if nobody but us had changed anything since the last complete list.

        None: not known, a list is due. Of the writes that are under way it shows those that were answered.
        """
        ...

    def settled(self) -> None:
        """Hear that a pass is over which found nothing to do on the last full scan."""
        ...

    def unchanged(self, go_on: Callable[[], object] = lambda: None) -> bool | None:
        """Tell whether a full scan would show just what that one showed, without making it.

        True only where a scan now would have found nothing else, and nothing was written since; None: cannot
        tell. `go_on` is called now and then, from any thread, and may raise. Raises what `scan` raises.
        """
        ...

    def describe(self, entry: Entry, since: int) -> Entry:
        """Return the entry with what the comments of its versions tell.

        `digest` is what the newest version's comment names, if it names one and the size agrees; `over` is
        the lowest number that a version after `since` says it was meant to follow.
        """
        ...

    def put(
        self, place: Place, content: Source, expected: Entry | None, *, like: Entry | None = None
    ) -> Entry:
        """Send content: a new asset where `expected` is None, else a version of it under `place.name`.

        Streamed; the last block leaves only after `content.check()` returned. `like` gives title, description
        and labels to a new asset. Raises `Unavailable` (with `unsent` where nothing can have been left),
        `Rejected`, `Full`, `Stale`, `Unauthorized`, and whatever `content` raises.
        """
        ...

    def relabel(self, entry: Entry) -> Entry:
        """Put the labels on that the mapping wants."""
        ...

    def restore(self, entry: Entry) -> Entry:
        """Take an asset out of the trash."""
        ...

    def find(self, intents: Sequence[Intent]) -> Mapping[Intent, Entry]:
        """Look for what unanswered creates and versions left.

        A create left an asset that is new, ours, alike, and equal in bytes; a version one whose comment says
        that it was sent from here, with that content, over that revision or a later one. An entry without a
        digest may be what was left, and cannot be read.
        """
        ...

    def resume(self, place: Place, expected: Entry, found: Entry) -> Entry:
        """Do what was still to follow a version that `find` found; returns what is there now.

        `place` and `expected` are those of the `put` whose answer was lost. Raises like `put`.
        """
        ...

    def free_bytes(self) -> int | None:
        """Room in the account; None: not known."""
        ...
