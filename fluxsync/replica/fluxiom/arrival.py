"""Content on its way from the account, checked as it arrives."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator

from fluxsync.core.model import Entry
from fluxsync.errors import Corrupted, Unavailable
from fluxsync.replica.fluxiom.download import Download
from fluxsync.replica.fluxiom.library import Library

__all__ = ["Arrival"]


class Arrival:
    """The content of an asset as a `Source`, recorded under the version that was read before the request.

    The request leaves when the first block is wanted: a file here that has to wait costs none.
    """

    def __init__(self, library: Library, download: Callable[[], Download], entry: Entry) -> None:
        self._library = library
        self._ask = download
        self._download: Download | None = None
        self._entry = entry
        self._hash = hashlib.sha256()
        self._count = 0
        self.size = entry.size

    def blocks(self) -> Iterator[bytes]:
        """Yield what arrives, no more than was announced. Raises like `check`, and `Unavailable`."""
        self._download = download = self._ask()
        announced = download.length
        if announced is not None and announced != self.size:
            if download.is_html:
                raise Unavailable("offline: a login page answered instead of the content")
            self._fail(announced)
        for block in download.blocks():
            self._count += len(block)
            if self._count > self.size:
                self._fail(self._count)
            self._hash.update(block)
            yield block

    def check(self) -> str:
        """Return the digest. Raises `Corrupted`, or `Stale` where the asset has new content meanwhile."""
        if self._count != self.size:
            self._fail(self._count)
        digest = self._hash.hexdigest()
        if self._entry.digest and digest != self._entry.digest:
            self._library.fresh(self._entry, trash_too=False)
            raise Corrupted(f'"{self._entry.place.name}" did not arrive as it was sent: other bytes')
        return digest

    def close(self) -> None:
        if self._download is not None:
            self._download.close()

    def _fail(self, count: int) -> None:
        # Other bytes than announced are damage only if nobody replaced them since the list was read. Asked
        # once the download has given back its place: else requests in the middle of downloads could wait for
        # each other.
        self.close()
        self._library.fresh(self._entry, trash_too=False)
        raise Corrupted(f'"{self._entry.place.name}" arrived with {count} bytes instead of {self.size}')
