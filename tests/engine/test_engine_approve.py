"""An approval means exactly what was shown: that set, those versions, those contents."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path

import pytest
from engine_world import Call, Killed, World

from fluxsync.engine.report import Report, Result

MOST = 4


@pytest.fixture
def world(tmp_path: Path) -> World:
    """A world in step, in which at most four of a kind are allowed."""
    world = World(tmp_path, most=MOST)
    for number in range(20):
        world.write(f"A/{number:02}.gif", f"content {number}")
    world.rest()
    return world


def delete(world: World, numbers: Iterable[int]) -> None:
    for number in numbers:
        world.remove(f"A/{number:02}.gif")


def edit(world: World, numbers: Iterable[int], text: str) -> None:
    for number in numbers:
        world.write(f"A/{number:02}.gif", f"{text} {number}")


def approve(world: World) -> None:
    """Let through what is held back, as `fluxsync approve` does it."""
    with world.journal() as journal:
        journal.approve(journal.held())


def held(report: Report) -> list[str]:
    assert (report.result is Result.GUARDED) == bool(report.held)
    return sorted(each.change.path.removeprefix("A/").removesuffix(".gif") for each in report.held)


def test_what_was_approved_is_done_and_nothing_is_left_of_the_approval(world: World) -> None:
    delete(world, range(6))
    assert len(held(world.once())) == 6
    approve(world)
    report = world.once()
    assert (held(report), report.trashed_remote) == ([], 6)
    with world.journal() as journal:
        assert (journal.held(), journal.approved()) == ([], [])


def test_what_came_since_is_held_as_usual(world: World) -> None:
    delete(world, range(6))
    world.once()
    delete(world, range(6, 11))
    approve(world)
    report = world.once()
    assert (held(report), report.trashed_remote) == (["06", "07", "08", "09", "10"], 6)


def test_what_came_since_and_is_allowed_goes_on(world: World) -> None:
    delete(world, range(6))
    world.once()
    delete(world, range(6, 10))
    approve(world)
    report = world.once()
    assert (held(report), report.trashed_remote) == ([], 10)


def test_what_was_approved_does_not_count_again(world: World) -> None:
    delete(world, range(6))
    world.once()
    approve(world)
    world.once()
    delete(world, range(6, 10))
    assert held(world.once()) == []
    delete(world, [10])
    assert held(world.once()) == ["10"]


def test_a_file_that_came_back_is_not_covered(world: World) -> None:
    delete(world, range(6))
    world.once()
    approve(world)
    world.write("A/03.gif", "content 3")
    report = world.once()
    assert (held(report), report.trashed_remote) == ([], 5)
    assert "A/03.gif" in world.there()


@pytest.mark.parametrize("again", [True, False], ids=["written once more", "as shown"])
def test_new_contents_are_covered_as_they_were_shown(world: World, again: bool) -> None:
    edit(world, range(6), "encrypted")
    world.once()
    approve(world)
    if again:
        edit(world, range(6), "encrypted twice")
    report = world.once()
    assert len(held(report)) == (6 if again else 0)
    assert report.versions == (0 if again else 6)


def test_another_version_on_the_account_is_not_covered(world: World) -> None:
    for number in range(6):
        world.edit(f"A/{number:02}.gif", f"theirs {number}")
    world.once()
    approve(world)
    world.edit("A/00.gif", "theirs, newer")
    report = world.once()
    assert report.downloaded == 6, "five approved, and one more that is allowed"
    for number in range(6):
        world.edit(f"A/{number:02}.gif", f"theirs again {number}")
    world.once()
    approve(world)
    for number in range(6):
        world.edit(f"A/{number:02}.gif", f"theirs, newest {number}")
    assert len(held(world.once())) == 6


def test_an_approval_for_one_limit_does_not_cover_another(world: World) -> None:
    for number in range(6):
        world.retag(f"A/{number:02}.gif", "B")
    report = world.once()
    assert {each.kinds for each in report.held} == {("moves because of one tag",)}
    for number in range(6):
        asset = next(a for a in world.account.assets.values() if a.versions[-1].name == f"{number:02}.gif")
        asset.versions.append(type(asset.versions[-1])(b"new", asset.versions[-1].name))
    approve(world)
    report = world.once()
    assert (len(report.held), report.moved_local, report.downloaded) == (6, 0, 0)
    approve(world)
    report = world.once()
    assert (report.held, report.moved_local, report.downloaded) == ([], 6, 6)


def by_hand(world: World) -> Report:
    approve(world)
    return world.once()


@pytest.mark.parametrize(
    "let_through", [by_hand, lambda world: world.once(approved=True)], ids=["approve", "--once --approve"]
)
def test_killed_in_the_middle_the_rest_stays_approved(
    world: World, let_through: Callable[[World], Report]
) -> None:
    delete(world, range(10))
    world.once()
    once, done = world.once, []

    def killing(call: Call) -> object:
        if str(call) == "remote.trash":
            if len(done) == 3:
                raise Killed
            done.append(call)
        return call.go_on()

    world.once = lambda **how: once(killing, connections=1, **how)  # type: ignore[method-assign]
    with pytest.raises(Killed):
        let_through(world)
    world.once = once  # type: ignore[method-assign]
    report = world.once()
    assert held(report) == []
    assert len(world.there()) == 10
    world.in_step()


def test_what_fails_stays_approved_for_the_next_pass(world: World) -> None:
    from fluxsync.errors import Rejected

    delete(world, range(6))
    world.once()
    approve(world)

    def refusing(call: Call) -> object:
        if str(call) == "remote.trash" and call.name == "02.gif":
            raise Rejected("not now")
        return call.go_on()

    report = world.once(refusing)
    assert (report.result, report.trashed_remote) == (Result.PARTIAL, 5)
    with world.journal() as journal:
        assert [row.path for row in journal.approved()] == ["A/02.gif"]
        assert journal.held() == []
    delete(world, range(6, 10))
    assert world.once().result is Result.IN_STEP


def test_only_what_the_limits_hold_is_approved_by_a_pass_that_may_do_all(world: World) -> None:
    edit(world, range(10, 14), "edited")
    delete(world, range(6))
    report = world.once(approved=True)
    assert (report.trashed_remote, report.versions) == (6, 4)
    edit(world, [14], "edited")
    assert held(world.once()) == ["14"], "the four new contents were within the limit, so they count"


def test_rebuilding_forgets_what_is_held_and_approved(world: World) -> None:
    delete(world, range(6))
    world.once()
    approve(world)
    with world.journal() as journal:
        journal.forget_all()
        assert (journal.held(), journal.approved()) == ([], [])
