"""What is asked of the service: one question and its answer, or one download."""

from __future__ import annotations

import re

import httpx

from fluxsync.errors import Full, Unauthorized, Unavailable
from fluxsync.replica.fluxiom.addresses import follow, host_of, origin_of
from fluxsync.replica.fluxiom.answers import RIGHT, Passing, looks_like_html, refusal
from fluxsync.replica.fluxiom.download import FAILURES, Download, unreachable
from fluxsync.replica.fluxiom.endpoints import Answer, Endpoints
from fluxsync.replica.fluxiom.line import BUSY, Line
from fluxsync.replica.fluxiom.transfer import Pieces, Upload
from fluxsync.replica.fluxiom.turn import Turn

__all__ = ["Client", "Download"]

MOST_REDIRECTS = 5
_ONE_ASSET = re.compile(r"/assets/\d+\b")


class Client(Line, Endpoints):
    """One account behind one pooled keep-alive HTTP/1.1 client, shared by all threads.

    `requests`, `bytes_up` and `bytes_down` count.
    Every method raises `Unavailable`, `Unauthorized`, `Rejected`, `Stale` or `Full`; after one 401 all
    raise `Unauthorized` without a request, so that retries cannot lock an account out.
    """

    def download(self, asset_id: int) -> Download:
        """Open the current content of an asset as a stream, which the caller closes."""
        what = f"download asset {asset_id}"
        return self._reads(self._open, f"{self.url}/api/assets/download/{asset_id}", what)

    def _exchange(
        self, method: str, path: str, what: str, *, body: bytes | Upload = b"", may_miss: bool = False
    ) -> Answer:
        headers = self._headers.copy()
        upload = body if isinstance(body, Upload) else None
        if upload is not None:
            headers.update({"Content-Type": upload.content_type, "Content-Length": str(upload.length)})
        elif body:
            headers["Content-Type"] = "application/x-www-form-urlencoded"
        streamed = upload is not None and not upload.small
        content: bytes | Upload | Pieces = body
        if upload is not None and not streamed:
            content = upload.whole()
        request = httpx.Request(method, f"{self.url}/api/{path}", content=content or None, headers=headers)
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
        of_one = _ONE_ASSET.search(response.request.url.path) is not None
        error = refusal(
            status, body, what, write=write, has_right=self.has_right, of_one=of_one, hide=self._hide
        )
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
