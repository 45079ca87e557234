"""Two machines and an account, people who do anything, everything that can fail: both sides come together.

The machine draws deeds, passes, kills, faults on the way and clocks that jump; at every pass the laws of
`model_laws` hold, at rest those of rest. FLUXSYNC_EXAMPLES=5000 tries that many others.
"""

from __future__ import annotations

import os

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule
from model_account import DEEDS as DEEDS_THERE
from model_account import TO_ONE as TO_ONE_THERE
from model_disk import DEEDS as DEEDS_HERE
from model_disk import TO_ONE as TO_ONE_HERE
from model_laws import after_pass, fresh_machine_agrees, rest
from model_script import HOURS, MEANWHILE, Step, beginnings, kinds, machines, play, small
from model_wire import FAULTS
from model_world import World

EXAMPLES = int(os.environ.get("FLUXSYNC_EXAMPLES", "200"))


class Studio(RuleBasedStateMachine):
    """What happens in a week, in any order."""

    world: World

    @initialize(
        beginnings=beginnings, conflict=st.sampled_from(("keep-both", "keep-both", "local", "remote"))
    )
    def begin(self, beginnings: list[Step], conflict: str) -> None:
        self.world = World(sync={"conflict": conflict, "settle": 0, "trash_days": 0})
        play(self.world, *beginnings, ("rest",))
        for number in range(0, len(beginnings), 2):
            play(self.world, *(("there", deed, number, number) for deed in ("describe", "title", "label")))

    def teardown(self) -> None:
        if not hasattr(self, "world"):
            return
        try:
            rest(self.world)
            fresh_machine_agrees(self.world)
        finally:
            self.world.close()

    @rule(name=machines, deed=st.sampled_from(DEEDS_HERE), i=small, j=small)
    def here(self, name: str, deed: str, i: int, j: int) -> None:
        self.world.here(name, deed, i, j)

    @rule(deed=st.sampled_from(DEEDS_THERE), i=small, j=small)
    def there(self, deed: str, i: int, j: int) -> None:
        self.world.there(deed, i, j)

    @rule(
        name=machines,
        here=st.sampled_from(TO_ONE_HERE),
        there=st.sampled_from(TO_ONE_THERE),
        i=small,
        j=small,
    )
    def clash(self, name: str, here: str, there: str, i: int, j: int) -> None:
        self.world.clash(name, here, there, i, j)

    @rule(name=machines)
    def sync(self, name: str) -> None:
        after_pass(self.world, self.world.sync(name))

    @rule(name=machines, steps=st.integers(0, 60))
    def kill(self, name: str, steps: int) -> None:
        after_pass(self.world, self.world.sync(name, steps))

    @rule(fault=st.sampled_from(FAULTS), kind=kinds, first=st.integers(1, 4))
    def fault(self, fault: str, kind: str, first: int) -> None:
        self.world.wire.fault(fault, kind, first)

    @rule(deed=st.sampled_from(MEANWHILE), kind=kinds, first=st.integers(1, 4), i=small, j=small)
    def meanwhile(self, deed: str, kind: str, first: int, i: int, j: int) -> None:
        self.world.meanwhile(deed, kind, first, i, j)

    @rule(whose=st.sampled_from(("a", "b", "account")), hours=st.sampled_from(HOURS))
    def clock_jumps(self, whose: str, hours: float) -> None:
        self.world.time.wrong_s[whose] = hours * 3600


def tried(examples: int) -> settings:
    return settings(
        max_examples=examples,
        stateful_step_count=12,
        deadline=None,
        suppress_health_check=list(HealthCheck),
        report_multiple_bugs=False,
        print_blob=False,
    )


class TestAFewWeeks(Studio.TestCase):
    settings = tried(12)


@pytest.mark.slow
@pytest.mark.timeout(0)
class TestManyWeeks(Studio.TestCase):
    settings = tried(EXAMPLES)
