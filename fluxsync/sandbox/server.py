"""Starts and stops the server: Flask on waitress."""

import errno
import logging
import signal
import socket
import tempfile
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path
from types import FrameType, TracebackType
from typing import TYPE_CHECKING, Any

from waitress import create_server, wasyncore  # type: ignore[import-untyped]
from waitress.channel import HTTPChannel  # type: ignore[import-untyped]

from fluxsync.sandbox.account import DEFAULT_QUOTA_BYTES, PLANS, Account, PlanName
from fluxsync.sandbox.app import create_app
from fluxsync.sandbox.assets import Order
from fluxsync.sandbox.errors import SandboxError
from fluxsync.sandbox.model import UserSpec
from fluxsync.sandbox.request_log import RequestLog, RequestRecord
from fluxsync.sandbox.store import Store

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication

Middleware = Callable[["WSGIApplication"], "WSGIApplication"]


class _Channel(HTTPChannel):  # type: ignore[misc]
    """A connection that drops the body of a request that never became complete."""

    def handle_close(self) -> None:
        """Close the connection and the temporary file of what it had received so far."""
        if self.request is not None:
            self.request.close()
        super().handle_close()


class Sandbox:
    """A running server, from its creation to `close()`; as a context manager it closes itself.

    `store` is the account itself, for tests that prepare or inspect it; `requests` what was asked so far.
    """

    def __init__(
        self,
        data: Path,
        port: int = 0,
        username: str = "demo",
        password: str = "demo",
        plan: PlanName = "versions",
        quota_bytes: int = DEFAULT_QUOTA_BYTES,
        users: Iterable[UserSpec] = (),
        request_log: Path | None = None,
        threads: int = 16,
        *,
        host: str = "127.0.0.1",
        subdomain: str = "sandbox",
        order: Order = "newest",
        clock: Callable[[], float] | None = None,
        middleware: Middleware | None = None,
    ) -> None:
        """Open the account in `data` and serve it in a thread of its own; port 0 picks a free one.

        The user `username` holds the account; `users` are further ones. With a `clock`, all times and the
        Date header follow it. `middleware` may wrap the application, for example to make it fail.
        Raises SandboxError where the port is taken or the folder is in use.
        """
        account = Account(subdomain=subdomain, plan=PLANS[plan], quota_bytes=quota_bytes)
        now = clock or time.time
        with _said_plainly(), ExitStack() as undo:
            self._log = RequestLog(now, request_log)
            undo.callback(self._log.close)
            self.store = Store(data, account, now, order)
            undo.callback(self.store.close)
            for user in (UserSpec(username, password), *users):
                self.store.users.save(user)
            application = create_app(self.store, own_clock=clock is not None)
            if middleware is not None:
                application = middleware(application)
            self._server = _listen(self._log.wrapped(application), host, port, threads)
            undo.pop_all()
        self.port = int(self._server.effective_port)
        self.url = f"http://{f'[{host}]' if ':' in host else host}:{self.port}"
        self._closing = threading.Event()
        #: Held while the server is woken to close: it must not have closed its trigger by then.
        self._waking = threading.Lock()
        self._thread = threading.Thread(target=self._serve, name=f"sandbox-{self.port}", daemon=True)
        self._thread.start()

    def __enter__(self) -> "Sandbox":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @property
    def requests(self) -> list[RequestRecord]:
        """The records of the requests so far, oldest first."""
        return self._log.records()

    def clear_requests(self) -> None:
        """Forget the records so far."""
        self._log.clear()

    def configure(
        self, *, plan: PlanName | None = None, quota_bytes: int | None = None, api_enabled: bool | None = None
    ) -> None:
        """Change the account while the server runs."""
        account = self.store.account
        self.store.account = replace(
            account,
            plan=account.plan if plan is None else PLANS[plan],
            quota_bytes=account.quota_bytes if quota_bytes is None else quota_bytes,
            api_enabled=account.api_enabled if api_enabled is None else api_enabled,
        )

    def close(self) -> None:
        """Finish the requests in hand, then stop. Calling it twice is fine."""
        if self._closing.is_set():
            return
        with self._waking:
            self._closing.set()
            self._server.pull_trigger()
        self._thread.join()
        self._log.close()
        self.store.close()

    def _serve(self) -> None:
        server = self._server
        while not self._closing.is_set():
            wasyncore.loop(timeout=30, use_poll=True, map=server._map, count=1)
        with self._waking:
            pass
        server.task_dispatcher.shutdown()
        for channel in list(server.active_channels.values()):
            channel.handle_close()
        server.close()


@contextmanager
def _said_plainly() -> Iterator[None]:
    """Turn trouble with a file or folder into a message for the person who starts the server."""
    try:
        yield
    except OSError as error:
        raise SandboxError(f"cannot use {error.filename}: {error.strerror}") from error


def _listen(application: "WSGIApplication", host: str, port: int, threads: int) -> Any:
    # A pool that is busy is no news here, and waitress would say so on stderr for each request.
    logging.getLogger("waitress.queue").setLevel(logging.ERROR)
    # Bound here: waitress starts its threads first, and would leave them behind where the port is taken.
    listening = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET)
    try:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind((host, port))
        listening.listen(1024)
        server = create_server(
            application,
            sockets=[listening],
            threads=threads,
            connection_limit=1000,
            max_request_body_size=2**63,
            recv_bytes=2**16,
            clear_untrusted_proxy_headers=False,
        )
        server.channel_class = _Channel
        return server
    except OSError as error:
        listening.close()
        if error.errno != errno.EADDRINUSE:
            raise SandboxError(f"cannot listen on {host} port {port}: {error.strerror}") from error
        raise SandboxError(
            f"port {port} is taken: choose another with --port, or --port 0 for a free one"
        ) from error


def run(
    data: Path,
    port: int = 8787,
    username: str = "demo",
    password: str = "demo",
    plan: PlanName = "versions",
    quota_bytes: int = DEFAULT_QUOTA_BYTES,
    request_log: Path | None = None,
    host: str = "127.0.0.1",
) -> None:
    """Serve until SIGINT or SIGTERM; print `READY http://HOST:PORT` when it listens.

    Raises SandboxError where it cannot start.
    """
    stop = threading.Event()

    def request_stop(number: int, frame: FrameType | None) -> None:
        stop.set()

    before = {number: signal.signal(number, request_stop) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        with Sandbox(
            data, port, username, password, plan, quota_bytes, (), request_log, host=host
        ) as sandbox:
            # waitress keeps large requests in temporary files: beside the data there is room for them.
            tempfile.tempdir = str(sandbox.store.blobs.incoming)
            print(f"READY {sandbox.url}", flush=True)
            stop.wait()
    finally:
        tempfile.tempdir = None
        for number, handler in before.items():
            signal.signal(number, handler)
