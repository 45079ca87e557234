"""I7: over a limit nothing of that kind is done, whatever passes and hours came before; all else is."""

from __future__ import annotations

import os

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from model_laws import after_pass
from model_world import Passed, World, world

from fluxsync.core.model import Action
from fluxsync.engine.report import Result

EXAMPLES = int(os.environ.get("FLUXSYNC_EXAMPLES", "15"))
MOST = 10
FILES = 36
HOUR_S = 3600.0
#: What is limited, with the time that counts.
LIMITED = {
    "delete here": (Action.TRASH_LOCAL, HOUR_S),
    "delete there": (Action.TRASH_REMOTE, HOUR_S),
    "edit here": (Action.DOWNLOAD, 600.0),
    "edit there": (Action.VERSION, 600.0),
}

#: Mostly one kind again and again: each wave below the limit, and together above it.
waves = st.sampled_from(tuple(LIMITED)).flatmap(
    lambda kind: st.lists(
        st.tuples(
            st.sampled_from((kind, kind, *LIMITED)),
            st.integers(1, 16),
            st.sampled_from((1.0, 1.0, 500.0, 1800.0, 4000.0)),
        ),
        min_size=2,
        max_size=5,
    )
)


def do(one: World, kind: str, count: int) -> None:
    """Let somebody delete or edit so many files, on the side from which fluxsync has to repeat it."""
    paths = [path for path in one.machines["a"].paths() if path.startswith("F")]
    numbers = sorted(number for number, asset in one.live().items() if asset.filename.endswith(".txt"))
    for n in range(count):
        if kind == "delete there" and n < len(paths):
            one.machines["a"].remove(paths[n])
        elif kind == "edit there" and n < len(paths):
            one.machines["a"].write(paths[-1 - n], one.content(n))
        elif kind == "delete here" and n < len(numbers):
            one.store.delete_asset(numbers[n])
        elif kind == "edit here" and n < len(numbers):
            one.store.add_version(numbers[-1 - n], one.content(n))


def limit_holds(kind: str, passed: Passed, done: list[tuple[float, str]], now_s: float) -> None:
    """The last hour has no more than the limit, an asset that is edited again and again counted once."""
    action, window_s = LIMITED[kind]
    now = [op.item.key for op in passed.done if op.action is action and op.item is not None]
    recent = [key for at_s, key in done if at_s > now_s - window_s]
    together = {*recent, *now} if kind.startswith("edit") else [*recent, *now]
    assert len(together) <= MOST, f"I7: {len(now)} {kind}, {len(recent)} before"
    done += [(now_s, key) for key in now]


@pytest.mark.slow
@settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=list(HealthCheck), print_blob=False)
@given(waves)
def test_no_hour_takes_more_than_the_limit_and_all_else_goes_on(
    waves: list[tuple[str, int, float]],
) -> None:
    with world(
        sync={"settle": 0, "trash_days": 0},
        safety={"max_delete": str(MOST), "max_edit": str(MOST), "max_move": str(MOST)},
    ) as one:
        machine = one.machines["a"]
        for number in range(FILES):
            machine.write(f"F{number % 4}/{number:02}.txt", one.content(number))
        after_pass(one, one.sync("a"))
        del one.machines["b"]
        done: dict[str, list[tuple[float, str]]] = {kind: [] for kind in LIMITED}
        for number, (kind, count, wait_s) in enumerate(waves):
            one.time.passes(wait_s)
            do(one, kind, count)
            machine.write(f"new {number}.gif", one.content(0))
            for _ in range(2):
                passed = one.sync("a")
                after_pass_with_held(one, passed)
                now_s = machine.clock.time()
                for each in LIMITED:
                    limit_holds(each, passed, done[each], now_s)
            assert f"new {number}.gif" in {asset.filename for asset in one.live().values()}, "I7: held up"


def after_pass_with_held(one: World, passed: Passed) -> None:
    report = passed.report
    assert report is not None
    assert (report.result is Result.GUARDED) == bool(report.held), report.message
    for held in report.held:
        assert not any(op.item is not None and op.item == held.change.item for op in passed.done), held.why
