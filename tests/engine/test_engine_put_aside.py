"""A file that keeps failing is put aside, and holds up nobody."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from engine_world import Call, World

from fluxsync.core.put_aside import PutAside
from fluxsync.engine.report import Report, Result
from fluxsync.engine.status import read
from fluxsync.errors import Busy, Full, Rejected, ReplicaError, Stale, Unavailable


class Refusing:
    """An account, or a folder, that refuses what has one name; counts how often it was asked."""

    def __init__(self, name: str, error: ReplicaError, verb: str = "remote.put") -> None:
        self.name = name
        self.error: ReplicaError | None = error
        self.verb = verb
        self.asked = 0

    def __call__(self, call: Call) -> Any:
        if str(call) == self.verb and call.name == self.name:
            self.asked += 1
            if self.error is not None:
                raise self.error
        return call.go_on()


def rows(world: World) -> list[PutAside]:
    with world.journal() as journal:
        return journal.put_aside()


@pytest.fixture
def world(tmp_path: Path) -> World:
    world = World(tmp_path)
    world.write("bad.gif", "bad")
    world.write("good.gif", "good")
    return world


def service(world: World, meddle: Refusing) -> Report:
    """Make a pass as a service does, which heeds every pause."""
    return world.once(meddle, heed_from=1)


def test_the_others_go_on_and_the_pauses_grow(world: World) -> None:
    refusing = Refusing("bad.gif", Rejected("too odd"))
    started = world.clock.now
    for at, asked in ((0, 1), (24, 1), (25, 2), (149, 2), (150, 3), (774, 3), (775, 4), (3900, 5)):
        world.clock.now = started + at
        report = service(world, refusing)
        assert report.result is Result.PARTIAL
        assert report.failures == {"bad.gif": "too odd"}
        assert refusing.asked == asked, at
    assert world.there() == {"good.gif": "good"}


def test_a_change_here_is_tried_at_once(world: World) -> None:
    refusing = Refusing("bad.gif", Rejected("too odd"))
    service(world, refusing)
    service(world, refusing)
    assert refusing.asked == 1
    refusing.error = None
    world.write("bad.gif", "better")
    assert service(world, refusing).result is Result.IN_STEP
    assert world.there()["bad.gif"] == "better"
    assert rows(world) == []


def test_a_change_there_is_tried_at_once(tmp_path: Path) -> None:
    world = World(tmp_path)
    world.upload("bad.gif", "bad")
    refusing = Refusing("bad.gif", Rejected("the disk reports an error"), "local.put")
    service(world, refusing)
    service(world, refusing)
    assert refusing.asked == 1
    refusing.error = None
    world.edit("bad.gif", "better")
    assert service(world, refusing).result is Result.IN_STEP
    assert world.here() == {"bad.gif": "better"}


def test_when_its_pause_is_over_it_is_tried_and_forgotten(world: World) -> None:
    refusing = Refusing("bad.gif", Rejected("too odd"))
    service(world, refusing)
    refusing.error = None
    world.clock.now += 25
    assert service(world, refusing).result is Result.IN_STEP
    assert rows(world) == []
    world.in_step()


def test_a_person_who_asks_for_a_pass_gets_a_try_each_time(world: World) -> None:
    refusing = Refusing("bad.gif", Rejected("too odd"))
    for count in range(1, 7):
        report = world.once(refusing)
        assert refusing.asked == count
        assert report.put_aside["bad.gif"].tries == count
    refusing.error = None
    world.rest()


def test_a_pass_of_nobody_tries_three_times_and_then_waits(world: World) -> None:
    """So that a cure is seen at once, and cron does not hammer."""
    refusing = Refusing("bad.gif", Rejected("too odd"))
    for asked in (1, 2, 3, 3, 3):
        world.once(refusing, heed_from=3)
        assert refusing.asked == asked
        world.clock.now += 60


def test_a_file_is_tried_once_in_a_pass_that_looks_again(world: World) -> None:
    """Something else was stale, so the pass makes more rounds; what failed in the first is still named."""
    refusing = Refusing("bad.gif", Rejected("too odd"))
    world.write("moving.gif", "moving")
    moved: list[str] = []

    def meddle(call: Call) -> Any:
        if str(call) == "remote.put" and call.name == "moving.gif" and not moved:
            moved.append("yes")
            raise Stale("it changed while it was read")
        return refusing(call)

    report = world.once(meddle)
    assert (report.rounds, refusing.asked) == (2, 1)
    assert report.failures == {"bad.gif": "too odd"}
    assert set(world.there()) == {"good.gif", "moving.gif"}


def test_what_is_never_as_expected_is_put_aside_after_three_looks(world: World) -> None:
    refusing = Refusing("bad.gif", Stale("it is gone from the account"))
    service(world, refusing)
    assert refusing.asked == 3
    service(world, refusing)
    assert refusing.asked == 3


@pytest.mark.parametrize(
    "error",
    [
        Busy("open for writing in another program; it waits until it is closed there"),
        Full("no room in the account"),
    ],
)
def test_what_waits_for_a_person_is_not_put_aside(world: World, error: ReplicaError) -> None:
    refusing = Refusing("bad.gif", error)
    report = service(world, refusing)
    assert report.result is Result.PARTIAL
    assert rows(world) == []
    refusing.error = None
    assert service(world, refusing).result is Result.IN_STEP


def test_files_whose_folder_the_account_refuses_wait_for_the_folder_alone(tmp_path: Path) -> None:
    world = World(tmp_path)
    for number in range(3):
        world.write(f"Acme/{number}.gif", f"{number}")
    refusing = Refusing("Acme", Rejected("no such tag may be"), "remote.make_folder")
    service(world, refusing)
    assert [row.path for row in rows(world)] == ["Acme"]
    report = service(world, refusing)
    assert refusing.asked == 1
    assert set(report.failures) == {"Acme", "Acme/0.gif", "Acme/1.gif", "Acme/2.gif"}
    refusing.error = None
    world.clock.now += 25
    assert service(world, refusing).result is Result.IN_STEP
    assert len(world.there()) == 3


def test_a_pass_that_cannot_go_on_forgets_nothing(world: World) -> None:
    service(world, Refusing("bad.gif", Rejected("too odd")))

    def offline(call: Call) -> Any:
        if str(call) == "remote.scan":
            raise Unavailable("offline")
        return call.go_on()

    assert world.once(offline, heed_from=1).result is Result.UNREACHABLE
    assert [row.tries for row in rows(world)] == [1]
    with world.journal() as journal:
        assert [trouble.path for trouble in read(journal, world.clock.now, working=False).failing] == [
            "bad.gif"
        ]


def test_status_shows_the_next_try(world: World) -> None:
    service(world, Refusing("bad.gif", Rejected("too odd")))
    with world.journal() as journal:
        (trouble,) = read(journal, world.clock.now, working=False).failing
    assert (trouble.path, trouble.reason, trouble.tries) == ("bad.gif", "too odd", 1)
    assert trouble.next_try == pytest.approx(world.clock.now + 25)


def test_a_dry_run_names_what_waits_and_remembers_nothing(world: World) -> None:
    refusing = Refusing("bad.gif", Rejected("too odd"))
    service(world, refusing)
    before = rows(world)
    report = world.once(dry_run=True, heed_from=1)
    assert (report.plan, report.failures) == ([], {"bad.gif": "too odd"})
    assert rows(world) == before
    assert "bad.gif" in {op.path for op in world.once(dry_run=True).plan or []}
