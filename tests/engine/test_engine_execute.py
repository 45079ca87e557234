"""How a plan is carried out: journal first, one subject's steps in order, each error as its class says."""

from __future__ import annotations

import queue
import threading
from collections import Counter
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from engine_world import Call, World, digest_of

from fluxsync.core.model import Scope, State
from fluxsync.engine.meter import Meter
from fluxsync.engine.report import Result
from fluxsync.errors import Busy, Corrupted, Full, Halted, Rejected, Stale, Unauthorized, Unavailable
from fluxsync.replica.memory import MemoryVersion
from fluxsync.state.journal import Journal, Sent


class Failing:
    """Raises when a verb is asked for a file, so often; counts the tries."""

    def __init__(self, who_verb: str, name: str, error: Exception, times: int = 1000) -> None:
        self._who_verb = who_verb
        self._name = name
        self._error = error
        self._times = times
        self.tries = 0
        self.asked: list[tuple[str, str]] = []

    def __call__(self, call: Call) -> object:
        if call.changes and call.who != "journal":
            self.asked.append((str(call), call.name))
        if str(call) == self._who_verb and call.name in (self._name, self._name.rpartition("/")[2]):
            self.tries += 1
            if self.tries <= self._times:
                raise self._error
        return call.go_on()


def filled(home: Path, *paths: str, **rules: Any) -> World:
    world = World(home, **rules)
    for path in paths:
        world.write(path, f"old {path}")
    world.rest()
    return world


# -- the journal comes first


def _unsettled(world: World) -> list[Sent]:
    journal = Journal.peek(world.journal_path)
    assert journal is not None
    try:
        return journal.unsettled()
    finally:
        journal.close()


def test_the_intent_is_in_the_journal_before_put_is_called(tmp_path: Path) -> None:
    world = World(tmp_path)
    for number in range(5):
        world.write(f"Clients/{number}.gif", f"content {number}")
    seen: list[Sent] = []
    marks: list[str] = []

    def look(call: Call) -> object:
        if str(call) == "remote.scan":
            snapshot = call.go_on()
            marks.append(snapshot.mark)
            return snapshot
        if str(call) == "remote.put":
            mine = [s for s in _unsettled(world) if s.intent is not None and s.intent.place == call.args[0]]
            assert len(mine) == 1
            seen.extend(mine)
        return call.go_on()

    assert world.once(look).uploaded == 5
    for sent in seen:
        assert sent.intent is not None
        assert (sent.action, sent.path) == ("create", f"Clients/{sent.intent.place.name}")
        assert sent.intent.place.folder == world.tag("Clients")
        assert sent.intent.size == len("content 0")
        assert sent.intent.digest == digest_of(world.here()[sent.path])
        assert sent.intent.mark == marks[0]


def test_the_intent_of_a_version_names_the_asset_and_what_it_is_to_follow(tmp_path: Path) -> None:
    for versions in (True, False):
        world = World(tmp_path / str(versions), versions=versions)
        world.write("a.gif", "A")
        world.rest()
        world.write("a.gif", "A2")
        intents = []

        def look(call: Call, world: World = world, intents: list[object] = intents) -> object:
            if str(call) == "remote.put":
                intents.extend(sent.intent for sent in _unsettled(world))
            return call.go_on()

        world.once(look)
        assert len(intents) == 1
        assert (intents[0].key, intents[0].revision) == (("1", 0) if versions else ("", 0))


def test_every_operation_is_marked_sent_before_it_is_done(tmp_path: Path) -> None:
    world = filled(tmp_path, "Clients/a.gif", "b.gif", "c.gif", "d.gif")
    world.rename_tag("Clients", "Customers")
    world.retag("b.gif", "New")
    world.trash_there("c.gif")
    world.remove("d.gif")
    world.upload("e.gif", "E")
    world.write("Sub/f.gif", "F")
    open_rows: list[tuple[str, list[str]]] = []

    def look(call: Call) -> object:
        if call.changes and call.who != "journal":
            open_rows.append((str(call), [sent.action for sent in _unsettled(world)]))
        return call.go_on()

    world.once(look, connections=1)
    wanted = {
        "local.move_folder": "rename-folder",
        "local.move": "move-local",
        "local.trash": "trash-local",
        "remote.trash": "trash-remote",
        "local.put": "download",
        "remote.put": "create",
        "remote.make_folder": "make-tag",
    }
    done = {verb for verb, _ in open_rows}
    assert done >= set(wanted)
    for verb, actions in open_rows:
        if verb in wanted:
            assert wanted[verb] in actions, verb


def test_a_batch_is_marked_sent_as_a_whole_before_the_first_of_it_is_done(tmp_path: Path) -> None:
    world = World(tmp_path)
    for number in range(100):
        world.write(f"{number}.gif", f"{number}")
    sizes: list[int] = []
    first: list[int] = []

    def look(call: Call) -> object:
        if str(call) == "journal.mark_sent":
            sizes.append(len(call.args[0]))
        if str(call) == "remote.put" and not first:
            first.append(len(_unsettled(world)))
        return call.go_on()

    world.once(look, connections=1)
    assert sizes == [64, 36]
    assert first == [64]


def test_an_outcome_and_its_item_are_settled_together(tmp_path: Path) -> None:
    world = World(tmp_path)
    for number in range(300):
        world.write(f"{number}.gif", f"{number}")
    sizes: list[int] = []

    def look(call: Call) -> object:
        if str(call) == "journal.settle":
            sizes.append(len(call.args[0]))
            assert all(s.outcome == "done" and s.item is not None for s in call.args[0])
        return call.go_on()

    world.once(look)
    assert sum(sizes) == 300
    assert max(sizes) <= 128


# -- subjects and phases


def test_the_steps_of_one_subject_are_in_order(tmp_path: Path) -> None:
    names = [f"{number}.gif" for number in range(20)]
    world = filled(tmp_path, *names)
    for name in names:
        world.write(name, f"new {name}")
        world.move(name, f"Moved/new {name}")
    asked: dict[str, list[str]] = {}
    lock = threading.Lock()

    def listen(call: Call) -> object:
        if call.who == "remote" and call.verb in ("put", "move"):
            with lock:
                asked.setdefault(call.name.removeprefix("new "), []).append(call.verb)
        return call.go_on()

    assert world.once(listen, connections=8).result is Result.IN_STEP
    assert asked == {name: ["put", "move"] for name in names}
    world.rest()
    world.in_step()


def test_a_subject_whose_first_step_failed_does_not_do_the_later_ones(tmp_path: Path) -> None:
    world = filled(tmp_path, "a.gif", "b.gif")
    for name in ("a.gif", "b.gif"):
        world.write(name, "new")
        world.move(name, f"Moved/{name}")
    failing = Failing("remote.put", "a.gif", Rejected("too odd"))
    report = world.once(failing)
    assert report.failures == {"Moved/a.gif": "too odd"}
    assert ("remote.move", "a.gif") not in failing.asked
    assert ("remote.move", "b.gif") in failing.asked
    assert set(world.there()) == {"a.gif", "Moved/b.gif"}
    world.rest()
    world.in_step()


def test_a_subject_that_failed_here_is_not_moved_on_there(tmp_path: Path) -> None:
    world = filled(tmp_path, "a.gif", "b.gif")
    for name in ("a.gif", "b.gif"):
        world.edit(name, "new")
        world.retag(name, "Moved")
    failing = Failing("local.move", "a.gif", Rejected("not on this disk"))
    report = world.once(failing)
    assert set(report.failures) == {"a.gif"}
    assert [name for verb, name in failing.asked if verb == "local.put"] == ["b.gif"]
    assert world.here() == {"a.gif": "old a.gif", "Moved/b.gif": "new"}
    world.rest()
    world.in_step()


def test_steps_that_were_done_before_the_failing_one_are_settled(tmp_path: Path) -> None:
    world = filled(tmp_path, "a.gif")
    world.write("a.gif", "new")
    world.move("a.gif", "Moved/a.gif")
    world.once(Failing("remote.move", "a.gif", Rejected("no")))
    assert world.there() == {"a.gif": "new"}
    world.rest()
    assert len(world.asset("Moved/a.gif").versions) == 2, "the version is not sent again"
    world.in_step()


def test_the_local_phase_is_done_in_its_order(tmp_path: Path) -> None:
    world = filled(tmp_path, "One/a.gif", "Two/a.gif", "Three/a.gif")
    assets = [world.asset(f"{folder}/a.gif") for folder in ("One", "Two", "Three")]
    homes = [asset.home for asset in assets]
    for asset, home in zip(assets, (*homes[1:], homes[0]), strict=True):
        asset.home = home
    moves: list[tuple[str, str]] = []

    def listen(call: Call) -> object:
        if str(call) == "local.move":
            moves.append((call.args[0].path, f"{call.args[1].folder}/{call.args[1].name}"))
        return call.go_on()

    assert world.once(listen, connections=8).result is Result.IN_STEP
    assert len(moves) == 4
    free = moves[0][0]
    for old, new in moves[1:]:
        assert new == free, "each file takes the place that the one before has left"
        free = old
    assert world.here() == world.there()
    world.in_step()


def test_tags_are_made_before_the_files_that_need_them(tmp_path: Path) -> None:
    world = World(tmp_path)
    for number in range(10):
        world.write(f"{number}/a.gif", f"{number}")
    asked = []

    def listen(call: Call) -> object:
        if call.changes and call.who == "remote":
            asked.append(call.verb)
        return call.go_on()

    world.once(listen, connections=4)
    assert asked == ["make_folder"] * 10 + ["put"] * 10


def test_a_tag_that_cannot_be_made_names_the_files_in_it_and_the_others_go_on(tmp_path: Path) -> None:
    world = World(tmp_path)
    world.write("Bad/a.gif", "A")
    world.write("Good/b.gif", "B")
    report = world.once(Failing("remote.make_folder", "Bad", Rejected("it would be a label")))
    assert report.result is Result.PARTIAL
    assert {"Bad", "Bad/a.gif"} >= set(report.failures) >= {"Bad/a.gif"}
    assert world.there() == {"Good/b.gif": "B"}


# -- errors, each as its class says


def test_rejected_names_the_path_with_the_reason_and_is_not_tried_again(tmp_path: Path) -> None:
    world = filled(tmp_path, "a.gif", "b.gif")
    for name in ("a.gif", "b.gif"):
        world.write(name, "new")
    failing = Failing("remote.put", "a.gif", Rejected("too odd"))
    report = world.once(failing)
    assert (report.result, report.failures) == (Result.PARTIAL, {"a.gif": "too odd"})
    assert failing.tries == 1
    assert world.there() == {"a.gif": "old a.gif", "b.gif": "new"}
    with world.journal() as journal:
        assert [(r.problem.path, r.problem.reason) for r in journal.problem_rows()] == [("a.gif", "too odd")]
        (event,) = [e for e in journal.history("a.gif") if e.outcome == "problem"]
        assert (event.action, event.detail) == ("version", "too odd")
        assert journal.unsettled() == []


@pytest.mark.parametrize("error", [Stale("it changed"), Busy("open for writing")])
def test_stale_and_busy_are_looked_at_again_in_the_same_pass(tmp_path: Path, error: Exception) -> None:
    world = World(tmp_path)
    world.write("a.gif", "A")
    failing = Failing("remote.put", "a.gif", error, times=1)
    report = world.once(failing)
    assert (report.result, report.failures) == (Result.IN_STEP, {})
    assert failing.tries == 2
    world.in_step()


@pytest.mark.parametrize("error", [Stale("it changed"), Busy("open for writing")])
def test_what_stays_stale_is_named_after_three_rounds(tmp_path: Path, error: Exception) -> None:
    world = World(tmp_path)
    world.write("a.gif", "A")
    world.write("b.gif", "B")
    failing = Failing("remote.put", "a.gif", error)
    report = world.once(failing)
    assert (report.result, report.failures) == (Result.PARTIAL, {"a.gif": str(error)})
    assert failing.tries == 3
    assert world.there() == {"b.gif": "B"}


def test_a_file_that_is_edited_in_the_middle_is_sent_as_it_is_then(tmp_path: Path) -> None:
    world = World(tmp_path)
    world.write("a.gif", "A")
    edits = []

    def edit(call: Call) -> object:
        if str(call) == "remote.put" and not edits:
            edits.append(1)
            world.write("a.gif", "A2")
        return call.go_on()

    assert world.once(edit).result is Result.IN_STEP
    assert world.there() == {"a.gif": "A2"}
    world.in_step()


@pytest.mark.parametrize("who_verb", ["remote.open", "local.put"])
def test_corrupted_is_fetched_once_more(tmp_path: Path, who_verb: str) -> None:
    world = World(tmp_path)
    world.upload("a.gif", "A")
    failing = Failing(who_verb, "a.gif", Corrupted("other bytes"), times=1)
    report = world.once(failing)
    assert (report.result, report.downloaded, failing.tries) == (Result.IN_STEP, 1, 2)
    world.in_step()


def test_what_stays_corrupted_is_named_after_three_tries(tmp_path: Path) -> None:
    world = World(tmp_path)
    world.upload("a.gif", "A")
    world.upload("b.gif", "B")
    failing = Failing("local.put", "a.gif", Corrupted("other bytes"))
    report = world.once(failing)
    assert (report.result, report.failures, failing.tries) == (Result.PARTIAL, {"a.gif": "other bytes"}, 3)
    assert world.here() == {"b.gif": "B"}


def test_a_full_account_stops_what_goes_up_and_nothing_else(tmp_path: Path) -> None:
    world = World(tmp_path)
    for number in range(200):
        world.write(f"up {number}.gif", f"{number}")
    for number in range(5):
        world.upload(f"down {number}.gif", f"{number}")
    puts = []

    def full(call: Call) -> object:
        if str(call) == "remote.put":
            puts.append(call)
            raise Full("no room in the account")
        return call.go_on()

    report = world.once(full, connections=2)
    assert (report.result, report.downloaded) == (Result.PARTIAL, 5)
    assert report.failures == {f"up {n}.gif": "no room in the account" for n in range(200)}
    assert len(puts) < 200, "the direction pauses"
    with world.journal() as journal:
        assert journal.unsettled() == []


def test_a_full_disk_stops_what_comes_down_and_nothing_else(tmp_path: Path) -> None:
    world = World(tmp_path)
    world.write("up.gif", "U")
    world.upload("down.gif", "D")

    def full(call: Call) -> object:
        if str(call) == "local.put":
            raise Full("no room on the disk")
        return call.go_on()

    report = world.once(full)
    assert (report.uploaded, report.failures) == (1, {"down.gif": "no room on the disk"})


@pytest.mark.parametrize(
    ("error", "result"),
    [(Unauthorized("no right"), Result.UNAUTHORIZED), (Halted("another root"), Result.GUARDED)],
)
@pytest.mark.parametrize("who_verb", ["remote.put", "local.move", "remote.make_folder"])
def test_what_ends_a_pass_ends_it_at_once_with_everything_done_settled(
    tmp_path: Path, error: Exception, result: Result, who_verb: str
) -> None:
    world = filled(tmp_path, "a.gif", "b.gif")
    world.retag("a.gif", "Moved")
    world.retag("b.gif", "Moved")
    world.write("New/c.gif", "C")
    tries = []

    def failing(call: Call) -> object:
        if str(call) == who_verb:
            tries.append(call)
            raise error
        return call.go_on()

    report = world.once(failing)
    assert (report.result, report.message) == (result, str(error))
    assert len(tries) == 1
    with world.journal() as journal:
        assert journal.unsettled() == []
    world.rest()
    world.in_step()


def test_a_fault_of_our_own_is_raised_and_what_it_left_is_looked_for(tmp_path: Path) -> None:
    world = World(tmp_path)
    for name in ("a.gif", "b.gif", "c.gif"):
        world.write(name, name)

    def faulty(call: Call) -> object:
        if str(call) == "remote.put" and call.name == "b.gif":
            call.go_on()
            raise ZeroDivisionError
        return call.go_on()

    with pytest.raises(ZeroDivisionError):
        world.once(faulty, connections=1)
    with world.journal() as journal:
        assert [sent.path for sent in journal.unsettled()][:1] == ["b.gif"]
    world.rest()
    assert world.versions() == 3
    world.in_step()


def test_a_folder_that_is_not_empty_after_all_stays_without_a_word(tmp_path: Path) -> None:
    world = filled(tmp_path, "Clients/a.gif")
    world.trash_there("Clients/a.gif")

    def late(call: Call) -> object:
        if str(call) == "local.remove_folder":
            world.write("Clients/new.gif", "new")
        return call.go_on()

    assert world.once(late).result is Result.IN_STEP
    assert world.here() == {"Clients/new.gif": "new"}
    world.rest()
    world.in_step()


# -- threads and interrupts


def test_so_many_movers_work_at_once_and_no_more(tmp_path: Path) -> None:
    world = World(tmp_path)
    for number in range(12):
        world.write(f"{number}.gif", f"{number}")
    together = threading.Barrier(3, timeout=30)
    most = Counter[str]()
    lock = threading.Lock()

    def meet(call: Call) -> object:
        if str(call) == "remote.put":
            with lock:
                most["now"] += 1
                most["most"] = max(most["most"], most["now"])
            together.wait()
            with lock:
                most["now"] -= 1
        return call.go_on()

    assert world.once(meet, connections=3).uploaded == 12
    assert most["most"] <= 3


def test_only_one_thread_writes_to_the_journal(tmp_path: Path) -> None:
    world = World(tmp_path)
    for number in range(50):
        world.write(f"{number}/a.gif", f"{number}")
    threads = set()

    def listen(call: Call) -> object:
        if call.who == "journal":
            threads.add(threading.get_ident())
        return call.go_on()

    world.once(listen, connections=8)
    assert threads == {threading.get_ident()}


@pytest.mark.parametrize("at", [1, 2, 30, 60])
def test_an_interrupt_settles_what_was_done_and_drops_the_rest(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, at: int
) -> None:
    world = World(tmp_path)
    for number in range(100):
        world.write(f"{number}.gif", f"{number}")
    left = at

    class Interrupted(queue.SimpleQueue):  # type: ignore[type-arg]
        def get(self, *args: Any, **more: Any) -> Any:
            nonlocal left
            if more:  # while the movers work; afterwards what they left is taken without waiting
                left -= 1
                if left == 0:
                    raise KeyboardInterrupt
            return super().get(*args, **more)

    ours = SimpleNamespace(SimpleQueue=Interrupted, Empty=queue.Empty)
    monkeypatch.setattr("fluxsync.engine.execute.queue", ours)
    with pytest.raises(KeyboardInterrupt):
        world.once(connections=2)
    monkeypatch.undo()
    with world.journal() as journal:
        assert journal.unsettled() == []
        known = {item.key for item in journal.items()}
        row = journal.last_pass()
    assert known == set(world.account.assets)
    assert len(known) < 100
    assert row is not None
    assert row.ended is None, "an interrupted pass is not one that ended"
    world.rest()
    assert world.versions() == 100
    world.in_step()


def test_an_interrupt_breaks_off_content_at_its_next_block(tmp_path: Path) -> None:
    world = World(tmp_path)
    world.upload("a.gif", "A")
    meter = Meter()
    (entry,) = world.account.scan(Scope(), {}).files.values()
    source = meter.downward(world.account.open(entry), "download", "a.gif")
    meter.stop()
    with pytest.raises(Unavailable) as raised:
        list(source.blocks())
    assert raised.value.unsent
    assert meter.stopped
    assert meter.bytes_down == 0


# -- content that is here already


def test_content_that_is_here_already_is_copied_and_not_fetched(tmp_path: Path) -> None:
    world = filled(tmp_path, "a.gif")
    world.write("b.gif", "B")
    world.rest()
    sent = MemoryVersion(b"old a.gif", "b.gif", digest_of("old a.gif"), 0)
    world.asset("b.gif").versions.append(sent)
    asked = []

    def listen(call: Call) -> object:
        if call.verb == "open":
            asked.append(str(call))
        return call.go_on()

    report = world.once(listen)
    assert world.here()["b.gif"] == "old a.gif"
    assert report.downloaded == 1
    assert asked == ["local.open"]


def test_what_is_left_of_a_folder_whose_tag_is_gone_is_remembered_once_its_removal_was_tried(
    tmp_path: Path,
) -> None:
    world = World(tmp_path)
    key = world.tag("Empty")
    world.rest()
    del world.account.tags[key]
    states: list[list[State]] = []

    def in_use(call: Call) -> object:
        if str(call) == "local.remove_folder":
            with world.journal() as journal:
                states.append([item.state for item in journal.items()])
            raise Stale("something is in it")
        return call.go_on()

    assert world.once(in_use).result is Result.IN_STEP
    assert states == [[State.AGREED]], "killed before that was tried, the next pass tries it"
    with world.journal() as journal:
        assert [item.state for item in journal.items()] == [State.KEPT_HERE]
    world.rest()
    assert (list(world.folder.folders), world.account.tags) == (["Empty"], {})
