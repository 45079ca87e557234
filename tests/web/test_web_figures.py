"""What monitors read: one word, and figures."""

from __future__ import annotations

from dataclasses import replace

import pytest
from prometheus_client.parser import text_string_to_metric_families
from web_world import HELD, IN_STEP, TROUBLED, Served

from fluxsync import __version__
from fluxsync.engine.status import State, Status


def at_work(result: str = "in-step", message: str = "") -> Status:
    assert IN_STEP.last_pass is not None
    last = replace(IN_STEP.last_pass, result=result)
    return replace(IN_STEP, state=State.WORKING, last_pass=last, message=message)


@pytest.mark.parametrize(
    ("status", "word", "code"),
    [
        pytest.param(IN_STEP, "ok", 200, id="in step"),
        pytest.param(replace(IN_STEP, state=State.WORKING), "ok", 200, id="working"),
        pytest.param(replace(TROUBLED, failing=()), "ok", 200, id="waiting for a file that is open"),
        pytest.param(replace(IN_STEP, state=State.PAUSED), "paused", 200, id="paused"),
        pytest.param(replace(TROUBLED, state=State.PAUSED), "paused", 200, id="paused with a failure"),
        pytest.param(replace(IN_STEP, state=State.HELD), "held", 200, id="halted"),
        pytest.param(replace(IN_STEP, state=State.HELD, held=(HELD,)), "held", 200, id="held back"),
        pytest.param(
            replace(IN_STEP, state=State.WORKING, held=(HELD,)), "held", 200, id="held, and at work"
        ),
        pytest.param(replace(IN_STEP, state=State.OFFLINE), "offline", 503, id="offline"),
        pytest.param(at_work(result="unreachable"), "offline", 503, id="at work on an account that was away"),
        pytest.param(at_work(message="acme cannot be reached"), "offline", 503, id="about to try it again"),
        pytest.param(at_work(result="guarded"), "held", 200, id="halted, and at work"),
        pytest.param(TROUBLED, "failing", 503, id="a file fails"),
        pytest.param(replace(TROUBLED, state=State.WORKING), "failing", 503, id="a file fails, and at work"),
    ],
)
def test_one_word_says_how_a_service_is(served: Served, status: Status, word: str, code: int) -> None:
    served.service.picture = status
    with served.client() as client:
        answer = client.get("/healthz")
    assert (answer.status_code, answer.text) == (code, word)


def test_a_status_that_cannot_be_read_is_a_failure(served: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(type(served.service), "status")
    with served.client() as client:
        answer = client.get("/healthz")
    assert (answer.status_code, answer.text) == (503, "failing")


def scraped(served: Served) -> dict[str, float]:
    with served.client() as client:
        answer = client.get("/metrics")
    assert answer.headers["Content-Type"].startswith("text/plain")
    found = {}
    for family in text_string_to_metric_families(answer.text):
        assert family.documentation
        for sample in family.samples:
            labels = ",".join(sample.labels.values())
            found[sample.name + (f"[{labels}]" if labels else "")] = sample.value
    return found


def test_every_figure_of_the_status_is_scraped(served: Served) -> None:
    served.service.picture = replace(TROUBLED, held=(HELD, HELD))
    served.service.figures = {"passes": 5, "requests": 40, "bytes_up": 1000.0, "conflicts": 7, "no name!": 1}
    assert scraped(served) == {
        f"fluxsync_build_info[{__version__}]": 1,
        **{f"fluxsync_state[{state}]": float(state == "waiting") for state in State},
        "fluxsync_healthy": 1,
        "fluxsync_files": 12,
        "fluxsync_folders": 3,
        "fluxsync_bytes": 4096,
        "fluxsync_kept_here": 1,
        "fluxsync_kept_there": 2,
        "fluxsync_waiting": 1,
        "fluxsync_failing": 1,
        "fluxsync_skipped": 0,
        "fluxsync_in_conflict": 1,
        "fluxsync_moving": 0,
        "fluxsync_held": 2,
        "fluxsync_in_step_timestamp_seconds": 1_789_999_940,
        "fluxsync_since_in_step_seconds": 60,
        "fluxsync_passes_total": 5,
        "fluxsync_requests_total": 40,
        "fluxsync_bytes_up_total": 1000,
        "fluxsync_conflicts_total": 7,
    }


def test_what_was_never_in_step_has_no_time_of_it(served: Served) -> None:
    served.service.picture = replace(IN_STEP, state=State.OFFLINE, in_step_since=None)
    found = scraped(served)
    assert not [name for name in found if "in_step_" in name]
    assert (found["fluxsync_healthy"], found["fluxsync_state[offline]"]) == (0, 1)


def test_two_scrapes_in_a_row_are_two_pictures(served: Served) -> None:
    assert scraped(served)["fluxsync_failing"] == 0
    served.service.picture = TROUBLED
    assert scraped(served)["fluxsync_failing"] == 1
