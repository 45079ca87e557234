"""Where events cannot be relied on, the service looks for itself; a fault of its own is no end."""

from __future__ import annotations

from collections.abc import Callable

from service_world import Service, until

from fluxsync.sandbox.server import Sandbox

_SOON = """
import errno
import functools
import fluxsync.serve as serve
from fluxsync.replica.folder import watch_linux
serve.Timing = functools.partial(serve.Timing, unwatched_s=0.5)
def refuse(*a, **k):
    raise OSError(errno.ENOSPC, "no space")
watch_linux.InotifyWatch.open = refuse
"""
_FAULT = """
import fluxsync.serve as serve
import fluxsync.engine.cycle as cycle
serve._FAULT_S = (0.2,)
whole, calls = cycle.recover, []
def recover(*a, **k):
    calls.append(1)
    if len(calls) == 2:
        raise AssertionError("never")
    return whole(*a, **k)
cycle.recover = recover
"""
_NO_ROOM = """
import fluxsync.app as app
import fluxsync.serve as serve
from fluxsync.errors import Full
serve._AWAY_S = 0.5
whole, calls = app._tidy, []
def tidy(*a):
    calls.append(1)
    if len(calls) == 1:
        raise Full("no room left on the disk of the journal", here=True)
    return whole(*a)
app._tidy = tidy
"""
_NO_ROOM_LATER = """
import fluxsync.serve as serve
from fluxsync.engine.daemon import Daemon
from fluxsync.errors import Full
serve._AWAY_S = 0.2
heed, calls = Daemon._heed_pause, []
def heed_pause(daemon, journal):
    calls.append(1)
    if len(calls) == 1:
        raise Full("no room left on the disk of journal", here=True)
    heed(daemon, journal)
Daemon._heed_pause = heed_pause
"""


def test_a_folder_that_cannot_be_watched_is_looked_at(
    services: Callable[..., Service], account: Sandbox
) -> None:
    """With the system's limit of watches reached, changes go up all the same, and the log says so once."""
    service = services()
    service.first = _SOON
    service.start()
    service.machine.write("A/a.txt", b"a")
    service.until_alike(account)
    service.machine.remove("A/a.txt")
    service.machine.write("A/b.txt", b"b")
    service.until_alike(account)
    said = [event for event in service.events() if "once a minute" in event["event"]]
    assert len(said) == 1


def test_a_fault_in_the_deciding_thread_is_logged_and_no_end(
    services: Callable[..., Service], account: Sandbox
) -> None:
    """What should never happen is in the log with its details; the service goes on a moment later."""
    service = services()
    service.first = _FAULT
    service.start()
    service.machine.write("a.txt", b"a")
    service.until_alike(account)
    faults = until(lambda: [e for e in service.events() if "a fault of fluxsync" in e["event"]], "a fault")
    assert "AssertionError" in faults[0]["exception"]
    assert service.stop() == 0


def test_a_journal_without_room_is_waited_for_and_no_fault(
    services: Callable[..., Service], account: Sandbox
) -> None:
    service = services()
    service.first = _NO_ROOM
    service.launch()
    service.machine.write("a.txt", b"a")
    until(lambda: "no room left" in service.log.read_text(), "it is said")
    service.until_alike(account)
    assert [event for event in service.events() if event.get("level") == "error"] == []
    assert service.stop() == 0


def test_a_journal_without_room_to_note_a_pause_is_waited_for(
    services: Callable[..., Service], account: Sandbox
) -> None:
    """Also between two passes, where only a pause is to be noted."""
    service = services()
    service.first = _NO_ROOM_LATER
    service.start()
    service.machine.write("a.txt", b"a")
    service.until_alike(account)
    log = service.log.read_text()
    assert "no room left on the disk of journal" in log
    assert "fault" not in log
    assert service.stop() == 0
