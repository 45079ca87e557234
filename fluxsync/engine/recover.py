"""Finds out what an interrupted pass, or a request without an answer, left on the account.

A create can leave what no later look explains: an asset that no item names. A version would be explained,
but sent again while a server is still at it, it would come twice. So for each of them in doubt the account
is looked at, at once and again after some seconds; only what is surely not there is sent again. Everything
else compares with the ancestor like any other change.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from fluxsync.core.model import Action, Entry, Intent, Item, Kind, Place, State
from fluxsync.engine.alone import fails_alone
from fluxsync.engine.brought import BRINGING, brought, remember
from fluxsync.engine.late import remember_late
from fluxsync.engine.steps import resumed
from fluxsync.errors import ReplicaError
from fluxsync.replica.base import LocalReplica, RemoteReplica
from fluxsync.state.journal import Event, Journal, Sent, Settlement

__all__ = ["LOOKS_S", "find_patiently", "recover"]

#: Seconds after the first look at which the account is looked at again.
LOOKS_S = (2.0, 5.0, 10.0)


def find_patiently(
    remote: RemoteReplica,
    intents: Sequence[Intent],
    wait: Callable[[float], None],
    touched: Sequence[Entry] = (),
    looks_s: Sequence[float] = LOOKS_S,
) -> dict[Intent, Entry]:
    """Return what the intents left, by intent; those still in doubt after the last look are missing.

    `touched` are entries that unanswered requests were to change: looks go on while one is as it was.
    `looks_s` are the later looks, in seconds after the first; a service adds one as late as the upload took.
    """
    found = dict(remote.find(intents)) if intents else {}
    same = [entry for entry in touched if not _has_changed(remote, entry)]
    waited_s = 0.0
    for at_s in looks_s:
        left = [intent for intent in intents if intent not in found]
        if not left and not same:
            break
        wait(at_s - waited_s)
        waited_s = at_s
        if left:
            found.update(remote.find(left))
        same = [entry for entry in same if not _has_changed(remote, entry)]
    return found


def _has_changed(remote: RemoteReplica, entry: Entry) -> bool:
    try:
        now = remote.look(entry)
    except ReplicaError as error:
        fails_alone(remote, error)
        return False
    if not entry.key:
        return now is not None
    return now is None or _shown(now) != _shown(entry)


def _shown(entry: Entry) -> tuple[object, ...]:
    return entry.place, entry.memo, entry.trashed, entry.revision


def recover(
    journal: Journal,
    local: LocalReplica,
    remote: RemoteReplica,
    wait: Callable[[float], None],
    clock: Callable[[], float],
) -> int:
    """Settle what was sent and never settled; returns of how much it was found that it was done.

    An asset that is found becomes an item at once, without a stamp: what the file holds by now is then
    compared like any other edit.
    """
    journal.forget_planned()
    doubtful = journal.unsettled()
    if not doubtful:
        return 0
    items = _where_content_came(doubtful, {item.id: item for item in journal.items()})
    claimed = {item.key for item in items.values()}
    here = brought(doubtful, items, local)
    remember(journal, doubtful)
    intents = [s.intent for s in doubtful if s.intent is not None and s.action not in BRINGING]
    found = find_patiently(remote, intents, wait)
    # One that cannot be read meets the file in its place, where it holds up nothing else.
    found = {i: e for i, e in found.items() if e.digest is not None and (i.key or e.key not in claimed)}
    # Also of what was found: it may be another machine's, equal and of the same user, and ours still to come.
    remember_late(journal, [i for i in intents if not i.key], clock())
    doubts_of = Counter(sent.item_id for sent in doubtful)
    settlements = []
    for sent in doubtful:
        item = items.get(sent.item_id)
        entry = found.get(sent.intent) if sent.intent is not None else None
        if sent.id in here:
            settlements.append(Settlement(sent.id, "done", here[sent.id]))
        elif entry is not None and sent.intent is not None and sent.intent.key:
            alone = doubts_of[sent.item_id] == 1
            settlements.append(_version(sent, sent.intent, entry, item, remote, clock(), alone=alone))
        elif sent.action == Action.PURGE and _is_gone(remote, sent.key):
            settlements.append(_purge(sent, item, clock()))
        else:
            settlements.append(_settlement(sent, found, items, clock()))
    journal.settle(settlements)
    return sum(settlement.outcome == "done" for settlement in settlements)


def _where_content_came(doubtful: Sequence[Sent], items: Mapping[int, Item]) -> dict[int, Item]:
    """Return the items, each at the path where content was to be brought to it.

    Content that came down to a file that had been moved here takes with it all by which that was known to be
    the moved file: nothing but the operation says so any more.
    """
    known = dict(items)
    taken = {item.path for item in items.values() if item.kind is Kind.FILE}
    for sent in doubtful:
        item = items.get(sent.item_id)
        if item is None or sent.action not in BRINGING:
            continue
        if item.state is State.AGREED and sent.path not in taken:
            known[item.id] = replace(item, path=sent.path)
            taken.add(sent.path)
    return known


def _is_gone(remote: RemoteReplica, key: str) -> bool:
    return remote.look(Entry(Kind.FILE, Place("", ""), key)) is None


def _purge(sent: Sent, item: Item | None, now_s: float) -> Settlement:
    """Settle a deletion for good that came through: what is gone for good is in the history."""
    why = "its answer had been lost"
    event = Event(now_s, sent.pass_number, sent.action, sent.path, sent.key, "done", why)
    return Settlement(sent.id, "done", forget=item.id if item is not None else 0, event=event)


def _version(
    sent: Sent,
    intent: Intent,
    found: Entry,
    item: Item | None,
    remote: RemoteReplica,
    now_s: float,
    *,
    alone: bool,
) -> Settlement:
    """Settle a version that is on the account: its content is agreed, its place if nothing else was due."""
    if item is None or item.key != intent.key or item.revision > intent.revision:
        return Settlement(sent.id, "dropped")
    old = Entry(
        Kind.FILE,
        Place(item.folder, item.name),
        item.key,
        intent.revision,
        item.size,
        item.digest,
        memo=item.memo,
    )
    entry = resumed(remote, intent.place, old, found)
    row = replace(
        item,
        path=sent.path if alone else item.path,
        folder=entry.place.folder,
        name=entry.place.name,
        revision=entry.revision,
        size=entry.size,
        digest=found.digest or "",
        stamp=None,
        memo=entry.memo,
        state=State.AGREED,
        made_here=True,
    )
    return Settlement(sent.id, "done", row, event=_event(sent, entry, now_s))


def _settlement(
    sent: Sent, found: Mapping[Intent, Entry], items: Mapping[int, Item], now_s: float
) -> Settlement:
    entry = found.get(sent.intent) if sent.intent is not None else None
    old = items.get(sent.item_id)
    if entry is None or sent.intent is None:
        return Settlement(sent.id, "dropped", old if sent.action in BRINGING else None)
    row = Item(
        sent.item_id if old is not None else 0,
        Kind.FILE,
        sent.path,
        entry.key,
        entry.place.folder,
        entry.place.name,
        entry.revision,
        sent.intent.size,
        sent.intent.digest,
        None,
        entry.memo,
        made_here=True,
    )
    also: tuple[Item, ...] = ()
    if old is not None and sent.action == Action.VERSION and old.key != entry.key:
        also = (replace(old, id=0, state=State.SUPERSEDED),)
    return Settlement(sent.id, "done", row, also=also, event=_event(sent, entry, now_s))


def _event(sent: Sent, entry: Entry, now_s: float) -> Event:
    why = "its answer had been lost"
    return Event(now_s, sent.pass_number, sent.action, sent.path, entry.key, "done", why, entry.size)
