"""What leaves the local trash by itself: by age, by size, and never for a clock that was set."""

from __future__ import annotations

from collections.abc import Collection

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fluxsync.core.trash import DAY_S, Clocks, TrashedFile, beyond_size, first_seen, too_old

NOW = 1_800_000_000.0
HOUR = 3600.0


def file(name: str, age_s: float, size: int = 10) -> TrashedFile:
    return TrashedFile(f"2026-11-22/{int(age_s)}/{name}", name, NOW - age_s, size)


def seen(*files: TrashedFile) -> dict[str, float]:
    return {each.batch: each.when for each in files}


def names(files: Collection[TrashedFile]) -> list[str]:
    return [each.path for each in files]


def test_a_file_goes_when_its_days_are_over_and_not_a_second_before() -> None:
    old, young = file("Clients/old", 30 * DAY_S), file("Clients/young", 30 * DAY_S - 1)
    assert names(too_old([old, young], seen(old, young), NOW, 30)) == ["Clients/old"]


def test_no_days_mean_for_ever() -> None:
    old = file("old", 10_000 * DAY_S)
    assert too_old([old], seen(old), NOW, 0) == []


def test_what_the_journal_has_not_seen_before_begins_to_wait() -> None:
    """Its name may tell of a clock that was wrong when it came."""
    old = file("trashed in 1970", NOW)
    assert too_old([old], {}, NOW, 30) == []


def test_what_comes_from_the_future_waits_from_when_it_was_seen() -> None:
    odd = file("odd", -400 * DAY_S)
    assert too_old([odd], {odd.batch: NOW - 31 * DAY_S}, NOW, 30) == [odd]
    assert too_old([odd], {odd.batch: NOW - 29 * DAY_S}, NOW, 30) == []


def test_beyond_the_size_the_oldest_go_and_no_more_than_needed() -> None:
    files = [file("a", 5 * HOUR), file("b", 4 * HOUR), file("c", 3 * HOUR), file("d", 2 * HOUR)]
    assert names(beyond_size(files, seen(*files), NOW, 25, lambda _: False)) == ["a", "b"]
    assert beyond_size(files, seen(*files), NOW, 40, lambda _: False) == []


def test_what_the_account_has_goes_before_the_oldest() -> None:
    files = [file("a", 5 * HOUR), file("b", 4 * HOUR), file("c", 3 * HOUR)]
    spare = {"c"}
    assert names(beyond_size(files, seen(*files), NOW, 20, lambda f: f.path in spare)) == ["c"]
    assert names(beyond_size(files, seen(*files), NOW, 10, lambda f: f.path in spare)) == ["c", "a"]


def test_what_came_within_the_hour_stays_whatever_its_size() -> None:
    fresh, old = file("fresh", HOUR - 1, 10**12), file("old", HOUR)
    assert names(beyond_size([fresh, old], seen(fresh, old), NOW, 0, lambda _: True)) == ["old"]


def test_contents_are_compared_only_where_there_is_too_much() -> None:
    def read(_: TrashedFile) -> bool:
        raise AssertionError("nothing has to be read")

    files = [file("a", 5 * HOUR)]
    assert beyond_size(files, seen(*files), NOW, 10, read) == []


@given(
    st.lists(st.tuples(st.floats(-1e6, 1e7), st.integers(0, 100)), max_size=20),
    st.integers(0, 500),
    st.sets(st.integers(0, 20)),
)
def test_law_of_size(rows: list[tuple[float, int]], most: int, spare: set[int]) -> None:
    """What stays fits, or all that is old enough went; no more than needed went, spare things first."""
    files = [
        TrashedFile(f"2026-11-22/{n}/f{n}", f"f{n}", NOW - age, size) for n, (age, size) in enumerate(rows)
    ]
    known = {each.batch: min(each.when, NOW) for each in files}
    is_spare = {each.where for n, each in enumerate(files) if n in spare}
    going = beyond_size(files, known, NOW, most, lambda f: f.where in is_spare)
    assert len(set(going)) == len(going)
    left = sum(f.size for f in files) - sum(f.size for f in going)
    may_go = {f for f in files if f.size and NOW - f.when >= HOUR}
    assert set(going) <= may_go
    assert left <= most or set(going) == may_go
    assert not going or left + going[-1].size > most
    if any(f.where not in is_spare for f in going):
        assert {f for f in may_go if f.where in is_spare} <= set(going)


@pytest.mark.parametrize(
    ("here", "there", "jumped"),
    [(40, 40, False), (0.5, 1.4, False), (40, 0, True), (0, 40, True), (-40, 0, True), (0, -40, True)],
    ids=["both go on", "a bit apart", "ours ahead", "theirs ahead", "ours back", "theirs back"],
)
def test_a_clock_that_was_set_shows_itself_by_the_other(here: float, there: float, jumped: bool) -> None:
    before = Clocks(NOW, NOW - 5000 * DAY_S)
    now = Clocks(NOW + here * DAY_S, NOW + (there - 5000) * DAY_S)
    assert now.jumped_since(before) == jumped
    assert not now.jumped_since(None)


def test_what_is_in_the_trash_is_known_since_it_was_first_seen_there() -> None:
    assert first_seen({"a": 1.0, "gone": 2.0}, ["a", "b"], 9.0, afresh=False) == {"a": 1.0, "b": 9.0}
    assert first_seen({"a": 1.0, "gone": 2.0}, ["a", "b"], 9.0, afresh=True) == {"a": 9.0, "b": 9.0}
