"""I6: whatever happens, a machine that only takes never writes to the account, and one that only gives never
changes its folder; and still nothing is lost."""

from __future__ import annotations

import os

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from model_laws import after_pass
from model_script import (
    Step,
    beginnings,
    clashes,
    deeds_here,
    deeds_there,
    faults,
    kills,
    meddling,
    play,
    syncs,
)
from model_world import Passed, World, world

EXAMPLES = int(os.environ.get("FLUXSYNC_EXAMPLES", "30"))

weeks = st.lists(
    st.one_of(deeds_here, deeds_there, clashes, syncs, syncs, kills, faults, meddling), max_size=12
)


def read_only_side_untouched(passed: Passed, direction: str, folders: list[str]) -> None:
    if direction == "down":
        assert not passed.writes, f"I6: {passed.writes}"
    else:
        assert passed.machine.tree() == passed.before, "I6: files changed"
        assert passed.machine.folders() == folders, "I6: folders changed"


def sync(one: World, direction: str, steps: int | None = None) -> Passed:
    folders = one.machines["b"].folders()
    passed = one.sync("b", steps)
    read_only_side_untouched(passed, direction, folders)
    after_pass(one, passed)
    return passed


@pytest.mark.slow
@settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=list(HealthCheck), print_blob=False)
@given(beginnings, weeks, st.sampled_from(("up", "down")))
def test_the_read_only_side_is_never_written(beginning: list[Step], week: list[Step], direction: str) -> None:
    with world(sync={"settle": 0, "trash_days": 0}) as one:
        play(one, *beginning, ("rest",))
        one.machines["b"].set("sync", direction=direction)
        for step in week:
            if step[:2] == ("sync", "b") or step[:2] == ("kill", "b"):
                sync(one, direction, *step[2:])
            else:
                play(one, step)
        one.wire.heal()
        for _ in range(6):
            passed = [sync(one, direction), one.sync("a")]
            after_pass(one, passed[1])
            if not any(p.done or p.writes for p in passed):
                return
        raise AssertionError(f"no rest: {[(op.action, op.path, op.why) for p in passed for op in p.done]}")
