"""Dirty paths that a walk finds by itself: a part over them ends like one whole pass."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from pathlib import Path

import pytest
from engine_world import World
from hypothesis import given
from test_engine_split import assets, deeds, do, grown, law, parted, same

from fluxsync.core.model import Snapshot, Stamp, Unknown
from fluxsync.engine import rescan
from fluxsync.engine.pair import Pair
from fluxsync.engine.vanished import Vanished
from fluxsync.errors import Halted


def changed(world: World) -> frozenset[str]:
    with world.journal() as journal:
        return rescan.changed(Pair(world.folder, world.account, journal))


@law
@given(deeds)
def test_what_a_rescan_finds_ends_like_one_whole_pass(changes):
    """No event was heard: the paths that differ are all that a part needs."""
    with tempfile.TemporaryDirectory() as name:
        world = grown(Path(name) / "one")
        other = world.copied(Path(name) / "other")
        old = set(world.account.assets)
        for deed in changes:
            do(world, deed)
            do(other, deed)
        world.rest()
        found = changed(other)
        if found:
            parted(other, [found])
        same(world, other, old)
        assert changed(other) == frozenset()
        assert not other.once().listed.found
        assert other.done == []


@pytest.mark.parametrize(
    ("deed", "paths"),
    [
        (lambda w: None, set()),
        (lambda w: w.write("a.gif", "edited"), {"a.gif"}),
        (lambda w: w.write("new.gif", "new"), {"new.gif"}),
        (lambda w: w.remove("A/b.gif"), {"A/b.gif"}),
        (lambda w: w.remove("A"), {"A"}),
        (lambda w: w.make("A/Fresh"), {"A/Fresh"}),
        (lambda w: w.move("A", "C"), {"A", "C"}),
        (lambda w: w.move("a.gif", "B/a2.gif"), {"a.gif", "B/a2.gif"}),
    ],
)
def test_the_paths_that_differ_are_found(
    tmp_path: Path, deed: Callable[[World], None], paths: set[str]
) -> None:
    world = grown(tmp_path)
    deed(world)
    assert changed(world) == paths


def test_what_was_kept_on_one_side_alone_differs_where_it_should_not_be(tmp_path: Path) -> None:
    """A file whose asset is gone is agreed to be here; one that was trashed is agreed not to be."""
    world = World(tmp_path, delete="keep")
    for path in ("here.gif", "there.gif"):
        world.write(path, path)
    world.rest()
    world.trash_there("here.gif")
    world.remove("there.gif")
    world.once()
    assert changed(world) == frozenset()
    world.write("there.gif", "again")
    assert changed(world) == {"there.gif"}
    world.remove("there.gif")
    world.remove("here.gif")
    assert changed(world) == {"here.gif"}


def test_where_very_much_differs_everything_does(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    world = grown(tmp_path)
    monkeypatch.setattr(rescan, "_MOST", 2)
    world.write("1.gif", "1")
    world.write("2.gif", "2")
    assert changed(world) == {"1.gif", "2.gif"}
    world.write("3.gif", "3")
    assert changed(world) == {""}


def test_a_root_that_is_away_has_lost_nothing(tmp_path: Path) -> None:
    world = grown(tmp_path)
    world.folder.missing = True
    with pytest.raises(Halted):
        changed(world)
    assert assets(world)


def test_what_is_there_again_was_not_gone_all_the_time() -> None:
    """A deletion waits for its own second look, not for the one that an earlier deletion had."""
    now = [0.0]
    vanished = Vanished(2.0, lambda: now[0])
    assert vanished.unripe({"a.gif", "A/b.gif"}, lambda path: True) == {"a.gif", "A/b.gif"}
    now[0] = 5.0
    vanished.only({"A"})
    assert vanished.unripe({"a.gif", "A/b.gif"}, lambda path: True) == {"a.gif"}


def test_what_was_not_read_and_is_as_agreed_by_now_holds_no_deletion_up() -> None:
    vanished = Vanished(2.0, lambda: 0.0)
    gaps = tuple(Unknown(path, "saved a moment ago", Stamp(1, 2, 3, 4)) for path in ("a.gif", "A/b.gif"))
    vanished.unread_elsewhere(Snapshot({}, {}, unknown=gaps), lambda path: True)
    vanished.only({"A"})
    left = vanished.unread_elsewhere(Snapshot({}, {}), lambda path: False)
    assert left.covers("A/b.gif")
    assert not left.covers("a.gif")
