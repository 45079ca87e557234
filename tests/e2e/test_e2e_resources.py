"""Trouble with the account, the disk and single files: what goes on, what pauses, what is said."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from e2e_world import Machine, live, settle
from fault_proxy import FaultProxy, Pass, Reply

from fluxsync.core.operations import Plan
from fluxsync.engine.report import Result
from fluxsync.engine.watcher import Watcher
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


def test_a_download_that_comes_short_does_not_wait_for_itself(
    machine: MachineFactory, account: Sandbox, proxy: FaultProxy
) -> None:
    """Whether the asset changed is asked with the only connection there is."""
    a = machine("a", url=proxy.url, remote={"connections": 1})
    account.store.create_asset("a.txt", b"all of it")
    proxy.fault("GET", r"/download/", Pass(rewrite=lambda body: body[:-2]))
    assert a.once().result is Result.IN_STEP
    assert a.read("a.txt") == b"all of it"


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


# -- a folder that changes under a pass --------------------------------------------------------------------


def test_files_that_vanish_between_look_and_transfer_hold_up_nobody(
    machine: MachineFactory, account: Sandbox
) -> None:
    a = machine("a")
    for name in ("gone.txt", "stays.txt", "replaced.txt"):
        a.write(name, name)

    def meddle(plan: Plan) -> None:
        watcher.on_plan = lambda plan: None
        a.remove("gone.txt")
        a.remove("replaced.txt")
        a.path("replaced.txt").mkdir()

    watcher = Watcher(on_plan=meddle, clock=a.clock.time, wait=a.clock.wait)
    assert a.once(watcher=watcher).result is Result.IN_STEP
    assert set(live(account)) == {"stays.txt"}
    settle(a)


def test_a_root_that_goes_away_in_the_middle_of_a_pass_deletes_nothing(
    machine: MachineFactory, account: Sandbox, proxy: FaultProxy
) -> None:
    a = machine("a", url=proxy.url, remote={"connections": 1})
    for number in range(6):
        a.write(f"{number}.txt", f"{number}")
    settle(a)
    for number in range(3):
        a.write(f"{number}.txt", f"edited {number}")
    account.store.create_asset("down.txt", b"down")
    elsewhere = a.home / "elsewhere"
    proxy.fault("POST", r"/versions", Pass(before=lambda: a.root.rename(elsewhere)))
    report = a.once()
    assert report.result is Result.GUARDED
    assert not a.root.exists(), "nothing is made where the root was"
    assert len(live(account)) == 7
    elsewhere.rename(a.root)
    settle(a)
    assert {path: a.read(path) for path in a.paths()} == {
        **{f"{n}.txt": b"edited %d" % n for n in range(3)},
        **{f"{n}.txt": b"%d" % n for n in range(3, 6)},
        "down.txt": b"down",
    }
