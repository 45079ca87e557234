"""A running removal is seen whole before any of it is repeated; `settle` is waited for only then."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from engine_world import Call, World

from fluxsync.engine.report import Result

SETTLE_S = 2.0


def emptying(tmp_path: Path, count: int = 30) -> World:
    """Return a world in step whose files somebody is about to delete one after the other."""
    world = World(tmp_path, most=10, settle=SETTLE_S)
    for number in range(count):
        world.write(f"A/{number:02}.gif", f"content {number}")
    world.write("B/stays.gif", "stays")
    world.rest()
    return world


def gone(world: World, *numbers: int) -> None:
    for number in numbers:
        world.remove(f"A/{number:02}.gif")
    touch(world, "A")


def touch(world: World, folder: str, ago_s: float = 0.0) -> None:
    """Let a folder have changed so long ago."""
    stamp = world.folder.folders[folder]
    world.folder.folders[folder] = replace(stamp, mtime_ns=int((world.clock.now - ago_s) * 1e9))


class Walks:
    """Counts the walks of the folder, and deletes more before some of them."""

    def __init__(self, world: World, *more: tuple[int, ...]) -> None:
        self.world = world
        self.more = list(more)
        self.count = 0

    def __call__(self, call: Call) -> object:
        if str(call) == "local.scan":
            self.count += 1
            if self.count > 1 and self.more:
                gone(self.world, *self.more.pop(0))
        return call.go_on()


def test_a_removal_that_runs_while_a_pass_looks_is_seen_whole_and_held_back(tmp_path: Path) -> None:
    world = emptying(tmp_path)
    gone(world, 0, 1, 2)
    report = world.once(Walks(world, (3, 4, 5), tuple(range(6, 25))))
    assert report.result is Result.GUARDED
    assert (report.trashed_remote, len(report.held)) == (0, 25)
    assert world.clock.waits == [SETTLE_S]
    assert len(world.there()) == 31


def test_what_is_held_back_is_seen_whole_too(tmp_path: Path) -> None:
    """A person lets through what was shown: it had better be all of it."""
    world = emptying(tmp_path)
    gone(world, *range(15))
    report = world.once(Walks(world, tuple(range(15, 25))))
    assert (report.result, len(report.held)) == (Result.GUARDED, 25)
    assert world.clock.waits == [SETTLE_S]


def test_deletions_that_do_not_grow_cost_one_more_walk_and_no_wait(tmp_path: Path) -> None:
    world = emptying(tmp_path)
    gone(world, 0, 1, 2)
    walks = Walks(world)
    report = world.once(walks)
    assert (report.result, report.trashed_remote) == (Result.IN_STEP, 3)
    assert (walks.count, world.clock.waits) == (2, [])


def test_deletions_whose_traces_are_old_cost_nothing(tmp_path: Path) -> None:
    world = emptying(tmp_path)
    gone(world, 0, 1, 2)
    touch(world, "A", ago_s=SETTLE_S + 1)
    walks = Walks(world)
    report = world.once(walks)
    assert (report.result, report.trashed_remote) == (Result.IN_STEP, 3)
    assert (walks.count, world.clock.waits) == (1, [])


@pytest.mark.parametrize("edited", [False, True], ids=["as it was there", "edited there"])
def test_a_file_that_was_moved_past_the_walk_is_no_deletion_and_no_second_file(
    tmp_path: Path, edited: bool
) -> None:
    """It left a folder that was not walked yet for one that was."""
    world = emptying(tmp_path)
    assets = set(world.account.assets)
    if edited:
        world.edit("A/00.gif", "theirs")

    def moving(call: Call) -> object:
        if str(call) != "local.scan" or "B/00.gif" in world.folder.files:
            return call.go_on()
        world.move("A/00.gif", "B/00.gif")
        touch(world, "A")
        seen = call.go_on()
        return replace(seen, files={p: e for p, e in seen.files.items() if p != "B/00.gif"})

    world.once(moving)
    assert world.actions() == [*(["download"] if edited else []), "move-remote"]
    assert set(world.account.assets) == assets
    world.in_step()


@pytest.mark.parametrize("side", ["up", "down"])
def test_deletions_that_the_direction_forbids_to_repeat_are_not_waited_for(tmp_path: Path, side: str) -> None:
    """They are seen in each pass."""
    world = emptying(tmp_path)
    world.write("root.gif", "content of the root")
    world.rest()
    world.rules |= {side: False, "unattended": True}
    world.remove("root.gif")
    world.purge("A/00.gif")
    world.once()
    world.clock.waits.clear()
    calls: list[str] = []

    def heard(call: Call) -> object:
        calls.append(str(call))
        seen = call.go_on()
        return replace(seen, probe="as it was") if str(call) == "remote.scan" else seen

    report = world.once(heard)
    assert (report.trashed_remote, report.trashed_local) == (0, 0)
    assert (calls.count("local.scan"), calls.count("remote.probe"), world.clock.waits) == (1, 0, [])


def test_a_pass_without_deletions_looks_once(tmp_path: Path) -> None:
    world = emptying(tmp_path)
    world.write("A/new.gif", "new")
    touch(world, "A")
    walks = Walks(world)
    assert world.once(walks).uploaded == 1
    assert (walks.count, world.clock.waits) == (1, [])


def test_a_removal_without_end_is_waited_for_a_minute_at_most(tmp_path: Path) -> None:
    world = emptying(tmp_path, 70)
    world.rules["most"] = 1000
    gone(world, 0)
    report = world.once(Walks(world, *((number,) for number in range(1, 70))))
    assert report.trashed_remote > 30
    assert sum(world.clock.waits) == pytest.approx(60, abs=SETTLE_S)


def test_without_settle_nothing_is_waited_for(tmp_path: Path) -> None:
    world = emptying(tmp_path)
    world.rules["settle"] = 0.0
    gone(world, 0, 1, 2)
    walks = Walks(world, (3,))
    assert world.once(walks).trashed_remote == 3
    assert walks.count == 1


def key_of(world: World, name: str) -> str:
    (key,) = [key for key, asset in world.account.assets.items() if asset.versions[-1].name == name]
    return key


@pytest.mark.parametrize("unattended", [False, True])
def test_a_file_that_moves_between_two_folders_of_one_walk_is_not_deleted(
    tmp_path: Path, unattended: bool
) -> None:
    """The walk was in its new folder already, and not yet in the old one: it has seen it in neither."""
    world = emptying(tmp_path)
    world.rules["unattended"] = unattended
    key = key_of(world, "00.gif")

    def moving(call: Call) -> object:
        if str(call) != "local.scan" or "A/00.gif" not in world.folder.files:
            return call.go_on()
        file = world.folder.files.pop("A/00.gif")
        touch(world, "A")
        seen = call.go_on()
        world.folder.files["B/00.gif"] = replace(file, stamp=world.folder.renamed(file.stamp))
        return seen

    report = world.once(moving)
    assert (report.result, report.trashed_remote, report.moved_remote) == (Result.IN_STEP, 0, 1)
    assert key_of(world, "00.gif") == key
    assert world.there()["B/00.gif"] == "content 0"


@pytest.mark.parametrize("folder", ["A", ""], ids=["in a folder", "in the root"])
def test_what_is_back_elsewhere_within_the_quiet_period_was_moved(tmp_path: Path, folder: str) -> None:
    """A person moves it by way of another disk, and the service happens to look at everything just then."""
    world = emptying(tmp_path)
    world.write("root.gif", "content of the root")
    world.rest()
    world.rules["unattended"] = True
    path = f"{folder}/00.gif" if folder else "root.gif"
    name = path.rpartition("/")[2]
    key = key_of(world, name)
    world.clock.now += 60
    file = world.folder.files.pop(path)
    touch(world, "A")

    def arriving(call: Call) -> object:
        if str(call) == "local.scan" and world.clock.waits and f"B/{name}" not in world.folder.files:
            world.folder.files[f"B/{name}"] = replace(file, stamp=world.folder.stamp(len(file.content)))
        return call.go_on()

    report = world.once(arriving)
    assert (report.result, report.trashed_remote, report.moved_remote) == (Result.IN_STEP, 0, 1)
    assert key_of(world, name) == key


def test_a_service_waits_a_quiet_period_for_what_was_deleted_a_moment_ago(tmp_path: Path) -> None:
    world = emptying(tmp_path)
    world.rules["unattended"] = True
    gone(world, 0, 1, 2)
    walks = Walks(world)
    report = world.once(walks)
    assert (report.result, report.trashed_remote) == (Result.IN_STEP, 3)
    assert (walks.count, world.clock.waits) == (2, [SETTLE_S])


@pytest.mark.parametrize("more", [0, 20], ids=["no more", "many more"])
def test_a_removal_on_the_account_is_waited_for_when_the_probe_shows_more(tmp_path: Path, more: int) -> None:
    world = emptying(tmp_path)
    for number in range(3):
        world.purge(f"A/{number:02}.gif")

    def probing(call: Call) -> object:
        if str(call) == "remote.scan":
            return replace(call.go_on(), probe=world.account.probe().text)
        if str(call) == "remote.probe" and not world.clock.waits:
            for number in range(3, 3 + more):
                world.purge(f"A/{number:02}.gif")
        return call.go_on()

    report = world.once(probing)
    if more:
        assert (report.result, len(report.held), report.trashed_local) == (Result.GUARDED, 23, 0)
        assert world.clock.waits == [SETTLE_S]
    else:
        assert (report.result, report.trashed_local) == (Result.IN_STEP, 3)
        assert world.clock.waits == []
