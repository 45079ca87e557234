"""What wakes the deciding thread: a few notes under one lock, and waits that end for a reason."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import pytest

from fluxsync.engine.merge import Due, Merger
from fluxsync.engine.service import Task, Verb
from fluxsync.engine.wake import Job, Wake

SETTLE_S = 2.0


class Clock:
    now_s = 100.0

    def __call__(self) -> float:
        return self.now_s


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def wake(clock: Clock) -> Wake:
    wake = Wake(clock)
    wake.begin(Merger(SETTLE_S))
    return wake


class Waits:
    """The condition of a `Wake`: notes for how long it would have waited, and who was woken."""

    def __init__(self) -> None:
        self.waited: list[float] = []
        self.notified = 0
        self.meanwhile: Callable[[], object] = lambda: None

    def __enter__(self) -> None: ...

    def __exit__(self, *error: object) -> None: ...

    def notify_all(self) -> None:
        self.notified += 1

    def wait(self, seconds: float) -> None:
        self.waited.append(seconds)
        self.meanwhile()


@pytest.fixture
def waits(wake: Wake) -> Waits:
    waits = Waits()
    wake._condition = waits  # type: ignore[assignment]
    return waits


def test_what_is_dirty_falls_due_when_it_is_quiet(wake: Wake, clock: Clock) -> None:
    wake.dirty("a.gif")
    assert wake.stirred
    assert wake.waiting() == ("a.gif",)
    assert wake.due() is None
    clock.now_s += SETTLE_S
    assert wake.due() == Due(frozenset({"a.gif"}), settled=True)
    assert wake.due() is None


def test_before_there_is_a_pair_nothing_is_gathered(clock: Clock) -> None:
    """The first look at a pair is at everything."""
    wake = Wake(clock)
    wake.dirty("a.gif")
    assert wake.stirred
    assert wake.waiting() == ()
    assert wake.is_calm()
    wake.drain()
    wake.again(Due(None, settled=True))


def test_a_new_pair_begins_with_nothing(wake: Wake, clock: Clock) -> None:
    wake.dirty("a.gif")
    wake.later({"b.gif": 0.0})
    wake.begin(Merger(SETTLE_S))
    clock.now_s += 60
    assert wake.due() is None


def test_paths_of_later_fall_due_at_their_times(wake: Wake, clock: Clock) -> None:
    wake.later({"a.gif": 110.0, "b.gif": 120.0})
    assert wake.due() is None
    clock.now_s = 110.0
    assert wake.due() == Due(frozenset({"a.gif"}), settled=True)
    clock.now_s = 119.9
    assert wake.due() is None
    clock.now_s = 120.0
    assert wake.due() == Due(frozenset({"b.gif"}), settled=True)


def test_of_two_times_the_sooner_holds(wake: Wake, clock: Clock) -> None:
    wake.later({"a.gif": 110.0, "b.gif": 130.0})
    wake.later({"a.gif": 130.0, "b.gif": 110.0})
    clock.now_s = 110.0
    assert wake.due() == Due(frozenset({"a.gif", "b.gif"}), settled=True)


def test_paths_of_later_are_not_settled_while_others_are_dirty(wake: Wake, clock: Clock) -> None:
    wake.later({"a.gif": 100.0})
    wake.dirty("b.gif")
    assert wake.due() == Due(frozenset({"a.gif"}), settled=False)


def test_paths_of_later_go_with_what_is_due(wake: Wake, clock: Clock) -> None:
    wake.later({"a.gif": 101.0, "c.gif": 200.0})
    wake.dirty("b.gif")
    clock.now_s += SETTLE_S
    assert wake.due() == Due(frozenset({"a.gif", "b.gif"}), settled=True)


def test_everything_takes_paths_of_later_along(wake: Wake, clock: Clock) -> None:
    wake.later({"a.gif": 101.0})
    wake.dirty("")
    clock.now_s += SETTLE_S
    assert wake.due() == Due(None, settled=True)
    assert wake.due() is None


def test_drained_is_what_was_dirty_until_then(wake: Wake, clock: Clock) -> None:
    wake.dirty("a.gif")
    wake.dirty("b/c.gif")
    wake.later({"d.gif": 101.0})
    wake.drain()
    assert wake.is_calm()
    wake.dirty("e.gif")
    clock.now_s += 60
    assert wake.due() == Due(frozenset({"e.gif"}), settled=True)


def test_what_could_not_be_looked_at_comes_back(wake: Wake, clock: Clock) -> None:
    wake.again(Due(frozenset({"a.gif"}), settled=True))
    assert not wake.is_calm()
    clock.now_s += SETTLE_S
    assert wake.due() == Due(frozenset({"a.gif"}), settled=True)


# -- waits


def test_it_waits_for_the_first_of_what_falls_due(wake: Wake, waits: Waits) -> None:
    wake.wait(150.0)
    wake.later({"a.gif": 130.0})
    wake.wait(150.0)
    wake.dirty("b.gif")
    wake.wait(150.0)
    wake.wait(101.0)
    assert waits.waited == [50.0, 30.0, SETTLE_S, 1.0]


def test_what_is_due_is_not_waited_for(wake: Wake, clock: Clock, waits: Waits) -> None:
    wake.dirty("b.gif")
    clock.now_s += SETTLE_S
    wake.wait(150.0)
    wake.wait(90.0)
    assert waits.waited == []


def test_where_nothing_can_be_done_dirt_ends_no_wait(wake: Wake, clock: Clock, waits: Waits) -> None:
    wake.dirty("a.gif")
    wake.later({"b.gif": 90.0})
    clock.now_s += 60
    waits.meanwhile = lambda: wake.dirty("c.gif")
    wake.wait(200.0, for_dirt=False)
    assert waits.waited == [40.0]
    assert waits.notified == 0


def test_dirt_wakes_only_who_would_sleep_too_long_and_a_storm_wakes_once(wake: Wake, waits: Waits) -> None:
    waits.meanwhile = lambda: [wake.dirty(f"{n}.gif") for n in range(50)]
    wake.wait(101.0)
    assert waits.notified == 0
    wake.drain()
    wake.wait(200.0)
    assert waits.notified == 1


def deeds() -> dict[str, Callable[[Wake], Any]]:
    return {
        "a task": lambda wake: wake.ask(Job(Task(Verb.SYNC))),
        "stop": Wake.stop,
        "reload": Wake.reload,
        "a nudge": Wake.nudge,
    }


@pytest.mark.parametrize("deed", deeds().values(), ids=deeds())
def test_a_word_that_came_before_the_wait_is_not_missed(
    wake: Wake, waits: Waits, deed: Callable[[Wake], Any]
) -> None:
    deed(wake)
    wake.wait(200.0)
    assert waits.waited == []
    assert waits.notified == 1


@pytest.mark.parametrize("for_dirt", [True, False])
@pytest.mark.parametrize("deed", deeds().values(), ids=deeds())
def test_a_word_ends_a_wait(clock: Clock, deed: Callable[[Wake], Any], for_dirt: bool) -> None:
    """With real threads: the wait is one of an hour."""
    wake = Wake(clock)
    wake.begin(Merger(SETTLE_S))
    waiting, over = threading.Event(), threading.Event()
    real = wake._condition.wait

    def wait(timeout: float | None = None) -> bool:
        waiting.set()
        return real(timeout)

    wake._condition.wait = wait  # type: ignore[method-assign]

    def work() -> None:
        wake.wait(3700.0, for_dirt=for_dirt)
        over.set()

    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    assert waiting.wait(30)
    deed(wake)
    assert over.wait(30)
    thread.join(30)


def test_a_nudge_ends_one_wait_alone(wake: Wake, waits: Waits) -> None:
    wake.nudge()
    wake.wait(200.0)
    wake.wait(200.0)
    assert waits.waited == [100.0]


def test_everything_may_be_called_by_a_signal_while_the_deciding_thread_is_inside(wake: Wake) -> None:
    with wake._condition:
        wake.stop()
        wake.reload()
        wake.dirty("a.gif")
        wake.nudge()
        wake.ask(Job(Task(Verb.SYNC)))
    assert wake.stopping
    assert wake.reloading


# -- tasks


def test_tasks_are_taken_in_their_order(wake: Wake) -> None:
    first, second = Job(Task(Verb.SYNC)), Job(Task(Verb.EMPTY))
    wake.ask(first)
    wake.ask(second)
    assert [wake.next_job(), wake.next_job(), wake.next_job()] == [first, second, None]


def test_who_waits_for_a_task_hears_how_it_ended() -> None:
    job = Job(Task(Verb.SYNC))
    assert not job.over.is_set()
    error = ValueError()
    job.end(error=error)
    assert job.over.is_set()
    assert (job.outcome, job.error) == (None, error)
