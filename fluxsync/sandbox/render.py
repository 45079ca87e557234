"""The interface of the two renderers: values in, the text of an answer out."""

from collections.abc import Sequence
from typing import Protocol

from fluxsync.sandbox.account import AccountState
from fluxsync.sandbox.model import Asset, Tag, TagRef, User, Version


class Renderer(Protocol):
    """Writes each documented answer in one format."""

    content_type: str

    def account(self, state: AccountState) -> str:
        """Write the account."""

    def assets(self, assets: Sequence[Asset]) -> str:
        """Write a list of assets."""

    def asset(self, asset: Asset) -> str:
        """Write one asset."""

    def versions(self, versions: Sequence[Version]) -> str:
        """Write a list of versions."""

    def version(self, version: Version) -> str:
        """Write one version."""

    def tags(self, tags: Sequence[Tag]) -> str:
        """Write a list of tags."""

    def tag(self, tag: Tag) -> str:
        """Write one tag with its counts."""

    def new_tag(self, tag: TagRef) -> str:
        """Write a tag that was just created, which has no counts."""

    def users(self, users: Sequence[User]) -> str:
        """Write a list of users."""

    def user(self, user: User) -> str:
        """Write one user."""

    def upload(self, upload_id: int) -> str:
        """Write the answer to an upload."""

    def error(self, message: str) -> str:
        """Write why a request was refused. The form of errors is our reading."""
