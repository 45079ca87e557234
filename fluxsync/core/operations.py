"""One step of a plan, and the whole of it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from fluxsync.core.model import Action, Entry, Item, Problem
from fluxsync.core.tree import Node

__all__ = ["ON_ACCOUNT", "ON_DISK", "Operation", "Plan"]

#: Actions that change the account, and actions that change the folder.
ON_ACCOUNT = frozenset(
    {
        Action.CREATE,
        Action.VERSION,
        Action.MOVE_REMOTE,
        Action.RENAME_TAG,
        Action.LABEL,
        Action.TRASH_REMOTE,
        Action.RESTORE,
        Action.PURGE,
        Action.MAKE_TAG,
        Action.REMOVE_TAG,
    }
)
ON_DISK = frozenset(
    {
        Action.DOWNLOAD,
        Action.MOVE_LOCAL,
        Action.RENAME_FOLDER,
        Action.TRASH_LOCAL,
        Action.CONFLICT,
        Action.MAKE_FOLDER,
        Action.REMOVE_FOLDER,
    }
)


@dataclass(frozen=True, slots=True)
class Operation:
    """One executable step on one item; what it finds must be what it expects, else it is stale."""

    action: Action
    #: Where the item lies on this disk when the step begins (for what comes down: where it shall lie).
    path: str
    why: str
    #: Steps with the same subject run one after the other; the first that fails ends them.
    subject: int
    item: Item | None = None
    local: Entry | None = None
    remote: Entry | None = None
    #: The folder that the asset shall lie in; its key may be known only when its tag was made.
    node: Node | None = None
    #: The true name that the asset or tag shall have.
    name: str = ""
    #: Where a move ends, or what a conflict copy is called.
    target: str = ""
    #: Items whose path changes with a renamed folder.
    carries: tuple[Item, ...] = ()
    #: Bytes that have to be sent or fetched.
    size: int = 0
    #: A local move that brings the file to where `remote` has it: its row takes home and name from there.
    settles: bool = False
    #: Once it is done: how long that took.
    seconds: float = 0.0


@dataclass(slots=True)
class Plan:
    """Everything that a pass will do, in phases.

    `local` and `cleanup` run one operation after the other, in their order: the two moves of one subject
    that open a cycle have others between them. In `tags` and `transfers` only the steps of one subject are
    in order.
    """

    tags: list[Operation] = field(default_factory=list)
    local: list[Operation] = field(default_factory=list)
    transfers: list[Operation] = field(default_factory=list)
    cleanup: list[Operation] = field(default_factory=list)
    #: What cannot be undone comes last, and not at all in a pass that could not go on.
    purges: list[Operation] = field(default_factory=list)
    agreements: list[Item] = field(default_factory=list)
    forget: list[Item] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)
    #: Paths that wait for a place which this plan, or a person, makes free: the next round looks again.
    deferred: list[str] = field(default_factory=list)
    #: Empty folders that are to be looked at again, and when, in seconds since 1970.
    later: dict[str, float] = field(default_factory=dict)

    def __iter__(self) -> Iterator[Operation]:
        yield from self.tags
        yield from self.local
        yield from self.transfers
        yield from self.cleanup
        yield from self.purges

    def __len__(self) -> int:
        phases = (self.tags, self.local, self.transfers, self.cleanup, self.purges)
        return sum(map(len, phases))
