"""Counts bytes as they move, and breaks transfers off when the pass is asked to stop."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator

from fluxsync.errors import Unavailable
from fluxsync.replica.base import Source

__all__ = ["Meter"]


class Meter:
    """Shared by all movers; `on_bytes` is called with each block's size, from any of them."""

    def __init__(self, on_bytes: Callable[[int], None] = lambda count: None) -> None:
        #: Called when the pass is asked to stop: wakes whoever waits for something else than bytes.
        self.on_stop: Callable[[], None] = lambda: None
        self._on_bytes = on_bytes
        self._lock = threading.Lock()
        self._stop = threading.Event()
        self.bytes_up = 0
        self.bytes_down = 0

    def stop(self) -> None:
        """Break off what is moving, at its next block."""
        self._stop.set()
        self.on_stop()

    @property
    def stopped(self) -> bool:
        return self._stop.is_set()

    def upward(self, source: Source) -> Source:
        """Wrap content that goes to the account."""
        return _Metered(source, self, up=True)

    def downward(self, source: Source) -> Source:
        """Wrap content that comes from the account."""
        return _Metered(source, self, up=False)

    def add(self, count: int, *, up: bool) -> None:
        if self._stop.is_set():
            raise Unavailable("interrupted", unsent=True)
        with self._lock:
            if up:
                self.bytes_up += count
            else:
                self.bytes_down += count
        self._on_bytes(count)


class _Metered:
    def __init__(self, source: Source, meter: Meter, *, up: bool) -> None:
        self._source = source
        self._meter = meter
        self._up = up
        self.size = source.size

    def blocks(self) -> Iterator[bytes]:
        for block in self._source.blocks():
            self._meter.add(len(block), up=self._up)
            yield block

    def check(self) -> str:
        return self._source.check()

    def close(self) -> None:
        self._source.close()
