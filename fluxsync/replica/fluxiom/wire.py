"""The service's XML as values, without any input or output.

Names are matched by depth, with "-" or "_" between words; unknown elements and `type` attributes are ignored
(the service calls a date-time a "date"). Metadata of images is not read: nothing here needs it.
Every function raises `Unavailable` when the bytes are not what they should be.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from xml.etree.ElementTree import Element, ParseError, XMLParser

from defusedxml.ElementTree import fromstring as guarded_fromstring  # type: ignore[import-untyped]

from fluxsync.errors import Unavailable

__all__ = [
    "Account",
    "Asset",
    "Tag",
    "User",
    "Version",
    "parse_account",
    "parse_asset",
    "parse_assets",
    "parse_tag",
    "parse_tags",
    "parse_user",
    "parse_version",
    "parse_versions",
]


#: Elements, end tags and attributes that one answer may have: they take many times their length in memory.
MOST_MARKS = 2_000_000


@dataclass(frozen=True, slots=True)
class Asset:
    id: int
    filename: str
    version: int
    size: int
    tags: Mapping[int, str]  # id -> name
    title: str = ""
    user_id: int = 0
    created_on: str = ""
    updated_on: str = ""
    content_type: str = ""
    description: str = ""  # not read from lists, nor is the thumbnail
    thumb_url: str = ""


@dataclass(frozen=True, slots=True)
class Version:
    id: int
    number: int
    filename: str
    size: int
    comment: str = ""
    user_id: int = 0
    created_on: str = ""
    updated_on: str = ""
    content_type: str = ""


@dataclass(frozen=True, slots=True)
class Tag:
    """A tag; the answer to its creation and the tags of an asset carry no counts."""

    id: int
    name: str
    documents: int = 0
    stages: int = 0


@dataclass(frozen=True, slots=True)
class User:
    id: int
    email: str = ""
    first_name: str = ""
    last_name: str = ""
    permissions: frozenset[str] = frozenset()
    created_on: str = ""
    updated_on: str = ""


@dataclass(frozen=True, slots=True)
class Account:
    subdomain: str
    plan: str = ""
    versions: bool | None = None  # can this plan take new versions? None: not said
    trial: bool = False
    used_space: int | None = None
    available_space: int | None = None


class _Refused(ValueError):
    """One record cannot be what the service documents."""


def _number(text: str | None, what: str) -> int:
    # `int` alone takes signs, underscores and the digits of other scripts.
    if text and len(text) < 19 and text.isascii() and text.isdigit():
        return int(text)
    stripped = (text or "").strip()
    if stripped != text and stripped:
        return _number(stripped, what)
    raise _Refused(f"{what} is {text!r:.30}, not a number")


def _id(text: str | None, what: str) -> int:
    # Zero stands for no tag and no asset, here as on the account.
    number = _number(text, what)
    if not number:
        raise _Refused(f"{what} is 0")
    return number


def _number_or(text: str | None, default: int) -> int:
    return _number(text, "a number") if text and text.strip() else default


def _root(data: bytes, names: tuple[str, ...], what: str) -> Element:
    if data.count(b"<") + data.count(b"=") > MOST_MARKS:
        raise Unavailable(f"the service did not answer with {what}, but with far more than one holds")
    try:
        # In well-formed XML these words stand only in a real DTD or in CDATA; the guarded parser, which has
        # no C part and is five times slower, tells the two apart. The encoding is fixed, so that a declared
        # one cannot hide the words from this look; a mark of UTF-16 can, but not without zero bytes.
        if b"<!DOCTYPE" in data or b"<!ENTITY" in data or b"\x00" in data:
            root: Element = guarded_fromstring(data, forbid_dtd=True)
        else:
            parser = XMLParser(encoding="utf-8")
            parser.feed(data)
            root = parser.close()
    except (ParseError, ValueError, LookupError) as error:
        raise Unavailable(f"the service did not answer with {what}: a login page? ({error})") from None
    if root.tag.replace("_", "-") not in names:
        raise Unavailable(f"the service did not answer with {what}: a login page? (<{root.tag:.40}>)")
    return root


def _fields(element: Element) -> dict[str, str]:
    return {child.tag: child.text or "" for child in element}


def _get(fields: Mapping[str, str], hyphens: str, underscores: str) -> str:
    return fields.get(hyphens) or fields.get(underscores) or ""


def _tag(element: Element) -> Tag:
    fields = _fields(element)
    return Tag(
        id=_id(fields.get("id"), "a tag's id"),
        name=fields.get("tag", ""),
        documents=_number_or(_get(fields, "documents-count", "documents_count"), 0),
        stages=_number_or(_get(fields, "stages-count", "stages_count"), 0),
    )


def _asset(
    element: Element, shared: dict[tuple[tuple[str, str], ...], dict[int, str]], *, full: bool
) -> Asset:
    fields: dict[str, str] = {}
    tags: list[tuple[str, str]] = []
    for child in element:
        if child.tag == "tags":
            tags = [
                (tag.findtext("id") or "", tag.findtext("tag") or "") for tag in child if tag.tag == "tag"
            ]
        else:
            fields[child.tag] = child.text or ""
    if "filename" not in fields:
        raise _Refused("an asset has no file name")
    key = tuple(tags)
    by_id = shared.get(key)
    if by_id is None:
        by_id = shared[key] = {_id(number, "a tag's id"): name for number, name in tags}
    return Asset(
        id=_id(fields.get("id"), "an asset's id"),
        filename=fields.get("filename", ""),
        version=_number(fields.get("version"), "an asset's version"),
        size=_number(fields.get("size"), "an asset's size"),
        tags=by_id,
        title=fields.get("title", ""),
        user_id=_number_or(_get(fields, "user-id", "user_id"), 0),
        created_on=_get(fields, "created-on", "created_on"),
        updated_on=_get(fields, "updated-on", "updated_on"),
        content_type=_get(fields, "content-type", "content_type") if full else "",
        description=fields.get("description", "") if full else "",
        thumb_url=_get(fields, "thumb_url", "thumb-url") if full else "",
    )


def _version(element: Element) -> Version:
    fields = _fields(element)
    return Version(
        id=_number(fields.get("id"), "a version's id"),
        number=_number(fields.get("version"), "a version's number"),
        filename=fields.get("filename", ""),
        size=_number(fields.get("size"), "a version's size"),
        comment=fields.get("comment", ""),
        user_id=_number_or(_get(fields, "user-id", "user_id"), 0),
        created_on=_get(fields, "created-on", "created_on"),
        updated_on=_get(fields, "updated-on", "updated_on"),
        content_type=_get(fields, "content-type", "content_type"),
    )


def parse_assets(data: bytes) -> tuple[Asset, ...]:
    """Read one page of the list. One record that cannot be read makes the page no list at all."""
    shared: dict[tuple[tuple[str, str], ...], dict[int, str]] = {}
    try:
        return tuple(
            _asset(element, shared, full=False)
            for element in _root(data, ("documents", "assets"), "a list of assets")
            if element.tag == "asset"
        )
    except _Refused as error:
        raise Unavailable(f"the service answered with a damaged list of assets: {error}") from None


def parse_asset(data: bytes) -> Asset:
    root = _root(data, ("asset",), "an asset")
    try:
        return _asset(root, {}, full=True)
    except _Refused as error:
        raise Unavailable(f"the service answered with a damaged asset: {error}") from None


def parse_versions(data: bytes) -> tuple[Version, ...]:
    root = _root(data, ("document-versions", "versions"), "a list of versions")
    try:
        return tuple(_version(element) for element in root if element.tag == "version")
    except _Refused as error:
        raise Unavailable(f"the service answered with a damaged list of versions: {error}") from None


def parse_version(data: bytes) -> Version:
    root = _root(data, ("version",), "a version")
    try:
        return _version(root)
    except _Refused as error:
        raise Unavailable(f"the service answered with a damaged version: {error}") from None


def parse_tags(data: bytes) -> tuple[Tag, ...]:
    root = _root(data, ("tags",), "a list of tags")
    try:
        return tuple(_tag(element) for element in root if element.tag == "tag")
    except _Refused as error:
        raise Unavailable(f"the service answered with a damaged list of tags: {error}") from None


def parse_tag(data: bytes) -> Tag:
    root = _root(data, ("tag",), "a tag")
    try:
        return _tag(root)
    except _Refused as error:
        raise Unavailable(f"the service answered with a damaged tag: {error}") from None


def parse_user(data: bytes) -> User:
    root = _root(data, ("user",), "a user")
    fields = _fields(root)
    permissions = frozenset(
        (right.text or "").strip() for child in root if child.tag == "permissions" for right in child
    )
    try:
        return User(
            id=_number(fields.get("id"), "a user's id"),
            email=fields.get("email", ""),
            first_name=_get(fields, "first-name", "first_name"),
            last_name=_get(fields, "last-name", "last_name"),
            permissions=permissions - {""},
            created_on=_get(fields, "created-on", "created_on"),
            updated_on=_get(fields, "updated-on", "updated_on"),
        )
    except _Refused as error:
        raise Unavailable(f"the service answered with a damaged user: {error}") from None


def parse_account(data: bytes) -> Account:
    """Read the account; its statistics are attributes, its plan's features too."""
    root = _root(data, ("account",), "an account")
    fields = _fields(root)
    plan, stats = root.find("plan"), root.find("stats")
    features = plan.attrib if plan is not None else {}
    figures = {**_fields(stats), **stats.attrib} if stats is not None else {}
    try:
        used, available = (
            _number_or(_get(figures, f"{name}-space", f"{name}_space"), -1) for name in ("used", "available")
        )
    except _Refused as error:
        raise Unavailable(f"the service answered with a damaged account: {error}") from None
    return Account(
        subdomain=fields.get("subdomain", ""),
        plan=fields.get("plan", ""),
        versions={"true": True, "false": False}.get(features.get("versions", "")),
        trial=fields.get("trial", "") == "true",
        used_space=used if used >= 0 else None,
        available_space=available if available >= 0 else None,
    )
