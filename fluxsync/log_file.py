"""The log in a file of its own: for its owner's eyes, in a few pieces of bounded size."""

from __future__ import annotations

import logging.handlers
import os
from pathlib import Path
from typing import Any

__all__ = ["KEPT", "PIECE_BYTES", "LogFile"]

#: The file is set aside when it has grown so large; so many of these are kept, the newest as FILE.1.
PIECE_BYTES = 10_000_000
KEPT = 5


class LogFile(logging.handlers.RotatingFileHandler):
    """Appends to a file, and makes each of its pieces readable for the owner alone. Raises `OSError`.

    A file that somebody else moves away or removes is made anew: so two processes may write one log, and
    whoever rotates it by other means can.
    """

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        super().__init__(
            path, maxBytes=PIECE_BYTES, backupCount=KEPT, encoding="utf-8", errors="backslashreplace"
        )

    def _open(self) -> Any:
        flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC
        return os.fdopen(
            os.open(self.baseFilename, flags, 0o600), "a", encoding=self.encoding, errors=self.errors
        )

    def shouldRollover(self, record: logging.LogRecord) -> bool:
        self._follow()
        return bool(super().shouldRollover(record))

    def _follow(self) -> None:
        """Open the file anew where the one that is open has lost its name."""
        try:
            named = os.stat(self.baseFilename)
        except FileNotFoundError:
            named = None
        if self.stream is not None:
            ours = os.fstat(self.stream.fileno())
            if named is not None and (named.st_dev, named.st_ino) == (ours.st_dev, ours.st_ino):
                return
            self.stream.close()
            self.stream = None
        self.stream = self._open()
