"""The values that scan, core, journal and movers pass to each other.

All are immutable. Sizes are bytes, times of files are nanoseconds since 1970, digests are the lower-case
hexadecimal SHA-256 of the content. A path is relative to the root with "/" between its parts, in the form
found on the disk; "" is the root itself.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import Enum, StrEnum

__all__ = [
    "EMPTY_DIGEST",
    "Action",
    "Capabilities",
    "Entry",
    "Intent",
    "Item",
    "Kind",
    "NameRules",
    "Place",
    "Problem",
    "Rename",
    "Scope",
    "Side",
    "Snapshot",
    "Stamp",
    "State",
    "Unknown",
]

#: SHA-256 of no bytes at all: content that proves nothing about where a file came from.
EMPTY_DIGEST = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"


class Side(Enum):
    """One of the two replicas of a pair."""

    LOCAL = "local"
    REMOTE = "remote"

    @property
    def other(self) -> Side:
        return Side.REMOTE if self is Side.LOCAL else Side.LOCAL


class Kind(Enum):
    FILE = "file"
    FOLDER = "folder"


class State(Enum):
    """What the ancestor says of an item."""

    AGREED = "agreed"  # both sides had it, equal
    KEPT_HERE = "kept-here"  # gone on the account, the file stays (local_delete = "keep")
    KEPT_THERE = "kept-there"  # gone from the folder, the asset stays (remote_delete = "keep")
    TRASHED = "trashed"  # in the remote trash; remembered so that the trash tag can be mended
    SUPERSEDED = "superseded"  # replaced by another asset (plans without versions); still to be trashed


@dataclass(frozen=True, slots=True)
class Stamp:
    """Cheap evidence that a local file is still the one last looked at."""

    size: int
    mtime_ns: int
    ctime_ns: int
    inode: int
    #: Nanoseconds of birth where the system tells, else None. Not part of the comparison.
    birth_ns: int | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True)
class Place:
    """Where an entry lies on its own side.

    For a file `folder` is the folder's path (local) or its key (remote), "" for the root, and `name` the true
    name there. For a folder `folder` is "" and `name` is its whole path, on both sides.
    """

    folder: str
    name: str


@dataclass(frozen=True, slots=True)
class Entry:
    """One file or folder as one side shows it now, with its evidence."""

    kind: Kind
    place: Place
    #: Opaque and stable on the remote side (asset id, tag id); "" on the local side.
    key: str = ""
    #: The service's own version mark, rising with new content; 0 on the local side.
    revision: int = 0
    size: int = 0
    #: None: not known without reading the content.
    digest: str | None = None
    stamp: Stamp | None = None
    #: Remote only: it carries the trash tag, so for the folder it does not exist.
    trashed: bool = False
    #: Remote files: labels that the mapping wants are missing.
    mislabelled: bool = False
    #: Remote files: it carries labels that fluxsync did not put on.
    labelled: bool = False
    #: Remote folders: how many assets on the account carry the tag, trashed ones included, plus stages.
    carried: int = 0
    #: Remote, after `describe`: the lowest version that a newer version was meant to follow, else -1.
    over: int = -1
    #: Remote: when the content changed by the service's clock, nanoseconds since 1970; 0: not known.
    modified_ns: int = 0
    #: Text of the adapter's own, stored in the ancestor and given back; nobody else reads it.
    memo: str = ""

    @property
    def path(self) -> str:
        """The path of a local entry, or of a folder on either side."""
        return f"{self.place.folder}/{self.place.name}" if self.place.folder else self.place.name


@dataclass(frozen=True, slots=True)
class Item:
    """What both sides last agreed on about one file or folder: a row of the ancestor.

    Identity is `id`; `path`, `key` and `name` are views of it.
    """

    id: int
    kind: Kind
    path: str  # on this disk
    key: str  # on the account; "": no tag was needed (a folder on the way to another)
    folder: str  # key of the home folder, "" for the root; always "" for a folder
    name: str  # true name on the account; for a folder its true path there
    revision: int = 0
    size: int = 0
    digest: str = ""
    stamp: Stamp | None = None  # for a folder only `inode` counts
    memo: str = ""
    state: State = State.AGREED
    #: This journal sent the content of `revision` (so it created the asset where that is 0), or made the tag.
    made_here: bool = False


@dataclass(frozen=True, slots=True)
class Problem:
    """Trouble at one path: a value, shown to the user, while the others go on.

    `harmless` problems (symbolic links, sockets) are named but leave the exit code at 0.
    """

    path: str
    reason: str
    harmless: bool = False


@dataclass(frozen=True, slots=True)
class Unknown:
    """A path that could not be looked at: neither it nor anything below it is known to be gone."""

    path: str
    reason: str
    #: A file that is there and was not read: what became of another path may be this one.
    stamp: Stamp | None = field(default=None, compare=False)
    #: When another look is worth it, in seconds since 1970; None: nobody can tell.
    again_s: float | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True)
class Scope:
    """What a scan looks at: everything, or exactly these paths (local) or keys of assets (remote)."""

    members: frozenset[str] | None = None

    @property
    def everything(self) -> bool:
        return self.members is None


_EVERYTHING = Scope()


def _admit_all(path: str) -> bool:
    return True


@dataclass(frozen=True, slots=True)
class Snapshot:
    """All entries of one side at one scan; absence means something only where it is `complete`."""

    #: By path on the local side, by key on the remote side; trashed remote entries included.
    files: Mapping[str, Entry]
    folders: Mapping[str, Entry]
    complete: bool = True
    scope: Scope = _EVERYTHING
    #: Remote: `folders` are all that there are, though the scope names assets alone.
    all_folders: bool = False
    unknown: tuple[Unknown, ...] = ()
    problems: tuple[Problem, ...] = ()
    #: Whether ignore and include rules let a file with this path on disk take part (local snapshots).
    admits: Callable[[str], bool] = _admit_all
    #: Remote: what `Intent.mark` has to hold for anything sent after this scan.
    mark: str = ""
    #: Remote: the service's own clock at this scan, seconds since 1970; None: it does not tell.
    clock_s: float | None = None
    #: Remote: what a probe showed when the list was complete, or before single assets were looked at;
    #: "": not known.
    probe: str = ""
    #: Remote: keys of known items whose id means another asset now.
    replaced: frozenset[str] = frozenset()
    #: Remote: the trash tag that the ancestor's trashed items carried is gone as a whole.
    trash_lost: bool = False


@dataclass(frozen=True, slots=True)
class Intent:
    """What is about to be created, sent as a version, or brought here; recorded before the request leaves.

    `mark` is opaque text of the adapter (highest asset id seen, our user id): `find` reads it.
    """

    place: Place
    size: int
    #: "" for a version whose content an earlier step of the same subject brings.
    digest: str
    mark: str
    #: The asset that gets a version, "" for a create, and the revision that the version is to follow; of what
    #: is brought here, the asset that it comes from, and its revision.
    key: str = ""
    revision: int = 0


class Rename(Enum):
    """What a new name costs on a side."""

    FREE = "free"
    BY_CONTENT = "by-content"  # only a new version can carry a new name
    TITLE = "title"  # the name cannot change; the title stands in for it


@dataclass(frozen=True, slots=True)
class NameRules:
    """What names a side can hold and tell apart: a value, so that every kind of disk is tested anywhere."""

    case_sensitive: bool = True
    #: Composed and decomposed forms of a letter are different names.
    form_sensitive: bool = True
    max_name_bytes: int = 255
    #: Characters refused besides "/" and control characters, which no side may hold.
    forbidden: frozenset[str] = frozenset()
    #: A dot or blank at the end of a name is lost or refused.
    trims_end: bool = False
    #: Names without extension that mean a device, lower case.
    reserved: frozenset[str] = frozenset()


_ANY_DISK = NameRules()


@dataclass(frozen=True, slots=True)
class Capabilities:
    """Declared facts about a side."""

    names: NameRules = _ANY_DISK
    rename: Rename = Rename.FREE
    versions: bool = True
    #: Every scanned file carries a digest.
    digests: bool = True


class Action(StrEnum):
    """The words of plans, history and `--json`."""

    CREATE = "create"
    VERSION = "version"
    DOWNLOAD = "download"
    MOVE_REMOTE = "move-remote"
    MOVE_LOCAL = "move-local"
    RENAME_FOLDER = "rename-folder"
    RENAME_TAG = "rename-tag"
    LABEL = "label"
    TRASH_REMOTE = "trash-remote"
    TRASH_LOCAL = "trash-local"
    RESTORE = "restore"
    PURGE = "purge"
    CONFLICT = "conflict"
    ADOPT = "adopt"
    MAKE_FOLDER = "make-folder"
    MAKE_TAG = "make-tag"
    REMOVE_FOLDER = "remove-folder"
    REMOVE_TAG = "remove-tag"
    HOLD = "hold"
