"""Passes beside another one: they leave alone what that has in hand, however the folder shows it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from engine_world import AtOnce, Call, Killed, World

from fluxsync.core.model import Action, Entry, Kind, Place
from fluxsync.core.operations import Operation
from fluxsync.core.paths import basename, dirname
from fluxsync.core.under_way import UnderWay, under_way
from fluxsync.engine.dirty import Dirt
from fluxsync.engine.report import Report, Result
from fluxsync.engine.vanished import Vanished


@pytest.fixture(autouse=True)
def _one_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("fluxsync.engine.execute.ThreadPoolExecutor", AtOnce)


class Beside:
    """A world in which a film is on its way: a new one, or the next version of one that both sides have."""

    def __init__(self, home: Path, *, known: bool, **rules: object) -> None:
        self.world = World(home, **rules)
        self.calls: list[str] = []
        for path in ("A/a.txt", "A/b.txt", "A/c.txt", "B/d.txt"):
            self.world.write(path, f"old {path}")
        if known:
            self.world.write("A/film.mov", "old film")
        self.world.rest()
        self.world.write("A/film.mov", "film")
        self.under_way = under_way([self.step(Action.VERSION if known else Action.CREATE, "A/film.mov")])

    def step(self, action: Action, path: str) -> Operation:
        """Return a step that another pass would have planned."""
        local = None
        if path in self.world.folder.files:
            file = self.world.folder.files[path]
            place = Place(dirname(path), basename(path))
            digest = self.world.folder.digest(Entry(Kind.FILE, place, stamp=file.stamp))
            local = Entry(Kind.FILE, place, size=len(file.content), digest=digest, stamp=file.stamp)
        with self.world.journal() as journal:
            item = next((item for item in journal.items() if item.path == path), None)
        return Operation(action, path, "planned", 1, item, local)

    def look(self, *paths: str, under_way: UnderWay | None = None) -> Report:
        def heard(call: Call) -> object:
            self.calls.append(str(call))
            return call.go_on()

        dirt = Dirt(set(paths), Vanished(0.0), under_way=under_way or self.under_way)
        return self.world.once(heard, dirt=dirt)

    @property
    def assets(self) -> int:
        return len(self.world.account.assets)


def _saved_and_renamed(world: World) -> None:
    world.write("A/film.mov", "film, saved again")
    world.move("A/film.mov", "B/other.mov")


MEETINGS: dict[str, tuple[Callable[[World], None], str]] = {
    "saved again": (lambda world: world.write("A/film.mov", "film, saved again"), "A/film.mov"),
    "renamed": (lambda world: world.move("A/film.mov", "A/other.mov"), "A/other.mov"),
    "moved": (lambda world: world.move("A/film.mov", "B/film.mov"), "B/film.mov"),
    "copied": (lambda world: world.write("B/copy.mov", "film"), "B/copy.mov"),
    "in a folder that was renamed": (lambda world: world.move("A", "C"), "C"),
    "in a folder that is dirty": (lambda world: world.write("A/new.txt", "new"), "A"),
    "saved again and renamed": (_saved_and_renamed, "B/other.mov"),
    "removed from a folder that is dirty": (lambda world: world.remove("A/film.mov"), "A"),
    "removed": (lambda world: world.remove("A/film.mov"), "A/film.mov"),
}


@pytest.mark.parametrize("known", [False, True], ids=["a new film", "a version"])
@pytest.mark.parametrize("name", MEETINGS)
def test_what_is_under_way_is_left_alone(tmp_path: Path, name: str, known: bool) -> None:
    beside = Beside(tmp_path, known=known)
    assets = beside.assets
    deed, path = MEETINGS[name]
    deed(beside.world)
    report = beside.look(path)
    assert (report.stopped, report.whole) == (Result.PARTIAL, False)
    assert (beside.world.done, beside.assets) == ([], assets)
    assert not any(call.startswith("remote.") for call in beside.calls)


@pytest.mark.parametrize("known", [False, True], ids=["a new film", "a version"])
def test_all_else_is_brought_in_step(tmp_path: Path, known: bool) -> None:
    beside = Beside(tmp_path, known=known)
    world = beside.world
    world.write("A/new.txt", "new")
    world.write("A/a.txt", "edited")
    world.move("A/b.txt", "B/b.txt")
    world.remove("B/d.txt")
    report = beside.look("A/new.txt", "A/a.txt", "A/b.txt", "B/b.txt", "B/d.txt")
    assert report.result is Result.IN_STEP
    assert sorted(world.actions()) == ["create", "move-remote", "trash-remote", "version"]
    left = {path: content for path, content in world.here().items() if path != "A/film.mov"}
    assert {path: content for path, content in world.there().items() if path != "A/film.mov"} == left


def test_what_is_large_waits_for_its_turn(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Beside a film another one would hold up all else, and that it came to its end."""
    beside = Beside(tmp_path, known=False)
    world = beside.world
    monkeypatch.setattr("fluxsync.core.under_way.LARGE", 100)
    world.write("A/a.txt", "edited")
    world.write("A/other film.mov", "f" * 100)
    report = beside.look("A/a.txt", "A/other film.mov")
    assert world.actions() == ["version"]
    assert "taken up when it is its turn" in report.failures["A/other film.mov"]
    assert report.again["A/other film.mov"] > world.clock.now
    world.once()
    assert sorted(world.actions()) == ["create", "create"]


def test_what_was_sent_and_waits_for_its_answer_is_no_doubt(tmp_path: Path) -> None:
    """Its row says that it was sent; a pass that is not beside it would look for it, and take it for lost."""
    beside = Beside(tmp_path, known=False)
    world = beside.world

    def sending(call: Call) -> object:
        if str(call) == "remote.put":
            world.write("A/new.txt", "new")
            assert beside.look("A/new.txt").result is Result.IN_STEP
            with world.journal() as journal:
                assert [sent.path for sent in journal.unsettled()] == ["A/film.mov"]
        return call.go_on()

    world.once(sending)
    assert "remote.find" not in beside.calls
    assert world.there()["A/film.mov"] == "film"
    world.in_step()


@pytest.mark.parametrize("known", [False, True], ids=["a new film", "a version"])
@pytest.mark.parametrize("done_there", [False, True], ids=["not arrived", "arrived"])
@pytest.mark.parametrize("film_there", [False, True], ids=["film not arrived", "film arrived"])
def test_killed_with_two_passes_in_hand_nothing_is_sent_twice(
    tmp_path: Path, known: bool, done_there: bool, film_there: bool
) -> None:
    beside = Beside(tmp_path, known=known)
    world = beside.world
    assets, sent = beside.assets, world.versions()

    def dying(call: Call) -> object:
        if str(call) == "remote.put":
            if done_there:
                call.go_on()
            raise Killed
        return call.go_on()

    def sending(call: Call) -> object:
        if str(call) == "remote.put":
            world.write("A/new.txt", "new")
            if film_there:
                call.go_on()
            world.once(dying, dirt=Dirt({"A/new.txt"}, Vanished(0.0), under_way=beside.under_way))
        return call.go_on()

    with pytest.raises(Killed):
        world.once(sending, connections=1)
    world.rest()
    assert (world.there()["A/film.mov"], world.there()["A/new.txt"]) == ("film", "new")
    assert (beside.assets, world.versions()) == (assets + (1 if known else 2), sent + 2)
    world.in_step()


@pytest.mark.parametrize(("pending", "held"), [(1, False), (2, True)])
def test_what_is_under_way_counts_against_the_limits(tmp_path: Path, pending: int, held: bool) -> None:
    beside = Beside(tmp_path, known=False, most=2)
    world = beside.world
    gone = ("A/a.txt", "A/b.txt")[:pending]
    for path in gone:
        world.remove(path)
    steps = under_way(beside.step(Action.TRASH_REMOTE, path) for path in gone)
    world.remove("B/d.txt")
    report = beside.look("B/d.txt", under_way=steps)
    assert world.actions() == ([] if held else ["trash-remote"])
    assert (report.stopped is Result.PARTIAL) is held


@pytest.mark.parametrize(("pending", "held"), [(1, False), (2, True)])
def test_new_contents_under_way_count_once_for_each_file(tmp_path: Path, pending: int, held: bool) -> None:
    beside = Beside(tmp_path, known=False, most=2)
    world = beside.world
    for path in ("A/a.txt", "A/b.txt")[:pending]:
        world.write(path, f"edited {path}")
    steps = under_way(beside.step(Action.VERSION, path) for path in ("A/a.txt", "A/b.txt")[:pending] * 2)
    world.write("B/d.txt", "edited, too")
    beside.look("B/d.txt", under_way=steps)
    assert world.actions() == ([] if held else ["version"])
