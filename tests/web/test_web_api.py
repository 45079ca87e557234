"""What scripts send and get: each route, over a real socket."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict, replace

import httpx
import pytest
from web_world import HELD, IN_STEP, NOW, SECRET_NAME, TROUBLED, Played, Served

from fluxsync.engine.conflicts import Keep
from fluxsync.engine.documents import status_document
from fluxsync.engine.service import Outcome, Task, Verb
from fluxsync.engine.status import State
from fluxsync.engine.wire import decoded, encoded
from fluxsync.errors import (
    Busy,
    ConfigError,
    Corrupted,
    Full,
    Halted,
    Locked,
    Rejected,
    Stale,
    StateError,
    Unauthorized,
    Unavailable,
)
from fluxsync.tasks import Approve, Resolve, Restore

RESOLVE = "/api/conflicts/resolve"
RESTORE = "/api/trash/restore"
JSON = {"Content-Type": "application/json"}


def test_the_status_is_the_document_of_the_command_line_with_live_figures(
    served: Served, script: httpx.Client
) -> None:
    served.service.picture = replace(TROUBLED, message="away")
    found = script.get("/api/status").json()
    expected = json.loads(json.dumps(status_document(TROUBLED, "away")))
    assert {key: found.pop(key) for key in expected} == expected
    assert found == {"held_mark": "", "totals": dict(served.service.figures)}
    assert expected["failing"][0]["path"] == SECRET_NAME


def test_a_name_that_is_no_text_goes_out_and_comes_back_as_it_is(
    served: Served, script: httpx.Client
) -> None:
    odd = "caf\udce9.gif"
    served.service.picture = replace(TROUBLED, failing=(replace(TROUBLED.failing[0], path=odd),))
    assert script.get("/api/status").json()["failing"][0]["path"] == odd
    script.post("/api/trash/restore", content=json.dumps({"paths": [odd]}), headers=JSON)
    assert served.service.begun.get_nowait().args == {"names": [odd]}


@pytest.mark.parametrize("body", [None, {}])
def test_pause_and_resume_reach_the_service(
    served: Served, script: httpx.Client, body: dict[str, str] | None
) -> None:
    assert script.post("/api/pause", json=body).json() == {"paused": True}
    assert script.post("/api/resume", json=body).json() == {"paused": False}
    assert served.service.paused == [True, False]


@pytest.mark.parametrize(
    ("path", "body", "task"),
    [
        ("/api/sync", None, Task(Verb.SYNC)),
        (
            "/api/conflicts/resolve",
            {"paths": ["a.gif", "Clients/"], "keep": "local"},
            Task(Verb.RESOLVE, {"paths": ["a.gif", "Clients"], "keep": "local"}),
        ),
        (
            "/api/trash/restore",
            {"paths": ["a.gif", "Clients/"]},
            Task(Verb.RESTORE, {"names": ["a.gif", "Clients/"]}),
        ),
    ],
)
def test_a_command_is_done_by_the_service_and_its_document_comes_back(
    served: Served, script: httpx.Client, path: str, body: dict[str, object] | None, task: Task
) -> None:
    served.service.act = lambda task: Outcome(1, {"result": "partial", "failed": 2})
    answer = script.post(path, json=body)
    assert (answer.status_code, answer.json()) == (200, {"result": "partial", "failed": 2, "code": 1})
    assert served.service.begun.get_nowait() == task


@pytest.mark.parametrize(
    ("code", "result", "status"),
    [
        (0, "in-step", 200),
        (1, "partial", 200),
        (3, "unreachable", 503),
        (3, "unauthorized", 502),
        (4, "guarded", 409),
    ],
)
def test_the_status_line_says_how_a_pass_ended(
    served: Served, script: httpx.Client, code: int, result: str, status: int
) -> None:
    served.service.act = lambda task: Outcome(code, {"result": result})
    answer = script.post("/api/sync")
    assert (answer.status_code, answer.json()) == (status, {"result": result, "code": code})


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (Unavailable("acme cannot be reached"), 503),
        (Unauthorized("acme refuses the password"), 502),
        (Halted("the root is another one"), 409),
        (Locked("another fluxsync works"), 409),
        (Stale("a.gif: it is not there any more"), 409),
        (Busy("a.gif: is open"), 409),
        (ConfigError("nothing is in conflict at a.gif"), 422),
        (Rejected("a.gif: refused"), 422),
        (Full("the account is full"), 507),
        (Corrupted("a.gif: short"), 500),
        (StateError("the journal is damaged"), 500),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, Exception) else str(value),
)
def test_an_error_of_the_service_is_one_line_of_json(
    served: Served, script: httpx.Client, error: Exception, status: int
) -> None:
    def fail(task: Task) -> Outcome:
        raise error

    served.service.act = fail
    answer = script.post("/api/sync")
    assert (answer.status_code, answer.json()) == (status, {"error": str(error)})


def test_a_service_that_asks_for_time_is_passed_on(served: Served, script: httpx.Client) -> None:
    def fail(task: Task) -> Outcome:
        raise Unavailable("later", retry_after_s=12.4)

    served.service.act = fail
    assert script.post("/api/sync").headers["Retry-After"] == "12"


@pytest.mark.parametrize("error", [RuntimeError("at /home/jane"), TimeoutError("at /home/jane")])
def test_a_fault_is_said_without_its_details(served: Served, script: httpx.Client, error: Exception) -> None:
    def fail(task: Task) -> Outcome:
        raise error

    served.service.act = fail
    answer = script.post("/api/sync")
    assert answer.status_code == 500
    assert answer.json() == {"error": "a fault of fluxsync: its log has the details"}


def test_what_is_sent_is_what_the_service_understands(served: Served, script: httpx.Client) -> None:
    script.post(RESOLVE, json={"paths": ["a.gif"], "keep": "both"})
    script.post(RESTORE, json={"paths": ["a.gif", "Clients/"]})
    first, second = (served.service.begun.get_nowait().args for _ in range(2))
    assert decoded(Resolve, encoded(first)) == Resolve(("a.gif",), Keep.BOTH)
    assert decoded(Restore, encoded(second)) == Restore(("a.gif", "Clients/"))


def test_who_does_not_want_to_wait_is_answered_at_once(served: Served, script: httpx.Client) -> None:
    served.service.may_end.clear()
    for wait in ("0", "0.01"):
        answer = script.post("/api/sync", params={"wait": wait})
        assert (answer.status_code, answer.json()) == (202, {"accepted": True})
        assert served.service.begun.get_nowait() == Task(Verb.SYNC)


# -- approve -----------------------------------------------------------------------------------------------


def held(service: Played, *paths: str) -> None:
    rows = tuple(replace(HELD, path=path) for path in paths)
    service.picture = replace(IN_STEP, state=State.HELD, held=rows)


def test_approve_names_exactly_what_is_held_back_now(served: Served, script: httpx.Client) -> None:
    held(served.service, "a.gif", "b.gif")
    assert script.post("/api/approve").status_code == 200
    task = served.service.begun.get_nowait()
    rows = [asdict(replace(HELD, path=path)) for path in ("a.gif", "b.gif")]
    assert task == Task(Verb.APPROVE, {"rows": rows})
    asked = decoded(Approve, json.loads(json.dumps(task.args)))
    assert asked.rows == served.service.picture.held


def test_nothing_held_back_is_nothing_to_approve(served: Served, script: httpx.Client) -> None:
    assert script.post("/api/approve").json() == {"held": [], "code": 0}
    assert served.service.begun.empty()


def test_what_came_since_it_was_shown_is_not_approved(served: Served, script: httpx.Client) -> None:
    held(served.service, "a.gif")
    shown = script.get("/api/status").json()["held_mark"]
    held(served.service, "a.gif", "b.gif")
    answer = script.post("/api/approve", json={"held_mark": shown})
    assert (answer.status_code, served.service.begun.empty()) == (409, True)
    held(served.service, "a.gif")
    assert script.post("/api/approve", json={"held_mark": shown}).status_code == 200
    assert len(served.service.begun.get_nowait().args["rows"]) == 1  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "changed", [{"revision": 4}, {"digest": "cd"}, {"action": "purge"}, {"asset_id": "8@1"}], ids=str
)
def test_the_mark_knows_another_change_of_the_same_file(
    served: Served, script: httpx.Client, changed: dict[str, object]
) -> None:
    held(served.service, "a.gif")
    before = script.get("/api/status").json()["held_mark"]
    row = replace(served.service.picture.held[0], **changed)  # type: ignore[arg-type]
    served.service.picture = replace(served.service.picture, held=(row,))
    assert script.get("/api/status").json()["held_mark"] not in ("", before)


# -- what is refused ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("path", "body", "says"),
    [
        ("/api/sync", {"full": True}, "full"),
        ("/api/pause", {"for": 5}, "for"),
        ("/api/pause", [], "object"),
        ("/api/approve", {"rows": []}, "rows"),
        ("/api/approve", {"held_mark": None}, "held_mark"),
        (RESOLVE, {"paths": ["a.gif"]}, "keep is missing"),
        (RESOLVE, {"keep": "both"}, "paths is missing"),
        (RESOLVE, {"paths": ["a.gif"], "keep": "mine"}, "local, remote, both"),
        (RESOLVE, {"paths": ["a.gif"], "keep": ["both"]}, "local, remote, both"),
        (RESOLVE, {"paths": ["a.gif"], "keep": "both", "all": 1}, "all"),
        (RESOLVE, {"paths": "a.gif", "keep": "both"}, "list"),
        (RESOLVE, {"paths": [], "keep": "both"}, "list"),
        (RESOLVE, {"paths": [7], "keep": "both"}, "list"),
        (RESOLVE, {"paths": [""], "keep": "both"}, "below the root"),
        (RESOLVE, {"paths": ["/etc/passwd"], "keep": "both"}, "below the root"),
        (RESOLVE, {"paths": ["a/../../b"], "keep": "both"}, "below the root"),
        (RESTORE, {"paths": ["a\0b"]}, "below the root"),
        (RESTORE, {"paths": None}, "list"),
        (RESTORE, {"names": ["a.gif"]}, "paths is missing"),
    ],
    ids=str,
)
def test_what_is_not_understood_is_refused_and_nothing_is_done(
    served: Served, script: httpx.Client, path: str, body: object, says: str
) -> None:
    answer = script.post(path, json=body)
    assert answer.status_code == 400
    assert says in answer.json()["error"]
    assert "\n" not in answer.json()["error"]
    assert served.service.begun.empty()
    assert not served.service.paused


@pytest.mark.parametrize(
    ("content", "kind", "status"),
    [
        (b"{", "application/json", 400),
        (b"\xff", "application/json", 400),
        (b"[" * 60_000, "application/json", 400),
        (b"paths=a.gif&keep=both", "application/x-www-form-urlencoded", 415),
        (b'{"paths": ["a"], "keep": "both"}', "text/plain", 415),
        (b'{"paths": ["a"], "keep": "both"}', "", 415),
        (b"", "application/json", 400),
    ],
)
def test_a_body_is_json_and_says_so(
    served: Served, script: httpx.Client, content: bytes, kind: str, status: int
) -> None:
    answer = script.post(RESOLVE, content=content, headers={"Content-Type": kind} if kind else {})
    assert (answer.status_code, list(answer.json())) == (status, ["error"])
    assert served.service.begun.empty()


@pytest.mark.parametrize("path", [RESTORE, "/api/sync", "/api/pause"])
@pytest.mark.parametrize("chunked", [False, True])
def test_a_large_body_is_refused(served: Served, script: httpx.Client, path: str, chunked: bool) -> None:
    whole = b'{"paths": ["%s"]}' % (b"a" * 65_522)
    assert len(whole) == 65_537
    answer = script.post(path, content=iter([whole]) if chunked else whole, headers=JSON)
    assert (answer.status_code, list(answer.json())) == (413, ["error"])
    assert served.service.begun.empty()
    assert not served.service.paused
    assert script.post(RESTORE, content=whole.replace(b"aa", b"a", 1), headers=JSON).status_code == 200


def test_a_huge_body_is_not_even_read(served: Served) -> None:
    with served.script() as script:
        answer = script.post(RESTORE, content=b"a" * 300_000, headers=JSON | {"Expect": "100-continue"})
    assert answer.status_code == 413
    assert served.service.begun.empty()


@pytest.mark.parametrize("query", ["?wait=-1", "?wait=soon", "?wait=nan", "?wait=1e9", "?wiat=0"])
def test_a_parameter_that_is_not_understood_is_refused(
    served: Served, script: httpx.Client, query: str
) -> None:
    assert script.post(f"/api/sync{query}").status_code == 400
    assert served.service.begun.empty()


@pytest.mark.parametrize("path", ["/api/pause", "/api/resume", "/api/sync", "/api/approve", RESOLVE, RESTORE])
def test_a_command_is_not_read(served: Served, script: httpx.Client, path: str) -> None:
    answer = script.get(path)
    assert (answer.status_code, answer.json()) == (405, {"error": "Method Not Allowed"})
    assert "POST" in answer.headers["Allow"]
    assert served.service.begun.empty()
    assert not served.service.paused


def test_what_is_not_there_is_said_in_json(script: httpx.Client) -> None:
    answer = script.get("/api/nothing")
    assert (answer.status_code, answer.json()) == (404, {"error": "Not Found"})


@pytest.mark.parametrize(
    ("method", "path"), [("GET", "/api/status"), ("GET", "/healthz"), ("GET", "/metrics"), ("POST", "/api/x")]
)
def test_no_answer_is_kept_framed_or_taken_for_something_else(
    script: httpx.Client, method: str, path: str
) -> None:
    headers = script.request(method, path).headers
    assert headers["Cache-Control"] == "no-store"
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["X-Frame-Options"] == "DENY"
    assert headers["Content-Security-Policy"].startswith("default-src 'none'")
    assert "Server" not in headers
    assert "Access-Control-Allow-Origin" not in headers


def test_the_times_of_the_status_are_utc(script: httpx.Client) -> None:
    assert script.get("/api/status").json()["in_step_since"] == "2026-09-21T14:12:20Z"
    assert NOW - 60 == 1_789_999_940


def test_the_page_names_the_interface(serve: Callable[..., Served]) -> None:
    with serve().client() as client:
        answer = client.get("/")
    assert answer.headers["Content-Type"].startswith("text/plain")
    assert "/api/status" in answer.text
