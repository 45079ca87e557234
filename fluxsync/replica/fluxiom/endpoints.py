"""The service's requests as methods; how an exchange is made is the business of `client`.

Every path carries `.xml`, except the download: what the service answers without an extension is not said.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Protocol
from urllib.parse import urlencode

from fluxsync.errors import Full, Rejected, Stale, Unavailable
from fluxsync.replica.base import Source
from fluxsync.replica.fluxiom import wire
from fluxsync.replica.fluxiom.answers import RIGHT
from fluxsync.replica.fluxiom.multipart import file_form
from fluxsync.replica.fluxiom.transfer import Fields, Upload

__all__ = ["PAGE", "Answer", "Endpoints", "Exchange"]

#: Records per page: the most that the service gives.
PAGE = 100


@dataclass(frozen=True, slots=True)
class Answer:
    """A success, or the 404 of a read that may find nothing."""

    status: int
    body: bytes

    @property
    def found(self) -> bool:
        return self.status != 404


class Exchange(Protocol):
    """Makes one request, repeats it where that is safe, and raises for every refusal."""

    def __call__(
        self,
        method: str,
        path: str,
        what: str,
        *,
        body: bytes | Upload = b"",
        may_miss: bool = False,
    ) -> Answer: ...


class Endpoints:
    """One method for each request that a two-way sync needs."""

    _exchange: Exchange
    #: Told how many bytes of an upload leave.
    _leaving: Callable[[int], None]

    #: The rights that `user` found; None before.
    permissions: frozenset[str] | None = None
    #: The last list of tags, as it came and what it says: most probes find the same.
    _listed: tuple[bytes, tuple[wire.Tag, ...]] | None = None

    @property
    def has_right(self) -> bool | None:
        return None if self.permissions is None else RIGHT in self.permissions

    def account(self) -> wire.Account:
        return wire.parse_account(self._present("account.xml", "read the account"))

    def user(self) -> wire.User:
        """Return the caller."""
        user = wire.parse_user(self._present("user.xml", "read the user"))
        self.permissions = user.permissions
        return user

    def tags(self) -> tuple[wire.Tag, ...]:
        """Return all tags; the very same tuple where the answer is byte for byte the last one."""
        answer = self._exchange("GET", "tags.xml", "list the tags", may_miss=True)
        if not answer.found:
            return ()
        listed = self._listed
        if listed is None or listed[0] != answer.body:
            listed = self._listed = answer.body, wire.parse_tags(answer.body)
        return listed[1]

    def tag(self, tag_id: int) -> wire.Tag | None:
        answer = self._exchange("GET", f"tags/{tag_id}.xml", "read a tag", may_miss=True)
        return wire.parse_tag(answer.body) if answer.found else None

    def assets_page(self, number: int) -> bytes | None:
        """Return a page of the list as it comes, from 1; beyond the last it is None (404) or holds none."""
        path = f"assets.xml?per_page={PAGE}&page={number}"
        answer = self._exchange("GET", path, "list the assets", may_miss=True)
        return answer.body if answer.found else None

    def asset(self, asset_id: int) -> wire.Asset | None:
        answer = self._exchange("GET", f"assets/{asset_id}.xml", f"read asset {asset_id}", may_miss=True)
        if not answer.found:
            return None
        return self._same(asset_id, wire.parse_asset(answer.body))

    def versions(self, asset_id: int) -> tuple[wire.Version, ...]:
        path = f"assets/{asset_id}/versions.xml"
        answer = self._exchange("GET", path, f"list the versions of asset {asset_id}", may_miss=True)
        return wire.parse_versions(answer.body) if answer.found else ()

    def create(
        self, name: str, content: Source, title: str, description: str, tags: str
    ) -> tuple[wire.Asset, str]:
        """Upload a new asset; return it and the digest of what was sent."""
        fields = [("title", title), ("description", description), ("tags", tags)]
        answer, digest = self._upload("assets.xml", fields, name, content)
        return wire.parse_asset(answer.body), digest

    def add_version(
        self, asset_id: int, name: str, content: Source, comment: Callable[[str], str]
    ) -> tuple[wire.Version, str]:
        """Upload new content for an asset; return the version and the digest of what was sent.

        The comment names the digest, so it follows the content.
        """

        def after(digest: str) -> list[tuple[str, str]]:
            return [("comment", comment(digest))]

        answer, digest = self._upload(f"assets/{asset_id}/versions.xml", [], name, content, after)
        return wire.parse_version(answer.body), digest

    def update(self, asset_id: int, title: str, description: str, tags: str) -> wire.Asset:
        """Set all that can be set: what happens to a parameter that is left out is not documented."""
        body = _form(title=title, description=description, tags=tags)
        answer = self._exchange("PUT", f"assets/{asset_id}.xml", f"change asset {asset_id}", body=body)
        if answer.body.strip():
            return self._same(asset_id, wire.parse_asset(answer.body))
        asset = self.asset(asset_id)
        if asset is None:
            raise Stale(f"asset {asset_id} is gone from the account")
        return asset

    def delete(self, asset_id: int) -> None:
        self._exchange("DELETE", f"assets/{asset_id}.xml", f"delete asset {asset_id}")

    def create_tag(self, name: str) -> wire.Tag:
        answer = self._exchange("POST", "tags.xml", f'make the tag "{name}"', body=_form(tag=name))
        return wire.parse_tag(answer.body)

    def rename_tag(self, tag_id: int, name: str) -> wire.Tag:
        what = f'rename a tag to "{name}"'
        return wire.parse_tag(self._exchange("PUT", f"tags/{tag_id}.xml", what, body=_form(tag=name)).body)

    def delete_tag(self, tag_id: int) -> None:
        self._exchange("DELETE", f"tags/{tag_id}.xml", f"delete tag {tag_id}")

    def _present(self, path: str, what: str) -> bytes:
        answer = self._exchange("GET", path, what, may_miss=True)
        if not answer.found:
            raise Unavailable(f"cannot {what}: is the URL right, and the account's API switched on?")
        return answer.body

    def _same(self, asset_id: int, asset: wire.Asset) -> wire.Asset:
        if asset.id != asset_id:
            raise Unavailable(f"the service answered with asset {asset.id} instead of {asset_id}")
        return asset

    def _upload(
        self,
        path: str,
        fields: Iterable[tuple[str, str]],
        name: str,
        content: Source,
        after: Fields = lambda digest: (),
    ) -> tuple[Answer, str]:
        try:
            upload = Upload(file_form(fields, name), content, self._leaving, after)
        except UnicodeEncodeError:
            raise Rejected("the name is not valid Unicode and cannot be sent; rename the file") from None
        return self._exchange("POST", path, f'upload "{name}"', body=upload), upload.digest

    def _too_large(self, length: int, error: Exception) -> Exception:
        """Tell a full account from a file that the service never takes."""
        room = self.account().available_space
        if room is not None and room < length:
            return Full(f"the account is full: {room} bytes are left, {length} are needed")
        return error


def _form(**fields: str) -> bytes:
    try:
        return urlencode(fields).encode()
    except UnicodeEncodeError:
        raise Rejected("a name is not valid Unicode and cannot be sent; rename it") from None
