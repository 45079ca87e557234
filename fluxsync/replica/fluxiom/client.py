"""The connection to the service: the only module that knows httpx.

The password goes to the configured origin and nowhere else. Reads are repeated; a write is repeated only
where it certainly left nothing (it was never sent, or the service answered 429 or 503).
"""

from __future__ import annotations

import base64
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from datetime import datetime
from typing import NoReturn

import httpx
import tenacity
import truststore

from fluxsync.errors import Full, Unauthorized, Unavailable
from fluxsync.replica.fluxiom.addresses import follow, host_of, origin_of, read_origin
from fluxsync.replica.fluxiom.answers import RIGHT, Passing, looks_like_html, refusal
from fluxsync.replica.fluxiom.endpoints import Answer, Endpoints
from fluxsync.replica.fluxiom.gate import Gate, parse_date, parse_retry_after
from fluxsync.replica.fluxiom.throttle import Throttle
from fluxsync.replica.fluxiom.transfer import Upload

__all__ = ["Client", "Download"]

TRIES = 4
MOST_REDIRECTS = 5


class Client(Endpoints):
    """One account behind one pooled keep-alive HTTP/1.1 client, shared by all threads.

    `requests`, `bytes_up` and `bytes_down` count; `last_progress` is the clock at the last byte that moved.
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
        self._ca_file = ca_file
        self._clock = clock
        self._sleep = sleep
        self._timeout = httpx.Timeout(timeout_s, pool=None)
        token = base64.b64encode(f"{username}:{password}".encode()).decode()
        self._credentials = {"Authorization": f"Basic {token}"}
        self._headers = {"User-Agent": user_agent}
        self._http = self._connect(tls=self._origin.scheme == "https", local=self._origin.is_loopback)
        self._elsewhere: httpx.Client | None = None
        self._gate = Gate(connections, clock, sleep)
        self._up = Throttle(upload_limit, clock, sleep)
        self._down = Throttle(download_limit, clock, sleep)
        self._lock = threading.Lock()
        self._refused = ""
        self._reads = self._patience(lambda error: isinstance(error, Passing))
        self._writes = self._patience(lambda error: isinstance(error, Passing) and error.unsent)
        self.requests = 0
        self.bytes_up = 0
        self.bytes_down = 0
        self.last_progress = clock()
        self._date = ""

    def __repr__(self) -> str:
        return f"Client({self.url!r})"

    @property
    def width(self) -> int:
        """How many requests the service takes at a time, as far as its answers show."""
        return self._gate.width

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

    def _connect(self, *, tls: bool, local: bool = False) -> httpx.Client:
        # Reading the system's certificates takes longer than a request to a near service.
        context: ssl.SSLContext = (
            truststore.SSLContext(ssl.PROTOCOL_TLS_CLIENT) if tls else ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        )
        if tls and self._ca_file:
            context.load_verify_locations(cafile=self._ca_file)
        limits = httpx.Limits(
            max_connections=self.connections,
            max_keepalive_connections=self.connections,
            keepalive_expiry=15,
        )
        # The environment names proxies, and nothing else is taken from it; this machine needs none.
        return httpx.Client(
            verify=context,
            limits=limits,
            timeout=self._timeout,
            headers=self._headers,
            trust_env=not local,
        )

    def _patience(self, worth: Callable[[BaseException], bool]) -> tenacity.Retrying:
        return tenacity.Retrying(
            retry=tenacity.retry_if_exception(worth),
            stop=tenacity.stop_after_attempt(TRIES),
            wait=tenacity.wait_exponential(multiplier=0.5, max=8) + tenacity.wait_random(0, 0.5),
            sleep=self._sleep,
            reraise=True,
        )

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
        content = upload.whole() if upload is not None and not streamed else body
        request = self._http.build_request(
            method, f"{self.url}/api/{path}", content=content or None, headers=headers
        )
        if streamed:  # content is read once: whoever wants it repeated opens it again
            return self._once(request, what, upload, may_miss)
        patience = self._reads if method == "GET" else self._writes
        return patience(self._once, request, what, None, may_miss)

    def _once(self, request: httpx.Request, what: str, upload: Upload | None, may_miss: bool) -> Answer:
        response = self._send(self._http, request, what, upload)
        self._arrived(len(response.content))
        if may_miss and response.status_code == 404:
            self._gate.answered()
        else:
            write = request.method != "GET"
            length = int(request.headers.get("Content-Length", 0))
            self._judge(response, what, write=write, length=length)
            if looks_like_html(response.headers.get("Content-Type", ""), response.content):
                raise Unavailable(f"offline: a login page answered instead of the service ({what})")
        return Answer(response.status_code, response.content)

    def _send(
        self,
        http: httpx.Client,
        request: httpx.Request,
        what: str,
        upload: Upload | None = None,
        *,
        stream: bool = False,
    ) -> httpx.Response:
        with self._gate.passage():
            if self._refused:
                raise Unauthorized(self._refused)
            with self._lock:
                self.requests += 1
            try:
                response = http.send(request, stream=stream)
            except (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout) as error:
                _out_of_reach(self.url, error)
            except httpx.HTTPError as error:
                _unreachable(what, error, unsent=upload is not None and not upload.last_left)
        self._date = response.headers.get("Date", self._date)
        self._arrived(0)
        return response

    def _judge(self, response: httpx.Response, what: str, *, write: bool, length: int = 0) -> None:
        status = response.status_code
        if status == 401:
            # One refusal is enough: an account must not be locked out by retries.
            self._refused = "the service refuses user name or password (401); check them, then start again"
            raise Unauthorized(self._refused)
        if status in (429, 503):
            asked = parse_retry_after(
                response.headers.get("Retry-After", ""), response.headers.get("Date", "")
            )
            pause_s = self._gate.refused(asked)
            raise Passing(
                f"the service is busy ({status}), next try in {pause_s:.0f} s",
                retry_after_s=pause_s,
                unsent=True,
            )
        self._gate.answered()
        if 200 <= status < 300:
            return
        if 300 <= status < 400:
            host = host_of(response.headers.get("Location", "")) or "another page"
            raise Unavailable(f"offline: {what} was redirected to {host}: a login page, or the wrong URL")
        if status == 507:
            raise Full(f"cannot {what}: the account is full")
        error = refusal(status, response.content, what, write=write, has_right=self.has_right)
        raise self._too_large(length, error) if status == 413 else error

    def _open(self, url: str, what: str) -> Download:
        target = url
        for _ in range(MOST_REDIRECTS):
            ours = origin_of(target) == self._origin
            headers = {"Accept-Encoding": "identity", **(self._credentials if ours else {})}
            http = self._http if ours else self._stranger()
            request = http.build_request("GET", target, headers=headers)
            response = self._send(http, request, what, stream=True)
            if 200 <= response.status_code < 300:
                self._gate.answered()
                return Download(response, self._received, what)
            try:
                if not 300 <= response.status_code < 400 or not response.headers.get("Location"):
                    response.read()
                    self._judge_download(response, what, ours=ours)
                target = follow(target, response.headers["Location"], what)
            except httpx.HTTPError as error:
                _unreachable(what, error, unsent=True)
            finally:
                response.close()
        raise Unavailable(f"cannot {what}: redirected more than {MOST_REDIRECTS} times")

    def _judge_download(self, response: httpx.Response, what: str, *, ours: bool) -> None:
        # How a read-only user's download fails is not documented, so 401 does not speak of the password here.
        if response.status_code == 401 and (self.has_right is False or not ours):
            raise Unauthorized(f"the user may not {what}: the right {RIGHT} is needed")
        self._judge(response, what, write=True)
        raise Unavailable(f"cannot {what}: an answer without content ({response.status_code})")

    def _stranger(self) -> httpx.Client:
        with self._lock:
            if self._elsewhere is None:
                self._elsewhere = self._connect(tls=True)
            return self._elsewhere

    def _leaving(self, count: int) -> None:
        self._up.take(count)
        with self._lock:
            self.bytes_up += count
        self.last_progress = self._clock()

    def _arrived(self, count: int) -> None:
        with self._lock:
            self.bytes_down += count
        self.last_progress = self._clock()

    def _received(self, count: int) -> None:
        self._arrived(count)
        self._down.take(count)


class Download:
    """Content on its way from the account, in blocks as they arrive. Used by one thread, then closed."""

    def __init__(self, response: httpx.Response, received: Callable[[int], None], what: str) -> None:
        self._response = response
        self._received = received
        self._what = what
        length = response.headers.get("Content-Length", "")
        #: What the service announces, None where it does not.
        self.length = int(length) if length.isascii() and length.isdigit() else None
        self.is_html = "html" in response.headers.get("Content-Type", "").lower()

    def blocks(self) -> Iterator[bytes]:
        """Yield what arrives. Raises `Unavailable` when it breaks off."""
        try:
            for block in self._response.iter_raw():
                self._received(len(block))
                yield block
        except (httpx.HTTPError, httpx.StreamError) as error:
            _unreachable(self._what, error, unsent=True)

    def close(self) -> None:
        self._response.close()


def _out_of_reach(url: str, error: Exception) -> NoReturn:
    """Say that no connection was made, so nothing left."""
    reason = str(error) or type(error).__name__
    if "CERTIFICATE_VERIFY_FAILED" in reason:
        raise Unavailable(
            f"the service {url} is not trusted: {reason}; see remote.ca_file", unsent=True
        ) from None
    cure = "check remote.url and the network"
    raise Passing(f"the service {url} cannot be reached: {reason}: {cure}", unsent=True) from None


def _unreachable(what: str, error: Exception, *, unsent: bool) -> NoReturn:
    reason = str(error) or type(error).__name__
    if "CERTIFICATE_VERIFY_FAILED" in reason:
        raise Unavailable(f"cannot {what}: {reason}; see remote.ca_file", unsent=unsent) from None
    raise Passing(f"cannot {what}: {reason}", unsent=unsent) from None
