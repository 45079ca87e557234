"""A service that a test plays, and a client that says what scripts say."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path

import httpx

from fluxsync.engine.service import Outcome, Task
from fluxsync.engine.status import Counts, State, Status, Trouble
from fluxsync.engine.watcher import Watcher
from fluxsync.state.journal import ConflictRow, HeldRow, PassRow
from fluxsync.web.server import Web

NOW = 1_790_000_000.0
#: A name that must not be seen by who has no token.
SECRET_NAME = "Clients/Merger/logo.ai"
HELD = HeldRow(
    "trash-remote", "Clients/Old/a.gif", "7@1", "12 deletions are more than 10", "delete-there", 3, "ab"
)
IN_STEP = Status(
    State.IN_STEP,
    NOW,
    NOW - 60,
    Counts(files=12, folders=3, bytes=4096, kept_here=1, kept_there=2),
    (),
    (),
    (),
    (),
    (),
    PassRow(5, NOW - 61, NOW - 60, 12, "in-step", {}),
)
TROUBLED = replace(
    IN_STEP,
    state=State.WAITING,
    waiting=(Trouble("open.psd", "is open here"),),
    failing=(Trouble(SECRET_NAME, "refused", NOW - 500, 3, NOW + 60),),
    conflicts=(ConflictRow("a.gif", "a (conflicted copy).gif", "9@1", NOW - 9),),
)


class Played:
    """A service without a pair: its status is what the test says, its tasks end when the test lets them."""

    def __init__(self) -> None:
        self.picture = IN_STEP
        self.figures: Mapping[str, float] = {"passes": 5, "requests": 40, "bytes_up": 1000, "bytes_down": 20}
        #: What performing does, once it may; it returns the outcome or raises.
        self.act: Callable[[Task], Outcome] = lambda task: Outcome(0, {"result": "in-step"})
        self.begun: queue.Queue[Task] = queue.Queue()
        self.may_end = threading.Event()
        self.may_end.set()
        self.paused: list[bool] = []

    def status(self) -> Status:
        return self.picture

    def totals(self) -> Mapping[str, float]:
        return self.figures

    def perform(self, task: Task, watcher: Watcher | None = None, timeout_s: float | None = None) -> Outcome:
        self.begun.put(task)
        if not self.may_end.wait(30 if timeout_s is None else timeout_s):
            raise TimeoutError
        return self.act(task)

    def pause(self) -> None:
        self.paused.append(True)

    def resume(self) -> None:
        self.paused.append(False)


class Served:
    """A played service behind a server on a free port."""

    def __init__(self, folder: Path, name: str = "journal", host: str = "127.0.0.1", port: int = 0) -> None:
        self.service = Played()
        self.token_file = folder / f"{name}.token"
        self.web = Web(self.service, host, port, self.token_file)
        self.started = self.web.start()
        self.port = int(self.web.url.rpartition(":")[2] or 0)

    @property
    def token(self) -> str:
        return self.token_file.read_text()

    def client(self, **headers: str) -> httpx.Client:
        """Return a client without the token, but for these headers."""
        return httpx.Client(base_url=self.web.url, headers=headers, timeout=20, trust_env=False)

    def script(self) -> httpx.Client:
        """Return a client with the token."""
        return self.client(**{"X-Fluxsync-Token": self.token})

    def close(self) -> None:
        self.service.may_end.set()
        self.web.stop()
