"""The two trashes of an opened pair, for commands: what is in them, bring it back, empty them."""

from __future__ import annotations

import time
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from fluxsync.core.model import Kind, Scope
from fluxsync.engine.trash_list import listed_here, listed_there
from fluxsync.errors import FluxsyncError, Halted, Unauthorized, Unavailable

if TYPE_CHECKING:
    from fluxsync.app import App
    from fluxsync.core.restore import InTrash
    from fluxsync.engine.empty import Emptied
    from fluxsync.engine.restore import Restored
    from fluxsync.engine.watcher import Watcher

__all__ = ["Contents", "contents", "empty", "restore"]


@dataclass(frozen=True, slots=True)
class Contents:
    """What both trashes hold, newest first; `trouble` says why the account could not be looked at."""

    local: list[InTrash]
    remote: list[InTrash]
    trouble: FluxsyncError | None = None


def contents(app: App, *, account: bool = True) -> Contents:
    """List both trashes; where the account cannot be looked at, its side is what the journal knows.

    Without `account` nobody asks it, and its side is empty.
    """
    days = app.settings.sync.trash_days
    items = app.journal.items()
    here = listed_here(app.folder.list_trash(), app.journal, days)
    if not account:
        return Contents(here, [])
    trouble: FluxsyncError | None = None
    remote = None
    try:
        known = {item.key: item for item in items if item.key and item.kind is Kind.FILE}
        remote = app.fluxiom.scan(Scope(), known)
    except (Halted, Unauthorized, Unavailable) as error:
        trouble = error
    return Contents(here, listed_there(remote, items, app.journal, days), trouble)


def restore(app: App, things: Sequence[InTrash]) -> Restored:
    """Bring things back; the pass of `app.run` that follows brings the other side in step with them.

    Raises `Unavailable`, `Unauthorized`, `Halted`.
    """
    from fluxsync.engine.restore import restore

    up = app.settings.sync.direction != "down"
    result = restore(app.pair, things, mark=_mark, now_s=time.time(), up=up)
    app.asked = frozenset(result.asked)
    return result


def empty(app: App, things: Collection[InTrash], watcher: Watcher) -> Emptied:
    """Delete things in the two trashes for good. Raises `Unavailable`, `Unauthorized`, `Halted`."""
    from fluxsync.engine.empty import empty

    return empty(app.pair, things, watcher)


def _mark(when_s: float) -> str:
    return datetime.fromtimestamp(when_s).strftime("%Y-%m-%d %H%M%S")
