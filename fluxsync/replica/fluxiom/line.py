"""One account's connection: a request in its turn, what its answer means, and what may be repeated.

The password goes to the configured origin and nowhere else. Reads are repeated; a write is repeated only
where it certainly left nothing (it was never sent, or the service answered 429 or 503).
"""

from __future__ import annotations

import base64
import sys
import threading
import time
from collections.abc import Callable
from datetime import datetime
from functools import partial
from urllib.parse import quote

import httpx
import tenacity

from fluxsync.errors import Unauthorized
from fluxsync.replica.fluxiom.addresses import read_origin
from fluxsync.replica.fluxiom.answers import Passing, is_elsewhere
from fluxsync.replica.fluxiom.bodies import MOST_REASON_BYTES, contained
from fluxsync.replica.fluxiom.connections import connect
from fluxsync.replica.fluxiom.download import FAILURES, is_answer, out_of_reach, unreachable
from fluxsync.replica.fluxiom.gate import Gate, parse_date, parse_retry_after
from fluxsync.replica.fluxiom.silence import Silence
from fluxsync.replica.fluxiom.throttle import Throttle
from fluxsync.replica.fluxiom.transfer import Upload
from fluxsync.replica.fluxiom.turn import Turn

__all__ = ["BUSY", "Line"]

TRIES = 4
#: Seconds of silence after which an account is given up.
PATIENCE_S = 60.0
#: What asks for a pause; certainly nothing was done.
BUSY = frozenset({429, 503})
#: Whoever said something so short a time ago is no account that does not answer.
_SIGN_OF_LIFE_S = 1.0


class Line:
    """One pooled keep-alive HTTP/1.1 client for one account, shared by all threads.

    `requests`, `bytes_up` and `bytes_down` count. After one 401 everything raises `Unauthorized` without a
    request, so that retries cannot lock an account out.
    """

    def __init__(
        self,
        url: str,
        username: str,
        password: str,
        *,
        connections: int = 8,
        timeout_s: float = 60,
        ca_file: str = "",
        allow_http: bool = False,
        user_agent: str = "fluxsync",
        upload_limit: float | None = None,
        download_limit: float | None = None,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._origin = read_origin(url, allow_http=allow_http)
        self.url = url.rstrip("/")
        self.connections = connections
        self._clock = clock
        self._sleep = sleep
        token = base64.b64encode(f"{username}:{password}".encode()).decode()
        self._credentials = {"Authorization": f"Basic {token}"}
        #: What a service must not put into our mouth by repeating it in an answer.
        self._secrets = [
            text for text in (token, password, quote(password, safe=""), quote(password)) if len(text) > 3
        ]
        headers = {"User-Agent": user_agent}
        self._connect = partial(
            connect, width=connections, timeout_s=timeout_s, ca_file=ca_file, headers=headers
        )
        self._http = self._connect(tls=self._origin.scheme == "https", local=self._origin.is_loopback)
        #: What each question has, put together once.
        self._headers = httpx.Headers({**self._http.headers, **self._credentials})
        self._elsewhere: httpx.Client | None = None
        self._gate = Gate(connections, clock, sleep)
        self._silence = Silence(clock)
        #: Whoever waits longer for each single answer waits as long for the account.
        self._patience_s = max(PATIENCE_S, timeout_s)
        self._answered = False
        self._up = Throttle(upload_limit, clock, sleep)
        self._down = Throttle(download_limit, clock, sleep)
        self._lock = threading.Lock()
        self._refused = ""
        self._reads = self._repeated(lambda error: isinstance(error, Passing))
        self._writes = self._repeated(lambda error: isinstance(error, Passing) and error.unsent)
        self.requests = 0
        self.bytes_up = 0
        self.bytes_down = 0
        self._date = ""

    def __repr__(self) -> str:
        return f"Client({self.url!r})"

    @property
    def width(self) -> int:
        """How many requests the service takes at a time, as far as its answers show."""
        return self._gate.width

    @property
    def idle_s(self) -> float:
        """Seconds in which the account was asked, no answer came and no byte moved."""
        return self._silence.seconds

    @property
    def asked_s(self) -> float:
        """For how many seconds yet the service has asked to be left alone."""
        return self._gate.asked_s

    def stay_away(self, seconds: float) -> None:
        """Ask nothing for as long as the service wanted of an earlier run."""
        self._gate.stay_away(seconds)

    @property
    def server_date(self) -> datetime | None:
        """The service's clock at its last answer."""
        return parse_date(self._date)

    def close(self) -> None:
        self._http.close()
        if self._elsewhere:
            self._elsewhere.close()

    def _repeated(self, worth: Callable[[BaseException], bool]) -> tenacity.Retrying:
        return tenacity.Retrying(
            retry=tenacity.retry_if_exception(worth),
            stop=self._is_enough,
            wait=tenacity.wait_exponential(multiplier=0.5, max=8) + tenacity.wait_random(0, 0.5),
            sleep=self._sleep,
            reraise=True,
        )

    def _is_enough(self, state: tenacity.RetryCallState) -> bool:
        """Give up after some tries; an account that answered before has longer to come back."""
        if self.idle_s > self._patience_s:
            return True
        return state.attempt_number >= TRIES and not (self._answered and self.idle_s > _SIGN_OF_LIFE_S)

    def _send(
        self, http: httpx.Client, request: httpx.Request, what: str, upload: Upload | None = None
    ) -> httpx.Response:
        """Make one request, in its turn, up to the head of the answer."""
        if self._refused:
            raise Unauthorized(self._refused)
        with self._lock:
            self.requests += 1
        try:
            response = http.send(request, stream=True)
        except (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout) as error:
            out_of_reach(self.url if http is self._http else f"at {request.url.host}", error)
        except FAILURES as error:
            if is_answer(error):
                self._silence.moved()
            unreachable(what, error, unsent=upload is not None and not upload.last_left, hide=self._hide)
        if http is self._http:
            self._date = response.headers.get("Date", self._date)
        return response

    def _hide(self, text: str) -> str:
        for secret in self._secrets:
            text = text.replace(secret, "***")
        return text

    def _read(self, response: httpx.Response, turn: Turn, what: str, *, unsent: bool) -> bytes:
        """Return the whole answer, of a refusal the beginning; bytes that come are progress, unless they
        only say "not now"."""
        body = bytearray()
        most = MOST_REASON_BYTES if response.status_code >= 300 else sys.maxsize
        is_one = response.status_code not in BUSY and not is_elsewhere(response.status_code, response.headers)
        try:
            for block in contained(response.iter_raw(), response.headers.get("Content-Encoding", ""), what):
                body += block
                self._count(len(block))
                if is_one:
                    turn.moved()
                if len(body) >= most:
                    break
        except FAILURES as error:
            unreachable(what, error, unsent=unsent, hide=self._hide)
        finally:
            response.close()
        return bytes(body)

    def _note(
        self,
        response: httpx.Response,
        turn: Turn,
        body: bytes = b"",
        *,
        download: bool = False,
        password: bool = True,
    ) -> None:
        """Note what an answer means for every other request, before any of them may leave."""
        status = response.status_code
        if status == 401 and password:
            # One refusal is enough: an account must not be locked out by retries.
            self._refused = "the service refuses user name or password (401); check them, then start again"
        elif status in BUSY:
            headers = response.headers
            turn.refused(parse_retry_after(headers.get("Retry-After", ""), headers.get("Date", "")))
        elif download or not is_elsewhere(status, response.headers, body):
            turn.answered()
            self._answered = True

    def _leaving(self, count: int) -> None:
        self._up.take(count)
        with self._lock:
            self.bytes_up += count
        self._silence.moved()

    def _count(self, count: int) -> None:
        with self._lock:
            self.bytes_down += count

    def _received(self, count: int) -> None:
        self._count(count)
        self._silence.moved()
        self._down.take(count)
