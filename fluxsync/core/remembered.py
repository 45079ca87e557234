"""Items of which only one side is left: trashed, superseded, kept here, kept there."""

from __future__ import annotations

from fluxsync.core.arrivals import Arrivals
from fluxsync.core.contents import Contents
from fluxsync.core.decision import Fate, Verdict
from fluxsync.core.model import Entry, Item, State
from fluxsync.core.observe import Presence, observe_remote
from fluxsync.core.paths import dirname
from fluxsync.core.reconciliation import Change, Reconciliation, trashed
from fluxsync.core.survey import Survey

__all__ = ["reconcile_kept_here", "reconcile_remembered"]


def reconcile_kept_here(item: Item, survey: Survey, result: Reconciliation) -> None:
    """A file whose asset is gone, and that stays: an edit makes it a new one, its deletion ends it."""
    update = survey.view.updates.get(item.id)
    if update is None or update.presence is Presence.UNKNOWN:
        return
    if update.entry is None:
        result.forget.append(item)
    elif update.edited:
        survey.send_as_new(item, update.entry, "kept here, and edited now")


def reconcile_remembered(
    item: Item, survey: Survey, arrivals: Arrivals, contents: Contents, result: Reconciliation
) -> None:
    """An asset without a file: it comes back, stays away, goes, or is forgotten."""
    there = observe_remote(survey.remote, item)
    if there is not None and there.presence is Presence.UNKNOWN:
        return
    if there is not None and there.presence is Presence.GONE:
        result.forget.append(item)
        return
    remote = survey.remote.files[item.key]
    edited = there is not None and there.edited
    match item.state:
        case State.TRASHED if remote.trashed:
            if edited:
                _given_a_version(item, remote, arrivals, contents, result)
        case State.TRASHED if survey.remote.trash_lost and not edited:
            _trash(item, "the trash tag was lost", survey, result)
        case State.TRASHED:
            arrivals.arrive(remote, item, Fate.LIVE, "taken out of the remote trash")
        case State.SUPERSEDED | State.KEPT_THERE if remote.trashed:
            result.forget.append(item)
        case State.SUPERSEDED if not edited:
            _trash(item, "replaced by another asset", survey, result)
        case State.SUPERSEDED | State.KEPT_THERE:
            if edited or remote.key in survey.met:
                arrivals.arrive(remote, item, Fate.LIVE, "new content on the account")


def _given_a_version(
    item: Item, remote: Entry, arrivals: Arrivals, contents: Contents, result: Reconciliation
) -> None:
    """New content brings an asset back from the trash; a rename, with the content that it had, does not."""
    if remote.size == item.size:
        digest = contents.digest(remote, item.revision)
        if digest is None:
            return
        if digest == item.digest:
            result.agreements.append(trashed(item, remote))
            return
    arrivals.arrive(remote, item, Fate.RESTORE, "new content for an asset in the remote trash")


def _trash(item: Item, why: str, survey: Survey, result: Reconciliation) -> None:
    node = survey.tree.by_key.get(item.folder) or survey.tree.at_path(dirname(item.path))
    remote = survey.remote.files[item.key]
    verdict = Verdict(Fate.TRASH_REMOTE, why=why)
    result.changes.append(Change(verdict, item.path, node, item.name, item, None, remote))
