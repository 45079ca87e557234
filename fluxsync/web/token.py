"""The token: whoever has it can read a file of this user's that others cannot."""

from __future__ import annotations

import os
import re
import secrets
import stat
from pathlib import Path

from fluxsync.errors import ConfigError

__all__ = ["kept_token", "token_path"]

_TOKEN = re.compile(r"[A-Za-z0-9_-]{43}")
_READ = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
_CREATE = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC


def token_path(journal: Path) -> Path:
    """Return the file of the token for the pair of this journal."""
    return journal.absolute().with_name(f"{journal.name}.token")


def kept_token(path: Path) -> str:
    """Return the token in a file, so that scripts outlive a restart; a new one where there is none.

    A token that others could read, or have written, is not taken: a new one takes its place. Only one at a
    time may call this for a path. Raises `ConfigError` where the file cannot be written.
    """
    try:
        return _read(path) or _write(path)
    except OSError as error:
        raise ConfigError(
            f"{path} cannot be written ({error.strerror}): no token, no HTTP interface"
        ) from error


def _read(path: Path) -> str:
    """Return the token of a file that is safe; "" where it is not, or not there."""
    try:
        file = os.open(path, _READ)
    except OSError:
        return ""
    try:
        status = os.fstat(file)
        private = stat.S_ISREG(status.st_mode) and not stat.S_IMODE(status.st_mode) & 0o077
        if not private or status.st_uid != os.geteuid() or status.st_nlink != 1:
            return ""
        text = os.read(file, 100).decode("ascii", "replace").strip()
    finally:
        os.close(file)
    return text if _TOKEN.fullmatch(text) else ""


def _write(path: Path) -> str:
    token = secrets.token_urlsafe(32)
    fresh = path.with_name(path.name + ".new")
    # What an earlier start may have left.
    fresh.unlink(missing_ok=True)
    file = os.open(fresh, _CREATE, 0o600)
    try:
        os.fchmod(file, 0o600)  # whatever the umask
        os.write(file, token.encode())
    finally:
        os.close(file)
    os.replace(fresh, path)
    return token
