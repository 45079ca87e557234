"""Finds out what an interrupted pass, or a request without an answer, left on the account.

Only a create can leave what no later look explains: an asset that no item names. Everything else compares
with the ancestor like any other change. So for each create in doubt the account is looked at, at once and
again after some seconds, since a server may still be at it; only what is surely not there is sent again.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from fluxsync.core.model import Action, Entry, Intent, Item, Kind, State
from fluxsync.engine.late import remember_late
from fluxsync.replica.base import RemoteReplica
from fluxsync.state.journal import Event, Journal, Sent, Settlement

__all__ = ["LOOKS_S", "find_patiently", "recover"]

#: Seconds after the first look at which the account is looked at again.
LOOKS_S = (2.0, 5.0, 10.0)


def find_patiently(
    remote: RemoteReplica, intents: Sequence[Intent], wait: Callable[[float], None]
) -> dict[Intent, Entry]:
    """Return what the intents left, by intent; those still in doubt after the last look are missing."""
    found = dict(remote.find(intents))
    waited_s = 0.0
    for at_s in LOOKS_S:
        left = [intent for intent in intents if intent not in found]
        if not left:
            break
        wait(at_s - waited_s)
        waited_s = at_s
        found.update(remote.find(left))
    return found


def recover(
    journal: Journal, remote: RemoteReplica, wait: Callable[[float], None], clock: Callable[[], float]
) -> int:
    """Settle what was sent and never settled; returns how many assets were found that nobody knew of.

    An asset that is found becomes an item at once, without a stamp: what the file holds by now is then
    compared like any other edit.
    """
    journal.forget_planned()
    doubtful = journal.unsettled()
    if not doubtful:
        return 0
    intents = [sent.intent for sent in doubtful if sent.intent is not None]
    items = {item.id: item for item in journal.items()}
    claimed = {item.key for item in items.values()}
    found = find_patiently(remote, intents, wait) if intents else {}
    found = {intent: entry for intent, entry in found.items() if entry.key not in claimed}
    remember_late(journal, [intent for intent in intents if intent not in found], clock())
    settlements = [_settlement(sent, found, items, clock()) for sent in doubtful]
    journal.settle(settlements)
    return sum(settlement.outcome == "done" for settlement in settlements)


def _settlement(
    sent: Sent, found: Mapping[Intent, Entry], items: Mapping[int, Item], now_s: float
) -> Settlement:
    entry = found.get(sent.intent) if sent.intent is not None else None
    if entry is None or sent.intent is None:
        return Settlement(sent.id, "dropped")
    old = items.get(sent.item_id)
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
    event = Event(
        now_s,
        sent.pass_number,
        sent.action,
        sent.path,
        entry.key,
        "done",
        "its answer had been lost",
        entry.size,
    )
    return Settlement(sent.id, "done", row, also=also, event=event)
