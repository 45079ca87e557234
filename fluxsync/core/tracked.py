"""The decision table applied to files that both sides once agreed on."""

from __future__ import annotations

from dataclasses import replace

from fluxsync.core.contents import Contents
from fluxsync.core.decision import Content, Fate, Verdict, decide
from fluxsync.core.model import Entry, Item, Side, State
from fluxsync.core.observe import Presence
from fluxsync.core.paths import basename, dirname, join, nfc
from fluxsync.core.reconciliation import Change, Policy, Reconciliation, agreed, trashed
from fluxsync.core.survey import Pair, Survey
from fluxsync.core.tree import Node

__all__ = ["reconcile_pair"]


def reconcile_pair(pair: Pair, survey: Survey, contents: Contents, result: Reconciliation) -> None:
    """Decide on one file, and note what follows."""
    compared = contents.compare(pair)
    if compared is None:
        return
    item, here = pair.item, pair.here
    there, equal = compared
    buried = item.made_here and there.entry is not None and 0 <= there.entry.over < item.revision
    verdict = decide(here, there, equal=equal, buried=buried)
    match verdict.fate:
        case Fate.LEAVE:
            if here.path:
                # Its folder is going to be known by the new name, and nothing else may link the file with it.
                result.agreements.append(replace(item, path=here.path))
            elif here.presence is Presence.UNKNOWN and not survey.is_unknown(item.path):
                result.unread.append(item.path)
        case Fate.CREATE:
            return  # what is sent as new has left the pairs already
        case Fate.FORGET:
            _forget(item, there.entry, result)
        case Fate.TRASH_LOCAL | Fate.TRASH_REMOTE:
            _take_away(verdict, pair, survey, result)
        case Fate.LIVE | Fate.RESTORE:
            assert there.entry is not None
            _live(verdict, item, here.entry, there.entry, survey, result)


def _forget(item: Item, remote: Entry | None, result: Reconciliation) -> None:
    if remote is not None and remote.trashed:
        result.agreements.append(trashed(item, remote))
    else:
        result.forget.append(item)


def _take_away(verdict: Verdict, pair: Pair, survey: Survey, result: Reconciliation) -> None:
    """Repeat a deletion on the other side, unless the configuration keeps what is left."""
    item, policy = pair.item, survey.policy
    kept = _kept(verdict.fate, policy)
    if kept is not None:
        if item.state is not kept:
            result.agreements.append(replace(item, state=kept))
        return
    if policy.delete_nothing:
        return
    node = survey.tree.by_key.get(item.folder) or survey.tree.at_path(dirname(item.path))
    path = pair.here.entry.path if pair.here.entry is not None else item.path
    result.changes.append(Change(verdict, path, node, item.name, item, pair.here.entry, pair.there.entry))


def _kept(fate: Fate, policy: Policy) -> State | None:
    if fate is Fate.TRASH_LOCAL and policy.local_delete == "keep":
        return State.KEPT_HERE
    if fate is Fate.TRASH_REMOTE and policy.remote_delete == "keep":
        return State.KEPT_THERE
    return None


def _live(
    verdict: Verdict,
    item: Item,
    local: Entry | None,
    remote: Entry,
    survey: Survey,
    result: Reconciliation,
) -> None:
    """Bring content, place and name of both sides together."""
    node, name = _place(verdict, item, local, remote, survey)
    path = survey.names.get(remote.key)
    if path is None:
        path = join(node.path, basename(local.path if local is not None else item.path))
    if local is None and survey.is_unknown(path):
        return
    if local is not None and _settled(verdict, path, name, node, local, remote):
        row = agreed(item, local, remote)
        if row != item:
            result.agreements.append(row)
        result.unchanged += 1
    elif not survey.local.admits(path):
        # It went where the rules of this folder exclude it; the file that is left here is no new one.
        if local is None:
            result.forget.append(item)
        elif item.state is not State.KEPT_HERE:
            result.agreements.append(replace(item, state=State.KEPT_HERE))
        elif local.digest != item.digest:
            survey.send_as_new(item, local, "kept here, and edited now")
    else:
        result.changes.append(Change(verdict, path, node, name, item, local, remote))


def _place(
    verdict: Verdict, item: Item, local: Entry | None, remote: Entry, survey: Survey
) -> tuple[Node, str]:
    """Return the folder and the true name that an item shall have."""
    if verdict.place is Side.REMOTE or local is None:
        return survey.home_of(remote), remote.place.name
    node = survey.tree.at_path(dirname(local.path))
    home = survey.tree.by_key.get(item.folder)
    if home is None and local.path == item.path:
        node = survey.home_of(remote)
    name = item.name if survey.keeps_name(item, local.path) else nfc(basename(local.path))
    return node, name


def _settled(verdict: Verdict, path: str, name: str, node: Node, local: Entry, remote: Entry) -> bool:
    """Tell whether nothing is left to do but to write it down."""
    return (
        verdict.fate is Fate.LIVE
        and verdict.content in (Content.NONE, Content.EQUAL)
        and not remote.mislabelled
        and local.path == path
        and remote.place.name == name
        and not node.moves_here
        and not node.moves_there
        and node.is_home_of(remote)
    )
