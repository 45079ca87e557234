"""Plans: phases, what waits, what a direction leaves out, and that they stay fast."""

from __future__ import annotations

from dataclasses import replace

import pytest
from core_world import Account, Machine

from fluxsync.core.model import Action, Rename
from fluxsync.core.operations import ON_ACCOUNT, ON_DISK, Plan


def in_step(*paths: str, **more: object) -> Machine:
    machine = Machine(Account(), **more)
    for path in paths:
        machine.write(path, path)
    machine.sync()
    return machine


def asset(machine: Machine, content: str):
    return next(a for a in machine.account.assets.values() if a.content == content)


def busy_plan() -> Plan:
    """Return a plan with something in each phase."""
    machine = in_step("A/x.gif", "B/y.gif", "C/z.gif")
    machine.move_folder("A", "A2")
    asset(machine, "B/y.gif").home = ""
    machine.write("N/new.gif", "new")
    asset(machine, "C/z.gif").trashed = True
    return machine.planned()


def test_each_phase_holds_its_own_actions() -> None:
    plan = busy_plan()
    assert {op.action for op in plan.tags} == {Action.RENAME_TAG, Action.MAKE_TAG}
    assert {op.action for op in plan.local} == {Action.TRASH_LOCAL, Action.MOVE_LOCAL}
    assert {op.action for op in plan.transfers} == {Action.CREATE}
    assert {op.action for op in plan.cleanup} == {Action.REMOVE_FOLDER}
    assert len(plan) == len(list(plan)) == 7


def test_every_operation_says_why_and_folders_have_subjects_of_their_own() -> None:
    plan = busy_plan()
    assert all(op.why for op in plan)
    folders = {Action.RENAME_TAG, Action.MAKE_TAG, Action.MAKE_FOLDER, Action.REMOVE_FOLDER}
    on_folders = [op.subject for op in plan if op.action in folders]
    assert len(set(on_folders)) == len(on_folders)
    assert not set(on_folders) & {op.subject for op in plan if op.action not in folders}


def test_every_action_that_moves_something_is_on_one_side() -> None:
    assert not ON_ACCOUNT & ON_DISK
    assert set(Action) - ON_ACCOUNT - ON_DISK == {Action.ADOPT, Action.HOLD}


@pytest.mark.parametrize(("up", "down", "allowed"), [(True, False, ON_ACCOUNT), (False, True, ON_DISK)])
def test_a_direction_plans_nothing_on_the_side_that_it_leaves_alone(
    up: bool, down: bool, allowed: frozenset[Action]
) -> None:
    machine = in_step("A/x.gif", "B/y.gif", "C/z.gif", "w.gif")
    machine.up, machine.down = up, down
    machine.move_folder("A", "A2")
    machine.account.tags |= {asset(machine, "B/y.gif").home: "B2"}
    asset(machine, "C/z.gif").trashed = True
    machine.write("N/new.gif", "new")
    machine.move("w.gif", "N/w.gif")
    del machine.files["B/y.gif"]
    assert {op.action for op in machine.planned()} <= allowed


def test_a_file_that_a_direction_leaves_alone_is_not_written_down_as_moved() -> None:
    machine = in_step("A/x.gif")
    machine.up = False
    machine.move_folder("A", "B")
    machine.cycle()
    machine.up = True
    machine.sync()
    machine.check_rest()
    assert list(machine.account.tags.values()) == ["B"]


def test_a_held_deletion_keeps_its_place() -> None:
    """A newcomer under the name of a file that must not go yet waits, or gets its id."""
    from fluxsync.core.plan import PlanPolicy, make_plan

    machine = in_step("x.gif")
    asset(machine, "x.gif").trashed = True
    machine.account.upload("", "x.gif", "other")
    result, local, remote = machine.reconciled()
    go = [change for change in result.changes if change.local is None]
    plan = make_plan(result, go, local, remote, PlanPolicy())
    assert all(op.path != "x.gif" for op in plan)
    assert plan.deferred == ["x.gif"]


def test_a_rename_and_a_move_here_are_a_retag_and_a_version() -> None:
    machine = in_step("A/x.gif", "B/y.gif")
    machine.move("A/x.gif", "B/z.gif")
    assert [op.action for op in machine.planned()] == [Action.MOVE_REMOTE, Action.VERSION]
    machine.rename = Rename.TITLE
    (op,) = machine.planned()
    assert (op.action, op.name) == (Action.MOVE_REMOTE, "z.gif")


def test_missing_labels_are_put_on() -> None:
    machine = in_step("x.gif")
    machine.look_there = lambda s: replace(
        s, files={key: replace(entry, mislabelled=True) for key, entry in s.files.items()}
    )
    assert [op.action for op in machine.planned()] == [Action.LABEL]
