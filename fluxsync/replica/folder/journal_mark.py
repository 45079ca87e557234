"""What the root knows of the journals that worked on it: for each account the last one, and how far it was.

Only evidence: a mark that is missing or cannot be read says nothing.
"""

from __future__ import annotations

import json
import os

from fluxsync.replica.folder.root import CONTROL, FOLDER_FLAGS, control, write_whole
from fluxsync.replica.folder.syscalls import At

__all__ = ["read_mark", "write_mark"]

_NAME = "journal"
_MOST_BYTES = 65_536


def read_mark(root: int, account: str) -> str | None:
    """Return the mark of an account; None where there is none to be read."""
    mark = _marks(root).get(account)
    return mark if isinstance(mark, str) else None


def write_mark(root: int, account: str, mark: str) -> None:
    """Write the mark of an account, all of it or nothing; not flushed, since a late one does no harm."""
    text = json.dumps({**_marks(root), account: mark}, sort_keys=True)
    with control(root) as folder:
        write_whole(At(folder, _NAME), text, flush=False)


def _marks(root: int) -> dict[str, object]:
    try:
        folder = os.open(CONTROL, FOLDER_FLAGS, dir_fd=root)
        try:
            file = os.open(_NAME, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC, dir_fd=folder)
        finally:
            os.close(folder)
        try:
            found = json.loads(os.read(file, _MOST_BYTES))
        finally:
            os.close(file)
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}
