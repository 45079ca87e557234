"""A record of each request, for tests that count them and for people who want to see what a client does."""

import json
import threading
from collections import deque
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO, TypedDict

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

#: Where the application leaves the name of the request's user.
USER_KEY = "fluxsync.sandbox.user"

_KEPT = 100_000


class RequestRecord(TypedDict):
    """One request; `time` in seconds since 1970, sizes of the bodies in bytes, `user` empty before login."""

    time: float
    method: str
    path: str
    query: str
    status: int
    bytes_in: int
    bytes_out: int
    user: str
    user_agent: str


class RequestLog:
    """Keeps the last records and, where a file is named, writes all of them to it, one JSON object a line."""

    def __init__(self, clock: Callable[[], float], file: Path | None = None) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._records: deque[RequestRecord] = deque(maxlen=_KEPT)
        self._file: TextIO | None = None
        if file is not None:
            file.parent.mkdir(parents=True, exist_ok=True)
            self._file = file.open("a", encoding="utf-8")

    def records(self) -> list[RequestRecord]:
        """Return the records so far, oldest first."""
        with self._lock:
            return list(self._records)

    def clear(self) -> None:
        """Forget the records so far; the file keeps them."""
        with self._lock:
            self._records.clear()

    def close(self) -> None:
        """Close the file. Calling it twice is fine."""
        with self._lock:
            if self._file is not None:
                self._file.close()
                self._file = None

    def _add(self, record: RequestRecord) -> None:
        with self._lock:
            self._records.append(record)
            if self._file is not None:
                self._file.write(json.dumps(record, ensure_ascii=False) + "\n")
                self._file.flush()

    def wrapped(self, application: "WSGIApplication") -> "WSGIApplication":
        """Return the application with each of its requests recorded before the answer leaves."""

        def recorded(environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
            path = _decoded(environ.get("PATH_INFO", ""))

            def start(status: str, headers: list[tuple[str, str]], *rest: Any) -> Callable[[bytes], object]:
                sent = next((value for name, value in headers if name.lower() == "content-length"), "0")
                self._add(
                    {
                        "time": self._clock(),
                        "method": environ["REQUEST_METHOD"],
                        "path": path,
                        "query": environ.get("QUERY_STRING", ""),
                        "status": int(status[:3]),
                        "bytes_in": int(environ.get("CONTENT_LENGTH") or 0),
                        "bytes_out": int(sent),
                        "user": environ.get(USER_KEY, ""),
                        "user_agent": environ.get("HTTP_USER_AGENT", ""),
                    }
                )
                return start_response(status, headers, *rest)

            return application(environ, start)

        return recorded


def _decoded(path: str) -> str:
    return path.encode("latin-1").decode("utf-8", "replace")
