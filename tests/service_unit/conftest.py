"""A home of its own for each test, and tools that only note what they are told."""

from pathlib import Path

import pytest
from stand_ins import StandIns


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in ("XDG_CONFIG_HOME", "XDG_STATE_HOME", "XDG_DATA_HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    (tmp_path / "home/.config/fluxsync").mkdir(parents=True)
    return tmp_path / "home"


@pytest.fixture
def tools(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> StandIns:
    found = StandIns(tmp_path / "tools")
    monkeypatch.setenv("PATH", f"{found.bin}:/usr/bin:/bin")
    return found
