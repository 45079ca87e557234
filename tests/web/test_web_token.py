"""The file of the token: only its owner reads it, and it outlives a restart."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from fluxsync.errors import ConfigError
from fluxsync.web.token import kept_token, token_path


@pytest.fixture(params=[0o000, 0o022, 0o777], ids=oct)
def umask(request: pytest.FixtureRequest) -> Iterator[None]:
    before = os.umask(request.param)
    yield
    os.umask(before)


@pytest.mark.usefixtures("umask")
def test_a_new_token_is_for_its_owner_alone(tmp_path: Path) -> None:
    file = tmp_path / "journal.token"
    token = kept_token(file)
    assert file.read_text() == token
    assert len(token) == 43
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert os.listdir(tmp_path) == ["journal.token"]


def test_a_token_outlives_a_restart_and_is_no_other_pairs(tmp_path: Path) -> None:
    token = kept_token(tmp_path / "a.token")
    assert kept_token(tmp_path / "a.token") == token
    assert kept_token(tmp_path / "b.token") != token


def test_the_token_is_beside_the_journal(tmp_path: Path) -> None:
    assert token_path(tmp_path / "work.sqlite") == tmp_path / "work.sqlite.token"


def test_a_token_may_have_been_written_by_hand(tmp_path: Path) -> None:
    file = tmp_path / "journal.token"
    token = kept_token(file)
    file.write_text(token + "\n")
    assert kept_token(file) == token


def readable(file: Path) -> None:
    file.chmod(0o640)


def writable(file: Path) -> None:
    file.chmod(0o602)


def linked(file: Path) -> None:
    os.link(file, file.with_name("elsewhere"))


def symlinked(file: Path) -> None:
    file.rename(file.with_name("elsewhere"))
    file.symlink_to("elsewhere")


def short(file: Path) -> None:
    file.write_text(file.read_text()[:-1])


def empty(file: Path) -> None:
    file.write_text("")


def fifo(file: Path) -> None:
    file.unlink()
    os.mkfifo(file, 0o600)


@pytest.mark.parametrize("spoil", [readable, writable, linked, symlinked, short, empty, fifo])
def test_a_file_that_is_not_safe_is_replaced(tmp_path: Path, spoil: Callable[[Path], None]) -> None:
    file = tmp_path / "journal.token"
    before = kept_token(file)
    spoil(file)
    token = kept_token(file)
    assert token != before
    assert file.read_text() == token
    assert not file.is_symlink()
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    elsewhere = tmp_path / "elsewhere"
    assert not elsewhere.exists() or elsewhere.read_text() == before


def test_what_an_interrupted_start_left_is_not_in_the_way(tmp_path: Path) -> None:
    (tmp_path / "journal.token.new").write_text("half")
    kept_token(tmp_path / "journal.token")
    assert os.listdir(tmp_path) == ["journal.token"]


def test_a_place_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"journal\.token cannot be written \(No such file"):
        kept_token(tmp_path / "missing" / "journal.token")
