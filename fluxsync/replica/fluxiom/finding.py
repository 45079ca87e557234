"""What unanswered requests left: assets that are new, ours, alike and equal in bytes; versions sent here."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import TypeVar

from fluxsync.core.model import Entry, Intent, Kind, Place
from fluxsync.core.paths import nfc
from fluxsync.errors import Corrupted, Rejected, Stale, Unavailable
from fluxsync.replica.fluxiom import comment
from fluxsync.replica.fluxiom.client import Client
from fluxsync.replica.fluxiom.entries import asset_id_of, tag_id_of
from fluxsync.replica.fluxiom.library import Library
from fluxsync.replica.fluxiom.wire import Asset, Version

__all__ = ["find", "find_versions", "mark_of"]

_T = TypeVar("_T")


def mark_of(highest: int, user_id: int) -> str:
    """Return what an intent has to remember: assets sent after it have higher ids and this user."""
    return f"{highest}:{user_id}"


def find(
    library: Library, client: Client, assets: Iterable[Asset], intents: Sequence[Intent]
) -> Mapping[Intent, Entry]:
    """Return the asset that each intent left, for those that left one. Each asset answers one intent.

    Without a digest it is one that may be ours, and cannot be read. Raises `Unavailable` where the account
    does not answer.
    """
    ordered = sorted(assets, key=lambda asset: asset.id)
    digests: dict[int, str | None] = {}
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
                digests[asset.id] = _readable(client, partial(_digest, client, asset), None)
            if digests[asset.id] is None:
                found.setdefault(intent, replace(entry, digest=None))
            elif digests[asset.id] == intent.digest:
                claimed.add(asset.id)
                found[intent] = replace(entry, digest=intent.digest)
                break
    return found


def find_versions(client: Client, sender: str, intents: Sequence[Intent]) -> Mapping[Intent, Entry]:
    """Return the version that each intent left, as the asset was right after it."""
    found: dict[Intent, Entry] = {}
    for intent in intents:
        versions = _readable(client, partial(client.versions, asset_id_of(intent.key)), tuple[Version, ...]())
        for version in sorted(versions, key=lambda version: version.number):
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


def _readable(client: Client, read: Callable[[], _T], otherwise: _T) -> _T:
    """Return what a read gives; something else where the account answers, but not to this.

    One asset that cannot be read must not end every pass that would look at it.
    """
    try:
        return read()
    except (Corrupted, Rejected):
        return otherwise
    except Unavailable as error:
        if error.retry_after_s:
            raise
        client.user()
        return otherwise


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
