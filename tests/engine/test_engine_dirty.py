"""Passes over parts of the folder: what they do, what they leave alone, and when they look at everything."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest
from engine_world import Call, Meddle, World

from fluxsync.core.model import Action, Problem, Snapshot, Stamp, State, Unknown
from fluxsync.core.owed import Owed
from fluxsync.engine.dirty import Dirt
from fluxsync.engine.report import Report, Result
from fluxsync.engine.vanished import Vanished
from fluxsync.errors import Rejected, Stale
from fluxsync.replica.folder import scan, survey
from fluxsync.replica.folder.replica import Folder

START = ("A/a.gif", "A/b.gif", "c.gif", "d.gif")


@dataclass
class Parts:
    """A world in step, and passes over parts of it. Time passes only by `later`."""

    world: World
    now_s: float = 0.0
    settle_s: float = 0.0
    owed: Owed = field(default_factory=Owed)
    trusting: bool = True
    #: Why the last pass looked at everything; "": it did not.
    widened: str = ""
    calls: list[str] = field(default_factory=list)
    meddle: Meddle | None = None

    def __post_init__(self) -> None:
        self.vanished = Vanished(self.settle_s, lambda: self.now_s)

    def look(self, *paths: str, calm: bool = True, **more: Any) -> Report:
        """Make a pass over these paths."""
        self.widened = ""
        self.calls = []
        dirt = Dirt(set(paths), self.vanished, lambda: calm, self.trusting, self.owed)
        report = self.world.once(self._between, dirt=dirt, on_phase=self._phase, **more)
        self.owed = report.owed
        return report

    def whole(self) -> Report:
        report = self.world.once(self.meddle or (lambda call: call.go_on()))
        self.owed = report.owed
        return report

    def later(self, seconds: float) -> None:
        self.now_s += seconds

    def _phase(self, phase: str) -> None:
        if phase.startswith("looking at everything: "):
            self.widened = phase.removeprefix("looking at everything: ")

    def _between(self, call: Call) -> Any:
        self.calls.append(str(call))
        return self.meddle(call) if self.meddle is not None else call.go_on()

    @property
    def actions(self) -> list[str]:
        return self.world.actions()

    def states(self) -> dict[str, State]:
        with self.world.journal() as journal:
            return {item.path: item.state for item in journal.items()}

    def problems(self) -> list[str]:
        with self.world.journal() as journal:
            return [row.problem.path for row in journal.problem_rows()]


def parts(home: Path, paths: tuple[str, ...] = START, *, settle_s: float = 0.0, **rules: Any) -> Parts:
    world = World(home, **rules)
    for path in paths:
        world.write(path, f"old {path}")
    world.rest()
    return Parts(world, settle_s=settle_s)


@pytest.fixture
def part(tmp_path: Path) -> Parts:
    return parts(tmp_path)


@pytest.fixture
def slow(tmp_path: Path) -> Parts:
    """Deletions wait for five seconds."""
    return parts(tmp_path, settle_s=5.0)


# -- what a part costs


def test_where_nothing_has_changed_the_account_is_not_asked_and_nothing_is_written(part: Parts) -> None:
    before = part.world.everything()
    report = part.look("A", "c.gif", "never.gif")
    assert (report.result, report.whole, report.listed) == (Result.IN_STEP, False, None)
    assert [call for call in part.calls if call.startswith("remote")] == []
    assert part.world.everything() == before


def test_only_what_is_dirty_is_seen_to(part: Parts) -> None:
    part.world.write("c.gif", "new c")
    part.world.write("d.gif", "new d")
    part.look("c.gif")
    assert part.actions == ["version"]
    assert part.widened == ""
    assert part.world.there()["d.gif"] == "old d.gif"


def test_the_account_is_never_listed_for_a_part(part: Parts) -> None:
    seen: list[bool] = []

    def meddle(call: Call) -> Any:
        if str(call) == "remote.scan":
            seen.append(call.args[0].everything)
        return call.go_on()

    part.meddle = meddle
    part.world.write("c.gif", "new c")
    part.look("c.gif")
    assert seen == [False]


def test_a_pass_over_everything_says_how_many_files_are_tracked(part: Parts) -> None:
    """Limits are measured against the most that was tracked at any time in their window."""
    tracked: list[int] = []

    def meddle(call: Call) -> Any:
        if str(call) == "journal.begin_pass":
            tracked.extend(call.args)
        return call.go_on()

    part.meddle = meddle
    part.whole()
    part.world.write("c.gif", "new c")
    part.look("c.gif")
    assert tracked == [4, 4]


# -- deletions


def test_a_deletion_waits_until_it_was_seen_twice(slow: Parts) -> None:
    slow.world.remove("c.gif")
    report = slow.look("c.gif")
    assert slow.actions == []
    assert report.again == {"c.gif": slow.world.clock.now}
    slow.later(4.9)
    slow.look("c.gif")
    assert slow.actions == []
    slow.later(0.1)
    assert slow.look("c.gif").again == {}
    assert slow.actions == ["trash-remote"]


def test_a_deletion_waits_while_anything_else_is_dirty(part: Parts) -> None:
    part.world.remove("c.gif")
    assert set(part.look("c.gif", calm=False).again) == {"c.gif"}
    assert part.actions == []
    part.look("c.gif")
    assert part.actions == ["trash-remote"]


def test_a_folder_that_was_deleted_waits_with_its_files(slow: Parts) -> None:
    slow.world.remove("A")
    assert set(slow.look("A").again) == {"A", "A/a.gif", "A/b.gif"}
    assert slow.states()["A"] is State.AGREED
    slow.later(5)
    slow.look("A")
    assert slow.actions == ["trash-remote", "trash-remote"]
    slow.later(5)
    slow.world.in_step()


@pytest.mark.parametrize("delete", ["trash", "keep", "delete"])
def test_a_move_whose_second_half_is_seen_later_is_a_move(tmp_path: Path, delete: str) -> None:
    """Whatever the configuration says about deletions: it is none."""
    part = parts(tmp_path, settle_s=5.0, delete=delete)
    key = next(key for key, asset in part.world.account.assets.items() if asset.versions[-1].name == "c.gif")
    part.world.move("c.gif", "New/c.gif")
    part.look("c.gif")
    part.later(4)
    part.look("New/c.gif")
    assert part.actions == ["make-tag", "move-remote"]
    assert not part.world.account.assets[key].trashed
    part.world.in_step()


def test_a_file_that_is_back_has_to_be_gone_for_as_long_again(slow: Parts) -> None:
    slow.world.remove("c.gif")
    slow.look("c.gif")
    slow.later(4)
    slow.world.write("c.gif", "old c.gif")
    slow.look("c.gif")
    slow.world.remove("c.gif")
    slow.later(4)
    slow.look("c.gif")
    assert slow.actions == []


def test_a_file_that_was_deleted_and_came_back_waits_anew_when_it_goes_again(slow: Parts) -> None:
    """The first time is over; the second may be the first half of a move."""
    slow.world.remove("c.gif")
    slow.look("c.gif")
    slow.later(5)
    slow.look("c.gif")
    assert slow.actions == ["trash-remote"]
    slow.world.write("c.gif", "another")
    slow.whole()
    slow.later(60)
    slow.world.move("c.gif", "moved.gif")
    assert set(slow.look("c.gif").again) == {"c.gif"}
    assert slow.actions == []
    slow.look("moved.gif")
    assert slow.actions == ["version"]


@pytest.mark.parametrize("on_its_way", [True, False], ids=["moved", "deleted"])
def test_a_file_that_is_gone_while_its_asset_was_edited_may_be_on_its_way(
    slow: Parts, on_its_way: bool
) -> None:
    """Brought back at once, the account's content would make two files of the one that was moved."""
    world = slow.world
    key = next(key for key, asset in world.account.assets.items() if asset is world.asset("c.gif"))
    slow.owed = Owed(frozenset({key}))
    world.edit("c.gif", "theirs")
    world.move("c.gif", "moved.gif")
    assert set(slow.look("c.gif").again) == {"c.gif"}
    assert slow.actions == []
    if on_its_way:
        slow.look("moved.gif")
        assert slow.actions == ["download", "version"]
        assert world.asset("moved.gif") is world.account.assets[key]
    else:
        world.remove("moved.gif")
        slow.later(5)
        slow.look("c.gif")
        assert slow.actions == ["download"]
    world.in_step()


def test_a_later_round_waits_for_no_deletion_again(slow: Parts) -> None:
    """Somebody put a label on the asset: it is looked at, and then goes."""
    slow.world.remove("c.gif")
    slow.look("c.gif")
    slow.later(5)
    asked: list[bool] = []

    def meddle(call: Call) -> Any:
        if str(call) == "remote.trash" and not asked:
            asked.append(True)
            raise Stale("another label")
        return call.go_on()

    slow.meddle = meddle
    report = slow.look("c.gif")
    assert (slow.actions, slow.widened, report.again) == (["trash-remote"], "", {})


def test_a_file_that_was_not_read_may_be_the_one_that_is_gone(part: Parts) -> None:
    """It is still being written at its new place, and was seen in another part."""
    world = part.world
    world.move("c.gif", "moving.gif")
    stamp: Stamp = world.folder.files["moving.gif"].stamp
    busy = [True]

    def meddle(call: Call) -> Any:
        seen = call.go_on()
        if str(call) == "local.scan" and busy and "moving.gif" in seen.files:
            gap = Unknown("moving.gif", "open elsewhere", stamp)
            files = {path: entry for path, entry in seen.files.items() if path != "moving.gif"}
            return replace(seen, files=files, unknown=(gap,), problems=(Problem("moving.gif", "open"),))
        return seen

    part.meddle = meddle
    part.look("moving.gif")
    assert set(part.look("c.gif").again) == {"c.gif"}
    assert part.actions == []
    busy.clear()
    part.look("moving.gif")
    assert part.actions == ["version"]
    world.in_step()


def test_a_file_that_was_not_read_and_is_another_holds_up_nothing_once_it_was(part: Parts) -> None:
    unread = Unknown("x.gif", "open", Stamp(len("old c.gif"), 1, 1, 1))
    part.vanished.unread_elsewhere(Snapshot({}, {}, unknown=(unread,)), lambda path: False)
    part.world.remove("c.gif")
    assert set(part.look("c.gif").again) == {"c.gif"}  # as long as it
    part.look("x.gif", "c.gif")
    assert part.actions == ["trash-remote"]


def test_a_file_that_was_not_read_and_is_as_agreed_then_holds_up_nothing(part: Parts) -> None:
    """A program had it open, and let go of it without a change."""
    unread = Unknown("d.gif", "open", part.world.folder.files["d.gif"].stamp)
    part.vanished.unread_elsewhere(Snapshot({}, {}, unknown=(unread,)), lambda path: False)
    part.look("d.gif")
    part.world.remove("c.gif")  # as long as it
    assert part.look("c.gif").again == {}
    assert part.actions == ["trash-remote"]


@pytest.mark.parametrize("look", ["a part", "everything"])
def test_a_deletion_beside_a_file_that_was_not_read_is_looked_at_again_with_it(
    part: Parts, look: str
) -> None:
    """The file may be the one that is gone, moved; once it was read it is not, and nobody else asks again."""
    world = part.world
    world.remove("c.gif")
    world.write("new.gif", "new c.gif")  # as long as it
    at_s = world.clock.now + 7.0
    stamp = world.folder.files["new.gif"].stamp
    busy = [True]

    def meddle(call: Call) -> Any:
        seen = call.go_on()
        if str(call) == "local.scan" and busy and "new.gif" in seen.files:
            gap = Unknown("new.gif", "saved a moment ago", stamp, at_s)
            files = {path: entry for path, entry in seen.files.items() if path != "new.gif"}
            return replace(seen, files=files, unknown=(gap,), problems=(Problem("new.gif", "saved"),))
        return seen

    part.meddle = meddle
    report = part.whole() if look == "everything" else part.look("c.gif", "new.gif")
    assert part.actions == []
    assert report.again == {"c.gif": at_s, "new.gif": at_s}
    busy.clear()
    part.look(*report.again)
    assert sorted(part.actions) == ["create", "trash-remote"]


@pytest.mark.parametrize("copied", [False, True], ids=["made", "copied with its time of the year 2099"])
def test_an_empty_folder_comes_again_when_it_has_stood_for_a_minute(part: Parts, copied: bool) -> None:
    world = part.world
    made_s = world.clock.now
    mtime_ns = 4_070_908_800 * 10**9 if copied else int(made_s * 1e9)
    for name in ("Empty", "untitled folder"):
        world.make(name)
        stamp = replace(world.folder.folders[name], mtime_ns=mtime_ns, ctime_ns=int(made_s * 1e9))
        world.folder.folders[name] = stamp
    world.clock.now += 2
    report = part.look("Empty", "untitled folder")
    assert (part.actions, report.failures) == ([], {})
    assert report.again == {"Empty": pytest.approx(made_s + 60, abs=0.1)}
    world.clock.now = report.again["Empty"]
    assert part.look("Empty").again == {}
    assert part.actions == ["make-tag"]


def test_an_empty_memory_lets_nothing_go_at_once() -> None:
    now_s = [0.0]
    vanished = Vanished(5.0, lambda: now_s[0])
    assert vanished.unripe({"a", "b"}, lambda path: True) == {"a", "b"}
    now_s[0] = 5.0
    assert vanished.unripe({"a"}, lambda path: path == "a") == set()  # nobody looked at b
    assert vanished.unripe({"b"}, lambda path: True) == set()
    vanished.done({"b"})
    assert vanished.unripe({"b"}, lambda path: True) == {"b"}
    vanished.clear()
    now_s[0] = 10.0
    assert vanished.unripe({"b"}, lambda path: True) == {"b"}


# -- where something was


def test_a_part_finds_by_itself_where_a_file_was(part: Parts) -> None:
    part.world.move("c.gif", "A/moved.gif")
    part.look("A/moved.gif")
    assert (sorted(part.actions), part.widened) == (["move-remote", "version"], "")
    part.world.in_step()


def test_a_part_finds_by_itself_where_a_folder_was(part: Parts) -> None:
    part.world.move("A", "B")
    part.look("B")
    assert (part.actions, part.widened) == (["rename-tag"], "")
    part.world.in_step()


def test_a_folder_on_the_way_is_known_again_when_it_is_renamed(part: Parts) -> None:
    part.world.write("New/Deep/x.gif", "x")
    part.look("New/Deep/x.gif")
    part.world.move("New/Deep", "New/Other")
    part.look("New/Deep", "New/Other")
    assert (part.actions, part.widened) == (["rename-tag"], "")
    part.world.in_step()


# -- limits


def test_limits_count_over_many_small_passes(tmp_path: Path) -> None:
    """Ten deletions may go; at the eleventh all that is gone is looked at and held back as one set."""
    part = parts(tmp_path, tuple(f"{n:02}.gif" for n in range(20)), most=10)
    for n in range(10):
        part.world.remove(f"{n:02}.gif")
        assert part.look(f"{n:02}.gif").result is Result.IN_STEP
        assert (part.actions, part.widened) == (["trash-remote"], "")
    part.world.remove("10.gif")
    part.world.remove("11.gif")
    report = part.look("10.gif")
    assert (part.actions, part.widened, report.result) == ([], "a limit is exceeded", Result.GUARDED)
    assert [held.change.path for held in report.held] == ["10.gif", "11.gif"]


def held(tmp_path: Path) -> Parts:
    part = parts(tmp_path, tuple(f"{n:02}.gif" for n in range(20)), most=10)
    for n in range(11):
        part.world.remove(f"{n:02}.gif")
    assert part.whole().result is Result.GUARDED
    return part


def test_more_of_what_is_held_back_is_held_back_with_it(tmp_path: Path) -> None:
    part = held(tmp_path)
    part.world.remove("11.gif")
    report = part.look("11.gif")  # alone it is within the limit
    assert part.widened == "more of what is held back"
    assert len(report.held) == 12


def test_what_else_happens_goes_on_and_leaves_alone_what_is_held_back(tmp_path: Path) -> None:
    part = held(tmp_path)
    part.world.write("15.gif", "edited")
    part.world.write("new.gif", "new")
    part.look("15.gif", "new.gif")
    assert (sorted(part.actions), part.widened) == (["create", "version"], "")
    with part.world.journal() as journal:
        assert len(journal.held()) == 11


# -- what only a look at everything can judge


def test_other_rules_of_what_is_ignored_need_a_look_at_everything(part: Parts) -> None:
    part.world.write("A/.fluxsyncignore", "*.psd")
    part.look("A/.fluxsyncignore")
    assert part.widened
    part.world.write("A/.fluxsyncignore", "")
    part.look("A")
    assert part.widened
    part.world.remove("A/.fluxsyncignore")
    part.look("A")
    assert part.widened
    part.world.write("A/a.gif", "new")
    part.look("A")
    assert part.widened == ""


def test_rules_that_came_from_the_account_need_a_look_at_everything(part: Parts) -> None:
    """As agreed, and yet new here: what they no longer exclude has not been compared."""
    part.world.upload("A/.fluxsyncignore", "*.psd")
    part.world.rest()
    part.look("A/.fluxsyncignore")
    assert part.widened


@pytest.mark.parametrize("path", ["A/a.fluxsyncignore", ".fluxsyncignore.gif"])
def test_a_file_that_is_only_named_like_one_needs_none(part: Parts, path: str) -> None:
    part.world.write(path, "new")
    part.look(path)
    assert (part.actions, part.widened) == (["create"], "")


def test_another_mapping_needs_a_look_at_everything(part: Parts) -> None:
    with part.world.journal() as journal:
        journal.set_facts({"mapping": "another"})
    part.world.remove("c.gif")
    part.look("c.gif")
    assert part.widened == "the mapping or the selection is another one"
    assert part.actions == []


def test_a_version_over_one_that_was_not_expected_is_looked_at_and_kept(part: Parts) -> None:
    part.world.write("c.gif", "mine")
    part.world.edit("c.gif", "theirs")
    part.look("c.gif")
    assert part.widened == ""
    assert part.actions == ["conflict"]
    assert {"mine", "theirs"} <= set(part.world.here().values())


@pytest.mark.parametrize(
    "deed",
    [
        lambda world: world.trash_there("c.gif"),
        lambda world: world.purge("c.gif"),
        lambda world: world.retag("c.gif", "A"),
        lambda world: world.rename_there("c.gif", "renamed.gif"),
    ],
    ids=["trashed", "gone", "moved", "renamed"],
)
@pytest.mark.parametrize("content", ["edited", None])
def test_an_asset_that_is_not_where_it_was_needs_a_look_at_everything(
    part: Parts, deed: Callable[[World], None], content: str | None
) -> None:
    deed(part.world)
    if content is None:
        part.world.remove("c.gif")
    else:
        part.world.write("c.gif", content)
    part.look("c.gif")
    # The trash takes what is in it already: nothing has to be known of that.
    assert part.widened or part.actions == ["trash-remote"]
    part.world.rest()
    part.world.in_step()


def test_a_folder_that_somebody_else_has_made_too_needs_a_look_at_everything(part: Parts) -> None:
    """A new file there may be the asset that they have put in it."""
    part.world.upload("New/x.gif", "theirs!")
    part.world.write("New/x.gif", "mine")
    part.look("New/x.gif")
    assert part.widened == "a new folder has a tag on the account"
    assert part.actions == ["conflict", "create"]


def test_an_account_that_changed_is_looked_at_as_a_whole_where_nothing_is_assumed(part: Parts) -> None:
    part.trusting = False
    part.world.write("c.gif", "new c")
    part.look("c.gif")
    assert (part.actions, part.widened) == (["version"], "")
    part.world.upload("x.gif", "theirs")
    part.world.write("d.gif", "new d")
    part.look("d.gif")
    assert part.widened == "the account has changed"
    assert sorted(part.actions) == ["download", "version"]


def test_more_stale_assets_than_are_worth_single_looks_need_one_at_everything(tmp_path: Path) -> None:
    part = parts(tmp_path, tuple(f"{n:02}.gif" for n in range(51)))
    for n in range(51):
        part.world.edit(f"{n:02}.gif", f"theirs {n}")
        part.world.write(f"{n:02}.gif", f"mine {n}")
    part.look(*(f"{n:02}.gif" for n in range(51)))
    assert part.widened == "the account has changed"


# -- what was seen on the account and could not be brought


def refused(name: str) -> Meddle:
    def meddle(call: Call) -> Any:
        if str(call) == "remote.open" and call.name == name:
            raise Rejected("refused")
        return call.go_on()

    return meddle


def test_a_new_file_with_the_name_of_an_asset_that_failed_makes_no_second_one(part: Parts) -> None:
    part.world.upload("x.gif", "theirs")
    part.meddle = refused("x.gif")
    assert part.whole().result is Result.PARTIAL
    part.meddle = None
    part.world.write("x.gif", "mine")
    part.look("x.gif")
    assert part.widened
    part.world.rest()
    assert {"mine", "theirs"} <= set(part.world.there().values())
    assert len(part.world.account.assets) == 6


@pytest.mark.parametrize("direction", ["up", "down"])
def test_what_a_direction_leaves_on_the_account_is_known_to_be_there(tmp_path: Path, direction: str) -> None:
    part = parts(tmp_path)
    part.world.rules[{"up": "down", "down": "up"}[direction]] = False
    part.world.upload("x.gif", "theirs")
    part.meddle = refused("x.gif") if direction == "down" else None
    part.whole()
    part.meddle = None
    part.world.write("x.gif", "theirs")
    part.look("x.gif")
    assert part.widened
    assert len(part.world.account.assets) == 5


def test_other_paths_go_their_way_while_something_is_owed(part: Parts) -> None:
    """Also one that came and went: only what failed, or has such a name, needs another look."""
    part.world.upload("x.gif", "theirs")
    part.meddle = refused("x.gif")
    part.whole()
    part.world.write("c.gif", "new c")
    part.look("c.gif", "A/~lock.tmp")
    assert (part.actions, part.widened) == (["version"], "")
    assert part.problems() == ["x.gif"]
    part.look("x.gif")
    assert part.widened


def test_what_failed_under_another_name_is_looked_for_too(part: Parts) -> None:
    """Two assets of one name: one of the files has the id of its asset in its name."""
    keys = [part.world.upload("x.gif", "one"), part.world.upload("x.gif", "two")]
    part.meddle = refused("x.gif")
    part.whole()
    assert set(part.problems()) == {f"x ({keys[1]}).gif", "x.gif"}
    part.look(f"x ({keys[1]}).gif")
    assert part.widened


def test_what_was_asked_for_is_asked_for_again_until_everything_was_looked_at(part: Parts) -> None:
    part.world.edit("c.gif", "theirs")
    part.world.write("c.gif", "mine")
    part.meddle = refused("c.gif")
    part.look("c.gif")
    asset = next(key for key, a in part.world.account.assets.items() if a.versions[-1].name == "c.gif")
    assert part.owed.keys == {asset}
    part.meddle = None
    part.look("c.gif")
    assert "remote.put" not in part.calls[: part.calls.index("remote.open")]
    part.whole()
    assert part.owed == Owed()


def test_an_edit_that_failed_to_come_is_asked_for(part: Parts) -> None:
    part.world.edit("c.gif", "theirs")
    part.meddle = refused("c.gif")
    part.whole()
    part.meddle = None
    part.look("c.gif")
    assert (part.actions, part.widened) == (["download"], "")


# -- what people are shown


def unreadable(path: str, again: list[bool]) -> Meddle:
    def meddle(call: Call) -> Any:
        seen = call.go_on()
        if str(call) != "local.scan" or not again:
            return seen
        files = {p: e for p, e in seen.files.items() if p != path and not p.startswith(path + "/")}
        gap = Unknown(path, "cannot be read", again_s=5.0)
        return replace(seen, files=files, unknown=(gap,), problems=(Problem(path, "cannot be read"),))

    return meddle


def test_a_problem_that_is_over_is_not_shown_any_more(part: Parts) -> None:
    still = [True]
    part.meddle = unreadable("c.gif", still)
    assert part.look("c.gif").again == {"c.gif": 5.0}
    assert part.problems() == ["c.gif"]
    still.clear()
    part.look("d.gif")
    assert part.problems() == ["c.gif"]  # nobody looked
    part.look("c.gif")
    assert part.problems() == []


def test_a_folder_that_cannot_be_read_is_named_once(part: Parts) -> None:
    part.meddle = unreadable("A", [True])
    part.whole()
    part.world.write("A/a.gif", "new")
    part.look("A/a.gif")
    assert part.problems() == ["A"]
    assert part.actions == []
    assert part.states()["A/b.gif"] is State.AGREED


def test_problems_elsewhere_keep_a_pass_from_being_in_step(part: Parts) -> None:
    part.meddle = unreadable("A", [True])
    part.whole()
    part.meddle = None
    part.world.write("c.gif", "new")
    part.look("c.gif")
    assert part.problems() == ["A"]
    with part.world.journal() as journal:
        assert journal.last_pass().result == "partial"  # type: ignore[union-attr]


def test_pauses_of_what_fails_grow_whether_a_part_or_everything_is_looked_at(part: Parts) -> None:
    """What a list shows of an asset and what is assumed of it is the same evidence."""

    def meddle(call: Call) -> Any:
        if str(call) == "remote.put":
            raise Rejected("refused")
        if str(call) == "remote.scan":
            seen = call.go_on()
            files = {key: replace(entry, modified_ns=77) for key, entry in seen.files.items()}
            return replace(seen, files=files)
        return call.go_on()

    part.meddle = meddle
    part.world.write("c.gif", "new")
    for tries in (1, 2, 3, 4):
        part.look("c.gif") if tries % 2 else part.whole()
        with part.world.journal() as journal:
            assert [row.tries for row in journal.put_aside()] == [tries]


# -- mount points


@contextmanager
def on_another_disk(inode: int, patch: pytest.MonkeyPatch) -> Iterator[None]:
    asked = os.fstat

    def elsewhere(fd: int) -> os.stat_result:
        status = asked(fd)
        if status.st_ino != inode:
            return status
        return os.stat_result([*status[:2], status.st_dev + 1, *status[3:]], status.__reduce__()[1][1])

    with patch.context() as patched:
        for module in (scan, survey):
            patched.setattr(module.os, "fstat", elsewhere)
        yield


@pytest.mark.parametrize("folder", ["A", "A/Sub"])
def test_a_new_file_on_a_disk_that_was_mounted_over_a_tracked_folder_is_unknown_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, folder: str
) -> None:
    """A look at the new file alone must not take the mount point for one that has always been there."""
    root = tmp_path / "root"
    (root / folder).mkdir(parents=True)
    real = Folder(root, settle_s=0.0)
    real.prepare()
    world = World(tmp_path / "world")
    world.folder = real  # type: ignore[assignment]
    (root / folder / "old.gif").write_text("old")
    world.once()
    assert Action.CREATE in world.actions()
    (root / "A").rename(tmp_path / "below")
    (root / folder).mkdir(parents=True)
    (root / folder / "new.gif").write_text("new")
    with on_another_disk((root / "A").stat().st_ino, monkeypatch):
        report = world.once(dirt=Dirt({f"{folder}/new.gif"}, Vanished(0.0)))
        assert report.failures == {"A": "became a mount point"}
        assert (world.actions(), real.mounts) == ([], frozenset())
        assert world.once().failures == {"A": "became a mount point"}
        assert "trash-remote" not in world.actions()
    assert list(world.there().values()) == ["old"]
