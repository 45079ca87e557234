"""The journal as one plan needs it: sent before, settled after, each subject where its steps have left it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from engine_world import Clock, local_entry, operation

from fluxsync.core.folders import Node
from fluxsync.core.model import Action, Entry, Item, Kind, Place, State
from fluxsync.core.operations import Operation, Plan
from fluxsync.engine.ledger import Ledger
from fluxsync.engine.steps import Standing, Step
from fluxsync.state.journal import Journal

ROOT = Node("", "")


@pytest.fixture
def journal() -> Journal:
    return Journal.in_memory()


def ledger(journal: Journal, plan: Plan, **more: Any) -> Ledger:
    given: dict[str, Any] = {"approved": (), "clock": Clock(), "on_done": lambda operation: None}
    return Ledger(journal, plan, pass_number=1, **given | more)


def row(path: str, key: str = "7", number: int = 0) -> Item:
    return Item(number, Kind.FILE, path, key, "", path, size=1, digest="d")


def asset(key: str = "7") -> Entry:
    return Entry(Kind.FILE, Place("", "a.gif"), key=key)


def create(path: str = "a.gif", subject: int = 1) -> Operation:
    return operation(Action.CREATE, path, subject, local=local_entry(path), node=ROOT, name=path)


def test_a_planned_operation_is_in_nobodys_doubt(journal: Journal) -> None:
    ledger(journal, Plan(transfers=[create()]))
    assert journal.unsettled() == []


def test_a_sent_operation_is_in_doubt_with_its_intent(journal: Journal) -> None:
    operations = [create("a.gif"), create("b.gif", 2)]
    book = ledger(journal, Plan(transfers=operations))
    book.mark_sent([book.task([operations[0]])], "100", versions=True)
    (sent,) = journal.unsettled()
    assert sent.intent is not None
    assert (sent.path, sent.intent.place, sent.intent.digest, sent.intent.mark) == (
        "a.gif",
        Place("", "a.gif"),
        "d",
        "100",
    )


def test_an_outcome_waits_until_it_is_settled_and_then_is_in_the_ancestor(journal: Journal) -> None:
    told: list[Operation] = []
    only = create()
    book = ledger(journal, Plan(transfers=[only]), on_done=told.append)
    task = book.task([only])
    book.mark_sent([task], "", versions=True)
    book.done(task, [Step(Standing(row("a.gif"), only.local, asset()), row("a.gif"), bytes=5)])
    assert journal.items() == []
    assert [op.path for op in told] == [op.path for op in book.result.done] == ["a.gif"]
    book.settle()
    (written,) = journal.items()
    assert written == row("a.gif", number=written.id)
    assert journal.unsettled() == []
    (event,) = journal.history()
    assert (event.action, event.path, event.asset_id, event.bytes) == ("create", "a.gif", "7", 5)


def test_settling_twice_writes_once(journal: Journal) -> None:
    only = create()
    book = ledger(journal, Plan(transfers=[only]))
    task = book.task([only])
    book.mark_sent([task], "", versions=True)
    book.done(task, [Step(Standing(row("a.gif"), only.local, asset()), row("a.gif"))])
    book.settle()
    book.settle()
    assert len(journal.items()) == 1


def test_a_later_step_of_a_subject_goes_on_with_the_row_that_was_written(journal: Journal) -> None:
    first = create()
    second = operation(Action.MOVE_REMOTE, "a.gif", 1)
    book = ledger(journal, Plan(transfers=[first, second]))
    task = book.task([first])
    book.mark_sent([task], "", versions=True)
    book.done(task, [Step(Standing(row("a.gif"), first.local, asset()), row("a.gif"))])
    book.settle()
    (written,) = journal.items()
    standing = book.standing(second)
    assert standing.item == written
    assert standing.remote == asset()


def test_of_several_steps_the_last_row_is_written_and_each_is_in_the_history(journal: Journal) -> None:
    (old,) = journal.advance([row("a.gif")])
    steps = [
        operation(Action.VERSION, "a.gif", 1, item=old, local=local_entry("a.gif"), remote=asset()),
        operation(Action.MOVE_REMOTE, "a.gif", 1, item=old, remote=asset()),
    ]
    book = ledger(journal, Plan(transfers=steps))
    task = book.task(steps)
    book.mark_sent([task], "", versions=True)
    versioned, moved = replace(old, revision=1), replace(old, revision=1, folder="9")
    book.done(
        task,
        [
            Step(Standing(versioned, steps[0].local, asset()), versioned),
            Step(Standing(moved, steps[0].local, asset()), moved),
        ],
    )
    book.settle()
    assert journal.items() == [moved]
    assert [event.action for event in journal.history()] == ["move-remote", "version"]


def test_a_place_is_agreed_on_only_when_every_step_was_done(journal: Journal) -> None:
    (old,) = journal.advance([row("old.gif")])
    steps = [
        operation(Action.VERSION, "new.gif", 1, item=old, local=local_entry("new.gif"), remote=asset()),
        operation(Action.MOVE_REMOTE, "new.gif", 1, item=old, remote=asset()),
    ]
    book = ledger(journal, Plan(transfers=steps))
    task = book.task(steps)
    book.mark_sent([task], "", versions=True)
    versioned = replace(old, path="new.gif", revision=1)
    book.done(task, [Step(Standing(versioned, steps[0].local, asset()), versioned)])
    book.problem(task.after(1), "no")
    book.settle()
    (written,) = journal.items()
    assert (written.path, written.revision) == ("old.gif", 1)
    assert journal.unsettled() == []


def test_a_step_that_forgets_its_item_leaves_none(journal: Journal) -> None:
    (old,) = journal.advance([row("a.gif")])
    only = operation(Action.TRASH_LOCAL, item=old, local=local_entry("a.gif"))
    book = ledger(journal, Plan(local=[only]))
    task = book.task([only])
    book.mark_sent([task], "", versions=True)
    book.done(task, [Step(Standing(), forget=old.id)])
    book.settle()
    assert journal.items() == []


def test_what_a_renamed_folder_carries_advances_with_it(journal: Journal) -> None:
    folder, inside = journal.advance(
        [Item(0, Kind.FOLDER, "Old", "5", "", "Old"), row("Old/a.gif")],
    )
    entry = Entry(Kind.FOLDER, Place("", "Old"))
    carried = replace(inside, path="New/a.gif")
    rename = operation(
        Action.RENAME_FOLDER, "Old", 1, item=folder, local=entry, target="New", carries=(carried,)
    )
    book = ledger(journal, Plan(local=[rename]))
    task = book.task([rename])
    book.mark_sent([task], "", versions=True)
    renamed = replace(folder, path="New")
    book.done(task, [Step(Standing(renamed, entry, None), renamed, also=rename.carries)])
    book.settle()
    assert {item.path for item in journal.items()} == {"New", "New/a.gif"}


def test_after_a_folder_was_renamed_files_below_it_are_found_at_their_new_path(journal: Journal) -> None:
    rename = operation(Action.RENAME_FOLDER, "Old", 1, target="New")
    below = operation(Action.VERSION, "New/Sub/a.gif", 2, local=local_entry("Old/Sub/a.gif"))
    beside = operation(Action.VERSION, "Older/a.gif", 3, local=local_entry("Older/a.gif"))
    folder = operation(Action.REMOVE_FOLDER, "New/Sub", 4, local=Entry(Kind.FOLDER, Place("", "Old/Sub")))
    book = ledger(journal, Plan(local=[rename], transfers=[below, beside], cleanup=[folder]))
    task = book.task([rename])
    book.mark_sent([task], "", versions=True)
    book.done(task, [Step(Standing())])
    paths = [book.standing(op).local for op in (below, beside, folder)]
    assert [entry.path for entry in paths if entry is not None] == ["New/Sub/a.gif", "Older/a.gif", "New/Sub"]


@pytest.mark.parametrize("outcome", ["stale", "problem", "drop"])
def test_what_was_not_done_ends_its_subject_and_its_rows(journal: Journal, outcome: str) -> None:
    (old,) = journal.advance([row("a.gif")])
    steps = [
        operation(Action.VERSION, "a.gif", 1, item=old, remote=asset()),
        operation(Action.MOVE_REMOTE, "a.gif", 1, item=old, remote=asset()),
    ]
    book = ledger(journal, Plan(transfers=steps))
    task = book.task(steps)
    book.mark_sent([task], "", versions=True)
    assert not book.has_failed(1)
    if outcome == "drop":
        book.drop(task)
    else:
        getattr(book, outcome)(task, "no")
    assert book.has_failed(1)
    assert not book.has_failed(2)
    book.settle()
    assert (journal.unsettled(), journal.items()) == ([], [old])
    named = [(p.path, p.reason) for p in (*book.result.stale, *book.result.problems)]
    assert named == ([] if outcome == "drop" else [("a.gif", "no")])
    assert [e.outcome for e in journal.history()] == (["problem"] if outcome == "problem" else [])


def test_a_conflict_is_noted_with_both_names(journal: Journal) -> None:
    only = operation(Action.CONFLICT, "a.gif", remote=asset(), target="a (conflicted copy).gif")
    book = ledger(journal, Plan(transfers=[only]))
    task = book.task([only])
    book.mark_sent([task], "", versions=True)
    book.done(task, [Step(Standing(None, local_entry("a.gif"), asset()))])
    (conflict,) = journal.conflicts()
    assert (conflict.path, conflict.copy_path, conflict.asset_id) == ("a.gif", "a (conflicted copy).gif", "7")


@pytest.mark.parametrize(
    ("state", "approved", "counts"),
    [
        (State.AGREED, False, True),
        (State.AGREED, True, False),
        (State.SUPERSEDED, False, False),
        (State.TRASHED, False, False),
        (None, False, False),
    ],
)
def test_only_what_happens_to_an_agreed_file_counts_against_a_limit(
    journal: Journal, state: State | None, approved: bool, counts: bool
) -> None:
    item = None if state is None else journal.advance([replace(row("a.gif"), state=state)])[0]
    only = operation(Action.TRASH_REMOTE, item=item, remote=asset())
    book = ledger(journal, Plan(transfers=[only]), approved=[only.subject] if approved else [])
    task = book.task([only])
    book.mark_sent([task], "", versions=True)
    book.done(task, [Step(Standing())])
    book.settle()
    assert journal.recent(["trash-remote"], 0) == ({"": 1} if counts else {})


def test_a_version_that_only_renames_does_not_count_as_new_content(journal: Journal) -> None:
    (old,) = journal.advance([row("a.gif")])
    only = operation(Action.VERSION, "b.gif", item=old, local=local_entry("b.gif"), remote=asset())
    book = ledger(journal, Plan(transfers=[only]))
    task = book.task([only])
    book.mark_sent([task], "", versions=True)
    book.done(task, [Step(Standing(old, only.local, asset()), old)])
    book.settle()
    assert journal.recent(["version"], 0) == {}


def test_outcomes_are_settled_by_count_and_by_time(journal: Journal) -> None:
    clock = Clock()
    operations = [create(f"{number}.gif", number) for number in range(130)]
    book = ledger(journal, Plan(transfers=operations), clock=clock)
    tasks = [book.task([op]) for op in operations]
    book.mark_sent(tasks, "", versions=True)

    def done(number: int) -> None:
        path = operations[number].path
        step = Step(Standing(row(path), operations[number].local, asset()), row(path, str(number)))
        book.done(tasks[number], [step])

    for number in range(127):
        done(number)
    assert journal.items() == []
    done(127)
    assert len(journal.items()) == 128
    done(128)
    assert len(journal.items()) == 128
    clock.now += 1
    done(129)
    assert len(journal.items()) == 130
