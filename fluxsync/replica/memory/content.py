"""Content on its way to and from a side made of dictionaries, and the lock around such a side."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import wraps
from typing import Any, Protocol, TypeVar, cast

from fluxsync.core.model import Entry
from fluxsync.errors import Corrupted
from fluxsync.replica.base import Source

__all__ = ["digest_of", "locked", "read", "stream"]

_BLOCK = 1 << 20


_Verb = TypeVar("_Verb", bound=Callable[..., Any])


def locked(verb: _Verb) -> _Verb:
    """Let one thread at a time into a side; content of another side is never read in here."""

    @wraps(verb)
    def alone(side: Any, *args: Any, **more: Any) -> Any:
        with side._lock:
            return verb(side, *args, **more)

    return cast(_Verb, alone)


def digest_of(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def read(content: Source) -> bytes:
    """Take in content, checked."""
    taken = b"".join(content.blocks())
    if content.check() != digest_of(taken) or len(taken) != content.size:
        raise Corrupted(f"{len(taken)} of {content.size} bytes came, or with another digest")
    return taken


class Side(Protocol):
    """A side that can tell whether an entry still is what it was."""

    def expect(self, entry: Entry) -> None: ...


@dataclass(slots=True)
class _Stream:
    """Content of a side as a `Source`; it has to be the same when all was yielded."""

    side: Side
    entry: Entry
    content: bytes
    size: int

    def blocks(self) -> Iterator[bytes]:
        for start in range(0, len(self.content), _BLOCK):
            yield self.content[start : start + _BLOCK]

    def check(self) -> str:
        self.side.expect(self.entry)
        return digest_of(self.content)

    def close(self) -> None:
        pass


def stream(side: Side, entry: Entry, content: bytes) -> Source:
    return _Stream(side, entry, content, len(content))
