"""Passes on how a task goes to whoever asked for it, and never keeps the task waiting.

What comes in faster than it is taken is put together: a slow reader sees fewer steps, and the right count.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from types import TracebackType
from typing import Any

from fluxsync.engine.lines import Lines
from fluxsync.engine.onlooker import Onlooker

__all__ = ["Relay"]

#: Seconds between two turns to write, and what is kept for the next one: lines, and steps in them.
_BETWEEN_S = 0.1
_MOST_LINES = 1000
_MOST_STEPS = 1000


class Relay:
    """Writes to one connection from a thread of its own, while the block runs."""

    def __init__(self, lines: Lines) -> None:
        self._lines = lines
        self._news = threading.Condition()
        self._over = threading.Event()
        self._due: list[dict[str, Any]] = []
        self._steps = 0
        self._done = 0
        self._thread = threading.Thread(target=self._run, name="relay", daemon=True)
        self.onlooker = Onlooker(self._phase, self._plan, self._step, self._moved)

    def __enter__(self) -> Relay:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with self._news:
            self._over.set()
            self._news.notify()
        self._thread.join()

    # -- the onlooker ----------------------------------------------------------------------------------

    def _phase(self, phase: str) -> None:
        self._say({"phase": phase})

    def _plan(self, operations: int, up: int, down: int) -> None:
        self._say({"plan": {"operations": operations, "up": up, "down": down}})

    def _say(self, line: dict[str, Any]) -> None:
        with self._news:
            if len(self._due) < _MOST_LINES:
                self._due.append(line)
            self._news.notify()

    def _step(self, steps: Sequence[Mapping[str, object]], done: int) -> None:
        with self._news:
            self._done = done
            line = self._progress()
            if self._steps < _MOST_STEPS:
                line["steps"] += steps
                self._steps += len(steps)

    def _moved(self, moved: int) -> None:
        with self._news:
            self._progress()["bytes"] = moved

    def _progress(self) -> dict[str, Any]:
        """Return the line that goes out with the next turn; the lock is held."""
        if not self._due or "steps" not in self._due[-1]:
            self._due.append({"steps": []})
        line = self._due[-1]
        line["done"] = self._done
        self._news.notify()
        return line

    # -- the thread ------------------------------------------------------------------------------------

    def _run(self) -> None:
        over = False
        while not over:
            with self._news:
                self._news.wait_for(lambda: self._over.is_set() or self._due)
                over = self._over.is_set()
                lines, self._due, self._steps = self._due, [], 0
            try:
                for line in lines:
                    self._lines.write(line)
            except OSError:
                return  # whoever asked has gone, the task goes on
            self._over.wait(_BETWEEN_S)
