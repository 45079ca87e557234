"""The composition root: the only place that names concrete classes.

`opened` gives a pair ready for passes, under the lock, bound to its journal; `peeked` gives the journal
alone, for commands that only read.
"""

from __future__ import annotations

import json
import secrets
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from fluxsync import __version__
from fluxsync.core.conflicts import copy_path
from fluxsync.core.model import Entry, Item, Kind, Place, Problem
from fluxsync.engine.bind import bind_account, bind_lineage, bind_root
from fluxsync.engine.cycle import run_pass
from fluxsync.engine.decide import Rules
from fluxsync.engine.dirty import Dirt
from fluxsync.engine.pair import Pair
from fluxsync.engine.report import Report
from fluxsync.engine.standstill import list_unread
from fluxsync.engine.watcher import Watcher
from fluxsync.errors import ConfigError, Full, Halted, Interrupted
from fluxsync.lock import hold_lock
from fluxsync.policies import account_name, conflict_label, pass_rules, placement
from fluxsync.root_checks import check_marker, check_root
from fluxsync.selection import left_out_by
from fluxsync.state.journal import ConflictRow, Event, Journal

if TYPE_CHECKING:
    # What needs an HTTP client is imported when a pair is opened: commands that only read answer at once.
    from fluxsync.engine.explain import Explanation
    from fluxsync.replica.fluxiom.client import Client
    from fluxsync.replica.fluxiom.replica import Fluxiom
    from fluxsync.replica.fluxiom.version_notes import VersionNote
    from fluxsync.replica.folder.replica import Folder
    from fluxsync.settings import Settings

__all__ = ["App", "opened", "peeked", "wrong_place"]


@dataclass(slots=True)
class App:
    """A pair with all that a pass needs."""

    settings: Settings
    pair: Pair
    folder: Folder
    fluxiom: Fluxiom
    journal: Journal
    host: str
    #: Keys of the assets that a person has just asked to be brought back.
    asked: frozenset[str] = frozenset()
    _copies: list[tuple[str, str]] = field(default_factory=list)
    _stopping: threading.Event = field(default_factory=threading.Event)

    def run(
        self,
        watcher: Watcher | None = None,
        *,
        approved: bool = False,
        dry_run: bool = False,
        heed_from: int | None = None,
        unattended: bool = False,
        dirt: Dirt | None = None,
        report: Report | None = None,
    ) -> Report:
        """Do one pass; see `engine.cycle.run_pass`, and `Rules` for `heed_from` and `unattended`."""
        watcher = watcher or Watcher()
        self._heed(watcher)
        self.folder.unattended = unattended
        rules = self._rules(watcher.clock(), unattended=unattended)
        rules = replace(rules, heed_from=heed_from, asked=self.asked)
        try:
            report = run_pass(
                self.pair, rules, watcher, dirt=dirt, approved=approved, dry_run=dry_run, report=report
            )
        finally:
            # A pass that was broken off may leave it set; what follows on this pair has its own patience.
            self._stopping.clear()
            if not dry_run:
                self._remember(watcher.clock())
        for line in self.fluxiom.reports:
            report.notices.append(Problem("", line, harmless=True))
        self.fluxiom.reports.clear()
        return report

    def run_beside(self, watcher: Watcher, dirt: Dirt) -> Report:
        """Do a pass over a part while another one waits for its transfers, from what that calls."""
        watcher.meter.on_stop = self._stopping.set
        rules = replace(self._rules(watcher.clock(), unattended=True), heed_from=1)
        return run_pass(self.pair, rules, watcher, dirt=dirt)

    def list_unread(self, watcher: Watcher) -> Report | None:
        """Make a full list without reading it; see `engine.standstill`."""
        self._heed(watcher)
        try:
            return list_unread(self.pair, watcher)
        finally:
            self._remember(watcher.clock())

    def explain(self, path: str) -> Explanation:
        """Say why a path is as it is, and what the next pass would do; changes nothing."""
        from fluxsync.engine.explain import explain

        def left_out(path: str) -> str:
            return left_out_by(path, self.settings.local.ignore, self.settings.sync.include)

        return explain(self.pair, self._rules(time.time()), path, left_out)

    def versions(self, item: Item) -> tuple[VersionNote, ...]:
        """Ask the account for the versions of an asset, newest first."""
        return self.fluxiom.versions(Entry(Kind.FILE, Place(item.folder, item.name), item.key))

    def settle_conflict(self, row: ConflictRow, keep: str) -> str:
        """Settle a conflict in the folder and note it in the history; the next pass does the rest.

        Returns what was done, for people. Raises `ReplicaError`, `Halted`.
        """
        from fluxsync.engine.conflicts import Keep, approvals, settle

        journal = self.journal
        asked = approvals(row, Keep(keep), journal)
        if asked:
            journal.set_held([*journal.held(), *journal.approved(), *asked])
        what = settle(self.folder, row, Keep(keep))
        number = journal.next_pass()
        journal.record([Event(time.time(), number, "conflict", row.path, row.asset_id, "done", what)])
        return what

    def _heed(self, watcher: Watcher) -> None:
        """Let whoever looks on break off what waits."""
        self._stopping.clear()
        watcher.meter.on_stop = self._stopping.set

    def _rules(self, now_s: float, *, unattended: bool = False) -> Rules:
        return pass_rules(self.settings, self.pair, self.host, now_s, unattended=unattended)

    def _remember(self, now_s: float) -> None:
        """Keep what the sides want to know again after a restart."""
        try:
            self._remember_all(now_s)
        except Full:
            pass  # the report says it already, and the next pass finds all of it out again

    def _remember_all(self, now_s: float) -> None:
        for path, copy in self._copies:
            self.journal.add_conflict(ConflictRow(path, copy, "", now_s))
        self._copies.clear()
        self.fluxiom.note_pause(time.time())
        self.journal.set_facts(
            {
                "remote": json.dumps(dict(self.fluxiom.facts), sort_keys=True),
                "mounts": json.dumps(sorted(self.folder.mounts)),
                "names": self.folder.names_text,
            }
        )


@contextmanager
def opened(
    settings: Settings,
    *,
    dry_run: bool = False,
    afresh: bool = False,
    wait: Callable[[float], None] | None = None,
    on_progress: Callable[[int, int], None] | None = None,
) -> Iterator[App]:
    """Open a pair for passes; with `dry_run` nothing is made or locked.

    With `afresh` what the journal knew is forgotten under the lock, and root and account are bound anew.

    Raises `ConfigError`, `Halted` (wrong place), `Locked`, `Unavailable`, `Unauthorized`, `StateError`.
    """
    from fluxsync.replica.fluxiom.replica import Fluxiom
    from fluxsync.replica.folder.replica import Folder

    if settings.remote.service != "fluxiom":
        raise ConfigError(
            f'[remote] service = "{settings.remote.service}": this release speaks to "fluxiom" only'
        )
    check_root(settings.local.root, settings.journal_path)
    with ExitStack() as stack:
        copies: list[tuple[str, str]] = []
        stopping = threading.Event()
        run = secrets.token_hex(4)
        host = socket.gethostname().partition(".")[0] or "host"

        def pause(seconds: float) -> None:
            if stopping.wait(seconds):
                raise Interrupted

        def read(files: int, count: int) -> None:
            if stopping.is_set():
                raise Interrupted
            if on_progress is not None:
                on_progress(files, count)

        folder = Folder(
            settings.local.root,
            ignore=settings.local.ignore,
            include=settings.sync.include,
            settle_s=settings.sync.settle,
            run=run,
            wait=wait or pause,
            conflict_name=lambda path: copy_path(path, conflict_label(time.time(), host), lambda name: False),
            on_conflict_copy=lambda path, copy: copies.append((path, copy)),
            on_progress=read,
        )
        stack.callback(folder.close)
        if not afresh:
            check_marker(folder, settings.journal_path)
        if not dry_run:
            folder.prepare()
            stack.enter_context(hold_lock(settings.local.root))
        journal = _journal(settings, dry_run, afresh)
        stack.callback(journal.close)
        if afresh:
            journal.forget_all()
        bind_root(journal, folder, dry_run=dry_run)
        account = account_name(settings)
        bind_account(journal, account, dry_run=dry_run)
        if dry_run:
            if journal.is_behind(folder.journal_mark(account)):
                journal = _started_over(journal)
        else:
            bind_lineage(journal, folder, account)
            _tidy(journal, folder, run)
        folder.names_text = journal.fact("names") or ""
        folder.mounts = frozenset(json.loads(journal.fact("mounts") or "[]"))
        client = _client(settings, wait or pause)
        facts: dict[str, str] = json.loads(journal.fact("remote") or "{}")
        fluxiom = Fluxiom(
            client,
            placement(settings),
            sender=f"{host}-{journal.journal_id[:4]}",
            direction=settings.sync.direction,
            facts=facts,
        )
        stack.callback(fluxiom.close)
        fluxiom.keep_away(time.time())
        pair = Pair(
            folder,
            fluxiom,
            journal,
            settings.remote.connections,
            lambda: client.requests,
            lambda: client.idle_s,
            lambda: len(copies),
        )
        yield App(settings, pair, folder, fluxiom, journal, host, frozenset(), copies, stopping)


def wrong_place(settings: Settings, journal: Journal) -> str:
    """Return why no pass would begin: the root or the account is not the journal's; "" where one would."""
    from fluxsync.replica.folder.replica import Folder

    try:
        check_root(settings.local.root, settings.journal_path)
        bind_root(journal, Folder(settings.local.root), dry_run=True)
        bind_account(journal, account_name(settings), dry_run=True)
    except (ConfigError, Halted) as error:
        return str(error)
    return ""


@contextmanager
def peeked(settings: Settings) -> Iterator[Journal]:
    """Open the journal for reading, beside whoever works; an empty one where there is none."""
    journal = Journal.peek(settings.journal_path) or Journal.in_memory()
    try:
        yield journal
    finally:
        journal.close()


def _journal(settings: Settings, dry_run: bool, afresh: bool) -> Journal:
    if dry_run:
        return Journal.peek(settings.journal_path) or Journal.in_memory()
    return Journal.open(settings.journal_path, replace_newer=afresh)


def _started_over(journal: Journal) -> Journal:
    """Return what a journal that is behind would be in a pass, kept by nobody."""
    fresh = Journal.in_memory()
    fresh.remember_digests(journal.contents())
    return fresh


def _tidy(journal: Journal, folder: Folder, run: str) -> None:
    """Remove the unfinished downloads of the last run, which the journal knows by its mark, and note ours."""
    last = journal.fact("run")
    if last:
        folder.drop_staged(folder.leftovers(last))
    journal.set_facts({"run": run})


def _client(settings: Settings, pause: Callable[[float], None]) -> Client:
    from fluxsync import logs
    from fluxsync.replica.fluxiom.client import Client

    remote = settings.remote
    password = settings.password()
    logs.hide(password)
    return Client(
        remote.url,
        remote.username,
        password,
        connections=remote.connections,
        timeout_s=remote.timeout,
        ca_file=remote.ca_file,
        allow_http=remote.allow_http,
        user_agent=f"fluxsync/{__version__}",
        upload_limit=remote.upload_limit,
        download_limit=remote.download_limit,
        sleep=pause,
    )
