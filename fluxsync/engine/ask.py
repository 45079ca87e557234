"""Asks the running service of a pair, from another process: see `control` for what goes over the socket.

Each function says by None that no service runs; then the command does the work itself, under the lock.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from fluxsync import errors
from fluxsync.engine.address import connected, is_ours
from fluxsync.engine.lines import Lines
from fluxsync.engine.onlooker import Onlooker
from fluxsync.engine.service import Outcome, Task
from fluxsync.engine.status import Status
from fluxsync.engine.wire import VERSION, decoded, encoded
from fluxsync.errors import FluxsyncError, Unavailable

__all__ = ["ask", "is_running", "pause_there", "perform_there", "status_there"]

#: Seconds that a service may take for what it answers at once.
_AT_ONCE_S = 5.0
_GONE = "the service ended before it was done: nothing was lost, run this again"


def is_running(journal: Path) -> bool:
    """Tell whether a service listens for this pair."""
    sock = connected(journal)
    if sock is not None:
        sock.close()
    return sock is not None


def perform_there(
    journal: Path, task: Task, onlooker: Onlooker, timeout_s: float | None = None
) -> Outcome | None:
    """Have the service do a task, and wait for it.

    Raises the `FluxsyncError` that ended it, `Unavailable` where the service went away, `TimeoutError`; in
    the last case the service goes on.
    """
    return ask(journal, {"do": "perform", "task": encoded(task)}, onlooker, timeout_s)


def status_there(journal: Path) -> Status | None:
    """Return the live picture; None also where it does not come, since the journal has one, too."""
    try:
        outcome = ask(journal, {"do": "status"}, timeout_s=_AT_ONCE_S)
        return None if outcome is None else decoded(Status, outcome.document)
    except (FluxsyncError, TimeoutError, ValueError):
        return None


def pause_there(journal: Path, paused: bool) -> Outcome | None:
    """Have the service stop transfers, or take them up. Raises as `perform_there`."""
    return ask(journal, {"do": "pause" if paused else "resume"})


def ask(
    journal: Path,
    request: Mapping[str, object],
    onlooker: Onlooker | None = None,
    timeout_s: float | None = None,
) -> Outcome | None:
    """Send one request and return what came of it. Raises as `perform_there`."""
    until = None if timeout_s is None else time.monotonic() + timeout_s
    sock = connected(journal)
    if sock is None:
        return None
    with sock:
        if not is_ours(sock):
            raise FluxsyncError(f"another user's program answers beside {journal}: nothing was asked of it")
        sock.settimeout(timeout_s)
        lines = Lines(sock)
        try:
            with suppress(BrokenPipeError):  # refused at once: the reason can be read all the same
                lines.write({"v": VERSION} | dict(request))
            while (line := lines.read(until)) is not None:
                if (error := line.get("error")) is not None:
                    raise _raised(error)
                if (outcome := line.get("outcome")) is not None:
                    return decoded(Outcome, outcome)
                if onlooker is not None:
                    _tell(onlooker, line)
        except TimeoutError:
            raise
        except (OSError, ValueError) as error:
            raise Unavailable(_GONE) from error
    raise Unavailable(_GONE)


def _tell(onlooker: Onlooker, line: Mapping[str, Any]) -> None:
    """Pass on one line of progress; what is not understood is left out."""
    if isinstance(phase := line.get("phase"), str):
        onlooker.on_phase(phase)
    match line.get("plan"):
        case {"operations": int(steps), "up": int(up), "down": int(down)}:
            onlooker.on_plan(steps, up, down)
    if isinstance(steps_done := line.get("steps"), list):
        onlooker.on_done([step for step in steps_done if isinstance(step, dict)], line.get("done", 0))
    if isinstance(moved := line.get("bytes"), int):
        onlooker.on_bytes(moved)


def _raised(error: object) -> FluxsyncError:
    """Return the error that the service met."""
    match error:
        case {"kind": "Unavailable", "message": str(message), "retry_after_s": int() | float() as seconds}:
            return Unavailable(message, retry_after_s=float(seconds))
        case {"kind": str(name), "message": str(message)}:
            kind: type[FluxsyncError] = getattr(errors, name) if name in errors.__all__ else FluxsyncError
            return kind(message)
    return FluxsyncError("the service met an error that it cannot name")
