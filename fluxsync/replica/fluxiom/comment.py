"""The comment that fluxsync gives to a version: who sent it, its content, and which version it followed."""

from __future__ import annotations

import re
from dataclasses import dataclass

__all__ = ["Note", "build", "parse"]

_NOTE = re.compile(r"fluxsync (\S{1,100}) sha256:([0-9a-f]{64}) over:([0-9]{1,18})", re.ASCII)


@dataclass(frozen=True, slots=True)
class Note:
    sender: str
    digest: str
    over: int


def build(sender: str, digest: str, over: int) -> str:
    return f"fluxsync {sender} sha256:{digest} over:{over}"


def parse(comment: str) -> Note | None:
    """Read a comment; None unless all of it is what `build` writes."""
    match = _NOTE.fullmatch(comment.strip())
    return Note(match[1], match[2], int(match[3])) if match else None
