"""The way to the account inside this process, and what can go wrong on it."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any
from unittest.mock import patch
from wsgiref.util import FileWrapper

import httpx
from model_steps import Steps
from model_time import Time

#: What requests a fault is about, by method and path.
KINDS = {
    "any": r"",
    "list": r"GET /api/assets\.xml",
    "look": r"GET /api/assets/\d+\.xml",
    "download": r"GET /api/assets/download",
    "create": r"POST /api/assets\.xml",
    "version": r"POST /api/assets/\d+/versions",
    "retag": r"PUT /api/assets",
    "tag": r"(POST|PUT|DELETE) /api/tags",
    "write": r"(POST|PUT|DELETE) ",
    "probe": r"GET /api/(tags|account|user)\.xml",
}
#: How long an answer can come late: while rule 7 looks, and after it gave up.
_LATE_S = {"late": 4.0, "very late": 90.0}
FAULTS = (
    *("reset", "refused", "lost", "broken body", "cut answer", "busy", "very busy", "login page"),
    *("bad gateway before", "bad gateway after", "empty", "half", *_LATE_S),
)
_LOGIN_PAGE = b"<!DOCTYPE html><html><body>Log in</body></html>"


class SandboxFailed(BaseException):
    """The account itself is broken: no fault that the product has to bear."""


class _Body(httpx.SyncByteStream):
    def __init__(self, content: bytes, error: httpx.TransportError | None) -> None:
        self._content = content
        self._error = error

    def __iter__(self) -> Iterator[bytes]:
        yield self._content
        if self._error is not None:
            raise self._error


class Wire(httpx.BaseTransport):
    """Carries requests to the account; a fault waits for the n-th request of its kind."""

    def __init__(self, application: Callable[..., Any], steps: Steps, time: Time) -> None:
        def with_files(environ: dict[str, Any], start: Any) -> Any:
            environ["wsgi.file_wrapper"] = FileWrapper
            return application(environ, start)

        self._way = httpx.WSGITransport(with_files)
        self._steps = steps
        self._time = time
        self._faults: list[tuple[str, str, int, Callable[[str], None]]] = []
        self._late: list[tuple[float, httpx.Request]] = []
        #: The requests of this pass, as "METHOD /path".
        self.requests: list[str] = []
        #: Whether a request, or an answer, met a fault in this pass.
        self.disturbed = False
        #: Whether any request ever was done long after its client had given it up.
        self.came_late = False
        #: Told of each request that changes the account, before and after it was done.
        self.around: Callable[[httpx.Request], Any] = lambda request: None

    def fault(
        self, fault: str, kind: str, first: int, do: Callable[[str], None] = lambda request: None
    ) -> None:
        """Let something happen to the `first` request of a kind from now on; "meanwhile" only does `do`."""
        self._faults.append((fault, KINDS[kind], first, do))

    def heal(self) -> None:
        """Forget all faults, and let what is still under way arrive."""
        self._faults.clear()
        self._arrive(float("inf"))

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        line = f"{request.method} {request.url.raw_path.decode()}"
        self._steps(f"request {line}")
        self.requests.append(line)
        self._arrive(self._time.true_s)
        fault = self._due(line)
        if fault and fault != "meanwhile":
            self.disturbed = True
        match fault:
            case "refused":
                raise httpx.ConnectError("refused")
            case "reset":
                raise httpx.ReadError("reset")
            case "broken body":
                for _ in request.stream:  # type: ignore[union-attr]
                    break
                raise httpx.WriteError("broken")
            case "busy" | "very busy":
                wait_s = "7" if fault == "busy" else "900"
                return httpx.Response(503, headers={"Retry-After": wait_s}, stream=_Body(b"", None))
            case "bad gateway before":
                return httpx.Response(502, stream=_Body(b"bad gateway", None))
            case "login page":
                return httpx.Response(
                    200, headers={"Content-Type": "text/html"}, stream=_Body(_LOGIN_PAGE, None)
                )
            case "empty" if request.method == "GET":
                return httpx.Response(404, stream=_Body(b"", None))
            case "late" | "very late":
                request.read()
                self.came_late = True
                self._late.append((self._time.true_s + _LATE_S[fault], request))
                raise httpx.ReadTimeout("no answer")
        # What somebody did between our read and our write is undone by that: no request says what it expects.
        status, headers, content = self._carried(request, watched=fault != "meanwhile")
        match fault:
            case "lost":
                raise httpx.ReadError("the answer was lost")
            case "bad gateway after":
                return httpx.Response(502, stream=_Body(b"bad gateway", None))
            case "cut answer":
                error = httpx.RemoteProtocolError("peer closed connection")
                return httpx.Response(
                    status, headers=headers, stream=_Body(content[: len(content) // 2], error)
                )
            case "half" if request.method == "GET":
                half = content[: len(content) // 2]
                headers = [(k, v) for k, v in headers if k.lower() != b"content-length"]
                return httpx.Response(status, headers=headers, stream=_Body(half, None))
        return httpx.Response(status, headers=headers, stream=_Body(content, None))

    def _due(self, line: str) -> str:
        due = ""
        waiting = []
        for fault, pattern, first, do in self._faults:
            if due or not re.match(pattern, line):
                waiting.append((fault, pattern, first, do))
            elif first > 1:
                waiting.append((fault, pattern, first - 1, do))
            else:
                do(line)
                due = fault
        self._faults = waiting
        return due

    def _arrive(self, until_s: float) -> None:
        due = [request for at_s, request in self._late if at_s <= until_s]
        self._late = [(at_s, request) for at_s, request in self._late if at_s > until_s]
        for request in due:
            # What it changes was read long ago: whom that surprises is no business of `around`.
            self._way.handle_request(request).read()

    def _carried(
        self, request: httpx.Request, *, watched: bool
    ) -> tuple[int, list[tuple[bytes, bytes]], bytes]:
        after = self.around(request) if watched and request.method != "GET" else None
        response = self._way.handle_request(request)
        content = response.read()
        if response.status_code == 500:
            raise SandboxFailed(content)
        if after is not None:
            after()
        return response.status_code, response.headers.raw, content


@contextmanager
def connected(wire: Wire) -> Iterator[None]:
    """Let every request of this process that would leave by a socket go this way."""

    def handle_request(_: httpx.HTTPTransport, request: httpx.Request) -> httpx.Response:
        return wire.handle_request(request)

    with patch.object(httpx.HTTPTransport, "handle_request", handle_request):
        yield
