"""What never happens: section 7 of the contract, rules 1, 4, 8 and 10."""

from __future__ import annotations

import shutil
import threading
from collections.abc import Callable
from typing import Any

import pytest
from e2e_world import Machine, asked, counted, files, live, settle, stopped, tag_id, trashed
from fault_proxy import FaultProxy, Pass, Reply, Reset

from fluxsync.engine.report import Result
from fluxsync.engine.watcher import Watcher
from fluxsync.errors import Unauthorized, Unavailable
from fluxsync.replica.folder.replica import Folder
from fluxsync.sandbox.server import Sandbox

MachineFactory = Callable[..., Machine]


@pytest.fixture
def a(machine: MachineFactory, proxy: FaultProxy) -> Machine:
    return machine("a", url=proxy.url)


# -- rule 4: limits ----------------------------------------------------------------------------------------

BOUNDARIES = pytest.mark.parametrize(
    ("tracked", "limit", "most"),
    [(40, "25%", 10), (48, "25%", 12), (20, "5%", 10), (60, "50%, 15", 15), (30, "0", 10)],
    ids=["25% of 40", "25% of 48", "never less than 10", "the smaller of both", "0 is 10"],
)


@BOUNDARIES
@pytest.mark.parametrize("more", [0, 1], ids=["exactly", "one more"])
@pytest.mark.parametrize("side", ["here", "there"])
def test_exactly_max_delete_is_allowed_and_one_more_is_held_back(
    machine: MachineFactory, account: Sandbox, tracked: int, limit: str, most: int, more: int, side: str
) -> None:
    a = machine("a", safety={"max_delete": limit})
    paths = files(a, tracked)
    settle(a)
    named = live(account)
    for path in paths[: most + more]:
        if side == "here":
            a.remove(path)
        else:
            account.store.delete_asset(named[path.rpartition("/")[2]].id)
    report = a.once()
    done = report.trashed_remote + report.trashed_local
    if more:
        assert report.result is Result.GUARDED
        assert (done, len(report.held)) == (0, most + 1)
        assert len(live(account)) == (tracked if side == "here" else tracked - most - 1)
        assert len(a.paths()) == (tracked if side == "there" else tracked - most - 1)
    else:
        assert report.result is Result.IN_STEP
        assert done == most
        assert len(live(account)) == len(a.paths()) == tracked - most


@pytest.mark.parametrize("side", ["here", "there"])
def test_deletions_are_counted_over_the_last_hour_not_over_one_pass(
    machine: MachineFactory, account: Sandbox, side: str
) -> None:
    a = machine("a", safety={"max_delete": "25%"})
    paths = files(a, 48)
    settle(a)
    named = live(account)

    def delete(some: list[str]) -> None:
        for path in some:
            if side == "here":
                a.remove(path)
            else:
                account.store.delete_asset(named[path.rpartition("/")[2]].id)

    delete(paths[:7])
    assert a.once().result is Result.IN_STEP
    delete(paths[7:14])
    report = a.once()
    assert report.result is Result.GUARDED
    assert len(report.held) == 7
    a.clock.wait(3700)
    assert a.once().result is Result.IN_STEP
    assert len(live(account)) == len(a.paths()) == 34


def test_everything_else_is_done_while_deletions_are_held_back(
    machine: MachineFactory, account: Sandbox
) -> None:
    a = machine("a")
    paths = files(a, 40)
    settle(a)
    for path in paths[:30]:
        a.remove(path)
    a.write(paths[39], "edited")
    a.write("B/new.txt", "new")
    account.store.create_asset("theirs.txt", b"theirs", tags=["B"])
    report = a.once()
    assert report.result is Result.GUARDED
    assert (report.versions, report.uploaded, report.downloaded, report.trashed_remote) == (1, 1, 1, 0)
    assert len(report.held) == 30
    assert all(held.why for held in report.held)
    assert len(live(account)) == 42


def test_approve_lets_exactly_that_set_through_and_it_does_not_count_again(
    machine: MachineFactory, account: Sandbox
) -> None:
    a = machine("a")
    paths = files(a, 60)
    settle(a)
    for path in paths[:30]:
        a.remove(path)
    assert a.once().result is Result.GUARDED
    report = a.once(approved=True)
    assert (report.result, report.trashed_remote) == (Result.IN_STEP, 30)
    assert len(live(account)) == 30
    for path in paths[30:37]:
        a.remove(path)
    assert a.once().result is Result.IN_STEP


def test_a_removal_that_runs_while_a_pass_looks_is_seen_whole(
    a: Machine, account: Sandbox, proxy: FaultProxy, monkeypatch: pytest.MonkeyPatch
) -> None:
    a.set("sync", settle=2.0)
    paths = files(a, 40)
    settle(a)
    for path in paths[:5]:
        a.remove(path)
    walked = threading.Event()
    scan = Folder.scan

    def walking(folder: Folder, *args: Any) -> Any:
        try:
            return scan(folder, *args)
        finally:
            walked.set()

    def go_on() -> None:
        assert walked.wait(30)
        for path in paths[5:30]:
            a.path(path).unlink(missing_ok=True)

    monkeypatch.setattr(Folder, "scan", walking)
    proxy.fault("GET", r"/api/account\.xml", Pass(before=go_on), first=2)
    report = a.once()
    assert report.result is Result.GUARDED
    assert (report.trashed_remote, len(report.held)) == (0, 30)
    assert len(live(account)) == 40


def test_deletions_that_are_undone_are_not_held_any_more(machine: MachineFactory, account: Sandbox) -> None:
    a = machine("a")
    files(a, 40)
    settle(a)
    shutil.move(a.path("A"), a.home / "elsewhere")
    assert a.once().result is Result.GUARDED
    shutil.move(a.home / "elsewhere", a.path("A"))
    settle(a)
    assert len(live(account)) == 40


def test_a_moved_folder_is_no_deletion(machine: MachineFactory, account: Sandbox) -> None:
    a = machine("a", safety={"max_delete": "0", "max_move": "0"})
    files(a, 40)
    settle(a)
    a.move("A", "B")
    assert counted(a.in_step()) == {"moved_remote": 40}


@pytest.mark.parametrize("change", ["deleted", "taken off", "put on"])
@pytest.mark.parametrize(("count", "result"), [(20, Result.IN_STEP), (21, Result.GUARDED)])
def test_more_moves_than_max_move_because_of_one_tag_are_held_back(
    machine: MachineFactory, account: Sandbox, change: str, count: int, result: Result
) -> None:
    a = machine("a", safety={"max_move": "50%"})
    if change == "put on":
        for number in range(40):
            a.write(f"{number:03}.txt", f"content {number}")
    else:
        files(a, count, "A")
        for number in range(count, 40):
            a.write(f"B/{number:03}.txt", f"content {number}")
    settle(a)
    before = a.tree()
    if change == "deleted":
        account.store.delete_tag(tag_id(account, "A"))
    else:
        for number in range(count):
            asset = live(account)[f"{number:03}.txt"]
            account.store.set_tags(asset.id, ["New"] if change == "put on" else [])
    report = a.once()
    assert report.result is result
    if result is Result.GUARDED:
        assert report.moved_local == 0
        assert a.tree() == before
        assert a.once(approved=True).moved_local == count
    assert len({path for path in a.paths() if not path.startswith(("A/", "B/"))}) >= count


def test_a_tag_that_is_renamed_is_not_held_back(machine: MachineFactory, account: Sandbox) -> None:
    a = machine("a", safety={"max_move": "0", "max_delete": "0"})
    files(a, 40)
    settle(a)
    account.store.rename_tag(tag_id(account, "A"), "B")
    assert counted(a.in_step()) == {"moved_local": 40}


def test_many_assets_leaving_the_trash_are_held_back(machine: MachineFactory, account: Sandbox) -> None:
    a = machine("a", safety={"max_delete": "100%", "max_move": "25%"})
    paths = files(a, 48)
    settle(a)
    for path in paths[:30]:
        a.remove(path)
    settle(a)
    a.clock.wait(7200)
    for asset in trashed(account).values():
        account.store.set_tags(asset.id, ["A"])
    report = a.once()
    assert report.result is Result.GUARDED
    assert len(a.paths()) == 18


@pytest.mark.parametrize(("count", "result"), [(20, Result.IN_STEP), (21, Result.GUARDED)])
@pytest.mark.parametrize("side", ["here", "there"])
def test_more_new_contents_than_max_edit_are_held_back(
    machine: MachineFactory, account: Sandbox, count: int, result: Result, side: str
) -> None:
    a = machine("a", safety={"max_edit": "50%"})
    paths = files(a, 40)
    settle(a)
    before = a.tree()
    for path in paths[:count]:
        if side == "here":
            a.write(path, f"encrypted {path}")
        else:
            number = live(account)[path.rpartition("/")[2]].id
            account.store.add_version(number, f"encrypted {path}".encode())
    report = a.once()
    assert report.result is result
    done = report.versions + report.downloaded
    assert done == (0 if result is Result.GUARDED else count)
    if result is Result.GUARDED:
        assert side == "here" or a.tree() == before
        report = a.once(approved=True)
        assert (report.result, report.versions + report.downloaded) == (Result.IN_STEP, count)


def test_new_contents_are_counted_over_ten_minutes(machine: MachineFactory, account: Sandbox) -> None:
    a = machine("a", safety={"max_edit": "50%"})
    paths = files(a, 40)
    settle(a)
    for path in paths[:15]:
        a.write(path, f"encrypted {path}")
    assert a.once().result is Result.IN_STEP
    for path in paths[15:30]:
        a.write(path, f"encrypted {path}")
    assert a.once().result is Result.GUARDED
    a.clock.wait(601)
    assert a.once().result is Result.IN_STEP


def test_more_than_ten_older_versions_are_held_back(machine: MachineFactory, account: Sandbox) -> None:
    a = machine("a", safety={"max_edit": "100%"})
    paths = files(a, 40)
    settle(a)
    for path in paths[:11]:
        a.write(path, f"second {path}")
    settle(a)
    a.clock.wait(700)
    before = a.tree()
    store = account.store
    with store._database.transaction():
        store._database.execute("UPDATE assets SET version = 0")
    report = a.once()
    assert report.result is Result.GUARDED
    assert len(report.held) == 11
    assert a.tree() == before


def test_what_was_tracked_at_most_in_the_hour_counts_a_first_pass_included(
    machine: MachineFactory, account: Sandbox
) -> None:
    a = machine("a", safety={"max_delete": "25%"})
    paths = files(a, 100)
    a.in_step()
    for path in paths[:25]:
        a.remove(path)
    assert a.once().result is Result.IN_STEP
    a.remove(paths[25])
    assert a.once().result is Result.GUARDED


# -- rule 10: trouble --------------------------------------------------------------------------------------


@pytest.mark.parametrize("status", [429, 503])
def test_retry_after_is_obeyed_by_all_requests(
    known: Machine, account: Sandbox, proxy: FaultProxy, status: int
) -> None:
    for number in range(20):
        known.write(f"B/new {number}.txt", f"{number}")
    at: list[float] = []

    def note() -> None:
        at.append(known.clock.monotonic())

    proxy.fault("*", ".*", Pass(before=note), times=None)
    proxy.fault("POST", r"/api/assets\.xml", Reply(status, {"Retry-After": "40"}), first=5)
    started = known.clock.monotonic()
    report = known.once()
    assert report.result is Result.IN_STEP
    assert len(live(account)) == 25
    assert max(at) - started >= 40
    # Those in flight may still arrive; then nothing until the time has passed.
    gaps = [later - earlier for earlier, later in zip(sorted(at), sorted(at)[1:], strict=False)]
    assert max(gaps) >= 39


def test_a_longer_retry_after_is_unreachable_at_once_with_the_time(
    known: Machine, account: Sandbox, proxy: FaultProxy
) -> None:
    proxy.fault("*", ".*", Reply(503, {"Retry-After": "3600"}), times=None)
    said = stopped(known, Unavailable, Result.UNREACHABLE)
    assert "3600" in said
    assert sum(known.clock.waits[-5:]) < 60
    assert len([1 for line, fault in proxy.log if isinstance(fault, Reply)]) == 1


def test_a_service_that_stays_away_is_given_up_after_60_s(
    known: Machine, account: Sandbox, proxy: FaultProxy
) -> None:
    proxy.fault("*", ".*", Reset(), times=None)
    started = known.clock.monotonic()
    stopped(known, Unavailable, Result.UNREACHABLE)
    assert known.clock.monotonic() - started < 120
    proxy.heal()
    settle(known)


def test_wrong_credentials_are_one_request(known: Machine, account: Sandbox) -> None:
    known.set("remote", password="wrong")
    account.clear_requests()
    stopped(known, Unauthorized, Result.UNAUTHORIZED)
    assert len(account.requests) == 1
    assert len(known.paths()) == 5


def test_credentials_refused_in_the_middle_stop_at_once(
    known: Machine, account: Sandbox, proxy: FaultProxy
) -> None:
    for number in range(60):
        known.write(f"B/new {number}.txt", f"{number}")
    known.set("remote", connections=2)
    proxy.fault("*", ".*", Reply(401), first=12, times=None)
    stopped(known, Unauthorized, Result.UNAUTHORIZED)
    refused = [line for line, fault in proxy.log if isinstance(fault, Reply)]
    assert len(refused) <= 2, "those that were in flight together"
    proxy.heal()
    settle(known)
    assert len(live(account)) == 65


def test_a_user_without_the_right_is_told_its_name(tmp_path: Any, machine: MachineFactory) -> None:
    from fluxsync.sandbox.model import UserSpec

    reader = UserSpec("reader", "reader", permissions=("login",))
    with Sandbox(tmp_path / "rights", users=[reader]) as account:
        a = machine("a", url=account.url, remote={"username": "reader", "password": "reader"})
        a.write("A/one.txt", "one")
        said = stopped(a, Unauthorized, Result.UNAUTHORIZED)
        assert "manage_assets" in said
        assert account.store.assets() == []


def test_a_file_that_keeps_failing_does_not_hold_up_the_others(
    known: Machine, account: Sandbox, proxy: FaultProxy
) -> None:
    bad = live(account)["002.txt"].id
    for number in range(5):
        known.write(f"A/{number:03}.txt", f"edited {number}")
    proxy.fault("POST", rf"/api/assets/{bad}/", Reply(500), times=None)
    report = known.once()
    assert report.result is Result.PARTIAL
    assert list(report.failures) == ["A/002.txt"]
    assert report.versions == 4
    proxy.heal()
    settle(known)


def test_a_file_that_the_service_refuses_is_named_with_its_reason(
    known: Machine, account: Sandbox, proxy: FaultProxy
) -> None:
    known.write("A/new.txt", "new")
    known.write("A/001.txt", "edited")
    proxy.fault("POST", r"/api/assets\.xml", Reply(422), times=None)
    report = known.once()
    assert report.result is Result.PARTIAL
    assert list(report.failures) == ["A/new.txt"]
    assert report.versions == 1
    assert len(asked(account, "POST", "/api/assets.xml")) == 5


# -- rules 1 and 8: no content is lost, none is torn -------------------------------------------------------


def test_each_replaced_or_taken_file_lies_in_the_trash_with_its_bytes(
    known: Machine, account: Sandbox
) -> None:
    before = known.tree()
    store = account.store
    store.add_version(live(account)["000.txt"].id, b"new content")
    store.delete_asset(live(account)["001.txt"].id)
    store.set_tags(live(account)["002.txt"].id, ["fluxsync-trash"])
    settle(known)
    assert known.trash() == {path: [before[path]] for path in ("A/000.txt", "A/001.txt", "A/002.txt")}


def test_a_file_saved_between_look_and_replacement_is_not_lost(known: Machine, account: Sandbox) -> None:
    account.store.add_version(live(account)["000.txt"].id, b"from the account")
    saving = Watcher(
        on_plan=lambda plan: known.write("A/000.txt", "saved right now"),
        clock=known.clock.time,
        wait=known.clock.wait,
    )
    known.once(watcher=saving)
    for _ in range(3):
        known.once()
    contents = set(known.tree().values())
    assert {b"from the account", b"saved right now"} <= contents


def test_a_file_that_changes_while_it_is_sent_is_not_sent_torn(
    known: Machine, account: Sandbox, proxy: FaultProxy
) -> None:
    old, new = b"o" * 3_000_000, b"n" * 3_000_000
    path = known.write("B/big.bin", old)
    with_change = Watcher(
        on_plan=lambda plan: path.write_bytes(new), clock=known.clock.time, wait=known.clock.wait
    )
    known.once(watcher=with_change)
    settle(known)
    stored = {account.store.content(a.id) for a in account.store.assets() if a.filename == "big.bin"}
    versions = {
        account.store.version_content(v.blob)
        for a in account.store.assets()
        if a.filename == "big.bin"
        for v in account.store.versions(a.id)
    }
    assert stored == {new}
    assert versions <= {old, new}
