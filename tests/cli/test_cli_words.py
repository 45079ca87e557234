"""Sizes, counts, times and names as people read them."""

import pytest

from fluxsync.cli.words import ago, column, count, iso, shown, size


@pytest.mark.parametrize(
    ("number", "text"),
    [
        (0, "0 bytes"),
        (1, "1 byte"),
        (999, "999 bytes"),
        (1000, "1.0 kB"),
        (9949, "9.9 kB"),
        (9951, "10 kB"),
        (999_499, "999 kB"),
        (999_500, "1.0 MB"),
        (1_234_567_890, "1.2 GB"),
        (5 * 10**15, "5000 TB"),
    ],
)
def test_sizes_are_short(number: int, text: str) -> None:
    """Three digits at most, in decimal units."""
    assert size(number) == text


def test_sizes_line_up() -> None:
    """Numbers and units stand below each other."""
    assert column(999) == "  999 bytes"
    assert column(1_200_000) == "  1.2 MB   "


def test_counts_know_one_from_many() -> None:
    assert count(1, "file") == "1 file"
    assert count(2000, "entry", "entries") == "2,000 entries"


@pytest.mark.parametrize(
    ("passed_s", "text"),
    [
        (-5, "just now"),
        (4, "just now"),
        (30, "30 seconds ago"),
        (119, "119 seconds ago"),
        (120, "2 minutes ago"),
        (7200, "2 hours ago"),
        (200_000, "2 days ago"),
    ],
)
def test_the_past_is_rounded(passed_s: int, text: str) -> None:
    assert ago(1_000_000, 1_000_000 + passed_s) == text


def test_times_in_documents_are_utc() -> None:
    assert iso(0) == "1970-01-01T00:00:00Z"
    assert iso(None) is None


def test_names_are_shown_as_text() -> None:
    """Control characters, and bytes that are no text, are spelled out."""
    assert shown("Zürich/é") == "Zürich/é"
    assert shown("a\x1b[31m\nb\udcff") == "a\\x1b[31m\\nb\\xff"
