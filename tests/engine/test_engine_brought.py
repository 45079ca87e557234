"""Killed between a download and its settlement, whatever the asset becomes meanwhile: it stays one file."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from engine_world import AtOnce, Call, Killed, World, digest_of

from fluxsync.errors import Rejected
from fluxsync.replica.memory import MemoryVersion


@pytest.fixture(autouse=True)
def _in_one_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("fluxsync.engine.execute.ThreadPoolExecutor", AtOnce)


@pytest.fixture
def world(tmp_path: Path) -> World:
    world = World(tmp_path)
    world.write("a.gif", "a")
    world.write("B/b.gif", "b")
    world.rest()
    return world


def signed(world: World, path: str, content: str) -> None:
    """Let another machine send a version."""
    versions = world.asset(path).versions
    over = len(versions) - 1
    versions.append(MemoryVersion(content.encode(), versions[-1].name, digest_of(content), over))


def killed_after_the_download(world: World) -> None:
    dead = False

    def meddle(call: Call) -> object:
        nonlocal dead
        if dead:
            raise Killed
        answer = call.go_on()
        dead = str(call) == "local.put"
        return answer

    with pytest.raises(Killed):
        world.once(meddle)


def renamed_and_edited(world: World) -> None:
    """Nothing proves any more that the file was what was brought."""
    world.rename_there("New/n.gif", "m.gif")
    world.write("New/n.gif", "edited")


LATER: list[tuple[str, Callable[[World], None], dict[str, str]]] = [
    ("as it was", lambda world: None, {"New/n.gif": "new"}),
    ("renamed there", lambda world: world.rename_there("New/n.gif", "m.gif"), {"New/m.gif": "new"}),
    ("moved there", lambda world: world.retag("New/n.gif", "B"), {"B/n.gif": "new"}),
    ("moved to where another file is", lambda world: world.retag("New/n.gif", ""), {"n.gif": "new"}),
    ("in the trash there", lambda world: world.trash_there("New/n.gif"), {}),
    ("renamed there, edited here", renamed_and_edited, {"New/m.gif": "new", "New/n.gif": "edited"}),
]


@pytest.mark.parametrize(("deed", "after"), [pytest.param(*case[1:], id=case[0]) for case in LATER])
def test_a_new_asset_that_was_brought_is_known_wherever_it_is_now(
    world: World, deed: Callable[[World], object], after: dict[str, str]
) -> None:
    world.upload("New/n.gif", "new")
    killed_after_the_download(world)
    deed(world)
    world.rest()
    assert world.there() == {"a.gif": "a", "B/b.gif": "b"} | after
    world.in_step()


@pytest.mark.parametrize("moved", [False, True], ids=["in place", "renamed here"])
def test_what_another_machine_sent_and_was_brought_is_no_edit_when_newer_content_comes(
    world: World, moved: bool
) -> None:
    if moved:
        world.move("a.gif", "m.gif")
    signed(world, "a.gif", "second")
    killed_after_the_download(world)
    world.edit("a.gif", "third")
    world.rest()
    assert world.there() == {"m.gif" if moved else "a.gif": "third", "B/b.gif": "b"}
    world.in_step()


@pytest.mark.parametrize("edit", [signed, World.edit], ids=["by a machine", "by a person"])
@pytest.mark.parametrize("size", [1, 9], ids=["of one size", "longer"])
def test_what_was_brought_and_then_moved_here_is_that_asset(
    world: World, edit: Callable[[World, str, str], None], size: int
) -> None:
    edit(world, "a.gif", "2" * size)
    killed_after_the_download(world)
    world.move("a.gif", "B/m.gif")
    world.rest()
    assert world.there() == {"B/m.gif": "2" * size, "B/b.gif": "b"}
    assert len(world.account.assets) == 2
    world.in_step()


@pytest.mark.parametrize("there", ["as it was", "renamed there"])
@pytest.mark.parametrize("target", ["New/m.gif", "B/n.gif", "other.gif"])
def test_a_new_asset_that_was_brought_and_then_moved_here_is_that_asset(
    world: World, target: str, there: str
) -> None:
    world.upload("New/n.gif", "new")
    killed_after_the_download(world)
    world.move("New/n.gif", target)
    if there == "renamed there":
        world.rename_there("New/n.gif", "x.gif")
    world.rest()
    contents = sorted(world.there().values())
    assert contents == ["a", "b", "new"]
    assert len(world.account.assets) == 3
    if there == "as it was":
        assert world.there() == {"a.gif": "a", "B/b.gif": "b", target: "new"}
    world.in_step()
    world.write("copy.gif", "newer")
    world.upload("C/c.gif", "newer")
    world.rest()
    assert len(world.there()) == 5


def test_of_two_copies_of_what_was_brought_neither_is_known_to_be_it(world: World) -> None:
    world.edit("a.gif", "second")
    killed_after_the_download(world)
    world.move("a.gif", "m.gif")
    world.write("n.gif", "second")
    world.rest()
    assert world.there() == {"a.gif": "second", "m.gif": "second", "n.gif": "second", "B/b.gif": "b"}
    world.in_step()


def test_what_cannot_be_read_now_is_named_and_waits(world: World) -> None:
    world.upload("New/n.gif", "new")
    killed_after_the_download(world)
    world.rename_there("New/n.gif", "m.gif")

    def meddle(call: Call) -> object:
        if str(call) == "remote.open":
            raise Rejected("not now")
        return call.go_on()

    report = world.once(meddle)
    assert dict(report.failures) == {"New/m.gif": "not now"}
