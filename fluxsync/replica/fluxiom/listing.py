"""The full list: pages fetched ahead, between two probes, and a look at each asset that is missing.

The service says neither how many assets there are nor in which order pages come, and pages shift while
others work. So pages are collected by id until two in a row are empty; the list counts as complete when the
probes before and after it are equal; and what it lacks is gone only when a request for it says so.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass

from fluxsync.errors import ReplicaError, Unauthorized, Unavailable
from fluxsync.replica.base import Probe
from fluxsync.replica.fluxiom.endpoints import PAGE
from fluxsync.replica.fluxiom.wire import Asset

__all__ = ["Listed", "confirm", "full_list", "walk"]

MOST_WALKS = 3
#: So many failures of separate requests, and the account is in no state to be asked for single assets.
MOST_FAILURES = 3
#: So many pages without a new asset, and the service does not turn pages.
MOST_REPEATS = 3
#: So many assets, and the service makes them up as it goes.
MOST_ASSETS = 1_000_000


@dataclass(frozen=True, slots=True)
class Listed:
    assets: Mapping[int, Asset]
    complete: bool
    #: Taken before the first page, and after the last.
    probe: Probe
    last_probe: Probe
    #: How often it was walked: the assets are those of all walks.
    walks: int


def full_list(
    page: Callable[[int], tuple[Asset, ...]], probe: Callable[[], Probe], *, expected: int, width: int
) -> Listed:
    """Walk the list until a probe before equals one after, three times at most.

    `expected` is the number of assets of the last list, 0 where none is known.
    """
    assets: dict[int, Asset] = {}
    before = first = probe()
    for walks in range(1, MOST_WALKS + 1):
        walk(page, assets, expected=expected, width=width)
        after = probe()
        if after == before:
            return Listed(assets, True, first, after, walks)
        # Joined by id: what shifted from one page to another while they were read is met this time.
        before, expected = after, len(assets)
    return Listed(assets, False, first, before, MOST_WALKS)


def walk(
    page: Callable[[int], tuple[Asset, ...]], assets: dict[int, Asset], *, expected: int, width: int
) -> None:
    """Collect all pages by id; of two records of one asset the one with the higher version stays.

    N pages cost N + 2 requests, and a few more on the first list of an account, whose length is not known.
    """
    expected_pages = -(-expected // PAGE)
    ahead: dict[int, Future[tuple[Asset, ...]]] = {}
    asked = number = empty = repeats = last = 0
    last_was_full = False
    ids: set[int] = set()
    with ThreadPoolExecutor(width, "list") as pool:
        try:
            while empty < 2:
                horizon = max(expected_pages, last) + 2
                if last > expected_pages and last_was_full:
                    horizon = max(horizon, last + min(last, width))
                while asked < horizon and len(ahead) < width:
                    asked += 1
                    ahead[asked] = pool.submit(page, asked)
                number += 1
                found = ahead.pop(number).result()
                if not found:
                    empty += 1
                    continue
                empty, last, last_was_full = 0, number, len(found) >= PAGE
                repeats = repeats + 1 if ids.issuperset(asset.id for asset in found) else 0
                if repeats >= MOST_REPEATS:
                    raise Unavailable("the service repeats the same page of its list of assets")
                if len(ids) > MOST_ASSETS:
                    raise Unavailable(f"the service's list of assets has no end: more than {MOST_ASSETS:,}")
                for asset in found:
                    ids.add(asset.id)
                    known = assets.get(asset.id)
                    if known is None or asset.version >= known.version:
                        assets[asset.id] = asset
        finally:
            pool.shutdown(cancel_futures=True)


def confirm(
    read: Callable[[int], Asset | None], ids: Iterable[int], *, width: int
) -> dict[int, Asset | str | None]:
    """Ask for single assets: the asset, None where it is gone, or the reason why that is not known.

    Raises `Unauthorized`. After some failures no further request is made.
    """
    failures: list[str] = []

    def look(asset_id: int) -> Asset | str | None:
        if len(failures) >= MOST_FAILURES:
            return failures[-1]
        try:
            return read(asset_id)
        except Unauthorized:
            raise
        except ReplicaError as error:
            failures.append(str(error))
            return str(error)

    wanted = list(ids)
    if not wanted:
        return {}
    with ThreadPoolExecutor(min(width, len(wanted)), "confirm") as pool:
        try:
            return dict(zip(wanted, pool.map(look, wanted), strict=True))
        finally:
            pool.shutdown(cancel_futures=True)
