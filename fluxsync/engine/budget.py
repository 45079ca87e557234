"""What fits on the disk and in the account: small files first."""

from __future__ import annotations

from collections.abc import Iterable

from fluxsync.core.model import Action, Problem, Side
from fluxsync.core.operations import Operation, Plan

__all__ = ["fit"]

_UP = (Action.CREATE, Action.VERSION)
_DOWN = (Action.DOWNLOAD, Action.CONFLICT)


def fit(plan: Plan, *, free_here: int | None, free_there: int | None) -> list[Problem]:
    """Take out of a plan what has no room, and name it; None means that the room is not known."""
    problems = _drop(plan, _UP, free_there, Side.REMOTE)
    return problems + _drop(plan, _DOWN, free_here, Side.LOCAL)


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
