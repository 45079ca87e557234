"""What a pass that was cut short had brought here, and could not say so any more.

Its asset may have another name or place by now, be in the trash, or have yet newer content: a file that
nothing links with it would be sent as a new one, or taken for an edit.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from fluxsync.core.model import Action, Item, Kind, Scope, State
from fluxsync.replica.base import LocalReplica
from fluxsync.state.journal import Journal, Sent

__all__ = ["BRINGING", "FACT", "brought", "may_be_here", "remember"]

#: Keys of new assets that may be here under another name than theirs, until both sides were looked at.
FACT = "brought"

#: What brings content to a file here.
BRINGING = (Action.DOWNLOAD, Action.CONFLICT)


def brought(doubtful: Sequence[Sent], items: Mapping[int, Item], local: LocalReplica) -> dict[int, Item]:
    """Return, by operation, the row of each file that holds what another machine's comment said of it."""
    rows: dict[int, Item] = {}
    for sent in doubtful:
        intent, item = sent.intent, items.get(sent.item_id)
        if sent.action not in BRINGING or intent is None or item is None:
            continue
        if item.path != sent.path or not intent.digest or item.revision > intent.revision:
            continue
        here = local.scan(Scope(frozenset({sent.path})), {}).files.get(sent.path)
        if here is not None and here.digest == intent.digest:
            rows[sent.id] = replace(
                item,
                folder=intent.place.folder,
                name=intent.place.name,
                revision=intent.revision,
                size=here.size,
                digest=intent.digest,
                stamp=None,
                state=State.AGREED,
                made_here=False,
            )
    return rows


def remember(journal: Journal, doubtful: Iterable[Sent]) -> None:
    """Note the new assets that these were to bring: their files can be known only by their content."""
    rows = [
        (s.path, s.intent.key, s.intent.place.folder, s.intent.place.name, s.intent.revision)
        for s in doubtful
        if s.action in BRINGING and s.intent is not None and not s.item_id
    ]
    if rows:
        journal.set_facts({FACT: json.dumps([*json.loads(journal.fact(FACT) or "[]"), *rows])})


def may_be_here(journal: Journal) -> dict[str, Item]:
    """Return the new assets that killed passes may have brought, as they were then, by key."""
    rows = json.loads(journal.fact(FACT) or "[]")
    return {key: Item(0, Kind.FILE, path, key, *there) for path, key, *there in rows}
