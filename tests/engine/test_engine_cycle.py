"""A pass from beginning to end: what it does, what it looks at again, what a dry run leaves alone."""

from __future__ import annotations

from pathlib import Path

import pytest
from engine_world import CHANGES, READS, SCENARIOS, WRITES, Call, Scenario, World

from fluxsync.engine.meter import Meter
from fluxsync.engine.report import Result
from fluxsync.engine.status import State, read
from fluxsync.errors import Halted, StateError, Unauthorized, Unavailable

each_scenario = pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda scenario: scenario.name)


@each_scenario
def test_a_pass_does_what_is_needed_and_the_next_one_nothing(scenario: Scenario, tmp_path: Path) -> None:
    world = scenario.world(tmp_path)
    contents = scenario.survives(world)
    report = world.once()
    assert report.result is Result.IN_STEP, report.failures
    assert set(scenario.actions) <= set(world.actions())
    assert contents <= world.contents()
    assert world.once().result is Result.IN_STEP
    assert set(world.actions()) <= {"remove-tag"}, "a tag that this pass emptied"
    scenario.check(world)


@each_scenario
def test_a_dry_run_changes_nothing_anywhere(scenario: Scenario, tmp_path: Path) -> None:
    world = scenario.world(tmp_path)
    with world.journal():
        pass  # a journal that is opened for the first time writes its own name
    before = world.everything()
    asked: set[str] = set()

    def listen(call: Call) -> object:
        asked.add(call.verb)
        return call.go_on()

    report = world.once(listen, dry_run=True)
    assert world.everything() == before
    assert not asked & (CHANGES | WRITES)
    assert report.plan is not None
    assert sorted(str(op.action) for op in report.plan) == sorted(scenario.actions)
    assert world.done == []


@each_scenario
def test_a_dry_run_counts_what_the_pass_then_does(scenario: Scenario, tmp_path: Path) -> None:
    world = scenario.world(tmp_path)
    would, did = world.once(dry_run=True).document(), world.once().document()
    names = "versions downloaded moved_local moved_remote trashed_local trashed_remote conflicts unchanged"
    assert {name: would[name] for name in names.split()} == {name: did[name] for name in names.split()}
    copies = 1 if would["conflicts"] else 0
    assert did["uploaded"] == would["uploaded"] + copies  # type: ignore[operator]


def test_both_sides_empty_is_in_step(tmp_path: Path) -> None:
    world = World(tmp_path)
    report = world.once()
    assert (report.result, report.unchanged, world.done) == (Result.IN_STEP, 0, [])


def test_the_figures_of_a_pass(tmp_path: Path) -> None:
    world = World(tmp_path)
    world.write("same.gif", "same")
    world.rest()
    world.write("up.gif", "12345")
    world.upload("down.gif", "123")
    report = world.once()
    assert (report.uploaded, report.downloaded, report.unchanged) == (1, 1, 1)
    assert (report.bytes_up, report.bytes_down) == (5, 3)
    with world.journal() as journal:
        row = journal.last_pass()
        assert row is not None
        assert row.ended is not None
        assert (row.result, row.counts["uploaded"], row.counts["downloaded"]) == ("in-step", 1, 1)
        done = {(event.action, event.path, event.outcome, event.bytes) for event in journal.history(limit=2)}
    assert done == {("create", "up.gif", "done", 5), ("download", "down.gif", "done", 3)}


def test_a_conflict_copy_is_sent_in_the_same_pass(tmp_path: Path) -> None:
    world = World(tmp_path)
    world.write("a.gif", "old")
    world.rest()
    world.write("a.gif", "mine")
    world.edit("a.gif", "theirs")
    report = world.once()
    assert (report.result, report.conflicts, report.uploaded) == (Result.IN_STEP, 1, 1)
    (copy,) = set(world.there()) - {"a.gif"}
    assert world.there() == {"a.gif": "theirs", copy: "mine"}
    with world.journal() as journal:
        (row,) = journal.conflicts()
    assert (row.path, row.copy_path) == ("a.gif", copy)


def test_what_a_limit_holds_back_is_named_and_everything_else_is_done(tmp_path: Path) -> None:
    world = World(tmp_path, most=2)
    for number in range(3):
        world.write(f"{number}.gif", f"{number}")
    world.rest()
    for number in range(3):
        world.remove(f"{number}.gif")
    world.write("new.gif", "new")
    report = world.once()
    assert report.result is Result.GUARDED
    assert sorted(held.change.path for held in report.held) == ["0.gif", "1.gif", "2.gif"]
    assert report.uploaded == 1
    assert len(world.there()) == 4
    with world.journal() as journal:
        assert len(journal.held()) == 3
    report = world.once(approved=True)
    assert (report.result, report.trashed_remote) == (Result.IN_STEP, 3)
    with world.journal() as journal:
        assert journal.held() == []
    world.in_step()


def test_what_was_approved_does_not_count_again(tmp_path: Path) -> None:
    world = World(tmp_path, most=2)
    for number in range(5):
        world.write(f"{number}.gif", f"{number}")
    world.rest()
    for number in range(3):
        world.remove(f"{number}.gif")
    world.once(approved=True)
    world.remove("3.gif")
    assert world.once().result is Result.IN_STEP
    world.in_step()


def test_a_limit_counts_what_earlier_passes_did(tmp_path: Path) -> None:
    world = World(tmp_path, most=2)
    for number in range(5):
        world.write(f"{number}.gif", f"{number}")
    world.rest()
    for number in range(2):
        world.remove(f"{number}.gif")
        assert world.once().result is Result.IN_STEP
    world.remove("2.gif")
    assert world.once().result is Result.GUARDED
    world.clock.now += 3601
    assert world.once().result is Result.IN_STEP


def test_a_changed_mapping_deletes_nothing_in_its_first_pass(tmp_path: Path) -> None:
    world = World(tmp_path)
    world.write("a.gif", "A")
    world.rest()
    with world.journal() as journal:
        journal.set_facts({"mapping": "another one"})
    world.purge("a.gif")
    world.once()
    assert world.here() == {"a.gif": "A"}


@pytest.mark.parametrize(
    ("error", "result"),
    [
        (Unavailable("no way"), Result.UNREACHABLE),
        (Unauthorized("no right"), Result.UNAUTHORIZED),
        (Halted("another account"), Result.GUARDED),
    ],
)
def test_a_list_that_fails_ends_the_pass_and_changes_nothing(
    tmp_path: Path, error: Exception, result: Result
) -> None:
    world = World(tmp_path)
    world.write("a.gif", "A")
    world.write("c.gif", "C")
    world.rest()
    world.write("b.gif", "B")
    world.purge("a.gif")
    before = (world.here(), world.there())

    def failing(call: Call) -> object:
        if str(call) == "remote.scan":
            raise error
        return call.go_on()

    report = world.once(failing)
    assert (report.result, report.message) == (result, str(error))
    assert (world.here(), world.there()) == before
    with world.journal() as journal:
        row = journal.last_pass()
    assert row is not None
    assert row.result == str(result)
    world.rest()


def test_a_root_that_is_gone_deletes_nothing(tmp_path: Path) -> None:
    world = World(tmp_path)
    world.write("a.gif", "A")
    world.rest()
    world.folder.missing = True
    assert world.once().result is Result.GUARDED
    assert world.there() == {"a.gif": "A"}


def test_a_journal_that_contradicts_itself_is_no_result_but_an_error(tmp_path: Path) -> None:
    world = World(tmp_path)
    world.write("a.gif", "A")

    def failing(call: Call) -> object:
        if str(call) == "journal.settle":
            raise StateError("the journal is inconsistent")
        return call.go_on()

    with pytest.raises(StateError):
        world.once(failing)


def test_phases_plan_and_operations_are_told(tmp_path: Path) -> None:
    world = World(tmp_path)
    world.write("a.gif", "A")
    phases: list[str] = []
    plans: list[int] = []
    world.once(on_phase=phases.append, on_plan=lambda plan: plans.append(len(plan)))
    assert phases == ["looking at both sides"]
    assert plans == [1]
    assert world.actions() == ["create"]


def test_a_second_pass_asks_for_no_content(tmp_path: Path) -> None:
    world = World(tmp_path)
    world.write("a.gif", "A")
    world.upload("b.gif", "B")
    world.rest()
    asked: list[str] = []

    def listen(call: Call) -> object:
        if call.verb in READS and call.who != "journal":
            asked.append(str(call))
        return call.go_on()

    world.once(listen)
    assert sorted(asked) == ["local.free_bytes", "local.scan", "remote.scan"]


def test_with_direction_up_the_folder_is_never_changed(tmp_path: Path) -> None:
    world = World(tmp_path, down=False)
    world.write("a.gif", "A")
    world.upload("b.gif", "B")
    touched: list[str] = []

    def listen(call: Call) -> object:
        if call.changes and call.who == "local":
            touched.append(str(call))
        return call.go_on()

    world.once(listen)
    assert touched == []
    assert world.there() == {"a.gif": "A", "b.gif": "B"}


def test_with_direction_down_the_account_is_never_changed(tmp_path: Path) -> None:
    world = World(tmp_path, up=False)
    world.write("New/a.gif", "A")
    world.upload("b.gif", "B")
    touched: list[str] = []

    def listen(call: Call) -> object:
        if call.changes and call.who == "remote":
            touched.append(str(call))
        return call.go_on()

    world.once(listen)
    assert touched == []
    assert world.here() == {"New/a.gif": "A", "b.gif": "B"}


def test_a_first_pass_merges_and_deletes_nothing(tmp_path: Path) -> None:
    world = World(tmp_path)
    for path in ("same.gif", "here.gif", "Sub/differs.gif"):
        world.write(path, f"here {path}" if path != "same.gif" else "same")
    for path in ("same.gif", "there.gif", "Sub/differs.gif"):
        world.upload(path, f"there {path}" if path != "same.gif" else "same")
    contents = world.contents()
    report = world.once()
    assert (report.trashed_local, report.trashed_remote, report.conflicts) == (0, 0, 1)
    assert contents == set(world.here().values()) == set(world.there().values())
    world.in_step()


def test_a_pass_that_was_broken_off_says_nothing_of_the_account(tmp_path: Path) -> None:
    """Whoever looks later reads that it was interrupted, and not that the account is away."""
    world, meter = World(tmp_path), Meter()
    world.write("a.gif", "a")

    def stop(call: Call) -> object:
        if call.verb == "put":
            meter.stop()
        return call.go_on()

    report = world.once(stop, meter=meter)
    assert (report.result, report.interrupted) == (Result.UNREACHABLE, True)
    with world.journal() as journal:
        row = journal.last_pass()
        assert row is not None
        assert (row.result, row.message) == ("partial", "interrupted; the next one continues")
        assert read(journal, 0.0, working=False).state is State.WAITING
    assert not world.once().interrupted
    world.in_step()
