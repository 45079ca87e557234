"""Since when something is known to be in a trash."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from fluxsync.core.model import Side
from fluxsync.state.journal import Journal


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[Journal]:
    journal = Journal.open(tmp_path / "journal.sqlite")
    yield journal
    journal.close()


def test_what_is_known_of_a_side_is_replaced_as_a_whole_and_of_the_other_not(journal: Journal) -> None:
    journal.set_first_seen({Side.REMOTE: {"7": 1.5, "8": 2.0}, Side.LOCAL: {"2026-11-22/1": 3.0}}, {})
    journal.set_first_seen({Side.REMOTE: {"8": 2.0, "9": 4.0}}, {"clocks": "[1, 2]"})
    assert journal.first_seen(Side.REMOTE) == {"8": 2.0, "9": 4.0}
    assert journal.first_seen(Side.LOCAL) == {"2026-11-22/1": 3.0}
    assert journal.fact("clocks") == "[1, 2]"


def test_it_survives_and_is_forgotten_with_what_was_known_of_both_sides(tmp_path: Path) -> None:
    for expected in ({}, {"7": 1.5}):
        with closing(Journal.open(tmp_path / "j.sqlite")) as journal:
            assert journal.first_seen(Side.REMOTE) == expected
            journal.set_first_seen({Side.REMOTE: {"7": 1.5}}, {})
    with closing(Journal.open(tmp_path / "j.sqlite")) as journal:
        journal.forget_all()
        assert journal.first_seen(Side.REMOTE) == {}


def test_a_bit_that_flipped_makes_it_unknown_and_is_written_over(tmp_path: Path) -> None:
    """Read as it is, it would let an asset go before its days are over."""
    with closing(Journal.open(tmp_path / "j.sqlite")) as journal:
        journal.set_first_seen({Side.REMOTE: {"7": 1_800_000_000.0, "8": 2.0}}, {})
    with closing(sqlite3.connect(tmp_path / "j.sqlite")) as database:
        database.execute("UPDATE seen_in_trash SET seen = 1700000000.0 WHERE key = '7'")
        database.commit()
    with closing(Journal.open(tmp_path / "j.sqlite")) as journal:
        assert journal.first_seen(Side.REMOTE) == {"8": 2.0}
        journal.set_first_seen({Side.REMOTE: {"7": 1_900_000_000.0}}, {})
        assert journal.first_seen(Side.REMOTE) == {"7": 1_900_000_000.0}
