"""Dirty paths are looked at once they are quiet, none is lost, and a storm of events costs little."""

from __future__ import annotations

import itertools
import math
import os
import random
import tracemalloc
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fluxsync.core.paths import is_below
from fluxsync.engine.merge import Due, Merger

EXAMPLES = int(os.environ.get("FLUXSYNC_EXAMPLES", "300"))
SETTLE_S = 2.0
LONGEST_S = 30.0
MOST_S = 60.0


def after(*events: tuple[str, float], most_in_folder: int = 128, most: int = 1000) -> Merger:
    """Return a merger that has heard of these paths at these times; "" is everything."""
    merger = Merger(SETTLE_S, longest_s=LONGEST_S, most_in_folder=most_in_folder, most=most)
    for path, at_s in events:
        merger.dirty(path, at_s)
    return merger


def drained(merger: Merger) -> list[tuple[float, Due]]:
    """Take all that waits, each as soon as it is due."""
    taken = []
    while (at_s := merger.next_s()) is not None:
        due = merger.due(at_s)
        assert due is not None
        taken.append((at_s, due))
        assert len(taken) < 10_000
    return taken


def paths(*names: str, settled: bool = True, forced: bool = False) -> Due:
    return Due(frozenset(names), settled, forced)


def everything(*, settled: bool = True) -> Due:
    return Due(None, settled)


def in_folder(folder: str, count: int, at_s: float = 0.0) -> list[tuple[str, float]]:
    return [(f"{folder}/{number}".lstrip("/"), at_s) for number in range(count)]


@pytest.mark.parametrize(
    ("merger", "expected"),
    [
        pytest.param(after(), [], id="nothing"),
        pytest.param(after(("a", 5)), [(7, paths("a"))], id="one event"),
        pytest.param(after(("a", 5), ("a", 6)), [(8, paths("a"))], id="each event puts it off"),
        pytest.param(
            after(("a", 5), ("b", 6)), [(7, paths("a", settled=False)), (8, paths("b"))], id="each on its own"
        ),
        pytest.param(after(("a", 5), ("b", 5)), [(7, paths("a", "b"))], id="same time, together"),
        pytest.param(after(("a/b", 5), ("a", 5)), [(7, paths("a"))], id="below a later one"),
        pytest.param(
            after(("a", 5), ("a/b/c", 6)), [(8, paths("a"))], id="below an earlier one puts that off"
        ),
        pytest.param(after(("a/b", 5), ("a-b", 5), ("a", 5)), [(7, paths("a", "a-b"))], id="not below: a-b"),
        pytest.param(after(("a/b", 5), ("a0", 5), ("a", 5)), [(7, paths("a", "a0"))], id="not below: a0"),
        pytest.param(after(("a", 5), ("", 6)), [(8, everything())], id="everything holds all"),
        pytest.param(after(("", 5), ("a/b", 6)), [(8, everything())], id="everything is put off, too"),
        pytest.param(
            after(*in_folder("a", 128)), [(2, paths(*(p for p, _ in in_folder("a", 128))))], id="128"
        ),
        pytest.param(after(*in_folder("a", 129)), [(2, paths("a"))], id="129 in a folder are the folder"),
        pytest.param(after(*in_folder("", 129)), [(2, everything())], id="129 in the root are everything"),
        pytest.param(
            after(*in_folder("a", 2), *in_folder("a/x", 4), most_in_folder=3),
            [(2, paths("a/0", "a/1", "a/x"))],
            id="what lies deeper does not count for a folder",
        ),
        pytest.param(
            after(*in_folder("a", 3), *in_folder("a/x", 4), most_in_folder=3),
            [(2, paths("a"))],
            id="a folder counts in its own folder",
        ),
        pytest.param(
            after(*((f"{n}/f", 0.0) for n in range(1001))), [(2, everything())], id="1001 are everything"
        ),
    ],
)
def test_what_is_due_and_when(merger: Merger, expected: list[tuple[float, Due]]) -> None:
    assert drained(merger) == expected


def test_just_as_many_as_allowed_stay_what_they_are() -> None:
    ((_, due),) = drained(after(*((f"{n}/f", 0.0) for n in range(1000))))
    assert due.paths is not None
    assert len(due.paths) == 1000


def test_what_fell_due_no_longer_counts_for_its_folder() -> None:
    merger = after(*in_folder("a", 3), most_in_folder=3)
    assert merger.due(2.0) == paths("a/0", "a/1", "a/2")
    merger.dirty("a/3", 2.5)
    assert drained(merger) == [(4.5, paths("a/3"))]


def test_a_file_written_without_pause_waits_no_longer_than_the_longest() -> None:
    merger = after(("other", 0.5))
    for tick in range(60):
        merger.dirty("log", tick * 0.5)
    assert merger.due(29.5) == paths("other", settled=False)
    assert merger.next_s() == 30.0
    assert merger.due(30.0) == paths("log", settled=False)
    merger.dirty("log", 30.0)
    assert merger.next_s() == 32.0


def test_an_absorbed_path_keeps_the_time_since_when_it_waits() -> None:
    merger = Merger(SETTLE_S, longest_s=LONGEST_S)
    for tick in range(29):
        merger.dirty("a/b", float(tick))
    merger.dirty("a", 29.0)
    assert drained(merger) == [(30.0, paths("a", settled=False))]


def test_everything_waits_no_longer_than_the_longest() -> None:
    merger = Merger(SETTLE_S, longest_s=LONGEST_S)
    for tick in range(31):
        merger.everything(float(tick))
    assert merger.next_s() == 30.0


def test_what_could_not_be_done_is_due_again_after_the_quiet_period() -> None:
    merger = after(("a", 0.0))
    due = merger.due(2.0)
    assert due is not None
    merger.again(due, 5.0)
    assert merger.due(6.9) is None
    assert drained(merger) == [(7.0, paths("a"))]


def test_everything_that_could_not_be_done_is_everything_again() -> None:
    merger = after(("", 0.0))
    due = merger.due(2.0)
    assert due == everything()
    merger.again(due, 5.0)
    merger.dirty("a", 6.0)
    assert drained(merger) == [(8.0, everything())]


def test_what_could_not_be_done_goes_with_what_is_due_earlier() -> None:
    """A deletion and a file that stays open meet in one pass, whatever their beats."""
    merger = after(("gone", 0.5))
    merger.again(paths("open"), 0.0)
    assert merger.due(1.9) is None
    assert merger.due(2.0) == paths("open", settled=False)
    merger.again(paths("open"), 2.0)
    assert merger.due(2.5) == paths("open", "gone")


def test_an_event_for_what_could_not_be_done_asks_for_quiet_again() -> None:
    merger = after(("a", 3.0))
    merger.again(paths("open"), 3.5)
    merger.dirty("open", 4.0)
    assert drained(merger) == [(5.0, paths("a", settled=False)), (6.0, paths("open"))]


def test_without_a_quiet_period_what_cannot_be_done_is_not_tried_without_pause() -> None:
    merger = Merger(0.0)
    merger.again(paths("open"), 10.0)
    assert merger.next_s() == 11.0
    merger.again(paths("other"), 9.8)
    merger.dirty("open", 10.5)
    assert merger.next_s() == 10.5


def test_many_that_could_not_be_done_are_their_folder_and_still_go_with_the_next() -> None:
    merger = after(("gone", 0.5), most_in_folder=3)
    merger.again(paths("a/0", "a/1", "a/2"), 1.0)
    merger.again(paths("a/3"), 1.0)
    assert drained(merger) == [(2.5, paths("gone", "a"))]


def test_a_path_that_came_back_with_an_event_is_waited_for_before_a_deletion() -> None:
    merger = after(("saved", 0.0), ("gone", 0.0))
    merger.again(paths("saved"), 1.0)
    assert drained(merger) == [(2.0, paths("gone", settled=False)), (3.0, paths("saved"))]


def running_removal(until_s: int) -> list[tuple[float, bool]]:
    """Delete below "a" all the time, and tell when passes looked at it and whether that was settled.

    A pass takes half a second, in which more is deleted, and gives back what it could not do.
    """
    merger, looks = Merger(SETTLE_S, longest_s=LONGEST_S), []
    for tick in range(2 * until_s):
        due = merger.due(tick / 2)
        merger.dirty("a", tick / 2)
        if due is not None:
            looks.append((tick / 2, due.settled))
            if not due.settled:
                merger.again(due, tick / 2 + 0.25)
    return looks


def test_a_removal_that_never_ends_is_repeated_once_a_minute() -> None:
    assert running_removal(150) == [(30.0, False), (60.0, True), (90.0, False), (120.0, True)]


def test_the_minute_begins_with_the_oldest_path_that_still_waits() -> None:
    merger, looks = Merger(SETTLE_S, longest_s=LONGEST_S), []
    for tick in range(240):
        if (due := merger.due(tick / 2)) is not None:
            looks.append((tick / 2, due))
        merger.dirty("log", tick / 2)
        if 118 <= tick < 124 or tick == 235:
            merger.dirty("gone", tick / 2)
    assert looks == [
        (30.0, paths("log", settled=False)),
        (60.0, paths("log", forced=True)),
        (63.5, paths("gone", settled=False)),
        (90.0, paths("log", settled=False)),
        (119.5, paths("gone", forced=True)),
    ]


def test_deletions_wait_for_quiet_at_all_paths_taken_or_not() -> None:
    """A removal that runs longer than the longest wait is looked at, but not repeated."""
    merger = Merger(SETTLE_S, longest_s=LONGEST_S)
    for tick in range(31):
        merger.dirty(f"a/{tick}", float(tick))
        merger.dirty("a", float(tick))
    assert merger.due(30.0) == paths("a", settled=False)
    merger.again(paths("a", settled=False), 30.1)
    assert drained(merger) == [(32.1, paths("a"))]


def test_a_minute_that_is_over_does_not_count_for_what_comes_after_calm() -> None:
    merger = Merger(SETTLE_S, longest_s=LONGEST_S)
    for tick in range(31):
        merger.dirty("log", float(tick))
    assert merger.due(30.0) == paths("log", settled=False)
    merger.dirty("a", 1000.0)
    merger.dirty("b", 1001.0)
    assert merger.due(1002.0) == paths("a", settled=False)


@pytest.mark.parametrize("before", [(), (("log", 10.0),)], ids=["at first", "after calm"])
def test_what_was_given_back_is_not_held_up_for_a_minute_yet(before: tuple[tuple[str, float], ...]) -> None:
    """The other half of a move comes a moment after its first half was given back."""
    merger = after(*before)
    drained(merger)
    merger.again(paths("gone"), 100.0)
    merger.dirty("gone", 100.2)
    merger.dirty("new", 100.3)
    assert merger.due(102.2) == paths("gone", settled=False)


@given(
    st.lists(st.floats(0.1, 1.9), min_size=200, max_size=200),
    st.lists(st.sampled_from(["log", "movies/render", "mail/inbox"]), min_size=200, max_size=200),
    st.integers(0, 20),
)
@settings(max_examples=EXAMPLES // 6, deadline=None)
def test_a_deletion_waits_a_minute_at_most(gaps: list[float], busy: list[str], when: int) -> None:
    """However busy the rest is, and if each pass gives back what it could not do."""
    merger = Merger(SETTLE_S, longest_s=LONGEST_S)
    now_s = deleted_s = 0.0
    for index, (gap, path) in enumerate(zip(gaps, busy, strict=True)):
        while (at_s := merger.next_s()) is not None and at_s <= now_s + gap:
            due = merger.due(at_s)
            assert due is not None
            covers = due.paths is None or "gone" in due.paths
            if covers and due.settled and index > when:
                assert deleted_s + SETTLE_S <= at_s <= deleted_s + MOST_S + SETTLE_S
                return
            if covers:
                merger.again(due, at_s)
        now_s += gap
        merger.dirty(path, now_s)
        if index == when:
            merger.dirty("gone", now_s)
            deleted_s = now_s
    assert now_s < deleted_s + MOST_S + SETTLE_S


def tree(depth: int = 3, names: str = "abcd") -> list[str]:
    return ["/".join(parts) for n in range(1, depth + 1) for parts in itertools.product(names, repeat=n)]


#: Steps as (seconds since the one before, what happens); None: whoever takes paths comes by.
steps = st.lists(
    st.tuples(
        st.sampled_from([0.0, 0.0, 0.25, 1.0, 2.0, 3.0, 29.0, 61.0]),
        st.one_of(
            st.sampled_from(tree()),
            st.sampled_from(tree(2, "ab")),
            st.sampled_from([None, None, "again", ""]),
        ),
    ),
    max_size=60,
)


def covers(due: Due, path: str) -> bool:
    return due.paths is None or any(path == p or is_below(path, p) for p in due.paths)


@dataclass
class Watched:
    """A merger, and what was told to it and is not yet taken: path, time, and whether it is a second try."""

    merger: Merger
    now_s: float = 0.0
    settle_s: float = SETTLE_S
    told: list[tuple[str, float, bool]] = field(default_factory=list)
    heard_s: list[float] = field(default_factory=list)
    taken: list[Due] = field(default_factory=list)

    def tell(self, path: str) -> None:
        self.told.append((path, self.now_s, False))
        self.heard_s.append(self.now_s)
        if path:
            self.merger.dirty(path, self.now_s)
        else:
            self.merger.everything(self.now_s)

    def again(self) -> None:
        if self.taken:
            due = self.taken.pop()
            self.told += [(p, self.now_s, True) for p in due.paths or [""]]
            self.merger.again(due, self.now_s)

    def take(self) -> None:
        """Take what is due now, and see that `next_s` tells it to the last bit."""
        next_s = self.merger.next_s()
        assert (next_s is None) == (not self.told) == (len(self.merger) == 0)
        assert bool(self.merger.waiting()) == bool(self.told)
        if next_s is None:
            assert self.merger.due(self.now_s + 1e9) is None
            return
        before_s = min(self.now_s, math.nextafter(next_s, -math.inf))
        assert self.merger.due(before_s) is None
        due = self.merger.due(self.now_s)
        assert (due is not None) == (next_s <= self.now_s)
        if due is not None:
            self.check(due)

    def check(self, due: Due) -> None:
        if due.paths is not None:
            assert due.paths
            assert "" not in due.paths
            assert not any(is_below(p, q) for p in due.paths for q in due.paths)
        for path in due.paths or [""]:
            self.check_ripe([one for one in self.told if is_below(one[0], path) or one[0] == path])
        self.told = [one for one in self.told if not covers(due, one[0])]
        calm = not self.told and max(self.heard_s, default=-1e9) + self.settle_s <= self.now_s
        assert due.settled == calm or (due.settled and self.heard_s[0] + MOST_S <= self.now_s)
        assert due.forced == (due.settled and not calm)
        self.taken.append(due)
        for _path, at_s, retry in self.told:
            assert not retry or not all(again for *_, again in self.told)
            assert at_s + LONGEST_S > self.now_s

    def check_ripe(self, told: Sequence[tuple[str, float, bool]]) -> None:
        assert told, "taken without having been told"
        quiet = all(at_s + self.settle_s <= self.now_s for _, at_s, _ in told)
        long = any(at_s + LONGEST_S <= self.now_s for _, at_s, _ in told)
        assert quiet or long or all(retry for *_, retry in told)


@given(steps, st.sampled_from([(3, 6), (2, 1000), (128, 5), (128, 1000)]), st.sampled_from([2.0, 2.0, 0.0]))
@settings(max_examples=EXAMPLES, deadline=None)
def test_no_path_is_lost_nor_taken_too_early(
    script: Iterable[tuple[float, str | None]], limits: tuple[int, int], settle_s: float
) -> None:
    most_in_folder, most = limits
    merger = Merger(settle_s, longest_s=LONGEST_S, most_in_folder=most_in_folder, most=most)
    watched = Watched(merger, settle_s=settle_s)
    for gap_s, step in script:
        watched.now_s += gap_s
        if step is None:
            watched.take()
        elif step == "again":
            watched.again()
        else:
            watched.tell(step)
        assert len(watched.merger) <= most
    for _ in range(len(watched.told) + 1):
        watched.now_s = max(watched.now_s, watched.merger.next_s() or 0.0)
        watched.take()
    assert not watched.told
    assert watched.merger.next_s() is None


@given(st.lists(st.tuples(st.floats(0.0, 3.0), st.sampled_from(tree())), max_size=40), st.integers(0, 40))
@settings(max_examples=EXAMPLES // 3, deadline=None)
def test_both_halves_of_a_move_fall_due_together(noise: list[tuple[float, str]], when: int) -> None:
    """Whatever else goes on in other folders."""
    merger, now_s = Merger(SETTLE_S, longest_s=LONGEST_S), 0.0
    taken: list[Due] = []
    for index, (gap_s, path) in enumerate([*noise, (0.0, "a")]):
        now_s += gap_s
        if (due := merger.due(now_s)) is not None:
            taken.append(due)
        merger.dirty(path, now_s)
        if index == min(when, len(noise)):
            merger.dirty("from/Logos", now_s)
            merger.dirty("to/Logos", now_s)
    taken += [due for _, due in drained(merger)]
    assert [covers(due, "from/Logos") for due in taken] == [covers(due, "to/Logos") for due in taken]
    assert sum(covers(due, "to/Logos") for due in taken) == 1


def storm(kind: str) -> list[str]:
    chance = random.Random(7)
    if kind == "one folder":
        return [f"a/{number}" for number in range(100_000)]
    if kind == "one file":
        return ["a/b/c/d"] * 100_000
    if kind == "removal":  # bottom up, each folder after its files
        return [f"a/{n // 500}/{n // 10 % 50}" + (f"/{n % 10}" if n % 10 else "") for n in range(100_000)]
    if kind == "folder after folder":  # beside a file that goes on waiting
        return ["0", *(f"a/{n // 7000}/{n // 140}/{n % 140}" for n in range(100_000))]
    return ["/".join(chance.choices("abcdefghij", k=chance.randint(1, 9))) for _ in range(100_000)]


@pytest.mark.parametrize("kind", ["one folder", "one file", "removal", "folder after folder", "anywhere"])
def test_a_storm_of_events_is_kept_small(kind: str) -> None:
    events = storm(kind)
    merger = Merger(SETTLE_S, longest_s=LONGEST_S)
    tracemalloc.start()
    try:
        for number, path in enumerate(events):
            merger.dirty(path, number / 1e5)
            merger.next_s()
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 1_000_000
    assert len(merger) <= 1000
    _, last = drained(merger)[-1]
    assert last.settled


def test_what_was_taken_leaves_nothing_behind() -> None:
    merger = Merger(SETTLE_S)
    tracemalloc.start()
    try:
        for number in range(20_000):
            merger.dirty(f"{number}/file", number * 3.0)
            assert merger.due(number * 3.0 + 2.0) is not None
        left, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert left < 100_000


def test_the_status_is_told_a_hundred_paths_at_most() -> None:
    merger = after(*((f"{n:04}/f", 0.0) for n in range(500)))
    assert len(merger) == 500
    assert merger.waiting() == tuple(f"{n:04}/f" for n in range(100))


def test_what_is_forgotten_is_not_due_and_the_minute_still_ends() -> None:
    """A look at everything takes what waits; deletions are still let go in a folder that is never quiet."""
    merger = Merger(2.0)
    merger.dirty("a", 0.0)
    merger.clear()
    assert (merger.next_s(), merger.due(100.0), len(merger)) == (None, None, 0)
    settled = []
    for second in range(101, 260):
        merger.dirty("busy", float(second))
        merger.dirty(f"other {second}", float(second))
        due = merger.due(float(second))
        if due is not None:
            settled.append(due.settled)
    assert any(settled)
