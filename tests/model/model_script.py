"""A script: what happens in a world, step by step, as values that can be drawn, shrunk and played again."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st
from model_account import DEEDS as DEEDS_THERE
from model_account import TO_ONE as TO_ONE_THERE
from model_disk import DEEDS as DEEDS_HERE
from model_disk import TO_ONE as TO_ONE_HERE
from model_laws import after_pass, rest
from model_wire import FAULTS, KINDS
from model_world import World

Step = tuple[Any, ...]

#: What somebody does on the account while a pass is under way: pages shift, ground moves.
MEANWHILE = (
    *("upload", "version", "rename", "retag", "second_home", "label", "trash", "untrash"),
    *("delete_for_good", "rename_tag", "delete_tag"),
)
HOURS = (-24 * 400, -2, -0.01, 0, 0.01, 2, 24 * 400)

small = st.integers(0, 11)
machines = st.sampled_from(("a", "b"))
kinds = st.sampled_from(tuple(KINDS))
deeds_here = st.tuples(st.just("here"), machines, st.sampled_from(DEEDS_HERE), small, small)
deeds_there = st.tuples(st.just("there"), st.sampled_from(DEEDS_THERE), small, small)
clashes = st.tuples(
    st.just("clash"),
    machines,
    st.sampled_from(TO_ONE_HERE),
    st.sampled_from(TO_ONE_THERE),
    small,
    small,
)
beginnings = st.lists(
    st.tuples(
        st.just("here"),
        st.just("a"),
        st.sampled_from(("new", "new", "new", "copy", "make_folder")),
        small,
        small,
    ),
    max_size=10,
)
syncs = st.tuples(st.just("sync"), machines)
kills = st.tuples(st.just("kill"), machines, st.integers(0, 60))
faults = st.tuples(st.just("fault"), st.sampled_from(FAULTS), kinds, st.integers(1, 4))
meddling = st.tuples(st.just("meanwhile"), st.sampled_from(MEANWHILE), kinds, st.integers(1, 4), small, small)
jumps = st.tuples(st.just("clock"), st.sampled_from(("a", "b", "account")), st.sampled_from(HOURS))


def play(world: World, *script: Step) -> None:
    """Do these steps in a world; every pass is checked."""
    for step in script:
        match step:
            case ("here", name, deed, i, j):
                world.here(name, deed, i, j)
            case ("there", deed, i, j):
                world.there(deed, i, j)
            case ("clash", name, here, there, i, j):
                world.clash(name, here, there, i, j)
            case ("sync", name):
                after_pass(world, world.sync(name))
            case ("kill", name, steps):
                after_pass(world, world.sync(name, steps))
            case ("fault", fault, kind, first):
                world.wire.fault(fault, kind, first)
            case ("meanwhile", deed, kind, first, i, j):
                world.meanwhile(deed, kind, first, i, j)
            case ("clock", whose, hours):
                world.time.wrong_s[whose] = hours * 3600
            case ("rest",):
                rest(world)
            case _:
                raise ValueError(step)
