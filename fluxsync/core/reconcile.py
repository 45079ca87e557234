"""Compares ancestor, folder and account, and decides.

    survey      what both sides show: files with their items, folders with their tags, a path for each
    tracked     the decision table for files that both sides once agreed on
    remembered  items of which only one side is left
    twins       two assets that are one file
    arrivals    what only one side has

A question is content that must be known before a decision is possible; the cycle answers it and asks again.
"""

from __future__ import annotations

from collections.abc import Collection

from fluxsync.core.arrivals import Arrivals
from fluxsync.core.contents import Contents
from fluxsync.core.decision import Content, Fate, Verdict, decide
from fluxsync.core.model import Item, Snapshot, State
from fluxsync.core.naming import key_order
from fluxsync.core.reconciliation import Change, Evidence, Policy, Question, Reconciliation
from fluxsync.core.remembered import reconcile_kept_here, reconcile_remembered
from fluxsync.core.survey import Survey
from fluxsync.core.tracked import reconcile_pair
from fluxsync.core.twins import Twins

__all__ = [
    "Change",
    "Content",
    "Evidence",
    "Fate",
    "Policy",
    "Question",
    "Reconciliation",
    "Verdict",
    "decide",
    "reconcile",
]


def reconcile(
    items: Collection[Item], local: Snapshot, remote: Snapshot, evidence: Evidence, policy: Policy
) -> Reconciliation:
    """Return what has to be done, what only has to be written down, and what has to be found out first."""
    survey = Survey(items, local, remote, policy, evidence)
    result = Reconciliation(survey.tree, unchanged=len(survey.quiet))
    contents = Contents(evidence, survey, result)
    arrivals = Arrivals(survey, contents, result)
    for pair in survey.pairs:
        reconcile_pair(pair, survey, contents, result)
    for item in survey.remembered:
        if item.state is State.KEPT_HERE:
            reconcile_kept_here(item, survey, result)
        else:
            reconcile_remembered(item, survey, arrivals, contents, result)
    twins = Twins(survey, contents, result, evidence.late)
    new = remote.files.keys() - survey.by_key.keys()
    brought = evidence.brought.keys() & new
    asked = {key for key in brought if contents.asks_what_was_brought(remote.files[key])}
    unknown = [remote.files[key] for key in new - asked if not remote.files[key].trashed]
    for entry in sorted(unknown, key=lambda entry: key_order(entry.key)):
        if not twins.settle(entry):
            arrivals.arrive(entry, None, Fate.LIVE, "new on the account")
    arrivals.send_new()
    result.forget += survey.forget
    return result
