"""How times are written.

XML times and users' times carry seconds and a zone offset, JSON dates of assets and versions are days only
[000, 002], JSON account times are in UTC with a Z [000]. Which zone is undocumented: the samples show an
Austrian summer, so two hours east all year is our reading.
"""

from datetime import UTC, datetime, timedelta, timezone
from functools import lru_cache

_ZONE = timezone(timedelta(hours=2))


@lru_cache(maxsize=4096)
def full(moment: int) -> str:
    """Write `2010-07-21T11:16:18+02:00`."""
    return datetime.fromtimestamp(moment, _ZONE).isoformat()


@lru_cache(maxsize=4096)
def day(moment: int) -> str:
    """Write `2010-07-21`, the day in the zone of `full`."""
    return full(moment)[:10]


def utc(moment: int) -> str:
    """Write `2009-08-19T22:00:00Z`."""
    return datetime.fromtimestamp(moment, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
