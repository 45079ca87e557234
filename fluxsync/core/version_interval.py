"""Saves of a large file in quick succession go up as one version: the later ones are put off.

Only new content is, and only where nothing else is due for the file: a rename, a move, a conflict or an asset
in the trash is seen to at once, and the content goes with it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from fluxsync.core.decision import Content, Fate
from fluxsync.core.reconciliation import Change

__all__ = ["LARGE_BYTES", "PutOff", "may_wait", "put_off"]

#: What is larger does not go up with each save.
LARGE_BYTES = 8_000_000


@dataclass(frozen=True, slots=True)
class PutOff:
    """New content that goes up later. Times are seconds since 1970."""

    change: Change
    sent_s: float
    until_s: float


def may_wait(change: Change) -> bool:
    """Tell whether a change is a version of a large file and nothing more."""
    item, local, remote = change.item, change.local, change.remote
    if item is None or local is None or remote is None or local.size <= LARGE_BYTES:
        return False
    verdict = change.verdict
    if verdict.fate is not Fate.LIVE or verdict.content is not Content.UP:
        return False
    stays = item.path == local.path == change.path and change.name == remote.place.name
    return stays and change.node.is_home_of(remote)


def put_off(
    changes: Iterable[Change], sent_at: Mapping[str, float], now_s: float, interval_s: float
) -> tuple[list[Change], list[PutOff]]:
    """Return the changes that go now, and those that wait until their interval is over.

    `sent_at` says when the content of an asset, by its key, was last sent from here. A time in the future is
    that of a clock which was set back: nothing waits for it.
    """
    go: list[Change] = []
    later: list[PutOff] = []
    for change in changes:
        sent_s = sent_at.get(change.remote.key) if change.remote is not None and may_wait(change) else None
        if sent_s is not None and sent_s <= now_s < sent_s + interval_s:
            later.append(PutOff(change, sent_s, sent_s + interval_s))
        else:
            go.append(change)
    return go, later
