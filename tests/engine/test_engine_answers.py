"""When the account does not answer: what was lost on the way is looked for, what never left is sent again."""

from __future__ import annotations

from pathlib import Path

import pytest
from engine_world import CHANGES, SCENARIOS, Call, Scenario, World

from fluxsync.engine.report import Result
from fluxsync.errors import Unavailable

each_scenario = pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda scenario: scenario.name)


class Once:
    """Fails at the n-th change of the account, or at the n-th open, after or before it is done."""

    def __init__(self, at: int, error: Exception, *, after: bool, verbs: frozenset[str] = CHANGES) -> None:
        self._left = at
        self._error = error
        self._after = after
        self._verbs = verbs
        self.at = ""

    def __call__(self, call: Call) -> object:
        if self.at or call.who != "remote" or call.verb not in self._verbs:
            return call.go_on()
        self._left -= 1
        if self._left >= 0:
            return call.go_on()
        self.at = str(call)
        if self._after:
            call.go_on()
        raise self._error


def _each(scenario: Scenario, home: Path, error: Exception, *, after: bool, verbs: frozenset[str]) -> int:
    """Let each call fail once, in a world of its own; the same pass has to finish. Returns how many."""
    start = scenario.world(home / "start")
    contents = scenario.survives(start)
    undisturbed = start.copied(home / "undisturbed")
    undisturbed.rest()
    for number in range(100):
        world = start.copied(home / f"{number}")
        failing = Once(number, error, after=after, verbs=verbs)
        report = world.once(failing, connections=1)
        where = f"call {number}, {failing.at}"
        assert report.result is Result.IN_STEP, (where, report.failures, report.message)
        world.rest()
        scenario.check(world, where)
        assert world.versions() == undisturbed.versions(), f"sent twice: {where}"
        assert contents <= world.contents(), where
        if not failing.at:
            return number
    raise AssertionError("calls without end")


@each_scenario
def test_a_lost_answer_costs_nothing_and_doubles_nothing(scenario: Scenario, tmp_path: Path) -> None:
    _each(scenario, tmp_path, Unavailable("the answer was lost"), after=True, verbs=CHANGES)


@each_scenario
def test_what_never_left_is_sent_again_in_the_same_pass(scenario: Scenario, tmp_path: Path) -> None:
    _each(scenario, tmp_path, Unavailable("no way", unsent=True), after=False, verbs=CHANGES)


@each_scenario
def test_a_request_of_which_nothing_is_known_and_that_did_nothing_is_made_again(
    scenario: Scenario, tmp_path: Path
) -> None:
    _each(scenario, tmp_path, Unavailable("the answer was lost"), after=False, verbs=CHANGES)


@pytest.mark.parametrize("name", ["download", "conflict", "conflict that this side wins"])
def test_a_download_that_cannot_be_opened_is_opened_again(name: str, tmp_path: Path) -> None:
    (scenario,) = [scenario for scenario in SCENARIOS if scenario.name == name]
    error = Unavailable("no way", unsent=True)
    assert _each(scenario, tmp_path, error, after=False, verbs=frozenset({"open"})) > 0


def test_a_create_in_doubt_is_looked_for_again_and_again_before_it_is_sent_again(tmp_path: Path) -> None:
    world = World(tmp_path)
    world.write("a.gif", "A")
    asked: list[tuple[str, float]] = []
    failing = Once(0, Unavailable("the answer was lost"), after=False)
    start = world.clock.now

    def listen(call: Call) -> object:
        if call.who == "remote" and call.verb in ("put", "find"):
            asked.append((call.verb, world.clock.now - start))
        return failing(call)

    report = world.once(listen)
    assert asked == [("put", 0), ("find", 0), ("find", 2), ("find", 5), ("find", 10), ("put", 10)]
    assert (report.result, report.uploaded) == (Result.IN_STEP, 1)


def _asked(world: World, asked: list[tuple[str, float]], failing: Once) -> object:
    start = world.clock.now

    def listen(call: Call) -> object:
        if call.who == "remote" and call.verb in ("put", "find", "resume"):
            asked.append((call.verb, world.clock.now - start))
        return failing(call)

    return listen


def _edited(home: Path, *names: str) -> World:
    world = World(home)
    for name in names:
        world.write(name, name)
    world.rest()
    for name in names:
        world.write(name, f"{name} 2")
    return world


def test_versions_whose_answers_were_lost_are_taken_as_soon_as_the_account_shows_them(tmp_path: Path) -> None:
    world = _edited(tmp_path, "a.gif", "b.gif", "c.gif")
    asked: list[tuple[str, float]] = []

    def lose_all(call: Call) -> object:
        if str(call) == "remote.find":
            asked.append((call.verb, len(call.args[0])))
        result = call.go_on()
        if str(call) == "remote.put":
            raise Unavailable("the answer was lost")
        return result

    report = world.once(lose_all)
    assert (report.result, report.versions, asked) == (Result.IN_STEP, 3, [("find", 3)])
    assert world.clock.waits == []
    assert world.versions() == 6
    world.in_step()


def test_a_version_in_doubt_is_looked_for_again_and_again_before_it_is_sent_again(tmp_path: Path) -> None:
    world = _edited(tmp_path, "a.gif")
    asked: list[tuple[str, float]] = []
    report = world.once(_asked(world, asked, Once(0, Unavailable("lost"), after=False)))
    assert asked == [("put", 0), ("find", 0), ("find", 2), ("find", 5), ("find", 10), ("put", 10)]
    assert (report.result, report.versions, world.versions()) == (Result.IN_STEP, 1, 2)
    world.in_step()


def test_a_version_that_arrives_while_it_is_looked_for_is_not_sent_again(tmp_path: Path) -> None:
    world = _edited(tmp_path, "a.gif")
    looks: list[Call] = []
    sent: list[Call] = []

    def slow(call: Call) -> object:
        if str(call) == "remote.put":
            sent.append(call)
            raise Unavailable("the answer was lost")
        if str(call) == "remote.find":
            looks.append(call)
            if len(looks) == 3:
                sent[0].go_on()
        return call.go_on()

    report = world.once(slow)
    assert (report.result, report.versions, len(looks), len(sent)) == (Result.IN_STEP, 1, 3, 1)
    assert world.versions() == 2
    world.in_step()


@pytest.mark.parametrize("comes_through", [True, False])
def test_a_retag_in_doubt_is_not_made_again_before_the_server_had_its_time(
    tmp_path: Path, comes_through: bool
) -> None:
    world = World(tmp_path)
    world.write("A/a.gif", "a")
    world.write("B/b.gif", "b")
    world.rest()
    world.move("A/a.gif", "B/a.gif")
    moves: list[float] = []
    start = world.clock.now

    def listen(call: Call) -> object:
        if str(call) == "remote.move":
            moves.append(world.clock.now - start)
            if len(moves) == 1:
                if comes_through:
                    call.go_on()
                raise Unavailable("the answer was lost")
        return call.go_on()

    world.once(listen)
    assert moves == [0, 0 if comes_through else 10]
    world.rest()
    assert world.there() == {"B/a.gif": "a", "B/b.gif": "b"}


def test_a_create_that_arrives_while_it_is_looked_for_is_not_sent_again(tmp_path: Path) -> None:
    world = World(tmp_path)
    world.write("a.gif", "A")
    looks = []

    def slow(call: Call) -> object:
        if str(call) == "remote.put":
            raise Unavailable("the answer was lost")
        if str(call) == "remote.find":
            looks.append(call)
            if len(looks) == 3:
                world.upload("a.gif", "A")
        return call.go_on()

    report = world.once(slow)
    assert (report.result, report.uploaded, len(looks)) == (Result.IN_STEP, 1, 3)
    assert world.there() == {"a.gif": "A"}
    world.in_step()


def test_a_late_twin_goes_to_the_trash(tmp_path: Path) -> None:
    world = World(tmp_path)
    world.write("a.gif", "A")
    failing = Once(0, Unavailable("the answer was lost"), after=False)
    world.once(failing)
    world.upload("a.gif", "A")
    world.rest()
    assert world.here() == world.there() == {"a.gif": "A"}
    assert len(world.account.assets) == 2


def test_the_account_that_falls_silent_while_doubts_are_looked_for_ends_the_pass(tmp_path: Path) -> None:
    world = World(tmp_path)
    world.write("a.gif", "A")
    arrived = []

    def silent(call: Call) -> object:
        if call.who == "remote" and call.verb in ("put", "find"):
            if call.verb == "put":
                arrived.append(call.go_on())
            raise Unavailable("no way")
        return call.go_on()

    assert world.once(silent).result is Result.UNREACHABLE
    with world.journal() as journal:
        assert [sent.path for sent in journal.unsettled()] == ["a.gif"]
    assert len(arrived) == 1
    world.rest()
    assert world.versions() == 1
    world.in_step()


def test_three_failures_name_the_path_and_the_others_go_on(tmp_path: Path) -> None:
    world = World(tmp_path)
    for name in ("a.gif", "bad.gif", "c.gif"):
        world.write(name, name)
    tries = []

    def failing(call: Call) -> object:
        if str(call) == "remote.put" and call.name == "bad.gif":
            tries.append(call)
            raise Unavailable("the connection broke", unsent=True)
        return call.go_on()

    report = world.once(failing)
    assert (report.result, report.failures) == (Result.PARTIAL, {"bad.gif": "the connection broke"})
    assert len(tries) == 3
    assert set(world.there()) == {"a.gif", "c.gif"}
    assert world.clock.waits == sorted(world.clock.waits), "the pauses grow"
    world.rest()
    world.in_step()


def test_an_account_that_answers_no_put_names_the_path_after_three_tries(tmp_path: Path) -> None:
    world = World(tmp_path)
    world.write("a.gif", "A")
    world.write("b.gif", "B")
    tries = []

    def failing(call: Call) -> object:
        if str(call) == "remote.put" and call.name == "a.gif":
            tries.append(call)
            raise Unavailable("the answer was lost")
        return call.go_on()

    report = world.once(failing)
    assert (report.result, set(report.failures)) == (Result.PARTIAL, {"a.gif"})
    assert len(tries) == 3
    assert world.there() == {"b.gif": "B"}


def test_a_service_that_never_answers_is_unreachable_after_the_patience(tmp_path: Path) -> None:
    world = World(tmp_path)
    for number in range(5):
        world.write(f"{number}.gif", f"{number}")
    answered = world.clock.now

    def silent_after_two(call: Call) -> object:
        nonlocal answered
        if str(call) == "remote.put":
            if len(world.account.assets) >= 2:
                raise Unavailable("no way", unsent=True)
            answered = world.clock.now
        if str(call) == "remote.probe":
            raise Unavailable("no way", unsent=True)
        return call.go_on()

    report = world.once(silent_after_two, connections=1, idle_s=lambda: world.clock.now - answered)
    assert (report.result, report.message) == (Result.UNREACHABLE, "no way")
    assert report.uploaded == 2
    assert 60 < world.clock.now - answered < 90
    with world.journal() as journal:
        assert len(journal.items()) == 2
        assert journal.unsettled() == []
    world.rest()
    world.in_step()
    assert world.versions() == 5


def test_an_account_that_answers_everything_but_one_file_is_not_given_up(tmp_path: Path) -> None:
    """The last file on the way gets no answer for a minute, a simple question gets one: it is the file."""
    world = World(tmp_path)
    world.write("a.gif", "A")
    world.write("b.gif", "B")
    answered = world.clock.now

    def silent_about_one(call: Call) -> object:
        nonlocal answered
        if str(call) == "remote.put":
            if call.name == "b.gif":
                raise Unavailable("the service is busy (503)", unsent=True, retry_after_s=20)
            answered = world.clock.now
        return call.go_on()

    report = world.once(silent_about_one, idle_s=lambda: world.clock.now - answered)
    assert (report.result, set(report.failures)) == (Result.PARTIAL, {"b.gif"})
    assert world.there() == {"a.gif": "A"}


def test_bytes_that_move_are_progress_however_long_it_takes(tmp_path: Path) -> None:
    world = World(tmp_path)
    world.write("a.gif", "A")
    tries = []

    def slow(call: Call) -> object:
        if str(call) == "remote.put" and len(tries) < 2:
            tries.append(call)
            world.clock.now += 3600
            raise Unavailable("broke off", unsent=True)
        return call.go_on()

    assert world.once(slow).result is Result.IN_STEP


def test_a_retry_after_beyond_the_patience_ends_the_pass_at_once(tmp_path: Path) -> None:
    world = World(tmp_path)
    world.write("a.gif", "A")

    def busy(call: Call) -> object:
        if str(call) == "remote.put":
            raise Unavailable("busy until 12:00", retry_after_s=61, unsent=True)
        return call.go_on()

    report = world.once(busy)
    assert (report.result, report.message) == (Result.UNREACHABLE, "busy until 12:00")
    assert world.clock.waits == []


def test_a_retry_after_within_the_patience_is_waited_for(tmp_path: Path) -> None:
    world = World(tmp_path)
    world.write("a.gif", "A")
    failing = Once(0, Unavailable("busy", retry_after_s=30, unsent=True), after=False)
    assert world.once(failing).result is Result.IN_STEP
    assert world.clock.waits == [30]


def test_a_version_whose_answer_was_lost_is_looked_at_and_not_sent_again(tmp_path: Path) -> None:
    world = World(tmp_path)
    world.write("a.gif", "A")
    world.rest()
    world.write("a.gif", "A2")
    puts = []
    failing = Once(0, Unavailable("the answer was lost"), after=True)

    def listen(call: Call) -> object:
        if str(call) == "remote.put":
            puts.append(call)
        return failing(call)

    assert world.once(listen).result is Result.IN_STEP
    assert len(puts) == 1
    world.in_step()
