"""What the disk below the root can do: found out once, when first asked."""

from __future__ import annotations

import errno
import os
import sys

from fluxsync.core.model import NameRules
from fluxsync.replica.folder import staging
from fluxsync.replica.folder.names import can_exchange, probe_names
from fluxsync.replica.folder.root import CONTROL, Root, control
from fluxsync.replica.folder.syscalls import At

__all__ = ["Facts"]


class Facts:
    """Remembers what was probed. Two threads that ask at once both probe, and agree.

    What a probe makes has a staged file's name, so that the next run knows what a killed one left.
    """

    def __init__(self, root: Root, run: str = "") -> None:
        self._root = root
        self._run = run
        self._names: NameRules | None = None
        self._exchanges: bool | None = None
        #: The rules, as far as this run or an earlier one found them out.
        self.known: NameRules | None = None

    def names(self) -> NameRules:
        """Return the disk's rules; without `.fluxsync/tmp` to try, what the system is known for."""
        if self._names is not None:
            return self._names
        with self._root.opened() as top:
            try:
                os.stat(f"{CONTROL}/tmp", dir_fd=top, follow_symlinks=False)
            except FileNotFoundError:
                plain = sys.platform != "darwin"
                return NameRules(case_sensitive=plain, form_sensitive=plain)
            with control(top, "tmp") as room:
                try:
                    self._names = probe_names(room, staging.new_name(self._run))
                except OSError as error:
                    if self.known is None or error.errno not in (errno.ENOSPC, errno.EDQUOT):
                        raise
                    return self.known
            self.known = self._names
        return self._names

    def exchanges(self, top: int) -> bool:
        """Tell whether two names can swap what they name."""
        if self._exchanges is None:
            with control(top, "tmp") as room:
                self._exchanges = can_exchange(room, staging.new_name(self._run))
        return self._exchanges

    def listed(self, at: At) -> bool:
        """Tell whether exactly this name is in its folder: some disks answer to others, too."""
        names = self.names()
        return (names.case_sensitive and names.form_sensitive) or at.name in os.listdir(at.fd)
