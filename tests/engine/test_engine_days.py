"""Days of a service: the deciding loop, passes and two sides made of dictionaries, and time that is made up.

People work on both sides, also in the middle of passes; events come late or are lost; requests fail; the
service is paused and reloaded, and clocks are set. In the end both sides are equal, nothing is lost or there
twice, and whatever was only moved, or away for less than the quiet period, is the asset that it was.
"""

from __future__ import annotations

import os
import queue
import random
from collections import Counter, deque
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from engine_world import Between, Call, World

from fluxsync.core.model import Action
from fluxsync.core.paths import basename, dirname, is_below, join
from fluxsync.engine import agenda, execute, rescan, standstill
from fluxsync.engine import daemon as module
from fluxsync.engine.cycle import run_pass
from fluxsync.engine.daemon import Daemon
from fluxsync.engine.desk import Ending, Timing
from fluxsync.engine.dirty import Dirt
from fluxsync.engine.ledger import Task
from fluxsync.engine.pair import Pair
from fluxsync.engine.report import Report
from fluxsync.engine.watcher import Watcher
from fluxsync.errors import Rejected, Unavailable
from fluxsync.replica.memory import MemoryFile
from fluxsync.replica.memory.asset import MemoryVersion
from fluxsync.state.journal import Journal

EXAMPLES = int(os.environ.get("FLUXSYNC_EXAMPLES", "40"))

START_S, WALL_S, SETTLE_S = 1000.0, 1_800_000_000.0, 2.0
#: No event comes later than this: a look at what is gone comes twice, a quiet period apart.
LATE_S = 0.95 * SETTLE_S
FOLDERS = ("", "A", "B", "C", "A/S", "B/T")
TIMES = ((60.0, 900.0, 3600.0), (4.0, 10.0, 7.0), (3.0, 300.0, 3600.0), (60.0, 900.0, 7.0))
HERE = ("move", "move", "move folder", "move folder", "new", "edit", "remove", "away", "away", "busy")
THERE = ("edit", "retag", "rename", "trash", "upload")
TRANSFERS = (Action.CREATE, Action.VERSION, Action.DOWNLOAD)
AROUND = ("pause", "reload", "set clock")


class Movers:
    """Movers for each of which a transfer lasts for a while."""

    def __init__(self, day: Day) -> None:
        self._day = day
        self._busy = 0

    def submit(self, work: Callable[..., None], task: Task, *more: Any) -> None:
        lasts_s = (
            0.0 if task.operations[0].action not in TRANSFERS else self._day.chance.choice(self._day.lasts_s)
        )
        self._busy += 1

        def move() -> None:
            self._busy -= 1
            work(task, *more)

        if lasts_s:
            self._day.later(lasts_s, move)
        else:
            move()

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        while self._busy and not cancel_futures:
            self._day.go_by(1.0)


class Outcomes(deque[Any]):
    """What movers hand over, waited for in made-up time."""

    def __init__(self, day: Day) -> None:
        super().__init__()
        self._day = day

    def put(self, outcome: object) -> None:
        self.append(outcome)

    def get(self, timeout: float = 0.0) -> Any:
        if not self:
            self._day.go_by(timeout)
        if not self:
            raise queue.Empty
        return self.popleft()

    def empty(self) -> bool:
        return not self


class Day:
    """One day, and what must be true at its end. It is the condition at which the service waits, too."""

    def __init__(self, home: Path, seed: int, patch: pytest.MonkeyPatch) -> None:
        self.chance = random.Random(seed)
        self.now_s, self.ahead_s, self.turns = START_S, 0.0, 0
        self.events: list[tuple[float, int, Callable[[], object]]] = []
        self.told = 0
        self.notified = False
        self.log: list[object] = []
        self.world = world = World(home, settle=SETTLE_S, unattended=True)
        for number in range(8):
            world.write(join(self.chance.choice(FOLDERS), f"{number}.gif"), f"content {number}")
        for folder in FOLDERS[1:]:
            world.make(folder)
        world.clock.now = WALL_S + START_S - 3600
        world.rest()
        self.keys = {a.versions[-1].content.decode(): key for key, a in world.account.assets.items()}
        self.written, self.given_up, self.names = set(self.keys), set[str](), 0
        patch.setattr(agenda, "_SMALL", self.chance.choice((20, -1)))
        patch.setattr(module.time, "monotonic", lambda: self.now_s)
        self.daemon = Daemon(alive=self.turn, clock=lambda: self.now_s, wall_s=self.wall)
        self.daemon.wake._condition = self  # type: ignore[assignment]
        self.journal = Journal.open(world.journal_path, clock=self.wall)
        self.used = {"a.log", "b.log", *world.folder.files, *world.folder.folders}
        #: When what was away may be away again, by content.
        self.seen_s: dict[bytes, float] = {}
        self.away = 0
        #: Steps that were done while transfers of another pass lasted.
        self.beside = 0
        self.loses = self.chance.random() < 0.2
        self.faults = self.chance.choice((0, 0, 3))
        self.request_s = self.chance.choice((0.0, 0.02, 0.2))
        sides = (("local", world.folder), ("remote", world.account), ("journal", self.journal))
        self.pair = Pair(*(Between(who, side, self.meddle) for who, side in sides), 3)  # type: ignore[arg-type]
        self.lasts_s = self.chance.choice(((0.0,), (0.0, 0.0, 4.0, 15.0, 40.0)))
        patch.setattr(execute, "LARGE", 0)
        patch.setattr(execute, "ThreadPoolExecutor", lambda width, name: Movers(self))
        patch.setattr(
            execute, "queue", SimpleNamespace(SimpleQueue=lambda: Outcomes(self), Empty=queue.Empty)
        )
        self.remote = self.pair.remote

    # -- time

    def wall(self) -> float:
        return self.now_s + WALL_S + self.ahead_s

    def turn(self) -> None:
        self.turns += 1
        assert self.turns < 5000, f"it spins at {self.now_s - START_S}"

    def later(self, seconds: float, deed: Callable[[], object]) -> None:
        self.told += 1
        self.events.append((self.now_s + seconds, self.told, deed))
        self.events.sort(key=lambda event: event[:2])

    def go_by(self, seconds: float, *, until_told: bool = False) -> None:
        end_s, self.notified = self.now_s + seconds, False
        while self.events and self.events[0][0] <= end_s and not (until_told and self.notified):
            at_s, _, deed = self.events.pop(0)
            self.now_s = max(self.now_s, at_s)
            deed()
        if not (until_told and self.notified):
            self.now_s = end_s

    def __enter__(self) -> None: ...

    def __exit__(self, *why: object) -> None: ...

    def notify_all(self) -> None:
        self.notified = True

    def wait(self, seconds: float) -> None:
        self.go_by(seconds, until_told=True)

    # -- the open pair

    def run_beside(self, watcher: Watcher, dirt: Dirt) -> Report:
        return self.run(watcher, dirt=dirt)

    def run(self, watcher: Watcher, *, dirt: Dirt | None = None) -> Report:
        heed, begun_s = watcher.wait, self.now_s

        def wait(seconds: float) -> None:
            self.go_by(seconds)
            if self.daemon._hand.was_let_go:
                heed(0)

        done: list[object] = []
        watcher.clock, watcher.wait = self.wall, wait
        watcher.on_done = lambda step: done.append((str(step.action), step.path))
        rules = self.world._rules()
        rules = replace(rules, heed_from=1, plan=replace(rules.plan, now_ns=int(self.wall() * 1e9)))
        report = run_pass(self.pair, rules, watcher, dirt=dirt)
        if done or dirt is not None:
            what = "pass beside" if dirt is not None and dirt.under_way is not None else "pass"
            self.note(what, round(self.now_s - begun_s, 2), sorted(dirt.paths) if dirt else None, done)
            self.beside += len(done) if what == "pass beside" else 0
        return report

    def list_unread(self, watcher: Watcher) -> Report | None:
        watcher.clock = self.wall
        return standstill.list_unread(self.pair, watcher)

    def changed(self) -> frozenset[str]:
        return rescan.changed(self.pair)

    def before_walk(self) -> None: ...

    def is_watched(self) -> bool:
        return True

    def meddle(self, call: Call) -> Any:
        if call.who != "journal":
            self.go_by(self.chance.random() * 2 * self.request_s)
        if call.who == "remote" and self.faults and self.chance.random() < 0.04:
            self.faults -= 1
            fault = self.chance.choice(("away", "refused", "no answer"))
            self.note(fault, str(call))
            if fault == "no answer":
                call.go_on()
            raise Rejected(fault) if fault == "refused" else Unavailable(fault)
        return call.go_on()

    # -- people

    def note(self, *what: object) -> None:
        self.log.append((round(self.now_s - START_S, 2), *what))

    def content(self) -> str:
        self.names += 1
        self.written.add(f"new {self.names}")
        return f"new {self.names}"

    def event(self, *paths: str) -> None:
        """Let folders show that they changed, and the service hear of it, or only that something was lost."""
        for folder in {dirname(path) for path in paths} & self.world.folder.folders.keys():
            stamp = self.world.folder.folders[folder]
            self.world.folder.folders[folder] = replace(stamp, mtime_ns=int(self.wall() * 1e9))
        if self.loses and self.chance.random() < 0.3:
            paths = ("",)
        for path in paths:
            late_s = self.chance.choice((0.0, 0.0, self.chance.random() * LATE_S))
            self.later(late_s, lambda path=path: self.daemon.wake.dirty(path))  # type: ignore[misc]

    def free(self, name: str) -> str:
        """Return a path that nothing has or had: who comes to such a place is what was there."""
        folder = self.world.folder
        self.names += 1
        path = join(
            self.chance.choice(["", *folder.folders]), self.chance.choice((name, f"{self.names}.gif"))
        )
        if path in self.used | folder.files.keys() | folder.folders.keys():
            path = join(dirname(path), f"to {self.names}.gif")
        self.used.add(path)
        return path

    def here(self) -> None:
        deed, world = self.chance.choice(HERE), self.world
        files, folders = list(world.folder.files), list(world.folder.folders)
        path = self.chance.choice(folders if deed == "move folder" or not files else files)
        self.note(deed, path)
        if deed in ("move", "move folder"):
            new = self.free(basename(path))
            if not is_below(new, path):
                world.move(path, new)
                self.event(path, new)
        elif deed == "new":
            path = self.free("new.gif")
            world.write(path, self.content())
            self.event(path)
        elif deed == "busy":
            self.save(f"{self.chance.choice('ab')}.log", self.chance.randint(3, 40))
        elif deed == "away" and path in files:
            file = world.folder.files[path]
            if self.now_s < self.seen_s.get(file.content, 0.0):
                return  # at two looks in a row, a quiet period apart, it would be gone both times
            self.seen_s[file.content] = self.now_s + 5 * SETTLE_S
            self.away += 1
            del world.folder.files[path]
            self.event(path)
            self.later(self.chance.random() * LATE_S, lambda: self.come_back(basename(path), file))
        elif deed in ("edit", "remove") and path in files:
            self.given_up.add(world.folder.files[path].content.decode())
            world.write(path, self.content()) if deed == "edit" else world.remove(path)
            self.event(path)

    def save(self, path: str, more: int) -> None:
        old = self.world.folder.files.get(path)
        self.given_up |= {old.content.decode()} if old else set()
        self.world.write(path, self.content())
        self.event(path)
        if more:
            self.later(self.chance.random(), lambda: self.save(path, more - 1))

    def come_back(self, name: str, file: MemoryFile) -> None:
        path = self.free(name)
        self.away -= 1
        moved = self.world.folder.renamed(file.stamp)
        copied = self.world.folder.stamp(len(file.content))
        self.world.folder.files[path] = MemoryFile(file.content, self.chance.choice((moved, copied)))
        self.note("back", path)
        self.event(path)

    def there(self) -> None:
        deed, world = self.chance.choice(THERE), self.world
        asset = self.chance.choice([a for a in world.account.assets.values() if not a.trashed])
        last = asset.versions[-1]
        self.note(deed, "there", last.content.decode())
        match deed:
            case "edit":
                self.given_up.add(last.content.decode())
                asset.versions.append(MemoryVersion(self.content().encode(), last.name))
            case "retag":
                asset.home = self.chance.choice(["", *world.account.tags])
            case "rename":
                self.names += 1
                asset.versions.append(replace(last, name=f"there {self.names}.gif"))
            case "trash":
                self.given_up.add(last.content.decode())
                asset.trashed = True
            case _:
                content = self.content()
                world.upload(join(self.chance.choice(FOLDERS), f"{content}.gif"), content)

    def around(self) -> None:
        deed = self.chance.choice(AROUND)
        self.note(deed)
        if deed == "pause":
            self.daemon.pause()
            self.later(self.chance.random() * 6, self.daemon.resume)
        elif deed == "reload":
            self.daemon.reload()
        elif not self.away:  # by the new time, a folder's own would say that it was left long ago
            self.ahead_s += self.chance.choice((-90000.0, -7200.0, 20.0, 7200.0, 90000.0))
            self.daemon.wake.nudge()

    # -- the whole

    def live(self) -> None:
        at_s = 3.0
        for _ in range(self.chance.randint(2, 14)):
            at_s += self.chance.choice((0.0, 1.0, 5.0, 40.0)) * self.chance.random()
            self.later(at_s, self.chance.choice((self.here, self.here, self.here, self.there, self.around)))
        self.later(at_s + 200, self.daemon.resume)
        self.later(at_s + 1100, self.daemon.stop)
        poll_s, list_s, rescan_s = self.chance.choice(TIMES)
        ending = Ending.RELOAD
        while ending is Ending.RELOAD:
            ending = self.daemon.work(self, Timing(SETTLE_S, poll_s, list_s, rescan_s))
        assert ending is Ending.STOP
        assert self.journal.unsettled() == []

    def check(self) -> None:
        world = self.world
        live = {k: a.versions[-1].content.decode() for k, a in world.account.assets.items() if not a.trashed}
        assert Counter(world.here().values()) == Counter(live.values())
        assert max(Counter(live.values()).values()) == 1
        assert self.written - self.given_up <= world.contents()
        kept = {content: key for content, key in self.keys.items() if content not in self.given_up}
        assert {content: key for key, content in live.items() if content in kept} == kept


@pytest.mark.slow
def test_days_end_in_step_with_nothing_lost_and_every_asset_itself(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(agenda, "_JITTER", 0.0)
    beside = 0
    for seed in range(EXAMPLES):
        day = Day(tmp_path / str(seed), seed, monkeypatch)
        try:
            day.live()
            day.check()
        except AssertionError as error:
            story = "\n".join(map(str, day.log))
            raise AssertionError(f"day {seed}: {error}\n{story}") from error
        finally:
            day.journal.close()
        beside += day.beside
    assert beside, "nothing was done while a transfer lasted"
