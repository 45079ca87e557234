"""I15 and I16: the order inside a batch changes nothing in the end, and nothing at all is left to chance."""

from __future__ import annotations

import os
import random
import re
import subprocess
import sys
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from model_laws import rest
from model_script import Step, beginnings, clashes, deeds_here, deeds_there, play
from model_world import World, world

import fluxsync
from fluxsync.engine.execute import Executor

EXAMPLES = int(os.environ.get("FLUXSYNC_EXAMPLES", "30"))


def shown(one: World) -> list[Any]:
    """Return both folders and the account without what the order gives away: ids, and times in names."""

    def plain(path: str) -> str:
        path = re.sub(r" \((tag )?\d{3,}(-\d+)?\)", "", path)
        return re.sub(r"conflicted copy [^)]*\)", "conflicted copy)", path)

    folders = [sorted((plain(p), c) for p, c in m.tree().items()) for m in one.machines.values()]
    assets = sorted(
        (sorted(one.homes(a)), plain(a.filename), one.blob(a.blob.name)) for a in one.live().values()
    )
    return [*folders, assets]


@pytest.mark.slow
@settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=list(HealthCheck), print_blob=False)
@given(beginnings, st.lists(st.one_of(deeds_here, deeds_there, clashes), max_size=8), st.integers(1, 2**16))
def test_the_order_inside_a_batch_changes_nothing_in_the_end(
    beginning: list[Step], deeds: list[Step], seed: int
) -> None:
    together = Executor._together
    ends = []
    for chance in (None, random.Random(seed)):

        def shuffled(
            self: Executor, tasks: Any, *, chance: random.Random | None = chance, **more: Any
        ) -> None:
            tasks = list(tasks)
            if chance is not None:
                chance.shuffle(tasks)
            together(self, tasks, **more)

        with world(sync={"settle": 0, "trash_days": 0}) as one:
            play(one, *beginning, ("rest",), *deeds)
            with patch.object(Executor, "_together", shuffled):
                rest(one)
            ends.append(shown(one))
    assert ends[0] == ends[1]


#: A bit of everything: files of one content, folders, conflicts, kills, lost answers.
WEEK: tuple[Step, ...] = (
    *(("here", "a", "new", n % 3, n) for n in range(9)),
    *(("here", "a", "make_folder", n, 0) for n in range(3)),
    *(("here", "a", "new", n, n + 1) for n in range(9)),
    ("here", "a", "copy", 1, 2),
    ("rest",),
    *(
        ("here", "a", deed, n, n + 2)
        for n, deed in enumerate(("edit", "move", "rename", "swap", "delete", "edit"))
    ),
    *(
        ("here", "b", deed, n, n + 3)
        for n, deed in enumerate(("edit", "edit", "move", "new", "rename_folder"))
    ),
    *(
        ("there", deed, n, n + 1)
        for n, deed in enumerate(("version", "retag", "upload", "rename", "trash", "label"))
    ),
    ("fault", "lost", "create", 1),
    ("sync", "a"),
    ("kill", "b", 25),
    ("fault", "late", "version", 1),
    ("sync", "b"),
)


def trace(script: tuple[Step, ...]) -> str:
    """Play a script and return each request, file operation and journal event, without dates and times."""
    random.seed(0)
    with world(sync={"settle": 0, "trash_days": 0}) as one:
        play(one, *script, ("rest",))
        text = "\n".join(one.steps.trace)
    return re.sub(r"\d{4}-\d\d-\d\d( \d{6})?|\d{6}Z", "<time>", text)


def trace_of_a_process(script: tuple[Step, ...], hash_seed: int) -> str:
    """Do the same in a process whose sets and dictionaries of text have another order."""
    here = Path(__file__).parent
    folders = [here, here.parent / "e2e", here.parent / "core", Path(fluxsync.__file__).parent.parent]
    done = subprocess.run(
        [sys.executable, "-c", f"import test_model_order as t; print(t.trace({script!r}))"],
        env={
            **os.environ,
            "PYTHONHASHSEED": str(hash_seed),
            "PYTHONPATH": os.pathsep.join(map(str, folders)),
        },
        capture_output=True,
        text=True,
        check=False,
        timeout=100,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_the_same_week_leaves_the_same_trace() -> None:
    one, other = (trace_of_a_process(WEEK, seed).splitlines() for seed in (1, 2))
    assert len(one) > 500
    for number, (line, as_before) in enumerate(zip(other, one, strict=False)):
        assert line == as_before, f"line {number}, after {one[max(0, number - 8) : number]}"
    assert len(one) == len(other)
