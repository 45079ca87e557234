"""Files of hundreds of megabytes: memory stays bounded, and an interrupt in the middle ends cleanly."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from e2e_world import Machine, live
from fault_proxy import Fault, FaultProxy, Halfway, Midway

from fluxsync.sandbox.server import Sandbox

PROJECT = Path(__file__).resolve().parents[2]
LARGE = 24_000_000

pytestmark = pytest.mark.slow


def started(machine: Machine) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, "-m", "fluxsync.cli.main", "--once"],
        env={**os.environ, **machine.environment(), "HOME": str(machine.home), "PYTHONPATH": str(PROJECT)},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
    )


def peak_bytes(machine: Machine) -> int:
    """Make a pass in a process of its own that has to end in step; return the most memory that it had."""
    process = started(machine)
    assert process.stderr is not None
    said = process.stderr.read()
    process.stderr.close()
    _, status, used = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    assert process.returncode == 0, said
    return used.ru_maxrss * (1 if sys.platform == "darwin" else 1024)


def test_a_large_file_is_hashed_sent_and_fetched_in_little_memory(
    machine: Callable[..., Machine], account: Sandbox
) -> None:
    a, b = machine("a"), machine("b")
    size = 200_000_000
    a.write("small.psd", b"x")
    usual = peak_bytes(a)
    with (a.root / "film.mov").open("wb") as file:
        file.truncate(size)
    assert peak_bytes(a) - usual < size // 8
    assert live(account)["film.mov"].version == 0
    assert peak_bytes(b) - usual < size // 8
    assert (b.root / "film.mov").stat().st_size == size


@pytest.fixture(params=["up", "down"])
def halves(request: pytest.FixtureRequest) -> Iterator[tuple[str, str, str, Callable[..., Fault]]]:
    """Give how a large file moves, and the fault that lets something happen when half of it has."""
    if request.param == "up":
        yield "up", "POST", r"/api/assets", Midway
    else:
        yield "down", "GET", r"/download/", Halfway


def test_an_interrupt_in_the_middle_of_a_large_file_ends_at_once_and_leaves_nothing_behind(
    machine: Callable[..., Machine],
    account: Sandbox,
    proxy: FaultProxy,
    halves: tuple[str, str, str, Callable[..., Fault]],
) -> None:
    way, method, path, fault = halves
    direct, a = machine("direct"), machine("a", url=proxy.url)
    content = os.urandom(1_000_000) * (LARGE // 1_000_000)
    if way == "up":
        a.write("film.mov", content)
    else:
        direct.write("film.mov", content)
        direct.in_step()
    running: list[subprocess.Popen[bytes]] = []
    ended = threading.Event()

    def interrupt() -> None:
        """Send the signal and move no byte more until the process has ended by itself."""
        running[0].send_signal(signal.SIGINT)
        assert ended.wait(60)

    proxy.fault(method, path, fault(interrupt))
    running.append(started(a))
    with running[0] as process:
        _, said = process.communicate(timeout=30)
    ended.set()
    assert process.returncode == 130
    assert b"interrupted" in said
    assert b"Traceback" not in said
    if way == "up":
        assert account.store.assets() == []
    else:
        assert a.tree() == {}
    a.in_step()
    assert a.read("film.mov") == content
    assert [asset.version for asset in account.store.assets()] == [0]
    assert os.listdir(a.root / ".fluxsync/tmp") == []
