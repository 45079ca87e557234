"""Two processes on one root: the second exits 5 and touches nothing."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from cli_world import World, messages
from fault_proxy import FaultProxy, Pass


class Running:
    """A pass that waits at a request until it is let go."""

    def __init__(self, world: World, proxy: FaultProxy) -> None:
        self.go_on = threading.Event()
        reached = threading.Event()

        def wait() -> None:
            reached.set()
            self.go_on.wait(60)

        proxy.fault("POST", r"/api/assets\.xml", Pass(before=wait))
        world.write("a.txt", "a")
        world.configure(url=proxy.url)
        self.process = world.start("--once", stderr=subprocess.DEVNULL)
        assert reached.wait(60)

    def end(self) -> int:
        self.go_on.set()
        self.process.communicate(timeout=60)
        return self.process.returncode


@pytest.fixture
def proxy(world: World) -> Iterator[FaultProxy]:
    with FaultProxy(world.sandbox.port) as between:
        yield between


@pytest.fixture
def running(world: World, proxy: FaultProxy) -> Iterator[Running]:
    first = Running(world, proxy)
    yield first
    first.process.kill()
    first.end()


def refused(world: World, *arguments: str) -> None:
    before = len(world.sandbox.requests)
    done = world.run(*arguments)
    assert done.returncode == 5, done.stderr
    (line,) = messages(done.stderr)
    assert "another fluxsync works on" in line
    assert len(world.sandbox.requests) == before


def test_the_second_exits_5_whatever_it_is_asked(world: World, running: Running) -> None:
    refused(world, "--once")
    refused(world, "rebuild", "--yes")
    assert running.end() == 0


@pytest.mark.slow
def test_the_lock_holds_on_whatever_way_the_root_is_reached(world: World, running: Running) -> None:
    real = world.root
    world.root = world.home / "another way"
    world.root.symlink_to(real)
    world.configure()
    refused(world, "--once")


@pytest.mark.slow
def test_a_stopped_process_keeps_the_lock_and_a_killed_one_does_not(world: World, running: Running) -> None:
    running.process.send_signal(signal.SIGSTOP)
    refused(world, "--once")
    running.process.kill()
    running.end()
    assert world.run("--once").returncode == 0
    assert len(world.sandbox.store.assets()) == 1


def remove_lock(control: Path) -> None:
    (control / "lock").unlink()


def replace_lock(control: Path) -> None:
    (control / "lock").unlink()
    (control / "lock").touch()


@pytest.mark.parametrize("meddle", [remove_lock, pytest.param(replace_lock, marks=pytest.mark.slow)])
def test_the_lock_holds_though_somebody_deletes_its_file(
    world: World, running: Running, meddle: Callable[[Path], None]
) -> None:
    meddle(world.root / ".fluxsync")
    refused(world, "--once")
    assert running.end() == 0
    assert world.run("--once").returncode == 0


@pytest.mark.slow
def test_without_the_control_folder_nobody_goes_on(world: World, running: Running) -> None:
    """The marker went with the lock, so it may be another root."""
    shutil.rmtree(world.root / ".fluxsync")
    assert world.run("--once").returncode == 4
    assert running.end() == 4
    assert os.listdir(world.root) == ["a.txt"]


@pytest.mark.slow
def test_looking_needs_no_lock(world: World, running: Running) -> None:
    assert world.run("--once", "--dry-run").returncode == 0
    assert world.run("status").returncode == 0
    assert running.end() == 0
