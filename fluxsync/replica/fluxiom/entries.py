"""An asset or tag as an entry of the protocol: key, name, and the memo that the ancestor keeps."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache

from fluxsync.core.model import Entry, Kind, Place
from fluxsync.core.paths import splitext
from fluxsync.errors import Rejected
from fluxsync.replica.fluxiom.wire import Asset, Tag

__all__ = [
    "Memo",
    "asset_id_of",
    "created_of",
    "effective_name",
    "file_key",
    "folder_entry",
    "folder_key",
    "instant_ns",
    "is_folder_key",
    "read_memo",
    "tag_id_of",
]

_TAG = "@tag"
#: The year 2200: nanoseconds in 64 bits end not long after, and some disks earlier.
_LAST_S = 7_258_118_400


@dataclass(frozen=True, slots=True)
class Memo:
    """What the adapter wants to know again about an asset."""

    created: str = ""
    tags: frozenset[int] = frozenset()
    #: The folder whose part labels the asset carries; "" without part labels.
    labelled: str = ""

    def text(self) -> str:
        tags = ",".join(map(str, sorted(self.tags)))
        return f"{self.created}|{tags}|{self.labelled}"


def read_memo(text: str) -> Memo:
    """Read a memo; text of another kind is an empty one, as if the asset had never been seen."""
    parts = text.split("|", 2)
    if len(parts) != 3:
        return Memo()
    created, tags, labelled = parts
    ids = frozenset(int(tag) for tag in tags.split(",") if tag.isdigit())
    return Memo(created, ids, labelled)


def created_of(text: str) -> str:
    """Return a time of the service as the same text for the same instant, whatever zone it is written in."""
    seconds = _seconds(text)
    return str(seconds) if seconds is not None else text.replace("|", "").replace("@", "")


def instant_ns(text: str) -> int:
    """Return a time of the service in nanoseconds since 1970, 0 where it is none or no disk could hold it."""
    seconds = _seconds(text) or 0
    return seconds * 1_000_000_000 if 0 < seconds < _LAST_S else 0


@lru_cache(maxsize=1024)
def _seconds(text: str) -> int | None:
    try:
        moment = datetime.fromisoformat(text)
        return int((moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp())
    except (ValueError, OverflowError):
        return None


def file_key(asset_id: int, created: str = "") -> str:
    """Return an asset's key; with its time of creation where its id meant another asset before."""
    return f"{asset_id}@{created}" if created else str(asset_id)


def is_folder_key(key: str) -> bool:
    return not key or key.endswith(_TAG)


def asset_id_of(key: str) -> int:
    number = "" if is_folder_key(key) else key.partition("@")[0]
    if not (number.isascii() and number.isdigit()):
        raise Rejected(f"{key!r} is no key of an asset")
    return int(number)


def folder_key(tag_id: int) -> str:
    """Return a folder's key; marked, since tags and assets are numbered apart and meet in one ancestor."""
    return f"{tag_id}{_TAG}" if tag_id else ""


def tag_id_of(key: str) -> int:
    """Return the tag id of a folder's key, 0 for the root."""
    number = key.removesuffix(_TAG)
    if number and not (number.isascii() and number.isdigit()):
        raise Rejected(f"{key!r} is no key of a folder")
    return int(number or 0)


def effective_name(asset: Asset, *, by_title: bool) -> str:
    """Return the name that stands for the asset: its file name, or its title where that renames it."""
    name = asset.filename or asset.title or str(asset.id)
    if by_title and asset.title != name and asset.title.endswith(splitext(name)[1]):
        return asset.title or name
    return name


def folder_entry(tag: Tag, path: str) -> Entry:
    return Entry(Kind.FOLDER, Place("", path), key=folder_key(tag.id), carried=tag.documents + tag.stages)
