"""What a service tells systemd: that it is ready, what it is doing, and that it is alive.

The protocol of sd_notify(3) over the datagram socket that NOTIFY_SOCKET names. Started by anything else than
systemd, every call does nothing.
"""

from __future__ import annotations

import os
import socket
import time
from collections.abc import Mapping

from fluxsync.printable import shown

__all__ = ["Notifier"]

#: systemd drops a datagram of more than 4096 bytes.
_STATUS_BYTES = 1000
#: Seconds until a systemd that does not read is no longer waited for.
_PATIENCE_S = 2.0


class Notifier:
    """The line to systemd. Methods are called from any thread, raise nothing, and wait two seconds at most.

    `watchdog_s` is how often `alive` has to be called, half of what systemd waits for it; None where systemd
    does not watch this process. `alive` means progress: whoever works calls it, never a timer of its own.
    """

    watchdog_s: float | None

    def __init__(self, env: Mapping[str, str] | None = None) -> None:
        env = os.environ if env is None else env
        address = env.get("NOTIFY_SOCKET", "")
        self._socket: socket.socket | None = None
        # "@" stands for the zero byte of an abstract name.
        self._address = f"\0{address[1:]}" if address.startswith("@") else address
        if address.startswith(("/", "@")):
            self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
            self._socket.settimeout(_PATIENCE_S)
        self.watchdog_s = _watchdog_s(env) if self._socket is not None else None

    def ready(self) -> None:
        """Say that the start, or what `reloading` began, is complete."""
        self._send("READY=1")

    def status(self, text: str) -> None:
        """Show one line in `systemctl status`; what cannot be shown in a line is made visible."""
        line = shown(" ".join(text.split())).encode(errors="replace")
        self._send("STATUS=" + line[:_STATUS_BYTES].decode(errors="ignore"))

    def reloading(self) -> None:
        """Say that the configuration is being read again; `ready` ends it."""
        self._send(f"RELOADING=1\nMONOTONIC_USEC={time.monotonic_ns() // 1000}")

    def stopping(self) -> None:
        self._send("STOPPING=1")

    def alive(self) -> None:
        """Say that work goes on: without it for twice `watchdog_s`, systemd kills and starts again."""
        if self.watchdog_s is not None:
            self._send("WATCHDOG=1")

    def close(self) -> None:
        """Give up the socket; from then on every call does nothing."""
        if self._socket is not None:
            self._socket.close()
            self._socket = None

    def _send(self, message: str) -> None:
        line = self._socket
        if line is None:
            return
        try:
            line.sendto(message.encode(), self._address)
        except OSError:
            pass  # a systemd that does not listen must not stop a sync


def _watchdog_s(env: Mapping[str, str]) -> float | None:
    """Return half of the time that systemd waits, if it is this process that it watches."""
    try:
        watched = int(env.get("WATCHDOG_PID") or os.getpid())
        waits_us = int(env.get("WATCHDOG_USEC", ""))
    except ValueError:
        return None
    return waits_us / 2e6 if watched == os.getpid() and waits_us > 0 else None
