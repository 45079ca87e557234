"""multipart/form-data, read as a stream.

The uploaded file goes straight to its content file; nothing but the short fields is held in memory, whatever
the size of the request.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

from fluxsync.sandbox import disposition
from fluxsync.sandbox.errors import MalformedRequest

_PIECE = 2**20
_MAX_HEADER_BYTES = 64 * 1024
_MAX_FIELD_BYTES = 2**20
_MAX_PARTS = 200


class Readable(Protocol):
    """Where the request's body comes from."""

    def read(self, size: int, /) -> bytes:
        """Return up to so many bytes, none at the end."""


@dataclass(frozen=True, slots=True)
class PartHead:
    """What the headers of a part say; `filename` is None for a plain field."""

    name: str
    filename: str | None
    content_type: str


def read_parts(body: Readable, boundary: bytes) -> Iterator[tuple[PartHead, Iterator[bytes]]]:
    """Yield each part with its content in pieces, which have to be read before the next part.

    Raises MalformedRequest for anything that is not a whole multipart body.
    """
    source = _Source(body, b"\r\n--" + boundary)
    for _ in source.pieces():
        pass  # what comes before the first boundary means nothing
    for _ in range(_MAX_PARTS):
        if source.peek(2) == b"--":
            return
        head = _head(source.take_headers())
        yield head, source.pieces()
    raise MalformedRequest("the form has too many parts")


def field_text(pieces: Iterator[bytes]) -> str:
    """Return the content of a plain field."""
    data = b""
    for piece in pieces:
        data += piece
        if len(data) > _MAX_FIELD_BYTES:
            raise MalformedRequest("a form field is too long")
    try:
        return data.decode()
    except UnicodeDecodeError as error:
        raise MalformedRequest("a form field is not UTF-8") from error


class _Source:
    """The body, cut at the delimiter."""

    def __init__(self, body: Readable, delimiter: bytes) -> None:
        self._body = body
        self._delimiter = delimiter
        # The first boundary has no line break before it.
        self._buffer = b"\r\n"

    def _more(self) -> None:
        piece = self._body.read(_PIECE)
        if not piece:
            raise MalformedRequest("the form ends before its last boundary")
        self._buffer += piece

    def pieces(self) -> Iterator[bytes]:
        """Yield what comes before the next delimiter and skip the delimiter."""
        overlap = len(self._delimiter) - 1
        while (at := self._buffer.find(self._delimiter)) < 0:
            if len(self._buffer) > overlap:
                piece, self._buffer = self._buffer[:-overlap], self._buffer[-overlap:]
                yield piece
            self._more()
        piece, self._buffer = self._buffer[:at], self._buffer[at + len(self._delimiter) :]
        if piece:
            yield piece

    def peek(self, count: int) -> bytes:
        """Return the next bytes, which stay in the buffer."""
        while len(self._buffer) < count:
            self._more()
        return self._buffer[:count]

    def take_headers(self) -> bytes:
        """Return the rest of the boundary's line and the part's headers, and skip the empty line."""
        while (at := self._buffer.find(b"\r\n\r\n")) < 0:
            if len(self._buffer) > _MAX_HEADER_BYTES:
                break
            self._more()
        if not 0 <= at <= _MAX_HEADER_BYTES:
            raise MalformedRequest("a part's headers are too long")
        headers, self._buffer = self._buffer[:at], self._buffer[at + 4 :]
        return headers


def _head(headers: bytes) -> PartHead:
    try:
        lines = headers.decode().split("\r\n")
    except UnicodeDecodeError as error:
        raise MalformedRequest("a part's headers are not UTF-8") from error
    if lines[0].strip(" \t"):
        raise MalformedRequest("a boundary is followed by something else")
    fields = {
        name.strip().lower(): value.strip() for name, _, value in (line.partition(":") for line in lines[1:])
    }
    found = disposition.parameters(fields.get("content-disposition", ""))
    if "name" not in found:
        raise MalformedRequest("a part of the form has no name")
    return PartHead(found["name"], disposition.filename(found), fields.get("content-type", ""))
