"""How soon one side shows what changed on the other: prints distributions, asserts only that it comes.

    python -m pytest -n 0 -m bench -s tests/bench/test_bench_latency.py

`FLUXSYNC_BENCH_TRIES` says how many changes are made of each kind (52), `FLUXSYNC_BENCH_LANES` by how many
services side by side (4; fewer take longer and disturb each other less). Each change comes at a moment of its
own in the interval between two looks. Where looks at the account are waited for, their intervals are short
(4 s and 8 s), so that many fit in; `settle` is the default.
"""

from __future__ import annotations

import os
import random
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing
from dataclasses import dataclass
from pathlib import Path

import pytest
from bench_world import PER_FOLDER, SETTLE_S, fill, passed, quantiles, rest, seen
from service_world import Service

from fluxsync.engine.status import State
from fluxsync.sandbox.schema import FIRST_ASSET_ID
from fluxsync.sandbox.server import Sandbox

LANES = int(os.environ.get("FLUXSYNC_BENCH_LANES", "4"))
TRIES = int(os.environ.get("FLUXSYNC_BENCH_TRIES", "52"))
#: One that is listed at each look, and one whose list takes too many requests for that.
SMALL, LARGE = 300, 2100
POLL_S, LIST_S = 4.0, 8.0

pytestmark = [pytest.mark.bench, pytest.mark.timeout(1800)]


@dataclass
class Lane:
    """One account with its service, in step at the start; each try has files of its own."""

    account: Sandbox
    service: Service
    chance: random.Random

    def path(self, number: int, folder: int | None = None) -> Path:
        folder = number // PER_FOLDER if folder is None else folder
        return self.service.machine.root / f"folder {folder:04}" / f"file {number:06}.bin"


def saved_here(lane: Lane, number: int) -> float:
    """Save a file, and return the seconds from its close until its asset shows the new version."""
    lane.path(number).write_bytes(lane.chance.randbytes(400))
    closed_s = time.monotonic()
    return seen(lambda: lane.account.store.asset(FIRST_ASSET_ID + number).version == 1) - closed_s


def changed_there(lane: Lane, number: int) -> float:
    """Give an asset new content, and return the seconds until the file has it."""
    content = lane.chance.randbytes(400)
    lane.account.store.add_version(FIRST_ASSET_ID + number, content)
    changed_s = time.monotonic()
    return seen(lambda: lane.path(number).read_bytes() == content) - changed_s


def swapped_there(lane: Lane, number: int) -> float:
    """Let two assets change folders, which no count of a tag shows; return the seconds until the files do.

    What a probe has not shown three times is not left to probes any more: so not more than two of them are
    remembered.
    """
    if number % 2 == 0:
        assert lane.service.stop() == 0
        with lane.service.machine.opened() as app:
            app.journal.set_facts({"probe_misses": None})
        _begin(lane.service)
        rest(lane.chance.uniform(0, LIST_S))
    store, one, other = lane.account.store, number, number + PER_FOLDER
    store.set_tags(FIRST_ASSET_ID + one, ["folder 0001"])
    store.set_tags(FIRST_ASSET_ID + other, ["folder 0000"])
    changed_s = time.monotonic()
    return seen(lambda: lane.path(one, 1).exists() and lane.path(other, 0).exists()) - changed_s


@pytest.mark.parametrize("files", [SMALL, LARGE])
def test_from_a_saved_file_to_its_version(files: int, tmp_path: Path) -> None:
    """Intervals are the defaults: nothing here waits for a look at the account."""
    sync = {"poll_interval": 60, "full_list_interval": 900}
    found = distribution(tmp_path, files, sync, saved_here, 1.0)
    show(f"saved here, {files:,} files", found, f"{SETTLE_S + 0.5:g}")


@pytest.mark.parametrize("files", [SMALL, LARGE])
def test_from_what_a_probe_shows_to_the_file(files: int, tmp_path: Path) -> None:
    sync = {"poll_interval": POLL_S, "full_list_interval": 900}
    found = distribution(tmp_path, files, sync, changed_there, POLL_S)
    show(f"changed there, {files:,} files, looks each {POLL_S:g} s", found, f"{POLL_S / 2 + 0.5:g}")


def test_from_what_only_a_list_shows_to_the_file(tmp_path: Path) -> None:
    sync = {"poll_interval": POLL_S, "full_list_interval": LIST_S}
    found = distribution(tmp_path, LARGE, sync, swapped_there, LIST_S)
    show(f"swapped there, {LARGE:,} files, lists each {LIST_S:g} s", found, f"{LIST_S / 2:g}")


def distribution(
    tmp_path: Path,
    files: int,
    sync: dict[str, object],
    attempt: Callable[[Lane, int], float],
    phase_s: float,
) -> list[float]:
    """Make all tries, each after a random part of `phase_s`, and return the seconds they took."""

    def run(number: int) -> list[float]:
        place = tmp_path / f"lane {number}"
        home = place / "service"
        home.mkdir(parents=True)
        fill(place / "account", home / "root", files)
        with ExitStack() as stack:
            account = stack.enter_context(Sandbox(place / "account", threads=8))
            service = Service(home, account.url, sync={"settle": SETTLE_S, "first_run": "trust-size", **sync})
            stack.enter_context(closing(service))
            lane = Lane(account, service, random.Random(number))
            _begin(service)
            found = []
            for attempted in range(-(-TRIES // LANES)):
                rest(lane.chance.uniform(0, phase_s))
                found.append(attempt(lane, attempted))
            service.until_state(State.IN_STEP)
            assert service.stop() == 0
        return found

    with ThreadPoolExecutor(LANES) as pool:
        return [seconds for lane in pool.map(run, range(LANES)) for seconds in lane]


def _begin(service: Service) -> None:
    service.start()
    passed(service)


def show(what: str, found: list[float], aim: str) -> None:
    print(
        f"\n{'seconds, of ' + str(len(found)) + ' tries':48}    min   median      90 %      max  aim (median)"
    )
    print(f"{what:45} {quantiles(found)}  {aim}")
