"""systemctl and launchctl, run and listened to; what their failures mean."""

from __future__ import annotations

import shlex
import subprocess
from dataclasses import dataclass

from fluxsync.errors import ConfigError, SupervisorError

__all__ = ["Answer", "ask", "must"]

#: A start waits until the service is ready, two minutes at most.
_PATIENCE_S = 150
_DONE = ("Created symlink", "Removed ")


@dataclass(frozen=True, slots=True)
class Answer:
    code: int
    out: str
    err: str

    @property
    def complaint(self) -> str:
        """The line that says what went wrong; before it systemctl tells what went well."""
        lines = (self.err or self.out).strip().splitlines()
        return next((line for line in lines if not line.startswith(_DONE)), f"exit code {self.code}")


def ask(*command: str) -> Answer:
    """Run a tool and return what it says. Raises `ConfigError` where this machine has no such tool."""
    try:
        done = subprocess.run(
            command,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=_PATIENCE_S,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise SupervisorError(f"`{shlex.join(command)}` does not end: run it in a terminal") from None
    except OSError as error:
        raise ConfigError(f"{command[0]} cannot be run ({error.strerror}): install it first") from None
    return Answer(done.returncode, done.stdout, done.stderr)


def must(*command: str, cure: str = "run it in a terminal and see why") -> str:
    """Run a tool that has to succeed; returns the command as a step. Raises `SupervisorError`."""
    answer = ask(*command)
    if answer.code:
        raise SupervisorError(f"`{shlex.join(command)}` failed ({answer.complaint}): {cure}")
    return shlex.join(command)
