"""Counts bytes as they move, and breaks transfers off when the pass is asked to stop."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from fluxsync.errors import Interrupted
from fluxsync.replica.base import Source

__all__ = ["Meter", "Moving"]


@dataclass(frozen=True, slots=True)
class Moving:
    """One transfer under way: all its bytes, and those that have moved."""

    action: str
    path: str
    size: int
    moved: int = 0


class Meter:
    """Shared by all movers; `on_bytes` is called with each block's size and whether it goes up, from any."""

    def __init__(self, on_bytes: Callable[[int, bool], None] = lambda count, up: None) -> None:
        #: Called when the pass is asked to stop: wakes whoever waits for something else than bytes.
        self.on_stop: Callable[[], None] = lambda: None
        self._on_bytes = on_bytes
        self._lock = threading.Lock()
        self._stop = threading.Event()
        self._open: dict[int, _Metered] = {}
        self.bytes_up = 0
        self.bytes_down = 0

    def stop(self) -> None:
        """Break off what is moving, at its next block."""
        self._stop.set()
        self.on_stop()

    @property
    def stopped(self) -> bool:
        return self._stop.is_set()

    def upward(self, source: Source, action: str, path: str) -> Source:
        """Wrap content that goes to the account."""
        return self._wrapped(source, action, path, up=True)

    def downward(self, source: Source, action: str, path: str) -> Source:
        """Wrap content that comes from the account."""
        return self._wrapped(source, action, path, up=False)

    def moving(self) -> tuple[Moving, ...]:
        """Return what is under way, the oldest first."""
        with self._lock:
            return tuple(each.state() for each in self._open.values())

    def closed(self, wrapped: _Metered) -> None:
        """Hear that a transfer is over."""
        with self._lock:
            self._open.pop(id(wrapped), None)

    def _wrapped(self, source: Source, action: str, path: str, *, up: bool) -> _Metered:
        wrapped = _Metered(source, self, action, path, up=up)
        with self._lock:
            self._open[id(wrapped)] = wrapped
        return wrapped

    def add(self, count: int, *, up: bool) -> None:
        if self._stop.is_set():
            raise Interrupted
        with self._lock:
            if up:
                self.bytes_up += count
            else:
                self.bytes_down += count
        self._on_bytes(count, up)


class _Metered:
    def __init__(self, source: Source, meter: Meter, action: str, path: str, *, up: bool) -> None:
        self._source = source
        self._meter = meter
        self._action = action
        self._path = path
        self._up = up
        self._moved = 0
        self.size = source.size

    def state(self) -> Moving:
        return Moving(self._action, self._path, self.size, self._moved)

    def blocks(self) -> Iterator[bytes]:
        self._moved = 0  # an attempt begins at the first byte
        for block in self._source.blocks():
            self._meter.add(len(block), up=self._up)
            self._moved += len(block)
            yield block

    def check(self) -> str:
        return self._source.check()

    def close(self) -> None:
        self._meter.closed(self)
        self._source.close()
