"""The pause that a service asks for, and the bandwidth limit; time passes only by sleeping."""

from __future__ import annotations

import pytest
from fluxiom_world import Clock

from fluxsync.errors import Unavailable
from fluxsync.replica.fluxiom.gate import Gate, parse_retry_after
from fluxsync.replica.fluxiom.throttle import Throttle

DATE = "Sun, 22 Nov 2026 03:00:00 GMT"


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        pytest.param("120", 120.0, id="seconds"),
        pytest.param(" 0 ", 0.0, id="nothing to wait for"),
        pytest.param("Sun, 22 Nov 2026 03:01:30 GMT", 90.0, id="a date counts from the answer's own"),
        pytest.param("Sun, 22 Nov 2026 02:00:00 GMT", 0.0, id="a date that has passed"),
        pytest.param("", None, id="not said"),
        pytest.param("soon", None, id="not a time"),
        pytest.param("-5", None, id="negative"),
        pytest.param("1e9", None, id="not digits"),
    ],
)
def test_retry_after(text: str, seconds: float | None) -> None:
    assert parse_retry_after(text, DATE) == seconds


def test_nobody_passes_before_the_pause_is_over() -> None:
    clock = Clock()
    gate = Gate(8, clock, clock.sleep)
    gate.refused(0, 30)
    gate.enter()
    assert clock.now == 1030


def test_a_longer_pause_than_anybody_waits_is_said_at_once() -> None:
    clock = Clock()
    gate = Gate(8, clock, clock.sleep)
    gate.refused(0, 61)
    with pytest.raises(Unavailable, match="61 s") as error:
        gate.enter()
    assert (error.value.retry_after_s, error.value.unsent, clock.slept) == (61, True, [])


def test_a_shorter_pause_does_not_cut_a_longer_one() -> None:
    clock = Clock()
    gate = Gate(8, clock, clock.sleep)
    gate.refused(0, 50)
    gate.refused(0, 1)
    gate.enter()
    assert clock.now == 1050


def test_without_a_word_pauses_grow_to_five_minutes_at_most() -> None:
    clock = Clock()
    gate = Gate(8, clock, clock.sleep)
    pauses = []
    for number in range(12):
        pauses.append(gate.refused(number, None))
        clock.now += 301
    assert all(pause <= 300 for pause in pauses)
    assert pauses[0] <= 2 < 100 < pauses[-1]
    assert gate.asked_s == 0, "nobody asked for that"


def test_each_round_of_refusals_halves_what_is_in_flight_down_to_one() -> None:
    clock = Clock()
    gate = Gate(8, clock, clock.sleep)
    widths = []
    for _ in range(5):
        inside = [gate.enter() for _ in range(gate.width)]
        for entered in inside:
            gate.refused(entered, 0)
            gate.leave()
        widths.append(gate.width)
    assert widths == [4, 2, 1, 1, 1]


def test_answers_add_one_for_each_round_of_them() -> None:
    clock = Clock()
    gate = Gate(8, clock, clock.sleep)
    gate.refused(gate.enter(), 0)
    gate.leave()
    answers = 0
    while gate.width < 8:
        gate.answered(gate.enter())
        gate.leave()
        answers += 1
    assert 22 <= answers <= 30, "four rounds: of 4, 5, 6 and 7"


def test_an_answer_to_a_request_from_before_the_refusal_proves_nothing() -> None:
    clock = Clock()
    gate = Gate(8, clock, clock.sleep)
    inside = [gate.enter() for _ in range(8)]
    gate.refused(inside[0], 5)
    for entered in inside[1:]:
        gate.answered(entered)
    assert gate.width == 4


def test_what_the_service_asked_of_an_earlier_run_holds() -> None:
    clock = Clock()
    gate = Gate(8, clock, clock.sleep)
    gate.stay_away(45)
    assert gate.asked_s == 45
    gate.enter()
    assert clock.now == 1045


def test_the_bandwidth_limit_holds_over_time() -> None:
    clock = Clock()
    throttle = Throttle(1000, clock, clock.sleep)
    for _ in range(20):
        throttle.take(500)
    assert clock.now - 1000 == pytest.approx(9.0)


def test_without_a_limit_nobody_waits() -> None:
    clock = Clock()
    Throttle(None, clock, clock.sleep).take(1 << 40)
    assert clock.slept == []
