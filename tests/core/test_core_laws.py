"""Laws: whatever people do on both sides, passes end, both sides become equal, and nothing is lost."""

from __future__ import annotations

import os
import random

import pytest
from core_people import DEEDS, People
from core_world import Account, Machine
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from fluxsync.core.model import NameRules

EXAMPLES = int(os.environ.get("FLUXSYNC_EXAMPLES", "150"))
law = settings(
    max_examples=EXAMPLES,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
    print_blob=True,
)

small = st.integers(0, 11)
deeds = st.lists(st.tuples(st.sampled_from(DEEDS), small, small), max_size=8)
origins = st.lists(
    st.tuples(
        st.sampled_from(("here_new", "here_mkdir", "there_new", "there_make_tag", "here_copy")), small, small
    ),
    max_size=12,
)
seeds = st.integers(0, 2**16).map(random.Random)
disks = st.sampled_from(
    (NameRules(), NameRules(case_sensitive=False), NameRules(case_sensitive=False, form_sensitive=False))
)


def settled(start: list[tuple[str, int, int]], rules: NameRules) -> People:
    """Return a pair that has grown from some origins and is in step."""
    people = People(Machine(Account(), rules=rules))
    for draw in start:
        people.do(draw)
    people.machine.sync(discarded=people.discarded)
    people.machine.check_rest()
    people.fresh.clear()
    people.discarded.clear()
    return people


@law
@given(origins, deeds, seeds, disks)
def test_passes_end_with_both_sides_equal_and_nothing_lost(start, changes, rng, rules):
    """After any changes on both sides a few cycles bring rest; each step loses nothing; edits are live."""
    people = settled(start, rules)
    machine = people.machine
    for draw in changes:
        people.do(draw)
    machine.log.clear()
    assert machine.sync(rng, people.discarded) <= 4
    machine.check_rest()
    assert people.fresh <= {f.content for f in machine.files.values()}, "an edit is not live"
