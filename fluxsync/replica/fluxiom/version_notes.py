"""A version of an asset as a person is told of it."""

from __future__ import annotations

from dataclasses import dataclass

from fluxsync.replica.fluxiom import comment
from fluxsync.replica.fluxiom.entries import instant_ns
from fluxsync.replica.fluxiom.wire import Version

__all__ = ["VersionNote", "note_of"]


@dataclass(frozen=True, slots=True)
class VersionNote:
    """A version of an asset, with what its comment says where a fluxsync sent it."""

    number: int
    filename: str
    size: int
    user_id: int
    #: When it was sent, by the service's clock, in nanoseconds since 1970; 0: not known.
    sent_ns: int
    comment: str
    sender: str = ""
    digest: str = ""
    over: int | None = None


def note_of(version: Version) -> VersionNote:
    """Read what a version's comment says."""
    note = comment.parse(version.comment)
    return VersionNote(
        number=version.number,
        filename=version.filename,
        size=version.size,
        user_id=version.user_id,
        sent_ns=instant_ns(version.updated_on or version.created_on),
        comment=version.comment,
        sender=note.sender if note else "",
        digest=note.digest if note else "",
        over=note.over if note else None,
    )
