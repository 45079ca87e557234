"""Fixtures for tests that sync: an account, machines beside it, faults between them, time that tests own."""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import hypothesis
import pytest

sys.path.insert(0, str(Path(__file__).parent / "e2e"))

from e2e_world import Clock, Machine, tell_time
from fault_proxy import FaultProxy

from fluxsync.sandbox.server import Sandbox

# The same examples on every run, so that a failure is never a stranger's; FLUXSYNC_EXAMPLES asks for others.
hypothesis.settings.register_profile("steady", derandomize=True)
if "FLUXSYNC_EXAMPLES" not in os.environ:
    hypothesis.settings.load_profile("steady")

#: Where Linux has a disk in memory.
IN_MEMORY = "/dev/shm"


def pytest_configure(config: pytest.Config) -> None:
    """Let no test wait for a real disk, of which none is about, and processes not compile what others have.

    The latter also where the environment forbids to keep compiled modules.
    """
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    sys.dont_write_bytecode = False
    if config.option.markexpr != "bench" and _is_a_disk(IN_MEMORY):
        os.environ.setdefault("PYTEST_DEBUG_TEMPROOT", IN_MEMORY)


def _is_a_disk(place: str) -> bool:
    """Tell whether files there are what they are on a disk, attributes included, and have room."""
    try:
        with tempfile.NamedTemporaryFile(dir=place) as file:
            os.setxattr(file.name, "user.fluxsync-test", b"")
        return shutil.disk_usage(place).free > 2**31
    except (AttributeError, OSError):
        return False


def pytest_xdist_auto_num_workers() -> int:
    """Let one more work than there are processors: a test often waits, for a disk or for an answer."""
    return (os.cpu_count() or 1) + 1


@pytest.fixture
def account(tmp_path: Path) -> Iterator[Sandbox]:
    """An empty account, served on a free port."""
    with Sandbox(tmp_path / "account", threads=8) as sandbox:
        yield sandbox


@pytest.fixture
def proxy(account: Sandbox) -> Iterator[FaultProxy]:
    """The way to the account for machines that shall meet faults: `machine("a", url=proxy.url)`."""
    with FaultProxy(account.port) as between:
        yield between


@pytest.fixture
def time_passes(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """Time for everything that waits in this process: it jumps ahead instead of sleeping."""
    clock = Clock()
    tell_time(clock, monkeypatch.setattr)
    return clock


@pytest.fixture
def machine(tmp_path: Path, account: Sandbox, time_passes: Clock) -> Callable[..., Machine]:
    """Make machines: `machine("a", sync={"direction": "up"})`; the same name is the same machine."""

    def made(name: str, url: str = "", **sections: dict[str, Any]) -> Machine:
        return Machine(tmp_path / f"machine-{name}", url or account.url, time_passes, sections)

    return made
