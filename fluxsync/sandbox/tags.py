"""Tags.

A tag is one name, exactly as given but for outer blanks; upper and lower case differ (our reading). Lists are
in the order of ids, as in the sample [002]; inside an asset tags are in the order of names (our reading).
"""

import json
from collections.abc import Iterable, Sequence

from fluxsync.sandbox.database import Database
from fluxsync.sandbox.errors import ApiError
from fluxsync.sandbox.model import Tag, TagRef

_TAG = "SELECT id, name, (SELECT count(*) FROM asset_tags WHERE tag_id = tags.id) FROM tags"

#: A tag by its id or by its name; a name that no tag has stands for a new one.
TagKey = int | str


class TagTable:
    """The tags of the account and which asset has which."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def all(self) -> list[Tag]:
        """Return all tags with their counts."""
        return [Tag(*row) for row in self._database.rows(f"{_TAG} ORDER BY id")]

    def get(self, tag_id: int) -> Tag | None:
        """Return a tag, or None."""
        row = self._database.row(f"{_TAG} WHERE id = ?", (tag_id,))
        return Tag(*row) if row else None

    def id_of(self, name: str) -> int | None:
        """Return the id of the tag with exactly this name, or None."""
        found = self._database.value("SELECT id FROM tags WHERE name = ?", (name,))
        return None if found is None else int(found)

    def create(self, name: str) -> TagRef:
        """Return the tag of this name, making it where there is none (our reading)."""
        name = _checked(name)
        with self._database.transaction():
            return TagRef(self._ensure(name), name)

    def rename(self, tag_id: int, name: str) -> Tag:
        """Rename a tag. Raises ApiError 404 for an unknown id, 422 where another tag has the name."""
        name = _checked(name)
        with self._database.transaction():
            if self.id_of(name) not in (None, tag_id):
                raise ApiError(422, "another tag has this name")
            if not self._database.changed("UPDATE tags SET name = ? WHERE id = ?", (name, tag_id)):
                raise ApiError(404, "there is no such tag")
            renamed = self.get(tag_id)
        assert renamed is not None
        return renamed

    def delete(self, tag_id: int) -> None:
        """Delete a tag and take it off all assets. Raises ApiError 404 for an unknown id."""
        with self._database.transaction():
            if not self._database.changed("DELETE FROM tags WHERE id = ?", (tag_id,)):
                raise ApiError(404, "there is no such tag")
            self._database.execute("DELETE FROM asset_tags WHERE tag_id = ?", (tag_id,))

    def parse(self, text: str) -> list[TagKey]:
        """Read "tag names or IDs, comma separated" [000].

        A number that is the id of a tag means that tag; anything else is a name. Blanks around names and
        empty entries do not count (our reading).
        """
        return [self._key(entry) for entry in map(str.strip, text.split(",")) if entry]

    def _key(self, entry: str) -> TagKey:
        # "007" is a name: ids have no leading zeros. The length keeps the number within SQLite's integers.
        if entry.isascii() and entry.isdigit() and entry[0] != "0" and len(entry) <= 18:
            known = self._database.value("SELECT id FROM tags WHERE id = ?", (int(entry),))
            if known is not None:
                return int(known)
        return entry

    def find(self, keys: Iterable[TagKey]) -> list[int] | None:
        """Return the ids of these tags, or None where one of them does not exist."""
        ids = [key if isinstance(key, int) else self.id_of(key) for key in keys]
        known = [tag_id for tag_id in ids if tag_id is not None]
        return known if len(known) == len(ids) else None

    def put_on(self, asset_id: int, keys: Sequence[TagKey]) -> None:
        """Give an asset exactly these tags, making new ones. Call it inside a transaction."""
        self.take_off(asset_id)
        for key in keys:
            tag_id = key if isinstance(key, int) else self._ensure(_checked(key))
            # Selected: a tag that was deleted since its id was read must not come back as a bare number.
            self._database.execute(
                "INSERT OR IGNORE INTO asset_tags (asset_id, tag_id) SELECT ?, id FROM tags WHERE id = ?",
                (asset_id, tag_id),
            )

    def take_off(self, asset_id: int) -> None:
        """Remove all tags of an asset. Call it inside a transaction."""
        self._database.execute("DELETE FROM asset_tags WHERE asset_id = ?", (asset_id,))

    def of_assets(self, asset_ids: Sequence[int]) -> dict[int, tuple[TagRef, ...]]:
        """Return the tags of each of these assets that has any."""
        rows = self._database.rows(
            "SELECT asset_id, id, name FROM asset_tags JOIN tags ON tags.id = tag_id"
            " WHERE asset_id IN (SELECT value FROM json_each(?)) ORDER BY name",
            (json.dumps(asset_ids),),
        )
        found: dict[int, list[TagRef]] = {}
        for asset_id, tag_id, name in rows:
            found.setdefault(asset_id, []).append(TagRef(tag_id, name))
        return {asset_id: tuple(tags) for asset_id, tags in found.items()}

    def _ensure(self, name: str) -> int:
        known = self.id_of(name)
        return (
            self._database.execute("INSERT INTO tags (name) VALUES (?)", (name,)) if known is None else known
        )


def _checked(name: str) -> str:
    name = name.strip()
    if not name:
        raise ApiError(422, "a tag needs a name")
    return name
