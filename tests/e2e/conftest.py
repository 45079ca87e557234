"""Fixtures of the tests about what never happens, and about accounts that mean harm."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from e2e_world import Clock, Machine, files, settle
from fault_proxy import FaultProxy
from hostile_account import Around, Liar


@pytest.fixture
def known(machine: Callable[..., Machine], proxy: FaultProxy) -> Machine:
    """A machine in step with five files, whose journal knows root and account."""
    a = machine("a", url=proxy.url)
    files(a, 5)
    settle(a)
    return a


@pytest.fixture
def liar() -> Iterator[Liar]:
    with Liar() as account:
        yield account


@pytest.fixture
def one(tmp_path: Path, liar: Liar, time_passes: Clock) -> Machine:
    return Machine(tmp_path / "machine", liar.url, time_passes, {})


@pytest.fixture
def around(tmp_path: Path, one: Machine) -> Around:
    return Around(tmp_path, one.root)
