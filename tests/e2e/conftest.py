"""Fixtures of the tests about what never happens."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from e2e_world import Machine, files, settle
from fault_proxy import FaultProxy


@pytest.fixture
def known(machine: Callable[..., Machine], proxy: FaultProxy) -> Machine:
    """A machine in step with five files, whose journal knows root and account."""
    a = machine("a", url=proxy.url)
    files(a, 5)
    settle(a)
    return a
