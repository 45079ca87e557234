"""What leaves the two trashes by itself: by `trash_days`, by `trash_size`, and never for a wrong clock."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from e2e_world import TRASH_TAG, Clock, Machine, asked, live, put_tags, tags_of, trashed
from fault_proxy import Drop, FaultProxy, Pass, Reply

from fluxsync.core.model import Action
from fluxsync.engine.report import Report, Result
from fluxsync.sandbox.server import Sandbox

MachineFactory = Callable[..., Machine]
DAY_S = 86_400.0


@pytest.fixture
def skew() -> list[float]:
    """Seconds by which the service's clock is ahead of this machine's; what is appended adds up."""
    return [0.0]


@pytest.fixture
def account(tmp_path: Path, time_passes: Clock, skew: list[float]) -> Iterator[Sandbox]:
    with Sandbox(tmp_path / "account", threads=8, clock=lambda: time_passes.time() + sum(skew)) as sandbox:
        yield sandbox


@pytest.fixture
def a(machine: MachineFactory, proxy: FaultProxy) -> Machine:
    return machine("a", url=proxy.url)


def days(machine: Machine, number: float) -> None:
    machine.clock.wait(number * DAY_S)


def purged(machine: Machine) -> list[str]:
    return [operation.path for operation in machine.done if operation.action is Action.PURGE]


def history(machine: Machine, action: str = "purge") -> list[tuple[str, str, str]]:
    with machine.opened(dry_run=True) as app:
        return [(e.path, e.asset_id, e.detail) for e in app.journal.history() if e.action == action]


def deleted(machine: Machine, account: Sandbox, *paths: str) -> None:
    """Let a machine delete files, so that their assets are in the trash of the account, and it knows."""
    for path in paths:
        machine.write(path, f"content of {path}")
    machine.in_step()
    for path in paths:
        machine.remove(path)
    machine.in_step()


# -- the trash of the account ------------------------------------------------------------------------------


def test_an_asset_is_deleted_for_good_when_its_days_in_the_trash_are_over(
    a: Machine, account: Sandbox
) -> None:
    deleted(a, account, "A/x.gif")
    (asset,) = account.store.assets()
    days(a, 29.9)
    a.in_step()
    assert [one.id for one in account.store.assets()] == [asset.id]
    days(a, 0.2)
    report = a.in_step()
    assert account.store.assets() == []
    assert report.purged == 1
    assert history(a) == [("A/x.gif", str(asset.id), "in the trash for 30 days")]
    assert a.in_step().purged == 0


def test_whoever_put_it_there_it_waits_from_when_it_was_first_seen(a: Machine, account: Sandbox) -> None:
    """An asset that was in the trash for years when this journal first met it stays its days."""
    old = account.store.create_asset("old.gif", b"o", tags=["A", TRASH_TAG])
    days(a, 1000)
    a.in_step()
    days(a, 29)
    a.in_step()
    assert [one.id for one in account.store.assets()] == [old]
    days(a, 2)
    a.in_step()
    assert account.store.assets() == []
    assert history(a) == [("A/old.gif", str(old), "in the trash for 30 days")]


def test_a_change_of_the_asset_in_the_trash_begins_its_days_anew(a: Machine, account: Sandbox) -> None:
    asset = account.store.create_asset("x.gif", b"x", tags=["A", TRASH_TAG])
    a.in_step()
    days(a, 20)
    account.store.set_tags(asset, ["A", "urgent", TRASH_TAG])
    days(a, 20)
    assert a.in_step().purged == 0
    days(a, 11)
    assert a.in_step().purged == 1


def test_what_was_taken_out_in_between_begins_anew(a: Machine, account: Sandbox) -> None:
    deleted(a, account, "x.gif")
    days(a, 20)
    (asset,) = account.store.assets()
    account.store.set_tags(asset.id, [])
    a.in_step()
    a.remove("x.gif")
    a.in_step()
    days(a, 20)
    assert a.in_step().purged == 0
    days(a, 11)
    assert a.in_step().purged == 1


def test_no_days_mean_for_ever(a: Machine, account: Sandbox) -> None:
    a.set("sync", trash_days=0)
    deleted(a, account, "x.gif")
    days(a, 5000)
    a.in_step()
    assert set(trashed(account)) == {"x.gif"}


@pytest.mark.parametrize("config", [{"direction": "down"}, {"remote_delete": "keep"}], ids=str)
def test_a_machine_that_takes_nothing_away_there_deletes_nothing_for_good(
    a: Machine, account: Sandbox, config: dict[str, str]
) -> None:
    deleted(a, account, "x.gif")
    a.set("sync", **config)
    days(a, 40)
    a.in_step()
    assert set(trashed(account)) == {"x.gif"}


def test_a_dry_run_shows_what_would_be_deleted_for_good_and_deletes_nothing(
    a: Machine, account: Sandbox
) -> None:
    deleted(a, account, "A/x.gif")
    days(a, 31)
    plan = a.once(dry_run=True).document()["plan"]
    assert isinstance(plan, list)
    assert [(row["action"], row["path"]) for row in plan] == [("purge", "A/x.gif")]
    assert set(trashed(account)) == {"x.gif"}


# -- clocks ------------------------------------------------------------------------------------------------


def test_a_service_whose_clock_jumps_ahead_has_nothing_deleted(
    a: Machine, account: Sandbox, skew: list[float]
) -> None:
    deleted(a, account, "x.gif")
    skew.append(400 * DAY_S)
    a.in_step()
    a.in_step()
    assert set(trashed(account)) == {"x.gif"}
    days(a, 29)
    a.in_step()
    assert set(trashed(account)) == {"x.gif"}
    days(a, 2)
    a.in_step()
    assert account.store.assets() == []


def test_a_service_whose_clock_went_back_and_came_again_has_nothing_deleted(
    a: Machine, account: Sandbox, skew: list[float]
) -> None:
    skew.append(-400 * DAY_S)
    deleted(a, account, "x.gif")
    skew.append(400 * DAY_S)
    a.in_step()
    a.in_step()
    assert set(trashed(account)) == {"x.gif"}


def test_a_service_that_does_not_tell_its_time_has_nothing_deleted(
    a: Machine, account: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    deleted(a, account, "x.gif")
    days(a, 100)
    monkeypatch.setattr("fluxsync.replica.fluxiom.replica.Fluxiom.service_time", None)
    a.in_step()
    assert set(trashed(account)) == {"x.gif"}


# -- a purge in the middle of things -----------------------------------------------------------------------


@pytest.fixture
def due(a: Machine, account: Sandbox) -> Machine:
    """A machine whose next pass would delete x.gif and y.gif for good."""
    deleted(a, account, "A/x.gif", "A/y.gif")
    days(a, 31)
    return a


def _meanwhile(proxy: FaultProxy, account: Sandbox, do: Callable[[int], object]) -> int:
    """Let something happen to x.gif after the list, right before the purge reads it."""
    number = trashed(account)["x.gif"].id
    proxy.fault("GET", rf"/api/assets/{number}\.xml", Pass(before=lambda: do(number)), times=1)
    return number


def test_what_is_taken_out_of_the_trash_at_the_last_moment_stays(
    due: Machine, account: Sandbox, proxy: FaultProxy
) -> None:
    number = _meanwhile(proxy, account, lambda n: account.store.set_tags(n, ["A"]))
    due.in_step()
    assert [one.id for one in account.store.assets()] == [number]
    assert due.tree() == {"A/x.gif": b"content of A/x.gif"}


def test_what_gets_new_content_at_the_last_moment_stays(
    due: Machine, account: Sandbox, proxy: FaultProxy
) -> None:
    number = _meanwhile(proxy, account, lambda n: account.store.add_version(n, b"new"))
    due.in_step()
    assert [one.id for one in account.store.assets()] == [number]
    assert due.tree() == {"A/x.gif": b"new"}


def test_what_somebody_else_deleted_first_is_no_trouble(
    due: Machine, account: Sandbox, proxy: FaultProxy
) -> None:
    _meanwhile(proxy, account, account.store.delete_asset)
    due.in_step()
    assert account.store.assets() == []


@pytest.mark.parametrize("fault", [Drop(), Reply(502)], ids=["lost", "502"])
def test_a_lost_answer_to_a_purge_is_harmless(
    due: Machine, account: Sandbox, proxy: FaultProxy, fault: Drop | Reply
) -> None:
    proxy.fault("DELETE", r"/api/assets/", fault, times=1)
    due.in_step()
    assert account.store.assets() == []
    assert {path for path, _, _ in history(due)} == {"A/x.gif", "A/y.gif"}


def test_purges_come_last_and_not_where_the_pass_could_not_go_on(
    due: Machine, account: Sandbox, proxy: FaultProxy
) -> None:
    due.write("A/new.gif", b"new")
    proxy.fault("POST", r"/api/assets\.xml", Reply(401))
    assert due.once().result is Result.UNAUTHORIZED
    assert not asked(account, "DELETE", "/api/assets/")
    assert set(trashed(account)) == {"x.gif", "y.gif"}


def test_the_tag_that_carried_only_what_was_purged_goes_with_it(due: Machine, account: Sandbox) -> None:
    due.remove("A")
    due.in_step()
    due.in_step()
    assert {tag.name for tag in account.store.tags()} == {TRASH_TAG}


# -- an account that is suspect, and limits ----------------------------------------------------------------


def test_nothing_is_deleted_for_good_while_the_trash_tag_is_lost(due: Machine, account: Sandbox) -> None:
    tag = next(tag for tag in account.store.tags() if tag.name == TRASH_TAG)
    account.store.delete_tag(tag.id)
    due.in_step()
    assert set(trashed(account)) == {"x.gif", "y.gif"}
    due.in_step()
    assert set(trashed(account)) == {"x.gif", "y.gif"}, "put back a moment ago: their days begin anew"


def test_nothing_is_deleted_for_good_while_anything_else_is_held_back(a: Machine, account: Sandbox) -> None:
    for number in range(12):
        a.write(f"B/{number}.txt", f"{number}")
    deleted(a, account, "x.gif")
    days(a, 31)
    for number in range(12):
        put_tags(account, f"{number}.txt", "B", TRASH_TAG)
    assert {held.change.verdict.fate.value for held in a.once().held} == {"trash-local"}
    assert "x.gif" in trashed(account)
    a.once(approved=True)
    assert "x.gif" not in trashed(account)


def test_purges_have_a_limit_of_their_own(a: Machine, account: Sandbox) -> None:
    deleted(a, account, *(f"{number}.txt" for number in range(10)))
    for number in range(10, 13):
        account.store.create_asset(f"{number}.txt", b"%d" % number, tags=[TRASH_TAG])
    a.in_step()
    days(a, 31)
    report = a.once()
    assert report.result is Result.GUARDED
    assert len(report.held) == 13
    assert {held.change.verdict.fate.value for held in report.held} == {"purge"}
    assert len(trashed(account)) == 13
    assert a.once(approved=True).purged == 13
    assert account.store.assets() == []


def test_purges_count_over_the_hour_and_not_against_deletions(a: Machine, account: Sandbox) -> None:
    deleted(a, account, *(f"{number}.txt" for number in range(7)))
    days(a, 31)
    assert a.in_step().purged == 7
    for number in range(7):
        a.write(f"again {number}.txt", "x")
    a.in_step()
    for number in range(7):
        a.remove(f"again {number}.txt")
    assert a.in_step().trashed_remote == 7, "the purges of this hour are no deletions"
    days(a, 31)
    assert a.in_step().purged == 7


# -- the local trash ---------------------------------------------------------------------------------------


def replaced(machine: Machine, account: Sandbox, path: str, *contents: bytes) -> None:
    """Let the account replace a file again and again, an hour between two passes."""
    folder, _, name = path.rpartition("/")
    machine.write(path, contents[0])
    machine.in_step()
    for content in contents[1:]:
        machine.clock.wait(3601)
        account.store.add_version(live(account)[name].id, content, name)
        machine.in_step()
    assert folder in tags_of(live(account)[name]) or not folder


def test_a_file_in_the_local_trash_goes_when_its_days_are_over(a: Machine, account: Sandbox) -> None:
    replaced(a, account, "A/x.gif", b"one", b"two")
    days(a, 29.9)
    a.in_step()
    assert a.trash() == {"A/x.gif": [b"one"]}
    days(a, 0.2)
    a.in_step()
    assert a.trash() == {}
    assert history(a) == [("A/x.gif", "", "in the trash here for 30 days")]
    assert list((a.root / ".fluxsync/trash").iterdir()) == []


def test_beyond_the_size_what_the_account_has_goes_first_then_the_oldest(
    a: Machine, account: Sandbox
) -> None:
    # An account that went back to "22222222": what was replaced is its present content again.
    replaced(a, account, "x.gif", b"11111111", b"22222222", b"33333333", b"22222222")
    assert sorted(a.trash()["x.gif"]) == [b"11111111", b"22222222", b"33333333"]
    a.set("sync", trash_size="16 B")
    a.clock.wait(3601)
    a.in_step()
    assert sorted(a.trash()["x.gif"]) == [b"11111111", b"33333333"]
    a.set("sync", trash_size="8 B")
    a.clock.wait(3601)
    a.in_step()
    assert a.trash() == {"x.gif": [b"33333333"]}


def test_what_just_came_stays_whatever_its_size(a: Machine, account: Sandbox) -> None:
    a.set("sync", trash_size="1 B")
    replaced(a, account, "x.gif", b"one", b"two")
    a.in_step()
    assert a.trash() == {"x.gif": [b"one"]}
    a.clock.wait(3601)
    a.in_step()
    assert a.trash() == {}


def test_this_machines_clock_that_jumps_empties_nothing(
    a: Machine, account: Sandbox, skew: list[float]
) -> None:
    replaced(a, account, "x.gif", b"one", b"two")
    skew.append(-400 * DAY_S)
    days(a, 400)
    a.in_step()
    days(a, 0.5)
    a.in_step()
    assert a.trash() == {"x.gif": [b"one"]}
    days(a, 31)
    a.in_step()
    assert a.trash() == {}


def test_by_this_machines_clock_alone_nothing_grows_old(
    a: Machine, account: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A service that does not tell its time leaves nobody to ask whether ours is right."""
    replaced(a, account, "x.gif", b"one", b"two")
    monkeypatch.setattr("fluxsync.replica.fluxiom.replica.Fluxiom.service_time", None)
    days(a, 400)
    a.in_step()
    assert a.trash() == {"x.gif": [b"one"]}


def test_what_a_clock_that_was_wrong_put_there_stays_its_days(
    a: Machine, account: Sandbox, skew: list[float]
) -> None:
    """A battery that is empty: the machine wakes up years ago, trashes a file, and is set right."""
    days(a, -4000)
    skew.append(4000 * DAY_S)
    replaced(a, account, "x.gif", b"one", b"two")
    days(a, 4000)
    skew.append(-4000 * DAY_S)
    a.in_step()
    days(a, 29)
    a.in_step()
    assert a.trash() == {"x.gif": [b"one"]}
    days(a, 2)
    a.in_step()
    assert a.trash() == {}


def test_a_pass_that_could_not_look_at_the_account_empties_nothing_here(
    a: Machine, account: Sandbox, proxy: FaultProxy
) -> None:
    replaced(a, account, "x.gif", b"one", b"two")
    days(a, 40)
    proxy.fault("*", r".*", Reply(401))
    report: Report = a.once()
    assert report.result is Result.UNAUTHORIZED
    assert a.trash() == {"x.gif": [b"one"]}


def test_another_file_at_the_path_of_what_was_deleted_long_ago_leaves_that_in_the_trash(
    a: Machine, account: Sandbox
) -> None:
    a.write("A/logo.ai", "deleted")
    a.in_step()
    a.remove("A/logo.ai")
    a.in_step()
    days(a, 2)
    a.write("A/logo.ai", "another logo")
    a.in_step()
    assert [account.store.content(asset.id) for asset in trashed(account).values()] == [b"deleted"]
    assert [account.store.content(asset.id) for asset in live(account).values()] == [b"another logo"]


def test_an_asset_whose_file_is_back_stays_though_it_cannot_be_taken_out_of_the_trash_now(
    machine: MachineFactory, account: Sandbox, proxy: FaultProxy
) -> None:
    a = machine("a", url=proxy.url, sync={"trash_days": 2})
    a.write("A/logo.ai", "logo")
    a.in_step()
    number = live(account)["logo.ai"].id
    a.remove("A/logo.ai")
    a.in_step()
    for _ in range(4):
        days(a, 0.45)
        a.in_step()
    a.write("A/logo.ai", "logo")
    days(a, 0.45)
    proxy.fault("PUT|POST", f"assets/{number}", Reply(409), times=None)
    assert a.once().result is Result.PARTIAL
    proxy.heal()
    a.in_step()
    assert {asset.id for asset in live(account).values()} == {number}
