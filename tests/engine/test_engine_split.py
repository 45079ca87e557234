"""The law of parts: changes in any split end like one pass over everything, with the same assets."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections import Counter
from collections.abc import Iterable
from pathlib import Path

import pytest
from engine_world import Call, World
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from fluxsync.core.owed import Owed
from fluxsync.core.paths import ancestors, is_below
from fluxsync.engine.cycle import Dirt
from fluxsync.engine.report import Result
from fluxsync.engine.vanished import Vanished
from fluxsync.errors import Rejected

EXAMPLES = int(os.environ.get("FLUXSYNC_EXAMPLES", "150"))
law = settings(
    max_examples=EXAMPLES,
    derandomize="FLUXSYNC_EXAMPLES" not in os.environ,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
    print_blob=False,
)

FOLDERS = ("", "A", "B", "A/Sub", "New", "New/Deep")
NAMES = ("a.gif", "b.gif", "c.gif")
START = ("a.gif", "b.gif", "A/a.gif", "A/b.gif", "A/Sub/a.gif", "B/a.gif", "B/c.gif")
paths = st.builds(lambda f, n: f"{f}/{n}" if f else n, st.sampled_from(FOLDERS), st.sampled_from(NAMES))
contents = st.sampled_from(("one", "two", "three", "old a.gif", "old A/a.gif"))
folders = st.sampled_from(("A", "B", "A/Sub", "New", "New/Deep"))
deeds = st.lists(
    st.one_of(
        st.tuples(st.just("write"), paths, contents),
        st.tuples(st.just("move"), paths, paths),
        st.tuples(st.just("move"), folders, folders),
        st.tuples(st.just("remove"), st.one_of(paths, folders)),
        st.tuples(st.just("make"), folders),
    ),
    min_size=1,
    max_size=6,
)


def do(world: World, deed: tuple[str, ...]) -> list[str]:
    """Do a deed if it is possible; returns the paths that an event would name."""
    name, *args = deed
    known = {*world.folder.files, *world.folder.folders}
    if name == "move":
        old, new = args
        ways = [folder for folder in ancestors(new) if folder in world.folder.files]
        if old not in known or new in known or is_below(new, old) or ways:
            return []
    elif name == "remove" and args[0] not in known:
        return []
    elif name == "write":
        ways = [folder for folder in ancestors(args[0]) if folder in world.folder.files]
        if ways or args[0] in world.folder.folders:
            return []
    elif name == "make" and args[0] in known:
        return []
    before = set(world.folder.folders)
    getattr(world, name)(*args)
    made = [folder for folder in world.folder.folders if folder not in before]
    return [args[0], *args[1:]] if name == "move" else [args[0], *made]


def grown(home: Path) -> World:
    world = World(home)
    for path in START:
        world.write(path, f"old {path}")
    world.rest()
    return world


def parted(world: World, parts: Iterable[Iterable[str]]) -> list[str]:
    """Make a pass for each part of the dirty paths, deletions when all else was looked at."""
    waiting = [set(part) for part in parts]
    vanished = Vanished(0.0)
    looks: list[str] = []
    again: set[str] = set()
    while waiting or again:
        if waiting:
            dirty = waiting.pop(0)
        else:
            dirty, again = again, set()
        calm = not waiting
        report = world.once(dirt=Dirt(dirty, vanished, lambda calm=calm: calm), on_phase=looks.append)
        assert report.result is Result.IN_STEP, (report.failures, report.message)
        again |= report.again.keys()
    return looks


def assets(world: World) -> dict[str, tuple[str, str, str, bool]]:
    tags = world.account.tags | {"": ""}
    return {
        key: (tags[asset.home], asset.versions[-1].name, asset.versions[-1].content.decode(), asset.trashed)
        for key, asset in world.account.assets.items()
    }


def same(one: World, other: World, old: set[str]) -> None:
    """Both accounts are the same, up to the keys of what is new, and each is in step with its folder."""
    here, there = assets(one), assets(other)
    assert {key: here[key] for key in old if key in here} == {key: there[key] for key in old if key in there}
    new = Counter(value for key, value in here.items() if key not in old)
    assert new == Counter(value for key, value in there.items() if key not in old)
    assert Counter(one.account.tags.values()) == Counter(other.account.tags.values())
    assert one.here() == other.here()


@law
@given(deeds, st.lists(st.integers(0, 3), min_size=24, max_size=24))
def test_any_split_of_the_events_ends_like_one_whole_pass(changes, cuts):
    """Dirty paths are looked at in up to four parts, in any grouping: the assets are those of one pass."""
    with tempfile.TemporaryDirectory() as name:
        world = grown(Path(name) / "one")
        shutil.copytree(Path(name) / "one", Path(name) / "other")
        split = world.copied(Path(name) / "other")
        old = set(world.account.assets)
        dirty: dict[str, None] = {}
        for deed in changes:
            events = do(world, deed)
            assert do(split, deed) == events
            dirty.update(dict.fromkeys(events))
        world.rest()
        parts: dict[int, set[str]] = {}
        for path, cut in zip(dirty, cuts * 3, strict=False):
            parts.setdefault(cut, set()).add(path)
        parted(split, [parts[cut] for cut in sorted(parts)])
        same(world, split, old)
        assert not split.once().listed.found
        assert split.done == [], [(str(op.action), op.path) for op in split.done]


def test_what_the_account_has_and_a_pass_could_not_take_in_is_met(tmp_path):
    """A file that is saved where a download failed is compared with that asset, and is no second one."""
    world = World(tmp_path)
    world.write("b.gif", "b")
    world.rest()
    world.upload("New/a.gif", "theirs")

    def no_room(call: Call):
        if str(call) == "remote.open":
            raise Rejected("not now")
        return call.go_on()

    report = world.once(no_room)
    assert report.result is Result.PARTIAL
    world.write("New/a.gif", "theirs")
    dirt = Dirt({"New/a.gif"}, Vanished(0.0), owed=report.owed)
    assert world.once(dirt=dirt).owed == Owed()
    assert world.there() == {"New/a.gif": "theirs", "b.gif": "b"}
    world.in_step()


def test_what_is_as_the_ancestor_says_is_no_stranger(tmp_path):
    world = World(tmp_path)
    world.write("A/a.gif", "a")
    world.upload("B/b.gif", "b")
    world.rest()
    world.edit("A/a.gif", "edited")
    world.move("B/b.gif", "A/b.gif")
    report = world.once()
    assert report.result is Result.IN_STEP
    assert report.owed == Owed()


@pytest.mark.parametrize("dirty", ["A/.fluxsyncignore", "A"])
def test_other_ignore_rules_are_judged_with_the_whole_account(tmp_path, dirty):
    """What they excluded is in no row; the asset of a file that is back is known to a list alone."""
    world = grown(tmp_path)
    world.write("A/.fluxsyncignore", "*.bak")
    assert parted(world, [{dirty}])[1:2] == [
        "looking at everything: the rules of what is ignored are other ones"
    ]
    world.in_step()
    assert not any("everything" in look for look in parted(world, [{"A"}]))
