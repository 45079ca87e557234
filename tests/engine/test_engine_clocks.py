"""Sleep and a clock that was set are told from three clocks; slow drift and short naps are neither."""

from __future__ import annotations

import time

import pytest

from fluxsync.engine import clocks
from fluxsync.engine.clocks import Jumps, uptime_s

NOON = 1_700_000_000.0


@pytest.mark.parametrize(
    ("up_s", "awake_s", "wall_s", "expected"),
    [
        pytest.param(60, 60, 60, "", id="a minute"),
        pytest.param(86_400, 86_400, 86_400, "", id="a day"),
        pytest.param(0, 0, 0, "", id="at once"),
        pytest.param(3660, 60, 3660, "slept", id="an hour asleep"),
        pytest.param(70, 60, 70, "", id="ten seconds asleep"),
        pytest.param(68, 60, 93, "", id="a nap, and the wall clock a little ahead"),
        pytest.param(70.1, 60, 70.1, "slept", id="a little more"),
        pytest.param(60, 60, 90, "", id="wall clock half a minute ahead"),
        pytest.param(60, 60, 90.1, "clock", id="wall clock set ahead"),
        pytest.param(60, 60, 30, "", id="wall clock half a minute back"),
        pytest.param(60, 60, 29.9, "clock", id="wall clock set back"),
        pytest.param(60, 60, -7140, "clock", id="wall clock set back two hours"),
        pytest.param(60, 60, 3660, "clock", id="asleep where no clock counts it"),
        pytest.param(3660, 60, 60, "slept", id="asleep and the wall clock set"),
    ],
)
def test_what_happened_since_the_last_time(up_s: float, awake_s: float, wall_s: float, expected: str) -> None:
    jumps = Jumps()
    assert jumps.see(500.0, 400.0, NOON) == ""
    assert jumps.see(500.0 + up_s, 400.0 + awake_s, NOON + wall_s) == expected


def test_a_jump_is_told_once() -> None:
    jumps = Jumps()
    jumps.see(0.0, 0.0, NOON)
    assert jumps.see(3660.0, 60.0, NOON + 3660) == "slept"
    assert jumps.see(3720.0, 120.0, NOON + 3720) == ""
    assert jumps.see(3780.0, 180.0, NOON - 100) == "clock"
    assert jumps.see(3840.0, 240.0, NOON - 40) == ""


def test_the_clock_of_this_machine_goes_on_with_the_monotonic_one() -> None:
    """It differs from that by what the machine slept, which is never less than nothing."""
    before = time.monotonic()
    first, second = uptime_s(), uptime_s()
    assert first <= second
    assert first >= before - 1e-3
    assert second - first < 60


@pytest.mark.skipif(not hasattr(time, "CLOCK_BOOTTIME"), reason="has no such clock")
def test_sleep_counts_where_there_is_a_clock_for_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(time, "clock_gettime", {time.CLOCK_BOOTTIME: 4000.0}.__getitem__)
    assert uptime_s() == 4000.0


def test_without_such_a_clock_the_time_awake_has_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clocks, "_CLOCK", None)
    assert time.monotonic() <= uptime_s() <= time.monotonic()
