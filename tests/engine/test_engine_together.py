"""What two machines and a colleague do to one file at the same moment makes no two of it without need.

The decision table of the contract says what is need: two edits of one content are two files, and a file that
one puts in the place of another while somebody else moves it, or takes it out of the trash, is there twice.
"""

from __future__ import annotations

import os
from collections import Counter
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from engine_together import ALL_HERE, ALL_THERE, EDITS_HERE, EDITS_THERE, MACHINES, Town
from engine_world import AtOnce
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

EXAMPLES = int(os.environ.get("FLUXSYNC_EXAMPLES", "120"))
#: Journals flush at each step, which on a disk takes longer than all the rest.
IN_MEMORY = "/dev/shm" if Path("/dev/shm").is_dir() else None
law = settings(
    max_examples=EXAMPLES,
    derandomize="FLUXSYNC_EXAMPLES" not in os.environ,
    deadline=None,
    suppress_health_check=[
        HealthCheck.too_slow,
        HealthCheck.data_too_large,
        HealthCheck.function_scoped_fixture,
    ],
    print_blob=False,
)

machines, files, kinds = st.sampled_from(MACHINES), st.sampled_from("ffg"), st.sampled_from(("part", "whole"))
edits = st.one_of(
    st.tuples(machines, st.sampled_from(EDITS_HERE), files),
    st.tuples(st.just("c"), st.sampled_from(EDITS_THERE), files),
)
all_deeds = st.one_of(
    st.tuples(machines, st.sampled_from(ALL_HERE), files),
    st.tuples(st.just("c"), st.sampled_from(ALL_THERE), files),
)
looks = st.tuples(machines, kinds, st.just(0))
kills = st.tuples(machines, kinds, st.integers(1, 25), st.just("killed"))


def meanwhile(deeds: st.SearchStrategy) -> st.SearchStrategy:
    inner = st.lists(st.one_of(deeds, looks), min_size=1, max_size=2)
    return st.tuples(machines, kinds, st.integers(1, 25), inner)


@pytest.fixture(autouse=True)
def _in_one_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("fluxsync.engine.execute.ThreadPoolExecutor", AtOnce)


def told(steps: list, trusting: bool, home: Path) -> Town:
    town = Town(home, trusting=trusting)
    for step in steps:
        town.tell(step)
    town.rest()
    return town


@law
@given(st.booleans(), st.lists(st.one_of(edits, edits, looks, meanwhile(edits)), min_size=2, max_size=8))
def test_of_each_file_there_are_as_many_as_edits_that_nobody_built_on(trusting, steps):
    """A rename or move on one side and new content on the other are both of one file, whenever they meet."""
    with TemporaryDirectory(dir=IN_MEMORY) as name:
        town = told(steps, trusting, Path(name))
        assert town.live() == Counter(town.last())


@law
@given(
    st.booleans(),
    st.lists(st.one_of(edits, edits, looks, meanwhile(edits), kills), min_size=2, max_size=8),
)
def test_killed_on_the_way_each_content_is_there_once_all_the_same(trusting, steps):
    """What was killed may not know any more which content an edit was built on: a conflict copy too many."""
    with TemporaryDirectory(dir=IN_MEMORY) as name:
        town = told(steps, trusting, Path(name))
        live = town.live()
        assert set(live) >= town.last()
        assert max(live.values()) == 1


@law
@given(
    st.booleans(),
    st.lists(st.one_of(all_deeds, all_deeds, looks, meanwhile(all_deeds)), min_size=2, max_size=8),
)
def test_a_content_is_there_twice_only_where_one_put_it_over_another_file_and_another_kept_it(
    trusting, steps
):
    with TemporaryDirectory(dir=IN_MEMORY) as name:
        town = told(steps, trusting, Path(name))
        for content, times in town.live().items():
            assert times <= 2
            assert times == 1 or was_wanted_in_two_places(town, town.file[content]), content


def was_wanted_in_two_places(town: Town, file: str) -> bool:
    """Tell whether one put a file in another's place, and somebody else did something to it."""
    put = {who for who, deed, what in town.deeds if (deed, what) == ("put over the other", file)}
    kept = {who for who, deed, what in town.deeds if what == file and deed not in ("delete", "trash")}
    return any(kept - {who} for who in put)


@law
@given(st.booleans(), machines, st.lists(edits, min_size=1, max_size=6))
def test_a_look_at_the_dirty_paths_ends_as_one_at_everything(trusting, machine, deeds):
    """Whatever others did meanwhile to the same files, the same files are left, with the same contents."""
    with TemporaryDirectory(dir=IN_MEMORY) as name:
        steps = {kind: [*deeds, (machine, kind, 0)] for kind in ("part", "whole")}
        ends = [told(steps[kind], trusting, Path(name) / kind) for kind in steps]
        assert ends[0].tree() == ends[1].tree()
