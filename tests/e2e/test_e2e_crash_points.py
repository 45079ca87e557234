"""Stopped right after any change of the disk, any commit and any request, a pass loses and doubles nothing.

The real program works in a process of its own: a real folder, a real journal, real requests to the sandbox.
What is left at that moment is searched for every content; then passes come to rest, and folder, account and
journal have to be what they would have been without the stop.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from crash_scenes import BY_NAME, SCENES
from crash_world import Scene, Start, Undisturbed, Zygote, stop_at
from e2e_world import Clock

#: One in so many steps is tried by the quick tests, each scene beginning with another.
SPARSE = 23


@pytest.fixture(scope="module")
def zygote() -> Iterator[Zygote]:
    made = Zygote()
    yield made
    made.close()


def stopped(scene: Scene, home: Path, clock: Clock, zygote: Zygote, *, sparse: int = 0, **how: bool) -> None:
    """Stop the pass of a scene at each step, or at one in so many."""
    everything = how.pop("everything", False)
    start = Start(scene, home, clock)
    right = Undisturbed(start, zygote, everything=everything)
    first = 1 + SCENES.index(scene) * 5 % sparse if sparse else 1
    for at in range(first, right.steps, sparse or 1):
        assert stop_at(start, zygote, right, at, everything=everything, **how)


@pytest.mark.parametrize("scene", SCENES[::3], ids=str)
def test_stopped_at_some_steps_a_pass_loses_and_doubles_nothing(
    scene: Scene, tmp_path: Path, time_passes: Clock, zygote: Zygote
) -> None:
    stopped(scene, tmp_path, time_passes, zygote, sparse=SPARSE)


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.parametrize("scene", SCENES, ids=str)
def test_stopped_at_any_step_a_pass_loses_and_doubles_nothing(
    scene: Scene, tmp_path: Path, time_passes: Clock, zygote: Zygote
) -> None:
    stopped(scene, tmp_path, time_passes, zygote)


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.parametrize("name", ["rebuild"])
def test_stopped_before_and_after_every_call_a_pass_loses_and_doubles_nothing(
    name: str, tmp_path: Path, time_passes: Clock, zygote: Zygote
) -> None:
    """The opening of the journal, reading requests, flushes, and what the disk is asked about names, too."""
    stopped(BY_NAME[name], tmp_path, time_passes, zygote, everything=True)


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_stopped_while_several_movers_work_a_pass_loses_and_doubles_nothing(
    tmp_path: Path, time_passes: Clock, zygote: Zygote
) -> None:
    scene = replace(BY_NAME["create"], sections={"remote": {"connections": 4}})
    start = Start(scene, tmp_path, time_passes)
    right = Undisturbed(start, zygote, everything=False)
    for at in range(2, right.steps - 4, 3):
        stop_at(start, zygote, right, at, everything=False, in_order=False)
