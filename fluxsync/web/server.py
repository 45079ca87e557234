"""Listens on this machine only: a thread that moves bytes, a few that answer, and none that wakes at rest."""

from __future__ import annotations

import errno
import ipaddress
import logging
import socket
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from waitress import create_server, wasyncore  # type: ignore[import-untyped]

from fluxsync import logs
from fluxsync.engine.service import Service
from fluxsync.errors import ConfigError, FluxsyncError
from fluxsync.web.app import create_app
from fluxsync.web.token import kept_token

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication

__all__ = ["Web"]

_THREADS = 4
#: Of the threads, those that may wait for a command; the others answer meanwhile.
_MOST_WAITING = 2
#: Seconds that requests in hand are given when the server stops, and then all of it.
_GRACE_S = 0.4
_STOPS_WITHIN_S = 0.9
#: Seconds between looks for connections that were left open; at rest there is none, and no look.
_LOOK_S = 30.0


class Web:
    """The HTTP interface of a service, from `start` to `stop`; each is called once."""

    def __init__(self, service: Service, host: str, port: int, token_file: Path) -> None:
        """Port 0 picks a free one; `token_file` is the journal's (`token_path`), under whose lock this is."""
        self._service = service
        self._host = host
        self._port = port
        self._token_file = token_file
        self._server: Any = None
        self._closing = threading.Event()
        self._closed = threading.Event()
        #: Held while the server is woken to close: it must not have closed its trigger by then.
        self._waking = threading.Lock()
        #: Where it is reached; "" while it is not.
        self.url = ""

    def start(self) -> bool:
        """Listen and answer, from threads of its own; where that cannot be, say why in one line and return
        False: the sync goes on without."""
        log = logs.get(__name__)
        try:
            listening = _listening(self._host, self._port)
            try:
                token = kept_token(self._token_file)
            except ConfigError:
                listening.close()
                raise
        except FluxsyncError as error:
            log.warning("no HTTP interface, the sync goes on without", reason=str(error))
            return False
        logs.hide(token)
        port = int(listening.getsockname()[1])
        app = create_app(self._service, token, port, self._host, most_waiting=_MOST_WAITING)
        self._server = _server(app, listening)
        threading.Thread(target=self._serve, name=f"web-{port}", daemon=True).start()
        self.url = f"http://{f'[{self._host}]' if ':' in self._host else self._host}:{port}"
        log.info("HTTP interface", url=self.url)
        return True

    def stop(self) -> None:
        """Take no more requests, finish those in hand that do not wait for a command, and close, within a
        second; who waits for a command sees the connection closed."""
        with self._waking:
            if self._server is None or self._closing.is_set():
                return
            self._closing.set()
            self._server.pull_trigger()
        self._closed.wait(_STOPS_WITHIN_S)
        self.url = ""

    def _serve(self) -> None:
        server = self._server
        grace_s = _GRACE_S
        try:
            while not self._closing.is_set():
                # With none but the trigger and the listening socket there is nothing to look for.
                quiet = len(server._map) <= 2
                wasyncore.loop(timeout=None if quiet else _LOOK_S, use_poll=True, map=server._map, count=1)
        except Exception as error:
            logs.get(__name__).error("the HTTP interface has stopped, the sync goes on", exc_info=error)
            grace_s = 0.0
        with self._waking:
            self._closing.set()
        wasyncore.dispatcher.close(server)
        _finish(server, time.monotonic() + grace_s)
        self._closed.set()
        _bury(server)


def _listening(host: str, port: int) -> socket.socket:
    """Return a socket that listens. Raises `ConfigError` where it cannot, or would be open to others."""
    where = f"[web] port = {port}"
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        if not ipaddress.ip_address(address[0]).is_loopback:
            raise ConfigError(f'[web] host = "{host}" is not this machine alone: write 127.0.0.1')
        listening = socket.socket(family, kind, protocol)
        try:
            # A service that restarts takes its port up again at once.
            listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listening.bind(address)
            listening.listen(16)
        except OSError:
            listening.close()
            raise
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            raise ConfigError(f"{where} is taken on {host}: write another one") from error
        raise ConfigError(
            f"{where}: cannot listen on {host} ({error.strerror}): write another one"
        ) from error
    return listening


def _server(application: WSGIApplication, listening: socket.socket) -> Any:
    # A pool that is busy is no news here: those that wait are counted in the application.
    logging.getLogger("waitress.queue").setLevel(logging.ERROR)
    return create_server(
        application,
        sockets=[listening],
        threads=_THREADS,
        connection_limit=50,
        channel_timeout=60,
        cleanup_interval=_LOOK_S,
        # The application refuses what is too large, in its own words; this bounds what is read before.
        max_request_body_size=262_144,
        max_request_header_size=16_384,
        ident="",
        log_socket_errors=False,
    )


def _finish(server: Any, until: float) -> None:
    """Let requests in hand be answered until then, and close all connections."""
    while True:
        for channel in list(server.active_channels.values()):
            if not channel.requests and not channel.total_outbufs_len:
                channel.handle_close()
        left_s = until - time.monotonic()
        if not server.active_channels or left_s <= 0:
            break
        wasyncore.loop(timeout=left_s, use_poll=True, map=server._map, count=1)
    for channel in list(server.active_channels.values()):
        channel.handle_close()


def _bury(server: Any) -> None:
    """Wait for the last thread that answers, however long it waits for a command, and close the trigger.

    Threads write a byte to the trigger when they are done: closed before that, its number could be that of
    another file, the journal, say.
    """
    dispatcher = server.task_dispatcher
    dispatcher.set_thread_count(0)
    with dispatcher.lock:
        while dispatcher.threads:
            dispatcher.thread_exit_cv.wait()
    server.trigger.close()
