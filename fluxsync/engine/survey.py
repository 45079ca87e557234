"""Looks at both sides, and finds out what deciding needs to know of contents."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace

from fluxsync.core.model import Entry, Item, Kind, Scope, Snapshot
from fluxsync.core.reconcile import Evidence, Policy, Question, Reconciliation, reconcile
from fluxsync.engine.alone import fails_alone
from fluxsync.engine.meter import Meter
from fluxsync.errors import Corrupted, Full, Rejected, Stale, Unavailable
from fluxsync.replica.base import LocalReplica, RemoteReplica

__all__ = ["Survey", "answer", "survey"]

#: One for the comments, one for the bytes, and one more in case the comments name nothing.
_MOST_QUESTIONS = 4


@dataclass(slots=True)
class Survey:
    """Both snapshots, and what was found out about contents."""

    local: Snapshot
    remote: Snapshot
    reconciliation: Reconciliation
    #: Digests that had to be computed from downloads, by key and revision.
    computed: dict[tuple[str, int], str] = field(default_factory=dict)
    #: Files that were seen besides those of `local`: a look at a part leaves out what is as agreed.
    present: Mapping[str, Entry] = field(default_factory=dict)


def survey(
    local: LocalReplica,
    remote: RemoteReplica,
    items: Collection[Item],
    policy: Policy,
    known: Evidence,
    *,
    connections: int,
    meter: Meter,
    on_list: Callable[[], None] = lambda: None,
) -> Survey:
    """Scan both sides at once, reconcile, and answer questions until the decisions stand.

    `on_list` is told when the account has been listed.
    """
    by_path = {item.path: item for item in items if item.path}
    by_key = {item.key: item for item in items if item.key and item.kind is Kind.FILE}
    with ThreadPoolExecutor(1, "scan") as pool:
        here = pool.submit(local.scan, Scope(), by_path)
        try:
            there = remote.scan(Scope(), by_key)
            on_list()
            seen = here.result()
        except BaseException:
            meter.stop()  # the scan in hand ends soon, and is waited for: two of one folder must never run
            raise
    _, computed, result = answer(remote, items, seen, there, policy, known, connections, meter)
    return Survey(seen, there, result, computed)


def answer(
    remote: RemoteReplica,
    items: Collection[Item],
    seen: Snapshot,
    there: Snapshot,
    policy: Policy,
    evidence: Evidence,
    connections: int,
    meter: Meter,
) -> tuple[Evidence, dict[tuple[str, int], str], Reconciliation]:
    """Reconcile, and find out what that asks for; returns what is known then, and what had to be computed."""
    computed: dict[tuple[str, int], str] = {}
    result = reconcile(items, seen, there, evidence, policy)
    for _ in range(_MOST_QUESTIONS):
        if not result.questions:
            break
        evidence = _answer(remote, result.questions, evidence, computed, connections, meter)
        result = reconcile(items, seen, there, evidence, policy)
    return evidence, computed, result


def _answer(
    remote: RemoteReplica,
    questions: Sequence[Question],
    evidence: Evidence,
    computed: dict[tuple[str, int], str],
    connections: int,
    meter: Meter,
) -> Evidence:
    digests = dict(evidence.digests)
    described = dict(evidence.described)
    refused = dict(evidence.refused)

    def ask(question: Question) -> tuple[Question, Entry | None, str]:
        try:
            if question.needs_bytes:
                return question, _read(remote, question.entry, meter), ""
            return question, remote.describe(question.entry, question.since), ""
        except (Corrupted, Rejected, Stale, Full) as error:
            return question, None, str(error)
        except Unavailable as error:
            if meter.stopped:
                raise
            fails_alone(remote, error)
            return question, None, str(error)

    with ThreadPoolExecutor(connections, "mover") as pool:
        for question, entry, reason in pool.map(ask, questions):
            mark = (question.entry.key, question.entry.revision)
            if entry is None:
                refused[mark] = reason
                continue
            if question.needs_bytes and entry.digest:
                computed[mark] = entry.digest
            elif not question.needs_bytes:
                described[mark] = entry
            if entry.digest:
                digests[mark] = entry.digest
    return replace(evidence, digests=digests, described=described, refused=refused)


def _read(remote: RemoteReplica, entry: Entry, meter: Meter) -> Entry:
    """Read an asset's bytes for their digest; nothing of them is kept."""
    content = meter.downward(remote.open(entry), "compare", entry.place.name)
    try:
        for _ in content.blocks():
            pass
        return replace(entry, digest=content.check())
    finally:
        content.close()
