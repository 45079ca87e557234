"""Content on its way to the account: a request body whose last block is withheld until it is sure."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from fluxsync.errors import Stale
from fluxsync.replica.base import Source
from fluxsync.replica.fluxiom.multipart import Form

__all__ = ["BLOCK", "Fields", "Pieces", "Upload"]

BLOCK = 1 << 20
#: What leaves at a time, so that a slow line shows that it moves.
PIECE = 1 << 16

#: Form fields that follow the content, made from its digest; of the same length for every digest.
Fields = Callable[[str], Iterable[tuple[str, str]]]


def _none(digest: str) -> Iterable[tuple[str, str]]:
    return ()


class Pieces:
    """A whole body, each piece of which is seen leaving; it may be iterated again."""

    def __init__(self, body: bytes, sent: Callable[[int], None]) -> None:
        self._body = body
        self._sent = sent

    def __iter__(self) -> Iterator[bytes]:
        for start in range(0, len(self._body), PIECE):
            piece = self._body[start : start + PIECE]
            self._sent(len(piece))
            yield piece


class Upload:
    """A multipart body around a file's content; iterated once.

    `sent` is called with the size of each piece before it leaves. `digest` is known once the content was
    checked, and only then does `last_left` become True: until that moment nothing can have come of the
    request. Small content is read whole and checked at once: see `whole`.
    """

    def __init__(
        self, form: Form, content: Source, sent: Callable[[int], None], after: Fields = _none
    ) -> None:
        self._form = form
        self._content = content
        self._sent = sent
        self._after = after
        self.length = len(form.head) + content.size + len(form.tail(after("0" * 64)))
        self.content_type = form.content_type
        self.digest = ""
        self.last_left = False

    @property
    def small(self) -> bool:
        return self._content.size <= BLOCK

    def whole(self) -> Pieces:
        """Return the whole body, its content checked. Raises `Stale` and what the content raises."""
        data = b"".join(self._content.blocks())
        return Pieces(b"".join((self._form.head, data, self._tail(len(data)))), self._sent)

    def _tail(self, count: int) -> bytes:
        self.digest = self._content.check()
        if count != self._content.size:
            raise Stale(f"the file changed while it was read: {count} bytes, not {self._content.size}")
        return self._form.tail(self._after(self.digest))

    def __iter__(self) -> Iterator[bytes]:
        self._sent(len(self._form.head))
        yield self._form.head
        count = 0
        held = b""
        for block in self._content.blocks():
            yield from Pieces(held, self._sent)
            count += len(block)
            if count > self._content.size:
                raise Stale(f"the file grew while it was read, beyond {self._content.size} bytes")
            held = block or held
        last = held + self._tail(count)
        yield from Pieces(last[:-PIECE], self._sent)
        last = last[-PIECE:]
        self._sent(len(last))
        # From here on the service may have everything: what fails now is in doubt.
        self.last_left = True
        yield last
