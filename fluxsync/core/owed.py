"""What an account is known to have, and the folder has not: what a look at a part must not assume away."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from fluxsync.core.model import Entry, Item, Kind, NameRules, Snapshot, State
from fluxsync.core.naming import disk_name
from fluxsync.core.observe import observe_remote
from fluxsync.core.paths import basename, nfc
from fluxsync.core.reconciliation import Change

__all__ = ["Owed", "is_owed", "meets", "owed"]


@dataclass(frozen=True, slots=True)
class Owed:
    """What the last look at everything saw on the account and did not bring here: failed, held back, waiting.

    The ancestor says nothing of it, so a part asks the account for these assets, and makes no new asset where
    one of them has the name.
    """

    keys: frozenset[str] = frozenset()
    #: Names that no file here has for them, as this disk would have them, folded: rather too many.
    names: frozenset[str] = frozenset()


def owed(remote: Snapshot, items: Iterable[Item], rules: NameRules) -> Owed:
    """Return what a snapshot of everything shows that the ancestor does not have like that."""
    known = {item.key: item for item in items if item.kind is Kind.FILE and item.key}
    news = {key for key, item in known.items() if _is_news(remote, item)}
    new = [entry for key, entry in remote.files.items() if key not in known and not entry.trashed]
    back = [remote.files[key] for key in news if known[key].state is not State.AGREED and key in remote.files]
    moved = [entry for key in news if (entry := remote.files.get(key)) and _is_elsewhere(entry, known[key])]
    names = (entry.place.name for entry in (*new, *back, *moved) if not entry.trashed)
    return Owed(frozenset(news), frozenset(_folded(disk_name(name, rules)) for name in names))


def _is_news(remote: Snapshot, item: Item) -> bool:
    """Tell whether the account shows an item otherwise than its state says."""
    entry = remote.files.get(item.key)
    if item.state is State.TRASHED and entry is not None:
        return not entry.trashed or entry.revision > item.revision
    if item.state is State.KEPT_HERE and entry is None:
        return False
    return observe_remote(remote, item) is not None


def meets(changes: Iterable[Change], owed: Owed) -> bool:
    """Tell whether a file here has the name of an asset that the folder has not."""
    return any(is_owed(change.local.path, owed) for change in changes if change.local is not None)


def is_owed(path: str, owed: Owed) -> bool:
    """Tell whether an asset that the folder has not may belong at a path."""
    return bool(owed.names) and _folded(basename(path)) in owed.names


def _is_elsewhere(entry: Entry, item: Item) -> bool:
    return (entry.place.folder, entry.place.name) != (item.folder, item.name)


def _folded(name: str) -> str:
    return nfc(nfc(name).casefold())
