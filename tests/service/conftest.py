"""Fixtures of the tests that run the service as a process of its own."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from service_world import Service

from fluxsync.sandbox.server import Sandbox


@pytest.fixture
def services(tmp_path: Path, account: Sandbox) -> Iterator[Callable[..., Service]]:
    """Make services by name: the same name is the same folder and journal."""
    made: list[Service] = []

    def make(name: str = "a", url: str = "", **sections: Any) -> Service:
        made.append(Service(tmp_path / f"service-{name}", url or account.url, **sections))
        return made[-1]

    yield make
    for service in made:
        service.close()
