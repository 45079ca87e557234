"""Turns changes into ordered operations, each with what it expects to find.

Four phases, one after the other:

    tags       tags are made and renamed: requests without bytes
    local      folders and files take their places on this disk, in an order in which each name is free
    transfers  content and places on the account; steps of one subject in order, subjects in any order
    cleanup    folders and tags that nothing lies in any more

The order of subjects inside the transfers changes nothing in the end: a law.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from fluxsync.core.conflicts import copy_path, existing_copy
from fluxsync.core.local_order import order_moves
from fluxsync.core.model import Action, Item, Kind, Problem, Rename, Snapshot
from fluxsync.core.operations import ON_ACCOUNT, ON_DISK, Operation, Plan
from fluxsync.core.plan_folders import FolderPlan
from fluxsync.core.reconcile import Change, Content, Fate, Reconciliation

__all__ = ["PlanPolicy", "make_plan"]


@dataclass(frozen=True, slots=True)
class PlanPolicy:
    """What the configuration says about doing."""

    up: bool = True
    down: bool = True
    conflict: str = "keep-both"
    #: Local time and host, for the names of conflict copies: "2026-11-22 174501 HOST".
    label: str = ""
    rename: Rename = Rename.BY_CONTENT
    #: Nanoseconds since 1970, to see how long an empty folder has stood.
    now_ns: int = 0


def make_plan(
    reconciliation: Reconciliation,
    changes: Sequence[Change],
    local: Snapshot,
    remote: Snapshot,
    policy: PlanPolicy,
) -> Plan:
    """Plan the changes that may go on; `reconciliation` may hold more, which wait."""
    plan = Plan(
        agreements=list(reconciliation.agreements),
        forget=list(reconciliation.forget),
        problems=list(reconciliation.problems),
    )
    folders = FolderPlan(reconciliation.tree, changes, local, remote)
    folders.rename_whole()
    copies: set[str] = set()
    moves: list[Operation] = []
    for subject, change in enumerate(changes):
        steps = list(_steps(change, subject, folders, local, copies, policy))
        steps = _permitted(steps, change, plan, policy)
        if not steps:
            folders.carry(change)
        for step in steps:
            match step.action:
                case Action.MOVE_LOCAL:
                    moves.append(step)
                case Action.TRASH_LOCAL:
                    plan.local.append(step)
                case _:
                    plan.transfers.append(step)
    leaving = {step.path for step in plan.local}
    here = {folders.current(path) for path in local.files} - leaving
    ordered = order_moves(moves, here.__contains__)
    folders.complete(plan, ordered, policy.up, policy.down, policy.now_ns)
    plan.local += ordered
    return plan


def _permitted(steps: list[Operation], change: Change, plan: Plan, policy: PlanPolicy) -> list[Operation]:
    """Leave out what the direction excludes; content that cannot be told apart from a loss is named."""
    if policy.up and policy.down:
        return steps
    if not policy.down and change.verdict.content is Content.CONFLICT:
        plan.problems.append(
            Problem(change.path, f"{change.verdict.why}; the direction is up, so nothing is done")
        )
        return []
    kept = []
    for step in steps:
        if step.action in (ON_DISK if policy.down else ON_ACCOUNT):
            kept.append(step)
        elif step.action is Action.RESTORE:
            break
    return kept


def _steps(
    change: Change, subject: int, folders: FolderPlan, local: Snapshot, copies: set[str], policy: PlanPolicy
) -> Sequence[Operation]:
    verdict, remote = change.verdict, change.remote
    now = folders.current(change.local.path) if change.local is not None else change.path
    base = Operation(
        Action.ADOPT,
        now,
        verdict.why,
        subject,
        _base(change),
        change.local,
        remote,
        change.node,
        change.name,
    )
    match verdict.fate:
        case Fate.TRASH_LOCAL:
            return [replace(base, action=Action.TRASH_LOCAL)]
        case Fate.TRASH_REMOTE:
            return [replace(base, action=Action.TRASH_REMOTE)]
        case Fate.CREATE:
            size = change.local.size if change.local else 0
            return [replace(base, action=Action.CREATE, size=size)]
    assert remote is not None
    steps = []
    if verdict.fate is Fate.RESTORE:
        steps.append(replace(base, action=Action.RESTORE))
    if change.local is not None and now != change.path:
        steps.append(replace(base, action=Action.MOVE_LOCAL, target=change.path))
    at = replace(base, path=change.path)
    renames = remote.place.name != change.name
    steps += _content(at, change, now, local, copies, policy)
    moves = change.node.key != remote.place.folder or (change.node.key == "" and change.node.name != "")
    by_title = renames and policy.rename is not Rename.BY_CONTENT
    if moves or by_title:
        steps.append(
            replace(at, action=Action.MOVE_REMOTE, name=change.name if by_title else remote.place.name)
        )
    elif remote.mislabelled:
        steps.append(replace(at, action=Action.LABEL))
    sent = any(step.action is Action.VERSION for step in steps)
    if renames and not by_title and not sent:
        why = verdict.why if verdict.content is Content.NONE else "renamed here"
        size = (
            change.local.size if change.local is not None and verdict.content is Content.NONE else remote.size
        )
        steps.append(replace(at, action=Action.VERSION, why=why, size=size))
    return steps


def _content(
    at: Operation, change: Change, now: str, local: Snapshot, copies: set[str], policy: PlanPolicy
) -> list[Operation]:
    assert change.remote is not None
    size = change.remote.size
    match change.verdict.content:
        case Content.UP:
            assert change.local is not None
            return [replace(at, action=Action.VERSION, size=change.local.size)]
        case Content.DOWN:
            return [replace(at, action=Action.DOWNLOAD, size=size)]
        case Content.CONFLICT if policy.conflict == "remote":
            return [replace(at, action=Action.DOWNLOAD, size=size)]
        case Content.CONFLICT if policy.conflict == "local" and policy.up:
            assert change.local is not None
            return [replace(at, action=Action.VERSION, target="bury", size=size + change.local.size)]
        case Content.CONFLICT:
            assert change.local is not None
            if existing_copy(now, change.local.digest, local.files):
                return [replace(at, action=Action.DOWNLOAD, size=size)]
            copy = copy_path(change.path, policy.label, copies | local.files.keys())
            copies.add(copy)
            return [replace(at, action=Action.CONFLICT, target=copy, size=size)]
    return []


def _base(change: Change) -> Item | None:
    """Return the row that the steps start from: what both sides agree on before any of them."""
    local, remote, item = change.local, change.remote, change.item
    if local is None or remote is None:
        return item
    if change.verdict.content not in (Content.NONE, Content.EQUAL):
        return item
    row = item or Item(0, Kind.FILE, local.path, remote.key, remote.place.folder, remote.place.name)
    return replace(
        row,
        revision=remote.revision,
        size=local.size,
        digest=local.digest or "",
        stamp=local.stamp,
        memo=remote.memo,
        made_here=row.made_here and row.revision == remote.revision,
    )
