"""The socket of a running service: takes what commands ask for, and hands it to the service.

One request a connection, one JSON object a line:

    {"v": 1, "do": "perform", "task": {"verb": "resolve", "args": {...}}}
    {"v": 1, "do": "sync" | "pause" | "resume" | "status"}

The answer is any number of lines that say how it goes, and a last one:

    {"phase": "looking at both sides"}
    {"plan": {"operations": 3, "up": 1000, "down": 0}}
    {"steps": [{"action": "create", "path": "a.txt"}], "done": 1, "bytes": 1000}
    {"outcome": {"code": 0, "document": {...}, "told": {...}}}
    {"error": {"kind": "Locked", "message": "..."}}

Whoever asks may go away at any time: what was begun goes on.
"""

from __future__ import annotations

import selectors
import socket
import threading
import time
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Any

import structlog

from fluxsync.engine.address import is_ours, listening, socket_path
from fluxsync.engine.lines import Lines
from fluxsync.engine.onlooker import watcher_for
from fluxsync.engine.relay import Relay
from fluxsync.engine.service import Outcome, Service, Task, Verb
from fluxsync.engine.wire import VERSION, decoded, encoded
from fluxsync.errors import ConfigError, FluxsyncError, Unavailable

__all__ = ["Control"]

#: Connections at one time: more are refused.
_MOST = 32
#: Seconds in which a request has to come, and those that answers have at the end.
_REQUEST_S = 10.0
_LAST_S = 2.0
#: Seconds until the next try where the system has no more files to open.
_AGAIN_S = 1.0


class Control:
    """Listens from `start` to `close`, in threads of its own that sleep until somebody asks."""

    def __init__(self, service: Service, journal_path: Path, *, request_s: float = _REQUEST_S) -> None:
        self._service = service
        self._journal_path = journal_path
        self._request_s = request_s
        self._open: dict[socket.socket, threading.Thread] = {}
        self._lock = threading.Lock()
        self._listener: socket.socket | None = None
        self._bound: tuple[int, int] = (0, 0)
        self._thread = threading.Thread(target=self._accept, name="control", daemon=True)
        self._log = structlog.get_logger("fluxsync.control")

    def start(self) -> None:
        """Listen. The pair's lock must be held. Raises `ConfigError` where no socket can be made."""
        path = socket_path(self._journal_path)
        try:
            self._listener = listening(self._journal_path)
            self._bound = _identity(path)
        except OSError as error:
            raise ConfigError(
                f"no command reaches this service: {path} cannot be made ({error.strerror}):"
                " set [journal] path to a place on a local disk"
            ) from None
        self._ours, self._theirs = socket.socketpair()
        self._thread.start()

    def close(self) -> None:
        """Take nothing more, let the answers that are ready go out, and be gone from the disk."""
        if self._listener is None:
            return
        path = socket_path(self._journal_path)
        with suppress(OSError):
            if _identity(path) == self._bound:
                path.unlink()
        self._theirs.send(b"x")
        self._thread.join()
        self._listener.close()
        self._listener = None
        until = time.monotonic() + _LAST_S
        with self._lock:
            left = dict(self._open)
        for thread in left.values():
            thread.join(max(0.0, until - time.monotonic()))
        with self._lock:
            for sock in self._open:
                with suppress(OSError):
                    sock.shutdown(socket.SHUT_RDWR)
        self._ours.close()
        self._theirs.close()

    def __enter__(self) -> Control:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    # -- the threads -----------------------------------------------------------------------------------

    def _accept(self) -> None:
        assert self._listener is not None
        self._listener.setblocking(False)
        with selectors.DefaultSelector() as selector:
            selector.register(self._listener, selectors.EVENT_READ)
            selector.register(self._ours, selectors.EVENT_READ)
            while not any(key.fileobj is self._ours for key, _ in selector.select()):
                try:
                    sock, _ = self._listener.accept()
                except (BlockingIOError, ConnectionError):
                    continue  # whoever asked has gone already
                except OSError as error:
                    self._log.warning("no command can be heard", reason=str(error))
                    self._wait()  # too many files are open: that may pass, and must not be a busy loop
                    continue
                self._take(sock)

    def _wait(self) -> None:
        """Wait a while, or until the end."""
        self._ours.settimeout(_AGAIN_S)
        with suppress(TimeoutError):
            self._ours.recv(1, socket.MSG_PEEK)

    def _take(self, sock: socket.socket) -> None:
        sock.setblocking(True)
        thread = threading.Thread(target=self._converse, args=(sock,), name="command", daemon=True)
        with self._lock:
            refused = len(self._open) >= _MOST
            if not refused:
                self._open[sock] = thread
        if refused:
            sock.settimeout(0)
            with suppress(OSError):
                Lines(sock).write(_error("Unavailable", "too many commands at once: try again"))
            sock.close()
        else:
            thread.start()

    def _converse(self, sock: socket.socket) -> None:
        """Hear one request and answer it, whatever it is."""
        try:
            if is_ours(sock):
                self._answer(Lines(sock), sock)
        except OSError:
            pass  # whoever asked has gone
        finally:
            with self._lock:
                self._open.pop(sock, None)
            sock.close()

    def _answer(self, lines: Lines, sock: socket.socket) -> None:
        try:
            request = lines.read(time.monotonic() + self._request_s)
        except TimeoutError:
            return
        except ValueError as error:
            lines.write(_error("Request", f"this is no request: {error}"))
            return
        sock.settimeout(None)
        if request is None:
            return
        try:
            last: dict[str, object] = {"outcome": encoded(self._done(request, lines))}
        except FluxsyncError as error:
            more = {"retry_after_s": error.retry_after_s} if isinstance(error, Unavailable) else {}
            last = _error(type(error).__name__, str(error), **more)
        except ValueError as error:
            last = _error("Request", f"this is no request: {error}")
        except Exception as error:
            self._log.error("a fault at a command", exc_info=error)
            last = _error(
                "Fault", f"the service met a fault of its own ({type(error).__name__}): see its log"
            )
        try:
            lines.write(last)
        except ValueError as error:
            lines.write(_error("Fault", f"the answer cannot be sent: {error}"))

    def _done(self, request: dict[str, Any], lines: Lines) -> Outcome:
        """Do what is asked. Raises `ValueError` for what nobody can ask."""
        if request.get("v") != VERSION:
            raise ValueError("the service speaks another version: restart it, so that both are one release")
        match request.get("do"):
            case "status":
                return Outcome(0, encoded(self._service.status()))
            case "pause":
                self._service.pause()
                return Outcome(0, {"paused": True})
            case "resume":
                self._service.resume()
                return Outcome(0, {"paused": False})
            case "sync":
                task = Task(Verb.SYNC)
            case "perform":
                task = decoded(Task, request.get("task"))
            case _:
                raise ValueError("`do` names nothing that a service does")
        with Relay(lines) as relay:
            try:
                return self._service.perform(task, watcher_for(relay.onlooker))
            except ValueError as error:
                # Not of the request: that was understood.
                raise RuntimeError(str(error)) from error


def _error(kind: str, message: str, **more: object) -> dict[str, object]:
    return {"error": {"kind": kind, "message": message} | more}


def _identity(path: Path) -> tuple[int, int]:
    found = path.lstat()
    return found.st_dev, found.st_ino
