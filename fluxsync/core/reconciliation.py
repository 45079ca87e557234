"""What goes into reconciling besides the snapshots, and what comes out of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from fluxsync.core.decision import Verdict
from fluxsync.core.model import Entry, Intent, Item, NameRules, Problem, State
from fluxsync.core.tree import Node, Tree

__all__ = ["Change", "Evidence", "Policy", "Question", "Reconciliation", "agreed", "known_digest", "trashed"]

_ANY_DISK = NameRules()


@dataclass(frozen=True, slots=True)
class Policy:
    """What the configuration says about deciding."""

    rules: NameRules = _ANY_DISK
    #: "verify" compares bytes where both sides have a path; "trust-size" compares sizes in a first pass.
    trust_size: bool = False
    #: The mapping or the selection changed: this pass moves, and deletes nothing.
    delete_nothing: bool = False
    local_delete: str = "trash"
    remote_delete: str = "trash"


@dataclass(frozen=True, slots=True)
class Evidence:
    """What was found out about remote content beyond the list, by (key, revision)."""

    digests: Mapping[tuple[str, int], str] = field(default_factory=dict)
    #: Entries whose version comments were read.
    described: Mapping[tuple[str, int], Entry] = field(default_factory=dict)
    #: Entries of which no more can be known now, with the reason.
    refused: Mapping[tuple[str, int], str] = field(default_factory=dict)
    #: Creates that were sent again, and whose first request may leave an asset yet.
    late: frozenset[Intent] = frozenset()
    #: New assets that a killed pass may have brought here, as they were then, by key; without a digest.
    brought: Mapping[str, Item] = field(default_factory=dict)
    #: Since when assets are known to be in the trash, by key, in seconds since 1970 by the service's clock.
    trashed_since: Mapping[str, float] = field(default_factory=dict)


def known_digest(entry: Entry, evidence: Evidence) -> str | None:
    """Return the digest of remote content, as far as it was found out."""
    mark = (entry.key, entry.revision)
    described = evidence.described.get(mark)
    return evidence.digests.get(mark) or entry.digest or (described.digest if described else None)


@dataclass(frozen=True, slots=True)
class Question:
    """Content that a decision needs: what the version comments say, or else the bytes themselves."""

    entry: Entry
    since: int
    needs_bytes: bool


@dataclass(frozen=True, slots=True)
class Change:
    """One item that is not in step, and the verdict on it."""

    verdict: Verdict
    path: str  # where it shall lie on this disk, or lay
    node: Node  # the folder it shall lie in
    name: str  # its true name then
    item: Item | None = None
    local: Entry | None = None
    remote: Entry | None = None


@dataclass(slots=True)
class Reconciliation:
    """What has to be done, and what only has to be written down."""

    tree: Tree
    changes: list[Change] = field(default_factory=list)
    #: Items that both sides agree on already, though the ancestor did not know it. Id 0: a new row.
    agreements: list[Item] = field(default_factory=list)
    forget: list[Item] = field(default_factory=list)
    questions: list[Question] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)
    #: How many files were equal on both sides, adopted ones included.
    unchanged: int = 0
    adopted: list[Item] = field(default_factory=list)
    #: Paths of files that are gone, or moved and are among those that were not read.
    unread: list[str] = field(default_factory=list)


def agreed(item: Item, local: Entry, remote: Entry) -> Item:
    """Return the row that says that both sides have this now."""
    return replace(
        item,
        path=local.path,
        key=remote.key,
        folder=remote.place.folder,
        name=remote.place.name,
        revision=remote.revision,
        size=local.size,
        digest=local.digest or "",
        stamp=local.stamp,
        memo=remote.memo,
        state=State.AGREED,
        made_here=item.made_here and item.key == remote.key and item.revision == remote.revision,
    )


def trashed(item: Item, remote: Entry) -> Item:
    """Return the row that says that the asset is in the remote trash, with the home that it had there."""
    return replace(
        item,
        folder=remote.place.folder,
        name=remote.place.name,
        revision=remote.revision,
        memo=remote.memo,
        state=State.TRASHED,
    )
