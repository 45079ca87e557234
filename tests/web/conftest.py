"""A served stand-in for each test, and whatever else it serves."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest
from web_world import Served


@pytest.fixture
def serve(tmp_path: Path) -> Iterator[Callable[..., Served]]:
    """Serve a played service: `serve("name", port=...)`."""
    made: list[Served] = []

    def serve(name: str = "journal", **more: object) -> Served:
        made.append(Served(tmp_path, name, **more))  # type: ignore[arg-type]
        return made[-1]

    yield serve
    for each in made:
        each.close()


@pytest.fixture
def served(serve: Callable[..., Served]) -> Served:
    return serve()


@pytest.fixture
def script(served: Served) -> Iterator[httpx.Client]:
    """A client with the token."""
    with served.script() as client:
        yield client
