"""When the account is looked at, and how: a table for each rule, laws for any history, whole days counted."""

from __future__ import annotations

import itertools
import math
import os
import random
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fluxsync.engine.agenda import Agenda, Look

EXAMPLES = int(os.environ.get("FLUXSYNC_EXAMPLES", "300"))
POLL_S = 60.0
LIST_S = 900.0
HOUR_S = 3600.0
#: The time of the first list; nothing depends on it.
BEGIN_S = 5000.0
SMALL, LARGE = 20, 21


def started(
    *,
    requests: int = LARGE,
    seconds: float = 1.0,
    jitter: Callable[[], float] = lambda: 0.5,
    list_s: float = LIST_S,
    poll_s: float = POLL_S,
    trusted: bool = True,
    misses: int = 0,
) -> Agenda:
    """Return an agenda whose first list ended at `BEGIN_S`.

    With this jitter polls come as set, lists 5 % sooner, and a back-off is 5 % shorter.
    """
    agenda = Agenda(poll_s, list_s, HOUR_S, jitter=jitter, trusted=trusted, misses=misses)
    agenda.listed(BEGIN_S, requests=requests, seconds=seconds, found=True, shown=True)
    return agenda


def listed(
    agenda: Agenda,
    at_s: float,
    *,
    requests: int = LARGE,
    seconds: float = 1.0,
    found: bool = False,
    shown: bool = True,
    began_s: float | None = None,
) -> None:
    agenda.listed(at_s, began_s=began_s, requests=requests, seconds=seconds, found=found, shown=shown)


def upcoming(agenda: Agenda) -> tuple[float, Look | None]:
    """Return when something is due after the first list, and what; nothing is due a moment earlier."""
    at_s = agenda.next_s()
    before_s = math.nextafter(at_s, -math.inf)
    assert agenda.due(before_s) is None
    assert not agenda.rescan_due(before_s)
    return round(at_s - BEGIN_S, 6), agenda.due(at_s)


def test_it_begins_with_a_list_at_once() -> None:
    agenda = Agenda(POLL_S, LIST_S)
    assert agenda.next_s() <= 0.0
    assert agenda.due(0.0) is Look.LIST
    assert agenda.due(1e9) is Look.LIST
    assert not agenda.rescan_due(1e9)


@pytest.mark.parametrize(
    ("chance", "probe_s", "list_s"), [(0.0, 54.0, 900.0), (0.5, 60.0, 855.0), (1.0, 66.0, 810.0)]
)
def test_jitter_moves_polls_both_ways_and_lists_only_ahead(
    chance: float, probe_s: float, list_s: float
) -> None:
    agenda = started(jitter=lambda: chance)
    assert upcoming(agenda) == (probe_s, Look.PROBE)
    agenda.probed(BEGIN_S + list_s - 1, changed=False)
    assert upcoming(agenda) == (list_s, Look.LIST)


def test_each_look_has_its_own_jitter() -> None:
    chances = iter([0.5, 0.0, 1.0, 0.5])
    agenda = started(jitter=lambda: next(chances))
    assert upcoming(agenda) == (54.0, Look.PROBE)
    agenda.probed(BEGIN_S + 54, changed=False)
    assert upcoming(agenda) == (120.0, Look.PROBE)
    agenda.probed(BEGIN_S + 120, changed=False)
    assert upcoming(agenda) == (180.0, Look.PROBE)


def test_a_probe_that_shows_nothing_is_followed_by_the_next() -> None:
    agenda = started()
    for number in range(1, 14):
        assert upcoming(agenda) == (number * 60.0, Look.PROBE)
        agenda.probed(BEGIN_S + number * 60, changed=False)
    assert upcoming(agenda) == (840.0, Look.PROBE)
    agenda.probed(BEGIN_S + 840, changed=False)
    assert upcoming(agenda) == (855.0, Look.LIST)


def test_a_probe_that_shows_a_change_makes_a_list_due_at_once() -> None:
    agenda = started()
    agenda.probed(BEGIN_S + 60, changed=True)
    assert upcoming(agenda) == (60.0, Look.LIST)
    listed(agenda, BEGIN_S + 65, found=True)
    assert upcoming(agenda) == (125.0, Look.PROBE)


def test_lists_for_a_probe_come_once_in_a_poll_interval() -> None:
    agenda = started(jitter=lambda: 0.0)
    agenda.probed(BEGIN_S + 60, changed=True)
    listed(agenda, BEGIN_S + 65, found=True)
    agenda.probed(BEGIN_S + 119, changed=True)
    assert upcoming(agenda) == (125.0, Look.LIST)
    agenda.probed(BEGIN_S + 121, changed=True)
    assert upcoming(agenda) == (125.0, Look.LIST)


def test_no_probe_comes_before_a_list_may_answer_it() -> None:
    """It would see less than one made then, and whatever it showed would wait all the same."""
    agenda = started(jitter=lambda: 0.0)
    agenda.probed(BEGIN_S + 60, changed=True)
    listed(agenda, BEGIN_S + 65, found=True)
    assert upcoming(agenda) == (125.0, Look.PROBE)
    agenda.probed(BEGIN_S + 125, changed=False)
    assert upcoming(agenda) == (179.0, Look.PROBE)


def test_the_account_was_looked_at_when_the_list_began() -> None:
    """What changes while files are fetched waits no longer for the next look than other changes do."""
    agenda = started()
    agenda.probed(BEGIN_S + 60, changed=True)
    listed(agenda, BEGIN_S + 80, began_s=BEGIN_S + 60, found=True)
    assert upcoming(agenda) == (120.0, Look.PROBE)
    agenda.probed(BEGIN_S + 120, changed=True)
    assert upcoming(agenda) == (120.0, Look.LIST)


def test_after_a_long_pass_the_account_is_left_alone_for_half_an_interval() -> None:
    agenda = started()
    agenda.probed(BEGIN_S + 60, changed=True)
    listed(agenda, BEGIN_S + 200, began_s=BEGIN_S + 60, found=True)
    assert upcoming(agenda) == (230.0, Look.PROBE)


def test_nothing_is_probed_while_a_list_waits_for_its_turn() -> None:
    agenda = started()
    agenda.probed(BEGIN_S + 60, changed=True)
    listed(agenda, BEGIN_S + 65, found=True)
    agenda.probed(BEGIN_S + 70, changed=True)
    agenda.wrote(BEGIN_S + 75)
    assert upcoming(agenda) == (125.0, Look.LIST)


def test_a_list_that_was_due_anyway_is_no_list_for_a_probe() -> None:
    agenda = started()
    listed(agenda, BEGIN_S + 855)
    agenda.probed(BEGIN_S + 860, changed=True)
    assert upcoming(agenda) == (860.0, Look.LIST)


def test_a_list_that_fails_is_still_due() -> None:
    agenda = started()
    agenda.probed(BEGIN_S + 60, changed=True)
    agenda.failed(BEGIN_S + 61)
    assert upcoming(agenda) == (65.75, Look.LIST)


@pytest.mark.parametrize(("requests", "look"), [(0, Look.LIST), (SMALL, Look.LIST), (LARGE, Look.PROBE)])
def test_a_small_library_is_listed_at_each_poll(requests: int, look: Look) -> None:
    assert upcoming(started(requests=requests)) == (60.0, look)


def test_a_small_library_is_listed_at_each_poll_whatever_its_probe_is_worth() -> None:
    assert upcoming(started(requests=SMALL, seconds=10.0, misses=3)) == (60.0, Look.LIST)


def test_a_library_that_grew_is_probed() -> None:
    agenda = started(requests=SMALL)
    listed(agenda, BEGIN_S + 60, requests=LARGE)
    assert upcoming(agenda) == (120.0, Look.PROBE)


def test_only_what_a_probe_should_have_shown_counts_as_a_miss() -> None:
    agenda = started()
    listed(agenda, BEGIN_S + 60, found=True, shown=True)
    listed(agenda, BEGIN_S + 120, found=False, shown=False)
    assert agenda.misses == 0
    listed(agenda, BEGIN_S + 180, found=True, shown=False)
    assert agenda.misses == 1
    assert agenda.trusted


@pytest.mark.parametrize(
    ("seconds", "due_s"),
    [
        pytest.param(0.5, 63.0, id="never more often than polls"),
        pytest.param(4.0, 210.0, id="2 % of the time"),
        pytest.param(20.0, 855.0, id="never less often than lists"),
    ],
)
def test_after_three_misses_lists_take_the_place_of_probes(seconds: float, due_s: float) -> None:
    agenda = started()
    for number in range(3):
        assert agenda.trusted
        listed(agenda, BEGIN_S - 100 + number, found=True, shown=False)
    assert not agenda.trusted
    assert agenda.misses == 3
    listed(agenda, BEGIN_S, seconds=seconds)
    assert upcoming(agenda) == (due_s, Look.LIST)


@pytest.mark.parametrize(
    ("trusted", "misses", "look"),
    [(True, 2, Look.PROBE), (True, 3, Look.LIST), (False, 0, Look.LIST)],
)
def test_what_is_known_of_the_probe_outlives_a_restart(trusted: bool, misses: int, look: Look) -> None:
    agenda = started(trusted=trusted, misses=misses)
    assert agenda.misses == misses
    assert agenda.trusted == (look is Look.PROBE)
    assert upcoming(agenda)[1] is look


@pytest.mark.parametrize(
    ("poll_s", "requests", "due_s", "look"),
    [
        pytest.param(60.0, LARGE, 25.0, Look.PROBE, id="a quarter of a poll"),
        pytest.param(60.0, SMALL, 25.0, Look.LIST, id="small"),
        pytest.param(6.0, LARGE, 12.0, Look.PROBE, id="two seconds at least"),
        pytest.param(1.0, LARGE, 11.0, Look.PROBE, id="no later than without"),
    ],
)
def test_own_changes_bring_the_next_look_forward(
    poll_s: float, requests: int, due_s: float, look: Look
) -> None:
    agenda = started(poll_s=poll_s, requests=requests)
    listed(agenda, BEGIN_S + 10, requests=requests)
    agenda.wrote(BEGIN_S + 10)
    assert upcoming(agenda) == (due_s, look)


def test_own_changes_bring_one_look_forward() -> None:
    """More changes do not put it off, and the one after it comes when it always does."""
    agenda = started()
    agenda.wrote(BEGIN_S + 10)
    agenda.wrote(BEGIN_S + 20)
    assert upcoming(agenda) == (25.0, Look.PROBE)
    agenda.probed(BEGIN_S + 25, changed=False)
    assert upcoming(agenda) == (85.0, Look.PROBE)


def test_own_changes_cost_no_list_where_lists_are_dear() -> None:
    agenda = started(misses=3, seconds=10.0)
    agenda.wrote(BEGIN_S + 10)
    assert upcoming(agenda) == (525.0, Look.LIST)


@pytest.mark.parametrize(
    ("idle_s", "probe_s", "list_s"),
    [
        pytest.param(7199.0, 60.0, 855.0, id="nearly two hours"),
        pytest.param(7200.0, 120.0, 1710.0, id="two hours"),
        pytest.param(14_399.0, 120.0, 1710.0, id="nearly four"),
        pytest.param(14_400.0, 240.0, 3420.0, id="four hours"),
        pytest.param(86_400.0, 240.0, 3420.0, id="a day"),
    ],
)
def test_an_idle_night_stretches_polls_and_lists(idle_s: float, probe_s: float, list_s: float) -> None:
    agenda = started()
    listed(agenda, BEGIN_S + idle_s)
    assert upcoming(agenda) == (idle_s + probe_s, Look.PROBE)
    agenda.probed(BEGIN_S + idle_s + list_s - 1, changed=False)
    assert upcoming(agenda) == (idle_s + list_s, Look.LIST)


def idle_for(idle_s: float) -> Agenda:
    agenda = started()
    listed(agenda, BEGIN_S + idle_s)
    return agenda


def test_the_first_event_ends_the_night() -> None:
    agenda = idle_for(20_000)
    agenda.stirred(BEGIN_S + 20_010)
    assert upcoming(agenda) == (20_060.0, Look.PROBE)


def test_a_look_that_the_night_put_off_is_due_with_the_first_event() -> None:
    agenda = idle_for(20_000)
    assert agenda.due(BEGIN_S + 20_200) is None
    agenda.stirred(BEGIN_S + 20_200)
    assert agenda.due(BEGIN_S + 20_200) is Look.PROBE


@pytest.mark.parametrize(
    "sign",
    [
        lambda agenda, at_s: agenda.probed(at_s, changed=True),
        lambda agenda, at_s: listed(agenda, at_s, found=True),
        lambda agenda, at_s: agenda.wrote(at_s),
        lambda agenda, at_s: agenda.woke(at_s),
        lambda agenda, at_s: agenda.stirred(at_s),
    ],
    ids=["probe", "list", "wrote", "woke", "event"],
)
def test_each_sign_of_life_ends_the_night(sign: Callable[[Agenda, float], None]) -> None:
    agenda = idle_for(20_000)
    sign(agenda, BEGIN_S + 20_200)
    listed(agenda, BEGIN_S + 20_300)
    assert upcoming(agenda) == (20_360.0, Look.PROBE)


def test_what_shows_nothing_is_no_sign_of_life() -> None:
    agenda = idle_for(20_000)
    agenda.probed(BEGIN_S + 20_200, changed=False)
    agenda.failed(BEGIN_S + 20_300)
    agenda.rescanned(BEGIN_S + 20_350)
    listed(agenda, BEGIN_S + 20_400)
    assert upcoming(agenda) == (20_640.0, Look.PROBE)


@pytest.mark.parametrize("chance", [0.0, 0.5, 1.0])
def test_an_account_that_is_away_is_tried_less_and_less(chance: float) -> None:
    agenda = started(jitter=lambda: chance)
    pauses, at_s = [], BEGIN_S + 60
    for _ in range(2000):
        agenda.failed(at_s)
        pauses.append((agenda.next_s() - at_s) / (1 - chance / 10))
        at_s = agenda.next_s()
    assert [round(pause) for pause in pauses[:9]] == [5, 10, 20, 40, 80, 160, 300, 300, 300]
    assert max(pauses) == pytest.approx(300)


def test_all_that_failed_before_the_first_list_is_a_list() -> None:
    agenda = Agenda(POLL_S, LIST_S, jitter=lambda: 0.5)
    agenda.failed(BEGIN_S)
    assert upcoming(agenda) == (4.75, Look.LIST)


@pytest.mark.parametrize(
    "success",
    [
        lambda agenda, at_s: agenda.probed(at_s, changed=False),
        lambda agenda, at_s: listed(agenda, at_s),
        lambda agenda, at_s: agenda.wrote(at_s),
        lambda agenda, at_s: agenda.woke(at_s),
    ],
    ids=["probed", "listed", "wrote", "woke"],
)
def test_the_first_success_forgets_the_back_off(success: Callable[[Agenda, float], None]) -> None:
    agenda = started()
    for number in range(5):
        agenda.failed(BEGIN_S + number)
    success(agenda, BEGIN_S + 80)
    assert agenda.closed_until_s <= BEGIN_S + 80
    agenda.failed(BEGIN_S + 100)
    assert upcoming(agenda)[0] == 104.75


def test_the_look_after_a_failure_is_the_next_try_however_far_the_poll() -> None:
    agenda = started(poll_s=3600.0)
    agenda.failed(BEGIN_S + 10)
    assert agenda.closed_until_s == BEGIN_S + 14.75
    assert upcoming(agenda)[0] == 14.75


@pytest.mark.parametrize(
    ("retry_after_s", "chance", "due_s"),
    [(0.0, 0.0, 5.0), (3.0, 0.0, 5.0), (100.0, 0.0, 100.0), (100.0, 1.0, 110.0), (7200.0, 0.5, 7560.0)],
)
def test_a_pause_that_the_service_asks_for_is_kept(retry_after_s: float, chance: float, due_s: float) -> None:
    agenda = started(jitter=lambda: chance)
    agenda.failed(BEGIN_S, retry_after_s=retry_after_s)
    assert round(agenda.closed_until_s - BEGIN_S, 6) == due_s
    assert agenda.due(math.nextafter(agenda.closed_until_s, 0)) is None
    assert agenda.due(agenda.closed_until_s) is not None


def test_a_pause_that_the_service_asks_for_outlives_all_else() -> None:
    agenda = started(jitter=lambda: 0.0)
    agenda.failed(BEGIN_S, retry_after_s=1000.0)
    agenda.failed(BEGIN_S + 1, retry_after_s=10.0)
    agenda.wrote(BEGIN_S + 2)
    agenda.woke(BEGIN_S + 3)
    assert upcoming(agenda)[0] == 1000.0


def test_waking_up_means_looking_now() -> None:
    agenda = started()
    for number in range(5):
        agenda.failed(BEGIN_S + number)
    agenda.woke(BEGIN_S + 30)
    assert upcoming(agenda) == (30.0, Look.PROBE)
    agenda.probed(BEGIN_S + 31, changed=False)
    assert upcoming(agenda) == (91.0, Look.PROBE)


def test_waking_up_after_a_list_was_due_means_listing_now() -> None:
    agenda = started()
    agenda.woke(BEGIN_S + 30_000)
    assert agenda.due(BEGIN_S + 30_000) is Look.LIST


def test_the_folder_is_walked_each_hour_if_no_list_did() -> None:
    agenda = started(list_s=86_400.0)
    for minute in range(60):
        assert not agenda.rescan_due(BEGIN_S + minute * 60)
        agenda.probed(BEGIN_S + minute * 60 + 1, changed=False)
    assert upcoming(agenda) == (3600.0, None)
    assert agenda.rescan_due(BEGIN_S + 3600)
    agenda.rescanned(BEGIN_S + 3605)
    assert not agenda.rescan_due(BEGIN_S + 7204)
    assert agenda.rescan_due(BEGIN_S + 7205)
    listed(agenda, BEGIN_S + 7300)
    assert not agenda.rescan_due(BEGIN_S + 10_899)


@dataclass
class Account:
    """Plays a day: what each look takes, and what happens besides."""

    agenda: Agenda
    requests: int
    seconds: float
    now_s: float = 0.0
    looks: list[tuple[float, Look]] = field(default_factory=list)
    rescans: int = 0

    def play(self, until_s: float, *, change: Callable[[float], bool] = lambda at_s: False) -> Counter[Look]:
        begin = len(self.looks)
        while (at_s := max(self.now_s, self.agenda.next_s())) < until_s:
            self.now_s = at_s
            look = self.agenda.due(at_s)
            walk = self.agenda.rescan_due(at_s)
            assert look is not None or walk
            if look is not None:
                self.look(look, changed=change(at_s))
            elif walk:
                self.rescans += 1
                self.agenda.rescanned(at_s)
        self.now_s = until_s
        return Counter(look for _, look in self.looks[begin:])

    def look(self, look: Look, *, changed: bool) -> None:
        self.looks.append((self.now_s, look))
        assert len(self.looks) < 100_000
        if look is Look.PROBE:
            self.agenda.probed(self.now_s, changed=changed)
        else:
            self.now_s += self.seconds
            listed(self.agenda, self.now_s, requests=self.requests, seconds=self.seconds, found=changed)


def account(requests: int, seconds: float, **known: int) -> Account:
    return Account(Agenda(POLL_S, LIST_S, jitter=random.Random(1).random, **known), requests, seconds)


@pytest.mark.parametrize(
    ("requests", "seconds", "misses", "probes", "lists"),
    [
        # 2 h at 60 s, 2 h at 120 s, 20 h at 240 s, and lists at most 10 % ahead of 15, 30 and 60 min.
        pytest.param(20, 0.5, 0, (0, 0), (470, 490), id="small"),
        pytest.param(1000, 20.0, 0, (420, 480), (32, 38), id="large"),
        pytest.param(1000, 4.0, 3, (0, 0), (125, 140), id="large, probe not trusted"),
        pytest.param(1000, 60.0, 3, (0, 0), (30, 38), id="very large, probe not trusted"),
    ],
)
def test_a_quiet_day_costs_few_requests(
    requests: int, seconds: float, misses: int, probes: tuple[int, int], lists: tuple[int, int]
) -> None:
    day = account(requests, seconds, misses=misses)
    looks = day.play(24 * HOUR_S)
    assert probes[0] <= looks[Look.PROBE] <= probes[1]
    assert lists[0] <= looks[Look.LIST] <= lists[1]
    assert day.rescans <= 24


def test_a_busy_day_is_looked_at_each_minute() -> None:
    """Somebody else works all the time: each probe shows a change, each is answered by a list."""
    day = account(1000, 20.0)
    looks = day.play(8 * HOUR_S, change=lambda at_s: True)
    assert 330 <= looks[Look.PROBE] <= 370
    assert abs(looks[Look.LIST] - looks[Look.PROBE]) <= 2
    lists = [at_s for at_s, look in day.looks if look is Look.LIST]
    assert min(b - a for a, b in itertools.pairwise(lists)) >= POLL_S


def test_a_day_of_own_changes_takes_no_more_than_a_look_each_quarter_of_a_poll() -> None:
    day = account(1000, 20.0)
    for number in range(3600):
        day.play(number * 2.0)
        day.agenda.wrote(day.now_s)
    assert len(day.looks) <= 7200 / (POLL_S / 4) + 2


def test_lists_in_the_place_of_probes_cost_less_than_a_fiftieth_of_the_time() -> None:
    day = account(1000, 10.0, misses=3)
    for number in range(480):
        day.play(number * 60.0)
        day.agenda.stirred(day.now_s)
    assert sum(10.0 for _ in day.looks) / (8 * HOUR_S) < 0.02
    assert len(day.looks) > 8 * HOUR_S / 600


def test_two_machines_that_start_together_do_not_stay_together() -> None:
    times = []
    for seed in range(2):
        one = Account(Agenda(POLL_S, LIST_S, jitter=random.Random(seed).random), 1000, 20.0)
        one.play(HOUR_S)
        times.append({round(at_s) for at_s, _ in one.looks[1:]})
    assert len(times[0] & times[1]) < len(times[0]) / 4


#: What may happen, with the seconds that pass before it.
happenings = st.lists(
    st.tuples(
        st.sampled_from([0.0, 0.5, 1.0, 10.0, 59.0, 600.0, 7200.0]),
        st.sampled_from(["serve", "serve", "serve", "wrote", "stirred", "failed", "barred", "woke", "none"]),
        st.booleans(),
        st.booleans(),
    ),
    max_size=50,
)


@given(
    happenings,
    st.floats(0.0, 1.0),
    st.sampled_from([(60.0, 900.0), (1.0, 5.0), (300.0, 300.0), (3600.0, 60.0)]),
    st.sampled_from([(1, 0.1), (20, 3.0), (21, 3.0), (5000, 400.0)]),
)
@settings(max_examples=EXAMPLES, deadline=None)
def test_laws_of_any_history(
    history: Iterable[tuple[float, str, bool, bool]],
    chance: float,
    every: tuple[float, float],
    cost: tuple[int, float],
) -> None:
    agenda = Agenda(*every, jitter=lambda: chance)
    now_s, barred_s, misses = 100.0, 0.0, 0
    for gap_s, what, yes, shown in history:
        now_s += gap_s
        next_s = agenda.next_s()
        before_s = min(now_s, math.nextafter(next_s, -math.inf))
        assert before_s == -math.inf or agenda.due(before_s) is None
        assert not agenda.rescan_due(before_s)
        look, walk = agenda.due(now_s), agenda.rescan_due(now_s)
        assert (look is not None or walk) == (next_s <= now_s)
        assert look is None or now_s >= barred_s
        match what:
            case "serve":
                if look is Look.PROBE:
                    agenda.probed(now_s, changed=yes)
                elif look is Look.LIST:
                    agenda.listed(now_s, requests=cost[0], seconds=cost[1], found=yes, shown=shown)
                    misses += yes and not shown
                if walk:
                    agenda.rescanned(now_s)
                # Handled: nothing is overdue, and a list that a probe asked for is the one thing due at once.
                at_once = look is Look.PROBE and yes
                assert agenda.next_s() >= now_s
                assert at_once or agenda.next_s() > now_s
            case "wrote":
                agenda.wrote(now_s)
            case "stirred":
                agenda.stirred(now_s)
            case "failed":
                agenda.failed(now_s)
                assert agenda.closed_until_s - now_s >= 4.5
                assert agenda.closed_until_s <= max(barred_s, now_s + 300)
                assert agenda.due(agenda.closed_until_s) is not None
            case "barred":
                agenda.failed(now_s, retry_after_s=120.0)
                barred_s = now_s + 120.0
            case "woke":
                agenda.woke(now_s)
                assert agenda.next_s() <= max(now_s, barred_s * 1.1, now_s + every[0])
        assert agenda.misses == misses
        assert agenda.trusted == (misses < 3)
        # A look is never further away than four polls, a back-off or what the service asked for.
        assert agenda.next_s() <= max(now_s + 4.4 * max(every[0], 50 * cost[1]), now_s + 300, barred_s + 12)
    assert agenda.due(now_s + 1e6) is not None


def test_a_list_without_a_walk_leaves_the_rescan_where_it_was() -> None:
    agenda = started()
    at_s = BEGIN_S + HOUR_S - 1
    agenda.listed(at_s, requests=LARGE, seconds=1.0, found=False, shown=True, walked=False)
    assert agenda.rescan_due(BEGIN_S + HOUR_S)
    agenda.listed(at_s, requests=LARGE, seconds=1.0, found=False, shown=True)
    assert not agenda.rescan_due(BEGIN_S + HOUR_S)
