"""The law of parts: changes in any split end like one pass over everything, with the same assets."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections import Counter
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

import pytest
from engine_world import Call, World
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from fluxsync.core.owed import Owed
from fluxsync.core.paths import ancestors, is_below
from fluxsync.engine.dirty import Dirt
from fluxsync.engine.report import Result
from fluxsync.engine.vanished import Vanished
from fluxsync.errors import Rejected
from fluxsync.replica.memory.asset import MemoryVersion

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


indices = st.integers(0, 30)
theirs = st.one_of(
    st.tuples(st.just("upload"), paths),
    st.tuples(st.just("edit"), indices),
    st.tuples(st.just("retag"), indices, st.sampled_from(FOLDERS)),
    st.tuples(st.just("rename"), indices, st.sampled_from(NAMES)),
    st.tuples(st.just("trash"), indices),
    st.tuples(st.just("restore"), indices),
    st.tuples(st.just("rename tag"), folders, folders),
)
ours = st.one_of(
    st.tuples(st.just("write"), paths),
    st.tuples(st.just("move"), paths, paths),
    st.tuples(st.just("move"), folders, folders),
    st.tuples(st.just("remove"), st.one_of(paths, folders)),
)
looks = st.one_of(st.tuples(st.just("part"), st.integers(0, 15)), st.tuples(st.just("whole")))


class Story:
    """People on both sides, and passes over parts in between; each content is written once."""

    def __init__(self, home: Path, trusting: bool) -> None:
        self.world = grown(home)
        self.trusting = trusting
        self.vanished = Vanished(0.0)
        self.owed = Owed()
        self.dirty: set[str] = set()
        self.written = set(self.world.here().values())
        self.given_up: set[str] = set()

    def tell(self, step: tuple) -> None:
        match step:
            case ("part", cut):
                self.look({path for n, path in enumerate(sorted(self.dirty)) if cut >> (n % 4) & 1})
            case ("whole",):
                self.look(None)
            case ("write" | "move" | "remove", *_):
                self.here(step)
            case _:
                self.there(*step)

    def look(self, paths: set[str] | None) -> None:
        if paths is None:
            self.dirty.clear()
            report = self.world.once()
        else:
            self.dirty -= paths
            calm = not self.dirty
            dirt = Dirt(paths, self.vanished, lambda: calm, self.trusting, self.owed)
            report = self.world.once(dirt=dirt)
        self.dirty |= report.again.keys()
        self.owed = report.owed

    def content(self) -> str:
        self.written.add(f"content {len(self.written)}")
        return f"content {len(self.written) - 1}"

    def here(self, deed: tuple) -> None:
        before = self.world.here()
        deed = (*deed, self.content()) if deed[0] == "write" else deed
        events = do(self.world, deed)
        if not events:
            self.given_up |= set(deed[2:]) if deed[0] == "write" else set()
        self.dirty |= set(events)
        self.given_up |= set(before.values()) - set(self.world.here().values())

    def there(self, deed: str, *args) -> None:
        world = self.world
        if deed == "upload":
            world.upload(args[0], self.content())
            return
        if deed == "rename tag":
            old, new = args
            if old in world.account.tags.values() and new not in world.account.tags.values():
                world.rename_tag(old, new)
            return
        found = [a for a in world.account.assets.values() if a.trashed == (deed == "restore")]
        if not found:
            return
        asset = found[args[0] % len(found)]
        last = asset.versions[-1]
        match deed:
            case "edit":
                self.given_up.add(last.content.decode())
                asset.versions.append(MemoryVersion(self.content().encode(), last.name))
            case "rename":
                asset.versions.append(replace(last, name=args[1]))
            case "retag":
                asset.home = world.tag(args[1])
            case _:
                asset.trashed = deed == "trash"

    def live(self) -> Counter[str]:
        live = [asset for asset in self.world.account.assets.values() if not asset.trashed]
        return Counter(asset.versions[-1].content.decode() for asset in live)


@law
@given(st.booleans(), st.lists(st.one_of(ours, theirs, looks), min_size=3, max_size=14))
def test_parts_and_a_colleague_end_in_step_with_nothing_lost(trusting, steps):
    """Between passes over parts a colleague works on the account; a few whole passes end with equal sides."""
    with tempfile.TemporaryDirectory() as name:
        story = Story(Path(name), trusting)
        for step in steps:
            story.tell(step)
        story.look(set(story.dirty))
        story.world.rest()
        assert Counter(story.world.here().values()) == story.live()
        assert max(story.live().values(), default=1) == 1
        assert story.written - story.given_up <= story.world.contents()
