"""The work on one pair while it is open: what is due is done, and what came of it says what is due next."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass, field, replace

from fluxsync.core.owed import Owed
from fluxsync.core.under_way import UnderWay
from fluxsync.engine.agenda import Agenda, Look
from fluxsync.engine.desk import Desk, Ending, Site, Timing
from fluxsync.engine.dirty import Dirt
from fluxsync.engine.merge import Due
from fluxsync.engine.report import Report, Result
from fluxsync.engine.service import Verb
from fluxsync.engine.standstill import Standstill
from fluxsync.engine.status import State
from fluxsync.engine.vanished import Vanished
from fluxsync.engine.wake import Job
from fluxsync.errors import FluxsyncError, Halted, ReplicaError, Unauthorized, Unavailable

__all__ = ["LONGEST_SLEEP_S", "MISSES", "Shift"]

#: After credentials were refused, the account is asked again so late that no lock-out counts it.
_REFUSED_S = 3600.0
#: Seconds until what could not be done beside a pass is tried there again.
_BESIDE_AGAIN_S = 5.0
#: Whatever else happens, the deciding thread looks up so often: for clocks that jump, and for the watchdog.
LONGEST_SLEEP_S = 300.0
#: The fact that says how many lists found what a probe had not shown.
MISSES = "probe_misses"


@dataclass(slots=True)
class Shift:
    """The work on one pair while it is open."""

    desk: Desk
    site: Site
    timing: Timing
    agenda: Agenda
    vanished: Vanished
    #: Why the work ended with `REOPEN`.
    halted: str = ""
    #: A list was made; until then nothing is known of the account.
    begun: bool = False
    owed: Owed = field(default_factory=Owed)
    still: Standstill = field(default_factory=Standstill)
    _whole_last: bool = False
    #: A look at everything was made since it last slept.
    _large: bool = False
    #: From when on a pass is tried beside another one.
    _beside_s: float = 0.0
    #: What such passes have asked, which the other one would count as its own.
    _beside_requests: int = 0

    def next(self) -> Ending | None:
        """Do what is due, or wait for it."""
        now_s, agenda, wake = self.desk.clock(), self.agenda, self.desk.wake
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
        wake, began_s = self.desk.wake, self.desk.clock()
        if job.task.verb is not Verb.EMPTY:
            self.agenda.unfinished(began_s)
            wake.drain()
        try:
            with self.desk.hand.watching(job.watcher) as watcher:
                outcome, report = self.site.perform(job.task, watcher)
        except FluxsyncError as error:
            job.end(error=error)
            self.desk.live.refresh(self.site.journal)
            return self._trouble(error)
        except BaseException:
            job.end(error=Unavailable("this is a fault of fluxsync; its log says more"))
            raise
        ending = self._after(report, None, began_s) if report is not None else None
        job.end(outcome)
        return ending

    def _everything(self) -> Ending | None:
        self._whole_last = True
        journal, began_s = self.site.journal, self.desk.clock()
        # What a probe has shown needs no comparing: that list is another one.
        if not self.agenda.shown and self.still.lasts(journal, began_s):
            try:
                with self.desk.hand.watching() as watcher:
                    unread = self.site.list_unread(watcher)
            except FluxsyncError as error:
                return None if self.desk.hand.was_let_go else self._trouble(error)
            if unread is not None:
                return self._after(unread, None, began_s)
        self.site.before_walk()
        self.desk.wake.drain()
        self.still.begin(journal)
        return self._pass(None, None)

    def _part(self, due: Due) -> Ending | None:
        try:
            paths = self.site.changed() if due.paths is None else due.paths
        except FluxsyncError as error:
            self.desk.wake.again(due)
            return self._trouble(error)
        if due.paths is None:
            self._large = True
            self.vanished.only(paths)
        if not paths:
            return None
        due = replace(due, paths=None if "" in paths else paths)
        return self._pass(self._dirt(paths, due, self.owed), due)

    def _dirt(self, paths: Collection[str], due: Due, owed: Owed) -> Dirt:
        calm = self.desk.wake.is_calm
        # Where a list costs no more than a few looks, what the account shows is never assumed for long.
        trusting = not self.agenda.small
        return Dirt(paths, self.vanished, lambda: due.forced or (due.settled and calm()), trusting, owed)

    def _pass(self, dirt: Dirt | None, due: Due | None) -> Ending | None:
        began_s, self._beside_requests = self.desk.clock(), 0
        with self.desk.hand.watching() as watcher:
            watcher.beside = self._beside
            report = self.site.run(watcher, dirt=dirt)
        report.requests -= self._beside_requests
        if due is not None and report.stopped is not None:
            self.desk.wake.again(due)
        return self._after(report, dirt, began_s)

    def _beside(self, under_way: Callable[[], UnderWay], owed: Callable[[], Owed]) -> None:
        """Bring what is due in step while the transfers of a pass last, as far as that has nothing of it."""
        desk, now_s = self.desk, self.desk.clock()
        if now_s < self._beside_s or desk.hand.was_let_go or (due := desk.wake.due()) is None:
            return
        busy = under_way()
        paths = {path for path in due.paths or () if not busy.touches(path)}
        left = frozenset((due.paths or frozenset({""})) - paths)
        if left:
            desk.wake.again(Due(None if "" in left else left, settled=False))
        if not paths:
            return
        dirt = replace(self._dirt(paths, due, owed()), under_way=busy)
        with desk.hand.watching() as watcher:
            report = self.site.run_beside(watcher, dirt)
        self._beside_requests += report.requests
        desk.live.count(report)
        if report.stopped is not None:
            self._beside_s = desk.clock() + _BESIDE_AGAIN_S
            desk.wake.again(replace(due, paths=frozenset(paths)))
        if report.sent:
            self.agenda.wrote(desk.clock())
        self._come_again(report)
        desk.live.refresh(self.site.journal)
        if report.stopped is None:
            desk.on_report(report, dirt)

    def _come_again(self, report: Report) -> None:
        desk, now_s = self.desk, self.desk.clock()
        again = report.again.items()
        desk.wake.later(
            {path: now_s + max(0.0, at - desk.wall_s()) for path, at in again if path not in report.gone}
        )
        # With whatever else is due: at times of its own, what is gone would miss those that let it go.
        desk.wake.again(Due(frozenset(report.gone), settled=False))

    def _after(self, report: Report, dirt: Dirt | None, began_s: float) -> Ending | None:
        desk, now_s = self.desk, self.desk.clock()
        desk.live.count(report)
        self._large = self._large or report.whole or (dirt is not None and "" in dirt.paths)
        listed = report.listed
        if listed is not None and report.stopped in (None, Result.GUARDED):
            self.begun = True
            self.agenda.listed(
                now_s,
                began_s=began_s,
                requests=listed.requests,
                seconds=listed.seconds,
                found=listed.found,
                shown=listed.shown,
                walked=report.whole,
            )
            if self.agenda.misses != int(self.site.journal.fact(MISSES) or 0):
                self.site.journal.set_facts({MISSES: str(self.agenda.misses)})
        elif report.whole:
            self.agenda.unfinished(now_s)
        if report.stopped is None and (report.whole or dirt is not None):
            self.owed = report.owed
        if report.whole:
            self.vanished.clear()
        if report.sent:
            self.agenda.wrote(now_s)
        self._come_again(report)
        desk.live.refresh(self.site.journal)
        self.still.end(self.site.journal, self.site.remote, report, now_s)
        desk.on_report(report, dirt)
        if report.stopped is Result.UNREACHABLE and not desk.hand.was_let_go:
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
        self.halted = why
        return Ending.REOPEN

    def _probe(self) -> Ending | None:
        now_s, remote = self.desk.clock(), self.site.remote
        self.desk.live.probed()
        try:
            seen, expected = remote.probe(), remote.expected()
        except FluxsyncError as error:
            return self._trouble(error)
        changed = seen is None or expected is None or seen.text != expected.text
        self.agenda.probed(now_s, changed=changed)
        self._say()
        return None

    def _trouble(self, error: FluxsyncError) -> Ending | None:
        now_s = self.desk.clock()
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
        self.desk.live.trouble(state, message)
        self.desk.tell()

    def _sleep(self, until_s: float, *, for_dirt: bool) -> None:
        if self._large:
            self._large = False
            self.desk.on_rest()
        self.desk.wake.wait(min(until_s, self.desk.clock() + self.desk.beat_s), for_dirt=for_dirt)
