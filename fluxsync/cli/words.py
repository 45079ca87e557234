"""Sizes, times, counts and paths as people read them."""

from __future__ import annotations

from datetime import datetime

from fluxsync.engine.documents import iso
from fluxsync.printable import shown

__all__ = ["ago", "column", "count", "day_and_time", "iso", "shown", "size"]

_UNITS = ("bytes", "kB", "MB", "GB", "TB")


def size(count: float) -> str:
    """Return bytes in decimal units, three digits at most: "999 bytes", "1.2 MB", "340 MB"."""
    value, unit = float(count), 0
    # 999.5 would be shown as 1000 of the smaller unit.
    while value >= (1000 if unit == 0 else 999.5) and unit < len(_UNITS) - 1:
        value, unit = value / 1000, unit + 1
    if unit == 0:
        return f"{int(value)} byte{'' if int(value) == 1 else 's'}"
    return f"{value:.1f} {_UNITS[unit]}" if value < 9.95 else f"{value:.0f} {_UNITS[unit]}"


def column(count: int) -> str:
    """Return a size for a column, numbers and units below each other: " 999 bytes", " 1.2 MB   "."""
    number, _, unit = size(count).partition(" ")
    return f"{number:>5} {unit:<5}"


def count(number: int, one: str, many: str = "") -> str:
    """Return "1 file", "2,000 files"."""
    return f"{number:,} {one if number == 1 else many or one + 's'}"


def day_and_time(time_s: float) -> str:
    """Return seconds since 1970 as this machine's clock shows them."""
    return datetime.fromtimestamp(time_s).strftime("%Y-%m-%d %H:%M:%S")


def put_aside(tries: int, next_try: float) -> str:
    """Say until when something that failed in so many passes is left alone."""
    return (
        f"put aside after {count(tries, 'try', 'tries')} until {day_and_time(next_try)}, or until it changes"
    )


def ago(time_s: float, now_s: float) -> str:
    """Return how long ago that was: "12 seconds ago", "3 hours ago"."""
    passed = max(0, int(now_s - time_s))
    for seconds, unit in ((86_400, "day"), (3600, "hour"), (60, "minute")):
        if passed >= 2 * seconds:
            return f"{count(passed // seconds, unit)} ago"
    return "just now" if passed < 5 else f"{count(passed, 'second')} ago"
