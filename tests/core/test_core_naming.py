"""Names on this disk: safe, short enough, stable, apart from each other."""

from __future__ import annotations

import pytest
from core_world import Account, Machine
from hypothesis import given
from hypothesis import strategies as st

from fluxsync.core.model import NameRules
from fluxsync.core.naming import (
    Names,
    disk_name,
    fold,
    hop_name,
    is_name_of,
    key_order,
    newer,
    plain_id,
    without_hop,
)

STRICT = NameRules(
    case_sensitive=False,
    form_sensitive=False,
    max_name_bytes=64,
    forbidden=frozenset('<>:"\\|?*'),
    trims_end=True,
    reserved=frozenset({"con", "nul"}),
)
RULES = [NameRules(), NameRules(max_name_bytes=64), STRICT]

hostile = st.text(min_size=0, max_size=300) | st.sampled_from(
    [".", "..", "/", "//", "a/../b", ".fluxsync", ".FLUXSYNC", "CON", "nul.txt", "x.", "x ", "\0", "a\nb", ""]
)


@pytest.mark.parametrize("rules", RULES)
@given(name=hostile)
def test_a_hostile_name_never_leads_elsewhere(rules: NameRules, name: str) -> None:
    safe = disk_name(name, rules)
    assert safe
    assert "/" not in safe
    assert "\0" not in safe
    assert safe not in (".", "..")
    assert safe.casefold() != ".fluxsync"
    assert len(safe.encode("utf-8", "surrogatepass")) <= rules.max_name_bytes
    assert not rules.forbidden & set(safe)
    assert not rules.trims_end or not safe.endswith((".", " "))
    assert disk_name(name, rules) == safe, "stable"
    assert is_name_of(safe, name, "1@x", rules)


@given(st.lists(st.text(st.characters(exclude_characters="/%"), min_size=1, max_size=120), unique=True))
def test_names_without_a_percent_sign_stay_apart(names: list[str]) -> None:
    rules = NameRules(max_name_bytes=64)
    assert len({disk_name(name, rules) for name in names}) == len(names)


@pytest.mark.parametrize(
    ("name", "safe"),
    [
        ("logo.gif", "logo.gif"),
        ("50%.gif", "50%.gif"),
        ("a/b.gif", "a%2Fb.gif"),
        (".", "%2E"),
        ("..", "%2E%2E"),
        (".fluxsync", "%2Efluxsync"),
        ("CON.txt", "%43ON.txt"),
        ("end.", "end%2E"),
        ("a:b", "a%3Ab"),
        ("a\tb", "a%09b"),
    ],
)
def test_what_this_disk_cannot_hold_is_percent_encoded(name: str, safe: str) -> None:
    assert disk_name(name, STRICT) == safe


def test_an_insensitive_disk_folds_case_and_form() -> None:
    assert fold("Ä/X", STRICT) == fold("a\u0308/x", STRICT)
    assert fold("A", NameRules()) != fold("a", NameRules())


def test_a_taken_name_gets_the_label_then_a_number() -> None:
    names = Names(NameRules())
    paths = [names.take_free("D", "logo.gif", owner, "7") for owner in ("1", "2", "3")]
    assert paths == ["D/logo.gif", "D/logo (7).gif", "D/logo (7-2).gif"]


def test_a_suffixed_name_is_never_too_long() -> None:
    names = Names(NameRules(max_name_bytes=20))
    for owner in ("1", "2"):
        path = names.take_free("", "ä" * 8 + ".gif", owner, "18555")
        assert len(path.encode()) <= 20


def test_keys_are_in_the_order_in_which_they_were_given_out() -> None:
    assert sorted(["10@b", "9@a"], key=key_order) == ["9@a", "10@b"]
    assert newer("10", "9")
    assert plain_id("18555@2026") == "18555"


@pytest.mark.parametrize("name", ["logo.gif", "noextension", ".hidden"])
def test_a_name_that_made_room_is_found_again(name: str) -> None:
    assert without_hop(hop_name(name, 3)) == name
    assert without_hop(name) == name


def test_the_lower_id_has_the_plain_name_and_the_choice_is_sticky() -> None:
    machine = Machine(Account())
    machine.account.upload("", "logo.gif", "one")
    second = machine.account.upload("", "logo.gif", "two")
    machine.sync()
    assert machine.tree() == {"logo.gif": "one", f"logo ({second.key}).gif": "two"}
    machine.account.assets.pop("101")
    machine.sync()
    assert machine.tree() == {f"logo ({second.key}).gif": "two"}
    assert second.name == "logo.gif", "the suffix is never uploaded"


def test_a_disk_that_tells_no_case_apart_gives_the_second_its_id() -> None:
    machine = Machine(Account(), rules=STRICT)
    machine.account.upload("", "Logo.gif", "one")
    machine.account.upload("", "logo.gif", "two")
    machine.sync()
    assert machine.tree() == {"Logo.gif": "one", "logo (102).gif": "two"}
