"""A service that does what it is asked and nothing by itself: the socket, the lock and the pair are real.

`python stand_in.py CONFIG` runs it as a process of its own until its stdin ends; READY: it listens.
"""

from __future__ import annotations

import queue
import sys
import threading
import time
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any

from fluxsync.app import App, opened, peeked
from fluxsync.engine.control import Control
from fluxsync.engine.meter import Moving
from fluxsync.engine.service import Outcome, Task, Verb
from fluxsync.engine.status import Status, read
from fluxsync.engine.watcher import Watcher
from fluxsync.errors import Unavailable
from fluxsync.settings import Settings, load
from fluxsync.tasks import perform

Work = tuple[Callable[[App], Any], Future[Any], bool]


class StandIn:
    """Implements `Service`: one thread has the pair, the others wait for it."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.performed: list[Task] = []
        self._queue: queue.Queue[Work | None] = queue.Queue()
        self._busy = ""
        self._ready: Future[None] = Future()
        self._thread = threading.Thread(target=self._run)

    def __enter__(self) -> StandIn:
        self._thread.start()
        self._ready.result(60)
        return self

    def __exit__(self, *_: object) -> None:
        self._queue.put(None)
        self._thread.join()

    # -- Service ---------------------------------------------------------------------------------------

    def status(self) -> Status:
        with peeked(self.settings) as journal:
            picture = read(journal, time.time(), working=bool(self._busy))
        moving = (Moving("create", self._busy, 10, 4),) if self._busy else ()
        return replace(picture, moving=moving)

    def totals(self) -> Mapping[str, float]:
        return {"passes": len(self.performed)}

    def perform(self, task: Task, watcher: Watcher | None = None, timeout_s: float | None = None) -> Outcome:
        def work(app: App) -> Outcome:
            if app.journal.fact("paused"):
                raise Unavailable("the service is paused: `fluxsync resume` lets it go on")
            self.performed.append(task)
            return perform(app, task, watcher or Watcher())

        done: Outcome = self._do(work, afresh=task.verb is Verb.REBUILD).result(timeout_s)
        return done

    def pause(self) -> None:
        self._do(lambda app: app.journal.set_facts({"paused": "yes"})).result()

    def resume(self) -> None:
        self._do(lambda app: app.journal.set_facts({"paused": None})).result()

    # -- its thread ------------------------------------------------------------------------------------

    def _do(self, work: Callable[[App], Any], *, afresh: bool = False) -> Future[Any]:
        future: Future[Any] = Future()
        self._queue.put((work, future, afresh))
        return future

    def _run(self) -> None:
        waiting: Work | None = None
        with ExitStack() as listening:
            while True:
                try:
                    with opened(self.settings, afresh=waiting is not None) as app:
                        if not self._ready.done():
                            listening.enter_context(Control(self, self.settings.journal_path))
                            self._ready.set_result(None)
                        if waiting is not None:
                            self._take(app, waiting)
                        waiting = self._serve(app)
                except Exception as error:
                    self._ready.set_exception(error)
                    return
                if waiting is None:
                    return

    def _serve(self, app: App) -> Work | None:
        """Work until the end, or until the pair has to be opened afresh for what is returned."""
        while (work := self._queue.get()) is not None:
            if work[2]:
                return work
            self._take(app, work)
        return None

    def _take(self, app: App, work: Work) -> None:
        do, future, _ = work
        self._busy = "a.txt"
        try:
            future.set_result(do(app))
        except Exception as error:
            future.set_exception(error)
        finally:
            self._busy = ""


if __name__ == "__main__":
    with StandIn(load(Path(sys.argv[1]))):
        print("READY", flush=True)
        sys.stdin.read()
