"""What is sent to systemd, over a real socket."""

import os
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from fluxsync.notify import Notifier


class Listener:
    """systemd's end of the line; `env` is what it gives to a service that it starts."""

    def __init__(self, address: str) -> None:
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.settimeout(10)
        self.socket.bind(f"\0{address[1:]}" if address.startswith("@") else address)
        self.env = {"NOTIFY_SOCKET": address, "WATCHDOG_USEC": "3000000", "WATCHDOG_PID": str(os.getpid())}

    def next(self) -> str:
        return self.socket.recv(8192).decode()


@pytest.fixture(
    params=[
        "path",
        pytest.param(
            "abstract",
            marks=pytest.mark.skipif(not os.path.isdir("/proc"), reason="no abstract names but on Linux"),
        ),
    ]
)
def listener(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Listener]:
    address = f"@fluxsync-test-{os.getpid()}" if request.param == "abstract" else str(tmp_path / "notify")
    found = Listener(address)
    yield found
    found.socket.close()


@pytest.fixture
def notifier(listener: Listener) -> Iterator[Notifier]:
    found = Notifier(listener.env)
    yield found
    found.close()


def test_each_state_is_one_message(listener: Listener, notifier: Notifier) -> None:
    """In the words of sd_notify(3)."""
    notifier.ready()
    assert listener.next() == "READY=1"
    notifier.alive()
    assert listener.next() == "WATCHDOG=1"
    notifier.stopping()
    assert listener.next() == "STOPPING=1"


def test_a_reload_says_when_it_began(listener: Listener, notifier: Notifier) -> None:
    """On the clock that systemd compares with."""
    notifier.reloading()
    first, second = listener.next().split("\n")
    assert first == "RELOADING=1"
    assert second.startswith("MONOTONIC_USEC=")
    assert int(second.partition("=")[2]) > 0


def test_a_status_is_one_line_of_any_text(listener: Listener, notifier: Notifier) -> None:
    """No file name makes it two assignments, none makes it too long for systemd or is lost."""
    notifier.status("sending Zoë/日本.gif\nREADY=1")
    assert listener.next() == "STATUS=sending Zoë/日本.gif READY=1"
    notifier.status("bytes \udcff")
    assert listener.next() == "STATUS=bytes \\xff"
    notifier.status("é" * 5000)
    long = listener.next()
    assert set(long.removeprefix("STATUS=")) == {"é"}
    assert len(long.encode()) < 4096


def test_the_watchdog_wants_to_hear_twice_as_often_as_it_waits(listener: Listener) -> None:
    """And only of the process that it watches."""
    env = listener.env
    for changes, expected in (
        ({}, 1.5),
        ({"WATCHDOG_PID": ""}, 1.5),
        ({"WATCHDOG_PID": "1"}, None),
        ({"WATCHDOG_USEC": ""}, None),
        ({"WATCHDOG_USEC": "soon"}, None),
        ({"WATCHDOG_USEC": "0"}, None),
        ({"NOTIFY_SOCKET": ""}, None),
    ):
        notifier = Notifier(env | changes)
        assert notifier.watchdog_s == expected, changes
        notifier.close()


def test_unwatched_it_does_not_say_that_it_is_alive(listener: Listener) -> None:
    """The next message is the one after."""
    notifier = Notifier({"NOTIFY_SOCKET": listener.env["NOTIFY_SOCKET"]})
    notifier.alive()
    notifier.ready()
    notifier.close()
    assert listener.next() == "READY=1"


@pytest.mark.parametrize(
    "env",
    [{}, {"NOTIFY_SOCKET": ""}, {"NOTIFY_SOCKET": "vsock:2:1234"}, {"NOTIFY_SOCKET": "/nowhere/at/all"}],
)
def test_without_systemd_nothing_happens(env: dict[str, str]) -> None:
    """Nor where nobody listens any more, nor after the end."""
    notifier = Notifier(env)
    for _ in range(2):
        notifier.ready()
        notifier.status("x")
        notifier.reloading()
        notifier.alive()
        notifier.stopping()
        notifier.close()
