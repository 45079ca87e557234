"""Whatever comes over the wire is a value of its kind or a documented error; nothing is half taken."""

from __future__ import annotations

import gzip
import re
from collections.abc import Callable
from xml.etree import ElementTree

import pytest
from fluxiom_world import ACCOUNT, TAGS, USER, asset_xml, page_xml
from hypothesis import given, settings
from hypothesis import strategies as st

from fluxsync.errors import Unavailable
from fluxsync.replica.fluxiom import comment, entries, gate, wire
from fluxsync.replica.fluxiom.addresses import follow, origin_of
from fluxsync.replica.fluxiom.answers import reason_of
from fluxsync.replica.fluxiom.bodies import contained
from fluxsync.replica.fluxiom.multipart import file_form
from fluxsync.replica.fluxiom.tagnames import decode_tag, encode_folder, is_hostile

_ONE = b"<version><id>8</id><version>4</version><size>9</size><filename>a</filename><comment/></version>"
DOCUMENTS: list[tuple[Callable[[bytes], object], bytes]] = [
    (wire.parse_assets, page_xml([1, 2], tags=[(7, "A"), (8, "B")])),
    (wire.parse_asset, asset_xml(1, tags=[(7, "A")]).encode()),
    (wire.parse_versions, b"<document-versions>" + _ONE + _ONE + b"</document-versions>"),
    (wire.parse_version, _ONE),
    (wire.parse_tags, TAGS),
    (wire.parse_tag, b"<tag><tag>A</tag><id>7</id></tag>"),
    (wire.parse_user, USER),
    (wire.parse_account, ACCOUNT),
]
LISTS = [DOCUMENTS[0], DOCUMENTS[2], DOCUMENTS[4]]
_TEXT = st.sampled_from(
    ["", "-1", "0", "1e9", "9" * 400, "\u0663", " 7 ", "x", "\u202e", "<", "true", "../x"]
)


@settings(max_examples=300, deadline=None)
@given(st.sampled_from(DOCUMENTS), st.binary(max_size=200))
def test_any_bytes_are_a_value_or_unavailable(
    document: tuple[Callable[[bytes], object], bytes], data: bytes
) -> None:
    try:
        document[0](data)
    except Unavailable:
        pass


@settings(max_examples=400, deadline=None)
@given(st.sampled_from(DOCUMENTS), st.data())
def test_a_document_with_anything_changed_is_a_value_or_unavailable(
    document: tuple[Callable[[bytes], object], bytes], data: st.DataObject
) -> None:
    """Elements are dropped, doubled, renamed, moved into each other, and given other texts."""
    parse, whole = document
    root = ElementTree.fromstring(whole)
    for _ in range(data.draw(st.integers(1, 4))):
        places = [(parent, child) for parent in root.iter() for child in parent]
        if not places:
            break
        parent, child = data.draw(st.sampled_from(places))
        match data.draw(st.sampled_from(["drop", "double", "rename", "text", "nest", "attribute"])):
            case "drop":
                parent.remove(child)
            case "double":
                parent.append(child)
            case "rename":
                child.tag = data.draw(
                    st.sampled_from(["id", "tag", "tags", "version", "size", "x-y", "asset"])
                )
            case "text":
                child.text = data.draw(_TEXT)
            case "nest":
                child.append(ElementTree.fromstring(data.draw(st.sampled_from(DOCUMENTS))[1]))
            case _:
                child.set(data.draw(st.sampled_from(["type", "used_space", "versions"])), data.draw(_TEXT))
    try:
        parse(ElementTree.tostring(root))
    except Unavailable:
        pass


@pytest.mark.parametrize(("parse", "whole"), LISTS, ids=["assets", "versions", "tags"])
def test_no_part_of_a_list_is_a_shorter_list(parse: Callable[[bytes], object], whole: bytes) -> None:
    for end in range(len(whole) - 1):
        with pytest.raises(Unavailable):
            parse(whole[:end])


@pytest.mark.parametrize("missing", ["id", "version", "size", "filename"])
def test_a_record_without_what_every_record_has_is_no_record(missing: str) -> None:
    whole = page_xml([1, 2]).decode()
    with pytest.raises(Unavailable, match="damaged"):
        wire.parse_assets(re.sub(rf"<{missing}[^>]*>[^<]*</{missing}>", "", whole, count=1).encode())


@pytest.mark.parametrize("text", ["0", "-1", "00", "", "1.0", "\u0661", "0x1", "1_0", "9" * 19])
def test_only_positive_numbers_are_ids(text: str) -> None:
    with pytest.raises(Unavailable):
        wire.parse_assets(page_xml([1]).replace(b">1</id>", f">{text}</id>".encode()))
    with pytest.raises(Unavailable):
        wire.parse_tags(TAGS.replace(b"<id>7</id>", f"<id>{text}</id>".encode()))


@pytest.mark.parametrize("body", [b"<a/>" * 1_500_000, b"<a " + b'x="" ' * 2_100_000 + b"/>"])
def test_what_would_fill_the_memory_is_not_parsed(body: bytes) -> None:
    with pytest.raises(Unavailable, match="far more"):
        wire.parse_tags(b"<tags>" + body * 2 + b"</tags>")


@settings(max_examples=300, deadline=None)
@given(
    st.lists(st.binary(max_size=50)),
    st.sampled_from(["", "gzip", "x-gzip", "identity", "br", "gzip, gzip", "\xff"]),
)
def test_any_packed_body_is_unpacked_or_unavailable(blocks: list[bytes], encoding: str) -> None:
    try:
        unpacked = b"".join(contained(blocks, encoding, "x"))
    except Unavailable:
        return
    assert unpacked == b"".join(blocks) or "gzip" in encoding


@given(st.binary(max_size=5000), st.integers(1, 64))
def test_a_packed_body_is_the_same_in_whatever_pieces_it_comes(body: bytes, size: int) -> None:
    packed = gzip.compress(body)
    pieces = [packed[start : start + size] for start in range(0, len(packed), size)]
    assert b"".join(contained(pieces, "gzip", "x")) == body
    for end in range(0, len(packed), max(1, len(packed) // 5)):
        with pytest.raises(Unavailable):
            b"".join(contained([packed[:end]], "gzip", "x"))


@settings(max_examples=300)
@given(st.text(max_size=80))
def test_any_text_where_a_date_a_comment_or_an_address_is_expected(text: str) -> None:
    pause_s = gate.parse_retry_after(text, text)
    assert pause_s is None or 0 <= pause_s <= gate.LONGEST_ASKED_S
    assert 0 <= entries.instant_ns(text) < 1 << 63
    assert not {"|", "@"} & set(entries.created_of(text))
    entries.read_memo(text)
    note = comment.parse(text)
    assert note is None or comment.build(note.sender, note.digest, note.over) == text.strip()
    origin_of(text)
    try:
        target = follow("https://acme.example/a", text, "download")
    except Unavailable:
        return
    assert target.startswith("https://")
    assert "@" not in target.split("/")[2]


@settings(max_examples=300)
@given(st.text(st.sampled_from("/.%2FE05, \x07\u202ea"), max_size=30))
def test_every_tag_name_means_a_folder_below_the_root(name: str) -> None:
    path = decode_tag(name)
    assert not name or not is_hostile(path)
    if name and not is_hostile(name):
        assert decode_tag(encode_folder(path)) == path


@given(st.binary(max_size=300))
def test_the_reason_of_a_refusal_is_one_printable_line_without_what_is_hidden(body: bytes) -> None:
    reason = reason_of(body + b" c4nary " + body, lambda text: text.replace("c4nary", "***"))
    assert reason.isprintable()
    assert len(reason) <= 200
    assert "c4nary" not in reason


@pytest.mark.parametrize("body", [b"<" * 20_000, b"<script" * 3000, b"</script " * 2000, b"&" * 20_000])
def test_a_reason_made_to_be_slow_is_not(body: bytes) -> None:
    assert len(reason_of(body)) <= 200


@given(st.text(st.characters(exclude_categories=["Cs"]), max_size=60))
def test_no_file_name_writes_a_header_of_its_own(name: str) -> None:
    for tried in (name, f"data:{name}", f"data:text/x\r\nEvil: {name},"):
        head = file_form([], tried, boundary="b").head.decode()
        assert [line.partition(":")[0] for line in head.split("\r\n")] == [
            "--b", "Content-Disposition", "Content-Type", "", "",
        ]  # fmt: skip


def test_a_body_without_an_end_is_given_up() -> None:
    plain = [b"x" * 65536] * 600
    packed = [gzip.compress(b"".join(plain))]
    for blocks, encoding in ((plain, ""), (packed, "gzip")):
        with pytest.raises(Unavailable, match="no end"):
            for _ in contained(blocks, encoding, "x"):
                pass
