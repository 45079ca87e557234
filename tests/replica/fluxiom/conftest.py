"""A client whose clock is played, and the service behind it played by respx."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import respx
from fluxiom_world import URL, Clock

from fluxsync.replica.fluxiom.client import Client


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def client(clock: Clock) -> Iterator[Client]:
    client = Client(URL, "jane", "s3cret", clock=clock, sleep=clock.sleep)
    yield client
    client.close()


@pytest.fixture
def web() -> Iterator[respx.Router]:
    with respx.mock(assert_all_called=False) as router:
        yield router
