"""One word on how a service is, for monitors."""

from __future__ import annotations

from enum import StrEnum

from fluxsync.engine.report import Result
from fluxsync.engine.status import State, Status

__all__ = ["Health", "health"]


class Health(StrEnum):
    """What a monitor is told. A pause and a limit are a person's business, not a failure."""

    OK = "ok"
    PAUSED = "paused"
    HELD = "held"
    OFFLINE = "offline"
    FAILING = "failing"

    @property
    def well(self) -> bool:
        return self not in (Health.OFFLINE, Health.FAILING)


def health(status: Status) -> Health:
    """Return the word for a status: "failing" is a file that could not be synced and will be tried again."""
    match status.state:
        case State.PAUSED:
            return Health.PAUSED
        case State.OFFLINE:
            return Health.OFFLINE
        case State.HELD:
            return Health.HELD
    # A pass that runs changes nothing about how the last one ended: a monitor would see it come and go.
    last = status.last_pass.result if status.last_pass is not None else ""
    if status.held or last == Result.GUARDED:
        return Health.HELD
    if status.message or last in (Result.UNREACHABLE, Result.UNAUTHORIZED):
        return Health.OFFLINE
    return Health.FAILING if status.failing else Health.OK
