"""Laws: whatever people do on both sides, passes end, both sides become equal, and nothing is lost."""

from __future__ import annotations

import os
import random
import re
from dataclasses import replace

from core_people import DEEDS, People
from core_world import Account, Machine
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from fluxsync.core.model import Action, NameRules, Snapshot
from fluxsync.core.paths import nfc

#: The same examples each time, unless more are asked for: then others are tried each time.
EXAMPLES = int(os.environ.get("FLUXSYNC_EXAMPLES", "400"))
law = settings(
    max_examples=EXAMPLES,
    derandomize="FLUXSYNC_EXAMPLES" not in os.environ,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
    report_multiple_bugs=False,
    print_blob=False,
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
    people.machine.sync(discarded=people.given_up())
    people.machine.check_rest()
    people.fresh.clear()
    people.discarded.clear()
    people.withdrawn.clear()
    people.renamed = False
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
    assert machine.sync(rng, people.given_up()) <= 4
    machine.check_rest()
    assert people.fresh <= {f.content for f in machine.files.values()}, "an edit is not live"


@law
@given(origins, deeds, seeds, disks)
def test_a_second_pass_does_nothing(start, changes, rng, rules):
    """At rest a cycle plans nothing and writes nothing down."""
    people = settled(start, rules)
    for draw in changes:
        people.do(draw)
    people.machine.sync(rng, people.given_up())
    plan = people.machine.planned()
    assert not list(plan)
    assert not plan.agreements
    assert not plan.forget
    assert not plan.deferred


@law
@given(origins, deeds, seeds, disks)
def test_the_order_inside_the_transfers_changes_nothing(start, changes, rng, rules):
    """However the subjects of the transfers are shuffled, both sides end the same, up to new ids."""
    people = settled(start, rules)
    for draw in changes:
        people.do(draw)
    ends = []
    for order in (None, random.Random(1), rng):
        machine = people.machine.clone()
        machine.sync(order, people.given_up())
        ends.append((_plain(machine), _account(machine)))
    assert ends[0] == ends[1] == ends[2]


def _plain(machine: Machine) -> list[tuple[str, str]]:
    """The files here, without the ids in their names: those of new assets depend on the order."""
    return sorted((nfc(re.sub(r" \(\d+(-\d+)?\)", "", path)), f.content) for path, f in machine.files.items())


def _account(machine: Machine) -> list[tuple[str, str, str, bool]]:
    tags = machine.account.tags | {"": ""}
    return sorted((tags[a.home], a.name, a.content, a.trashed) for a in machine.account.assets.values())


@law
@given(
    origins,
    deeds,
    seeds,
    disks,
    st.lists(st.tuples(st.integers(0, 8), st.integers(0, 3)), min_size=1, max_size=3),
)
def test_a_crash_loses_and_doubles_nothing(start, changes, rng, rules, crashes):
    """The power goes after some operations, some of them not written down: the next passes mend it all."""
    people = settled(start, rules)
    machine = people.machine
    for draw in changes:
        people.do(draw)
    given_up = people.given_up()
    before = machine.contents() - given_up
    for stop_after, unsettled in crashes:
        machine.cycle(rng, stop_after=stop_after, unsettled=unsettled)
        machine.check_nothing_lost(before)
    machine.sync(rng, given_up)
    machine.check_nothing_lost(before)
    machine.check_rest()
    assert people.fresh <= {f.content for f in machine.files.values()}


@law
@given(origins, deeds, deeds, seeds)
def test_two_machines_agree_in_the_end(start, here, other_here, rng):
    """Two folders of one account come to rest by turns, without ping-pong, and show the same files."""
    one = settled(start, NameRules())
    two = People(Machine(one.account, host="OTHER", _next_inode=1000))
    two._content = 5000
    two.machine.sync(rng)
    for draw in here:
        one.do(draw)
    for draw in other_here:
        two.do(draw)
    given_up = one.given_up() | two.given_up()
    before = (one.machine.contents() | two.machine.contents()) - given_up
    _rest_together(one.machine, two.machine, rng, given_up)
    assert before <= one.machine.contents() | two.machine.contents()
    assert _plain(one.machine) == _plain(two.machine)


def _rest_together(one: Machine, two: Machine, rng: random.Random, given_up: set[str]) -> None:
    for _ in range(6):
        ops = 0
        for machine in (one, two):
            machine.log.clear()
            ops += machine.sync(rng, given_up)
        if not ops:
            return
    raise AssertionError("ping-pong:\n" + "\n".join([*one.log, "--", *two.log]))


@law
@given(origins, deeds, seeds)
def test_a_fresh_machine_gets_the_same_tree(start, changes, rng):
    """What goes up comes down to the same place on a machine that has never seen it."""
    people = settled(start, NameRules())
    for draw in changes:
        people.do(draw)
    people.machine.sync(rng, people.given_up())
    fresh = Machine(people.account, host="FRESH")
    fresh.sync(rng)
    fresh.check_rest()
    assert _plain(fresh) == _plain(people.machine)


@law
@given(origins, seeds)
def test_a_lost_journal_merges_without_a_transfer(start, rng):
    """The first pass after `rebuild` finds everything in step: nothing moves, nothing is deleted."""
    people = settled(start, NameRules())
    machine = people.machine
    machine.rows.clear()
    files, assets = machine.tree(), len(machine.account.assets)
    machine.log.clear()
    machine.sync(rng)
    # An id in a name means nothing to an empty journal, nor does which form of a letter came first.
    if not any("(1" in path for path in files) and len({*map(nfc, files)}) == len(files):
        assert machine.tree() == files
        assert len(machine.account.assets) == assets
        assert not machine.log


@law
@given(origins, deeds, seeds, st.booleans())
def test_an_incomplete_look_deletes_nothing(start, changes, rng, here):
    """Absence counts only inside a complete snapshot, on either side."""
    people = settled(start, NameRules())
    machine = people.machine
    for draw in changes:
        people.do(draw)

    def some(snapshot: Snapshot) -> Snapshot:
        files = {k: v for k, v in snapshot.files.items() if rng.random() < 0.5}
        return replace(snapshot, files=files, folders={}, complete=False)

    if here:
        machine.look = some
    else:
        machine.look_there = lambda s: replace(some(s), folders=s.folders)
    for op in machine.planned():
        if here:
            assert op.action not in (Action.TRASH_REMOTE, Action.REMOVE_TAG)
        elif op.action is Action.TRASH_LOCAL:
            assert op.remote is not None
            assert op.remote.trashed, "what is seen in the trash is no absence"
