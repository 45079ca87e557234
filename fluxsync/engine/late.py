"""Creates whose answer never came.

A server may still be at it: an asset that turns up later all the same, equal and untouched, is a late twin.
"""

from __future__ import annotations

import json
from collections.abc import Iterable

from fluxsync.core.model import Intent, Place
from fluxsync.state.journal import Journal

__all__ = ["may_come_late", "remember_late"]

_FACT = "late"
#: No request is at work for so long.
_KEEP_S = 7 * 86_400.0
_MOST = 1000


def remember_late(journal: Journal, intents: Iterable[Intent], now_s: float) -> None:
    """Note creates that are going to be sent again, on the disk when this returns."""
    rows = [(i.place.folder, i.place.name, i.size, i.digest, i.mark, now_s) for i in intents]
    if rows:
        kept = [row for row in _rows(journal) if row[5] > now_s - _KEEP_S]
        journal.set_facts({_FACT: json.dumps((kept + rows)[-_MOST:])})


def may_come_late(journal: Journal, now_s: float) -> frozenset[Intent]:
    """Return the creates of which a twin may still turn up."""
    return frozenset(
        Intent(Place(folder, name), size, digest, mark)
        for folder, name, size, digest, mark, since_s in _rows(journal)
        if since_s > now_s - _KEEP_S
    )


def _rows(journal: Journal) -> list[tuple[str, str, int, str, str, float]]:
    return [tuple(row) for row in json.loads(journal.fact(_FACT) or "[]")]
