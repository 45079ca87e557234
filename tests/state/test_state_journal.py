"""Operations from plan to settlement: what a crash leaves, what is one transaction, what the limits count."""

from __future__ import annotations

import json
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

import fluxsync
from fluxsync.core.model import Intent, Item, Kind, Place, Problem, Stamp, State
from fluxsync.core.put_aside import PutAside
from fluxsync.errors import StateError
from fluxsync.state.journal import ConflictRow, Event, HeldRow, Journal, Planned, Sent, Settlement


class Clock:
    def __init__(self) -> None:
        self.now = 1_000_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def journal(tmp_path: Path, clock: Clock) -> Iterator[Journal]:
    journal = Journal.open(tmp_path / "journal.sqlite", clock=clock)
    yield journal
    journal.close()


def an_item(path: str, key: str = "1", **changes: object) -> Item:
    item = Item(0, Kind.FILE, path, key, "", path, 1, 10, "ab" * 32, Stamp(10, 1, 2, 3))
    return replace(item, **changes)  # type: ignore[arg-type]


def an_event(path: str, action: str = "create", time: float = 1.0, **changes: object) -> Event:
    return replace(Event(time, 1, action, path, "1", "done"), **changes)  # type: ignore[arg-type]


INTENT = Intent(Place("7", "ü\udcff.jpg"), 10, "ab" * 32, "18555 3")


def test_an_operation_is_planned_sent_settled(journal: Journal) -> None:
    number = journal.begin_pass(5)
    first, second = journal.plan(
        number, [Planned("create", "a.jpg", "", 0, "new here"), Planned("version", "b.jpg", "9", 4, "edited")]
    )
    assert journal.unsettled() == []
    journal.mark_sent([first], {first: INTENT})
    assert journal.unsettled() == [Sent(first, number, "create", "a.jpg", "", 0, INTENT)]
    (written,) = journal.settle([Settlement(first, "done", an_item("a.jpg", "77"))])
    assert written.id > 0
    assert journal.items() == [written]
    assert journal.unsettled() == []
    journal.mark_sent([second], {})
    assert [row.intent for row in journal.unsettled()] == [None]


@pytest.mark.parametrize("version", [True, False], ids=["version", "written by an older fluxsync"])
def test_an_intent_survives(journal: Journal, version: bool) -> None:
    number = journal.begin_pass(5)
    (row,) = journal.plan(number, [Planned("version", "b.jpg", "9", 4, "edited")])
    intent = replace(INTENT, key="9", revision=3) if version else INTENT
    journal.mark_sent([row], {row: intent})
    if not version:
        old = [intent.place.folder, intent.place.name, intent.size, intent.digest, intent.mark]
        with journal._database.transaction(flush=True) as cursor:
            cursor.execute("UPDATE operations SET intent = ?", (json.dumps(old),))
    assert [sent.intent for sent in journal.unsettled()] == [intent]


def test_only_what_was_sent_is_in_doubt_after_a_kill(tmp_path: Path) -> None:
    """The program ends right after `mark_sent`: those rows are there, and the planned ones are dropped."""
    path = tmp_path / "journal.sqlite"
    program = """
import os, sys
from pathlib import Path
from fluxsync.core.model import Intent, Place
from fluxsync.state.journal import Journal, Planned
journal = Journal.open(Path(sys.argv[1]))
number = journal.begin_pass(0)
ids = journal.plan(number, [Planned("create", f"{i}.jpg", "", 0, "new here") for i in range(4)])
journal.mark_sent(ids[:2], {i: Intent(Place("", f"{i}.jpg"), 1, "d", "m") for i in ids[:2]})
os._exit(9)
"""
    done = subprocess.run(
        [sys.executable, "-c", program, str(path)], check=False, cwd=Path(fluxsync.__file__).parents[1]
    )
    assert done.returncode == 9
    journal = Journal.open(path)
    assert journal.set_aside is None
    journal.forget_planned()
    assert [(row.path, row.intent is not None) for row in journal.unsettled()] == [
        ("0.jpg", True),
        ("1.jpg", True),
    ]
    last = journal.last_pass()
    assert last is not None
    assert (last.ended, last.result) == (None, "")
    journal.close()


@pytest.mark.parametrize("table", ["items", "history", "operations"])
def test_a_settlement_is_all_or_nothing(journal: Journal, table: str) -> None:
    """Wherever it fails, operation, ancestor and history are as before, and settling again works."""
    number = journal.begin_pass(0)
    (kept,) = journal.advance([an_item("old.jpg", "5")])
    ids = journal.plan(
        number, [Planned("create", "a.jpg", "", 0, ""), Planned("trash-remote", "old.jpg", "5", 1, "")]
    )
    journal.mark_sent(ids, {})
    before = (journal.items(), journal.unsettled(), journal.history())
    settlements = [
        Settlement(ids[0], "done", an_item("a.jpg"), event=an_event("a.jpg")),
        Settlement(ids[1], "done", forget=kept.id, event=an_event("old.jpg", "trash-remote")),
    ]
    verb = "DELETE" if table == "operations" else "INSERT"
    connection = journal._database.connection
    connection.execute(
        f"CREATE TRIGGER fault BEFORE {verb} ON {table} BEGIN SELECT raise(ABORT, 'injected'); END"
    )
    with pytest.raises(StateError, match="injected"):
        journal.settle(settlements)
    assert (journal.items(), journal.unsettled(), journal.history()) == before
    connection.execute("DROP TRIGGER fault")
    journal.settle(settlements)
    assert [item.path for item in journal.items()] == ["a.jpg"]
    assert [event.path for event in journal.history()] == ["old.jpg", "a.jpg"]
    assert journal.unsettled() == []


def test_settling_twice_is_refused(journal: Journal) -> None:
    (number,) = journal.plan(1, [Planned("create", "a.jpg", "", 0, "")])
    journal.settle([Settlement(number, "done", an_item("a.jpg"))])
    with pytest.raises(StateError, match="not in the journal"):
        journal.settle([Settlement(number, "done", an_item("a.jpg"))])
    assert len(journal.items()) == 1


def test_sending_what_was_never_planned_is_refused(journal: Journal) -> None:
    with pytest.raises(StateError, match="not in the journal"):
        journal.mark_sent([17], {})


def test_settlements_return_their_items_in_order_with_ids(journal: Journal) -> None:
    old = journal.advance([an_item("x"), an_item("y")])
    ids = journal.plan(1, [Planned("move-local", "x", "", 1, ""), Planned("create", "z", "", 0, "")])
    written = journal.settle(
        [
            Settlement(ids[0], "done", replace(old[0], path="y"), also=(replace(old[1], path="x"),)),
            Settlement(ids[1], "done", an_item("z")),
        ]
    )
    assert [(item.id, item.path) for item in written] == [(1, "y"), (2, "x"), (3, "z")]
    assert journal.items() == written


def test_the_last_word_in_a_batch_counts(journal: Journal) -> None:
    (old,) = journal.advance([an_item("x")])
    ids = journal.plan(1, [Planned("move-local", "x", "", 1, ""), Planned("trash-local", "y", "", 1, "")])
    journal.settle(
        [Settlement(ids[0], "done", replace(old, path="y")), Settlement(ids[1], "done", forget=old.id)]
    )
    assert journal.items() == []
    (newer,) = journal.advance([an_item("x")])
    assert newer.id > old.id


def test_a_done_operation_is_in_the_history_without_being_asked(journal: Journal, clock: Clock) -> None:
    number = journal.begin_pass(0)
    ids = journal.plan(number, [Planned("trash-remote", p, "5", 0, "") for p in ("a", "b", "c")])
    journal.settle([Settlement(ids[0], "done"), Settlement(ids[1], "stale"), Settlement(ids[2], "dropped")])
    assert journal.history() == [Event(clock.now, number, "trash-remote", "a", "5", "done")]


def test_the_limits_count_what_was_done_lately_and_not_approved(journal: Journal) -> None:
    journal.record(
        [
            an_event("a", "trash-remote", 100.0),
            an_event("b", "trash-remote", 200.0),
            an_event("c", "trash-local", 201.0),
            an_event("d", "trash-remote", 202.0, approved=True),
            an_event("e", "trash-remote", 203.0, outcome="problem"),
            an_event("f", "create", 204.0),
        ]
    )
    assert journal.recent(["trash-remote", "trash-local"], 150.0) == {"": 2}
    assert journal.recent(["trash-remote"], 200.0) == {}
    assert journal.recent(["trash-remote"], 0.0) == {"": 2}
    assert journal.recent([], 0.0) == {}


def test_the_most_that_was_tracked_within_a_time(journal: Journal, clock: Clock) -> None:
    for clock.now, tracked in ((100.0, 900), (200.0, 50), (300.0, 70)):
        journal.begin_pass(tracked)
    assert journal.most_tracked(100.0, 5) == 900
    assert journal.most_tracked(150.0, 5) == 70
    assert journal.most_tracked(400.0, 5) == 5


def test_digests_go_when_an_item_holds_that_revision(journal: Journal) -> None:
    journal.remember_digests({("1", 3): "a", ("1", 4): "b", ("2", 0): "c"})
    journal.advance([an_item("x", "1", revision=3)])
    assert journal.digests() == {("1", 4): "b", ("2", 0): "c"}
    (number,) = journal.plan(1, [Planned("adopt", "y", "2", 0, "")])
    journal.settle([Settlement(number, "done", an_item("y", "2", revision=0))])
    assert journal.digests() == {("1", 4): "b"}


def test_a_folder_with_the_same_number_leaves_digests_alone(journal: Journal) -> None:
    journal.remember_digests({("1", 0): "a"})
    journal.advance([an_item("Folder", "1", revision=0, kind=Kind.FOLDER)])
    assert journal.digests() == {("1", 0): "a"}


@pytest.mark.parametrize("name", ["100%_a", "a*b?", "[x]", "ü'\"", "a\udcff"])
def test_history_of_a_path_is_its_own_and_what_is_below(journal: Journal, name: str) -> None:
    inside = [name, f"{name}/x", f"{name}/y/z"]
    outside = ["100xxa", "100%xa/x", f"{name} (2)", f"{name}0", f"{name}.jpg", f"b/{name}/x", name[:-1]]
    journal.record([an_event(path) for path in (*inside, *outside)])
    assert [event.path for event in journal.history(name)] == inside[::-1]
    assert len(journal.history()) == 10
    assert len(journal.history(limit=4)) == 4


def test_old_events_and_quiet_passes_go(journal: Journal, clock: Clock) -> None:
    day = 86_400.0
    journal.begin_pass(1)
    journal.end_pass(1, "in-step", {})
    journal.begin_pass(1)
    journal.record([an_event("old", time=clock.now, pass_number=2)])
    clock.now += 390 * day
    journal.begin_pass(1)
    assert len(journal.history()) == 1
    assert journal.last_in_step() == 1_000_000.0
    clock.now += 20 * day
    journal.begin_pass(1)
    assert journal.history() == []
    numbers = [number for (number,) in journal._database.rows("SELECT number FROM passes ORDER BY number")]
    assert numbers == [1, 4]


def test_the_last_pass_is_remembered(journal: Journal, clock: Clock) -> None:
    assert journal.last_pass() is None
    number = journal.begin_pass(7)
    clock.now += 5
    journal.end_pass(number, "partial", {"uploaded": 3, "seconds": 1.5})
    last = journal.last_pass()
    assert last is not None
    assert (last.number, last.started, last.ended, last.tracked) == (1, 1_000_000.0, 1_000_005.0, 7)
    assert (last.result, last.counts) == ("partial", {"uploaded": 3, "seconds": 1.5})
    assert journal.last_in_step() is None


def test_problems_are_replaced_and_remember_since_when(journal: Journal, clock: Clock) -> None:
    journal.set_problems([Problem("a", "x"), Problem("b", "y", harmless=True)], 1)
    clock.now += 60
    journal.set_problems([Problem("b", "z"), Problem("c", "\ud800")], 2)
    assert [row.problem for row in journal.problem_rows()] == [Problem("b", "z"), Problem("c", "\ud800")]
    assert [row.since for row in journal.problem_rows()] == [1_000_000.0, 1_000_060.0]


def test_held_and_conflicts(journal: Journal) -> None:
    journal.set_held([HeldRow("trash-remote", "a", "5", "too many")])
    journal.set_held([HeldRow("trash-remote", "b", "6", "too many")])
    assert journal.held() == [HeldRow("trash-remote", "b", "6", "too many")]
    rows = [ConflictRow("a", "a (copy)", "5", 1.0), ConflictRow("b", "b (copy)", "6", 2.0)]
    for row in (*rows, rows[0]):
        journal.add_conflict(row)
    assert journal.conflicts() == rows
    journal.set_conflicts(rows[1:])
    assert journal.conflicts() == rows[1:]


def test_facts_are_set_and_taken_away(journal: Journal) -> None:
    journal.set_facts({"root_id": "abc", "account": "x"})
    journal.set_facts({"root_id": "def", "account": None})
    assert (journal.fact("root_id"), journal.fact("account")) == ("def", None)


def test_the_tally_follows_the_ancestor_whoever_moves_it(journal: Journal, tmp_path: Path) -> None:
    reading = Journal.peek(tmp_path / "journal.sqlite")
    assert reading is not None

    def counts() -> list[dict[tuple[Kind, State], tuple[int, int]]]:
        assert journal.tracked() == reading.tracked() == journal.tally().get(files, (0, 0))[0]
        return [journal.tally(), reading.tally()]

    with closing(reading):
        files, kept = (Kind.FILE, State.AGREED), (Kind.FILE, State.KEPT_HERE)
        assert counts() == [{}] * 2
        (first, _) = journal.advance([an_item("a"), an_item("b", "2", size=5)])
        assert counts() == [{files: (2, 15)}] * 2
        (operation,) = journal.plan(1, [Planned("create", "c", "", 0, "new here")])
        journal.mark_sent([operation], {})
        journal.settle([Settlement(operation, "done", an_item("c", "3", state=State.KEPT_HERE))])
        assert counts() == [{files: (2, 15), kept: (1, 10)}] * 2
        journal.advance([], [first.id])
        assert counts() == [{files: (1, 5), kept: (1, 10)}] * 2
        journal.forget_all()
        assert counts() == [{}] * 2


def test_a_rebuild_forgets_both_sides_and_keeps_the_history(journal: Journal) -> None:
    journal.set_facts({"root_id": "abc", "paused": "yes"})
    journal.advance([an_item("x")])
    journal.plan(1, [Planned("create", "a.jpg", "", 0, "")])
    journal.remember_digests({("9", 3): "a"})
    journal.set_problems([Problem("a", "x")], 1)
    journal.set_held([HeldRow("trash-remote", "b", "6", "too many")])
    journal.add_conflict(ConflictRow("a", "a (copy)", "5", 1.0))
    journal.record([an_event("x")])
    known = journal.journal_id
    journal.forget_all()
    assert journal.items() == []
    assert journal.unsettled() == []
    assert journal.digests() == {}
    assert (journal.problem_rows(), journal.held(), journal.conflicts()) == ([], [], [])
    assert (journal.fact("root_id"), journal.fact("paused")) == (None, "yes")
    assert journal.fact("journal_id") == known
    assert len(journal.history()) == 1


def test_an_agreement_is_on_the_disk_when_the_call_returns(tmp_path: Path) -> None:
    """Transactions that record something binding run with synchronous=FULL, the others without."""
    journal = Journal.open(tmp_path / "journal.sqlite")
    seen: list[tuple[str, int]] = []
    database = journal._database
    original = database.connection

    class Watched:
        def __getattr__(self, name: str) -> object:
            return getattr(original, name)

        def execute(self, sql: str, *rest: object) -> sqlite3.Cursor:
            if sql == "COMMIT":
                (mode,) = original.execute("PRAGMA synchronous").fetchone()
                seen.append((step, mode))
            return original.execute(sql, *rest)  # type: ignore[arg-type]

    database.connection = Watched()  # type: ignore[assignment]
    step = "plan"
    ids = journal.plan(1, [Planned("create", "a.jpg", "", 0, "")])
    step = "sent"
    journal.mark_sent(ids, {})
    step = "settle"
    journal.settle([Settlement(ids[0], "done", an_item("a.jpg"))])
    step = "advance"
    journal.advance([an_item("b.jpg")])
    step = "facts"
    journal.set_facts({"root_id": "x"})
    full = 2
    assert [name for name, mode in seen if mode == full] == ["sent", "settle", "advance", "facts"]
    assert [name for name, _ in seen] == ["plan", "sent", "settle", "advance", "facts"]
    original.close()


def test_a_journal_in_memory_is_one_like_the_others() -> None:
    journal = Journal.in_memory()
    assert len(journal.journal_id) == 8
    journal.advance([an_item("x")])
    assert len(journal.items()) == 1
    journal.close()


def test_what_is_put_aside_survives(tmp_path: Path) -> None:
    """Until it is replaced as a whole; a name that is no text, too."""
    rows = [
        PutAside("a.gif", "stamp | asset", "refused", 3, 1000.5, 1625.5),
        PutAside("caf\udce9.gif", "(1, 2) caf\udce9.gif | -", "refused", 1, 1000.0, 1025.0),
    ]
    with closing(Journal.open(tmp_path / "j.sqlite")) as journal:
        journal.set_put_aside(rows)
    with closing(Journal.open(tmp_path / "j.sqlite")) as journal:
        assert journal.put_aside() == rows
        journal.set_put_aside(rows[:1])
        assert journal.put_aside() == rows[:1]
        journal.forget_all()
        assert journal.put_aside() == []


def test_looks_are_of_what_should_be_in_the_folder(journal: Journal) -> None:
    """A look that tells nothing is one that no file has."""
    stamp = Stamp(10, 1, 2, 3)
    journal.advance(
        [
            an_item("a.jpg"),
            an_item("kept here.jpg", state=State.KEPT_HERE),
            *(an_item(f"{s}.jpg", state=s) for s in (State.KEPT_THERE, State.TRASHED, State.SUPERSEDED)),
            an_item("\udcff.jpg"),
            an_item("unread.jpg", digest=""),
            an_item("unseen.jpg", stamp=None),
            an_item("twice.jpg"),
            an_item("twice.jpg", key="2"),
            an_item("odd.jpg", stamp=replace(stamp, inode=1 << 64)),
            an_item("A", kind=Kind.FOLDER, digest="", stamp=stamp),
            an_item("A/B", kind=Kind.FOLDER, digest="", stamp=None),
            an_item("", kind=Kind.FOLDER),
        ]
    )
    looks = journal.looks()
    odd, nothing = looks.pop("odd.jpg"), (-1, -1, -1, -1)
    assert odd != (10, 1, 2, 1 << 64)
    assert looks == {
        "a.jpg": (10, 1, 2, 3),
        "kept here.jpg": (10, 1, 2, 3),
        "\udcff.jpg": (10, 1, 2, 3),
        "unread.jpg": nothing,
        "unseen.jpg": nothing,
        "twice.jpg": nothing,
        "A": (3,),
        "A/B": (),
    }
