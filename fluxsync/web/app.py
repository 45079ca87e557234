"""The web application: who may ask, what answers, and that no answer is kept or framed."""

from __future__ import annotations

import time

from flask import Flask, Response, g, request
from werkzeug.exceptions import HTTPException

from fluxsync import logs
from fluxsync.engine.service import Service
from fluxsync.web import answers, bodies
from fluxsync.web.admission import Admission
from fluxsync.web.answers import Refused
from fluxsync.web.api import api_routes
from fluxsync.web.health import Health, health

__all__ = ["create_app"]

_HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; base-uri 'none'; form-action 'none';"
    " frame-ancestors 'none'",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}
_ABOUT = """fluxsync: the HTTP interface of the service

GET  /healthz   one word on how it is
GET  /metrics   figures for Prometheus

With the header X-Fluxsync-Token (the token is in the .token file beside the journal), JSON in and out:

GET  /api/status
POST /api/pause, /api/resume, /api/sync, /api/approve
POST /api/conflicts/resolve   {"paths": ["..."], "keep": "local, remote or both"}
POST /api/trash/restore       {"paths": ["..."]}
"""


def create_app(
    service: Service, token: str, port: int, host: str = "127.0.0.1", *, most_waiting: int = 2
) -> Flask:
    """Return the application for a service that is reached on this host and port.

    `most_waiting` requests at a time may wait for a command; the server needs more threads than that.
    """
    # No folder of files is served.
    app = Flask(__name__, static_folder=None)
    app.config["MAX_CONTENT_LENGTH"] = bodies.MOST_BYTES
    app.json.sort_keys = False  # type: ignore[attr-defined]
    admission = Admission(token, host, port)
    log = logs.get(__name__)
    app.register_blueprint(api_routes(service, most_waiting))

    @app.before_request
    def admit() -> None:
        g.began = time.monotonic()
        admission.check(request)

    @app.get("/")
    def about() -> Response:
        return Response(_ABOUT, content_type="text/plain; charset=utf-8")

    @app.get("/healthz")
    def healthz() -> Response:
        try:
            word = health(service.status())
        except Exception as error:
            log.error("the status cannot be read", exc_info=error)
            word = Health.FAILING
        return Response(str(word), 200 if word.well else 503, content_type="text/plain; charset=utf-8")

    @app.get("/metrics")
    def metrics() -> Response:
        # Here, so that a service that nobody scrapes does not carry the library.
        from fluxsync.web.metrics import CONTENT_TYPE, exposition

        return Response(exposition(service.status(), service.totals()), content_type=CONTENT_TYPE)

    @app.errorhandler(Refused)
    def refuse(refused: Refused) -> Response:
        return answers.refusal(refused)

    @app.errorhandler(HTTPException)
    def refuse_http(error: HTTPException) -> Response:
        allowed = dict(error.get_headers()).get("Allow")
        return answers.refusal(
            Refused(error.code or 500, error.name, {"Allow": allowed} if allowed is not None else None)
        )

    @app.errorhandler(Exception)
    def fail(error: Exception) -> Response:
        return answers.trouble(error)

    @app.after_request
    def finish(response: Response) -> Response:
        for name, value in _HEADERS.items():
            response.headers.setdefault(name, value)
        log.debug(
            "answered",
            method=request.method,
            route=request.url_rule.rule if request.url_rule else "none",
            status=response.status_code,
            seconds=round(time.monotonic() - g.began, 3),
        )
        return response

    return app
