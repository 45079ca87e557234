"""What the ancestor says of an item after a step: only what was seen to be there."""

from __future__ import annotations

from dataclasses import replace

from fluxsync.core import reconciliation
from fluxsync.core.model import Entry, Item, Kind, State

__all__ = ["agreed", "folder_row", "moved_here", "moved_there"]

_BLANK = Item(0, Kind.FILE, "", "", "", "")


def agreed(item: Item | None, local: Entry, remote: Entry, *, made_here: bool) -> Item:
    """Both sides have this content at this place now."""
    return replace(reconciliation.agreed(item or _BLANK, local, remote), made_here=made_here)


def moved_here(item: Item, local: Entry) -> Item:
    """The file has another path; its stamp counts only while its content is the agreed one."""
    fresh = local.digest == item.digest
    return replace(item, path=local.path, stamp=local.stamp if fresh else item.stamp)


def moved_there(item: Item, local: Entry | None, remote: Entry) -> Item:
    """The asset has another home, name or label; its content is still the agreed one."""
    return replace(
        item,
        path=local.path if local else item.path,
        folder=remote.place.folder,
        name=remote.place.name,
        memo=remote.memo,
        state=State.AGREED,
    )


def folder_row(item: Item | None, path: str, here: Entry | None, there: Entry, *, made_here: bool) -> Item:
    """A folder here and a tag there are one."""
    return replace(
        item or _BLANK,
        kind=Kind.FOLDER,
        path=path,
        key=there.key,
        folder="",
        name=there.place.name,
        stamp=here.stamp if here else None,
        memo=there.memo,
        state=State.AGREED,
        made_here=made_here or (item is not None and item.made_here),
    )
