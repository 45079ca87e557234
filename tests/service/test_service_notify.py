"""What the service tells systemd: that it is ready, what it does, and that work goes on."""

from __future__ import annotations

import queue
import signal
import socket
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from fault_proxy import FaultProxy, Hold
from service_world import Service

from fluxsync.sandbox.server import Sandbox


class Systemd:
    """The other end of NOTIFY_SOCKET: lines as they come."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "n"
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.bind(str(self.path))
        self.lines: queue.Queue[str] = queue.Queue()
        threading.Thread(target=self._listen, daemon=True).start()

    def _listen(self) -> None:
        while data := self._socket.recv(8192):
            for line in data.decode().splitlines():
                self.lines.put(line)

    def hears(self, beginning: str, within_s: float = 15.0) -> str:
        """Return the next line that begins so."""
        while True:
            line = self.lines.get(timeout=within_s)
            if line.startswith(beginning):
                return line

    def falls_silent(self, for_s: float) -> bool:
        """Tell whether nothing comes for so long, after at most a hundred lines."""
        try:
            for _ in range(100):
                self.lines.get(timeout=for_s)
        except queue.Empty:
            return True
        return False

    def close(self) -> None:
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as last:
            last.sendto(b"", str(self.path))
        self._socket.close()


@pytest.fixture
def systemd(tmp_path: Path) -> Iterator[Systemd]:
    other_end = Systemd(tmp_path)
    yield other_end
    other_end.close()


def test_it_says_what_it_does(
    services: Callable[..., Service], account: Sandbox, systemd: Systemd, proxy: FaultProxy
) -> None:
    """READY comes once the pair is open, STATUS with each state, RELOADING and STOPPING where they belong."""
    service = services(url=proxy.url)
    service.extra = {"NOTIFY_SOCKET": str(systemd.path)}
    service.start()
    systemd.hears("READY=1")
    systemd.hears("STATUS=in step")
    service.send(signal.SIGHUP)
    systemd.hears("RELOADING=1")
    systemd.hears("READY=1")
    service.stop()
    systemd.hears("STOPPING=1")


def test_the_sign_of_life_is_tied_to_progress(
    services: Callable[..., Service], account: Sandbox, systemd: Systemd, proxy: FaultProxy
) -> None:
    """It comes at rest, and stays away while a request hangs: no timer of its own sends it."""
    service = services(url=proxy.url)
    service.extra = {"NOTIFY_SOCKET": str(systemd.path), "WATCHDOG_USEC": "1000000"}
    service.start()
    for _ in range(4):
        systemd.hears("WATCHDOG=1", within_s=5)
    release = threading.Event()
    proxy.fault("POST", r"/api/assets\.xml", Hold(release))
    service.machine.write("a.txt", b"a")
    try:
        assert systemd.falls_silent(for_s=3)
    finally:
        release.set()
    systemd.hears("WATCHDOG=1")
    service.until_alike(account)
