"""The service put together: pair, watcher, socket, page, signals and systemd around one deciding thread.

What it needs is opened, worked on until something ends that, and closed again, for as long as it runs. A root
that is away, a journal that was damaged, an account that refuses: all of that is said, waited for, and tried
again; a fault of our own is logged and no end either.
"""

from __future__ import annotations

import contextlib
import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from fluxsync import logs
from fluxsync.app import App, opened
from fluxsync.engine.control import Control
from fluxsync.engine.daemon import Daemon
from fluxsync.engine.desk import Ending, Timing
from fluxsync.engine.dirty import Dirt
from fluxsync.engine.report import Report
from fluxsync.engine.rescan import changed
from fluxsync.engine.service import Outcome, Task, Verb
from fluxsync.engine.shift import LONGEST_SLEEP_S
from fluxsync.engine.status import State, Status
from fluxsync.engine.watcher import Watcher
from fluxsync.errors import (
    ConfigError,
    FluxsyncError,
    Full,
    Halted,
    Locked,
    StateError,
    Unauthorized,
    Unavailable,
)
from fluxsync.memory import release
from fluxsync.notify import Notifier
from fluxsync.pass_log import PassLog
from fluxsync.replica.base import RemoteReplica
from fluxsync.replica.folder.disk_kind import needs_polling
from fluxsync.replica.folder.watch import Unwatchable, Watch
from fluxsync.root_checks import check_root
from fluxsync.state.journal import Journal
from fluxsync.tasks import perform

if TYPE_CHECKING:
    from fluxsync.settings import Settings

__all__ = ["serve"]

#: What is in hand may take so long to be let go, before the process ends without it.
_GRACE_S = 9.0
#: How often a root or an account that is not there is looked for.
_AWAY_S = 10.0
_REFUSED_S = 3600.0
_FAULT_S = (5.0, 30.0, 120.0, 600.0)


def serve(settings: Settings, load: Callable[[], Settings]) -> int:
    """Keep the pair in step until a signal ends it; returns the exit code: 0, or 130 for SIGINT.

    `load` reads the configuration again, on SIGHUP. Raises `ConfigError` and `Locked` where the start shows
    them; later they are waited out.
    """
    return _Server(settings, load).run()


@dataclass(slots=True)
class _Site:
    """An open pair, as the daemon works on it."""

    app: App
    watch: Watch
    #: Other machines change the folder, which no event shows.
    others: bool
    log: PassLog

    @property
    def journal(self) -> Journal:
        return self.app.journal

    @property
    def remote(self) -> RemoteReplica:
        return self.app.fluxiom

    def run(self, watcher: Watcher, *, dirt: Dirt | None = None) -> Report:
        return self.app.run(self.log.listening(watcher), dirt=dirt, heed_from=1, unattended=True)

    def run_beside(self, watcher: Watcher, dirt: Dirt) -> Report:
        return self.app.run_beside(self.log.listening(watcher), dirt)

    def perform(self, task: Task, watcher: Watcher) -> tuple[Outcome, Report | None]:
        report = None if task.verb is Verb.EMPTY else Report()
        return perform(self.app, task, self.log.listening(watcher), report=report), report

    def list_unread(self, watcher: Watcher) -> Report | None:
        return self.app.list_unread(watcher)

    def changed(self) -> frozenset[str]:
        return changed(self.app.pair)

    def before_walk(self) -> None:
        if self.watch.alive:
            self.watch.refresh()
        else:
            with contextlib.suppress(Unwatchable):  # said when it began
                self.watch.start()

    def is_watched(self) -> bool:
        return self.watch.complete and not self.others


class _Server:
    def __init__(self, settings: Settings, load: Callable[[], Settings]) -> None:
        self._settings = settings
        self._load = load
        self._log = logs.get("fluxsync.service")
        self._passes = PassLog()
        self._notifier = Notifier()
        self._daemon = Daemon(
            beat_s=self._notifier.watchdog_s or LONGEST_SLEEP_S,
            on_rest=release,
            alive=self._notifier.alive,
            on_report=self._passes.finished,
            on_state=self._state,
        )
        self._signal = 0
        self._started = False
        self._faults = 0
        #: Socket and page, as the configuration wants them.
        self._doors = contextlib.ExitStack()
        self._open_doors = False

    def run(self) -> int:
        with self._signals(), contextlib.closing(self._notifier):
            try:
                self._serve()
            finally:
                self._notifier.stopping()
        self._log.info("stopped")
        return 130 if self._signal == signal.SIGINT else 0

    def _serve(self) -> None:
        ending: Ending | None = Ending.RELOAD
        while ending is not Ending.STOP:
            with contextlib.ExitStack() as self._doors:
                self._open_doors = False
                ending = Ending.REOPEN
                while ending in (Ending.REOPEN, Ending.AFRESH, None):
                    ending = self._shift(afresh=ending is Ending.AFRESH)
                if ending is Ending.STOP:
                    # Before the doors close, so that who waits at one is told why.
                    self._daemon.close("the service has ended; start it again, or run `fluxsync --once`")
            if ending is Ending.RELOAD:
                self._reload()

    def _shift(self, *, afresh: bool) -> Ending | None:
        """Open the pair and work on it until that ends; what keeps it from being open is waited out."""
        daemon, began_s = self._daemon, time.monotonic()
        try:
            with opened(self._settings, afresh=afresh) as app, self._watched(app) as watch:
                if app.journal.set_aside:
                    self._log.warning(app.journal.set_aside)
                self._begun()
                site = _Site(app, watch, self._changed_by_others(), self._passes)
                ending = daemon.work(site, self._timing())
            if ending is Ending.REOPEN:
                return daemon.idle(State.HELD, daemon.halted, _AWAY_S)
            return ending
        except (ConfigError, Locked) as error:
            if not self._started:
                raise
            return daemon.idle(State.HELD, str(error), _AWAY_S)
        except Halted as error:
            self._begun()
            return daemon.idle(State.HELD, str(error), _AWAY_S)
        except Unauthorized as error:
            self._begun()
            return daemon.idle(State.OFFLINE, str(error), _REFUSED_S)
        except (Unavailable, StateError) as error:
            self._begun()
            return daemon.idle(State.OFFLINE, str(error), _AWAY_S)
        except Full as error:  # the journal's disk, or the root's
            self._begun()
            return daemon.idle(State.WAITING, str(error), _AWAY_S)
        except Exception as error:
            if time.monotonic() - began_s > _FAULT_S[-1]:
                self._faults = 0
            pause_s = _FAULT_S[min(self._faults, len(_FAULT_S) - 1)]
            self._faults += 1
            self._log.error("this is a fault of fluxsync: please report it", exc_info=error, again_in=pause_s)
            self._begun()
            return daemon.idle(State.OFFLINE, f"a fault of fluxsync ({type(error).__name__})", pause_s)

    def _begun(self) -> None:
        """Let commands and scripts reach the service: under the lock, or where nobody can hold it."""
        if not self._open_doors:
            self._open_doors = True
            self._reach()
        if not self._started:
            self._started = True
            self._log.info("started", root=str(self._settings.local.root), url=self._settings.remote.url)
            self._notifier.ready()

    def _timing(self) -> Timing:
        sync = self._settings.sync
        return Timing(sync.settle, sync.poll_interval, sync.full_list_interval)

    def _changed_by_others(self) -> bool:
        """Tell whether the folder lies where other machines change it, unseen by this one."""
        reason = needs_polling(self._settings.local.root)
        if reason is not None:
            self._log.warning("the folder is also looked at once a minute", reason=reason)
        return reason is not None

    # -- around the pair

    @contextlib.contextmanager
    def _watched(self, app: App) -> Iterator[Watch]:
        wake = self._daemon.wake

        def lost(reason: str) -> None:
            self._log.warning("changes may have gone unseen: looking at everything", reason=reason)
            wake.dirty("")

        watch = Watch(app.settings.local.root, wake.dirty, lost)
        try:
            watch.start()
        except Unwatchable as error:
            self._log.warning("the folder is looked at once a minute instead", reason=str(error))
        try:
            yield watch
        finally:
            watch.stop()

    def _reach(self) -> None:
        settings = self._settings
        journal = settings.journal_path
        journal.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        try:
            self._doors.enter_context(Control(self._daemon, journal))
        except FluxsyncError as error:
            self._log.warning("commands cannot reach the service, the sync goes on", reason=str(error))
        if settings.web.enabled:
            from fluxsync.web.server import Web
            from fluxsync.web.token import token_path

            web = Web(self._daemon, settings.web.host, settings.web.port, token_path(journal))
            web.start()
            self._doors.callback(web.stop)

    def _reload(self) -> None:
        self._notifier.reloading()
        try:
            settings = self._load()
            with contextlib.suppress(Halted, StateError):  # a disk that is away, too, is waited for
                check_root(settings.local.root, settings.journal_path)
        except ConfigError as error:
            self._log.error("the configuration is not taken over; the old one holds", reason=str(error))
        else:
            self._settings = settings
            self._log.info("the configuration was read again")
        self._notifier.ready()

    @contextlib.contextmanager
    def _signals(self) -> Iterator[None]:
        def stop(number: int, frame: object) -> None:
            self._signal = number
            timer = threading.Timer(_GRACE_S, os._exit, (130 if number == signal.SIGINT else 0,))
            timer.daemon = True
            timer.start()
            self._daemon.stop()

        def reload(number: int, frame: object) -> None:
            self._daemon.reload()

        before = {
            signal.SIGTERM: signal.signal(signal.SIGTERM, stop),
            signal.SIGINT: signal.signal(signal.SIGINT, stop),
            signal.SIGHUP: signal.signal(signal.SIGHUP, reload),
        }
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

    # -- what happens

    def _state(self, status: Status) -> None:
        what = status.message or f"{status.counts.files:,} files on both sides"
        self._notifier.status(f"{str(status.state).replace('-', ' ')}: {what}")
        self._passes.state(status)
