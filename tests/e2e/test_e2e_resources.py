"""Trouble with the account, the disk and single files: what goes on, what pauses, what is said."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from e2e_world import Machine, live, settle
from fault_proxy import FaultProxy, Pass, Reply

from fluxsync.engine.report import Result
from fluxsync.sandbox.server import Sandbox

MachineFactory = Callable[..., Machine]


def asked(proxy: FaultProxy) -> int:
    return len(proxy.log)


# -- a service that minds ----------------------------------------------------------------------------------


def test_a_pause_that_the_service_asked_for_survives_a_restart(
    machine: MachineFactory, account: Sandbox, proxy: FaultProxy
) -> None:
    a = machine("a", url=proxy.url)
    a.write("a.txt", "a")
    proxy.fault("GET", r"/api/account", Reply(429, {"Retry-After": "3600"}))
    assert a.once().result is Result.UNREACHABLE
    before = asked(proxy)
    report = a.once()
    assert (report.result, asked(proxy)) == (Result.UNREACHABLE, before)
    assert "left alone for 3" in report.message
    a.clock.wait(3600)
    settle(a)
    assert set(live(account)) == {"a.txt"}


def test_a_short_rest_of_such_a_pause_is_waited_for(
    machine: MachineFactory, account: Sandbox, proxy: FaultProxy
) -> None:
    a = machine("a", url=proxy.url)
    proxy.fault("GET", r"/api/account", Reply(429, {"Retry-After": "600"}))
    a.once()
    a.clock.wait(560)
    before = a.clock.monotonic()
    a.in_step()
    assert 30 < a.clock.monotonic() - before < 60


def test_a_clock_that_was_set_back_makes_no_pause_longer(
    machine: MachineFactory, account: Sandbox, proxy: FaultProxy
) -> None:
    a = machine("a", url=proxy.url)
    proxy.fault("GET", r"/api/account", Reply(429, {"Retry-After": "600"}))
    a.once()
    a.clock.wait(-86_400)
    a.in_step()


def test_a_storm_of_refusals_is_weathered(
    machine: MachineFactory, account: Sandbox, proxy: FaultProxy
) -> None:
    """Every third request is refused; everything arrives, once."""
    a = machine("a", url=proxy.url)
    for number in range(40):
        a.write(f"{number % 4}/{number:02}.txt", f"{number}")
    for number in range(1, 200, 3):
        proxy.fault("*", ".*", Reply(503, {"Retry-After": "1"}), first=number)
    report = a.once()
    assert report.result is Result.IN_STEP
    assert len(live(account)) == len(account.store.assets()) == 40


@pytest.mark.parametrize("connections", [1, 8])
def test_after_a_401_in_the_middle_nothing_more_is_asked(
    machine: MachineFactory, account: Sandbox, proxy: FaultProxy, connections: int
) -> None:
    """Only what had left already: at most one request for each connection."""
    a = machine("a", url=proxy.url, remote={"connections": connections})
    for number in range(60):
        a.write(f"B/{number:02}.txt", f"{number}")
    proxy.fault("*", ".*", Reply(401), first=25, times=None)
    assert a.once().result is Result.UNAUTHORIZED
    refused = [line for line, fault in proxy.log if isinstance(fault, Reply)]
    assert 1 <= len(refused) <= connections
    assert proxy.log[-1][1] is not None, "nothing came after the first refusal but its companions"
    proxy.heal()
    settle(a)
    assert len(live(account)) == 60


def test_a_403_on_one_asset_is_a_problem_of_that_file(
    machine: MachineFactory, account: Sandbox, proxy: FaultProxy
) -> None:
    a = machine("a", url=proxy.url)
    a.write("a.txt", "a")
    a.write("b.txt", "b")
    settle(a)
    a.write("a.txt", "edited")
    a.write("b.txt", "edited, too")
    proxy.fault("POST", rf"/api/assets/{live(account)['a.txt'].id}/", Reply(403), times=None)
    report = a.once()
    assert (report.result, list(report.failures)) == (Result.PARTIAL, ["a.txt"])
    assert report.versions == 1
    proxy.heal()
    settle(a)


def test_a_login_page_in_the_middle_of_a_pass_is_offline_and_fails_no_file(
    machine: MachineFactory, account: Sandbox, proxy: FaultProxy
) -> None:
    a = machine("a", url=proxy.url)
    for number in range(10):
        a.write(f"{number}.txt", f"{number}")
    page = Reply(200, {"Content-Type": "text/html"}, b"<!DOCTYPE html><html>Log in</html>")
    proxy.fault("POST", r"/api/assets", page, first=4, times=None)
    proxy.fault("GET", ".*", Pass(), times=None)
    proxy.fault("GET", r"/api/(assets|tags|account|user)", page, first=9, times=None)
    report = a.once()
    assert report.result is Result.UNREACHABLE
    assert "offline" in report.message
    assert report.failures == {}
    proxy.heal()
    settle(a)
    assert len(live(account)) == len(account.store.assets()) == 10
