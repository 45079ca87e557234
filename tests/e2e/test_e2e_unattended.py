"""Passes that nobody waits for, as a service makes them: what is being written waits, nothing else does."""

from __future__ import annotations

import sys
from collections.abc import Callable

import pytest
from e2e_world import Clock, Machine, asked, counted, live, live_assets, rename_tag, settle, tags_of, trashed

from fluxsync.engine.report import Report, Result
from fluxsync.engine.status import read
from fluxsync.sandbox.server import Sandbox

linux_only = pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells who has a file open")

LARGE = 8_000_001


def unattended(machine: Machine) -> Report:
    """Make a pass that nobody waits for, and that waits for nobody."""
    machine.clock.waits.clear()
    report = machine.once(unattended=True)
    assert sum(machine.clock.waits) <= 0.2
    return report


def in_step(machine: Machine) -> Report:
    report = unattended(machine)
    assert report.result is Result.IN_STEP, (report.failures, report.message, report.held)
    return report


@pytest.fixture
def a(machine: Callable[..., Machine]) -> Machine:
    return machine("a", sync={"settle": 2.0, "version_interval": 300})


def test_what_was_just_saved_waits_and_the_pass_says_until_when(
    a: Machine, account: Sandbox, time_passes: Clock
) -> None:
    a.write("logo.ai", "one")
    report = unattended(a)
    assert (set(report.failures), counted(report)) == ({"logo.ai"}, {})
    assert 0 < report.again["logo.ai"] - time_passes.time() <= 2.1
    with a.opened() as app:
        shown = read(app.journal, time_passes.time(), working=False)
    assert [trouble.path for trouble in shown.waiting] == ["logo.ai"]
    assert shown.failing == ()
    time_passes.wait(report.again["logo.ai"] - time_passes.time())
    report = in_step(a)
    assert (report.uploaded, report.again) == (1, {})
    assert account.store.content(live(account)["logo.ai"].id) == b"one"


def test_a_pass_that_somebody_asks_for_takes_it_up_at_once(a: Machine, account: Sandbox) -> None:
    a.write("logo.ai", "one")
    unattended(a)
    assert a.in_step().uploaded == 1


@pytest.mark.parametrize("rename", ["in place", "elsewhere"])
def test_an_edited_file_that_moves_while_it_waits_keeps_its_asset(
    a: Machine, account: Sandbox, time_passes: Clock, rename: str
) -> None:
    a.write("A/logo.ai", "one")
    settle(a)
    before = live(account)["logo.ai"].id
    target = "A/brand.ai" if rename == "in place" else "B/logo.ai"
    a.move("A/logo.ai", target)
    assert set(unattended(a).failures) == {target}
    assert trashed(account) == {}
    time_passes.wait(3)
    in_step(a)
    assert {asset.id for asset in live_assets(account)} == {before}
    assert a.in_step().result is Result.IN_STEP


def test_a_file_saved_right_before_its_folder_is_renamed_keeps_its_asset(
    a: Machine, account: Sandbox, time_passes: Clock
) -> None:
    """Saved by renaming, so that neither its inode nor its content tells which it was."""
    for name in ("logo.ai", "other.ai"):
        a.write(f"A/{name}", f"content of {name}")
    settle(a)
    before = {name: asset.id for name, asset in live(account).items()}
    a.write("A/new.tmp~", "a longer content").rename(a.path("A/logo.ai"))
    a.move("A", "B")
    assert set(unattended(a).failures) == {"B/logo.ai"}
    assert trashed(account) == {}
    assert {tag for asset in live_assets(account) for tag in tags_of(asset)} == {"B"}, "nothing else waits"
    time_passes.wait(3)
    in_step(a)
    in_step(a)
    assert {name: asset.id for name, asset in live(account).items()} == before
    assert {tag for asset in live_assets(account) for tag in tags_of(asset)} == {"B"}
    assert account.store.content(before["logo.ai"]) == b"a longer content"


def test_a_deletion_beside_a_file_that_waits_is_repeated_all_the_same(
    a: Machine, account: Sandbox, time_passes: Clock
) -> None:
    a.write("old.ai", "the old content")
    settle(a)
    a.write("new.ai", "other")
    a.remove("old.ai")
    assert a.once(unattended=True).trashed_remote == 1
    assert set(trashed(account)) == {"old.ai"}


@linux_only
def test_what_is_open_is_named_in_one_round_and_held_up_is_nothing(
    a: Machine, machine: Callable[..., Machine], account: Sandbox, time_passes: Clock
) -> None:
    b = machine("b")
    a.write("fetched.psd", "one")
    a.write("other.psd", "one")
    settle(a, b)
    time_passes.wait(60)
    b.write("fetched.psd", "two")
    b.write("other.psd", "two")
    b.in_step()
    with a.path("fetched.psd").open("r+b"):
        account.clear_requests()
        report = unattended(a)
        assert set(report.failures) == {"fetched.psd"}
        assert report.rounds == 1
        assert report.downloaded == 1
        assert time_passes.time() < report.again["fetched.psd"] < time_passes.time() + 60
        assert len(asked(account, "GET", "/api/assets/download")) == 1
    assert in_step(a).downloaded == 1


# -- version_interval ----------------------------------------------------------------------------------------


def large(machine: Machine, letter: str) -> None:
    machine.write("work.psd", letter.encode() * LARGE)


def versions(account: Sandbox) -> int:
    return live(account)["work.psd"].version


@pytest.fixture
def sent(a: Machine, time_passes: Clock) -> Machine:
    """Let the service send a large file for the first time, and wait a little."""
    large(a, "a")
    time_passes.wait(60)
    assert in_step(a).uploaded == 1
    return a


def test_saves_of_a_large_file_go_up_as_one_version_from_the_create_on(
    sent: Machine, account: Sandbox, time_passes: Clock
) -> None:
    for letter in "bcd":
        large(sent, letter)
        time_passes.wait(60)
        report = unattended(sent)
        assert set(report.failures) == {"work.psd"}
        assert "taken up when it" in report.failures["work.psd"]
        assert versions(account) == 0
    with sent.opened() as app:
        shown = read(app.journal, time_passes.time(), working=False)
    assert [trouble.path for trouble in shown.waiting] == ["work.psd"]
    assert 100 < report.again["work.psd"] - time_passes.time() <= 120
    time_passes.wait(report.again["work.psd"] - time_passes.time())
    assert in_step(sent).versions == 1
    assert (versions(account), account.store.content(live(account)["work.psd"].id)[:1]) == (1, b"d")
    large(sent, "e")
    time_passes.wait(60)
    assert set(unattended(sent).failures) == {"work.psd"}


def test_a_pass_that_somebody_asks_for_sends_each_save(
    sent: Machine, account: Sandbox, time_passes: Clock
) -> None:
    large(sent, "b")
    time_passes.wait(10)
    assert unattended(sent).versions == 0
    assert sent.in_step().versions == 1


def test_an_interval_of_nothing_sends_each_save(sent: Machine, account: Sandbox, time_passes: Clock) -> None:
    sent.set("sync", version_interval=0)
    large(sent, "b")
    time_passes.wait(10)
    assert in_step(sent).versions == 1


def test_a_rename_is_not_delayed_nor_is_what_was_saved_with_it(
    sent: Machine, account: Sandbox, time_passes: Clock
) -> None:
    large(sent, "b")
    time_passes.wait(10)
    unattended(sent)
    sent.move("work.psd", "Clients/final.psd")
    time_passes.wait(10)
    in_step(sent)
    asset = live(account)["final.psd"]
    assert (asset.version, tags_of(asset)) == (1, {"Clients"})
    assert account.store.content(asset.id)[:1] == b"b"


def test_a_move_on_the_account_is_followed_at_once_while_content_waits(
    sent: Machine, account: Sandbox, time_passes: Clock
) -> None:
    sent.move("work.psd", "A/work.psd")
    time_passes.wait(10)
    in_step(sent)
    large_path = sent.path("A/work.psd")
    large_path.write_bytes(b"b" * LARGE)
    time_passes.wait(10)
    assert unattended(sent).versions == 0
    rename_tag(account, "A", "B")
    unattended(sent)
    assert sent.paths() == ["B/work.psd"]
    time_passes.wait(400)
    in_step(sent)
    assert account.store.content(live(account)["work.psd"].id)[:1] == b"b"


def test_a_conflict_is_noticed_at_once(
    sent: Machine, machine: Callable[..., Machine], account: Sandbox, time_passes: Clock
) -> None:
    b = machine("b")
    b.in_step()
    large(sent, "b")
    time_passes.wait(10)
    assert unattended(sent).versions == 0
    large(b, "c")
    b.in_step()
    assert unattended(sent).conflicts == 1
    assert sent.read("work.psd")[:1] == b"c"


def test_what_waits_does_not_count_against_a_limit(a: Machine, account: Sandbox, time_passes: Clock) -> None:
    a.set("safety", max_edit="10")
    small = [f"small {number}.ai" for number in range(10)]
    for name in small:
        a.write(name, "one")
    for number in range(2):
        a.write(f"large {number}.psd", b"a" * LARGE)
    time_passes.wait(60)
    in_step(a)
    for name in small:
        a.write(name, "two")
    for number in range(2):
        a.write(f"large {number}.psd", b"b" * LARGE)
    time_passes.wait(60)
    report = unattended(a)
    assert (report.versions, report.held) == (10, [])
    assert set(report.failures) == {"large 0.psd", "large 1.psd"}
