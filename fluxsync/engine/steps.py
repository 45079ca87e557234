"""One operation on one item: the calls to both sides, and the row that follows from what they answered.

A mover takes values and returns values; nothing here writes state.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace

from fluxsync.core.folders import Node
from fluxsync.core.model import Action, Entry, Item, Kind, Place, Rename, State
from fluxsync.core.operations import Operation
from fluxsync.core.paths import basename, dirname
from fluxsync.core.reconciliation import trashed
from fluxsync.engine import rows
from fluxsync.engine.meter import Meter
from fluxsync.errors import Busy, Rejected, ReplicaError, Stale
from fluxsync.replica.base import LocalReplica, RemoteReplica, Source

__all__ = ["Mover", "Standing", "Step", "resumed"]


@dataclass(frozen=True, slots=True)
class Standing:
    """What is known of an item between its steps."""

    item: Item | None = None
    local: Entry | None = None
    remote: Entry | None = None


@dataclass(frozen=True, slots=True)
class Step:
    """What a step did: the new standing, and how the ancestor advances."""

    standing: Standing
    row: Item | None = None
    forget: int = 0
    also: tuple[Item, ...] = ()
    bytes: int = 0
    #: How long it took.
    seconds: float = 0.0


def resumed(remote: RemoteReplica, place: Place, old: Entry, found: Entry) -> Entry:
    """Return what is there after a version that was found; its title stays if the account is away again."""
    try:
        return remote.resume(place, old, found)
    except ReplicaError:
        return replace(old, place=found.place, revision=found.revision, size=found.size, digest=found.digest)


@dataclass(frozen=True, slots=True)
class Mover:
    """Both sides, and what the configuration says about taking things away."""

    local: LocalReplica
    remote: RemoteReplica
    meter: Meter
    local_delete: str = "trash"
    remote_delete: str = "trash"
    #: Files here by digest, so that content that is here already need not be fetched.
    at_hand: Mapping[str, Entry] = field(default_factory=dict)

    def perform(self, operation: Operation, standing: Standing) -> Step:
        """Do one step. Raises the errors of `replica.base`; then nothing is to be written down."""
        return _STEPS[operation.action](self, operation, standing)

    # -- content

    def create(self, operation: Operation, standing: Standing) -> Step:
        local = _present(standing.local)
        remote = self._send(operation, local, self._place(operation), None)
        row = rows.agreed(standing.item, local, remote, made_here=True)
        return Step(Standing(row, local, remote), row, bytes=local.size)

    def version(self, operation: Operation, standing: Standing) -> Step:
        local, old = _present(standing.local), _present(standing.remote)
        if operation.target == "bury":
            buried = self._fetched(operation, old)
            try:
                self.local.keep(local.path, buried)
            finally:
                buried.close()
        if self.remote.capabilities.versions:
            remote = self._send(operation, local, Place(old.place.folder, operation.name), old)
            row = rows.agreed(standing.item, local, remote, made_here=True)
            return Step(Standing(row, local, remote), row, bytes=local.size)
        return self._succeed(operation, standing, local, old)

    def _succeed(self, operation: Operation, standing: Standing, local: Entry, old: Entry) -> Step:
        """Replace an asset by a new one, where the plan has no versions; the old one goes to the trash.

        The row of the old asset goes first into the ancestor as superseded, in one transaction with the new
        one, so that a crash in between leaves work to finish and no second file.
        """
        remote = self._send(operation, local, self._place(operation), None, like=old)
        step = self._succeeded(standing, local, old, remote)
        try:
            self.remote.trash(old)
        except ReplicaError:
            pass  # it stays superseded in the ancestor, and the next pass sees to it
        return step

    def _succeeded(self, standing: Standing, local: Entry, old: Entry, remote: Entry) -> Step:
        row = rows.agreed(standing.item, local, remote, made_here=True)
        left = replace(
            standing.item or row,
            id=0,
            key=old.key,
            revision=old.revision,
            memo=old.memo,
            state=State.SUPERSEDED,
        )
        return Step(Standing(row, local, remote), row, also=(left,), bytes=local.size)

    def adopt(self, operation: Operation, standing: Standing, remote: Entry) -> Step:
        """Take what an unanswered create or version left as its answer."""
        local = _present(standing.local)
        if operation.action is Action.VERSION:
            old = _present(standing.remote)
            if not self.remote.capabilities.versions:
                return self._succeeded(standing, local, old, remote)
            remote = resumed(self.remote, Place(old.place.folder, operation.name), old, remote)
        row = rows.agreed(standing.item, local, remote, made_here=True)
        return Step(Standing(row, local, remote), row, bytes=local.size)

    def download(self, operation: Operation, standing: Standing) -> Step:
        remote = _present(standing.remote)
        content = self._fetched(operation, remote)
        aside = None
        if operation.action is Action.CONFLICT:
            aside = Place(dirname(operation.target), basename(operation.target))
        place = Place(dirname(operation.path), basename(operation.path))
        try:
            local = self.local.put(place, content, standing.local, aside=aside, mtime_ns=remote.modified_ns)
        finally:
            content.close()
        row = rows.agreed(standing.item, local, remote, made_here=False)
        return Step(Standing(row, local, remote), row, bytes=local.size)

    def _send(
        self,
        operation: Operation,
        local: Entry,
        place: Place,
        old: Entry | None,
        *,
        like: Entry | None = None,
    ) -> Entry:
        content = self.meter.upward(self.local.open(local), operation.action, operation.path)
        try:
            return self.remote.put(place, content, old, like=like)
        finally:
            content.close()

    def _fetched(self, operation: Operation, remote: Entry) -> Source:
        copy = self.at_hand.get(remote.digest or "")
        if copy is not None and copy.size == remote.size:
            try:
                return self.local.open(copy)
            except (Busy, Stale, Rejected):
                pass  # it was here when the pass began: then from the account
        return self.meter.downward(self.remote.open(remote), operation.action, operation.path)

    # -- places

    def move_local(self, operation: Operation, standing: Standing) -> Step:
        local = _present(standing.local)
        moved = self.local.move(local, Place(dirname(operation.target), basename(operation.target)))
        moved = replace(moved, digest=local.digest)
        row = rows.moved_here(standing.item, moved) if standing.item else None
        if row is not None and operation.settles and standing.remote is not None:
            row = rows.moved_there(row, moved, standing.remote)
        return Step(Standing(row, moved, standing.remote), row)

    def move_remote(self, operation: Operation, standing: Standing) -> Step:
        old, place = _present(standing.remote), self._place(operation)
        if self.remote.capabilities.rename is Rename.BY_CONTENT:
            place = replace(place, name=old.place.name)  # an earlier step may have renamed it
        return self._relocated(standing, self.remote.move(old, place))

    def label(self, operation: Operation, standing: Standing) -> Step:
        return self._relocated(standing, self.remote.relabel(_present(standing.remote)))

    def restore(self, operation: Operation, standing: Standing) -> Step:
        return self._relocated(standing, self.remote.restore(_present(standing.remote)))

    def _relocated(self, standing: Standing, remote: Entry) -> Step:
        row = rows.moved_there(standing.item, standing.local, remote) if standing.item else None
        return Step(Standing(row, standing.local, remote), row)

    def _place(self, operation: Operation) -> Place:
        node = operation.node
        if node is None or (node.name and not node.key):
            raise Rejected(f"its folder could not be made on the account: {node.name if node else ''}")
        return Place(node.key, operation.name)

    # -- taking away

    def trash_local(self, operation: Operation, standing: Standing) -> Step:
        local, item = _present(standing.local), standing.item
        if self.local_delete == "delete":
            self.local.delete(local)
        else:
            self.local.trash(local)
        remote = standing.remote
        if item is not None and remote is not None and remote.trashed:
            row = trashed(item, remote)
            return Step(Standing(row, None, remote), row)
        return Step(Standing(), forget=item.id if item else 0)

    def trash_remote(self, operation: Operation, standing: Standing) -> Step:
        remote, item = _present(standing.remote), standing.item
        if self.remote_delete == "delete" and item is not None and item.state is State.AGREED:
            # Only what a person deleted here; a twin, a replaced asset, one that lay in the trash go there.
            self.remote.delete(remote)
            return Step(Standing(), forget=item.id if item else 0)
        there = self.remote.trash(remote).entry
        if item is None:
            return Step(Standing())
        row = trashed(item, there)
        return Step(Standing(row, None, there), row)

    def purge(self, operation: Operation, standing: Standing) -> Step:
        self.remote.delete(_present(standing.remote))
        return Step(Standing(), forget=standing.item.id if standing.item else 0)

    # -- folders

    def make_tag(self, operation: Operation, standing: Standing) -> Step:
        node = _node(operation)
        there = self.remote.make_folder(Place("", operation.name))
        node.key, node.there = there.key, there
        row = rows.folder_row(
            standing.item, operation.path, standing.local, there, made_here=there.carried == 0
        )
        return Step(Standing(row, standing.local, there), row)

    def rename_tag(self, operation: Operation, standing: Standing) -> Step:
        there = self.remote.move_folder(_present(standing.remote), Place("", operation.name))
        row = rows.folder_row(standing.item, operation.path, standing.local, there, made_here=False)
        return Step(Standing(row, standing.local, there), row, also=operation.carries)

    def rename_folder(self, operation: Operation, standing: Standing) -> Step:
        if parent := dirname(operation.target):
            self.local.make_folder(Place("", parent))
        here = self.local.move_folder(_present(standing.local), Place("", operation.target))
        row = rows.folder_row(standing.item, here.path, here, _present(standing.remote), made_here=False)
        return Step(Standing(row, here, standing.remote), row, also=operation.carries)

    def make_folder(self, operation: Operation, standing: Standing) -> Step:
        here = self.local.make_folder(Place("", operation.path))
        there = standing.remote
        row = None
        if there is not None:
            row = rows.folder_row(standing.item, here.path, here, there, made_here=False)
        return Step(Standing(row, here, there), row)

    def remove_folder(self, operation: Operation, standing: Standing) -> Step:
        here = standing.local or Entry(Kind.FOLDER, Place("", operation.path))
        self.local.remove_folder(replace(here, place=Place("", operation.path)))
        item = standing.item
        if item is not None and standing.remote is not None:
            row = replace(item, state=State.KEPT_THERE)
            return Step(Standing(row, None, standing.remote), row)
        return Step(Standing(), forget=item.id if item else 0)

    def remove_tag(self, operation: Operation, standing: Standing) -> Step:
        self.remote.remove_folder(_present(standing.remote))
        return Step(Standing(), forget=standing.item.id if standing.item else 0)


_STEPS: Mapping[Action, Callable[[Mover, Operation, Standing], Step]] = {
    Action.CREATE: Mover.create,
    Action.VERSION: Mover.version,
    Action.DOWNLOAD: Mover.download,
    Action.CONFLICT: Mover.download,
    Action.MOVE_LOCAL: Mover.move_local,
    Action.MOVE_REMOTE: Mover.move_remote,
    Action.LABEL: Mover.label,
    Action.RESTORE: Mover.restore,
    Action.TRASH_LOCAL: Mover.trash_local,
    Action.TRASH_REMOTE: Mover.trash_remote,
    Action.PURGE: Mover.purge,
    Action.MAKE_TAG: Mover.make_tag,
    Action.RENAME_TAG: Mover.rename_tag,
    Action.RENAME_FOLDER: Mover.rename_folder,
    Action.MAKE_FOLDER: Mover.make_folder,
    Action.REMOVE_FOLDER: Mover.remove_folder,
    Action.REMOVE_TAG: Mover.remove_tag,
}


def _present(entry: Entry | None) -> Entry:
    if entry is None:
        raise Stale("an earlier step on it did not succeed")
    return entry


def _node(operation: Operation) -> Node:
    if operation.node is None:
        raise Stale("the operation names no folder")
    return operation.node
