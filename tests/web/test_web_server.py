"""The server: two beside each other, a port that is taken, requests that wait, and its end."""

from __future__ import annotations

import os
import socket
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest
from structlog.testing import capture_logs
from waitress import wasyncore
from web_world import Played, Served

from fluxsync import logs
from fluxsync.engine.service import Outcome, Task
from fluxsync.web import server
from fluxsync.web.server import Web

PATIENCE_S = 20


def threads(served: Served) -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name == f"web-{served.port}"]


def is_gone(served: Served) -> bool:
    """Wait for the last thread of a server; tell whether it ended."""
    for thread in threads(served):
        thread.join(PATIENCE_S)
    return not threads(served)


def test_two_services_answer_on_two_ports_each_with_its_own_token(serve: Callable[..., Served]) -> None:
    one, other = serve("one"), serve("other")
    other.service.figures = {"passes": 99}
    with one.script() as first, other.script() as second:
        assert first.get("/api/status").json()["totals"]["passes"] == 5
        assert second.get("/api/status").json()["totals"]["passes"] == 99
    with one.client(**{"X-Fluxsync-Token": other.token}) as wrong:
        assert wrong.get("/api/status").status_code == 401


def test_a_port_that_is_taken_is_said_in_one_line(serve: Callable[..., Served]) -> None:
    first = serve("first")
    with capture_logs() as said:
        second = serve("second", port=first.port)
    assert not second.started
    assert second.web.url == ""
    assert not second.token_file.exists()
    (line,) = said
    assert line["log_level"] == "warning"
    assert line["reason"] == f"[web] port = {first.port} is taken on 127.0.0.1: write another one"
    second.web.stop()
    with first.client() as client:
        assert client.get("/healthz").text == "ok"


def test_a_token_that_cannot_be_kept_leaves_the_port_free(tmp_path: Path) -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    with capture_logs() as said:
        assert not Web(Played(), "127.0.0.1", port, tmp_path / "missing" / "journal.token").start()
    assert "cannot be written" in said[0]["reason"]
    with socket.create_server(("127.0.0.1", port)):
        pass


@pytest.mark.parametrize("host", ["0.0.0.0", "192.0.2.7", "no-such-host.invalid"])
def test_what_is_not_this_machine_alone_is_not_listened_on(serve: Callable[..., Served], host: str) -> None:
    with capture_logs() as said:
        assert not serve(host=host).started
    assert said[0]["reason"].startswith("[web] ")


@pytest.mark.parametrize("host", ["localhost", "::1", "127.0.0.2"])
def test_every_name_of_this_machine_can_be_listened_on(serve: Callable[..., Served], host: str) -> None:
    if host == "::1":
        try:
            socket.create_server(("::1", 0), family=socket.AF_INET6).close()
        except OSError:
            pytest.skip("this machine has no IPv6")
    served = serve(host=host)
    assert served.started
    with served.client() as client:
        assert client.get("/healthz").text == "ok"


def test_a_port_can_be_taken_up_again_at_once(serve: Callable[..., Served]) -> None:
    first = serve()
    with first.client() as client:
        client.get("/healthz")
        token = first.token
        first.web.stop()
    second = serve(port=first.port)
    assert (second.started, second.token) == (True, token)


# -- requests that wait ------------------------------------------------------------------------------------


def synced(served: Served, query: str = "") -> httpx.Response:
    with served.script() as client:
        return client.post(f"/api/sync{query}")


def begin(served: Served, pool: ThreadPoolExecutor) -> Future[httpx.Response]:
    """Have a pass asked for that waits, and return once the service has it."""
    asked = pool.submit(synced, served)
    served.service.begun.get(timeout=PATIENCE_S)
    return asked


def test_others_are_answered_while_passes_are_waited_for(served: Served) -> None:
    served.service.may_end.clear()
    with ThreadPoolExecutor(8) as pool, served.script() as client:
        asked = [begin(served, pool) for _ in range(2)]
        third = client.post("/api/sync")
        assert third.status_code == 503
        assert "wait=0" in third.json()["error"]
        assert client.post("/api/sync?wait=0").status_code == 202
        many = [pool.submit(client.get, path) for path in ("/healthz", "/api/status", "/metrics") * 10]
        assert {answer.result(PATIENCE_S).status_code for answer in many} == {200}
        assert client.post("/api/pause").status_code == 200
        assert not any(each.done() for each in asked)
        served.service.may_end.set()
        assert [each.result(PATIENCE_S).status_code for each in asked] == [200, 200]
        # And there is room again.
        assert client.post("/api/sync").status_code == 200


def test_a_pass_that_fails_leaves_room_for_the_next(served: Served) -> None:
    def fail(task: Task) -> Outcome:
        raise RuntimeError

    served.service.act = fail
    assert [synced(served).status_code for _ in range(5)] == [500] * 5
    assert [synced(served, "?wait=5").status_code for _ in range(3)] == [500] * 3


def test_who_gives_up_waiting_harms_nobody(served: Served) -> None:
    served.service.may_end.clear()
    with socket.create_connection(("127.0.0.1", served.port), PATIENCE_S) as line:
        host = f"127.0.0.1:{served.port}"
        line.sendall(
            f"POST /api/sync HTTP/1.1\r\nHost: {host}\r\nX-Fluxsync-Token: {served.token}\r\n\r\n".encode()
        )
        served.service.begun.get(timeout=PATIENCE_S)
    with served.client() as client:
        assert client.get("/healthz").text == "ok"
        served.service.may_end.set()
        assert client.get("/healthz").text == "ok"


# -- its end -----------------------------------------------------------------------------------------------


def test_it_stops_within_a_second_though_a_request_waits(served: Served) -> None:
    served.service.may_end.clear()
    with ThreadPoolExecutor(2) as pool, served.client() as idle:
        idle.get("/healthz")
        asked = begin(served, pool)
        url, began = served.web.url, time.monotonic()
        served.web.stop()
        assert time.monotonic() - began < 1
        with pytest.raises(httpx.TransportError):
            asked.result(PATIENCE_S)
        with pytest.raises(httpx.ConnectError):
            httpx.get(f"{url}/healthz", trust_env=False)
        # What still waits must not write into a file that has the number of a closed one.
        assert threads(served)
        served.service.may_end.set()
        assert is_gone(served)


def test_a_request_in_hand_is_answered_before_the_end(
    served: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(server, "_GRACE_S", PATIENCE_S)
    served.service.may_end.clear()
    with ThreadPoolExecutor(2) as pool:
        asked = begin(served, pool)
        stopping = pool.submit(served.web.stop)
        # It no longer listens once it is stopping.
        refused = False
        while not refused:
            try:
                socket.create_connection(("127.0.0.1", served.port), PATIENCE_S).close()
            except OSError:
                refused = True
        served.service.may_end.set()
        assert asked.result(PATIENCE_S).json()["code"] == 0
        stopping.result(PATIENCE_S)
    assert is_gone(served)


def test_it_leaves_nothing_open_behind(serve: Callable[..., Served]) -> None:
    warm = serve("warm")
    warm.close()
    assert is_gone(warm)

    def open_files() -> int:
        return len(os.listdir("/dev/fd"))

    before = open_files()
    for number in range(5):
        served = serve(str(number))
        with served.client() as client:
            client.get("/healthz")
            served.close()
            assert is_gone(served)
    assert open_files() == before


def test_stopping_twice_or_before_the_start_is_fine(serve: Callable[..., Served], tmp_path: Path) -> None:
    served = serve()
    served.web.stop()
    served.web.stop()
    Web(Played(), "127.0.0.1", 0, tmp_path / "t").stop()


def test_at_rest_nothing_wakes(served: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    """With no connection the wait has no end; with one it ends now and then, to close what is left open."""
    waits: list[float | None] = []
    looks = threading.Semaphore(0)
    wait = wasyncore.loop

    def noted(timeout: float | None, **more: object) -> None:
        waits.append(timeout)
        looks.release()
        wait(timeout=timeout, **more)

    monkeypatch.setattr(wasyncore, "loop", noted)
    with served.client() as client:
        client.get("/healthz")
        assert looks.acquire(timeout=PATIENCE_S)
    while waits[-1] is not None:
        # The client has left, and the server notices.
        assert looks.acquire(timeout=PATIENCE_S)
    assert 30.0 in waits


def test_a_loop_that_breaks_is_said_and_ends_cleanly(served: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(**more: object) -> None:
        raise ValueError("broken")

    served.service.may_end.clear()
    with ThreadPoolExecutor(2) as pool, capture_logs() as said:
        asked = begin(served, pool)
        monkeypatch.setattr(wasyncore, "loop", broken)
        with served.client() as client, pytest.raises(httpx.TransportError):
            client.get("/healthz")
        with pytest.raises(httpx.TransportError):
            asked.result(PATIENCE_S)
        served.service.may_end.set()
        assert is_gone(served)
    assert [line["event"] for line in said if line["log_level"] == "error"] == [
        "the HTTP interface has stopped, the sync goes on"
    ]
    served.web.stop()


def test_requests_are_logged_for_debugging_only_and_without_secrets(served: Served) -> None:
    with capture_logs() as said, served.script() as client:
        client.post("/api/trash/restore", json={"paths": ["Clients/a.gif"]})
        client.get("/api/status?name=Clients")
    assert {line["log_level"] for line in said} == {"debug"}
    assert [line["route"] for line in said] == ["/api/trash/restore", "/api/status"]
    assert "Clients" not in str(said)
    assert logs.masked(f"it is {served.token}") == f"it is {logs.MASK}"
    assert served.token not in str(said)
