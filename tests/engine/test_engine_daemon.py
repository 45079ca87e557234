"""The deciding loop, against a pair that answers as it is told and time that passes only while it waits."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from types import TracebackType
from typing import Any

import pytest

from fluxsync.core.owed import Owed
from fluxsync.engine import daemon as module
from fluxsync.engine import shift
from fluxsync.engine.daemon import Daemon
from fluxsync.engine.desk import Ending, Timing
from fluxsync.engine.dirty import Dirt
from fluxsync.engine.meter import Meter
from fluxsync.engine.report import Report, Result
from fluxsync.engine.service import Outcome, Task, Verb
from fluxsync.engine.status import State, Status
from fluxsync.engine.view import Listed
from fluxsync.engine.wake import Job
from fluxsync.engine.watcher import Watcher
from fluxsync.errors import ConfigError, FluxsyncError, Full, Halted, Rejected, Unauthorized, Unavailable
from fluxsync.replica.base import Probe
from fluxsync.state.journal import Journal

START_S = 1000.0
WALL_S = 1_800_000_000.0
TIMING = Timing(settle_s=2.0, poll_s=60.0, list_s=900.0)
#: No story takes more turns of the loop: one that does spins.
MOST_TURNS = 500


class Story:
    """What happens when, in seconds from the start; the loop's waits are the time that passes."""

    def __init__(self, daemon: Daemon, until_s: float) -> None:
        self.now_s = START_S
        self._daemon = daemon
        self._events: list[tuple[float, int, Callable[[], object]]] = []
        self.turns = 0
        self.at(until_s, daemon.stop)

    def at(self, seconds: float, deed: Callable[[], object]) -> None:
        self._events.append((START_S + seconds, len(self._events), deed))
        self._events.sort(key=lambda event: event[:2])

    def clock(self) -> float:
        return self.now_s

    def turn(self) -> None:
        self.turns += 1
        assert self.turns < MOST_TURNS, f"it spins at {self.now_s - START_S} s"

    # -- the condition of a `Wake` that nobody else waits at

    def __enter__(self) -> None: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...

    def notify_all(self) -> None:
        self._notified = True

    def wait(self, seconds: float) -> None:
        until_s = self.now_s + seconds
        self._notified = False
        while self._events and self._events[0][0] <= until_s and not self._notified:
            at_s, _, deed = self._events.pop(0)
            self.now_s = max(self.now_s, at_s)
            deed()
        if not self._notified:
            self.now_s = until_s


class Account:
    def settled(self) -> None: ...

    def __init__(self) -> None:
        self.shown: str | None = "as listed"
        self.expects: str | None = "as listed"
        self.error: Exception | None = None
        self.probes: list[float] = []
        self.clock: Callable[[], float]

    def probe(self) -> Probe | None:
        self.probes.append(self.clock())
        if self.error is not None:
            raise self.error
        return None if self.shown is None else Probe(self.shown)

    def expected(self) -> Probe | None:
        return None if self.expects is None else Probe(self.expects)


class Site:
    """A pair whose passes end as `answers` says, one after the other; then all is in step."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self.journal = Journal.in_memory(clock=lambda: WALL_S)
        self.remote: Any = Account()
        self.remote.clock = clock
        self._clock = clock
        self.answers: list[Report | Exception | Callable[[Watcher], Report]] = []
        self.performed: list[Verb] = []
        self.error: Exception | None = None
        #: When, and what of: None is everything.
        self.passes: list[tuple[float, Any]] = []
        self.dirts: list[Dirt] = []
        self.walks = 0
        self.watched = True
        self.differs = frozenset({"differs.gif"})
        self.unread: list[Report] = []

    def run(self, watcher: Watcher, *, dirt: Dirt | None = None) -> Report:
        paths = None if dirt is None else tuple(sorted(dirt.paths))
        self.passes.append((self._clock() - START_S, paths))
        if dirt is not None:
            self.dirts.append(dirt)
        answer = self.answers.pop(0) if self.answers else done(dirt is None)
        if isinstance(answer, Exception):
            raise answer
        return answer(watcher) if callable(answer) else answer

    def perform(self, task: Task, watcher: Watcher) -> tuple[Outcome, Report | None]:
        self.performed.append(task.verb)
        if self.error is not None:
            raise self.error
        return Outcome(0, {"verb": str(task.verb)}), None if task.verb is Verb.EMPTY else done(whole=True)

    def list_unread(self, watcher: Watcher) -> Report | None:
        return self.unread.pop(0) if self.unread else None

    def changed(self) -> frozenset[str]:
        if self.error is not None:
            raise self.error
        return self.differs

    def before_walk(self) -> None:
        self.walks += 1

    def is_watched(self) -> bool:
        return self.watched


def done(whole: bool, *, found: bool = False, shown: bool = True, requests: int = 100) -> Report:
    report = Report()
    report.whole = whole
    if whole:
        report.listed = Listed(requests, 1.0, found, shown)
    return report


def stopped(result: Result, *, whole: bool, message: str = "it says why", **more: Any) -> Report:
    report = Report()
    report.whole, report.stopped, report.message = whole, result, message
    for name, value in more.items():
        setattr(report, name, value)
    return report


class Bench:
    """A daemon, its pair and its story."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.monkeypatch = monkeypatch
        self.states: list[tuple[State, str]] = []
        self.reports: list[Report] = []
        self.daemon = Daemon(
            alive=lambda: self.story.turn(),
            on_report=lambda report, dirt: self.reports.append(report),
            on_state=self._told,
            clock=lambda: self.story.now_s,
            wall_s=lambda: self.story.now_s + WALL_S,
        )
        monkeypatch.setattr(module.time, "monotonic", lambda: self.story.now_s)
        self.story = Story(self.daemon, 0.0)
        self.site = Site(lambda: self.story.now_s)

    def _told(self, status: Status) -> None:
        self.states.append((status.state, status.message))

    def tell(self, until_s: float, *events: tuple[float, Callable[[], object]]) -> Ending:
        """Let the story go on until somebody ends the service."""
        self.story = Story(self.daemon, until_s)
        self.daemon.wake._condition = self.story  # type: ignore[assignment]
        for seconds, deed in events:
            self.story.at(seconds, deed)
        return self.daemon.work(self.site, TIMING)

    def dirty(self, *paths: str) -> Callable[[], None]:
        return lambda: [self.daemon.wake.dirty(path) for path in paths] and None

    @property
    def passes(self) -> list[tuple[float, Any]]:
        return [(round(at_s, 2), paths) for at_s, paths in self.site.passes]

    @property
    def looked(self) -> list[Any]:
        return [paths for _, paths in self.site.passes]


@pytest.fixture
def bench(monkeypatch: pytest.MonkeyPatch) -> Iterator[Bench]:
    monkeypatch.setattr("fluxsync.engine.agenda._JITTER", 0.0)
    bench = Bench(monkeypatch)
    yield bench
    bench.site.journal.close()


def ask(bench: Bench, verb: Verb = Verb.SYNC) -> Job:
    job = Job(Task(verb))
    bench.daemon.wake.ask(job)
    return job


# -- what is due


def test_it_begins_with_everything_and_probes_from_then_on(bench: Bench) -> None:
    assert bench.tell(200) is Ending.STOP
    assert bench.passes == [(0, None)]
    assert [round(at - START_S) for at in bench.site.remote.probes] == [60, 120, 180]
    assert bench.site.walks == 1


def test_what_is_dirty_is_looked_at_when_it_is_quiet(bench: Bench) -> None:
    bench.tell(30, (10, bench.dirty("a.gif")), (11, bench.dirty("a.gif")), (20, bench.dirty("b.gif")))
    assert bench.passes == [(0, None), (13, ("a.gif",)), (22, ("b.gif",))]


def test_nothing_is_looked_at_before_the_first_list(bench: Bench) -> None:
    """Before that nothing is known of the account."""
    bench.site.answers = [stopped(Result.UNREACHABLE, whole=True)]
    bench.tell(4, (1, bench.dirty("a.gif")))
    assert bench.looked == [None]


def test_a_probe_that_shows_a_change_makes_a_list_due(bench: Bench) -> None:
    bench.site.remote.shown = "another"
    bench.tell(100)
    assert bench.passes == [(0, None), (60, None)]


@pytest.mark.parametrize("unknown", ["shown", "expects"])
def test_a_probe_that_cannot_tell_makes_a_list_due(bench: Bench, unknown: str) -> None:
    setattr(bench.site.remote, unknown, None)
    bench.tell(100)
    assert bench.looked == [None, None]


def test_lists_and_dirt_take_turns(bench: Bench) -> None:
    """Neither an account that is never listed to the end nor a busy folder holds up the other."""

    def cut_short(watcher: Watcher) -> Report:
        bench.daemon.pause()
        bench.daemon.resume()
        bench.daemon.wake.dirty("busy.gif")
        bench.story.now_s += 5
        return stopped(Result.UNREACHABLE, whole=True)

    def busy(watcher: Watcher) -> Report:
        bench.daemon.wake.dirty("busy.gif")
        bench.story.now_s += 5
        return done(whole=False)

    bench.site.answers = [done(whole=True), cut_short, busy, cut_short, busy, done(whole=True)]
    bench.site.remote.shown = "another"
    bench.tell(90)
    assert bench.looked == [None, None, ("busy.gif",), None, ("busy.gif",), None]


def test_a_small_account_is_listed_at_each_poll_and_never_trusted(bench: Bench) -> None:
    bench.site.answers = [done(whole=True, requests=3)]
    bench.tell(65, (10, bench.dirty("a.gif")))
    assert bench.looked == [None, ("a.gif",), None]
    assert not bench.site.dirts[0].trusting
    assert bench.site.remote.probes == []


def test_a_large_account_is_trusted_between_lists(bench: Bench) -> None:
    bench.tell(20, (10, bench.dirty("a.gif")))
    assert bench.site.dirts[0].trusting


def test_the_whole_folder_is_walked_each_hour_without_a_list(bench: Bench) -> None:
    bench.site.remote.shown = "as listed"
    bench.monkeypatch.setattr("fluxsync.engine.agenda.Agenda._next_list_s", lambda self: float("inf"))
    bench.monkeypatch.setattr("fluxsync.engine.agenda.Agenda._next_poll_s", lambda self: float("inf"))
    bench.site.answers = [done(whole=True)]
    agenda_due = shift.Agenda.due
    first = [True]

    def due(agenda: Any, now_s: float) -> Any:
        return shift.Look.LIST if first and first.pop() else agenda_due(agenda, now_s)

    bench.monkeypatch.setattr(shift.Agenda, "due", due)
    bench.tell(3700)
    assert bench.passes == [(0, None), (3600, ("differs.gif",))]
    assert bench.site.walks == 2


def test_a_machine_that_slept_looks_at_everything_again(bench: Bench) -> None:
    awake = iter([START_S, START_S])
    bench.monkeypatch.setattr(module.time, "monotonic", lambda: next(awake, START_S))
    bench.tell(70)  # the clock that counts sleep goes on alone
    assert ("differs.gif",) in bench.looked


# -- what a pass leaves to be done


def test_paths_come_again_at_their_time(bench: Bench) -> None:
    report = done(whole=False)
    report.again = {"open.gif": WALL_S + START_S + 12 + 15, "past.gif": 0.0}
    bench.site.answers = [done(whole=True), report]
    bench.tell(40, (10, bench.dirty("a.gif")))
    assert bench.passes == [(0, None), (12, ("a.gif",)), (12, ("past.gif",)), (27, ("open.gif",))]


def test_what_comes_again_goes_with_what_is_dirty(bench: Bench) -> None:
    report = done(whole=True)
    report.again = {"open.gif": WALL_S + START_S + 12}
    bench.site.answers = [report]
    bench.tell(20, (10, bench.dirty("a.gif")))
    assert bench.passes == [(0, None), (12, ("a.gif", "open.gif"))]


def test_a_look_at_everything_forgets_what_was_dirty(bench: Bench) -> None:
    report = done(whole=True)
    report.again = {"open.gif": WALL_S + START_S + 61}
    bench.site.answers = [report]
    bench.site.remote.shown = "another"
    bench.tell(80, (59.5, bench.dirty("a.gif")))
    assert bench.passes == [(0, None), (60, None)]


def test_dirt_of_a_part_that_was_broken_off_is_looked_at_when_the_account_is_back(bench: Bench) -> None:
    bench.site.answers = [done(whole=True), stopped(Result.UNREACHABLE, whole=False)]
    bench.tell(40, (10, bench.dirty("a.gif")))
    assert bench.passes == [(0, None), (12, ("a.gif",)), (17, ("a.gif",))]
    assert len(bench.site.remote.probes) == 1  # the next look is the next try


def test_what_is_owed_is_handed_on_and_survives_a_pass_that_was_broken_off(bench: Bench) -> None:
    owed = Owed(frozenset({"7"}), frozenset({"a.gif"}))
    first = done(whole=True)
    first.owed = owed
    bench.site.answers = [first, stopped(Result.UNREACHABLE, whole=False)]
    bench.tell(60, (10, bench.dirty("a.gif")), (40, bench.dirty("b.gif")))
    assert [dirt.owed for dirt in bench.site.dirts] == [owed, owed, Owed()]


def test_a_list_that_was_not_read_changes_nothing_of_what_is_owed(bench: Bench) -> None:
    """Where only one direction is synced, the account has what is owed for good."""
    owed = Owed(frozenset(), frozenset({"a.gif"}))
    first = done(whole=True, requests=3)
    first.owed, first.rounds = owed, 1
    unread = done(whole=True)
    unread.whole = False
    bench.site.answers, bench.site.unread = [first], [unread]
    bench.tell(100, (90, bench.dirty("a.gif")))
    assert bench.site.unread == []
    assert bench.passes == [(0, None), (92, ("a.gif",))]
    assert bench.site.dirts[0].owed == owed


def test_after_a_probe_that_shows_a_change_the_list_is_read_at_once(bench: Bench) -> None:
    """To compare it first would find out what is known, and cost the time of a probe."""
    first = done(whole=True)
    first.rounds = 1
    unread = done(whole=True)
    unread.whole = False
    bench.site.answers, bench.site.unread = [first], [unread]
    bench.site.remote.shown = "another"
    bench.tell(70)
    assert bench.passes == [(0, None), (60, None)]
    assert bench.site.unread == [unread]


def test_the_interval_to_the_next_look_begins_with_a_pass_and_not_at_its_end(bench: Bench) -> None:
    def fetching(watcher: Watcher) -> Report:
        bench.story.now_s += 20
        return done(whole=True)

    bench.site.answers = [fetching]
    bench.tell(130)
    assert [round(at - START_S) for at in bench.site.remote.probes] == [60, 120]


def test_gone_paths_wait_anew_after_a_look_at_everything(bench: Bench) -> None:
    bench.site.remote.shown = "another"
    bench.tell(
        100,
        (10, bench.dirty("a.gif")),
        (30, lambda: bench.site.dirts[0].vanished.unripe({"a.gif"}, lambda path: False)),
        (80, bench.dirty("b.gif")),
    )
    vanished = bench.site.dirts[-1].vanished
    assert bench.looked == [None, ("a.gif",), None, ("b.gif",)]
    assert vanished is bench.site.dirts[0].vanished
    assert vanished.unripe({"a.gif"}, lambda path: False) == {"a.gif"}


def test_deletions_go_on_only_while_nothing_else_is_dirty(bench: Bench) -> None:
    calm: list[bool] = []

    def look(watcher: Watcher) -> Report:
        calm.append(bench.site.dirts[-1].calm())
        bench.daemon.wake.dirty("late.gif")
        calm.append(bench.site.dirts[-1].calm())
        return done(whole=False)

    bench.site.answers = [done(whole=True), look]
    bench.tell(13, (10, bench.dirty("a.gif")))
    assert calm == [True, False]


def test_no_deletion_goes_on_while_a_file_is_never_quiet(bench: Bench) -> None:
    calm: list[bool] = []

    def look(watcher: Watcher) -> Report:
        calm.append(bench.site.dirts[-1].calm())
        return done(whole=False)

    bench.site.answers = [done(whole=True), look]
    bench.tell(45, *((float(at), bench.dirty("a.gif")) for at in range(10, 41)))
    assert bench.passes[1] == (40, ("a.gif",))
    assert calm == [False]


def test_what_becomes_dirty_while_the_folder_is_walked_holds_up_deletions(bench: Bench) -> None:
    """It may be the other half of a move that the walk has seen one half of."""
    calm: list[bool] = []

    def changed() -> frozenset[str]:
        bench.daemon.wake.dirty("late.gif")
        return frozenset({"gone.gif"})

    def look(watcher: Watcher) -> Report:
        calm.append(bench.site.dirts[-1].calm())
        return done(whole=False)

    bench.monkeypatch.setattr(bench.site, "changed", changed)
    bench.site.answers = [done(whole=True), look]
    bench.tell(13, (10, bench.dirty("")))
    assert bench.passes[1] == (12, ("gone.gif",))
    assert calm == [False]


def test_a_deletion_that_comes_again_waits_a_minute_at_most_beside_a_file_that_is_never_quiet(
    bench: Bench,
) -> None:
    """It comes again at times of its own, and not with the other file."""
    repeated: list[float] = []

    def run(watcher: Watcher, *, dirt: Dirt | None = None) -> Report:
        report = done(whole=dirt is None)
        if dirt is not None and "gone.gif" in dirt.paths and not repeated:
            if dirt.calm():
                repeated.append(bench.story.now_s - START_S)
            else:
                report.gone = {"gone.gif"}
                report.again = {"gone.gif": bench.story.now_s + WALL_S + TIMING.settle_s}
        return report

    bench.monkeypatch.setattr(bench.site, "run", run)
    busy = [(at / 4, bench.dirty("busy.log")) for at in range(20, 800)]
    bench.tell(200, (20, bench.dirty("gone.gif")), *busy)
    assert len(repeated) == 1
    assert repeated[0] <= 20 + 60 + TIMING.settle_s


def broken_off(watcher: Watcher) -> Report:
    assert watcher.meter.stopped
    return stopped(Result.UNREACHABLE, whole=True)


def test_a_pause_goes_over_to_another_journal(bench: Bench) -> None:
    """The old one was damaged, or the configuration names another one: nobody has let the service go on."""
    bench.tell(20, (10, bench.daemon.pause))
    bench.daemon.wake.stopping = False
    bench.site.journal.close()
    bench.site.journal = Journal.in_memory(clock=lambda: WALL_S)
    bench.site.answers = [broken_off] * MOST_TURNS
    bench.site.passes.clear()
    bench.daemon._hand._stopped = False
    bench.tell(20)
    assert bench.passes == []
    assert bench.daemon.status().state is State.PAUSED


def test_a_pause_that_cannot_be_written_down_is_one_all_the_same(bench: Bench) -> None:
    full = Full("no room left on the disk of the journal", here=True)
    real = bench.site.journal.set_facts

    def refuse(new: Any) -> None:
        raise full

    bench.monkeypatch.setattr(bench.site.journal, "set_facts", refuse)
    with pytest.raises(Full):
        bench.tell(20, (10, bench.daemon.pause))
    bench.monkeypatch.setattr(bench.site.journal, "set_facts", real)
    bench.site.answers = [broken_off] * MOST_TURNS
    bench.site.passes.clear()
    bench.tell(20)
    assert bench.passes == []
    assert bench.site.journal.fact("paused")


def test_what_the_probe_missed_is_counted_for_the_next_start(bench: Bench) -> None:
    bench.site.answers = [done(whole=True, found=True, shown=False)]
    bench.tell(10)
    assert bench.site.journal.fact("probe_misses") == "1"


def test_a_probe_that_missed_too_often_is_not_asked(bench: Bench) -> None:
    bench.site.journal.set_facts({"probe_misses": "3"})
    bench.tell(70)
    assert bench.looked == [None, None]
    assert bench.site.remote.probes == []


# -- an account that is away


def test_tries_come_ever_less_often(bench: Bench) -> None:
    bench.site.answers = [stopped(Result.UNREACHABLE, whole=True) for _ in range(4)]
    bench.tell(100)
    assert bench.passes == [(0, None), (5, None), (15, None), (35, None), (75, None)]
    assert bench.states.count((State.OFFLINE, "it says why")) == 1
    assert bench.states[-1][1] == ""


def test_nothing_is_asked_before_the_time_that_the_account_named(bench: Bench) -> None:
    bench.site.answers = [done(whole=True), stopped(Result.UNREACHABLE, whole=False, retry_after_s=300.0)]
    bench.tell(340, (10, bench.dirty("a.gif")), (100, bench.dirty("b.gif")))
    assert bench.passes[:2] == [(0, None), (12, ("a.gif",))]
    assert bench.passes[2][0] >= 312
    assert min(at - START_S for at in bench.site.remote.probes) >= 312


@pytest.mark.parametrize(
    ("error", "next_s"),
    [
        (Unavailable("away"), 65),
        (Unavailable("busy", retry_after_s=200.0), 260),
        (Unauthorized("no"), 3660),
        (Rejected("what?"), 65),
    ],
)
def test_a_probe_that_fails_is_tried_again_later(bench: Bench, error: FluxsyncError, next_s: int) -> None:
    bench.site.remote.error = error
    bench.tell(next_s + 1, (3610, bench.daemon.wake.nudge))
    looks = [at - START_S for at in bench.site.remote.probes] + [at for at, _ in bench.passes[1:]]
    assert list(map(round, looks)) == [60, next_s]
    assert (State.OFFLINE, str(error)) in bench.states


def test_refused_credentials_are_not_tried_again_for_an_hour(bench: Bench) -> None:
    bench.site.answers = [stopped(Result.UNAUTHORIZED, whole=True)]
    bench.tell(3700, (10, bench.dirty("a.gif")))
    assert [at for at, _ in bench.passes][:2] == [0, 3600]


def test_an_account_that_is_away_is_waited_for_without_spinning(bench: Bench) -> None:
    """What is dirty meanwhile ends no wait: nothing can be done about it."""
    bench.site.answers = [stopped(Result.UNREACHABLE, whole=True, retry_after_s=200.0)]
    bench.tell(190, (1, bench.dirty("a.gif")), (50, bench.dirty("b.gif")))
    assert bench.looked == [None]
    assert bench.story.turns < 10


def test_a_full_disk_is_waited_for_without_spinning(bench: Bench) -> None:
    """The journal's: nothing may be done that cannot be written down."""
    full = [stopped(Result.PARTIAL, whole=True, listed=Listed(100, 1.0, False, True)) for _ in range(9)]
    bench.site.answers = [*full]
    bench.tell(60)
    assert bench.passes == [(0, None), (5, None), (15, None), (35, None)]
    assert bench.states[-1] == (State.WAITING, "it says why")


# -- a root or an account that is another one


def test_another_root_ends_the_work(bench: Bench) -> None:
    bench.site.answers = [stopped(Result.GUARDED, whole=True)]
    assert bench.tell(10) is Ending.REOPEN
    assert bench.daemon.halted == "it says why"


def test_another_account_seen_by_a_probe_ends_the_work(bench: Bench) -> None:
    bench.site.remote.error = Halted("another account")
    assert bench.tell(100) is Ending.REOPEN
    assert bench.daemon.halted == "another account"


def test_a_fault_of_ours_is_raised(bench: Bench) -> None:
    bench.site.answers = [RuntimeError("a fault")]
    with pytest.raises(RuntimeError):
        bench.tell(10)


# -- pause, stop, reload


def test_a_pause_holds_until_it_is_resumed(bench: Bench) -> None:
    bench.tell(700, (10, bench.daemon.pause), (20, bench.dirty("a.gif")), (600, bench.daemon.resume))
    assert [paths for at, paths in bench.passes if 10 <= at < 600] == []
    assert [at for at, _ in bench.passes][1] >= 600
    assert ("a.gif",) in bench.looked
    assert bench.site.journal.fact("paused") is None
    assert all(not 10 <= at - START_S < 600 for at in bench.site.remote.probes)
    assert [state for state, _ in bench.states if state is State.PAUSED]


def test_a_pause_is_remembered_by_the_journal(bench: Bench) -> None:
    bench.tell(20, (10, bench.daemon.pause))
    assert bench.site.journal.fact("paused") == repr(WALL_S + START_S + 10)
    assert bench.tell(100) is Ending.STOP
    assert len(bench.passes) == 1


def test_a_pause_that_the_journal_has_no_room_for_is_remembered_once_it_has(bench: Bench) -> None:
    """Until then nothing moves, and status says so: it was promised to whoever asked for the pause."""
    write, full = bench.site.journal.set_facts, [True]

    def no_room(facts: Mapping[str, str | None]) -> None:
        if full:
            raise Full("no room left on the disk of journal", here=True)
        write(facts)

    bench.site.journal.set_facts = no_room  # type: ignore[method-assign]
    with pytest.raises(Full):
        bench.tell(20, (10, bench.daemon.pause))
    assert bench.daemon.status().state is State.PAUSED
    full.clear()
    bench.tell(30)
    assert bench.site.journal.fact("paused") is not None
    assert len(bench.passes) == 1


def test_a_pause_waits_without_spinning_whatever_happens_in_the_folder(bench: Bench) -> None:
    bench.site.journal.set_facts({"paused": "1.0"})
    bench.tell(1000, *((at, bench.dirty("a.gif")) for at in (1.0, 2.0, 500.0)))
    assert bench.site.passes == []
    assert bench.story.turns < 20


def test_a_pause_breaks_off_the_pass_in_hand_and_that_says_nothing_of_the_account(bench: Bench) -> None:
    def moving(watcher: Watcher) -> Report:
        bench.daemon.pause()
        assert watcher.meter.stopped
        with pytest.raises(Unavailable):
            watcher.wait(1.0)
        return stopped(Result.UNREACHABLE, whole=True, message="interrupted")

    after: list[bool] = []

    def resumed(watcher: Watcher) -> Report:
        after.append(watcher.meter.stopped)
        watcher.wait(0.0)
        return done(whole=True)

    bench.site.answers = [moving, resumed]
    bench.tell(60, (50, bench.daemon.resume))
    assert bench.passes == [(0, None), (50, None)]
    assert after == [False]
    assert not [message for _, message in bench.states if message]


@pytest.mark.parametrize("asked", [False, True])
def test_a_pause_in_the_moment_before_a_pass_is_heeded(bench: Bench, asked: bool) -> None:
    """Between the last look at the wish and the pass there is time to walk folders."""
    met: list[bool] = []
    bench.site.before_walk = bench.daemon.pause  # type: ignore[method-assign]
    bench.site.answers = [
        lambda watcher: met.append(watcher.meter.stopped) or stopped(Result.UNREACHABLE, whole=True)
    ]
    if asked:
        drain = bench.daemon.wake.drain
        bench.daemon.wake.drain = lambda: (drain(), bench.daemon.pause())  # type: ignore[method-assign, assignment]
        perform = bench.site.perform

        def watched(task: Task, watcher: Watcher) -> tuple[Outcome, Report | None]:
            met.append(watcher.meter.stopped)
            return perform(task, watcher)

        bench.site.perform = watched  # type: ignore[method-assign]
        ask(bench)
    bench.tell(20)
    assert met == [True]


def test_stop_breaks_off_the_pass_in_hand(bench: Bench) -> None:
    def moving(watcher: Watcher) -> Report:
        bench.daemon.stop()
        assert watcher.meter.stopped
        return stopped(Result.UNREACHABLE, whole=True)

    bench.site.answers = [moving]
    assert bench.tell(1000) is Ending.STOP
    assert bench.looked == [None]


def test_a_new_configuration_ends_the_work_once(bench: Bench) -> None:
    assert bench.tell(100, (10, bench.daemon.reload)) is Ending.RELOAD
    assert bench.story.now_s == START_S + 10
    assert bench.tell(20) is Ending.STOP


# -- tasks


@pytest.mark.parametrize("busy", [True, False])
def test_who_asks_while_a_pass_runs_hears_that_it_is_waited_for(bench: Bench, busy: bool) -> None:
    """It may take an hour: whoever looks on has to know that the service heard."""
    phases: list[str] = []
    bench.daemon.live.working((Meter(),) if busy else ())
    with pytest.raises(TimeoutError):
        bench.daemon.perform(Task(Verb.SYNC), Watcher(on_phase=phases.append), timeout_s=0)
    assert phases == (["waiting for the pass that runs now"] if busy else [])


def test_a_task_is_done_before_anything_else(bench: Bench) -> None:
    job = ask(bench)
    bench.tell(1)
    assert job.outcome == Outcome(0, {"verb": "sync"})
    assert bench.site.performed == [Verb.SYNC]
    assert bench.site.passes == []  # its pass was the first list


def test_a_task_wakes_the_service_and_answers_for_what_is_dirty(bench: Bench) -> None:
    jobs: list[Job] = []
    bench.tell(30, (9, bench.dirty("a.gif")), (10, lambda: jobs.append(ask(bench))))
    assert bench.site.performed == [Verb.SYNC]
    assert bench.looked == [None]
    assert jobs[0].over.is_set()


def test_emptying_the_trash_forgets_nothing_that_is_dirty(bench: Bench) -> None:
    bench.tell(30, (9, bench.dirty("a.gif")), (10, lambda: ask(bench, Verb.EMPTY)))
    assert bench.looked == [None, ("a.gif",)]


def test_a_task_that_cannot_reach_the_account_says_so_and_everything_is_looked_at_later(
    bench: Bench,
) -> None:
    bench.site.error = Unavailable("away")
    jobs: list[Job] = []
    bench.tell(40, (9, bench.dirty("a.gif")), (10, lambda: jobs.append(ask(bench))))
    assert str(jobs[0].error) == "away"
    assert bench.passes == [(0, None), (15, None)]


def test_a_task_that_cannot_be_asked_like_that_stops_nothing(bench: Bench) -> None:
    bench.site.error = ConfigError("no such conflict")
    jobs: list[Job] = []
    assert bench.tell(70, (10, lambda: jobs.append(ask(bench, Verb.RESOLVE)))) is Ending.STOP
    assert str(jobs[0].error) == "no such conflict"
    assert bench.states[-1][1] == ""


def test_a_task_that_meets_another_root_ends_the_work(bench: Bench) -> None:
    bench.site.error = Halted("another root")
    jobs: list[Job] = []
    assert bench.tell(70, (10, lambda: jobs.append(ask(bench)))) is Ending.REOPEN
    assert str(jobs[0].error) == "another root"


def test_a_fault_of_ours_answers_who_waits(bench: Bench) -> None:
    bench.site.error = RuntimeError("a fault")
    job = ask(bench)
    with pytest.raises(RuntimeError):
        bench.tell(70)
    assert isinstance(job.error, Unavailable)


def test_a_task_in_a_pause_is_refused(bench: Bench) -> None:
    bench.site.journal.set_facts({"paused": "1.0"})
    job = ask(bench)
    bench.tell(10)
    assert "fluxsync resume" in str(job.error)
    assert bench.site.performed == []


def test_rebuild_wants_the_pair_opened_afresh_and_is_done_then(bench: Bench) -> None:
    job = ask(bench, Verb.REBUILD)
    assert bench.tell(10) is Ending.AFRESH
    assert not job.over.is_set()
    bench.tell(10)
    assert job.outcome == Outcome(0, {"verb": "rebuild"})


# -- without a pair


def idle(bench: Bench, until_s: float, *events: tuple[float, Callable[[], object]]) -> Ending | None:
    bench.story = Story(bench.daemon, until_s)
    bench.daemon.wake._condition = bench.story  # type: ignore[assignment]
    for seconds, deed in events:
        bench.story.at(seconds, deed)
    return bench.daemon.idle(State.HELD, "another root", 10.0)


def test_without_a_pair_it_waits_and_says_why(bench: Bench) -> None:
    assert idle(bench, 100) is None
    assert bench.story.now_s == START_S + 10
    assert bench.states == [(State.HELD, "another root")]


def test_without_a_pair_it_stops_and_reads_the_configuration_at_once(bench: Bench) -> None:
    assert idle(bench, 3) is Ending.STOP
    bench.daemon.wake.stopping = False
    assert idle(bench, 100, (3, bench.daemon.reload)) is Ending.RELOAD
    assert bench.story.now_s == START_S + 3


def test_without_a_pair_who_asks_is_told_why_and_it_is_tried_again(bench: Bench) -> None:
    jobs: list[Job] = []
    assert idle(bench, 100, (3, lambda: jobs.append(ask(bench)))) is None
    assert isinstance(jobs[0].error, Halted)
    assert bench.story.now_s == START_S + 3


def test_without_a_pair_rebuild_is_the_cure(bench: Bench) -> None:
    jobs: list[Job] = []
    assert idle(bench, 100, (3, lambda: jobs.append(ask(bench, Verb.REBUILD)))) is Ending.AFRESH
    assert not jobs[0].over.is_set()
    bench.tell(1)
    assert bench.site.performed == [Verb.REBUILD]


def test_a_rebuild_that_could_not_be_begun_is_refused_and_never_done_later(bench: Bench) -> None:
    """Opened again without forgetting, a plain pass would be taken for it."""
    job = ask(bench, Verb.REBUILD)
    assert bench.tell(10) is Ending.AFRESH
    assert idle(bench, 100) is None
    assert isinstance(job.error, Halted)
    bench.tell(10)
    assert bench.site.performed == []


def test_who_still_waits_at_the_end_is_answered(bench: Bench) -> None:
    job, rebuild = ask(bench), ask(bench, Verb.REBUILD)
    bench.daemon._afresh = rebuild
    bench.daemon.close("it has ended")
    assert (str(job.error), str(rebuild.error)) == ("it has ended", "it has ended")
