"""What somebody can count who looks at an account from afar; a `MemoryAccount` keeps what it expects."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from fluxsync.replica.base import Probe

if TYPE_CHECKING:
    from fluxsync.replica.memory.account import MemoryAccount

__all__ = ["Figures"]


class Figures:
    """Bytes of all versions, assets by folder, trash and label, and the names of folders.

    Called by one thread at a time.
    """

    def __init__(self, account: MemoryAccount) -> None:
        self._account = account
        self._expected: Counter[str] | None = None

    def probe(self) -> Probe:
        return _probe(self._count((*self._account.assets, *self._account.tags)))

    def expected(self) -> Probe | None:
        return _probe(self._expected) if self._expected is not None else None

    def adopt(self) -> None:
        """Expect what there is now."""
        self._expected = self._count((*self._account.assets, *self._account.tags))

    @contextmanager
    def moved(self, key: str) -> Iterator[None]:
        """Let what happens to one asset or folder in here be an own write."""
        before = self._count([key])
        yield
        if self._expected is not None:
            self._expected.update(self._count([key]))
            self._expected.subtract(before)

    def _count(self, keys: Iterable[str]) -> Counter[str]:
        count: Counter[str] = Counter()
        for key in keys:
            if key in self._account.tags:
                count[f"{key} is {self._account.tags[key]}"] += 1
            if key in self._account.assets:
                asset = self._account.assets[key]
                count["bytes"] += sum(len(version.content) for version in asset.versions)
                count[f"in {asset.home}"] += 1
                count["trashed"] += asset.trashed
                count.update(f"with {label}" for label in asset.labels)
        return count


def _probe(count: Counter[str]) -> Probe:
    return Probe(repr(sorted((what, number) for what, number in count.items() if number)))
