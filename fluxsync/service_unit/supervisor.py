"""What systemd and launchd have in common, and which of them this machine has."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from fluxsync.service_unit.wanted import Wanted

__all__ = ["State", "Supervisor", "supervisor"]


@dataclass(frozen=True, slots=True)
class State:
    """Whether a service starts by itself, and whether it runs now."""

    enabled: bool
    running: bool


class Supervisor(Protocol):
    """Starts services of the current user, from files in a folder.

    Its changing verbs yield the steps they made, each a line, and do nothing unless they are iterated. They
    raise `SupervisorError` where a step is refused.
    """

    @property
    def hints(self) -> Sequence[str]:
        """What else a person may want to know who has installed a service, each a line."""
        ...

    def check(self) -> None:
        """Raise `ConfigError` with a cure where this machine or session has no such supervisor."""
        ...

    def unit(self, name: str) -> str:
        """Return what the supervisor calls the service."""
        ...

    def file(self, name: str) -> Path:
        """Return where the service's file belongs."""
        ...

    def files(self) -> Sequence[Path]:
        """Return the files that may be ours, by their names. Empty where there are none."""
        ...

    def config_of(self, text: str) -> Path | None:
        """Return the configuration that a file of ours is for; None for any other file."""
        ...

    def linked(self, name: str) -> bool:
        """Say, from files alone, whether a service that somebody else wrote is enabled under that name."""
        ...

    def text(self, wanted: Wanted) -> str:
        """Return the file's text. Raises `ConfigError` for a path that cannot be written in it."""
        ...

    def start(self, name: str, changed: bool) -> Iterator[str]:
        """Have the service start now and at each login; one whose file `changed` is started afresh."""
        ...

    def stop(self, name: str) -> Iterator[str]:
        """End the service, now and for later logins; its file is still there."""
        ...

    def forget(self, name: str) -> Iterator[str]:
        """Take note that the file is gone."""
        ...

    def state(self, name: str) -> State: ...

    def log(self, name: str) -> str:
        """Return where a person finds what the service logs: a command, or a file."""
        ...


def supervisor(platform: str = sys.platform, env: Mapping[str, str] | None = None) -> Supervisor:
    """Return the supervisor of a platform; whether it is really there is for its `check` to say."""
    env = os.environ if env is None else env
    home = Path(env.get("HOME") or os.path.expanduser("~"))
    if platform == "darwin":
        from fluxsync.service_unit.launchd import Launchd

        return Launchd(home)
    from fluxsync.service_unit.systemd import Systemd

    config = env.get("XDG_CONFIG_HOME", "")
    return Systemd(Path(config) if os.path.isabs(config) else home / ".config")
