"""Every documented answer has the documented form: names, order, nesting, attributes, types, times."""

import json
import re
import xml.etree.ElementTree as ET
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from fluxsync.sandbox.server import Sandbox

from . import samples
from .client import Client

_LOOKS = {
    "day": re.compile(r"\d{4}-\d\d-\d\d"),
    "time with zone": re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d[+-]\d\d:\d\d"),
    "time in UTC": re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ"),
    "number": re.compile(r"\d+"),
    "boolean": re.compile(r"true|false"),
    "thumbnail": re.compile(r"/t/\w+/\d+/\d+/\w+_64\.jpg"),
}


def look(text: str) -> str:
    return next((name for name, pattern in _LOOKS.items() if pattern.fullmatch(text)), "text")


def xml_form(element: ET.Element) -> Any:
    """The element without its values; lists are judged by their first entry."""
    attributes = [
        (name, value if name in ("type", "ssl", "stages") else look(value)) for name, value in element.items()
    ]
    children = [xml_form(child) for child in element]
    if element.get("type") == "array":
        children = children[:1]
    return element.tag, attributes, children or look((element.text or "").strip())


def json_form(value: Any) -> Any:
    if isinstance(value, dict):
        return [(name, json_form(inner)) for name, inner in value.items()]
    if isinstance(value, list):
        return [json_form(inner) for inner in value[:1]]
    return look(value) if isinstance(value, str) else type(value).__name__


@pytest.fixture
def asset_id(sandbox: Sandbox, png: bytes) -> int:
    asset_id = sandbox.store.create_asset(
        "logo.png", png, title="fluxiom logo", description="the fluxiom logo", tags=["fluxiom"]
    )
    sandbox.store.add_version(asset_id, png, comment="new version")
    return asset_id


@pytest.fixture
def ids(sandbox: Sandbox, asset_id: int) -> dict[str, int]:
    version = sandbox.store.versions(asset_id)[0]
    return {"asset": asset_id, "version": version.id, "tag": 101, "user": 35}


GETS = [
    ("account", samples.ACCOUNT_XML, samples.ACCOUNT_JSON),
    ("assets", samples.ASSETS_XML, samples.ASSETS_JSON),
    ("assets/{asset}", samples.PROFILED_ASSET_XML, samples.ASSET_JSON),
    ("assets/{asset}/versions", samples.VERSIONS_XML, samples.VERSIONS_JSON),
    ("assets/{asset}/versions/{version}", samples.VERSION_XML, samples.VERSION_JSON),
    ("tags", samples.TAGS_XML, samples.TAGS_JSON),
    ("tags/{tag}", samples.TAG_XML, samples.TAG_JSON),
    ("users", samples.USERS_XML, samples.USERS_JSON),
    ("users/{user}", samples.USER_XML, samples.USER_JSON),
    ("user", samples.USER_XML, samples.USER_JSON),
]


@pytest.mark.parametrize(("path", "xml", "json_text"), GETS, ids=[path for path, _, _ in GETS])
def test_reading_answers_in_the_documented_form(
    client: Client, ids: dict[str, int], path: str, xml: str, json_text: str
) -> None:
    address = f"/api/{path.format(**ids)}"
    in_xml = xml_form(client.get(f"{address}.xml").xml)
    expected = xml_form(ET.fromstring(xml))
    if path == "assets":  # the sample of the list shows an asset without a colour profile
        expected = xml_form(
            ET.fromstring(f'<documents type="array">{samples.PROFILED_ASSET_XML}</documents>')
        )
    assert in_xml == expected
    assert json_form(client.get(f"{address}.json").json) == json_form(json.loads(json_text))


def test_an_asset_without_colour_profile_has_no_element_for_it(client: Client, gif: bytes) -> None:
    created = client.send("/api/assets.xml", gif, title="a", description="b", tags="fluxiom").xml
    found = client.get(f"/api/assets/{created.findtext('id')}.xml").xml
    assert xml_form(found) == xml_form(ET.fromstring(samples.ASSET_XML))


CHANGES: list[tuple[str, Callable[[Client, bytes, str], Any], str, str]] = [
    (
        "create asset",
        lambda client, png, ext: client.send(
            f"/api/assets.{ext}", png, "logo.png", title="t", description="d", tags="design,print"
        ),
        samples.NEW_ASSET_XML.replace("/t/0dmqei828xe3f4cpg/323569/0/6xour6vq_64.jpg", "/images/x.gif"),
        samples.NEW_ASSET_JSON,
    ),
    (
        "update asset",
        lambda client, png, ext: client.put(f"/api/assets/18547.{ext}", title="fluxiom logo updated"),
        samples.PROFILED_ASSET_XML,
        samples.ASSET_JSON,
    ),
    (
        "create version",
        lambda client, png, ext: client.send(
            f"/api/assets/18547/versions.{ext}", png, "logo.png", comment="new version"
        ),
        samples.VERSION_XML,
        samples.VERSION_JSON,
    ),
    (
        "create tag",
        lambda client, png, ext: client.post(f"/api/tags.{ext}", tag="new tag"),
        samples.NEW_TAG_XML,
        samples.NEW_TAG_JSON,
    ),
    (
        "update tag",
        lambda client, png, ext: client.put(f"/api/tags/101.{ext}", tag="renamed tag"),
        samples.TAG_XML,
        samples.TAG_JSON,
    ),
]


@pytest.mark.parametrize(
    ("change", "xml", "json_text"), [c[1:] for c in CHANGES], ids=[c[0] for c in CHANGES]
)
def test_changing_answers_in_the_documented_form(
    client: Client, png: bytes, asset_id: int, change: Any, xml: str, json_text: str
) -> None:
    assert xml_form(change(client, png, "xml").xml) == xml_form(ET.fromstring(xml))
    assert json_form(change(client, png, "json").json) == json_form(json.loads(json_text))


@pytest.mark.parametrize("path", ["assets/18547", "tags/101"])
@pytest.mark.parametrize("extension", ["", ".xml", ".json"])
def test_deleting_answers_200_without_a_body(
    client: Client, asset_id: int, path: str, extension: str
) -> None:
    answer = client.delete(f"/api/{path}{extension}")
    assert (answer.status, answer.body) == (200, b"")
    assert client.get(f"/api/{path}").status == 404


def test_values_of_a_new_asset_are_those_sent(tmp_path: Path, gif: bytes) -> None:
    moment = 1279703778  # 2010-07-21T11:16:18+02:00
    with Sandbox(tmp_path, clock=lambda: moment) as sandbox, Client(sandbox.port) as client:
        answer = client.send(
            "/api/assets.xml", gif, title="fluxiom logo", description="the <b> & é", tags="logo,fluxiom"
        )
        assert answer.headers["date"] == "Wed, 21 Jul 2010 09:16:18 GMT"
        asset = answer.xml
        values = {child.tag: child.text for child in asset if child.tag != "tags"}
        assert values == {
            "id": "18547",
            "title": "fluxiom logo",
            "version": "0",
            "filename": "logo.gif",
            "description": "the <b> & é",
            "content-type": "image/gif",
            "thumb_url": "/images/assets/thumbs/generating-preview.gif",
            "size": str(len(gif)),
            "user-id": "35",
            "created-on": "2010-07-21T11:16:18+02:00",
            "updated-on": "2010-07-21T11:16:18+02:00",
        }
        assert [tag.findtext("tag") for tag in asset.findall("tags/tag")] == ["fluxiom", "logo"]
        assert client.get("/api/assets/18547.json").json["created_on"] == "2010-07-21"


def test_metadata_tell_the_truth_about_a_picture(client: Client, png: bytes) -> None:
    client.send("/api/assets.json", png, "logo.png")
    found = client.get("/api/assets/18547.json").json
    assert {name: value for name, value in found.items() if name.startswith("metadata_")} == {
        "metadata_alpha_channel": "true",
        "metadata_bits_per_sample": "32",
        "metadata_orientation": "0",
        "metadata_resolution_height": "72",
        "metadata_resolution_width": "72",
        "metadata_pixel_height": "20",
        "metadata_profile_name": "sRGB built-in",
        "metadata_pixel_width": "30",
        "metadata_color_space": "RGB",
        "metadata_type": "Portable Network Graphics (PNG)",
    }
    version = client.get("/api/assets/18547/versions.json").json[0]
    assert version["metadata"]["alpha_channel"] == "1"


def test_an_empty_comment_is_null_in_json_and_an_empty_pair_of_tags_in_xml(
    client: Client, gif: bytes
) -> None:
    client.send("/api/assets.json", gif)
    assert client.get("/api/assets/18547/versions.json").json[0]["comment"] is None
    assert b"<comment></comment>" in client.get("/api/assets/18547/versions.xml").body


def test_an_empty_description_is_a_closed_element_in_xml_and_empty_text_in_json(
    client: Client, gif: bytes
) -> None:
    assert b"<description/>" in client.send("/api/assets.xml", gif).body
    assert client.get("/api/assets.json").json[0]["description"] == ""


def test_a_version_shows_when_its_asset_was_created(tmp_path: Path, gif: bytes) -> None:
    moments = iter(range(1279703778, 1279803778, 100))
    with Sandbox(tmp_path, clock=lambda: next(moments)) as sandbox, Client(sandbox.port) as client:
        created = client.send("/api/assets.xml", gif).xml
        version = client.send("/api/assets/18547/versions.xml", gif).xml
        assert version.findtext("created-on") == created.findtext("created-on")
        assert str(version.findtext("updated-on")) > str(version.findtext("created-on"))
