"""What fits is done, small files first; the rest is named."""

from __future__ import annotations

from pathlib import Path

import pytest
from engine_world import World, operation

from fluxsync.core.model import Action, Side
from fluxsync.core.operations import Plan
from fluxsync.engine.budget import fit
from fluxsync.engine.report import Result

UP = (Action.CREATE, Action.VERSION)
DOWN = (Action.DOWNLOAD, Action.CONFLICT)


def plan(*sizes: int, action: Action = Action.CREATE) -> Plan:
    return Plan(
        transfers=[operation(action, f"{size}.gif", number, size) for number, size in enumerate(sizes)]
    )


def paths(plan: Plan) -> list[str]:
    return [op.path for op in plan.transfers]


@pytest.mark.parametrize(
    ("free", "fits"),
    [
        (60, [30, 10, 20]),
        (59, [10, 20]),
        (30, [10, 20]),
        (29, [10]),
        (9, []),
        (0, []),
        (None, [30, 10, 20]),
    ],
)
@pytest.mark.parametrize("action", [*UP, *DOWN])
def test_small_files_first_in_their_old_order(action: Action, free: int | None, fits: list[int]) -> None:
    made = plan(30, 10, 20, action=action)
    up = action in UP
    refused = fit(made, free_here=None if up else free, free_there=free if up else None)
    problems = [problem for side in refused.values() for problem in side]
    assert paths(made) == [f"{size}.gif" for size in fits]
    assert {problem.path for problem in problems} == {f"{s}.gif" for s in (30, 10, 20) if s not in fits}


def test_what_does_not_fit_is_named_with_its_size_and_the_side() -> None:
    ((problem,),) = fit(plan(10, 3000), free_here=None, free_there=20).values()
    assert problem.path == "3000.gif"
    assert problem.reason == "no room for its 3,000 bytes on the account: 20 free, 3,010 to come"
    assert not problem.harmless
    ((problem,),) = fit(plan(10, 3000, action=Action.DOWNLOAD), free_here=20, free_there=None).values()
    assert "on the disk" in problem.reason


def test_the_room_on_one_side_is_no_matter_to_the_other() -> None:
    made = Plan(
        transfers=[
            operation(Action.CREATE, "up.gif", 1, 10),
            operation(Action.DOWNLOAD, "down.gif", 2, 10),
        ]
    )
    problems = fit(made, free_here=0, free_there=10)
    assert paths(made) == ["up.gif"]
    assert [problem.path for problem in problems[Side.LOCAL]] == ["down.gif"]


def test_a_subject_that_does_not_fit_loses_its_later_steps_too() -> None:
    made = Plan(
        transfers=[
            operation(Action.VERSION, "a.gif", 1, 10),
            operation(Action.MOVE_REMOTE, "a.gif", 1),
            operation(Action.MOVE_REMOTE, "b.gif", 2),
        ]
    )
    fit(made, free_here=None, free_there=5)
    assert [(op.action, op.path) for op in made.transfers] == [(Action.MOVE_REMOTE, "b.gif")]


def test_what_moves_no_bytes_always_fits() -> None:
    made = Plan(transfers=[operation(Action.TRASH_REMOTE), operation(Action.MOVE_REMOTE, subject=2)])
    assert fit(made, free_here=0, free_there=0) == {}
    assert len(made.transfers) == 2


def test_empty_files_fit_where_nothing_else_does() -> None:
    made = plan(0, 1)
    fit(made, free_here=None, free_there=0)
    assert paths(made) == ["0.gif"]


@pytest.mark.parametrize("side", ["here", "there"])
def test_a_pass_does_what_fits_and_names_the_rest(tmp_path: Path, side: str) -> None:
    world = World(tmp_path)
    for name, size in (("large.gif", 50), ("small.gif", 5)):
        if side == "there":
            world.write(name, "x" * size)
        else:
            world.upload(name, "x" * size)
    world.account.room = 20 if side == "there" else None
    world.folder.room = 20 if side == "here" else 1 << 40
    report = world.once()
    assert report.result is Result.PARTIAL
    assert set(report.failures) == {"large.gif"}
    assert (report.uploaded, report.downloaded) == ((1, 0) if side == "there" else (0, 1))
    world.account.room, world.folder.room = None, 1 << 40
    world.rest()
    world.in_step()


def test_the_account_is_asked_for_its_room_only_where_something_goes_up(tmp_path: Path) -> None:
    world = World(tmp_path)
    world.upload("a.gif", "A")
    asked: list[str] = []

    def listen(call: object) -> object:
        asked.append(str(call))
        return call.go_on()  # type: ignore[attr-defined]

    world.once(listen)
    assert "remote.free_bytes" not in asked
    world.write("b.gif", "B")
    world.once(listen)
    assert asked.count("remote.free_bytes") == 1
