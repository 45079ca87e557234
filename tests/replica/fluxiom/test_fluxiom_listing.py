"""The full list: how many requests it costs, and what shifting pages do to it."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence

import pytest

from fluxsync.errors import Unauthorized, Unavailable
from fluxsync.replica.base import Probe
from fluxsync.replica.fluxiom.listing import confirm, full_list, walk
from fluxsync.replica.fluxiom.wire import Asset


def asset(number: int, version: int = 0) -> Asset:
    return Asset(number, f"{number}.gif", version, 5, {})


class Pages:
    """A list of assets in pages of 100, which `changes` alter before a page is answered."""

    def __init__(self, count: int) -> None:
        self.assets = [asset(number) for number in range(1, count + 1)]
        self.asked: list[int] = []
        self.changes: dict[int, Callable[[], None]] = {}
        self._lock = threading.Lock()

    def __call__(self, number: int) -> tuple[Asset, ...]:
        with self._lock:
            self.asked.append(number)
            self.changes.pop(number, lambda: None)()
            return tuple(self.assets[(number - 1) * 100 : number * 100])


def probes(*texts: str) -> Callable[[], Probe]:
    answers = list(texts)
    return lambda: Probe(answers.pop(0) if len(answers) > 1 else answers[0])


@pytest.mark.parametrize("count", [0, 1, 99, 100, 101, 1000, 2345])
@pytest.mark.parametrize("width", [1, 4, 8])
def test_a_list_of_known_length_costs_its_pages_and_two_more(count: int, width: int) -> None:
    pages = Pages(count)
    found: dict[int, Asset] = {}
    walk(pages, found, expected=count, width=width)
    assert len(found) == count
    assert sorted(pages.asked) == list(range(1, -(-count // 100) + 3))


@pytest.mark.parametrize("count", [0, 1, 100, 350, 5000])
def test_a_list_of_unknown_length_costs_a_window_more_at_most(count: int) -> None:
    pages = Pages(count)
    found: dict[int, Asset] = {}
    walk(pages, found, expected=0, width=8)
    assert len(found) == count
    assert len(pages.asked) <= -(-count // 100) + 2 + 8


def test_a_list_that_shrank_is_read_to_its_end() -> None:
    pages = Pages(150)
    found: dict[int, Asset] = {}
    walk(pages, found, expected=1000, width=4)
    assert len(found) == 150
    assert len(pages.asked) <= 4 + 4


def test_one_empty_page_in_the_middle_is_not_the_end() -> None:
    def page(number: int) -> Sequence[Asset]:
        return () if number in (2, 4, 5) else (asset(number),)

    found: dict[int, Asset] = {}
    walk(page, found, expected=0, width=2)  # type: ignore[arg-type]
    assert sorted(found) == [1, 3]


def test_of_two_records_of_one_asset_the_higher_version_stays() -> None:
    def page(number: int) -> tuple[Asset, ...]:
        return {1: (asset(7, 3), asset(8)), 2: (asset(7, 2), asset(9))}.get(number, ())

    found: dict[int, Asset] = {}
    walk(page, found, expected=0, width=1)
    assert (found[7].version, sorted(found)) == (3, [7, 8, 9])


def test_a_service_that_does_not_turn_pages_is_unavailable() -> None:
    with pytest.raises(Unavailable, match="same page"):
        walk(lambda number: (asset(1),), {}, expected=0, width=4)


def test_equal_probes_make_a_list_complete() -> None:
    pages = Pages(250)
    listed = full_list(pages, probes("same"), expected=250, width=4)
    assert (listed.complete, len(listed.assets), len(pages.asked)) == (True, 250, 5)


def test_an_asset_that_shifted_between_pages_is_met_by_the_second_walk() -> None:
    pages = Pages(300)
    # While page 2 is answered the first asset goes: what was on top of page 2 moves to page 1, unseen.
    pages.changes[2] = lambda: pages.assets.pop(0)  # type: ignore[assignment, return-value]
    listed = full_list(pages, probes("before", "after", "after"), expected=300, width=1)
    assert listed.complete
    assert set(range(2, 301)) <= set(listed.assets)
    assert listed.probe == Probe("before")


def test_a_list_that_never_stands_still_is_not_complete() -> None:
    listed = full_list(Pages(10), probes("1", "2", "3", "4"), expected=10, width=1)
    assert (listed.complete, len(listed.assets)) == (False, 10)


def test_a_failing_page_fails_the_list() -> None:
    def page(number: int) -> tuple[Asset, ...]:
        if number == 2:
            raise Unavailable("cut")
        return tuple(asset(i) for i in range(100))

    with pytest.raises(Unavailable, match="cut"):
        walk(page, {}, expected=500, width=4)


def test_what_is_missing_is_gone_there_or_unknown() -> None:
    def read(number: int) -> Asset | None:
        if number == 3:
            raise Unavailable("busy")
        return None if number == 1 else asset(number)

    assert confirm(read, [1, 2, 3], width=4) == {1: None, 2: asset(2), 3: "busy"}


def test_after_some_failures_nobody_asks_on() -> None:
    asked: list[int] = []

    def read(number: int) -> Asset | None:
        asked.append(number)
        raise Unavailable("down")

    assert set(confirm(read, range(1000), width=1).values()) == {"down"}
    assert len(asked) == 3


def test_missing_rights_are_not_a_gap_in_the_list() -> None:
    def read(number: int) -> Asset | None:
        raise Unauthorized("401")

    with pytest.raises(Unauthorized):
        confirm(read, [1], width=1)
