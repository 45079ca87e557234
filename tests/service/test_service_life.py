"""The life of the service: how it starts, is told things, loses what it needs, and ends."""

from __future__ import annotations

import os
import shutil
import signal
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from e2e_world import asset_id, live
from fault_proxy import FaultProxy, Pass, Reply
from service_world import Service, agrees, shown, until

from fluxsync.engine.status import State
from fluxsync.sandbox.server import Sandbox

pytestmark = pytest.mark.slow


@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 0), (signal.SIGINT, 130)])
def test_asked_to_stop_at_rest_it_ends_at_once(
    services: Callable[..., Service], account: Sandbox, number: int, code: int
) -> None:
    service = services().start()
    service.machine.write("a.txt", b"a")
    service.until_alike(account)
    began_s = time.monotonic()
    assert service.stop(number) == code
    assert time.monotonic() - began_s < 3
    agrees(service, account)
    assert [event["event"] for event in service.events()][-1] == "stopped"


@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 0), (signal.SIGINT, 130)])
def test_asked_to_stop_in_a_large_upload_it_ends_and_the_next_start_goes_on(
    services: Callable[..., Service], account: Sandbox, number: int, code: int
) -> None:
    """The upload under way is broken off within ten seconds, leaves no asset, and is sent once later."""
    service = services(remote={"upload_limit": "200 kB/s"}).start()
    large = service.machine.path("film.mov")
    with open(large, "wb") as file:
        file.truncate(2_000_000_000)
        file.write(b"the end")
    until(lambda: service.state() is State.WORKING, "the upload has begun")
    began_s = time.monotonic()
    assert service.stop(number) == code
    assert time.monotonic() - began_s < 10
    assert account.store.assets() == []
    assert service.document("status")["state"] != "offline"
    large.write_bytes(b"a short film")
    service.machine.set("remote", upload_limit="")
    service.start()
    assert service.until_alike(account) == {"film.mov": b"a short film"}
    assert len(account.store.assets()) == 1


def test_asked_to_stop_while_the_service_does_not_answer_it_ends_all_the_same(
    services: Callable[..., Service], account: Sandbox, proxy: FaultProxy
) -> None:
    """A request that hangs holds the end up for less than ten seconds."""
    service = services(url=proxy.url).start()
    service.until_state(State.IN_STEP)
    hangs, release = threading.Event(), threading.Event()
    proxy.fault("POST", r"/api/assets\.xml", Pass(before=lambda: (hangs.set(), release.wait(30))))
    service.machine.write("a.txt", b"a")
    assert hangs.wait(10)
    began_s = time.monotonic()
    try:
        assert service.stop(patience_s=15) == 0
        assert time.monotonic() - began_s < 10.5
    finally:
        release.set()


def test_a_second_one_ends_with_5(services: Callable[..., Service], account: Sandbox) -> None:
    service = services().start()
    second = service.command()
    assert (second.returncode, second.stdout) == (5, "")
    assert "another fluxsync works on" in second.stderr
    assert "as a service" in second.stderr
    once = service.command("--once")
    assert once.returncode == 5
    assert "fluxsync sync" in once.stderr
    assert service.answers()


def test_a_configuration_is_read_again(
    services: Callable[..., Service], account: Sandbox, tmp_path: Path
) -> None:
    """SIGHUP takes a new configuration over; a bad one is refused and the old one holds."""
    service = services()
    config = tmp_path / "config.toml"
    good = f'[local]\nroot = "{service.machine.root}"\n[sync]\nsettle = 0.2\npoll_interval = 1\n'
    config.write_text(good)
    service.machine.sections["sync"] = {}
    service.start("--config", str(config))
    service.machine.write("a.tmpx", b"a")
    service.until_alike(account)
    config.write_text(good + "nonsense = 1\n")
    service.send(signal.SIGHUP)
    refused = until(lambda: [e for e in service.events() if "not taken over" in e["event"]], "it is refused")
    assert "nonsense" in refused[0]["reason"]
    service.machine.write("b.tmpx", b"b")
    service.until_alike(account)
    config.write_text(good.replace("[sync]", 'ignore = ["*.tmpx"]\n[sync]'))
    service.send(signal.SIGHUP)
    until(lambda: [e for e in service.events() if "read again" in e["event"]], "it is taken over")
    service.machine.write("c.tmpx", b"c")
    service.machine.write("d.txt", b"d")
    until(lambda: "d.txt" in shown(account), "what is not ignored is synced")
    assert shown(account).keys() == {"a.tmpx", "b.tmpx", "d.txt"}
    assert service.stop() == 0


def test_a_configuration_with_a_root_that_is_not_there_is_refused(
    services: Callable[..., Service], account: Sandbox, tmp_path: Path
) -> None:
    """A typing mistake in the root does not end the sync of the right one."""
    service = services()
    service.first = """
import os
for name in ("LOCAL__ROOT", "JOURNAL__PATH"):
    os.environ.pop(f"FLUXSYNC_{name}", None)
"""
    config, missing = tmp_path / "config.toml", service.machine.home / "missing"
    journal = f'[journal]\npath = "{service.machine.journal}"\n'
    config.write_text(f'[local]\nroot = "{service.machine.root}"\n{journal}')
    service.start("--config", str(config))
    config.write_text(f'[local]\nroot = "{missing}"\n')
    service.send(signal.SIGHUP)
    refused = until(lambda: [e for e in service.events() if "not taken over" in e["event"]], "it is refused")
    assert f'[local] root = "{missing}": there is no such folder' in refused[0]["reason"]
    service.machine.write("a.txt", b"a")
    service.until_alike(account)


def test_a_root_that_vanishes_deletes_nothing_and_is_taken_up_when_it_is_back(
    services: Callable[..., Service], account: Sandbox
) -> None:
    service = services().start()
    service.machine.write("a.txt", b"a")
    service.machine.write("b.txt", b"b")
    service.until_alike(account)
    away = service.machine.home / "away"
    service.machine.root.rename(away)
    status = service.until_state(State.HELD)
    assert str(service.machine.root) in status.message
    assert "Traceback" not in service.log.read_text()
    assert len(live(account)) == 2
    (away / "a.txt").write_bytes(b"a, edited while it was away")
    away.rename(service.machine.root)
    service.until_alike(account)
    assert shown(account)["a.txt"] == b"a, edited while it was away"
    service.machine.write("c.txt", b"c")
    service.until_alike(account)
    assert service.stop() == 0
    agrees(service, account)


def test_another_root_in_its_place_deletes_nothing(
    services: Callable[..., Service], account: Sandbox
) -> None:
    """An empty folder where the root was, as an unmounted disk leaves it, is held, not synced."""
    service = services().start()
    service.machine.write("a.txt", b"a")
    service.until_alike(account)
    service.machine.root.rename(service.machine.home / "away")
    service.machine.root.mkdir()
    service.until_state(State.HELD)
    assert len(live(account)) == 1
    assert service.machine.paths() == []
    assert service.document("status")["state"] == "held"


def test_killed_and_started_again_it_goes_on(services: Callable[..., Service], account: Sandbox) -> None:
    """What changed while it was dead is found at the start; the socket of the dead one is no obstacle."""
    service = services().start()
    service.machine.write("a.txt", b"a")
    service.until_alike(account)
    service.kill()
    service.machine.write("a.txt", b"a, edited")
    service.machine.write("New/b.txt", b"b")
    service.start()
    service.until_alike(account)
    assert live(account)["a.txt"].version == 1
    assert service.stop() == 0
    agrees(service, account)


def test_a_pause_holds_over_a_restart(services: Callable[..., Service], account: Sandbox) -> None:
    service = services().start()
    service.until_state(State.IN_STEP)
    assert service.command("pause").returncode == 0
    service.until_state(State.PAUSED)
    service.stop()
    service.machine.write("a.txt", b"a")
    service.start()
    service.until_state(State.PAUSED)
    refused = service.command("sync")
    assert (refused.returncode, refused.stdout) == (3, "")
    assert "fluxsync resume" in refused.stderr
    assert account.store.assets() == []
    assert service.command("resume").returncode == 0
    service.until_alike(account)


@pytest.mark.slow
def test_offline_it_waits_and_says_so(
    services: Callable[..., Service], account: Sandbox, proxy: FaultProxy
) -> None:
    """An account that is away is said once; what was saved meanwhile goes up when it is back."""
    service = services(url=proxy.url).start()
    service.machine.write("a.txt", b"a")
    service.until_alike(account)
    proxy.fault("*", r".*", Reply(502), times=None)
    service.machine.write("b.txt", b"b")
    service.until_state(State.OFFLINE, patience_s=120)
    assert "Traceback" not in service.log.read_text()
    proxy.heal()
    service.until_alike(account, patience_s=60)
    offline = [event for event in service.events() if event["event"] == "offline"]
    assert len(offline) == 1, offline


def test_two_pairs_at_once(services: Callable[..., Service], account: Sandbox) -> None:
    """Two services on one account: each command reaches its own, and both folders end alike."""
    one, two = services("one").start(), services("two").start()
    one.machine.write("from one.txt", b"1")
    two.machine.write("Two/from two.txt", b"2")
    one.until_alike(account)
    two.until_alike(account)
    until(lambda: one.machine.tree() == two.machine.tree(), "both folders are alike")
    assert one.command("pause").returncode == 0
    one.until_state(State.PAUSED)
    assert two.state() is not State.PAUSED
    two.machine.write("more.txt", b"3")
    two.until_alike(account)
    assert "more.txt" not in one.machine.tree()
    assert one.command("resume").returncode == 0
    one.until_alike(account)
    assert len(account.store.assets()) == 3


def test_a_journal_that_breaks_is_set_aside_and_both_sides_are_merged(
    services: Callable[..., Service], account: Sandbox
) -> None:
    """After a kill, a damaged journal locks nobody out and loses nothing."""
    service = services().start()
    service.machine.write("a.txt", b"a")
    service.until_alike(account)
    service.kill()
    for leftover in service.machine.home.glob("journal.sqlite-*"):
        leftover.unlink()
    shutil.copy(os.devnull, service.machine.journal)
    service.machine.journal.write_bytes(b"SQLite format 3\0" + b"garbage" * 1000)
    service.start()
    service.until_alike(account)
    assert asset_id(account, "a.txt")
    assert len(account.store.assets()) == 1


def test_a_pause_stops_the_upload_in_hand(services: Callable[..., Service], account: Sandbox) -> None:
    """What moves is broken off at the pause, and sent once, whole, after it."""
    service = services(remote={"upload_limit": "1 MB/s"}).start()
    service.machine.write("film.mov", os.urandom(5_000_000))
    until(lambda: service.state() is State.WORKING, "the upload has begun")
    until(lambda: service.document("status")["moving"], "the transfer is shown")
    (row,) = service.document("status")["moving"]
    assert (row["action"], row["path"], row["bytes"]) == ("create", "film.mov", 5_000_000)
    assert 0 <= row["moved"] < 5_000_000
    assert service.command("pause").returncode == 0
    service.until_state(State.PAUSED)
    assert account.store.assets() == []
    assert service.document("status")["moving"] == []
    assert service.command("resume").returncode == 0
    service.until_alike(account)
    assert len(account.store.assets()) == 1


def test_what_is_held_back_waits_for_an_approval(services: Callable[..., Service], account: Sandbox) -> None:
    """More deletions than the limit are held, named, and done once a person has let them through."""
    service = services().start()
    for number in range(20):
        service.machine.write(f"A/{number}.txt", f"content {number}")
    service.until_alike(account)
    # Paused, so that it sees them as one removal, however busy this machine is.
    assert service.command("pause").returncode == 0
    for number in range(12):
        service.machine.remove(f"A/{number}.txt")
    service.machine.write("B/new.txt", b"everything else goes on")
    assert service.command("resume").returncode == 0
    service.until_state(State.HELD)
    until(lambda: "B/new.txt" in shown(account), "everything else goes on")
    assert len(live(account)) == 21
    until(lambda: len(service.document("approve", "--list")["held"]) == 12, "all twelve are held")
    assert service.command("approve", "--yes").returncode == 0
    service.until_alike(account)
    assert len(live(account)) == 9


def test_what_is_small_does_not_wait_for_what_is_large(
    services: Callable[..., Service], account: Sandbox
) -> None:
    """Saved, moved, renamed and deleted while a film is on its way: all of it is there before the film."""
    service = services(remote={"upload_limit": "1 MB/s"})
    for path in ("A/edited.txt", "A/moved.txt", "A/removed.txt", "B/stays.txt"):
        service.machine.write(path, f"old {path}".encode())
    service.start()
    service.until_alike(account)
    ids = {name: asset_id(account, name) for name in ("edited.txt", "moved.txt")}
    service.machine.write("A/film.mov", os.urandom(12_000_000))
    until(lambda: service.document("status")["moving"], "the film is on its way")
    service.machine.write("A/new.txt", b"new")
    service.machine.write("C/D/deep.txt", b"new, too")
    service.machine.write("A/edited.txt", b"edited, and longer")
    service.machine.move("A/moved.txt", "B/moved.txt")
    service.machine.remove("A/removed.txt")

    def is_there() -> bool:
        return sorted(shown(account)) == [
            "A/edited.txt",
            "A/new.txt",
            "B/moved.txt",
            "B/stays.txt",
            "C/D/deep.txt",
        ]

    until(is_there, "all but the film is there")
    assert shown(account)["A/edited.txt"] == b"edited, and longer"
    assert [row["path"] for row in service.document("status")["moving"]] == ["A/film.mov"]
    assert {name: asset_id(account, name) for name in ids} == ids
    service.until_alike(account)
    assert len(live(account)) == 6
