"""One world for each test: its own folder, account and home."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from cli_world import READER, World

from fluxsync.sandbox.server import Sandbox


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    with Sandbox(tmp_path / "account", users=[READER], threads=8) as sandbox:
        yield World(tmp_path, sandbox)
