"""JSON answers: the fields, their order and their types as in the samples [000].

What is odd there is kept: a list of assets has five fields of each, `user_id` is text, dates of assets and
versions are days, all values of the account are text, and a comment that is empty is null.
"""

import json
from collections.abc import Sequence
from typing import Any

from fluxsync.sandbox import moments
from fluxsync.sandbox.account import AccountState
from fluxsync.sandbox.model import Asset, Tag, TagRef, User, Version
from fluxsync.sandbox.thumbnails import ThumbLinks

_VERSION_METADATA = (
    "alpha_channel",
    "pixel_height",
    "color_space",
    "pixel_width",
    "bits_per_sample",
    "profile_name",
    "type",
    "orientation",
    "resolution_height",
    "resolution_width",
)


class JsonRenderer:
    """Writes JSON, wrapped in a function call where a callback is named."""

    def __init__(self, links: ThumbLinks, callback: str = "") -> None:
        self._links = links
        self._callback = callback
        self.content_type = (
            "text/javascript; charset=utf-8" if callback else "application/json; charset=utf-8"
        )

    def _text(self, value: object) -> str:
        text = json.dumps(value, ensure_ascii=False)
        if not self._callback:
            return text
        # Two line ends that JSON allows inside text and old JavaScript does not.
        return f"{self._callback}({text})".replace("\u2028", "\\u2028").replace("\u2029", "\\u2029")

    def account(self, state: AccountState) -> str:
        """Write the account."""
        account = state.account
        created = moments.utc(state.created)
        return self._text(
            {
                "updated_on": created,
                "billing_email": account.billing_email,
                "stats": {
                    "used_space": str(state.used_bytes),
                    "available_space": str(state.available_bytes),
                },
                "country": account.country,
                "trial": "false",
                "branding_info": {
                    "title": account.branding_title,
                    "logo": account.branding_logo,
                    "bottom_color": account.bottom_color,
                    "top_color": account.top_color,
                    "font_color": account.font_color,
                    "updated": created,
                },
                "account_holder_id": str(state.holder_id),
                "plan": account.plan.name,
                "branding": "active",
                "billing_address": account.billing_address.replace("\n", " "),
                "created_on": created,
                "subdomain": account.subdomain,
            }
        )

    def assets(self, assets: Sequence[Asset]) -> str:
        """Write a list of assets, five fields of each."""
        return self._text(
            [
                {
                    "title": asset.title,
                    "thumb_url": self._links.path(asset),
                    "id": asset.id,
                    "filename": asset.filename,
                    "description": asset.description,
                }
                for asset in assets
            ]
        )

    def asset(self, asset: Asset) -> str:
        """Write one asset, with the metadata that are known between its other fields."""
        known = dict(asset.metadata or {})
        if "alpha_channel" in known:
            known["alpha_channel"] = "true" if known["alpha_channel"] == "1" else "false"
        fields = {
            "metadata_alpha_channel": known.get("alpha_channel"),
            "size": asset.size,
            "metadata_bits_per_sample": known.get("bits_per_sample"),
            "metadata_orientation": known.get("orientation"),
            "title": asset.title,
            "content_type": asset.content_type,
            "created_on": moments.day(asset.created),
            "metadata_resolution_height": known.get("resolution_height"),
            "metadata_resolution_width": known.get("resolution_width"),
            "metadata_pixel_height": known.get("pixel_height"),
            "tags": [{"tag": tag.name, "id": tag.id} for tag in asset.tags],
            "id": asset.id,
            "updated_on": moments.day(asset.updated),
            "metadata_profile_name": known.get("profile_name"),
            "version": asset.version,
            "user_id": str(asset.user_id),
            "metadata_pixel_width": known.get("pixel_width"),
            "filename": asset.filename,
            "metadata_color_space": known.get("color_space"),
            "thumb_url": self._links.path(asset),
            "description": asset.description,
            "metadata_type": known.get("type"),
        }
        return self._text({name: value for name, value in fields.items() if value is not None})

    def versions(self, versions: Sequence[Version]) -> str:
        """Write a list of versions."""
        return self._text([_version(version) for version in versions])

    def version(self, version: Version) -> str:
        """Write one version."""
        return self._text(_version(version))

    def tags(self, tags: Sequence[Tag]) -> str:
        """Write a list of tags."""
        return self._text([_tag(tag) for tag in tags])

    def tag(self, tag: Tag) -> str:
        """Write one tag with its counts."""
        return self._text(_tag(tag))

    def new_tag(self, tag: TagRef) -> str:
        """Write a tag that was just created."""
        return self._text({"tag": tag.name, "id": tag.id})

    def users(self, users: Sequence[User]) -> str:
        """Write a list of users."""
        return self._text([_user(user) for user in users])

    def user(self, user: User) -> str:
        """Write one user."""
        return self._text(_user(user))

    def upload(self, upload_id: int) -> str:
        """Write the answer to an upload."""
        return self._text({"id": upload_id})

    def error(self, message: str) -> str:
        """Write why a request was refused."""
        return self._text({"error": message})


def _version(version: Version) -> dict[str, Any]:
    known = version.metadata or {}
    return {
        "comment": version.comment or None,
        "size": version.size,
        "content_type": version.content_type,
        "created_on": moments.day(version.created),
        "metadata": {name: known[name] for name in _VERSION_METADATA if name in known},
        "id": version.id,
        "updated_on": moments.day(version.updated),
        "version": version.number,
        "user_id": str(version.user_id),
        "filename": version.filename,
    }


def _tag(tag: Tag) -> dict[str, Any]:
    return {
        "tag": tag.name,
        "id": tag.id,
        "documents_count": tag.documents_count,
        "stages_count": tag.stages_count,
    }


def _user(user: User) -> dict[str, Any]:
    return {
        "created_on": moments.full(user.created),
        "id": user.id,
        "last_name": user.last_name,
        "email": user.email,
        "first_name": user.first_name,
        "permissions": list(user.permissions),
        "updated_on": moments.full(user.updated),
    }
