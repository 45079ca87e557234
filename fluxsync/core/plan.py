"""Turns changes into ordered operations, each with what it expects to find.

Four phases, one after the other:

    tags       requests without bytes: assets whose file is gone are trashed, tags are made and renamed
    local      folders and files take their places on this disk, in an order in which each name is free
    transfers  content and places on the account; steps of one subject in order, subjects in any order
    cleanup    folders and tags that nothing lies in any more

The order of subjects inside the transfers changes nothing in the end: a law.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from fluxsync.core.limits import is_repair
from fluxsync.core.local_order import LocalOrder
from fluxsync.core.model import Action, Problem, Rename, Side, Snapshot
from fluxsync.core.operations import ON_ACCOUNT, ON_DISK, Operation, Plan
from fluxsync.core.plan_folders import FolderPlan
from fluxsync.core.reconcile import Change, Content, Fate, Reconciliation
from fluxsync.core.renames import WholeRenames
from fluxsync.core.steps import Steps

__all__ = ["PlanPolicy", "acts", "make_plan"]


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
    tree = reconciliation.tree
    renames = WholeRenames(tree, changes, local, enabled=policy.down)
    folders = FolderPlan(tree, local, renames, up=policy.up, down=policy.down, now_ns=policy.now_ns)
    maker = Steps(
        renames, local, changes, tree.rules, policy.conflict, policy.rename, policy.up, policy.label
    )
    by_change: list[list[Operation]] = []
    for subject, change in enumerate(changes):
        meant = maker.steps(change, subject)
        steps = _permitted(meant, change, plan, policy)
        if not meant:
            folders.carry(change)
        by_change.append(steps)
    trashed = [s for steps in by_change for s in steps if s.action is Action.TRASH_LOCAL]
    leaving = {step.path for step in trashed}
    order = LocalOrder(
        (p for p in map(renames.current, local.files) if p not in leaving),
        map(renames.current, local.folders),
        tree.rules,
    )
    moves = [s for steps in by_change for s in steps if s.action is Action.MOVE_LOCAL]
    made = folders.made(step for steps in by_change for step in steps)
    ordered, blocked = order.order([*made, *moves])
    waiting = {step.subject for step in blocked}
    for steps in by_change:
        _add(plan, steps, waiting, order)
    plan.local = [*folders.renamed(), *trashed, *ordered]
    plan.deferred += [step.target or step.path for step in blocked]
    folders.complete(plan)
    return plan


def acts(change: Change, policy: PlanPolicy) -> bool:
    """Tell whether the direction lets anything be done of what a limit counts: else no limit has a say."""
    fate, content = change.verdict.fate, change.verdict.content
    if not policy.up:
        return fate not in (Fate.TRASH_REMOTE, Fate.RESTORE) and content is not Content.UP
    if not policy.down:
        follows = content is Content.NONE and change.verdict.place is Side.REMOTE
        return fate is not Fate.TRASH_LOCAL and content is not Content.DOWN and not follows
    return True


def _add(plan: Plan, steps: list[Operation], waiting: set[int], order: LocalOrder) -> None:
    """Take over what is not local, unless the file cannot take its place here now."""
    rest = [s for s in steps if s.action not in (Action.MOVE_LOCAL, Action.TRASH_LOCAL)]
    if not rest or rest[0].subject in waiting:
        return
    blocked = [
        s.path
        for s in rest
        if s.action is Action.DOWNLOAD and s.local is None and not order.can_bring(s.path)
    ]
    if blocked:
        plan.deferred += blocked
    elif [step.action for step in rest] == [Action.TRASH_REMOTE]:
        # Before another item takes its path here: killed in between, one would be taken for the other.
        plan.tags += rest
    else:
        plan.transfers += rest


def _permitted(steps: list[Operation], change: Change, plan: Plan, policy: PlanPolicy) -> list[Operation]:
    """Leave out what the direction excludes; content that cannot be told apart from a loss is named."""
    if policy.up and policy.down:
        return steps
    content, why = change.verdict.content, ""
    if content is Content.CONFLICT:
        why = f"{change.verdict.why}; the direction is up, so nothing is done"
    elif content is Content.DOWN and change.local is not None and is_repair(change.item, change.remote):
        why = "cut short here without having been saved; the direction is up, so it is not brought again"
    if why and not policy.down:
        plan.problems.append(Problem(change.path, why))
        return []
    if any(step.action is Action.RESTORE for step in steps) and not policy.up:
        return []  # what is in the trash of the account comes back there first
    if any(step.action is Action.MOVE_LOCAL for step in steps) and not policy.down:
        return []  # what the account moved stays where it is on both sides
    return [step for step in steps if step.action in (ON_DISK if policy.down else ON_ACCOUNT)]
