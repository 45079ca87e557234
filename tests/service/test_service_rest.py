"""At rest: what the deciding thread leaves out while nothing happens, and what ends that."""

from __future__ import annotations

import itertools
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest
from e2e_world import Clock, Machine, asset_id, files
from service_world import until

from fluxsync.app import App
from fluxsync.core.model import Problem
from fluxsync.engine import rescan, standstill
from fluxsync.engine.daemon import Daemon, Timing
from fluxsync.engine.dirty import Dirt
from fluxsync.engine.report import Report, Result
from fluxsync.engine.service import Outcome, Task
from fluxsync.engine.watcher import Watcher
from fluxsync.replica.base import RemoteReplica
from fluxsync.sandbox.server import Sandbox
from fluxsync.state.journal import Journal

HOUR_S = 3600.0


class Site:
    """An open pair whose looks are written down; before each, the next deed of the story is done.

    The story's last deed ends the service.
    """

    def __init__(self, app: App, daemon: Daemon, deeds: Sequence[Callable[[], object]]) -> None:
        self.app = app
        self.looks: list[str] = []
        self.reports: list[Report] = []
        #: What parts were told that the account has and the folder has not.
        self.owed: list[frozenset[str]] = []
        self._deeds: Iterator[Callable[[], object]] = itertools.chain(deeds, itertools.repeat(daemon.stop))
        self.before_list: Callable[[], object] = lambda: None

    @property
    def journal(self) -> Journal:
        return self.app.journal

    @property
    def remote(self) -> RemoteReplica:
        return self.app.fluxiom

    def run(self, watcher: Watcher, *, dirt: Dirt | None = None) -> Report:
        if dirt is None and self.looks[-1:] != ["unread?"]:
            next(self._deeds)()
        if self.looks[-1:] == ["unread?"]:
            self.looks.pop()
        if dirt is not None:
            self.owed.append(dirt.owed.names)
        report = self.app.run(watcher, dirt=dirt, heed_from=1, unattended=True)
        self.looks.append("whole" if report.whole else "part of " + ",".join(sorted(dirt.paths)))
        self.reports.append(report)
        return report

    def list_unread(self, watcher: Watcher) -> Report | None:
        next(self._deeds)()
        report = self.app.list_unread(watcher)
        self.looks.append("unread?" if report is None else "unread")
        if report is not None:
            self.reports.append(report)
        return report

    def changed(self) -> frozenset[str]:
        next(self._deeds)()
        found = rescan.changed(self.app.pair)
        self.looks.append("rescan")
        return found

    def perform(self, task: Task, watcher: Watcher) -> tuple[Outcome, Report | None]:
        raise AssertionError("nobody asks")

    def before_walk(self) -> None:
        pass

    def is_watched(self) -> bool:
        return True


@contextmanager
def at_work(
    machine: Machine, *deeds: Callable[[], object], list_s: float = 0.02, rescan_s: float = HOUR_S
) -> Iterator[Site]:
    """Let a service look again and again until all deeds are done; no event tells it of the folder."""
    daemon = Daemon()
    timer = threading.Timer(60, daemon.stop)
    timer.start()
    try:
        with machine.opened() as app:
            site = Site(app, daemon, deeds)
            daemon.work(site, Timing(0.0, list_s, list_s, rescan_s))
            yield site
    finally:
        timer.cancel()


def nothing() -> None:
    pass


@pytest.fixture
def a(tmp_path: Path, account: Sandbox) -> Machine:
    """A machine in step with a few files."""
    made = Machine(tmp_path / "machine", account.url, Clock(), {})
    made.write("a.txt", b"a")
    made.write("A/b.txt", b"b")
    in_step(made)
    return made


def in_step(machine: Machine) -> None:
    """Sync until nothing is left to do; what was saved a moment ago has to come to rest."""
    until(lambda: machine.once().result is Result.IN_STEP and not machine.done, "it is in step")


def test_after_a_pass_with_nothing_to_do_lists_are_not_read(a: Machine, account: Sandbox) -> None:
    with at_work(a, nothing, nothing, nothing) as site:
        assert site.looks == ["whole", "unread", "unread"]
        unread = site.reports[-1]
        assert (unread.result, unread.unchanged, unread.requests) == (Result.IN_STEP, 2, 3 + 3 + 2)
        last = site.journal.last_pass()
        assert last is not None
        assert (last.result, last.counts["unchanged"]) == ("in-step", 2)


def test_a_change_on_the_account_is_seen_at_the_next_list(a: Machine, account: Sandbox) -> None:
    def edited() -> None:
        account.store.add_version(asset_id(account, "a.txt"), b"theirs", filename="a.txt")

    with at_work(a, nothing, nothing, edited, *[nothing] * 20) as site:
        assert site.looks[:4] == ["whole", "unread", "whole", "whole"]
        assert site.looks[-1] == "unread"
    assert a.read("a.txt") == b"theirs"


def test_a_change_that_no_probe_shows_is_seen_at_the_next_list(a: Machine, account: Sandbox) -> None:
    """An empty asset in no folder changes no figure at all."""

    def made() -> None:
        account.store.create_asset("empty.txt", b"")

    with at_work(a, nothing, nothing, made, nothing) as site:
        assert site.looks[:3] == ["whole", "unread", "whole"]
        assert site.reports[2].listed is not None
        assert site.reports[2].listed.found
    assert a.read("empty.txt") == b""


def test_what_is_dirty_here_is_not_forgotten_by_a_list_that_is_not_read(a: Machine) -> None:
    """A whole pass drops what waits, since it looks at everything; this list does not."""
    daemon = Daemon()
    with a.opened() as app:

        def saved() -> None:
            a.write("new.txt", b"new")
            daemon.wake.dirty("new.txt")

        site = Site(app, daemon, [nothing, nothing, saved, *[nothing] * 40])
        daemon.work(site, Timing(0.5, 0.05, 0.05, HOUR_S))
        part = site.looks.index("part of new.txt")
        assert set(site.looks[1:part]) == {"unread"}
        assert part > 4


def test_after_own_writes_the_next_list_is_read(a: Machine, account: Sandbox) -> None:
    daemon = Daemon()
    with a.opened() as app:

        def saved() -> None:
            a.write("new.txt", b"new")
            daemon.wake.dirty("new.txt")

        site = Site(app, daemon, [nothing, nothing, saved, *[nothing] * 12])
        daemon.work(site, Timing(0.0, 0.05, 0.05, HOUR_S))
        after = site.looks[site.looks.index("part of new.txt") + 1 :]
        assert after[0] == "whole"
        assert "unread" in after


def test_a_list_that_is_not_read_forgets_nothing_that_the_account_has_and_the_folder_has_not(
    a: Machine, account: Sandbox
) -> None:
    """A file saved here under the name of such an asset may not be taken for a new one."""
    account.store.create_asset("theirs.txt", b"theirs")
    a.set("sync", direction="up")
    in_step(a)
    daemon = Daemon()
    with a.opened() as app:

        def saved() -> None:
            a.write("theirs.txt", b"mine")
            daemon.wake.dirty("theirs.txt")

        site = Site(app, daemon, [nothing, nothing, nothing, saved, *[nothing] * 4])
        daemon.work(site, Timing(0.0, 0.05, 0.05, HOUR_S))
        assert site.looks[:3] == ["whole", "unread", "unread"]
        assert site.owed == [{"theirs.txt"}]


def test_while_something_fails_every_list_is_read(a: Machine, account: Sandbox) -> None:
    """Deletions are held back for a person: no list is left unread until one has decided."""
    files(a, 12)
    in_step(a)
    a.set("safety", max_delete="1")
    a.remove("A")
    with at_work(a, *[nothing] * 4) as site:
        assert set(site.looks) == {"whole"}
        assert site.reports[-1].result is Result.GUARDED


def test_a_whole_pass_comes_all_the_same(
    a: Machine, account: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What becomes due by time alone needs one."""
    with at_work(a, nothing, nothing, lambda: monkeypatch.setattr(standstill, "_LONGEST_S", 0.0)) as site:
        assert site.looks == ["whole", "unread", "unread", "whole"]


def test_a_rescan_that_finds_nothing_makes_no_pass(a: Machine) -> None:
    with at_work(a, nothing, nothing, nothing, list_s=HOUR_S, rescan_s=0.02) as site:
        assert site.looks == ["whole", "rescan", "rescan", "rescan"]
        assert len(site.reports) == 1


def test_lists_that_are_not_read_put_no_rescan_off(a: Machine) -> None:
    with at_work(a, *[nothing] * 40, list_s=0.02, rescan_s=0.2) as site:
        assert site.looks[:3] == ["whole", "unread", "unread"]
        assert "rescan" in site.looks


def test_a_rescan_finds_what_no_event_told(a: Machine, account: Sandbox) -> None:
    def changed() -> None:
        a.write("a.txt", b"edited")
        a.write("New/c.txt", b"c")
        (a.root / "A" / "b.txt").unlink()

    with at_work(a, nothing, nothing, changed, nothing, nothing, list_s=HOUR_S, rescan_s=0.1) as site:
        at = site.looks.index("part of A/b.txt,New,a.txt")
        assert site.looks[:at] == ["whole", "rescan", "rescan"]
    shown = {asset.filename: account.store.content(asset.id) for asset in account.store.assets()}
    assert shown["a.txt"] == b"edited"
    assert shown["c.txt"] == b"c"


def test_a_root_that_is_away_ends_the_work_and_loses_nothing(a: Machine, account: Sandbox) -> None:
    with at_work(
        a, nothing, nothing, lambda: a.root.rename(a.home / "away"), list_s=HOUR_S, rescan_s=0.02
    ) as site:
        assert site.looks == ["whole", "rescan"]
    assert len(account.store.assets()) == 2


def test_a_standstill_ends_with_whatever_is_open(a: Machine) -> None:
    """What a part left behind, and each step of the ancestor, is looked at by a whole pass."""
    in_step(a)
    with a.opened() as app:
        journal, still = app.journal, standstill.Standstill()
        watcher = Watcher()
        still.begin(journal)
        still.end(journal, app.fluxiom, app.run(watcher), 10.0)
        assert still.lasts(journal, 10.0)
        problems = [row.problem for row in journal.problem_rows()]
        journal.set_problems([*problems, Problem("a.txt", "it failed")], 1)
        assert not still.lasts(journal, 10.0)
        journal.set_problems([*problems, Problem("link", "a link; skipped", harmless=True)], 1)
        assert still.lasts(journal, 10.0)
        assert not still.lasts(journal, 10.0 + 13 * HOUR_S)
        journal.advance(journal.items()[:1])
        assert not still.lasts(journal, 10.0)
