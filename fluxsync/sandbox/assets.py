"""Assets and their versions.

The number of an asset's first content is 0 [002] and each new one has the next number. Documents do not say
in which order lists come: newest first is our reading, for both. Whether several tags in a search mean "all"
or "any" is not said either: all.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

from fluxsync.sandbox.database import Database, fold
from fluxsync.sandbox.model import Asset, Blob, Metadata, Version
from fluxsync.sandbox.tags import TagTable

Order = Literal["newest", "oldest"]

_ASSET_COLUMNS = (
    "a.id, a.title, a.description, a.user_id, a.created, a.updated, v.number, v.id,"
    " v.filename, v.content_type, v.blob, v.size, v.metadata"
)
_JOIN = "JOIN versions AS v ON v.asset_id = a.id AND v.number = a.version"
_VERSION_COLUMNS = (
    "id, asset_id, number, filename, content_type, blob, size, comment, user_id, created, updated, metadata"
)


@dataclass(frozen=True, slots=True)
class Content:
    """A complete file with the name and type that it was sent under."""

    filename: str
    content_type: str
    blob: Blob


class AssetTable:
    """The assets of the account. Methods that write are to be called inside a transaction."""

    def __init__(self, database: Database, tags: TagTable, order: Order) -> None:
        self._database = database
        self._tags = tags
        self._direction = "DESC" if order == "newest" else "ASC"

    def get(self, asset_id: int) -> Asset | None:
        """Return an asset with its tags, or None."""
        row = self._database.row(
            f"SELECT {_ASSET_COLUMNS} FROM assets AS a {_JOIN} WHERE a.id = ?", (asset_id,)
        )
        return self._with_tags([_asset(row)])[0] if row else None

    def search(self, query: str, tag_ids: Sequence[int], limit: int, offset: int) -> list[Asset]:
        """Return one page of the assets that hold the query in a text or tag and have all these tags."""
        conditions: list[str] = []
        parameters: list[str | int] = []
        for tag_id in tag_ids:
            conditions.append("a.id IN (SELECT asset_id FROM asset_tags WHERE tag_id = ?)")
            parameters.append(tag_id)
        if query:
            conditions.append(
                "(instr(fold(a.title), ?) OR instr(fold(v.filename), ?) OR instr(fold(a.description), ?)"
                " OR a.id IN (SELECT asset_id FROM asset_tags JOIN tags ON tags.id = tag_id"
                " WHERE instr(fold(name), ?)))"
            )
            parameters += [fold(query)] * 4
        where = f"WHERE {' AND '.join(conditions)}" if conditions else ""
        rows = self._database.rows(
            f"SELECT {_ASSET_COLUMNS} FROM assets AS a {_JOIN} {where}"
            f" ORDER BY a.id {self._direction} LIMIT ? OFFSET ?",
            (*parameters, limit, offset),
        )
        return self._with_tags([_asset(row) for row in rows])

    def _with_tags(self, assets: list[Asset]) -> list[Asset]:
        tags = self._tags.of_assets([asset.id for asset in assets])
        return [replace(asset, tags=tags[asset.id]) if asset.id in tags else asset for asset in assets]

    def add(self, content: Content, title: str, description: str, user_id: int, now: int) -> int:
        """Make an asset with its version 0 and return its id."""
        asset_id = self._database.execute(
            "INSERT INTO assets (title, description, user_id, created, updated, version)"
            " VALUES (?, ?, ?, ?, ?, 0)",
            (title, description, user_id, now, now),
        )
        self._add_version(asset_id, 0, content, "", user_id, now, now)
        return asset_id

    def add_version(self, asset: Asset, content: Content, comment: str, user_id: int, now: int) -> int:
        """Make this the asset's current content and return the version's id."""
        number = asset.version + 1
        version_id = self._add_version(asset.id, number, content, comment, user_id, asset.created, now)
        self._database.execute(
            "UPDATE assets SET version = ?, updated = ? WHERE id = ?", (number, now, asset.id)
        )
        return version_id

    def _add_version(
        self, asset_id: int, number: int, content: Content, comment: str, user_id: int, created: int, now: int
    ) -> int:
        return self._database.execute(
            "INSERT INTO versions (asset_id, number, filename, content_type, blob, size, comment, user_id,"
            " created, updated) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (
                asset_id,
                number,
                content.filename,
                content.content_type,
                content.blob.name,
                content.blob.size,
                comment,
                user_id,
                created,
                now,
            ),
        )

    def set_texts(self, asset_id: int, title: str, description: str, now: int) -> None:
        """Replace an asset's texts and note the time of the change."""
        self._database.execute(
            "UPDATE assets SET title = ?, description = ?, updated = ? WHERE id = ?",
            (title, description, now, asset_id),
        )

    def delete(self, asset_id: int) -> list[Blob]:
        """Delete an asset with all its versions and return their files; none where there is no such asset."""
        rows = self._database.rows("SELECT blob, size FROM versions WHERE asset_id = ?", (asset_id,))
        self._database.execute("DELETE FROM versions WHERE asset_id = ?", (asset_id,))
        self._database.execute("DELETE FROM assets WHERE id = ?", (asset_id,))
        self._tags.take_off(asset_id)
        return [Blob(name, size) for name, size in rows]

    def versions(self, asset_id: int) -> list[Version]:
        """Return all versions of an asset, newest first."""
        sql = f"SELECT {_VERSION_COLUMNS} FROM versions WHERE asset_id = ? ORDER BY number DESC"
        return [_version(row) for row in self._database.rows(sql, (asset_id,))]

    def version(self, asset_id: int, version_id: int) -> Version | None:
        """Return a version by its own id, or None where the asset has no such version."""
        sql = f"SELECT {_VERSION_COLUMNS} FROM versions WHERE id = ? AND asset_id = ?"
        row = self._database.row(sql, (version_id, asset_id))
        return _version(row) if row else None

    def version_numbered(self, asset_id: int, number: int) -> Version | None:
        """Return a version by its number, or None."""
        sql = f"SELECT {_VERSION_COLUMNS} FROM versions WHERE asset_id = ? AND number = ?"
        row = self._database.row(sql, (asset_id, number))
        return _version(row) if row else None

    def set_metadata(self, version_id: int, metadata: Metadata) -> None:
        """Keep what was found out about a version's content."""
        sql = "UPDATE versions SET metadata = ? WHERE id = ?"
        self._database.execute(sql, (json.dumps(dict(metadata)), version_id))


def _asset(row: tuple[Any, ...]) -> Asset:
    asset_id, title, description, user_id, created, updated, number, version_id = row[:8]
    filename, content_type, blob, size, metadata = row[8:]
    return Asset(
        asset_id,
        title,
        description,
        user_id,
        created,
        updated,
        number,
        version_id,
        filename,
        content_type,
        Blob(blob, size),
        _metadata(metadata),
    )


def _version(row: tuple[Any, ...]) -> Version:
    version_id, asset_id, number, filename, content_type, blob, size = row[:7]
    comment, user_id, created, updated, metadata = row[7:]
    return Version(
        version_id,
        asset_id,
        number,
        filename,
        content_type,
        Blob(blob, size),
        comment,
        user_id,
        created,
        updated,
        _metadata(metadata),
    )


def _metadata(text: str | None) -> Metadata | None:
    return None if text is None else json.loads(text)
