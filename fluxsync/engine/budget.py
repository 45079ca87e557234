"""What fits on the disk and in the account: small files first."""

from __future__ import annotations

from collections.abc import Collection, Iterable

from fluxsync.core.model import Action, Problem, Side, Snapshot
from fluxsync.core.operations import Operation, Plan
from fluxsync.engine.pair import Pair
from fluxsync.engine.report import Report
from fluxsync.replica.base import LocalReplica

__all__ = ["fit", "leave_out", "paused"]

_UP = (Action.CREATE, Action.VERSION)
_DOWN = (Action.DOWNLOAD, Action.CONFLICT)


def fit(plan: Plan, *, free_here: int | None, free_there: int | None) -> dict[Side, list[Problem]]:
    """Take out of a plan what has no room, and name it by side; None means that the room is not known."""
    refused = {
        Side.REMOTE: _drop(plan, _UP, free_there, Side.REMOTE),
        Side.LOCAL: _drop(plan, _DOWN, free_here, Side.LOCAL),
    }
    return {side: problems for side, problems in refused.items() if problems}


def leave_out(pair: Pair, plan: Plan, report: Report) -> set[Side]:
    """Leave out and name what has no room; returns the sides that lack it."""
    sends = any(op.action in _UP for op in plan.transfers)
    # The account is asked for its room only where something is to be sent.
    there = pair.remote.free_bytes() if sends else None
    problems = fit(plan, free_here=pair.local.free_bytes(), free_there=there)
    for found in problems.values():
        report.fail(found)
    return set(problems)


def paused(full: Collection[Side], local: LocalReplica, remote: Snapshot) -> str:
    """Say which direction has no room, and what the trash of that side holds; "" where both have."""
    said = []
    if Side.LOCAL in full:
        held = local.trash_bytes()
        said.append(f"the disk is full, so not everything was fetched; the trash here holds {held:,} bytes")
    if Side.REMOTE in full:
        held = sum(entry.size for entry in remote.files.values() if entry.trashed)
        said.append(f"the account is full, so not everything was sent; its trash holds {held:,} bytes")
    return "; ".join(said)


def _drop(plan: Plan, actions: tuple[Action, ...], free: int | None, side: Side) -> list[Problem]:
    moving = [op for op in plan.transfers if op.action in actions]
    needed = sum(op.size for op in moving)
    if free is None or needed <= free:
        return []
    room = free
    refused: dict[int, Operation] = {}
    for operation in sorted(moving, key=lambda op: op.size):
        if operation.size <= free:
            free -= operation.size
        else:
            refused[operation.subject] = operation
    plan.transfers = [op for op in plan.transfers if op.subject not in refused]
    return list(_named(refused.values(), side, room, needed))


def _named(operations: Iterable[Operation], side: Side, room: int, needed: int) -> Iterable[Problem]:
    where = "the disk" if side is Side.LOCAL else "the account"
    for operation in operations:
        yield Problem(
            operation.path,
            f"no room for its {operation.size:,} bytes on {where}: {room:,} free, {needed:,} to come",
        )
