from __future__ import annotations

from pathlib import Path

import pytest
from folder_world import Clock

from fluxsync.replica.folder import Folder


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def root(tmp_path: Path) -> Path:
    path = tmp_path / "root"
    path.mkdir()
    return path


@pytest.fixture
def folder(root: Path, clock: Clock) -> Folder:
    made = Folder(root, clock=clock, wait=clock.wait)
    made.prepare()
    made.write_root_id("one")
    return made
