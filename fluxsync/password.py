"""The account's password: what the configuration says, else what a command prints, else the keyring."""

from __future__ import annotations

import shlex
import subprocess

from fluxsync.errors import ConfigError

__all__ = ["KEYRING_SERVICE", "find_password"]

#: Passwords lie in the system's keyring under this name, for the user "USERNAME@HOST".
KEYRING_SERVICE = "fluxsync"

_KEY = "[remote] password_command"
_COMMAND_S = 30


def find_password(written: str, command: str, keyring_user: str) -> str:
    """Return the first password there is; "" stands for what the configuration does not say.

    Raises ConfigError where there is none, or where the command fails; no message quotes the command or what
    it printed.
    """
    if written:
        return written
    if command:
        return _printed_by(command)
    try:
        import keyring

        found = keyring.get_password(KEYRING_SERVICE, keyring_user)
    except Exception:
        # A machine without a keyring, a locked one, a back end that fails in its own way: no password.
        found = None
    if not found:
        raise ConfigError(
            f"no password for {keyring_user}: set {_KEY} or"
            ' FLUXSYNC_REMOTE__PASSWORD, or put it into the system keyring, service "fluxsync"'
        )
    return found


def _printed_by(command: str) -> str:
    """Return the first line that the command prints."""
    try:
        arguments = shlex.split(command)
    except ValueError:
        raise ConfigError(f"{_KEY} cannot be split into words: check its quotes") from None
    if not arguments:
        raise ConfigError(f"{_KEY} is empty: write a command that prints the password")
    try:
        done = subprocess.run(
            arguments,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            timeout=_COMMAND_S,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise ConfigError(
            f"{_KEY} took longer than {_COMMAND_S} s: run it in a terminal and see what it asks"
        ) from None
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or "it is no command"
        raise ConfigError(f"{_KEY} cannot be run ({reason}): check the name of its program") from None
    if done.returncode:
        raise ConfigError(f"{_KEY} failed with exit code {done.returncode}: run it in a terminal and see why")
    try:
        first_line = done.stdout.decode().splitlines()[:1]
    except UnicodeDecodeError:
        raise ConfigError(f"{_KEY} prints something that is no UTF-8 text: check it in a terminal") from None
    if not first_line or not first_line[0]:
        raise ConfigError(f"{_KEY} prints no password in its first line: check it in a terminal")
    return first_line[0]
