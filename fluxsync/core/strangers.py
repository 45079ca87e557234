"""Assets that a look at everything has seen and could not take in: their names are taken all the same.

A pass over a part assumes that the account shows what the ancestor says. Where a file here is open, a
download failed or a limit holds something back, it shows more than that; a file that comes to such a name
meets an asset that only a look at everything knows.
"""

from __future__ import annotations

from collections.abc import Iterable

from fluxsync.core.model import Item, Kind, NameRules, Snapshot, State
from fluxsync.core.naming import disk_name
from fluxsync.core.paths import basename, nfc
from fluxsync.core.reconciliation import Change

__all__ = ["meets", "strangers"]


def strangers(
    remote: Snapshot, before: Iterable[Item], now: Iterable[Item], rules: NameRules
) -> frozenset[str]:
    """Return the names, as this disk has them and folded, of live assets that lie where no item says so.

    `before` is what the ancestor was when the account was seen, `now` what it is: an item that has changed
    since was taken in. The names may be too many, never too few.
    """
    were = {item.key: item for item in before if item.kind is Kind.FILE and item.key}
    are = {item.key: item for item in now if item.kind is Kind.FILE and item.key}
    found = set()
    for key, entry in remote.files.items():
        item = are.get(key)
        if entry.trashed or (item is not None and item != were.get(key)):
            continue
        place = (entry.place.folder, entry.place.name)
        if item is None or item.state is State.TRASHED or (item.folder, item.name) != place:
            found.add(_folded(disk_name(entry.place.name, rules)))
    return frozenset(found)


def meets(changes: Iterable[Change], names: frozenset[str]) -> bool:
    """Tell whether a file here has such a name."""
    return bool(names) and any(
        _folded(basename(change.local.path)) in names for change in changes if change.local is not None
    )


def _folded(name: str) -> str:
    return nfc(nfc(name).casefold())
