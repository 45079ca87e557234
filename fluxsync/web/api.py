"""The interface for scripts and the page: the status, and the commands, as JSON."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from flask import Blueprint, Response, request

from fluxsync.engine.conflicts import Keep
from fluxsync.engine.documents import status_document
from fluxsync.engine.service import Service, Task, Verb
from fluxsync.web import answers, bodies
from fluxsync.web.answers import Refused, answer
from fluxsync.web.approval import approvable, mark

__all__ = ["api_routes"]


def api_routes(service: Service, most_waiting: int) -> Blueprint:
    """Return the routes below /api.

    A command that ends with a pass is answered when the pass has ended; with `?wait=SECONDS` after so long at
    the latest, with 202, and then it goes on all the same. Only `most_waiting` may wait at a time, so that
    somebody is left to answer others.
    """
    api = Blueprint("api", __name__, url_prefix="/api")
    places = threading.BoundedSemaphore(most_waiting)

    @contextmanager
    def place(wait_s: float | None) -> Iterator[None]:
        if wait_s == 0:
            yield
            return
        if not places.acquire(blocking=False):
            raise Refused(
                503,
                f"{most_waiting} others wait for a command already: send it with ?wait=0",
                {"Retry-After": "5"},
            )
        try:
            yield
        finally:
            places.release()

    def perform(task: Task) -> Response:
        wait_s = bodies.wait(request)
        with place(wait_s):
            try:
                return answers.outcome(service.perform(task, timeout_s=wait_s))
            except TimeoutError:
                if wait_s is None:
                    raise
                return answer({"accepted": True}, 202)

    @api.get("/status")
    def status() -> Response:
        picture = service.status()
        live = {"held_mark": mark(approvable(picture)), "totals": dict(service.totals())}
        return answer({**status_document(picture, picture.message), **live})

    @api.post("/pause")
    def pause() -> Response:
        bodies.body(request)
        service.pause()
        return answer({"paused": True})

    @api.post("/resume")
    def resume() -> Response:
        bodies.body(request)
        service.resume()
        return answer({"paused": False})

    @api.post("/sync")
    def sync() -> Response:
        bodies.body(request)
        return perform(Task(Verb.SYNC))

    @api.post("/approve")
    def approve() -> Response:
        """Let through what is held back now; with `held_mark` only if it still is what the status showed."""
        shown = bodies.text(bodies.body(request, optional=("held_mark",)), "held_mark")
        rows = approvable(service.status())
        if shown is not None and shown != mark(rows):
            raise Refused(409, "something else is held back now: look at /api/status again")
        if not rows:
            return answer({"held": [], "code": 0})
        return perform(Task(Verb.APPROVE, {"rows": rows}))

    @api.post("/conflicts/resolve")
    def resolve() -> Response:
        found = bodies.body(request, ("paths", "keep"))
        keep = bodies.one_of(found, "keep", [str(word) for word in Keep])
        paths = [path.removesuffix("/") for path in bodies.paths(found)]
        return perform(Task(Verb.RESOLVE, {"paths": paths, "keep": keep}))

    @api.post("/trash/restore")
    def restore() -> Response:
        return perform(Task(Verb.RESTORE, {"names": bodies.paths(bodies.body(request, ("paths",)))}))

    return api
