"""What unanswered requests left: assets that are new, ours, alike and equal in bytes; versions sent here."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from fluxsync.core.model import Entry, Intent, Kind, Place
from fluxsync.core.paths import nfc
from fluxsync.errors import Stale
from fluxsync.replica.fluxiom import comment
from fluxsync.replica.fluxiom.client import Client
from fluxsync.replica.fluxiom.entries import asset_id_of, tag_id_of
from fluxsync.replica.fluxiom.library import Library
from fluxsync.replica.fluxiom.wire import Asset

__all__ = ["find", "find_versions", "mark_of"]


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


def find_versions(client: Client, sender: str, intents: Sequence[Intent]) -> Mapping[Intent, Entry]:
    """Return the version that each intent left, as the asset was right after it."""
    found: dict[Intent, Entry] = {}
    for intent in intents:
        for version in sorted(client.versions(asset_id_of(intent.key)), key=lambda version: version.number):
            note = comment.parse(version.comment)
            if (
                note is not None
                and note.sender == sender
                and version.number > intent.revision <= note.over
                and note.digest == (intent.digest or note.digest)
            ):
                place = Place(intent.place.folder, version.filename)
                found[intent] = Entry(Kind.FILE, place, intent.key, version.number, version.size, note.digest)
                break
    return found


def _digest(client: Client, asset: Asset) -> str:
    """Return the digest of an asset's content; "" where it is gone already, or longer."""
    try:
        download = client.download(asset.id)
    except Stale:
        return ""
    try:
        digest, count = hashlib.sha256(), 0
        for block in download.blocks():
            count += len(block)
            if count > asset.size:
                return ""  # other content than the list said, and maybe without an end
            digest.update(block)
        return digest.hexdigest()
    finally:
        download.close()
