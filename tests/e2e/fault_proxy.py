r"""An HTTP proxy on loopback that makes faults on purpose.

    proxy.fault("POST", r"/api/assets\.xml", Drop())              the first create: done, its answer lost
    proxy.fault("GET", r"/api/assets\.xml", Cut(), first=2)       the second page breaks off in the middle
    proxy.fault("PUT", r".*", Reply(503, {"Retry-After": "7"}), times=3)

A rule counts the requests that match it; the newest rule that applies wins. Everything else passes through.
"""

from __future__ import annotations

import http.client
import re
import socket
import struct
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

_HOP_BY_HOP = {"connection", "keep-alive", "transfer-encoding", "content-length", "te", "trailer", "upgrade"}


@dataclass(frozen=True)
class Pass:
    """Forward; do something just before or just after the server did it, or change the answer's body."""

    before: Callable[[], object] = lambda: None
    after: Callable[[], object] = lambda: None
    rewrite: Callable[[bytes], bytes] = lambda body: body


@dataclass(frozen=True)
class Drop:
    """The server does it, the answer never arrives."""


@dataclass(frozen=True)
class Cut:
    """The answer breaks off in the middle."""


@dataclass(frozen=True)
class Half:
    """Only the first half of the request's body reaches the server, then both connections break."""

    then: Callable[[], object] = lambda: None


@dataclass(frozen=True)
class Midway:
    """Something happens when the first half of the request's body has come; only then the rest is read."""

    do: Callable[[], object]


@dataclass(frozen=True)
class Halfway:
    """Something happens when the first half of the answer has been sent; then comes the rest."""

    do: Callable[[], object]


@dataclass(frozen=True)
class Reset:
    """The connection breaks before anything reaches the server."""


@dataclass(frozen=True)
class Hold:
    """The answer waits until the event is set."""

    until: threading.Event


@dataclass(frozen=True)
class Reply:
    """Somebody else answers; nothing reaches the server."""

    status: int = 502
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""


def login_page() -> Reply:
    """Return what a captive portal answers to everything."""
    return Reply(200, {"Content-Type": "text/html; charset=utf-8"}, b"<!DOCTYPE html><html>Log in</html>")


@dataclass(frozen=True)
class Late:
    """The server gets to it only when it is told to; the client hears nothing of it, or an error."""

    answer: Reply | None = None
    held: list[Callable[[], object]] = field(default_factory=list)
    caught: threading.Event = field(default_factory=threading.Event)

    def arrive(self) -> None:
        """Let the server do now what was asked of it."""
        while self.held:
            self.held.pop(0)()


Fault = Late | Pass | Drop | Cut | Half | Midway | Halfway | Reset | Hold | Reply


@dataclass
class _Rule:
    method: str
    path: re.Pattern[str]
    fault: Fault
    first: int
    times: int | None
    seen: int = 0

    def applies(self, method: str, path: str) -> bool:
        """Count a request that matches, and tell whether it is one of those that fail."""
        if self.method != "*" and method not in self.method.split("|"):
            return False
        if not self.path.search(path):
            return False
        self.seen += 1
        return self.seen >= self.first and (self.times is None or self.seen < self.first + self.times)


class _Broken(Exception):
    """The connection to the client is to be reset."""


class _Server(ThreadingHTTPServer):
    daemon_threads = False
    block_on_close = True
    request_queue_size = 256
    proxy: FaultProxy

    def get_request(self) -> tuple[socket.socket, Any]:
        connection, address = super().get_request()
        self.proxy._opened(connection)
        return connection, address

    def shutdown_request(self, request: Any) -> None:
        self.proxy._closed(request)
        super().shutdown_request(request)

    def handle_error(self, request: Any, client_address: Any) -> None:
        pass


class FaultProxy:
    """Listens from its creation to `close()`; as a context manager it closes itself."""

    def __init__(self, port: int) -> None:
        #: The port of the server; may be changed while nothing is asked.
        self.upstream = port
        self._rules: list[_Rule] = []
        self._lock = threading.Lock()
        self._connections: set[socket.socket] = set()
        #: What came, as "METHOD /path", and what was done to it.
        self.log: list[tuple[str, Fault | None]] = []
        self._server = _Server(("127.0.0.1", 0), _Handler)
        self._server.proxy = self
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True)
        self._thread.start()

    def __enter__(self) -> FaultProxy:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def fault(
        self, method: str, path: str, fault: Fault, *, first: int = 1, times: int | None = 1
    ) -> Callable[[], int]:
        """Make a fault of the `first` matching request and those after it; returns how many have matched.

        `method` "*" is any, "PUT|POST" either; `path` is a regular expression that is searched in path and
        query; `times` None: for ever.
        """
        rule = _Rule(method, re.compile(path), fault, first, times)
        with self._lock:
            self._rules.insert(0, rule)
        return lambda: rule.seen

    def heal(self) -> None:
        """Forget all rules."""
        with self._lock:
            self._rules.clear()

    def close(self) -> None:
        """Stop listening and break what is still connected."""
        self._server.shutdown()
        self._thread.join()
        with self._lock:
            left = list(self._connections)
        for connection in left:
            try:
                connection.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass  # it ended by itself
        self._server.server_close()

    def _choose(self, method: str, path: str) -> Fault | None:
        with self._lock:
            # Every rule counts what it matches, also where another one wins.
            chosen = [rule.fault for rule in self._rules if rule.applies(method, path)]
            fault = chosen[0] if chosen else None
            self.log.append((f"{method} {path}", fault))
            return fault

    def _opened(self, connection: socket.socket) -> None:
        with self._lock:
            self._connections.add(connection)

    def _closed(self, connection: socket.socket) -> None:
        with self._lock:
            self._connections.discard(connection)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: _Server

    def setup(self) -> None:
        super().setup()
        self._way: http.client.HTTPConnection | None = None

    def finish(self) -> None:
        if self._way is not None:
            self._way.close()
        super().finish()

    def log_message(self, format: str, *args: object) -> None:
        pass

    def _answer(self) -> None:
        try:
            self._treat(self.server.proxy._choose(self.command, self.path))
        except (_Broken, OSError, http.client.HTTPException):
            self._break()

    do_GET = do_POST = do_PUT = do_DELETE = _answer

    def _treat(self, fault: Fault | None) -> None:
        if isinstance(fault, Reset):
            raise _Broken
        length = int(self.headers.get("Content-Length") or 0)
        if isinstance(fault, Half):
            self._send_half(length)
            fault.then()
            raise _Broken
        body = self.rfile.read(length // 2) if isinstance(fault, Midway) else b""
        if isinstance(fault, Midway):
            fault.do()
        body += self.rfile.read(length - len(body))
        if len(body) < length:
            raise _Broken
        if isinstance(fault, Late):
            fault.held.append(self._later(body))
            fault.caught.set()
            if fault.answer is None:
                raise _Broken
            fault = fault.answer
        if isinstance(fault, Reply):
            self._reply(fault.status, dict(fault.headers), fault.body, len(fault.body))
            return
        if isinstance(fault, Pass):
            fault.before()
        status, headers, content = self._forward(body)
        if isinstance(fault, Pass):
            fault.after()
            content = fault.rewrite(content)
        elif isinstance(fault, Hold):
            fault.until.wait(30)
        elif isinstance(fault, Drop):
            raise _Broken
        length = len(content)
        if isinstance(fault, Cut | Halfway):
            self._reply(status, headers, content[: length // 2], length)
            if isinstance(fault, Cut):
                raise _Broken
            fault.do()
            self.wfile.write(content[length // 2 :])
            return
        self._reply(status, headers, content, length)

    def _later(self, body: bytes) -> Callable[[], object]:
        headers = {name: value for name, value in self.headers.items() if name.lower() not in _HOP_BY_HOP}
        command, path, upstream = self.command, self.path, self.server.proxy.upstream

        def forward() -> None:
            way = http.client.HTTPConnection("127.0.0.1", upstream)
            try:
                way.request(command, path, body or None, {**headers, "Content-Length": str(len(body))})
                way.getresponse().read()
            finally:
                way.close()

        return forward

    def _forward(self, body: bytes) -> tuple[int, dict[str, str], bytes]:
        headers = {name: value for name, value in self.headers.items() if name.lower() not in _HOP_BY_HOP}
        if body or self.command in ("POST", "PUT"):
            headers["Content-Length"] = str(len(body))
        if self._way is None:
            self._way = http.client.HTTPConnection("127.0.0.1", self.server.proxy.upstream)
        try:
            self._way.request(self.command, self.path, body or None, headers)
            response = self._way.getresponse()
            content = response.read()
        except (OSError, http.client.HTTPException):
            self._way.close()
            raise
        kept = {name: value for name, value in response.getheaders() if name.lower() not in _HOP_BY_HOP}
        return response.status, kept, content

    def _send_half(self, length: int) -> None:
        half = self.rfile.read(length // 2)
        head = f"{self.command} {self.path} HTTP/1.1\r\n"
        head += "".join(f"{name}: {value}\r\n" for name, value in self.headers.items())
        with socket.create_connection(("127.0.0.1", self.server.proxy.upstream)) as upstream:
            upstream.sendall(head.encode("latin-1") + b"\r\n" + half)

    def _reply(self, status: int, headers: dict[str, str], body: bytes, length: int) -> None:
        lines = [f"HTTP/1.1 {status} {http.client.responses.get(status, 'Unknown')}"]
        lines += [f"{name}: {value}" for name, value in headers.items()]
        lines += [f"Content-Length: {length}", "", ""]
        self.wfile.write("\r\n".join(lines).encode("latin-1") + body)

    def _break(self) -> None:
        """Reset the connection, so that the client notices at once."""
        self.close_connection = True
        try:
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            self.connection.close()
        except OSError:
            pass  # the client was quicker
