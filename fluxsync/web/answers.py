"""How an outcome, an error or a refusal is said in HTTP: a status, and JSON of one object."""

from __future__ import annotations

from collections.abc import Mapping

from flask import Response, jsonify

from fluxsync import logs
from fluxsync.engine.service import Outcome
from fluxsync.errors import (
    Busy,
    ConfigError,
    FluxsyncError,
    Full,
    Halted,
    Locked,
    Rejected,
    Stale,
    Unauthorized,
    Unavailable,
)

__all__ = ["Refused", "answer", "outcome", "refusal", "trouble"]

_ERRORS: tuple[tuple[type[FluxsyncError], int], ...] = (
    (Unauthorized, 502),
    (Unavailable, 503),
    (Halted, 409),
    (Locked, 409),
    (Stale, 409),
    (Busy, 409),
    (ConfigError, 422),
    (Rejected, 422),
    (Full, 507),
)
#: By exit code. 0 and 1 are answers: what failed is named in the document.
_CODES = {0: 200, 1: 200, 2: 422, 3: 503, 4: 409, 5: 409}


class Refused(Exception):
    """A request that is not answered as it was meant; one line says why."""

    def __init__(self, status: int, message: str, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.message = message
        self.headers = headers or {}


def answer(document: Mapping[str, object], status: int = 200) -> Response:
    """Return a document as JSON."""
    response = jsonify(document)
    response.status_code = status
    return response


def outcome(done: Outcome) -> Response:
    """Return what came of a task: the command's document with its exit code, as `code`."""
    status = _CODES.get(done.code, 500)
    if done.document.get("result") == "unauthorized":
        status = 502
    return answer({**done.document, "code": done.code}, status)


def refusal(refused: Refused) -> Response:
    response = answer({"error": refused.message}, refused.status)
    response.headers.extend(refused.headers)
    return response


def trouble(error: Exception) -> Response:
    """Return the error that ended a request, in one line; what is no error of ours is logged, not shown."""
    if not isinstance(error, FluxsyncError):
        logs.get(__name__).error("a request failed", exc_info=error)
        return answer({"error": "a fault of fluxsync: its log has the details"}, 500)
    status = next((status for kind, status in _ERRORS if isinstance(error, kind)), 500)
    message = " ".join(str(logs.masked(str(error))).split())
    response = answer({"error": message}, status)
    if isinstance(error, Unavailable) and error.retry_after_s:
        response.headers["Retry-After"] = str(max(1, round(error.retry_after_s)))
    return response
