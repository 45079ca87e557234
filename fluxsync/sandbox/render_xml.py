"""XML answers: the elements, their order and their attributes as in the samples [002], the account's as in
[web-api].

What is odd there is kept: `thumb_url` and the users' names have underscores among hyphens, `type="date"`
stands on times, a tag is name-then-id in lists but id-then-name inside an asset, an empty description is
`<description/>` but an empty comment `<comment></comment>`.
"""

import re
from collections.abc import Iterable, Sequence

from fluxsync.sandbox import moments
from fluxsync.sandbox.account import AccountState
from fluxsync.sandbox.model import Asset, Metadata, Tag, TagRef, User, Version
from fluxsync.sandbox.thumbnails import ThumbLinks

_PROLOG = '<?xml version="1.0" encoding="UTF-8"?>\n'

_METADATA = (
    "type",
    "profile_name",
    "resolution_height",
    "pixel_height",
    "bits_per_sample",
    "color_space",
    "resolution_width",
    "orientation",
    "alpha_channel",
    "pixel_width",
)

_ENTITIES = {"&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "\r": "&#13;"}
_SPECIAL = re.compile('[&<>"\\r\\x00-\\x08\\x0b\\x0c\\x0e-\\x1f\\ufffe\\uffff]')


def escaped(text: str) -> str:
    """Return text as XML has it; what XML 1.0 cannot carry becomes the replacement character."""
    return _SPECIAL.sub(lambda found: _ENTITIES.get(found.group(), "\ufffd"), text)


class XmlRenderer:
    """Writes XML."""

    content_type = "application/xml; charset=utf-8"

    def __init__(self, links: ThumbLinks) -> None:
        self._links = links

    def account(self, state: AccountState) -> str:
        """Write the account, with the features of its plan."""
        account = state.account
        created = moments.full(state.created)
        versions = "true" if account.plan.versions else "false"
        return _PROLOG + _element(
            "account",
            _text("subdomain", account.subdomain),
            _text("account_holder_id", str(state.holder_id)),
            _text("billing_address", account.billing_address),
            _text("billing_email", account.billing_email),
            _text("country", account.country),
            f'<plan ssl="true" stages="true" multiple_users="true" versions="{versions}" branding="true"'
            f' full_text_search="true">{escaped(account.plan.name)}</plan>\n',
            _text("branding", "active"),
            _element(
                "branding_info",
                _text("title", account.branding_title),
                _text("font_color", account.font_color),
                _text("top_color", account.top_color),
                _text("bottom_color", account.bottom_color),
                _text("logo", account.branding_logo),
                f'<updated type="datetime">{created}</updated>\n',
            ),
            _text("trial", "false"),
            f'<stats available_space="{state.available_bytes}" used_space="{state.used_bytes}"/>\n',
            f'<created_on type="datetime">{created}</created_on>\n',
            f'<updated_on type="datetime">{created}</updated_on>\n',
        )

    def assets(self, assets: Sequence[Asset]) -> str:
        """Write a list of assets, each in full."""
        return _PROLOG + _array("documents", map(self._asset, assets))

    def asset(self, asset: Asset) -> str:
        """Write one asset."""
        return _PROLOG + self._asset(asset)

    def _asset(self, asset: Asset) -> str:
        tags = _array(
            "tags",
            (
                f'<tag>\n<id type="integer">{tag.id}</id>\n<tag>{escaped(tag.name)}</tag>\n</tag>\n'
                for tag in asset.tags
            ),
        )
        return (
            f'<asset>\n<id type="integer">{asset.id}</id>\n'
            f"{_text('title', asset.title)}"
            f'<version type="integer">{asset.version}</version>\n'
            f"{_text('filename', asset.filename)}"
            f"{_text('description', asset.description)}"
            f"<content-type>{asset.content_type}</content-type>\n"
            f"<thumb_url>{self._links.path(asset)}</thumb_url>\n"
            f'<size type="integer">{asset.size}</size>\n'
            f"<user-id>{asset.user_id}</user-id>\n"
            f'<created-on type="date">{moments.full(asset.created)}</created-on>\n'
            f'<updated-on type="date">{moments.full(asset.updated)}</updated-on>\n'
            f"{tags}"
            f"{_metadata(asset.metadata or {}, 'metadata-', {'1': 'true', '0': 'false'})}"
            "</asset>\n"
        )

    def versions(self, versions: Sequence[Version]) -> str:
        """Write a list of versions."""
        return _PROLOG + _array("document-versions", map(_version, versions))

    def version(self, version: Version) -> str:
        """Write one version."""
        return _PROLOG + _version(version)

    def tags(self, tags: Sequence[Tag]) -> str:
        """Write a list of tags."""
        return _PROLOG + _array("tags", map(_tag, tags))

    def tag(self, tag: Tag) -> str:
        """Write one tag with its counts."""
        return _PROLOG + _tag(tag)

    def new_tag(self, tag: TagRef) -> str:
        """Write a tag that was just created."""
        return _PROLOG + _element("tag", _text("tag", tag.name), _integer("id", tag.id))

    def users(self, users: Sequence[User]) -> str:
        """Write a list of users."""
        return _PROLOG + _array("users", map(_user, users))

    def user(self, user: User) -> str:
        """Write one user."""
        return _PROLOG + _user(user)

    def upload(self, upload_id: int) -> str:
        """Write the answer to an upload."""
        return _PROLOG + _element("upload", _integer("id", upload_id))

    def error(self, message: str) -> str:
        """Write why a request was refused."""
        return _PROLOG + _text("error", message)


def _text(name: str, text: str) -> str:
    return f"<{name}>{escaped(text)}</{name}>\n" if text else f"<{name}/>\n"


def _integer(name: str, number: int) -> str:
    return f'<{name} type="integer">{number}</{name}>\n'


def _element(name: str, *children: str) -> str:
    return f"<{name}>\n{''.join(children)}</{name}>\n"


def _array(name: str, children: Iterable[str]) -> str:
    inside = "".join(children)
    return f'<{name} type="array">\n{inside}</{name}>\n' if inside else f'<{name} type="array"/>\n'


def _metadata(known: Metadata, prefix: str, alpha: dict[str, str]) -> str:
    lines: list[str] = []
    for key in _METADATA:
        if key in known:
            name = prefix + key.replace("_", "-")
            value = alpha[known[key]] if key == "alpha_channel" else known[key]
            lines.append(f"<{name}>{escaped(value)}</{name}>\n")
    return "".join(lines)


def _version(version: Version) -> str:
    return _element(
        "version",
        _integer("id", version.id),
        _integer("version", version.number),
        _text("filename", version.filename),
        _text("content-type", version.content_type),
        _integer("size", version.size),
        f"<comment>{escaped(version.comment)}</comment>\n",
        _text("user-id", str(version.user_id)),
        f'<created-on type="date">{moments.full(version.created)}</created-on>\n',
        f'<updated-on type="date">{moments.full(version.updated)}</updated-on>\n',
        _element("metadata", _metadata(version.metadata or {}, "", {"1": "1", "0": "0"})),
    )


def _tag(tag: Tag) -> str:
    return _element(
        "tag",
        _text("tag", tag.name),
        _integer("id", tag.id),
        _integer("documents-count", tag.documents_count),
        _integer("stages-count", tag.stages_count),
    )


def _user(user: User) -> str:
    return _element(
        "user",
        _integer("id", user.id),
        _text("first_name", user.first_name),
        _text("last_name", user.last_name),
        _text("email", user.email),
        f'<created-on type="date">{moments.full(user.created)}</created-on>\n',
        f'<updated-on type="date">{moments.full(user.updated)}</updated-on>\n',
        _array("permissions", (_text("permission", permission) for permission in user.permissions)),
    )
