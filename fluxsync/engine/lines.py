"""JSON lines on a socket: one object a line, of bounded length."""

from __future__ import annotations

import json
import socket
import time
from collections.abc import Mapping
from typing import Any

__all__ = ["MOST_BYTES", "Lines"]

#: Bytes of one line. What is held back is named in one: a hundred thousand paths have room.
MOST_BYTES = 64 * 1024 * 1024
_BLOCK = 64 * 1024


class Lines:
    """The two ends of a conversation read and write with it. One thread reads, another may write."""

    def __init__(self, sock: socket.socket, most: int = MOST_BYTES) -> None:
        self._socket = sock
        self._most = most
        self._left = bytearray()

    def write(self, value: Mapping[str, object]) -> None:
        """Send one object. Raises `OSError` where nobody is there, `ValueError` for one that is too long."""
        # Escaped, so that a file name which is no text passes, too.
        line = json.dumps(value, ensure_ascii=True, separators=(",", ":")).encode() + b"\n"
        if len(line) > self._most:
            raise ValueError(f"a line of {len(line):,} bytes is too long")
        self._socket.sendall(line)

    def read(self, until: float | None = None) -> dict[str, Any] | None:
        """Return the next object, None at the end; wait for it until then (by the monotonic clock).

        Raises `TimeoutError`, `OSError`, and `ValueError` for what is no object or too long.
        """
        searched = 0
        while (end := self._left.find(b"\n", searched)) < 0:
            searched = len(self._left)
            if searched >= self._most:
                raise ValueError("the line is too long")
            block = self._receive(until)
            if not block:
                if self._left:
                    raise ValueError("the line has no end")
                return None
            self._left += block
        line = bytes(self._left[:end])
        del self._left[: end + 1]
        try:
            value = json.loads(line)
        except RecursionError:
            raise ValueError("nested too deeply") from None
        if not isinstance(value, dict):
            raise ValueError("not a JSON object")
        return value

    def _receive(self, until: float | None) -> bytes:
        if until is not None:
            left = until - time.monotonic()
            if left <= 0:
                raise TimeoutError
            self._socket.settimeout(left)
        else:
            self._socket.settimeout(None)
        return self._socket.recv(_BLOCK)
