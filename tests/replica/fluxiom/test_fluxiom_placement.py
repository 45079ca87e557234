"""Folders are tags: section 4 of the contract, sentence by sentence."""

from __future__ import annotations

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from fluxsync.core.paths import nfc
from fluxsync.replica.fluxiom.placement import Placement, home, part_names, tags_for_move
from fluxsync.replica.fluxiom.tagnames import decode_tag, encode_folder, is_hostile

ESCAPES = "% 25 2C 20 %2C %25 %20 , a é %0A C2%85 %E3%80%80 %E2 %80 %A8 . 2F %2F"
PIECES = st.sampled_from((*ESCAPES.split(" "), *" \n\x85\u3000\u2028"))
PART = (
    st.one_of(st.lists(PIECES, max_size=8).map("".join), st.text(max_size=8))
    .map(lambda part: nfc(part).replace("/", "").replace("\x00", ""))
    .filter(lambda part: part not in ("", ".", ".."))
)
PATH = st.lists(PART, min_size=1, max_size=3).map("/".join).filter(lambda path: path == nfc(path))


@given(PATH)
@example("%2C").via("an escape in a name")
@example("%252C").via("an escape of an escape")
@example(" ").via("nothing but a blank")
def test_every_folder_comes_back_from_its_tag(path: str) -> None:
    assert decode_tag(encode_folder(path)) == path


@given(PATH)
def test_a_tag_never_holds_what_a_tag_list_cannot_carry(path: str) -> None:
    name = encode_folder(path)
    assert "," not in name
    assert name == name.strip()
    assert not any(ord(c) < 32 or 127 <= ord(c) < 160 for c in name)


@given(PATH, PATH)
def test_two_folders_never_share_a_tag(one: str, other: str) -> None:
    assert (encode_folder(one) == encode_folder(other)) == (one == other)


@given(st.one_of(PATH.map(encode_folder), PATH, st.text()))
def test_every_tag_that_a_list_can_carry_comes_back_from_its_folder(name: str) -> None:
    carried = name == name.strip() and name.isprintable() and "," not in name and name == nfc(name)
    assume(carried and not is_hostile(name))
    assert encode_folder(decode_tag(name)) == name


@given(st.text())
def test_no_tag_leads_out_of_the_root(name: str) -> None:
    parts = decode_tag(name).split("/")
    assert name == "" or not {"", ".", ".."} & set(parts)


@pytest.mark.parametrize(
    ("path", "name"),
    [
        pytest.param("Clients/Acme/Logos", "Clients/Acme/Logos", id="a tag is named by the path"),
        pytest.param("Smith, Jane", "Smith%2C Jane", id="a comma is encoded"),
        pytest.param(" a/b ", "%20a/b%20", id="blanks at either end are encoded"),
        pytest.param("a / b", "a / b", id="blanks at the end of a part are carried"),
        pytest.param("a\tb", "a%09b", id="control characters are encoded"),
        pytest.param("100%", "100%", id="a percent sign is a percent sign"),
        pytest.param("50%2C", "50%252C", id="a percent sign that would decode is encoded"),
        pytest.param("50%2c", "50%2c", id="lower-case digits never decode"),
        pytest.param("a%20b", "a%20b", id="an encoded blank in the middle never decodes"),
        pytest.param("Gro\u0308ße", "Größe", id="names on the account are composed"),
        pytest.param("2024", "2024", id="digits stay digits"),
    ],
)
def test_folder_to_tag(path: str, name: str) -> None:
    assert encode_folder(path) == name


@pytest.mark.parametrize(
    ("name", "path"),
    [
        ("a//b", "a%2F%2Fb"),
        ("/a", "%2Fa"),
        ("a/../b", "a%2F..%2Fb"),
        ("..", "%2E%2E"),
        (".", "%2E"),
        ("../../etc", "..%2F..%2Fetc"),
        ("x/.", "x%2F."),
        ("a%2F%2Fb", "a%2F%2Fb"),
    ],
)
def test_hostile_parts_make_one_folder_name(name: str, path: str) -> None:
    assert decode_tag(name) == path
    assert "/" not in path


FOLDERS = {1: "Clients", 2: "Clients/Acme", 3: "Web", 4: "Clients/Zoo", 9: "Top"}


@pytest.mark.parametrize(
    ("now", "seen", "recorded", "expected"),
    [
        pytest.param([1, 2], [1, 2], 1, 1, id="the recorded home stays while its tag is on the asset"),
        pytest.param([2, 3], [1], 1, 2, id="home taken off: the next candidate"),
        pytest.param([], [1], 1, 0, id="home taken off, no candidate: the root"),
        pytest.param([77], [1], 1, 0, id="labels are no candidates"),
        pytest.param([3], [3], 0, 0, id="the root is recorded like any other"),
        pytest.param([3, 9], [3], 0, 9, id="the root stays until a folder tag is added"),
        pytest.param([3, 4, 2, 9], [3], 0, 2, id="of those added: the deepest, then the lowest id"),
        pytest.param([1, 4, 2], [], None, 2, id="a new asset: the deepest path, among equals the lowest id"),
        pytest.param([], [], None, 0, id="a new asset without folder tags lies in the root"),
    ],
)
def test_home(now: list[int], seen: list[int], recorded: int | None, expected: int) -> None:
    assert home(now, seen, recorded, FOLDERS) == expected


@pytest.mark.parametrize(
    ("rules", "name", "folder"),
    [
        (Placement(), "Clients/Acme", "Clients/Acme"),
        (Placement(), "fluxsync-trash", None),
        (Placement(), "Fluxsync-Trash", None),
        (Placement(), "", None),
        (Placement(extra_tags=("from-desk",)), "From-Desk", None),
        (Placement(labels=("approved",)), "approved", None),
        (Placement(labels=("approved",)), "approved/2024", "approved/2024"),
        (Placement(labels=("status-*",)), "status-open", None),
        (Placement(folders=("/Clients/**",)), "Clients/Acme", "Clients/Acme"),
        (Placement(folders=("/Clients/**",)), "Web", None),
        (Placement(folders=("**", "!/Web")), "Web", None),
    ],
)
def test_which_tags_are_folders(rules: Placement, name: str, folder: str | None) -> None:
    assert rules.folder_of(name) == folder
    assert bool(rules.why_not(name)) == (folder is None)


def test_part_labels_are_one_for_each_folder_on_the_way() -> None:
    assert part_names("Clients/Smith, Jane/Logos") == {"Clients", "Smith%2C Jane", "Logos"}
    assert part_names("") == frozenset()


@pytest.mark.parametrize(
    ("current", "old", "new", "old_labels", "new_labels", "expected"),
    [
        pytest.param([1, 50], 1, 2, [], [], {2, 50}, id="labels survive a move"),
        pytest.param([1, 50], 1, 0, [], [], {50}, id="the root has no tag"),
        pytest.param([50], 0, 2, [], [], {2, 50}, id="out of the root"),
        pytest.param([2, 1, 60], 2, 4, [1, 60], [1, 70], {4, 1, 70}, id="minus parts(old) plus parts(new)"),
        pytest.param([1, 2, 60], 2, 1, [1, 60], [1], {1}, id="a folder's tag may be the label of its part"),
    ],
)
def test_a_move_is_a_delta(  # type: ignore[no-untyped-def]
    current, old, new, old_labels, new_labels, expected
) -> None:
    assert tags_for_move(current, old, new, old_labels, new_labels) == expected
