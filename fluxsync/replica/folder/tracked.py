"""What the ancestor knows of paths and files, as a walk asks for it."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from fluxsync.core.model import Item, Stamp
from fluxsync.core.paths import ancestors

__all__ = ["Tracked"]


class Tracked:
    """Answers about the ancestor's items by path, and about the `paths` of all.

    What few walks ask is put together when it is asked.
    """

    def __init__(self, known: Mapping[str, Item], paths: Collection[str]) -> None:
        self._known = known
        self._paths = paths
        self._on_the_way: set[str] | None = None
        self._stamps: set[Stamp] | None = None

    def has(self, path: str) -> bool:
        """Tell whether a path is known, or on the way to one: folders on the way may have no row."""
        if path in self._paths:
            return True
        if self._on_the_way is None:
            self._on_the_way = set()
            for known in self._paths:
                for folder in ancestors(known):
                    if folder in self._on_the_way:
                        break
                    self._on_the_way.add(folder)
        return path in self._on_the_way

    def has_stamp(self, stamp: Stamp) -> bool:
        """Tell whether some item has this very stamp: it is that file, in a folder that was renamed."""
        if self._stamps is None:
            self._stamps = {item.stamp for item in self._known.values() if item.stamp is not None}
        return stamp in self._stamps
