"""The invariants: what holds after every pass, killed or not, and what holds at rest.

Where two machines may differ by right, the law says so and why.
"""

from __future__ import annotations

import os
import re
from collections import Counter

from e2e_world import Machine
from model_account import HOSTILE_NAMES, HOSTILE_TAGS, LABELS
from model_world import PAGE, Passed, Touched, World, digest_of

from fluxsync.core.limits import Limited
from fluxsync.core.model import Action, Item, Kind, State
from fluxsync.core.paths import basename, dirname, nfc
from fluxsync.engine.report import Result
from fluxsync.sandbox.model import Asset
from fluxsync.state.journal import Journal

#: Turns of all machines until everything has been told to everybody.
MOST_TURNS = 6
#: User, account, tags, account, tags, two empty pages; and some to find the end of a list that just grew.
MOST_READS = 10
#: What goes to the remote trash although its file is still here: it is not the last of its kind.
_NO_DELETION = ("twin", "late twin", "replaced by another asset")


def after_pass(world: World, passed: Passed) -> None:
    """Check what holds at every moment, I3, I5, I8, I11, I13 and I14."""
    nothing_lost(world)
    journal_claims_what_is_true(world, passed.machine)
    nothing_beside_the_root(world)
    no_deletion_without_reason(world, passed)
    conflicts_are_real(world, passed)
    for touched in world.touched:
        writes_are_deltas(world, touched)
    # Without a single request it is the pause that an answer to an earlier pass asked for.
    if passed.report is not None and passed.requests and not passed.disturbed:
        assert passed.report.held or passed.report.result in (Result.IN_STEP, Result.PARTIAL), (
            passed.report.message
        )


def rest(world: World) -> None:
    """Let all machines sync in turn until nothing changes, then check what holds at rest."""
    world.wire.heal()
    world.time.passes(1000)  # what a service asked for is over, and an empty folder old enough for a tag
    for _ in range(MOST_TURNS):
        turn = [_passed(world, name) for name in world.machines]
        most = MOST_READS + len(world.store.assets()) // PAGE
        if not any(p.done or p.writes or len(p.requests) > most for p in turn):
            break  # I2: what is in step is looked at, and that is all
    else:
        raise AssertionError(f"I1, I2, I12: no rest after {MOST_TURNS} turns: {_doings(turn)}")
    for passed in turn:
        both_sides_equal(world, passed.machine, _refused_folders(passed))
    edits_are_live(world)
    nothing_is_there_twice(world)
    world.memory.rest()


def fresh_machine_agrees(world: World) -> None:
    """I9: a machine that has never seen the account gets the same tree."""
    number = len(world.machines)
    fresh = world.add(f"fresh {number}")
    try:
        for _ in range(2):
            passed = _passed(world, fresh.home.name)
        assert not passed.done, f"I9: {_doings([passed])}"
        assert not passed.writes, f"I9: {passed.writes}"
        both_sides_equal(world, fresh, _refused_folders(passed))
    finally:
        del world.machines[fresh.home.name]


def _passed(world: World, name: str) -> Passed:
    """Make a pass, and another one where a person has to say that the account may well be empty."""
    for approved in (False, True):
        passed = world.sync(name, approved=approved)
        after_pass(world, passed)
        assert passed.report is not None
        if not passed.report.held:
            break
        assert {kind for held in passed.report.held for kind in held.kinds} == {Limited.IN_DOUBT}
    return passed


def _refused_folders(passed: Passed) -> set[str]:
    """Return the folders that cannot be on the account: those that differ only in case from another one."""
    assert passed.report is not None
    failures = dict(passed.report.failures)
    refused = {path for path, reason in failures.items() if "cannot be a folder on the account" in reason}
    others = {path for path in failures if not refused.intersection((path, dirname(path)))}
    assert not others, {path: failures[path] for path in others}
    assert passed.report.result is (Result.PARTIAL if failures else Result.IN_STEP), passed.report.held
    return refused


def _doings(turn: list[Passed]) -> list[str]:
    done = [f"{p.machine.home.name}: {op.action} {op.path} ({op.why})" for p in turn for op in p.done]
    return done or [line for p in turn for line in p.requests]


# -- at every moment


def nothing_lost(world: World) -> None:
    lost = world.memory.needed() - world.everywhere()
    assert not lost, f"I3: lost {lost}"


def journal_claims_what_is_true(world: World, machine: Machine) -> None:
    """I11: what the journal calls agreed was the asset's content since that revision, and is the stamp's."""
    known = {asset.id for asset in world.store.assets()}
    for item in agreed(machine):
        if asset_id(item) in known:
            # A download may bring content that came after its version was read; the next pass compares again.
            versions = [v for v in world.store.versions(asset_id(item)) if v.number >= item.revision]
            digests = {digest_of(world.blob(version.blob.name)) for version in versions}
            assert not versions or item.digest in digests, f"I11: {item.path} {item.key}"
        path = machine.path(item.path)
        if item.stamp is not None and path.is_file():
            status = path.stat()
            now = (status.st_size, status.st_mtime_ns, status.st_ctime_ns, status.st_ino)
            if now == (item.stamp.size, item.stamp.mtime_ns, item.stamp.ctime_ns, item.stamp.inode):
                assert digest_of(path.read_bytes()) == item.digest, f"I11: {item.path} is another file"


def nothing_beside_the_root(world: World) -> None:
    for machine in world.machines.values():
        names = set(os.listdir(machine.home))
        assert names == {"root", "beside"}, f"I14: {names}"
        assert os.listdir(machine.home / "beside") == ["canary"], "I14"
        assert (machine.home / "beside" / "canary").read_text() == "nobody's business", "I14"


def no_deletion_without_reason(world: World, passed: Passed) -> None:
    """I13: whatever lists and answers looked like, only what is gone there is taken away here, and back."""
    live = world.live()
    for op in passed.done:
        if op.item is None or op.why.startswith(_NO_DELETION):
            continue
        if op.action is Action.TRASH_LOCAL:
            assert asset_id(op.item) not in live, f"I13: {op.path} is on the account ({op.why})"
        if op.action is Action.TRASH_REMOTE:
            there = passed.before.get(op.item.path)
            assert there is None or digest_of(there) != op.item.digest, (
                f"I13: {op.path} is in the folder ({op.why})"
            )


def conflicts_are_real(world: World, passed: Passed) -> None:
    """I5: equal bytes never conflict, and nobody conflicts with himself."""
    for op in passed.done:
        if op.action is not Action.CONFLICT:
            continue
        one, copy = passed.machine.path(op.path), passed.machine.path(op.target)
        if one.is_file() and copy.is_file():
            assert one.read_bytes() != copy.read_bytes(), f"I5: {op.path}, {op.target} ({op.why})"
        # A version that its server did after its client had sent the next one buries that: a real conflict.
        assert len(world.memory.actors) > 1 or world.wire.came_late, (
            f"I5: {op.path} ({op.why}), though only {world.memory.actors} did something"
        )


def writes_are_deltas(world: World, touched: Touched) -> None:
    """I8: a request moves an asset from one home to another, or in or out of the trash, and no more."""
    before, after = touched.before, touched.after
    if after is None:
        return
    assert before.description == after.description, f"I8: {touched.line}"
    if before.title != after.title:
        names = {version.filename for version in world.store.versions(before.id)}
        followed = names | {name.rpartition(".")[0] for name in names}
        assert before.title in followed, f"I8: the title {before.title!r} became {after.title!r}"
    labels = [{tag.name for tag in asset.tags if tag.name in LABELS} for asset in (before, after)]
    assert labels[0] == labels[1], f"I8: {touched.line}: labels {labels}"
    one, other = world.homes(before), world.homes(after)
    assert len(one - other) <= 1, f"I8: {touched.line}: {one} became {other}"
    assert len(other - one) <= 1, f"I8: {touched.line}: {one} became {other}"


# -- at rest


def edits_are_live(world: World) -> None:
    """I4: what somebody wrote and nobody gave up is no deletion's, no move's and no other edit's victim."""
    if world.sections["sync"].get("conflict", "keep-both") != "keep-both":
        return  # then the loser of a conflict is in a trash, by the user's own word
    live = {world.blob(asset.blob.name) for asset in world.live().values()}
    for machine in world.machines.values():
        live |= set(machine.tree().values())
    assert world.memory.fresh <= live, f"I4: {world.memory.fresh - live}"


def nothing_is_there_twice(world: World) -> None:
    """I10: whatever was killed or lost on the way, no content is in more assets than people made of it."""
    live = Counter(world.blob(asset.blob.name) for asset in world.live().values())
    doubled = live - world.memory.made
    assert not set(doubled) - {b""}, f"I10: {doubled} more than anybody made"


def both_sides_equal(world: World, machine: Machine, refused: set[str]) -> None:
    """I1: each live asset is one file, where its tags say, with its bytes; and nothing else is.

    A machine with a folder that cannot be a tag has said so; what a person moved into it stays there, and its
    asset where it was, until that person gives the folder another name.
    """
    if refused:
        return
    live = world.live()
    tree = machine.tree()
    rows = {asset_id(item): item for item in agreed(machine)}
    where = machine.home.name
    assert set(rows) == set(live), f"I1 at {where}: journal and account differ by {set(rows) ^ set(live)}"
    paths = {item.path for item in rows.values()}
    assert paths == set(tree), f"I1 at {where}: journal and folder differ by {paths ^ set(tree)}"
    for number, item in rows.items():
        asset = live[number]
        content = world.blob(asset.blob.name)
        assert tree[item.path] == content, f"I1 at {where}: {item.path} is not asset {number}"
        _named_alike(item, asset, where)
        _lies_where_its_tags_say(world, item, asset, where)


def _named_alike(item: Item, asset: Asset, where: str) -> None:
    shown = nfc(basename(item.path))
    if asset.filename in HOSTILE_NAMES:
        return  # it has another name here, and which is its machine's business
    if shown != nfc(asset.filename):
        assert f"({asset.id}" in shown, f"I1 at {where}: {item.path} is called {asset.filename}"


def _lies_where_its_tags_say(world: World, item: Item, asset: Asset, where: str) -> None:
    homes = {nfc(_folder_of(name)) for name in world.homes(asset)}
    if homes.intersection(HOSTILE_TAGS):
        return  # its folder has another name here
    folder = nfc(re.sub(r" \(tag \d+(-\d+)?\)", "", dirname(item.path)))
    if len(homes) > 1 or asset.id in world.once_in_two_folders:
        # An asset with several folder tags lies in the home that each machine has recorded, which may be the
        # root; nothing writes that to the account.
        assert folder in {*homes, ""}, f"I1 at {where}: {item.path} has the tags {homes}"
        return
    assert {folder} == (homes or {""}), f"I1 at {where}: {item.path} has the tags {homes}"


def _folder_of(tag: str) -> str:
    """Return the folder that a tag means: a comma is the one character here that a tag list cannot carry."""
    return re.sub("%(25)?2C", lambda found: "%2C" if found.group(1) else ",", tag)


def agreed(machine: Machine) -> list[Item]:
    """Return what a journal says both sides have."""
    journal = Journal.peek(machine.journal)
    if journal is None:
        return []
    try:
        return [i for i in journal.items() if i.kind is Kind.FILE and i.state is State.AGREED]
    finally:
        journal.close()


def asset_id(item: Item) -> int:
    """Return the asset's number: a key is that, and a time of creation where the number came back."""
    found = re.match(r"\d+", item.key)
    assert found is not None
    return int(found.group())
