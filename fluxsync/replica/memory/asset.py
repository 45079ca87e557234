"""An asset of an account made of dictionaries, as a person may prepare or change it."""

from __future__ import annotations

from dataclasses import dataclass, field

__all__ = ["MemoryAsset", "MemoryVersion"]


@dataclass(frozen=True, slots=True)
class MemoryVersion:
    content: bytes
    name: str
    #: What the comment says: the content's digest, "" without a comment, and the version it should follow.
    digest: str = ""
    over: int = -1


@dataclass(slots=True)
class MemoryAsset:
    home: str
    versions: list[MemoryVersion]
    labels: set[str] = field(default_factory=set)
    title: str = ""
    trashed: bool = False
