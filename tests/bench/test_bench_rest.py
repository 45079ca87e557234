"""What the service costs while nothing happens: prints figures, asserts only that both sides are in step.

    python -m pytest -n 0 -m bench -s tests/bench/test_bench_rest.py

`FLUXSYNC_BENCH_FILES` says how many files are watched, as "10000,100000" (10,000; of fewer than 2,000 the
account is listed where others are probed), `FLUXSYNC_BENCH_REST_S` how long the service is left alone (120).
Account and service are processes of their own.

Measured: the service left alone with the default intervals; one probe, from many at short intervals; a full
list with its walk, and a walk alone, from three each; a full list that is only compared with the last one,
from five. An hour is worked out from these and from how often the default intervals let each happen while
nothing changes: by day, and on a night when neither side has changed for hours.
"""

from __future__ import annotations

import os
import statistics
from pathlib import Path

import pytest
from bench_world import SETTLE_S, Cost, Meter, fill, passed, rest, served
from service_world import Service

from fluxsync.engine.status import State

FILES = [int(count) for count in os.environ.get("FLUXSYNC_BENCH_FILES", "10000").split(",")]
REST_S = float(os.environ.get("FLUXSYNC_BENCH_REST_S", "120"))
POLL_S, LIST_S = 60.0, 900.0
#: Chance shortens the time between two lists by one part in twenty, and leaves the probes' as it is.
LISTS_AN_HOUR = 3600 / (LIST_S * 0.95)
PROBES_AN_HOUR = 3600 / POLL_S
#: Idle for four hours, both sides are looked at four times less often.
NIGHT = 4
QUICK_S, PROBED_S = 0.5, 20.0
#: So many lists that are compared are measured together.
COMPARED = 5
#: Hours until a list is read and the folder walked in any case.
WHOLE_H = 12

pytestmark = [pytest.mark.bench, pytest.mark.timeout(1800)]


@pytest.mark.parametrize("files", FILES)
def test_at_rest(files: int, tmp_path: Path) -> None:
    home, log = tmp_path / "service", tmp_path / "requests.jsonl"
    home.mkdir()
    fill(tmp_path / "account", home / "root", files)
    with served(tmp_path / "account", log) as url:
        service = Service(home, url, sync=_every(POLL_S, LIST_S), web={"enabled": True, "port": 0})
        try:
            meter = _begun(service, log)
            first_mb = meter.memory_mb()
            alone = meter.cost(lambda: rest(REST_S))
            rested_mb = meter.memory_mb()
            threads = len(meter.switches())
            walk = _middle([meter.cost(lambda: _walked(service, meter)) for _ in range(3)])
            walked_mb = meter.memory_mb()
            listing = _middle([meter.cost(lambda: passed(service)) for _ in range(3)])
            listed_mb = meter.memory_mb()
            status = service.until_state(State.IN_STEP)
            assert status.counts.files == files, status
            assert service.stop() == 0

            service.machine.sections["sync"].update(_every(QUICK_S, LIST_S))
            meter = _begun(service, log)
            many = meter.cost(lambda: rest(PROBED_S))
            assert service.stop() == 0

            each_s = max(5.0, 3 * listing.wall_s)
            service.machine.sections["sync"].update(_every(600, each_s))
            meter = _begun(service, log)
            rest(2.5 * each_s)  # the first of them is read, so that the others can be compared with it
            compared = meter.cost(lambda: rest(COMPARED * each_s))
            assert service.stop() == 0
        finally:
            service.close()
    count = max(1, many.requests // 2)  # two requests a probe
    probe = Cost(
        PROBED_S / count, many.cpu_s / count, round(many.switches / count), round(many.requests / count)
    )

    lists = max(1, round(compared.requests / max(1, listing.requests)))
    quiet = Cost(
        each_s, compared.cpu_s / lists, round(compared.switches / lists), round(compared.requests / lists)
    )

    print(f"\n\n{files:,} files in step, {threads} threads")
    print("measured                         seconds  processor s   wake-ups  requests")
    for what, cost in (
        ("left alone, default intervals", alone),
        ("one probe, one wake-up with it", probe),
        ("settle, and walk of the folder", walk),
        ("full list and walk", listing),
        ("full list, compared", quiet),
    ):
        print(f"{what:31} {cost.wall_s:8.2f} {cost.cpu_s:12.4f} {cost.switches:10,} {cost.requests:9,}")
    print("resident MB: now, and the most so far")
    for what, (now_mb, peak_mb) in (
        ("after the first pass", first_mb),
        ("after being left alone", rested_mb),
        ("after three walks", walked_mb),
        ("after three lists", listed_mb),
    ):
        print(f"{what:31} {now_mb:8.0f} {peak_mb:12.0f}")
    print("worked out for an hour          processor s    of a core  requests")
    for what, part in (("by day", 1), ("idle for four hours", NIGHT)):
        probes, lists = PROBES_AN_HOUR / part, LISTS_AN_HOUR / part
        cpu_s = probes * probe.cpu_s + lists * quiet.cpu_s + walk.cpu_s + listing.cpu_s / WHOLE_H
        requests = probes * probe.requests + lists * quiet.requests
        print(f"{what:31} {cpu_s:11.2f} {cpu_s / 36:11.3f}% {requests:9,.0f}")
        print(f"{'  of it the probes':31} {probes * probe.cpu_s:11.2f} {probes * probe.cpu_s / 36:11.3f}%")
    print(f"wake-ups a minute, left alone: {alone.switches * 60 / alone.wall_s:.1f}")


def _every(poll_s: float, list_s: float) -> dict[str, object]:
    return {
        "poll_interval": poll_s,
        "full_list_interval": list_s,
        "settle": SETTLE_S,
        "first_run": "trust-size",
    }


def _begun(service: Service, log: Path) -> Meter:
    """Start it and wait until it is in step."""
    service.start()
    passed(service)
    assert service.process is not None
    return Meter(service.process.pid, log)


def _walked(service: Service, meter: Meter) -> float:
    """Let the folder itself be dirty, which makes the service look at all that is in it, and at no list."""
    os.utime(service.machine.root)
    return meter.until_worked(quiet_s=SETTLE_S + 0.5)


def _middle(costs: list[Cost]) -> Cost:
    return Cost(
        statistics.median(cost.wall_s for cost in costs),
        statistics.median(cost.cpu_s for cost in costs),
        round(statistics.median(cost.switches for cost in costs)),
        round(statistics.median(cost.requests for cost in costs)),
    )
