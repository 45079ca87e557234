"""Times as people type them."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from fluxsync.cli.times import moment

NOW = datetime(2026, 11, 22, 17, 45, 1).timestamp()


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("2 hours ago", 7200),
        ("an hour ago", 3600),
        ("one day ago", 86_400),
        ("90 minutes", 5400),
        ("1 week ago", 604_800),
        ("30s", 30),
        ("2d ago", 172_800),
        ("  3  Days  ago ", 259_200),
    ],
)
def test_so_long_ago(text: str, seconds: float) -> None:
    assert moment(text, NOW) == NOW - seconds


def test_days_by_their_names() -> None:
    assert moment("today", NOW) == datetime(2026, 11, 22).timestamp()
    assert moment("yesterday", NOW) == datetime(2026, 11, 21).timestamp()


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("2026-11-22", datetime(2026, 11, 22)),
        ("2026-11-22T16:00", datetime(2026, 11, 22, 16)),
        ("2026-11-22 16:00:30", datetime(2026, 11, 22, 16, 0, 30)),
        ("2026-11-22T16:00:00Z", datetime(2026, 11, 22, 16, tzinfo=UTC)),
        ("2026-11-22T16:00:00+02:00", datetime(2026, 11, 22, 14, tzinfo=UTC)),
    ],
)
def test_iso_8601(text: str, meant: datetime) -> None:
    assert moment(text, NOW) == meant.timestamp()


@pytest.mark.parametrize("text", ["", "soon", "2 moons ago", "-1 day ago", "22.11.2026", "9999999 days ago"])
def test_what_is_no_time_is_refused_with_an_example(text: str) -> None:
    with pytest.raises(ValueError, match="2 hours ago"):
        moment(text, NOW)
