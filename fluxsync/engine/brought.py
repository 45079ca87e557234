"""What a pass that was cut short had brought here, and could not say so any more.

Its asset may have another name or place by now, be in the trash, or have yet newer content: a file that
nothing links with it would be sent as a new one, or taken for an edit.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from fluxsync.core.model import Action, Entry, Intent, Item, Kind, Place, Scope, State
from fluxsync.engine.alone import fails_alone
from fluxsync.errors import ReplicaError
from fluxsync.replica.base import LocalReplica, RemoteReplica
from fluxsync.state.journal import Sent

__all__ = ["BRINGING", "brought"]

#: What brings content to a file here.
BRINGING = (Action.DOWNLOAD, Action.CONFLICT)


def brought(
    doubtful: Sequence[Sent], items: Mapping[int, Item], local: LocalReplica, remote: RemoteReplica
) -> dict[int, Item]:
    """Return, by operation, the row of each file that surely holds what was to be brought to it."""
    taken = {item.path: item.id for item in items.values() if item.kind is Kind.FILE}
    claimed = {item.key for item in items.values()}
    rows: dict[int, Item] = {}
    for sent in doubtful:
        intent, item = sent.intent, items.get(sent.item_id)
        if sent.action not in BRINGING or intent is None:
            continue
        known = intent.key in claimed if item is None else item.revision > intent.revision
        if known or taken.get(sent.path, sent.item_id) != sent.item_id:
            continue
        here = local.scan(Scope(frozenset({sent.path})), {}).files.get(sent.path)
        if here is None or here.digest is None or here.digest != _digest(intent, here, item, remote):
            continue
        taken[sent.path] = sent.item_id
        claimed.add(intent.key)
        blank = Item(0, Kind.FILE, sent.path, intent.key, "", "")
        rows[sent.id] = replace(
            item or blank,
            path=sent.path,
            folder=intent.place.folder,
            name=intent.place.name,
            revision=intent.revision,
            size=here.size,
            digest=here.digest,
            stamp=None,
            state=State.AGREED,
            made_here=False,
        )
    return rows


def _digest(intent: Intent, here: Entry, item: Item | None, remote: RemoteReplica) -> str | None:
    """Return the digest of what was to be brought; None where it is not known, or any other pass finds it.

    Where a comment names none, only the asset itself can tell: it is read if it is not met at the path.
    """
    if intent.digest or item is not None:
        return intent.digest or None
    try:
        now = remote.look(Entry(Kind.FILE, Place("", ""), intent.key))
        if now is None or now.size != here.size or (now.place == intent.place and not now.trashed):
            return None
        content = remote.open(now)
        try:
            for _ in content.blocks():
                pass
            return content.check()
        finally:
            content.close()
    except ReplicaError as error:
        fails_alone(remote, error)
        return None
