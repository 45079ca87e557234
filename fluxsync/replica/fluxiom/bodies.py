"""Answers read with a limit: they may never end, and a few packed bytes can stand for very many."""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Iterator

from fluxsync.errors import Unavailable

__all__ = ["MOST_REASON_BYTES", "contained"]

#: No answer has more to say, were there 200,000 tags to list. Content of assets comes as a `Download`.
MOST_BYTES = 32 << 20
#: So much is read of an answer that only says why something failed.
MOST_REASON_BYTES = 1 << 14


def contained(blocks: Iterable[bytes], encoding: str, what: str) -> Iterator[bytes]:
    """Yield a body as it was before it was packed, up to its end.

    Raises `Unavailable` where it has none in sight, breaks off, or is packed otherwise than was asked for.
    """
    encoding = encoding.strip().lower()
    if encoding in ("gzip", "x-gzip"):
        blocks = _unpacked(blocks, what)
    elif encoding not in ("", "identity"):
        raise Unavailable(f"cannot {what}: the answer is packed in a way that nobody asked for")
    count = 0
    for block in blocks:
        count += len(block)
        if count > MOST_BYTES:
            raise Unavailable(f"cannot {what}: the answer has no end; {count:,} bytes came")
        yield block


def _unpacked(blocks: Iterable[bytes], what: str) -> Iterator[bytes]:
    unpacker = zlib.decompressobj(wbits=31)
    try:
        for block in blocks:
            while block and not unpacker.eof:
                yield unpacker.decompress(block, 1 << 20)
                block = unpacker.unconsumed_tail
            if unpacker.eof:
                return  # whatever else is sent, it is no part of the answer
    except zlib.error:
        raise Unavailable(f"cannot {what}: the answer is damaged") from None
    raise Unavailable(f"cannot {what}: the answer breaks off")
