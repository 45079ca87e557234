"""Logging: the form of a line, and that no secret gets into one in any form."""

from __future__ import annotations

import base64
import io
import json
import logging
import stat
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

import pytest
import structlog
from structlog.testing import capture_logs

from fluxsync import logs
from fluxsync.errors import ConfigError

CANARY = 'cAn"ary /77ü'


@pytest.fixture(autouse=True)
def fresh(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Undo what `configure` and `hide` change for the whole program."""
    root = logging.getLogger()
    before = (root.level, list(root.handlers), logging.raiseExceptions)
    for name in ("_secrets", "_forms", "_handlers"):
        monkeypatch.setattr(logs, name, type(getattr(logs, name))())
    yield
    for handler in logs._handlers:
        handler.close()
    root.level = before[0]
    root.handlers[:] = before[1]
    logging.raiseExceptions = before[2]
    logging.captureWarnings(False)
    structlog.reset_defaults()


def lines(stream: io.StringIO) -> list[dict[str, object]]:
    return [json.loads(line) for line in stream.getvalue().splitlines()]


def test_json_is_one_event_a_line() -> None:
    stream = io.StringIO()
    logs.configure("info", "json", stream=stream)
    logs.get("fluxsync.engine").info("operation settled", path="a\nb", outcome="done")
    logs.get("fluxsync.engine").debug("not said")
    (event,) = lines(stream)
    assert event.pop("timestamp")
    assert event == {
        "event": "operation settled",
        "level": "info",
        "logger": "fluxsync.engine",
        "path": "a\nb",
        "outcome": "done",
    }


def test_console_has_no_colours_and_obeys_no_escapes_elsewhere_than_on_a_terminal() -> None:
    stream = io.StringIO()
    logs.configure("info", "console", stream=stream)
    logs.get("x").warning("operation settled", path="a\nb\x1b[31m")
    assert "\x1b" not in stream.getvalue()
    assert stream.getvalue().count("\n") == 1
    assert r"path='a\nb\x1b[31m'" in stream.getvalue()


def test_the_level_counts() -> None:
    stream = io.StringIO()
    logs.configure("error", "json", stream=stream)
    logs.get("x").warning("no")
    logs.get("x").error("yes")
    assert [event["event"] for event in lines(stream)] == ["yes"]


def test_libraries_are_heard_from_warning_on() -> None:
    stream = io.StringIO()
    logs.configure("debug", "json", stream=stream)
    for name in ("httpx", "waitress", "watchdog"):
        logging.getLogger(name).info("no")
        logging.getLogger(name).warning("heard %s", name)
    assert [event["event"] for event in lines(stream)] == [
        "heard httpx",
        "heard waitress",
        "heard watchdog",
    ]


def test_configuring_again_replaces() -> None:
    first, second = io.StringIO(), io.StringIO()
    logs.configure("info", "json", stream=first)
    logs.configure("info", "json", stream=second)
    logs.get("x").info("once")
    assert first.getvalue() == ""
    assert len(lines(second)) == 1


def test_a_file_is_made_for_its_owner_and_appended_to(tmp_path: Path) -> None:
    path = tmp_path / "logs" / "fluxsync.log"
    for word in ("one", "two"):
        logs.configure("info", "json", str(path))
        logs.get("x").info(word)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [json.loads(line)["event"] for line in path.read_text().splitlines()] == ["one", "two"]


def test_a_file_that_cannot_be_written_is_a_setting_that_is_wrong(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"\[log\] file = .*cannot be written"):
        logs.configure(file=str(tmp_path))


@pytest.mark.parametrize("form", ["console", "json"])
def test_a_secret_is_masked_wherever_it_turns_up(form: str) -> None:
    stream = io.StringIO()
    logs.hide(CANARY)
    logs.configure("debug", form, stream=stream)
    log = logs.get("x")
    login = base64.b64encode(f"jane:{CANARY}".encode()).decode()
    log.info(f"in the event {CANARY}")
    log.info("a field", value=CANARY, part=f"x{CANARY}x", **{f"k{CANARY}": 1})
    log.info("nested", value={"a": [CANARY, (CANARY,)], CANARY: {CANARY}}, raw=CANARY.encode())
    log.info("an object", error=ValueError(CANARY), path=Path(CANARY))
    log.info("a header", headers={"Authorization": f"Basic {login}"}, bare=login)
    log.info("an address", url=f"https://x/?p={quote(CANARY)}", other=quote(CANARY, safe=""))
    logging.getLogger("httpx").warning("%s and %r", CANARY, CANARY)
    try:
        raise RuntimeError(f"refused {CANARY} {login}")
    except RuntimeError:
        log.exception("failed")
        logging.getLogger("waitress").exception("failed")
    text = stream.getvalue()
    assert text.count(logs.MASK) > 12
    for trace in (CANARY, json.dumps(CANARY)[1:-1], "77ü", "77\\u00fc", quote(CANARY), login, login[8:-4]):
        assert trace not in text


@pytest.mark.parametrize("user", ["a", "ab", "abc", "abcd"])
def test_the_password_is_masked_in_the_header_of_any_user(user: str) -> None:
    logs.hide("s3cret-word")
    login = base64.b64encode(f"{user}:s3cret-word".encode()).decode()
    shown = logs.masked(f"x {login} x")
    assert logs.MASK in shown
    assert "c2VjcmV0" not in shown
    assert len(shown) < len(login)


def test_credentials_are_masked_by_their_place_alone() -> None:
    assert logs.masked("Authorization: Bearer abcdefgh.ijkl") == f"Authorization: Bearer {logs.MASK}"
    assert logs.masked("https://jane:pw@host/x") == f"https://{logs.MASK}@host/x"


def test_a_short_secret_is_masked_only_as_a_whole_value() -> None:
    logs.hide("abc")
    assert logs.masked(["abc", "abcd", 5]) == [logs.MASK, "abcd", 5]
    logs.hide("1234")
    assert logs.masked(1234) == logs.MASK


def test_the_longest_secret_goes_first() -> None:
    logs.hide("word")
    logs.hide("password")
    assert logs.masked("a password, a word") == f"a {logs.MASK}, a {logs.MASK}"


def test_no_secret_means_no_mask() -> None:
    logs.hide("")
    assert logs.masked({"a": "b"}) == {"a": "b"}


def test_events_can_be_captured_in_tests() -> None:
    with capture_logs() as events:
        logs.get("x").info("operation settled", path="a", outcome="done")
    assert events == [{"event": "operation settled", "path": "a", "outcome": "done", "log_level": "info"}]
