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

from fluxsync.engine.agenda import Agenda
from fluxsync.engine.clocks import Jumps, uptime_s
from fluxsync.engine.desk import Desk, Ending, Site, Timing
from fluxsync.engine.dirty import Dirt
from fluxsync.engine.hand import Hand
from fluxsync.engine.live import Live
from fluxsync.engine.merge import Merger
from fluxsync.engine.report import Report
from fluxsync.engine.service import Outcome, Task, Verb
from fluxsync.engine.shift import LONGEST_SLEEP_S, MISSES, Shift
from fluxsync.engine.status import State, Status
from fluxsync.engine.vanished import Vanished
from fluxsync.engine.wake import Job, Wake
from fluxsync.engine.watcher import Watcher
from fluxsync.errors import FluxsyncError, Halted, Unavailable
from fluxsync.state.journal import Journal

__all__ = ["Daemon"]


class Daemon:
    """A `Service`. `alive` is told whenever work goes on, and at rest every `beat_s` seconds; a thread that
    hangs tells nothing.

    `on_rest` is called before it sleeps after a look at everything.
    """

    def __init__(
        self,
        *,
        alive: Callable[[], None] = lambda: None,
        beat_s: float = LONGEST_SLEEP_S,
        on_rest: Callable[[], None] = lambda: None,
        on_report: Callable[[Report, Dirt | None], None] = lambda report, dirt: None,
        on_state: Callable[[Status], None] = lambda status: None,
        clock: Callable[[], float] = uptime_s,
        wall_s: Callable[[], float] = time.time,
    ) -> None:
        self._beat_s = min(beat_s, LONGEST_SLEEP_S)
        self.wake = Wake(clock)
        self.live = Live(self.wake.waiting, wall_s)
        self._hand = Hand(alive, self.live)
        self._desk = Desk(
            wake=self.wake,
            hand=self._hand,
            live=self.live,
            clock=clock,
            wall_s=wall_s,
            on_rest=on_rest,
            on_report=on_report,
            tell=self._tell,
            beat_s=self._beat_s,
        )
        self._alive = alive
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
        if watcher is not None and self.status().state is State.WORKING:
            watcher.on_phase("waiting for the pass that runs now")
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
        self._hand.go_on()
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
        self.live.begin(journal)
        self.wake.begin(Merger(timing.settle_s))
        misses = int(journal.fact(MISSES) or 0)
        agenda = Agenda(timing.poll_s, timing.list_s, timing.rescan_s, misses=misses)
        shift = Shift(self._desk, site, timing, agenda, Vanished(timing.settle_s, self._clock))
        if self._pausing is None and self._hand.paused:
            self._pausing = True  # this journal does not know it yet: it is another one, or had no room
        self._tell()
        self._heed_pause(journal)
        if self._afresh is not None:
            job, self._afresh = self._afresh, None
            shift.do(job)
        ending: Ending | None = None
        while ending is None:
            self._alive()
            self._heed_clocks(agenda)
            self._heed_pause(journal)
            ending = self._ending()
            if ending is not None:
                break
            asked = self.wake.next_job()
            if asked is not None and asked.task.verb is Verb.REBUILD:
                self._afresh, ending = asked, Ending.AFRESH
            else:
                ending = shift.do(asked) if asked is not None else shift.next()
        self.halted = shift.halted
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
            self.wake.wait(min(until_s, now_s + self._beat_s))
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
        if wanted is None or wanted == bool(journal.fact("paused")):
            return
        try:
            journal.set_facts({"paused": repr(self._wall_s()) if wanted else None})
        except FluxsyncError:
            # Whoever asked was told that it holds; a wish that came since counts more.
            if self._pausing is None:
                self._pausing = wanted
            raise
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
