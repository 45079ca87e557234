"""One asset that the service never gives: its file is named with the reason, and the others go on."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from e2e_world import asset_id, live, settle, trashed
from fault_proxy import Drop, FaultProxy, Reply, Reset

from fluxsync.engine.report import Result
from fluxsync.sandbox.server import Sandbox


def test_an_asset_whose_content_the_service_never_gives_does_not_hold_up_the_others(
    machine: Callable[..., Any], account: Sandbox, proxy: FaultProxy
) -> None:
    a = machine("a", url=proxy.url)
    a.write("A/one.txt", "abc")
    a.write("A/two.txt", "two")
    number = account.store.create_asset("one.txt", b"abd", tags=["A"])
    proxy.fault("GET", f"download/{number}", Reply(500), times=None)
    report = a.once()
    assert (report.result, list(report.failures)) == (Result.PARTIAL, ["A/one.txt"])
    assert "two.txt" in live(account)


@pytest.mark.parametrize("status", [500, 403])
def test_an_asset_whose_versions_the_service_never_lists_does_not_hold_up_the_others(
    machine: Callable[..., Any], account: Sandbox, proxy: FaultProxy, status: int
) -> None:
    a = machine("a", url=proxy.url)
    a.write("A/one.txt", "one")
    settle(a)
    account.store.add_version(asset_id(account, "one.txt"), b"1.1", "one.txt")
    a.write("A/two.txt", "two")
    proxy.fault("GET", "versions", Reply(status), times=None)
    report = a.once()
    assert (report.result, list(report.failures)) == (Result.PARTIAL, ["A/one.txt"])
    assert "two.txt" in live(account)


@pytest.mark.parametrize("status", [500, 409, 403])
@pytest.mark.parametrize("deed", ["remove", "move", "edit"])
def test_an_asset_that_the_service_fails_at_whatever_is_asked_does_not_hold_up_the_others(
    machine: Callable[..., Any], account: Sandbox, proxy: FaultProxy, deed: str, status: int
) -> None:
    a = machine("a", url=proxy.url)
    a.write("A/one.txt", "one")
    a.write("B/two.txt", "two")
    settle(a)
    proxy.fault("*", f"assets/{asset_id(account, 'one.txt')}", Reply(status), times=None)
    if deed == "remove":
        a.remove("A/one.txt")
    elif deed == "move":
        a.move("A/one.txt", "B/one.txt")
    else:
        a.write("A/one.txt", "edited")
    a.write("B/new.txt", "new")
    report = a.once()
    assert (report.result, len(report.failures)) == (Result.PARTIAL, 1)
    assert set(live(account)) == {"one.txt", "two.txt", "new.txt"}
    proxy.heal()
    a.in_step()


@pytest.mark.parametrize("status", [500, 409])
@pytest.mark.parametrize("cut_short", [False, True])
def test_an_asset_that_cannot_be_read_does_not_lock_out_the_pair_after_a_lost_answer(
    machine: Callable[..., Any], account: Sandbox, proxy: FaultProxy, status: int, cut_short: bool
) -> None:
    a = machine("a", url=proxy.url)
    a.write("A/other.txt", "other")
    settle(a)
    a.write("A/one.txt", "one")
    proxy.fault("GET", "download", Reply(status), times=None)
    proxy.fault("POST", "assets", Drop())
    if cut_short:
        # Those of the scan come through.
        proxy.fault("GET", r"assets\.xml", Reset(), first=4, times=None)
    a.once()
    assert set(live(account)) == {"one.txt", "other.txt"}
    proxy.heal()
    proxy.fault("GET", "download", Reply(status), times=None)
    a.write("A/two.txt", "two")
    for _ in range(2):
        report = a.once()
        assert (report.result, list(report.failures)) == (Result.PARTIAL, ["A/one.txt"])
    proxy.heal()
    settle(a)
    assert set(live(account)) == {"one.txt", "two.txt", "other.txt"}
    assert not trashed(account)


@pytest.mark.parametrize("path", ["user", "account", "tags", "assets"])
def test_a_service_that_refuses_what_every_pass_asks_is_unreachable_not_a_failing_file(
    machine: Callable[..., Any], account: Sandbox, proxy: FaultProxy, path: str
) -> None:
    a = machine("a", url=proxy.url)
    a.write("A/one.txt", "one")
    settle(a)
    proxy.fault("GET", f"{path}.xml", Reply(409, {}, b"not now"), times=None)
    report = a.once()
    assert report.result is Result.UNREACHABLE
    assert "(409): not now" in report.message
    proxy.heal()
    a.in_step()
