"""Times as people type them."""

from __future__ import annotations

import re
from datetime import datetime, timedelta

import click

__all__ = ["Moment", "moment"]

_AGO = re.compile(r"(\d{1,6}|an?|one)\s*(s|m|h|d|w|second|minute|hour|day|week)(?:s)?(?:\s+ago)?")
_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days", "w": "weeks"}


def moment(text: str, now_s: float) -> float:
    """Return a time in seconds since 1970: ISO 8601 (without a zone: this machine's), or "2 hours ago".

    Raises `ValueError`.
    """
    words = " ".join(text.lower().split())
    now = datetime.fromtimestamp(now_s)
    midnight = now.replace(hour=0, minute=0, second=0, microsecond=0)
    if words == "today":
        return midnight.timestamp()
    if words == "yesterday":
        return (midnight - timedelta(days=1)).timestamp()
    ago = _AGO.fullmatch(words)
    if ago is not None:
        count = int(ago[1]) if ago[1].isdigit() else 1
        return now_s - timedelta(**{_UNITS[ago[2][0]]: count}).total_seconds()
    try:
        return datetime.fromisoformat(text.strip()).timestamp()
    except (ValueError, OverflowError):
        raise ValueError(
            f'"{text}" is no time: write it like 2026-11-22T17:45, or "2 hours ago", or "yesterday"'
        ) from None


class Moment(click.ParamType):  # type: ignore[type-arg]
    """An option that takes a time."""

    name = "time"

    def __init__(self, now: float | None = None) -> None:
        self._now = now

    def convert(self, value: object, param: click.Parameter | None, context: click.Context | None) -> float:
        import time

        try:
            return moment(str(value), time.time() if self._now is None else self._now)
        except ValueError as error:
            self.fail(str(error), param, context)
