"""The requests that change something. Each moves the expected figures by what its answer shows."""

from __future__ import annotations

import threading
from collections.abc import Callable, Collection, MutableMapping

from fluxsync.replica.base import Source
from fluxsync.replica.fluxiom.endpoints import Endpoints
from fluxsync.replica.fluxiom.figures import Figures, Sums, Unforeseen
from fluxsync.replica.fluxiom.wire import Asset, Tag, Version

__all__ = ["Highest", "Writes"]


class Highest:
    """The highest id of an asset ever seen: what an unanswered create leaves later has a higher one."""

    def __init__(self, facts: MutableMapping[str, str]) -> None:
        self._facts = facts
        self._lock = threading.Lock()

    @property
    def id(self) -> int:
        return int(self._facts.get("highest_id", 0))

    def saw(self, asset_id: int) -> None:
        with self._lock:
            self._facts["highest_id"] = str(max(asset_id, self.id))


class Writes:
    """Called by all movers at once. Every method raises like the request of the same name."""

    def __init__(self, client: Endpoints, figures: Figures, highest: Highest) -> None:
        self._client = client
        self._figures = figures
        self._highest = highest

    def create(
        self, name: str, content: Source, title: str, description: str, tags: Collection[int], listed: str
    ) -> tuple[Asset, str]:
        """Upload a new asset; `listed` is how the request carries its tags."""
        with self._figures.write() as shows:
            asset, digest = self._client.create(name, content, title, description, listed)
            self._highest.saw(asset.id)

            def effect(sums: Sums) -> None:
                if asset.size != content.size or asset.tags.keys() != set(tags):
                    raise Unforeseen
                sums.take(asset.size)
                sums.carry(asset.tags, 1)

            shows(effect)
        return asset, digest

    def add_version(
        self, before: Asset, name: str, content: Source, comment: Callable[[str], str]
    ) -> tuple[Version, str]:
        """Upload new content for an asset that was read before."""
        with self._figures.write() as shows:
            version, digest = self._client.add_version(before.id, name, content, comment)

            def effect(sums: Sums) -> None:
                if (version.number, version.size) != (before.version + 1, content.size):
                    raise Unforeseen
                sums.take(version.size - (0 if self._figures.keeps_buried else before.size))
                sums.buried += before.size

            shows(effect)
        return version, digest

    def update(
        self, before: Asset, title: str, description: str, tags: Collection[int], listed: str
    ) -> Asset:
        """Set what can be set on an asset that was read before; `listed` as in `create`."""
        with self._figures.write() as shows:
            asset = self._client.update(before.id, title, description, listed)

            def effect(sums: Sums) -> None:
                same_content = (asset.version, asset.size) == (before.version, before.size)
                if not same_content or asset.tags.keys() != set(tags):
                    raise Unforeseen
                sums.carry(asset.tags.keys() - before.tags.keys(), 1)
                sums.carry(before.tags.keys() - asset.tags.keys(), -1)

            shows(effect)
        return asset

    def delete(self, asset: Asset) -> None:
        """Delete an asset that was read before, for good."""
        with self._figures.write() as shows:
            self._client.delete(asset.id)

            def effect(sums: Sums) -> None:
                # How much its older versions took is not in any answer here, and a list is cheaper than
                # asking for the versions of each asset of a purge.
                if asset.version and self._figures.keeps_buried:
                    raise Unforeseen
                sums.take(-asset.size)
                sums.carry(asset.tags, -1)

            shows(effect)

    def create_tag(self, name: str) -> Tag:
        with self._figures.write() as shows:
            tag = self._client.create_tag(name)
            shows(lambda sums: sums.make(tag))
        return tag

    def rename_tag(self, tag: Tag, name: str) -> Tag:
        """Rename a tag that was read before."""
        with self._figures.write() as shows:
            renamed = self._client.rename_tag(tag.id, name)
            shows(lambda sums: sums.rename(tag, renamed))
        return renamed

    def delete_tag(self, tag: Tag) -> None:
        """Delete a tag that was read before, and carried nothing."""
        with self._figures.write() as shows:
            self._client.delete_tag(tag.id)
            shows(lambda sums: sums.remove(tag))
