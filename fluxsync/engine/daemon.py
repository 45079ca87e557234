"""The service: one thread that decides what to do next, and does it, for as long as it runs.

    a task that somebody asked for        a complete pass, and what belongs to it
    dirty paths that have become quiet    a pass over them
    the agenda says so                    a probe of the account, or a complete pass with a full list
    nothing                               it waits

It knows nothing of sockets, pages, signals or units: these call the methods of `Service`, from any thread.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Protocol

from fluxsync.core.owed import Owed
from fluxsync.engine.agenda import Agenda, Look
from fluxsync.engine.clocks import Jumps, uptime_s
from fluxsync.engine.cycle import Dirt, Watcher
from fluxsync.engine.hand import Hand
from fluxsync.engine.live import Live
from fluxsync.engine.merge import Due, Merger
from fluxsync.engine.report import Report, Result
from fluxsync.engine.service import Outcome, Task, Verb
from fluxsync.engine.status import State, Status
from fluxsync.engine.vanished import Vanished
from fluxsync.engine.wake import Job, Wake
from fluxsync.errors import FluxsyncError, Halted, ReplicaError, Unauthorized, Unavailable
from fluxsync.replica.base import RemoteReplica
from fluxsync.state.journal import Journal

__all__ = ["Daemon", "Ending", "Site", "Timing"]

#: After credentials were refused, the account is asked again so late that no lock-out counts it.
_REFUSED_S = 3600.0
#: Whatever else happens, the deciding thread looks up so often: for clocks that jump, and for the watchdog.
_LONGEST_SLEEP_S = 300.0
_MISSES = "probe_misses"


class Site(Protocol):
    """A pair that is open: only the deciding thread uses it."""

    @property
    def journal(self) -> Journal: ...

    @property
    def remote(self) -> RemoteReplica: ...

    def run(self, watcher: Watcher, *, dirt: Dirt | None = None) -> Report: ...

    def perform(self, task: Task, watcher: Watcher) -> tuple[Outcome, Report | None]: ...

    def before_walk(self) -> None:
        """Do what belongs before a look at the whole folder: watch what was out of reach."""
        ...

    def is_watched(self) -> bool:
        """Tell whether events show whatever changes in the folder."""
        ...


@dataclass(frozen=True, slots=True)
class Timing:
    """What the configuration says about time, in seconds."""

    settle_s: float
    poll_s: float
    list_s: float
    #: How often the whole folder is walked, and how often where events do not show all that changes.
    rescan_s: float = 3600.0
    unwatched_s: float = 60.0
    #: The most between two signs of life.
    beat_s: float = _LONGEST_SLEEP_S


class Ending(Enum):
    """Why the work on an open pair ended."""

    STOP = "stop"
    RELOAD = "reload"
    #: The pair has to be opened anew: the root, the journal or the credentials are not what they were.
    REOPEN = "reopen"
    AFRESH = "afresh"


class Daemon:
    """A `Service`. `alive` is told whenever work goes on; a thread that hangs tells nothing.

    `on_rest` is called before it sleeps after a look at everything.
    """

    def __init__(
        self,
        *,
        alive: Callable[[], None] = lambda: None,
        on_rest: Callable[[], None] = lambda: None,
        on_report: Callable[[Report, Dirt | None], None] = lambda report, dirt: None,
        on_state: Callable[[Status], None] = lambda status: None,
        clock: Callable[[], float] = uptime_s,
        wall_s: Callable[[], float] = time.time,
    ) -> None:
        self.wake = Wake(clock)
        self.live = Live(self.wake.waiting, wall_s)
        self._hand = Hand(alive, self.live)
        self._alive = alive
        self._on_rest = on_rest
        self._on_report = on_report
        self._on_state = on_state
        self._clock = clock
        self._wall_s = wall_s
        self._jumps = Jumps()
        #: Why the work on the pair ended with `REOPEN`.
        self.halted = ""
        self._pausing: bool | None = None
        self._afresh: Job | None = None
        self._told: tuple[State, str] | None = None

    # -- from any thread

    def status(self) -> Status:
        return self.live.status()

    def totals(self) -> Mapping[str, float]:
        return self.live.totals()

    def perform(self, task: Task, watcher: Watcher | None = None, timeout_s: float | None = None) -> Outcome:
        job = Job(task, watcher)
        self.wake.ask(job)
        if not job.over.wait(timeout_s):
            raise TimeoutError
        if job.error is not None:
            raise job.error
        assert job.outcome is not None
        return job.outcome

    def pause(self) -> None:
        self._pausing = True
        self.live.paused(True)
        self._hand.let_go("paused")
        self.wake.nudge()

    def resume(self) -> None:
        self._pausing = False
        self.live.paused(False)
        self.wake.nudge()

    def stop(self) -> None:
        """Let what is in hand go, and end."""
        self.wake.stop()
        self._hand.let_go("stopped")

    def reload(self) -> None:
        self.wake.reload()

    # -- the deciding thread

    def work(self, site: Site, timing: Timing) -> Ending:
        """Keep a pair in step until something ends that. Raises `StateError`, and faults of ours."""
        journal = site.journal
        self.live.trouble()
        self.live.refresh(journal)
        self.wake.begin(Merger(timing.settle_s))
        misses = int(journal.fact(_MISSES) or 0)
        agenda = Agenda(timing.poll_s, timing.list_s, timing.rescan_s, misses=misses)
        shift = _Shift(self, site, timing, agenda, Vanished(timing.settle_s, self._clock))
        self._tell()
        if self._afresh is not None:
            job, self._afresh = self._afresh, None
            shift.do(job)
        while True:
            self._alive()
            self._heed_clocks(agenda)
            self._heed_pause(journal)
            if (ending := self._ending()) is not None:
                return ending
            asked = self.wake.next_job()
            if asked is not None and asked.task.verb is Verb.REBUILD:
                self._afresh = asked
                return Ending.AFRESH
            ending = shift.do(asked) if asked is not None else shift.next()
            if ending is not None:
                return ending

    def idle(self, state: State, message: str, seconds: float) -> Ending | None:
        """Wait without a pair, and say why to whoever asks; returns what ended the wait early."""
        self.live.trouble(state, message)
        self._tell()
        if self._afresh is not None:  # it could not be opened afresh, and is not to be later without a word
            self._afresh.end(error=_refusal(state, message))
            self._afresh = None
        until_s = self._clock() + seconds
        while (now_s := self._clock()) < until_s:
            self._alive()
            if (ending := self._ending()) is not None:
                return ending
            job = self.wake.next_job()
            if job is not None and job.task.verb is Verb.REBUILD:
                self._afresh = job  # the cure of most that is waited for here
                return Ending.AFRESH
            if job is not None:
                job.end(error=_refusal(state, message))
                return None  # somebody wants it now: worth a try
            self.wake.wait(min(until_s, now_s + _LONGEST_SLEEP_S))
        return None

    def close(self, reason: str) -> None:
        """Answer whoever still waits."""
        while (job := self.wake.next_job()) is not None:
            job.end(error=Unavailable(reason))
        if self._afresh is not None:
            self._afresh.end(error=Unavailable(reason))

    def _ending(self) -> Ending | None:
        if self.wake.stopping:
            return Ending.STOP
        if self.wake.reloading:
            self.wake.reloading = False
            return Ending.RELOAD
        return None

    def _heed_clocks(self, agenda: Agenda) -> None:
        if self._jumps.see(self._clock(), time.monotonic(), self._wall_s()):
            agenda.woke(self._clock())
            self.wake.dirty("")

    def _heed_pause(self, journal: Journal) -> None:
        wanted, self._pausing = self._pausing, None
        if wanted is not None and wanted != bool(journal.fact("paused")):
            journal.set_facts({"paused": repr(self._wall_s()) if wanted else None})
            self.live.refresh(journal)
            self._tell()

    def _tell(self) -> None:
        """Tell what the service is doing, where that is news."""
        status = self.live.status()
        if (status.state, status.message) != self._told:
            self._told = status.state, status.message
            self._on_state(status)


def _refusal(state: State, message: str) -> FluxsyncError:
    return Halted(message) if state is State.HELD else Unavailable(message)


@dataclass(slots=True)
class _Shift:
    """The work on one pair while it is open."""

    daemon: Daemon
    site: Site
    timing: Timing
    agenda: Agenda
    vanished: Vanished
    #: A list was made; until then nothing is known of the account.
    begun: bool = False
    owed: Owed = field(default_factory=Owed)
    _whole_last: bool = False
    #: A look at everything was made since it last slept.
    _large: bool = False

    def next(self) -> Ending | None:
        """Do what is due, or wait for it."""
        now_s, agenda, wake = self.daemon._clock(), self.agenda, self.daemon.wake
        if self.site.journal.fact("paused"):
            self._sleep(float("inf"), for_dirt=False)
            return None
        if wake.stirred:
            wake.stirred = False
            agenda.stirred(now_s)
        timing = self.timing
        agenda.rescan_every(timing.rescan_s if self.site.is_watched() else timing.unwatched_s)
        look = agenda.due(now_s)
        if look is Look.LIST and not (self.begun and self._whole_last):
            return self._everything()
        takes_dirt = self.begun and now_s >= agenda.closed_until_s
        if takes_dirt and (due := wake.due()) is not None:
            self._whole_last = False
            return self._part(due)
        if look is Look.LIST:
            return self._everything()
        if look is Look.PROBE:
            return self._probe()
        if takes_dirt and agenda.rescan_due(now_s):
            self.site.before_walk()
            agenda.rescanned(now_s)
            return self._part(Due(None, settled=wake.is_calm()))
        self._sleep(max(agenda.next_s(), agenda.closed_until_s), for_dirt=takes_dirt)
        return None

    def do(self, job: Job) -> Ending | None:
        """Do what somebody asked for: a complete pass belongs to it."""
        if self.site.journal.fact("paused"):
            job.end(error=Unavailable("the service is paused: `fluxsync resume` lets it go on"))
            return None
        wake = self.daemon.wake
        if job.task.verb is not Verb.EMPTY:
            self.agenda.unfinished(self.daemon._clock())
            wake.drain()
        try:
            with self.daemon._hand.watching(job.watcher) as watcher:
                self._heed_late_pause()
                outcome, report = self.site.perform(job.task, watcher)
        except FluxsyncError as error:
            job.end(error=error)
            self.daemon.live.refresh(self.site.journal)
            return self._trouble(error)
        except BaseException:
            job.end(error=Unavailable("this is a fault of fluxsync; its log says more"))
            raise
        ending = self._after(report, None) if report is not None else None
        job.end(outcome)
        return ending

    def _everything(self) -> Ending | None:
        self._whole_last = True
        self.site.before_walk()
        self.daemon.wake.drain()
        return self._pass(None, None)

    def _part(self, due: Due) -> Ending | None:
        paths = frozenset({""}) if due.paths is None else due.paths
        calm = self.daemon.wake.is_calm
        # Where a list costs no more than a few looks, what the account shows is never assumed for long.
        trusting = not self.agenda.small
        dirt = Dirt(paths, self.vanished, lambda: due.settled and calm(), trusting, self.owed)
        return self._pass(dirt, due)

    def _pass(self, dirt: Dirt | None, due: Due | None) -> Ending | None:
        with self.daemon._hand.watching() as watcher:
            self._heed_late_pause()
            report = self.site.run(watcher, dirt=dirt)
        if due is not None and report.stopped is not None:
            self.daemon.wake.again(due)
        return self._after(report, dirt)

    def _heed_late_pause(self) -> None:
        """Let go what a pause found too early to break off."""
        if self.daemon._pausing:
            self.daemon._hand.let_go("paused")

    def _after(self, report: Report, dirt: Dirt | None) -> Ending | None:
        daemon, now_s = self.daemon, self.daemon._clock()
        wall_s = daemon._wall_s()
        daemon.live.count(report)
        self._large = self._large or dirt is None or "" in dirt.paths
        listed = report.listed
        if listed is not None and report.stopped in (None, Result.GUARDED):
            self.begun = True
            self.agenda.listed(
                now_s,
                requests=listed.requests,
                seconds=listed.seconds,
                found=listed.found,
                shown=listed.shown,
            )
            if self.agenda.misses != int(self.site.journal.fact(_MISSES) or 0):
                self.site.journal.set_facts({_MISSES: str(self.agenda.misses)})
        elif report.whole:
            self.agenda.unfinished(now_s)
        if report.stopped is None:
            self.owed = report.owed
        if report.whole:
            self.vanished.clear()
        if report.sent:
            self.agenda.wrote(now_s)
        daemon.wake.later({path: now_s + max(0.0, at - wall_s) for path, at in report.again.items()})
        daemon.live.refresh(self.site.journal)
        daemon._on_report(report, dirt)
        if report.stopped is Result.UNREACHABLE and not daemon._hand.was_let_go:
            self.agenda.failed(now_s, retry_after_s=report.retry_after_s)
            self._say(State.OFFLINE, report.message)
        if report.stopped is Result.UNAUTHORIZED:
            self.agenda.failed(now_s, retry_after_s=_REFUSED_S)
            self._say(State.OFFLINE, report.message)
        if report.stopped is Result.PARTIAL:  # the journal's disk is full
            self.agenda.failed(now_s)
            self._say(State.WAITING, report.message)
        if report.stopped is Result.GUARDED:
            return self._halt(report.message)
        if report.stopped is None:
            self._say()
        return None

    def _halt(self, why: str) -> Ending:
        """End the work: the root or the account is another one than the journal's."""
        self.daemon.halted = why
        return Ending.REOPEN

    def _probe(self) -> Ending | None:
        now_s, remote = self.daemon._clock(), self.site.remote
        self.daemon.live.probed()
        try:
            seen, expected = remote.probe(), remote.expected()
        except FluxsyncError as error:
            return self._trouble(error)
        changed = seen is None or expected is None or seen.text != expected.text
        self.agenda.probed(now_s, changed=changed)
        self._say()
        return None

    def _trouble(self, error: FluxsyncError) -> Ending | None:
        now_s = self.daemon._clock()
        match error:
            case Halted():
                return self._halt(str(error))
            case Unauthorized():
                self.agenda.failed(now_s, retry_after_s=_REFUSED_S)
            case Unavailable():
                self.agenda.failed(now_s, retry_after_s=error.retry_after_s)
            case ReplicaError():
                self.agenda.failed(now_s)
            case _:
                return None
        self._say(State.OFFLINE, str(error))
        return None

    def _say(self, state: State = State.OFFLINE, message: str = "") -> None:
        self.daemon.live.trouble(state, message)
        self.daemon._tell()

    def _sleep(self, until_s: float, *, for_dirt: bool) -> None:
        if self._large:
            self._large = False
            self.daemon._on_rest()
        longest_s = min(self.timing.beat_s, _LONGEST_SLEEP_S)
        self.daemon.wake.wait(min(until_s, self.daemon._clock() + longest_s), for_dirt=for_dirt)
