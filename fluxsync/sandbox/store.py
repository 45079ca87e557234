"""The whole account behind one Python interface: what the API does, without HTTP.

Tests use it to prepare an account or to look into it:

    asset_id = sandbox.store.create_asset("logo.gif", data, tags=["design"])
    sandbox.store.add_version(asset_id, other_data, comment="new colours")

Whatever a method changes is one transaction, which begins when the content file is complete. Wrong ids and
the like raise ApiError with the status that the API answers.
"""

import secrets
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from fluxsync.sandbox.account import Account, AccountState
from fluxsync.sandbox.assets import AssetTable, Content, Order
from fluxsync.sandbox.blobs import Blobs
from fluxsync.sandbox.database import Database
from fluxsync.sandbox.errors import ApiError
from fluxsync.sandbox.inspection import Inspector
from fluxsync.sandbox.metadata import content_type_of
from fluxsync.sandbox.model import Asset, Blob, Tag, TagRef, Version
from fluxsync.sandbox.tags import TagKey, TagTable
from fluxsync.sandbox.thumbnails import Thumbnails
from fluxsync.sandbox.uploads import UploadTable
from fluxsync.sandbox.users import UserTable


def _without_extension(filename: str) -> str:
    return filename.rpartition(".")[0] or filename


def _no_such_asset() -> ApiError:
    return ApiError(404, "there is no such asset")


class Store:
    """One account on disk. All methods may be called from any thread."""

    def __init__(
        self,
        folder: Path,
        account: Account | None = None,
        clock: Callable[[], float] = time.time,
        order: Order = "newest",
    ) -> None:
        """Open or create the account in a folder. Raises SandboxError where another server uses it."""
        self.account = account or Account()
        self._clock = clock
        self.blobs = Blobs(folder)
        self.thumbnails = Thumbnails(folder / "thumbs")
        self._database = Database(folder / "sandbox.db")
        self.tag_table = TagTable(self._database)
        self.users = UserTable(self._database, self.now)
        self._assets = AssetTable(self._database, self.tag_table, order)
        self._uploads = UploadTable(self._database)
        self.inspector = Inspector(self._database, self._assets, self.blobs)
        self._created = int(self._database.setting("created", str(self.now())))
        self.secret = bytes.fromhex(self._database.setting("secret", secrets.token_hex(16)))
        held = self._database.rows("SELECT blob, size FROM versions UNION ALL SELECT blob, size FROM uploads")
        self._used_bytes = sum(size for _, size in held)
        self.blobs.sweep({name for name, _ in held})
        self._drop_old_uploads()

    def close(self) -> None:
        """Close the database. Calling it twice is fine."""
        self._database.close()

    def now(self) -> int:
        """Return the account's time in whole seconds."""
        return int(self._clock())

    # Assets

    def create_asset(
        self,
        filename: str,
        content: bytes | Path | Blob,
        *,
        title: str | None = None,
        description: str = "",
        tags: Sequence[TagKey] = (),
        user_id: int | None = None,
        content_type: str = "",
    ) -> int:
        """Make an asset and return its id.

        `tags` are names (new ones are made) or ids. Without a title the asset gets the file name without its
        extension; that is our reading. Raises ApiError 413 where the account has no space left.
        """
        with self._taking(self._content(filename, content, content_type)) as taken:
            return self._create(taken, title, description, tags, user_id)

    def create_from_upload(
        self,
        upload_id: int,
        user_id: int,
        *,
        title: str | None = None,
        description: str = "",
        tags: Sequence[TagKey] = (),
    ) -> int:
        """Make an asset from a file that this user sent ahead. Raises ApiError 422 where there is none."""
        with self._database.transaction():
            return self._create(self._take_upload(upload_id, user_id), title, description, tags, user_id)

    def _create(
        self,
        content: Content,
        title: str | None,
        description: str,
        tags: Sequence[TagKey],
        user_id: int | None,
    ) -> int:
        name = _without_extension(content.filename) if title is None else title
        owner = self._user_id(user_id)
        asset_id = self._assets.add(content, name, description, owner, self.now())
        if tags:
            self.tag_table.put_on(asset_id, tags)
        return asset_id

    def add_version(
        self,
        asset_id: int,
        content: bytes | Path | Blob,
        filename: str | None = None,
        comment: str = "",
        *,
        user_id: int | None = None,
        content_type: str = "",
    ) -> int:
        """Give an asset new content and return the version's id.

        The version, and with it the asset, takes the name that the file was sent under; that is our reading.
        """
        name = self.asset(asset_id).filename if filename is None else filename
        with self._taking(self._content(name, content, content_type)) as taken:
            asset = self._existing(asset_id)
            return self._assets.add_version(asset, taken, comment, self._user_id(user_id), self.now())

    def update_asset(
        self,
        asset_id: int,
        *,
        title: str | None = None,
        description: str | None = None,
        tags: Sequence[TagKey] | None = None,
        upload_id: int | None = None,
        user_id: int | None = None,
    ) -> None:
        """Change what is given: the texts, the tags (replaced as a set), and the content by an upload [001].

        The time of the last change moves only where something differs. All of this is our reading.
        """
        with self._database.transaction():
            asset = self._existing(asset_id)
            if upload_id is not None:
                uploader = self._user_id(user_id)
                content = self._take_upload(upload_id, uploader)
                self._assets.add_version(asset, content, "", uploader, self.now())
            if tags is not None:
                self.tag_table.put_on(asset_id, tags)
            new_title = asset.title if title is None else title
            new_description = asset.description if description is None else description
            changed = replace(self._existing(asset_id), title=new_title, description=new_description)
            if changed != asset:
                self._assets.set_texts(asset_id, new_title, new_description, self.now())

    def set_tags(self, asset_id: int, tags: Sequence[TagKey]) -> None:
        """Replace the tags of an asset, by names or ids."""
        self.update_asset(asset_id, tags=tags)

    def delete_asset(self, asset_id: int) -> None:
        """Delete an asset with all its versions and files."""
        with self._database.transaction():
            blobs = self._assets.delete(asset_id)
            if not blobs:
                raise _no_such_asset()
            self._used_bytes -= sum(blob.size for blob in blobs)
        self.blobs.remove(*blobs)
        self.thumbnails.remove(*blobs)

    def asset(self, asset_id: int) -> Asset:
        """Return an asset."""
        return self._existing(asset_id)

    def assets(
        self, query: str = "", tags: Iterable[TagKey] = (), *, page: int = 1, per_page: int | None = None
    ) -> list[Asset]:
        """Return the assets that match, all of them unless `per_page` is given."""
        tag_ids = self.tag_table.find(tags)
        if tag_ids is None:
            return []
        offset = 0 if per_page is None else (page - 1) * per_page
        # SQLite's integers end there; no account has as many assets.
        if offset >= 2**63:
            return []
        return self._assets.search(query, tag_ids, -1 if per_page is None else per_page, offset)

    def versions(self, asset_id: int) -> list[Version]:
        """Return all versions of an asset, newest first, the first content included."""
        versions = self._assets.versions(asset_id)
        if not versions:
            raise _no_such_asset()
        return versions

    def version(self, asset_id: int, version_id: int) -> Version:
        """Return a version by its own id."""
        version = self._assets.version(asset_id, version_id)
        if version is None:
            raise ApiError(404, "there is no such version")
        return version

    def version_numbered(self, asset_id: int, number: int) -> Version | None:
        """Return a version by its number, or None."""
        return self._assets.version_numbered(asset_id, number)

    def content(self, asset_id: int) -> bytes:
        """Return the current content of an asset."""
        return self.version_content(self.asset(asset_id).blob)

    def version_content(self, blob: Blob) -> bytes:
        """Return the content of a version, given its blob."""
        return self.blobs.path(blob.name).read_bytes()

    # Tags

    def tags(self) -> list[Tag]:
        """Return all tags with their counts."""
        return self.tag_table.all()

    def create_tag(self, name: str) -> TagRef:
        """Return the tag of this name, making it where there is none."""
        return self.tag_table.create(name)

    def rename_tag(self, tag_id: int, name: str) -> Tag:
        """Rename a tag. Raises ApiError 422 where another tag has the name."""
        return self.tag_table.rename(tag_id, name)

    def delete_tag(self, tag_id: int) -> None:
        """Delete a tag and take it off all assets."""
        self.tag_table.delete(tag_id)

    # The account

    def state(self) -> AccountState:
        """Return the account with the figures of this moment. Uploads that wait count as used space."""
        return AccountState(self.account, self.users.first_id(), self._created, self._used_bytes)

    def add_upload(self, user_id: int, filename: str, blob: Blob, content_type: str = "") -> int:
        """Keep a file that a user sends ahead of its asset [001] and return the upload's id."""
        self._drop_old_uploads()
        with self._taking(self._content(filename, blob, content_type)) as taken:
            return self._uploads.add(user_id, taken.filename, taken.content_type, taken.blob, self.now())

    def _take_upload(self, upload_id: int, user_id: int) -> Content:
        upload = self._uploads.take(upload_id, user_id)
        if upload is None:
            raise ApiError(422, "upload_id names no file that waits for an asset")
        return Content(upload.filename, upload.content_type, upload.blob)

    def _drop_old_uploads(self) -> None:
        with self._database.transaction():
            blobs = self._uploads.take_old(self.now())
            self._used_bytes -= sum(blob.size for blob in blobs)
        self.blobs.remove(*blobs)

    def _existing(self, asset_id: int) -> Asset:
        asset = self._assets.get(asset_id)
        if asset is None:
            raise _no_such_asset()
        return asset

    def _user_id(self, user_id: int | None) -> int:
        return self.users.first_id() if user_id is None else user_id

    def _content(self, filename: str, content: bytes | Path | Blob, content_type: str) -> Content:
        blob = content if isinstance(content, Blob) else self.blobs.put(content)
        return Content(filename, content_type_of(filename, content_type), blob)

    @contextmanager
    def _taking(self, content: Content) -> Iterator[Content]:
        """Run a transaction that takes in a content file; if it fails, the file is removed."""
        try:
            with self._database.transaction():
                if self._used_bytes + content.blob.size > self.account.quota_bytes:
                    raise ApiError(413, "the account has not enough space left for this file")
                yield content
                self._used_bytes += content.blob.size
        except BaseException:
            self.blobs.remove(content.blob)
            raise
