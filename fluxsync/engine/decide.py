"""What a pass would do now: looked at, reconciled, guarded and planned, with nothing done yet."""

from __future__ import annotations

from collections.abc import Callable, Container, Mapping
from dataclasses import dataclass, field, replace

from fluxsync.core.held import Mark, mark_of
from fluxsync.core.model import Side
from fluxsync.core.operations import Operation, Plan
from fluxsync.core.plan import PlanPolicy, acts, make_plan
from fluxsync.core.purge import due, is_suspect, operations
from fluxsync.core.put_aside import PutAside, Shelf
from fluxsync.core.reconcile import Change, Evidence, Fate, Policy
from fluxsync.core.safety import (
    LIMITED_ACTIONS,
    WINDOW_S,
    Guarded,
    Limited,
    Limits,
    disbelief,
    guard,
    is_doubtful,
)
from fluxsync.core.trash import TrashPolicy
from fluxsync.core.under_way import UnderWay
from fluxsync.core.version_interval import PutOff, may_wait, put_off
from fluxsync.engine import held_rows
from fluxsync.engine.brought import may_be_here
from fluxsync.engine.late import may_come_late
from fluxsync.engine.meter import Meter
from fluxsync.engine.pair import Pair
from fluxsync.engine.survey import Survey
from fluxsync.engine.trash import Noted, look_there
from fluxsync.engine.view import View
from fluxsync.state.journal import HeldRow, Journal

__all__ = ["Decided", "Rules", "decide"]


@dataclass(frozen=True, slots=True)
class Rules:
    """What the configuration says, as values."""

    policy: Policy
    plan: PlanPolicy
    #: The most of each kind, for so many tracked files.
    most: Callable[[int], Mapping[Limited, int]]
    local_delete: str = "trash"
    remote_delete: str = "trash"
    trash: TrashPolicy = field(default_factory=TrashPolicy)
    #: Seconds without a further deletion, before deletions are repeated on the other side; 0: no matter.
    settle_s: float = 0.0
    #: What the mapping and the selection are now; the journal knows what they were.
    mapping: str = ""
    #: What is put aside waits from so many failed passes in a row on; None: somebody asks for a try of all.
    heed_from: int | None = None
    #: Keys of assets that a person takes out of the trash by this very command: no limit holds them back.
    asked: frozenset[str] = frozenset()
    #: Nobody waits for this pass: what has to wait is named, with the time for another look.
    unattended: bool = False
    #: Seconds between two versions of a large file; 0: each save.
    version_interval_s: float = 0.0


@dataclass(frozen=True, slots=True)
class Decided:
    """Both sides as they were seen, and what follows from that."""

    seen: Survey
    guarded: Guarded
    plan: Plan
    #: What lies in the trash of the account, and since when.
    noted: Noted
    #: Deletions in doubt about which this look found out nothing.
    doubtful: list[HeldRow]
    #: What failed before and is left alone now.
    waiting: list[PutAside] = field(default_factory=list)
    #: New content that goes up with a later save.
    put_off: list[PutOff] = field(default_factory=list)

    def change_of(self, operation: Operation) -> Change | None:
        """Return the change that an operation belongs to; None: it is about a folder alone."""
        return self.guarded.go[operation.subject] if operation.subject >= 0 else None


def decide(
    pair: Pair,
    rules: Rules,
    view: View,
    *,
    meter: Meter,
    now_s: float,
    approved: bool = False,
    shelf: Shelf | None = None,
) -> Decided | None:
    """Look at both sides and decide; `shelf`: what is put aside, as this pass sees it.

    None: nothing is there to be decided. Raises `Unavailable`, `Unauthorized`, `Halted`, `TooNarrow`.
    """
    journal = pair.journal
    known = journal.fact("mapping")
    policy = replace(rules.policy, delete_nothing=known is not None and known != rules.mapping)
    evidence = Evidence(
        journal.digests(),
        late=may_come_late(journal, now_s),
        brought=may_be_here(journal),
        trashed_since=journal.first_seen(Side.REMOTE),
    )
    seen = view.look(policy, evidence, meter)
    if seen is None:
        return None
    items = view.items
    held_before = journal.held()
    limits = replace(
        _limits(journal, rules, view.tracked(), now_s, view.under_way or UnderWay()),
        disbelief=disbelief(seen.remote, items),
        doubts=held_rows.doubts(held_before),
    )
    if policy.delete_nothing:
        # Another mapping moves what it moves; every other limit holds.
        limits = replace(limits, most={k: v for k, v in limits.most.items() if k is not Limited.MOVE})
    changes = seen.reconciliation.changes
    noted = look_there(journal, seen.remote, now_s)
    suspect = policy.delete_nothing or bool(limits.disbelief) or is_suspect(seen.remote, changes)
    wanted = view.whole and rules.trash.purges and not suspect
    purges = due(seen.remote, items, noted.seen, rules.trash.days, changes) if wanted else []
    asked = [c for c in changes if c.remote is not None and c.remote.key in rules.asked]
    approvals: dict[Mark, frozenset[str]] = {mark_of(change): frozenset({Limited.MOVE}) for change in asked}
    approvals |= held_rows.approvals(journal.approved())
    idle = {id(c) for c in changes if not acts(c, rules.plan) and not is_doubtful(c, limits)}
    acting = [change for change in changes if id(change) not in idle]
    acting, later = _put_off(journal, acting, approvals, now_s, rules.version_interval_s)
    guarded = guard([*acting, *purges], limits, approvals, approve_all=approved)
    view.check(acting, held=bool(guarded.held))
    guarded = replace(guarded, go=[*(change for change in changes if id(change) in idle), *guarded.go])
    shelf = shelf or Shelf(journal.put_aside())
    shelf.begin()
    go, waiting = shelf.split(guarded.go, now_s)
    guarded = replace(guarded, go=go)
    # The purges are the last of all, so each change has the same number as subject.
    going = [change for change in go if change.verdict.fate is Fate.PURGE]
    rest = go[: len(go) - len(going)]
    plan = make_plan(seen.reconciliation, rest, seen.local, seen.remote, rules.plan)
    for phase in (plan.tags, plan.cleanup):
        phase[:], more = shelf.split_folders(phase, now_s)
        waiting += more
    if all(each.change.verdict.fate is Fate.PURGE for each in guarded.held):
        # Whatever else is held back may be a reason to keep what the trash has.
        plan.purges = operations(going, len(rest))
    gone = {item.id for item in plan.forget}
    left = (item for item in items if item.id not in gone)
    doubtful = held_rows.still_doubtful(held_before, guarded, left, seen.remote.files)
    return Decided(seen, guarded, plan, noted, doubtful, waiting, later)


def _put_off(
    journal: Journal,
    changes: list[Change],
    approvals: Container[Mark],
    now_s: float,
    interval_s: float,
) -> tuple[list[Change], list[PutOff]]:
    """Return the changes that go now, and the versions that wait; none does that a person let through."""
    large = [c for c in changes if may_wait(c) and mark_of(c) not in approvals] if interval_s else []
    if not large:
        return changes, []
    sent_at = journal.last_sent([c.remote.key for c in large if c.remote is not None], now_s - interval_s)
    waits = {id(each.change): each for each in put_off(large, sent_at, now_s, interval_s)[1]}
    return [change for change in changes if id(change) not in waits], list(waits.values())


def _limits(journal: Journal, rules: Rules, now: int, now_s: float, under_way: UnderWay) -> Limits:
    """Return what may be done of each kind, and how much of it lately was, or is under way."""
    most: dict[Limited, int] = {}
    recent: dict[tuple[Limited, str], int] = {}
    edited: dict[Limited, frozenset[str]] = {}
    for kind, window_s in WINDOW_S.items():
        since_s = now_s - window_s
        allowed = rules.most(journal.most_tracked(since_s, now))
        if kind in allowed:
            most[kind] = allowed[kind]
        actions = list(map(str, LIMITED_ACTIONS[kind]))
        if kind in (Limited.EDIT_HERE, Limited.EDIT_THERE):
            edited[kind] = journal.touched(actions, since_s) | {key for _, key in under_way.pending(kind)}
            continue
        for cause, number in journal.recent(actions, since_s).items():
            if bool(cause) == (kind is Limited.MOVE):
                recent[kind, cause] = number
        for cause, _ in under_way.pending(kind):
            recent[kind, cause] = recent.get((kind, cause), 0) + 1
    to_account = rules.plan.up and rules.plan.conflict == "local"
    conflicts = Limited.EDIT_THERE if to_account else Limited.EDIT_HERE
    return Limits(most, recent, conflicts, edited=edited)
