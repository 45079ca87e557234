"""What can go wrong, at three heights.

Trouble with one path is a value (`core.model.Problem`); trouble with a whole side is an exception below;
danger is a `Halted`, and a person decides.

    FluxsyncError
    |- ConfigError          a setting is wrong: key, value, cure                        exit 2
    |- Locked               another fluxsync works on this folder                       exit 5
    |- ReplicaError
    |   |- Unavailable      network, 5xx, 429 (retry_after_s), captive portal           exit 3
    |   |   `- Interrupted  whoever made the pass breaks it off
    |   |- Unauthorized     credentials or a right refused                              exit 3
    |   |- Rejected         the service or the disk refuses this one item               -> Problem
    |   |- Stale            not what we expected to overwrite                           -> look again
    |   |- Busy             open for writing, or still changing                         -> look again
    |   |- Corrupted        length or digest differ after a transfer                    -> fetch once more
    |   `- Full             no room on the disk or in the account       -> its direction pauses
    |- SupervisorError      systemd or launchd refuses                                  exit 1
    |- StateError           the journal is inconsistent                                 -> set aside, merge
    `- Halted               a safety rule stops the pass                                exit 4

Every message is one line that says what happened and what cures it; none carries a secret.
"""

from __future__ import annotations

__all__ = [
    "Busy",
    "ConfigError",
    "Corrupted",
    "FluxsyncError",
    "Full",
    "Halted",
    "Interrupted",
    "Locked",
    "Rejected",
    "ReplicaError",
    "Stale",
    "StateError",
    "SupervisorError",
    "Unauthorized",
    "Unavailable",
]


class FluxsyncError(Exception):
    """The root of everything that fluxsync raises on purpose."""


class ConfigError(FluxsyncError):
    """A setting is unknown, of the wrong type or impossible; nothing was touched."""


class Locked(FluxsyncError):
    """Another fluxsync works on this folder."""


class ReplicaError(FluxsyncError):
    """Something about one side of the pair, or one item on it."""


class Unavailable(ReplicaError):
    """The side cannot be reached now; the same work may succeed later.

    `retry_after_s` is what the service asked for, in seconds, or None.
    `unsent` is True where the request certainly left nothing behind.
    """

    def __init__(self, message: str, *, retry_after_s: float | None = None, unsent: bool = False) -> None:
        super().__init__(message)
        self.retry_after_s = retry_after_s
        self.unsent = unsent


class Interrupted(Unavailable):
    """Whoever made the pass broke it off: that says nothing of either side."""

    def __init__(self, message: str = "interrupted") -> None:
        super().__init__(message, unsent=True)


class Unauthorized(ReplicaError):
    """The service refuses the credentials, or the user lacks a right."""


class Rejected(ReplicaError):
    """This one item is refused; others go on."""


class Stale(ReplicaError):
    """What was to be overwritten is not what was expected there."""


class Busy(ReplicaError):
    """A file is open for writing elsewhere, or changes while it is read."""


class Corrupted(ReplicaError):
    """Content arrived short, long or with another digest."""


class Full(ReplicaError):
    """No room is left on the disk (`here`) or in the account."""

    def __init__(self, message: str, *, here: bool = False) -> None:
        super().__init__(message)
        self.here = here


class SupervisorError(FluxsyncError):
    """systemd or launchd did not do what was asked of it."""


class StateError(FluxsyncError):
    """The journal contradicts itself or cannot be read."""


class Halted(FluxsyncError):
    """A safety rule stops the pass until a person decides."""
