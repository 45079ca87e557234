"""The log in a file of its own: bounded, for its owner alone, and never lost to whoever moves it."""

from __future__ import annotations

import logging
import os
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from fluxsync import log_file
from fluxsync.log_file import LogFile


@pytest.fixture
def path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(log_file, "PIECE_BYTES", 200)
    monkeypatch.setattr(log_file, "KEPT", 2)
    return tmp_path / "logs" / "fluxsync.log"


@pytest.fixture
def log(path: Path) -> Iterator[LogFile]:
    before = os.umask(0)
    handler = LogFile(path)
    yield handler
    handler.close()
    os.umask(before)


def say(handler: LogFile, text: str) -> None:
    handler.handle(logging.LogRecord("x", logging.INFO, "", 0, text, None, None))


def test_the_file_is_set_aside_when_it_is_large_and_the_oldest_pieces_go(path: Path, log: LogFile) -> None:
    for number in range(100):
        say(log, f"line {number:03}")
    pieces = sorted(path.parent.iterdir())
    assert [piece.name for piece in pieces] == ["fluxsync.log", "fluxsync.log.1", "fluxsync.log.2"]
    assert all(piece.stat().st_size <= 200 for piece in pieces)
    assert path.read_text().endswith("line 099\n")
    lines = [line for piece in reversed(pieces) for line in piece.read_text().splitlines()]
    assert lines == [f"line {number:03}" for number in range(100 - len(lines), 100)]


def test_each_piece_is_for_its_owner_alone_whatever_the_umask_says(path: Path, log: LogFile) -> None:
    for number in range(60):
        say(log, f"line {number:03}")
    assert {stat.S_IMODE(piece.stat().st_mode) for piece in path.parent.iterdir()} == {0o600}


@pytest.mark.parametrize("how", ["moved", "removed"])
def test_a_file_that_somebody_takes_away_is_made_anew(path: Path, log: LogFile, how: str) -> None:
    say(log, "before")
    path.rename(path.with_name("elsewhere")) if how == "moved" else path.unlink()
    say(log, "after")
    assert path.read_text() == "after\n"


def test_two_processes_may_write_one_log(path: Path, log: LogFile) -> None:
    other = LogFile(path)
    for number in range(40):
        say((log, other)[number % 2], f"line {number:03}")
    other.close()
    pieces = sorted(path.parent.iterdir(), reverse=True)
    lines = [line for piece in pieces for line in piece.read_text().splitlines()]
    assert lines == [f"line {number:03}" for number in range(40 - len(lines), 40)]
    assert len(lines) > 20


def test_a_folder_that_is_away_for_a_while_ends_nothing(path: Path, log: LogFile) -> None:
    path.parent.rename(path.parent.with_name("away"))
    before, logging.raiseExceptions = logging.raiseExceptions, False
    try:
        say(log, "lost")
    finally:
        logging.raiseExceptions = before
    path.parent.mkdir()
    say(log, "again")
    assert path.read_text() == "again\n"


def test_what_is_no_file_is_written_to_and_never_set_aside(log: LogFile) -> None:
    nowhere = LogFile(Path(os.devnull))
    for number in range(100):
        say(nowhere, f"line {number:03}")
    nowhere.close()
    assert not Path(f"{os.devnull}.1").exists()
