"""What unanswered creates left: new assets that are ours, alike, and equal in bytes."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from fluxsync.core.model import Entry, Intent
from fluxsync.core.paths import nfc
from fluxsync.errors import Stale
from fluxsync.replica.fluxiom.client import Client
from fluxsync.replica.fluxiom.entries import tag_id_of
from fluxsync.replica.fluxiom.library import Library
from fluxsync.replica.fluxiom.wire import Asset

__all__ = ["find", "mark_of"]


def mark_of(highest: int, user_id: int) -> str:
    """Return what an intent has to remember: assets sent after it have higher ids and this user."""
    return f"{highest}:{user_id}"


def find(
    library: Library, client: Client, assets: Iterable[Asset], intents: Sequence[Intent]
) -> Mapping[Intent, Entry]:
    """Return the asset that each intent left, for those that left one. Each asset answers one intent.

    Raises `Unavailable` where a candidate cannot be read: it may be ours.
    """
    ordered = sorted(assets, key=lambda asset: asset.id)
    digests: dict[int, str] = {}
    found: dict[Intent, Entry] = {}
    claimed: set[int] = set()
    for intent in intents:
        highest, _, user_id = intent.mark.partition(":")
        for asset in ordered:
            if (
                asset.id <= int(highest or 0)
                or asset.id in claimed
                or asset.user_id != int(user_id or 0)
                or asset.size != intent.size
                or nfc(asset.filename) != nfc(intent.place.name)
                or library.is_trashed(asset)
            ):
                continue
            entry = library.entry(asset)
            if tag_id_of(entry.place.folder) != tag_id_of(intent.place.folder):
                continue
            if asset.id not in digests:
                digests[asset.id] = _digest(client, asset)
            if digests[asset.id] == intent.digest:
                claimed.add(asset.id)
                found[intent] = replace(entry, digest=intent.digest)
                break
    return found


def _digest(client: Client, asset: Asset) -> str:
    """Return the digest of an asset's content; "" where it is gone already."""
    try:
        download = client.download(asset.id)
    except Stale:
        return ""
    try:
        digest = hashlib.sha256()
        for block in download.blocks():
            digest.update(block)
        return digest.hexdigest()
    finally:
        download.close()
