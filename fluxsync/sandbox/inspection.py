"""When metadata appear.

Right after its creation an asset shows none, and the picture "generating preview" instead of a thumbnail;
later it shows both [000, 002]. Here "later" is the first time that somebody reads the asset, which makes
uploads cheap.
"""

from collections.abc import Sequence
from dataclasses import replace

from fluxsync.sandbox.assets import AssetTable
from fluxsync.sandbox.blobs import Blobs
from fluxsync.sandbox.database import Database
from fluxsync.sandbox.metadata import describe
from fluxsync.sandbox.model import Asset, Metadata, Version


class Inspector:
    """Finds out metadata once for each content file."""

    def __init__(self, database: Database, assets: AssetTable, blobs: Blobs) -> None:
        self._database = database
        self._assets = assets
        self._blobs = blobs

    def assets(self, assets: Sequence[Asset]) -> list[Asset]:
        """Return these assets with all metadata, and keep what was found out."""
        found = {asset.version_id: self._describe(asset) for asset in assets if asset.metadata is None}
        self._keep(found)
        return [replace(a, metadata=found[a.version_id]) if a.version_id in found else a for a in assets]

    def versions(self, versions: Sequence[Version]) -> list[Version]:
        """Return these versions with all metadata, and keep what was found out."""
        found = {version.id: self._describe(version) for version in versions if version.metadata is None}
        self._keep(found)
        return [replace(v, metadata=found[v.id]) if v.id in found else v for v in versions]

    def _describe(self, subject: Asset | Version) -> Metadata:
        return describe(self._blobs.path(subject.blob.name), subject.content_type)

    def _keep(self, found: dict[int, Metadata]) -> None:
        if not found:
            return
        with self._database.transaction():
            for version_id, metadata in found.items():
                self._assets.set_metadata(version_id, metadata)
