"""What somebody can count who looks at an account from afar; a `MemoryAccount` keeps what it expects."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Protocol

from fluxsync.replica.base import Probe
from fluxsync.replica.memory.asset import MemoryAsset

__all__ = ["Figures"]


class _Account(Protocol):
    assets: dict[str, MemoryAsset]
    tags: dict[str, str]


class Figures:
    """Bytes of all versions, assets by folder, trash and label, and the names of folders.

    Called by one thread at a time.
    """

    def __init__(self) -> None:
        self._expected: Counter[str] | None = None

    def probe(self, account: _Account) -> Probe:
        return _probe(_everything(account))

    def expected(self) -> Probe | None:
        return _probe(self._expected) if self._expected is not None else None

    def adopt(self, account: _Account) -> None:
        """Expect what there is now."""
        self._expected = _everything(account)

    @contextmanager
    def moved(self, account: _Account, key: str) -> Iterator[None]:
        """Let what happens to one asset or folder in here be an own write."""
        before = _count(account, [key])
        yield
        if self._expected is not None:
            self._expected.update(_count(account, [key]))
            self._expected.subtract(before)


def _everything(account: _Account) -> Counter[str]:
    return _count(account, (*account.assets, *account.tags))


def _count(account: _Account, keys: Iterable[str]) -> Counter[str]:
    count: Counter[str] = Counter()
    for key in keys:
        if key in account.tags:
            count[f"{key} is {account.tags[key]}"] += 1
        if key in account.assets:
            asset = account.assets[key]
            count["bytes"] += sum(len(version.content) for version in asset.versions)
            count[f"in {asset.home}"] += 1
            count["trashed"] += asset.trashed
            count.update(f"with {label}" for label in asset.labels)
    return count


def _probe(count: Counter[str]) -> Probe:
    return Probe(repr(sorted((what, number) for what, number in count.items() if number)))
