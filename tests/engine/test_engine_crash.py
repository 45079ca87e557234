"""Stopped at any step, a pass loses nothing, doubles nothing, and the next one finishes its work.

A step is a call that changes a side or writes to the journal. For each scenario the program is stopped before
the first of them, after it, before the second and so on, until a pass runs through.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from engine_world import BY_NAME, SCENARIOS, WRITES, AtOnce, Call, Killed, Scenario, World

#: What the deciding thread does itself: only there an interrupt from the keyboard arrives.
_IN_MAIN = frozenset(
    {f"journal.{verb}" for verb in WRITES}
    | {f"local.{verb}" for verb in ("move", "move_folder", "make_folder", "remove_folder", "trash", "delete")}
)


class Stopping:
    """Raises at the n-th step, and from then on at each when that has killed the machine."""

    def __init__(
        self, error: type[BaseException], at: int, *, after: bool = True, only_in_main: bool = False
    ) -> None:
        self._error = error
        self._left = at
        self._after = after
        self._in_main = only_in_main
        self.at = ""

    def __call__(self, call: Call) -> object:
        if self.at and self._error is Killed:
            raise self._error
        if self.at or not call.changes or (self._in_main and str(call) not in _IN_MAIN):
            return call.go_on()
        self._left -= 1
        if self._left >= 0:
            return call.go_on()
        self.at = str(call)
        if self._after:
            call.go_on()
        raise self._error

    @property
    def stopped(self) -> bool:
        return self.at != ""


@pytest.fixture(autouse=True)
def _in_one_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let movers work in the deciding thread, so that the steps have one order and end with it."""
    monkeypatch.setattr("fluxsync.engine.execute.ThreadPoolExecutor", AtOnce)


def _each_step(
    scenario: Scenario, home: Path, stopping: Callable[[int], Stopping], check: Callable[[World, str], None]
) -> int:
    """Stop a pass at each of its steps, in a world of its own each time; return how many there are."""
    start = scenario.world(home / "start")
    contents = scenario.survives(start)
    for number in range(1000):
        world = start.copied(home / f"{number}")
        meddle = stopping(number)
        try:
            world.once(meddle)
        except (Killed, KeyboardInterrupt):
            pass
        where = f"stopped at step {number}, {meddle.at}"
        assert contents <= world.contents(), where
        check(world, where)
        assert contents <= world.contents(), where
        if not meddle.stopped:
            return number
    raise AssertionError("steps without end")


#: What every run tries; the others are for the long ones.
_QUICK = {"create", "download", "conflict", "edit, rename and move"}

each_scenario = pytest.mark.parametrize(
    "scenario",
    [
        pytest.param(scenario, id=scenario.name, marks=() if scenario.name in _QUICK else pytest.mark.slow)
        for scenario in SCENARIOS
    ],
)


@each_scenario
@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
def test_killed_at_any_step_the_next_pass_finishes_the_work(
    scenario: Scenario, after: bool, tmp_path: Path
) -> None:
    undisturbed = scenario.world(tmp_path / "undisturbed")
    undisturbed.rest()

    def finish(world: World, where: str) -> None:
        world.rest()
        scenario.check(world, where)
        assert world.versions() == undisturbed.versions(), f"sent twice: {where}"

    steps = _each_step(scenario, tmp_path, lambda number: Stopping(Killed, number, after=after), finish)
    assert steps > len(scenario.actions)


@each_scenario
@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
def test_interrupted_at_any_step_of_its_own_the_next_pass_finishes_the_work(
    scenario: Scenario, after: bool, tmp_path: Path
) -> None:
    def finish(world: World, where: str) -> None:
        world.rest()
        scenario.check(world, where)

    _each_step(
        scenario,
        tmp_path,
        lambda number: Stopping(KeyboardInterrupt, number, after=after, only_in_main=True),
        finish,
    )


@pytest.mark.slow
@pytest.mark.parametrize("name", ["create", "download", "conflict", "version where the plan has none"])
def test_killed_again_in_the_pass_that_finishes_the_work(name: str, tmp_path: Path) -> None:
    scenario = BY_NAME[name]
    start = scenario.world(tmp_path / "start")
    contents = scenario.survives(start)
    for first in range(1000):
        once = start.copied(tmp_path / f"{first}")
        killed = Stopping(Killed, first)
        try:
            once.once(killed)
        except Killed:
            pass
        for second in range(1000):
            world = once.copied(tmp_path / f"{first}-{second}")
            killed_again = Stopping(Killed, second, after=second % 2 == 0)
            try:
                world.once(killed_again)
            except Killed:
                pass
            world.rest()
            scenario.check(world)
            assert contents <= world.contents()
            if not killed_again.stopped:
                break
        if not killed.stopped:
            break


def test_an_asset_that_a_killed_pass_left_is_found_and_not_sent_again(tmp_path: Path) -> None:
    world = World(tmp_path)
    world.write("a.gif", "A")
    killed = Stopping(Killed, 0)

    def at_put(call: Call) -> object:
        return killed(call) if str(call) == "remote.put" or killed.stopped else call.go_on()

    with pytest.raises(Killed):
        world.once(at_put)
    assert world.there() == {"a.gif": "A"}
    with world.journal() as journal:
        (sent,) = journal.unsettled()
    assert (sent.action, sent.path) == ("create", "a.gif")
    phases: list[str] = []
    report = world.once(on_phase=phases.append)
    assert phases[0] == "looking for what an interrupted pass left"
    assert (report.uploaded, report.unchanged, world.versions()) == (0, 1, 1)
    world.in_step()


def test_a_file_that_was_edited_since_the_kill_is_a_version_of_what_it_left(tmp_path: Path) -> None:
    world = World(tmp_path)
    world.write("a.gif", "A")
    killed = Stopping(Killed, 0)

    def at_put(call: Call) -> object:
        return killed(call) if str(call) == "remote.put" or killed.stopped else call.go_on()

    with pytest.raises(Killed):
        world.once(at_put)
    world.write("a.gif", "A2")
    report = world.once()
    assert (report.uploaded, report.versions) == (0, 1)
    assert world.there() == {"a.gif": "A2"}
    assert len(world.account.assets) == 1
