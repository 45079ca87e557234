"""Content on its way from the account, as it arrives; and what it means that nothing does."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import NoReturn

import httpx

from fluxsync.errors import Unavailable
from fluxsync.replica.fluxiom.answers import Passing
from fluxsync.replica.fluxiom.turn import Turn

__all__ = ["FAILURES", "Download", "is_answer", "out_of_reach", "unreachable"]

#: What a request may raise; the two last ones are addresses that nobody can have, found out late.
FAILURES = (httpx.HTTPError, httpx.StreamError, httpx.InvalidURL, UnicodeError)
_NUMBER = re.compile(r"^\[Errno -?\d+\] ")


class Download:
    """A stream that keeps its turn until it is read or closed. Used by one thread.

    Whoever reads it makes no other request before that, or both would wait for each other.
    """

    def __init__(
        self, response: httpx.Response, received: Callable[[int], None], what: str, turn: Turn
    ) -> None:
        self._response = response
        self._received = received
        self._what = what
        self._turn = turn
        length = response.headers.get("Content-Length", "")
        #: What the service announces, None where it does not.
        self.length = int(length) if length.isascii() and length.isdigit() and len(length) < 20 else None
        self.is_html = "html" in response.headers.get("Content-Type", "").lower()

    def blocks(self) -> Iterator[bytes]:
        """Yield what arrives. Raises `Unavailable` when it breaks off."""
        try:
            for block in self._response.iter_raw():
                self._received(len(block))
                yield block
        except FAILURES as error:
            unreachable(self._what, error, unsent=True)
        self.close()

    def close(self) -> None:
        """Let go of the connection and the turn; may be called twice."""
        try:
            self._response.close()
        finally:
            self._turn.end()


def is_answer(error: Exception) -> bool:
    """Tell whether somebody answered, though it was no HTTP: then the service is there."""
    if isinstance(error, httpx.InvalidURL):
        return True  # of a redirect
    return isinstance(error, httpx.RemoteProtocolError) and "disconnected" not in str(error)


def out_of_reach(url: str, error: Exception) -> NoReturn:
    """Say that no connection was made, so nothing left."""
    reason = _reason(error)
    if "CERTIFICATE_VERIFY_FAILED" in reason:
        raise Unavailable(
            f"the service {url} is not trusted: {reason}; see [remote] ca_file", unsent=True
        ) from None
    cure = "check [remote] url and the network"
    raise Passing(f"the service {url} cannot be reached: {reason}: {cure}", unsent=True) from None


def _reason(error: Exception) -> str:
    """Return what an exception says, without the system's number for it."""
    return _NUMBER.sub("", str(error)) or type(error).__name__


def unreachable(
    what: str, error: Exception, *, unsent: bool, hide: Callable[[str], str] = lambda text: text
) -> NoReturn:
    """Say that a request failed; `hide` takes out of the reason what nobody shall read."""
    reason = hide(_reason(error))
    if "CERTIFICATE_VERIFY_FAILED" in reason:
        raise Unavailable(f"cannot {what}: {reason}; see [remote] ca_file", unsent=unsent) from None
    raise Passing(f"cannot {what}: {reason[:300]}", unsent=unsent) from None
