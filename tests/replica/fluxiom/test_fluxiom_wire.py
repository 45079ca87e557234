"""The wire format: what is read, and what is refused."""

from __future__ import annotations

import pytest
from fluxiom_world import ACCOUNT, TAGS, USER, asset_xml, page_xml
from hypothesis import given
from hypothesis import strategies as st

from fluxsync.errors import FluxsyncError, Unavailable
from fluxsync.replica.fluxiom import comment, wire
from fluxsync.replica.fluxiom.multipart import file_form

PARSERS = [
    wire.parse_account,
    wire.parse_asset,
    wire.parse_assets,
    wire.parse_tag,
    wire.parse_tags,
    wire.parse_user,
    wire.parse_version,
    wire.parse_versions,
]


def test_an_asset_is_read_with_all_that_a_sync_needs() -> None:
    asset = wire.parse_asset(asset_xml(5, version=2, size=9, tags=[(1, "a"), (2, "b/c")]).encode())
    assert asset == wire.Asset(
        id=5,
        title="t5",
        filename="5.gif",
        version=2,
        size=9,
        tags={1: "a", 2: "b/c"},
        user_id=35,
        created_on="2010-07-13T13:13:51+02:00",
        updated_on="2010-07-13T13:13:51+02:00",
        content_type="image/gif",
    )


def test_a_tag_inside_a_tag_is_its_name() -> None:
    assert wire.parse_tags(TAGS) == (wire.Tag(7, "Acme", 1, 2),)


def test_the_account_tells_whether_its_plan_has_versions() -> None:
    account = wire.parse_account(ACCOUNT)
    assert (account.subdomain, account.versions, account.used_space, account.available_space) == (
        "acme",
        True,
        10,
        1000,
    )
    assert wire.parse_account(b"<account><subdomain>a</subdomain></account>").versions is None


def test_a_user_has_permissions() -> None:
    assert wire.parse_user(USER).permissions == {"login", "manage_assets"}


def test_a_version_inside_a_version_is_its_number() -> None:
    one = b"<version><id>18630</id><version>4</version><size>9</size></version>"
    xml = b"<document-versions>" + one + b"</document-versions>"
    (version,) = wire.parse_versions(xml)
    assert (version.id, version.number, version.size) == (18630, 4, 9)


def test_hyphens_and_underscores_mean_the_same() -> None:
    xml = asset_xml(1).replace("user-id", "user_id").replace("created-on", "created_on").encode()
    assert wire.parse_asset(xml) == wire.parse_asset(asset_xml(1).encode())


def test_unknown_elements_are_ignored() -> None:
    xml = asset_xml(1).replace("<asset>", "<asset><new><id>9</id></new>").encode()
    assert wire.parse_asset(xml).id == 1


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(b"", id="nothing"),
        pytest.param(b"<html><body>Please log in</body></html>", id="a login page"),
        pytest.param(page_xml([1, 2])[:-20], id="truncated"),
        pytest.param(b"[]", id="JSON"),
        pytest.param(b"<tags/>", id="another list"),
        pytest.param(page_xml([1]).replace(b'<id type="integer">1</id>', b""), id="a record without an id"),
        pytest.param(page_xml([1], size=-5), id="a negative size"),
        pytest.param(page_xml([1], version="1_0"), id="a number that only Python reads"),
        pytest.param(page_xml([1], version="٣"), id="digits of another script"),
        pytest.param(page_xml([1], version=""), id="no version"),
        pytest.param(
            b'<!DOCTYPE d [<!ENTITY a "1">]><documents><asset><id>&a;</id></asset></documents>', id="a DTD"
        ),
    ],
)
def test_what_is_no_list_of_assets_is_unavailable(data: bytes) -> None:
    with pytest.raises(Unavailable):
        wire.parse_assets(data)


def test_the_words_of_a_dtd_inside_a_text_are_text() -> None:
    xml = asset_xml(1).replace("<title>t1", "<title><![CDATA[<!DOCTYPE x>]]>").encode()
    assert wire.parse_asset(xml).title == "<!DOCTYPE x>"


def test_a_dtd_cannot_hide_behind_another_encoding() -> None:
    text = '<?xml version="1.0" encoding="utf-16"?><!DOCTYPE d [<!ENTITY a "1">]><documents>&a;</documents>'
    with pytest.raises(Unavailable):
        wire.parse_assets(text.encode("utf-16"))


@pytest.mark.parametrize("parse", PARSERS)
@given(data=st.one_of(st.binary(), st.text().map(str.encode), st.sampled_from([USER, TAGS, ACCOUNT])))
def test_arbitrary_bytes_raise_nothing_else(parse, data: bytes) -> None:  # type: ignore[no-untyped-def]
    try:
        parse(data)
    except FluxsyncError:
        pass


@given(data=st.data())
def test_a_damaged_page_is_a_page_or_unavailable(data: st.DataObject) -> None:
    page = bytearray(page_xml([1, 2], tags=[(3, "x")]))
    for _ in range(data.draw(st.integers(1, 4))):
        page[data.draw(st.integers(0, len(page) - 1))] = data.draw(st.integers(0, 255))
    try:
        assert all(asset.id >= 0 and asset.size >= 0 for asset in wire.parse_assets(bytes(page)))
    except FluxsyncError:
        pass


def test_a_file_name_is_quoted_as_browsers_do() -> None:
    form = file_form([("title", "a")], 'a"b\r\nX: ä.gif', boundary="B")
    assert (
        form.head
        == (
            '--B\r\nContent-Disposition: form-data; name="title"\r\n\r\na\r\n'
            '--B\r\nContent-Disposition: form-data; name="file"; filename="a%22b%0D%0AX: ä.gif"\r\n'
            "Content-Type: image/gif\r\n\r\n"
        ).encode()
    )
    assert form.tail([("comment", "c")]) == (
        b'\r\n--B\r\nContent-Disposition: form-data; name="comment"\r\n\r\nc\r\n--B--\r\n'
    )


def test_a_comment_is_read_back() -> None:
    text = comment.build("HOST-ab12", "0" * 64, 7)
    assert text == f"fluxsync HOST-ab12 sha256:{'0' * 64} over:7"
    assert comment.parse(text) == comment.Note("HOST-ab12", "0" * 64, 7)


@pytest.mark.parametrize(
    "text",
    ["", "new version", "fluxsync H sha256:00 over:1", f"x fluxsync H sha256:{'0' * 64} over:1", "fluxsync"],
)
def test_any_other_comment_says_nothing(text: str) -> None:
    assert comment.parse(text) is None


@given(st.text())
def test_no_comment_breaks_the_reader(text: str) -> None:
    comment.parse(text)
