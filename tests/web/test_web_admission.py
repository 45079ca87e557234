"""Who is answered: names of this machine, the same origin, and the token for all that has names in it."""

from __future__ import annotations

import httpx
import pytest
from web_world import SECRET_NAME, TROUBLED, Served

PRIVATE = [
    ("GET", "/api/status"),
    *(("POST", f"/api/{name}") for name in ("pause", "resume", "sync", "approve")),
    ("POST", "/api/conflicts/resolve"),
    ("POST", "/api/trash/restore"),
    ("OPTIONS", "/api/status"),
    ("GET", "/api/nothing"),
    ("GET", "//api/status"),
    ("GET", "/elsewhere"),
    ("POST", "/healthz"),
]


def untouched(served: Served) -> bool:
    return served.service.begun.empty() and not served.service.paused


@pytest.mark.parametrize(("method", "path"), PRIVATE)
@pytest.mark.parametrize("token", [None, "", "wrong", "schön", "longer"])
def test_without_the_token_there_is_no_status_and_no_command(
    served: Served, method: str, path: str, token: str | None
) -> None:
    served.service.picture = TROUBLED
    headers = {} if token is None else {"X-Fluxsync-Token": token}
    if token == "longer":
        headers["X-Fluxsync-Token"] = served.token + "A"
    encoded = {name: value.encode() for name, value in headers.items()}
    # httpx would make one slash of two.
    with httpx.Client(trust_env=False) as client:
        answer = client.request(method, httpx.URL(served.web.url + path), headers=encoded)
    assert answer.status_code == 401
    assert list(answer.json()) == ["error"]
    assert SECRET_NAME not in answer.text
    assert served.token not in answer.text
    assert untouched(served)


def test_the_token_in_the_address_is_none(served: Served) -> None:
    with served.client() as client:
        assert client.get("/api/status", params={"X-Fluxsync-Token": served.token}).status_code == 401


@pytest.mark.parametrize("path", ["/", "/healthz", "/metrics"])
def test_what_everybody_may_read_holds_no_name(served: Served, path: str) -> None:
    served.service.picture = TROUBLED
    with served.client() as client:
        text = client.get(path).text
    for name in (SECRET_NAME, "Clients", "a.gif", "open.psd", served.token, str(served.token_file.parent)):
        assert name not in text


@pytest.mark.parametrize("name", ["127.0.0.1", "localhost", "LOCALHOST", "[::1]"])
@pytest.mark.parametrize("path", ["/healthz", "/api/status"])
def test_names_of_this_machine_are_answered(served: Served, name: str, path: str) -> None:
    with served.script() as client:
        assert client.get(path, headers={"Host": f"{name}:{served.port}"}).status_code == 200


@pytest.mark.parametrize(
    "host",
    [
        "evil.example",
        "evil.example:{port}",
        "127.0.0.1",
        "127.0.0.1:1",
        "127.0.0.1.evil.example:{port}",
        "localhost.evil.example:{port}",
        "127.0.0.2:{port}",
        "::1:{port}",
        "",
    ],
)
@pytest.mark.parametrize(
    ("method", "path"), [("GET", "/healthz"), ("GET", "/metrics"), ("POST", "/api/sync")]
)
def test_any_other_name_is_refused(served: Served, host: str, method: str, path: str) -> None:
    """A page whose name was made to point to this machine asks under that name."""
    with served.script() as client:
        answer = client.request(method, path, headers={"Host": host.format(port=served.port)})
    assert (answer.status_code, list(answer.json())) == (403, ["error"])
    assert untouched(served)


def test_a_name_that_a_proxy_would_forward_is_not_believed(served: Served) -> None:
    with served.script() as client:
        good = f"127.0.0.1:{served.port}"
        answer = client.get("/healthz", headers={"Host": "evil.example", "X-Forwarded-Host": good})
    assert answer.status_code == 403


@pytest.mark.parametrize(
    "origin",
    [
        "http://evil.example",
        "null",
        "",
        "https://127.0.0.1:{port}",
        "http://127.0.0.1",
        "http://127.0.0.1:1",
        "http://localhost:{port}",
    ],
)
@pytest.mark.parametrize(("method", "path"), [("GET", "/api/status"), ("POST", "/api/sync")])
def test_another_origin_is_refused_whatever_it_knows(
    served: Served, origin: str, method: str, path: str
) -> None:
    with served.script() as client:
        answer = client.request(method, path, headers={"Origin": origin.format(port=served.port)})
    assert (answer.status_code, list(answer.json())) == (403, ["error"])
    assert untouched(served)


@pytest.mark.parametrize("name", ["127.0.0.1", "localhost"])
def test_the_same_origin_is_answered(served: Served, name: str) -> None:
    here = f"{name}:{served.port}"
    with served.script() as client:
        answer = client.post("/api/sync", headers={"Host": here, "Origin": f"http://{here}"})
    assert answer.status_code == 200
