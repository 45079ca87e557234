"""What the tests of watching share: somebody who hears what is reported, and waits for it."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path

from fluxsync.replica.folder.watch import Watch

_PATIENCE_S = 20.0


class Heard:
    """All that a watch of `root` has reported."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.dirty: list[str] = []
        self.lost: list[str] = []
        self.gate = threading.Event()
        self.gate.set()
        self.while_telling: Callable[[str], object] = lambda path: None
        self._news = threading.Condition()
        self._signs = count(1)
        self.watch = Watch(root, self._on_dirty, self._on_lost)

    def _on_dirty(self, path: str) -> None:
        self.while_telling(path)
        assert self.gate.wait(_PATIENCE_S)
        with self._news:
            self.dirty.append(path)
            self._news.notify_all()

    def _on_lost(self, reason: str) -> None:
        with self._news:
            self.lost.append(reason)
            self._news.notify_all()

    def until(self, fact: Callable[[], bool]) -> None:
        with self._news:
            assert self._news.wait_for(fact, _PATIENCE_S), (self.dirty[-20:], self.lost)

    def catch_up(self) -> None:
        """Wait for everything that happened so far: events come in order, so a last one tells.

        A link raises one event; of those of a file the second might come when nobody expects it.
        """
        sign = f"sign-{next(self._signs)}"
        (self.root / sign).symlink_to("nowhere")
        self.until(lambda: sign in self.dirty)
        with self._news:
            self.dirty = [path for path in self.dirty if not path.startswith("sign-")]

    def hears(self, path: str, change: Callable[[], object]) -> bool:
        """Tell whether a change marks exactly this path."""
        self.catch_up()
        self.dirty.clear()
        change()
        self.catch_up()
        return path in self.dirty


@contextmanager
def watching(root: Path) -> Iterator[Heard]:
    heard = Heard(root)
    heard.watch.start()
    try:
        yield heard
    finally:
        heard.gate.set()
        heard.watch.stop()


def reader() -> threading.Thread:
    """The one thread that watches."""
    (thread,) = (thread for thread in threading.enumerate() if thread.name == "fluxsync-watch")
    return thread


def wakes(thread: threading.Thread) -> int:
    """How often a thread has gone to sleep so far."""
    text = Path(f"/proc/self/task/{thread.native_id}/status").read_text()
    (line,) = (line for line in text.splitlines() if line.startswith("voluntary_ctxt_switches"))
    return int(line.split()[1])


def descriptors() -> set[str]:
    """What the kernel watches for this process."""
    found: set[str] = set()
    for fd in os.listdir("/proc/self/fd"):
        try:
            if os.readlink(f"/proc/self/fd/{fd}") == "anon_inode:inotify":
                lines = Path(f"/proc/self/fdinfo/{fd}").read_text().splitlines()
                found |= {line.split()[1] for line in lines if line.startswith("inotify ")}
        except FileNotFoundError:
            pass  # the descriptor of this very listing
    return found
