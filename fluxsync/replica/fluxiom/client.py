"""The connection to the service: the only module that knows httpx.

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

from fluxsync.errors import Full, Unauthorized, Unavailable
from fluxsync.replica.fluxiom.addresses import follow, host_of, origin_of, read_origin
from fluxsync.replica.fluxiom.answers import RIGHT, Passing, is_elsewhere, looks_like_html, refusal
from fluxsync.replica.fluxiom.bodies import MOST_REASON_BYTES, contained
from fluxsync.replica.fluxiom.connections import connect
from fluxsync.replica.fluxiom.download import FAILURES, Download, is_answer, out_of_reach, unreachable
from fluxsync.replica.fluxiom.endpoints import Answer, Endpoints
from fluxsync.replica.fluxiom.gate import Gate, parse_date, parse_retry_after
from fluxsync.replica.fluxiom.silence import Silence
from fluxsync.replica.fluxiom.throttle import Throttle
from fluxsync.replica.fluxiom.transfer import Pieces, Upload
from fluxsync.replica.fluxiom.turn import Turn

__all__ = ["Client", "Download"]

TRIES = 4
#: Seconds of silence after which an account is given up.
PATIENCE_S = 60.0
#: What asks for a pause; certainly nothing was done.
BUSY = frozenset({429, 503})
MOST_REDIRECTS = 5
#: Whoever said something so short a time ago is no account that does not answer.
_SIGN_OF_LIFE_S = 1.0


class Client(Endpoints):
    """One account behind one pooled keep-alive HTTP/1.1 client, shared by all threads.

    `requests`, `bytes_up` and `bytes_down` count.
    Every method raises `Unavailable`, `Unauthorized`, `Rejected`, `Stale` or `Full`; after one 401 all
    raise `Unauthorized` without a request, so that retries cannot lock an account out.
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

    def download(self, asset_id: int) -> Download:
        """Open the current content of an asset as a stream, which the caller closes."""
        what = f"download asset {asset_id}"
        return self._reads(self._open, f"{self.url}/api/assets/download/{asset_id}", what)

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

    def _exchange(
        self, method: str, path: str, what: str, *, body: bytes | Upload = b"", may_miss: bool = False
    ) -> Answer:
        headers = dict(self._credentials)
        upload = body if isinstance(body, Upload) else None
        if upload is not None:
            headers |= {"Content-Type": upload.content_type, "Content-Length": str(upload.length)}
        elif body:
            headers["Content-Type"] = "application/x-www-form-urlencoded"
        streamed = upload is not None and not upload.small
        content: bytes | Upload | Pieces = body
        if upload is not None and not streamed:
            content = upload.whole()
        request = self._http.build_request(
            method, f"{self.url}/api/{path}", content=content or None, headers=headers
        )
        if streamed:  # content is read once: whoever wants it repeated opens it again
            return self._once(request, what, upload, may_miss)
        patience = self._reads if method == "GET" else self._writes
        return patience(self._once, request, what, None, may_miss)

    def _once(self, request: httpx.Request, what: str, upload: Upload | None, may_miss: bool) -> Answer:
        with Turn(self._gate, self._silence) as turn:
            response = self._send(self._http, request, what, upload)
            body = self._read(response, turn, what, unsent=upload is not None and not upload.last_left)
            self._note(response, turn, body)
        if not (may_miss and response.status_code == 404):
            write = request.method != "GET"
            length = int(request.headers.get("Content-Length", 0))
            self._judge(response, body, turn, what, write=write, length=length)
            if looks_like_html(response.headers.get("Content-Type", ""), body):
                raise Unavailable(f"offline: a login page answered instead of the service ({what})")
        return Answer(response.status_code, body)

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

    def _judge(
        self,
        response: httpx.Response,
        body: bytes,
        turn: Turn,
        what: str,
        *,
        write: bool,
        length: int = 0,
    ) -> None:
        status = response.status_code
        if 200 <= status < 300:
            return
        if status == 401:
            raise Unauthorized(self._refused)
        if status in BUSY:
            raise Passing(
                f"the service is busy ({status}), next try in {turn.pause_s:.0f} s",
                retry_after_s=turn.pause_s,
                unsent=True,
            )
        if 300 <= status < 400:
            host = host_of(response.headers.get("Location", "")) or "another page"
            raise Unavailable(f"offline: {what} was redirected to {host}: a login page, or the wrong URL")
        if status == 507:
            raise Full(f"cannot {what}: the account is full")
        error = refusal(status, body, what, write=write, has_right=self.has_right, hide=self._hide)
        raise self._too_large(length, error) if status == 413 else error

    def _open(self, url: str, what: str) -> Download:
        target = url
        for _ in range(MOST_REDIRECTS):
            ours = origin_of(target) == self._origin
            headers = {"Accept-Encoding": "identity", **(self._credentials if ours else {})}
            http = self._http if ours else self._stranger()
            try:
                request = http.build_request("GET", target, headers=headers)
            except FAILURES as error:
                unreachable(what, error, unsent=True)
            turn = Turn(self._gate, self._silence)
            try:
                response = self._send(http, request, what)
                # How a read-only user's download fails is not documented: 401 may not speak of the password.
                password = ours and self.has_right is not False
                if ours:
                    self._note(response, turn, download=True, password=password)
                else:
                    turn.answered()
                if 200 <= response.status_code < 300:
                    return Download(response, self._received, what, turn)
                body = self._read(response, turn, what, unsent=True)
            except BaseException:
                turn.end()
                raise
            turn.end()
            if not 300 <= response.status_code < 400 or not response.headers.get("Location"):
                if not ours:
                    # Whoever that is speaks neither of the password nor of the account.
                    raise Passing(
                        f"cannot {what}: {host_of(target)}, where it lies, says {response.status_code}"
                    )
                if response.status_code == 401 and not password:
                    raise Unauthorized(f"the user may not {what}: the right {RIGHT} is needed")
                self._judge(response, body, turn, what, write=True)
                raise Unavailable(f"cannot {what}: an answer without content ({response.status_code})")
            target = follow(target, response.headers["Location"], what)
        raise Unavailable(f"cannot {what}: redirected more than {MOST_REDIRECTS} times")

    def _stranger(self) -> httpx.Client:
        with self._lock:
            if self._elsewhere is None:
                self._elsewhere = self._connect(tls=True)
            return self._elsewhere

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
