"""When an account is given up: only after silence, which whatever comes ends; and what a refusal stops."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import httpx
import pytest
import respx
from fluxiom_world import API, TAGS, URL, USER, XML, Bytes, Clock, asset_xml

from fluxsync.errors import Unauthorized, Unavailable
from fluxsync.replica.fluxiom.client import Client
from fluxsync.replica.fluxiom.silence import Silence


def test_time_in_which_nothing_was_asked_is_no_silence() -> None:
    clock = Clock()
    silence = Silence(clock)
    silence.asked()
    silence.ended(answered=True)
    clock.now += 3600
    assert silence.seconds == 0
    silence.asked()
    clock.now += 5
    silence.ended(answered=False)
    clock.now += 5
    assert silence.seconds == 10


def test_another_request_that_moves_ends_the_silence() -> None:
    clock = Clock()
    silence = Silence(clock)
    silence.asked()
    silence.asked()
    clock.now += 59
    silence.moved()
    clock.now += 7
    silence.ended(answered=False)
    assert silence.seconds == 7


def test_bytes_that_leave_are_progress_however_slowly(
    web: respx.Router, client: Client, clock: Clock
) -> None:
    silent: list[float] = []

    class Slow(Bytes):
        def blocks(self) -> Iterator[bytes]:
            for block in super().blocks():
                clock.now += 29  # the last block is withheld: two may be on their way
                silent.append(client.idle_s)
                yield block

    def take(request: httpx.Request) -> httpx.Response:
        request.read()
        return httpx.Response(200, content=asset_xml(1), headers=XML)

    web.post(f"{API}/assets.xml").mock(side_effect=take)
    client.create("a.gif", Slow(bytes(1_200_000), block=60_000), "a", "", "")
    assert len(silent) == 20
    assert max(silent) <= 60


def test_bytes_that_come_are_progress_however_slowly(web: respx.Router, client: Client, clock: Clock) -> None:
    silent: list[float] = []

    def trickle() -> Iterator[bytes]:
        for start in range(0, len(TAGS), 10):
            clock.now += 59
            silent.append(client.idle_s)
            yield TAGS[start : start + 10]

    web.get(f"{API}/tags.xml").mock(return_value=httpx.Response(200, content=trickle(), headers=XML))
    assert len(client.tags()) == 1
    assert len(silent) > 5
    assert max(silent) <= 60


def test_an_account_that_answered_before_has_a_minute_to_come_back(
    web: respx.Router, client: Client, clock: Clock
) -> None:
    route = web.get(f"{API}/user.xml")
    route.side_effect = [httpx.Response(200, content=USER, headers=XML)]
    client.user()
    route.side_effect = httpx.ConnectError("the cable is out")
    before, calls = clock.now, route.call_count
    with pytest.raises(Unavailable):
        client.user()
    assert 60 < clock.now - before < 75
    assert route.call_count - calls > 5


def test_refusals_are_no_sign_of_life(web: respx.Router, client: Client, clock: Clock) -> None:
    """Nothing but 429 for more than a minute: given up, each pause obeyed."""
    busy = httpx.Response(429, headers={"Retry-After": "25"})
    route = web.get(f"{API}/user.xml").mock(return_value=busy)
    client._answered = True
    with pytest.raises(Unavailable):
        client.user()
    assert route.call_count == 4
    assert client.idle_s >= 75


def test_a_login_page_is_no_sign_of_life(web: respx.Router, client: Client, clock: Clock) -> None:
    page = httpx.Response(200, content=b"<html>Log in</html>", headers={"Content-Type": "text/html"})
    web.get(f"{API}/user.xml").mock(return_value=page)
    with pytest.raises(Unavailable, match="offline"):
        client.user()
    clock.now += 61
    assert client.idle_s == 61


def test_a_service_that_accepts_and_never_answers_is_asked_no_longer_than_the_patience() -> None:
    clock = Clock()
    asked: list[socket.socket] = []
    with socket.create_server(("127.0.0.1", 0)) as server:

        def accept() -> None:
            while True:
                try:
                    connection, _ = server.accept()
                except OSError:
                    return
                asked.append(connection)
                clock.now += 31  # as long as the request takes to fail

        listening = threading.Thread(target=accept, daemon=True)
        listening.start()
        port = server.getsockname()[1]
        client = Client(
            f"http://127.0.0.1:{port}", "jane", "s3cret", timeout_s=0.1, clock=clock, sleep=clock.sleep
        )
        with pytest.raises(Unavailable):
            client.user()
        client.close()
        server.shutdown(socket.SHUT_RDWR)
    listening.join(5)
    for connection in asked:
        connection.close()
    assert len(asked) == 2


@pytest.mark.parametrize(("status", "known"), [(401, "refused"), (429, "closed"), (503, "closed")])
def test_a_refusal_is_known_before_anybody_else_may_ask(
    web: respx.Router, client: Client, monkeypatch: pytest.MonkeyPatch, status: int, known: str
) -> None:
    """Between the answer and its being known no place at the gate is given back."""
    web.get(f"{API}/user.xml").mock(return_value=httpx.Response(status, headers={"Retry-After": "3600"}))
    left: list[str] = []
    leave = client._gate.leave

    def note() -> None:
        left.append("closed" if client.asked_s else "refused" if client._refused else "open")
        leave()

    monkeypatch.setattr(client._gate, "leave", note)
    with pytest.raises((Unavailable, Unauthorized)):
        client.user()
    assert left == [known]


def test_a_download_counts_as_a_request_until_it_is_read_or_closed(web: respx.Router) -> None:
    web.get(f"{API}/assets/download/7").mock(return_value=httpx.Response(200, content=b"bytes"))
    web.get(f"{API}/user.xml").mock(return_value=httpx.Response(200, content=USER, headers=XML))
    client = Client(URL, "jane", "s3cret", connections=1)
    with ThreadPoolExecutor(1) as pool:
        download = client.download(7)
        other = pool.submit(client.user)
        with pytest.raises(TimeoutError):
            other.result(0.2)
        assert b"".join(download.blocks()) == b"bytes"
        assert other.result(10).id == 35
        download.close()
    client.close()


class _Counting(ThreadingHTTPServer):
    """Refuses the first eight requests together, then counts how many are inside at a time."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.together = threading.Barrier(8)
        self.never = threading.Event()
        self.lock = threading.Lock()
        self.seen = self.inside = self.most = 0


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _Counting

    def log_message(self, format: str, *args: object) -> None:
        pass

    def do_GET(self) -> None:
        with self.server.lock:
            self.server.seen += 1
            first = self.server.seen <= 8
        if first:
            self.server.together.wait(10)
            self._answer(503, b"", {"Retry-After": "5"})
            return
        with self.server.lock:
            self.server.inside += 1
            self.server.most = max(self.server.most, self.server.inside)
        self.server.never.wait(0.2)  # long enough for whoever else may come
        with self.server.lock:
            self.server.inside -= 1
        self._answer(200, USER, XML)

    def _answer(self, status: int, body: bytes, headers: dict[str, str]) -> None:
        self.send_response(status)
        for name, value in {**headers, "Content-Length": str(len(body))}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)


def test_a_service_that_refuses_eight_together_gets_half_of_them() -> None:
    clock = Clock()
    with _Counting() as server:
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        port = server.server_address[1]
        client = Client(f"http://127.0.0.1:{port}", "jane", "s3cret", clock=clock, sleep=clock.sleep)
        with ThreadPoolExecutor(8) as pool:
            users = [pool.submit(client.user) for _ in range(8)]
            assert {user.result(30).id for user in users} == {35}
        client.close()
        server.shutdown()
    assert (server.seen, server.most) == (16, 4) or (server.seen, server.most) == (16, 5)
    assert clock.now >= 1005
