"""Folders are tags: section 4 of the contract, one test for each of its sentences."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable
from pathlib import Path

import pytest
from e2e_world import (
    Machine,
    asked,
    asset_id,
    counted,
    differences,
    live,
    put_tags,
    settle,
    tag_id,
    tag_names,
    tags_of,
    trashed,
)

from fluxsync.engine.report import Result
from fluxsync.engine.watcher import Watcher
from fluxsync.sandbox.server import Sandbox

MachineFactory = Callable[..., Machine]


@pytest.fixture
def a(machine: MachineFactory) -> Machine:
    return machine("a")


@pytest.fixture
def b(machine: MachineFactory) -> Machine:
    return machine("b")


# -- a folder is one tag -----------------------------------------------------------------------------------


def test_a_folder_is_one_tag_named_by_its_path_and_folders_on_the_way_need_none(
    a: Machine, account: Sandbox
) -> None:
    a.write("Clients/Acme/Logos/logo.ai")
    a.in_step()
    assert tags_of(live(account)["logo.ai"]) == {"Clients/Acme/Logos"}
    assert tag_names(account) == {"Clients/Acme/Logos"}


def test_a_file_directly_in_the_root_carries_no_folder_tag(a: Machine, account: Sandbox) -> None:
    a.write("logo.ai")
    a.in_step()
    assert tags_of(live(account)["logo.ai"]) == set()


def test_part_labels_are_added_and_follow_a_move(machine: MachineFactory, account: Sandbox) -> None:
    a = machine("a", mapping={"part_labels": True})
    b = machine("b", mapping={"part_labels": True})
    a.write("Clients/Acme/Logos/logo.ai")
    settle(a, b)
    assert tags_of(live(account)["logo.ai"]) == {"Clients/Acme/Logos", "Clients", "Acme", "Logos"}
    assert b.paths() == ["Clients/Acme/Logos/logo.ai"]
    b.move("Clients/Acme/Logos/logo.ai", "Clients/Zeta/logo.ai")
    settle(b, a)
    assert tags_of(live(account)["logo.ai"]) == {"Clients/Zeta", "Clients", "Zeta"}
    assert a.paths() == b.paths() == ["Clients/Zeta/logo.ai"]


def test_extra_tags_are_put_on_everything_that_is_uploaded_and_stay(
    machine: MachineFactory, account: Sandbox
) -> None:
    a = machine("a", mapping={"extra_tags": ["by fluxsync", "studio"]})
    a.write("A/one.txt", "1")
    a.write("two.txt", "2")
    a.in_step()
    assert tags_of(live(account)["one.txt"]) == {"A", "by fluxsync", "studio"}
    assert tags_of(live(account)["two.txt"]) == {"by fluxsync", "studio"}
    a.move("A/one.txt", "B/one.txt")
    settle(a)
    assert tags_of(live(account)["one.txt"]) == {"B", "by fluxsync", "studio"}
    assert a.paths() == ["B/one.txt", "two.txt"]


# -- where an asset lies -----------------------------------------------------------------------------------


def test_identity_is_the_asset_id_so_a_rename_and_a_move_keep_it(a: Machine, account: Sandbox) -> None:
    a.write("A/one.txt", "one")
    a.in_step()
    before = asset_id(account, "one.txt")
    a.move("A/one.txt", "B/two.txt")
    settle(a)
    assert asset_id(account, "two.txt") == before
    assert tags_of(live(account)["two.txt"]) == {"B"}
    assert len(account.store.assets()) == 1


def test_home_is_the_recorded_home_while_its_tag_is_still_on_the_asset(a: Machine, account: Sandbox) -> None:
    a.write("A/one.txt", "one")
    a.in_step()
    put_tags(account, "one.txt", "A", "Much/Deeper/Folder")
    assert counted(a.in_step()) == {}
    assert a.paths() == ["A/one.txt"]


def test_the_root_stays_home_until_a_folder_tag_is_added_then_the_best_of_those_added(
    a: Machine, account: Sandbox
) -> None:
    a.write("one.txt", "one")
    settle(a)
    put_tags(account, "one.txt", "Flat", "Deep/Folder")
    a.in_step()
    assert a.paths() == ["Deep/Folder/one.txt"]


def test_a_file_moved_to_the_root_stays_there_though_another_folder_tag_is_on_it(
    a: Machine, account: Sandbox
) -> None:
    a.write("A/one.txt", "one")
    a.in_step()
    put_tags(account, "one.txt", "A", "Other")
    a.in_step()
    a.move("A/one.txt", "one.txt")
    settle(a)
    assert a.paths() == ["one.txt"]
    assert tags_of(live(account)["one.txt"]) == {"Other"}
    put_tags(account, "one.txt", "Other", "Added")
    a.in_step()
    assert a.paths() == ["Added/one.txt"]


def test_without_a_record_the_deepest_path_wins_and_among_equals_the_lowest_tag_id(
    a: Machine, account: Sandbox
) -> None:
    first = account.store.create_tag("Zulu").id
    assert first < account.store.create_tag("Alpha").id
    account.store.create_asset("equal.txt", b"1", tags=["Alpha", "Zulu"])
    account.store.create_asset("deep.txt", b"2", tags=["Alpha", "x/y/z", "x/y"])
    a.in_step()
    assert a.paths() == ["Zulu/equal.txt", "x/y/z/deep.txt"]


def test_only_tags_that_folders_admits_and_labels_does_not_are_folders(
    machine: MachineFactory, account: Sandbox
) -> None:
    a = machine("a", mapping={"folders": ["Clients/**"], "labels": ["Clients/*/approved"]})
    account.store.create_asset("one.txt", b"1", tags=["Clients/Acme", "Clients/Acme/approved", "red"])
    account.store.create_asset("two.txt", b"2", tags=["red", "Clients/Acme/approved"])
    a.in_step()
    assert a.paths() == ["Clients/Acme/one.txt", "two.txt"]


def test_a_placement_is_never_written_to_the_account_unless_the_user_moved_the_file(
    a: Machine, b: Machine, account: Sandbox
) -> None:
    account.store.create_asset("one.txt", b"1", tags=["Zulu", "Alpha", "x/y"])
    account.clear_requests()
    settle(a, b)
    assert [line for line in asked(account) if not line.startswith("GET")] == []


def test_labels_title_and_description_survive_everything(a: Machine, account: Sandbox) -> None:
    a.write("A/one.txt", "one")
    a.in_step()
    number = asset_id(account, "one.txt")
    account.store.update_asset(
        number, title="My own title", description="Seen by Ada", tags=["A", "approved", "2024", "a/b/c"]
    )
    a.in_step()
    a.write("A/one.txt", "edited")
    a.in_step()
    a.move("A/one.txt", "B/one.txt")
    a.in_step()
    a.move("B/one.txt", "B/two.txt")
    a.in_step()
    a.move("B", "C")
    settle(a)
    asset = account.store.asset(number)
    assert (asset.filename, asset.title, asset.description) == ("two.txt", "My own title", "Seen by Ada")
    assert tags_of(asset) == {"C", "approved", "2024", "a/b/c"}
    a.remove("C/two.txt")
    a.in_step()
    asset = account.store.asset(number)
    assert (asset.title, asset.description) == ("My own title", "Seen by Ada")
    assert tags_of(asset) >= {"approved", "2024", "a/b/c", "fluxsync-trash"}


def test_a_move_is_a_delta_on_the_asset_as_it_is_then(a: Machine, account: Sandbox) -> None:
    """A colleague's label that came between the list and the write survives."""
    a.write("A/one.txt", "one")
    a.in_step()
    a.move("A/one.txt", "B/one.txt")
    watcher = Watcher(
        on_plan=lambda plan: put_tags(account, "one.txt", "A", "just now"),
        clock=a.clock.time,
        wait=a.clock.wait,
    )
    a.once(watcher=watcher)
    settle(a)
    assert tags_of(live(account)["one.txt"]) == {"B", "just now"}


def test_a_move_sends_no_bytes_up_and_a_changed_home_tag_brings_none_down(
    a: Machine, b: Machine, account: Sandbox
) -> None:
    a.write("A/one.txt", "one")
    settle(a, b)
    a.move("A/one.txt", "B/one.txt")
    report = a.in_step()
    assert counted(report) == {"moved_remote": 1}
    assert counted(b.in_step()) == {"moved_local": 1}
    assert b.paths() == ["B/one.txt"]
    put_tags(account, "one.txt", "C")
    assert counted(b.in_step()) == {"moved_local": 1}
    assert b.paths() == ["C/one.txt"]


def test_both_moved_the_account_wins(a: Machine, account: Sandbox) -> None:
    a.write("A/one.txt", "one")
    a.in_step()
    put_tags(account, "one.txt", "Theirs")
    a.move("A/one.txt", "Mine/one.txt")
    settle(a)
    assert a.paths() == ["Theirs/one.txt"]
    assert tags_of(live(account)["one.txt"]) == {"Theirs"}


# -- folders as wholes -------------------------------------------------------------------------------------


def test_renaming_a_tag_renames_that_folder_and_tags_of_sub_folders_stay(
    a: Machine, account: Sandbox
) -> None:
    a.write("A/one.txt", "1")
    a.write("A/Sub/two.txt", "2")
    a.in_step()
    account.store.rename_tag(tag_id(account, "A"), "New")
    report = a.in_step()
    assert a.paths() == ["A/Sub/two.txt", "New/one.txt"]
    assert counted(report) == {"moved_local": 1}


def test_a_tag_renamed_into_a_folder_that_is_not_there_yet_moves_the_folder(
    a: Machine, b: Machine, account: Sandbox
) -> None:
    a.write("C/A/L/f.txt", "hello")
    settle(a, b)
    a.move("C/A", "C/B")
    settle(a, b)
    assert a.paths() == b.paths() == ["C/B/L/f.txt"]
    account.store.rename_tag(tag_id(account, "C/B/L"), "x/y/z")
    settle(a, b)
    assert a.paths() == b.paths() == ["x/y/z/f.txt"]
    assert a.folders() == b.folders() == ["x", "x/y", "x/y/z"]


def test_renaming_a_folder_renames_its_tag_and_those_of_its_sub_folders(
    a: Machine, b: Machine, account: Sandbox
) -> None:
    for number in range(5):
        a.write(f"A/{number}.txt", f"{number}")
        a.write(f"A/Sub/s{number}.txt", f"s{number}")
    settle(a, b)
    ids = {tag_id(account, "A"), tag_id(account, "A/Sub")}
    a.move("A", "New name")
    account.clear_requests()
    report = a.in_step()
    assert counted(report) == {"moved_remote": 10}
    assert len(asked(account, "PUT", "/api/tags/")) == 2
    assert asked(account, "PUT", "/api/assets/") == []
    assert {tag_id(account, "New name"), tag_id(account, "New name/Sub")} == ids
    settle(a, b)
    assert differences(a, b) == ""


def test_a_tag_that_an_asset_of_another_home_carries_is_not_renamed_but_assets_are_retagged(
    a: Machine, account: Sandbox
) -> None:
    a.write("A/one.txt", "1")
    a.write("B/other.txt", "2")
    a.in_step()
    put_tags(account, "other.txt", "B", "A")
    a.in_step()
    shared = tag_id(account, "A")
    a.move("A", "New")
    settle(a)
    assert tags_of(live(account)["one.txt"]) == {"New"}
    assert tags_of(live(account)["other.txt"]) == {"B", "A"}
    assert tag_id(account, "A") == shared
    assert a.paths() == ["B/other.txt", "New/one.txt"]


def test_home_tag_taken_off_the_next_candidate_else_the_root(a: Machine, account: Sandbox) -> None:
    a.write("A/one.txt", "1")
    a.write("A/two.txt", "2")
    a.in_step()
    put_tags(account, "one.txt", "A", "Next")
    a.in_step()
    put_tags(account, "one.txt", "Next")
    put_tags(account, "two.txt")
    a.in_step()
    assert a.paths() == ["Next/one.txt", "two.txt"]


def test_a_tag_deleted_on_the_account_sends_its_files_home_and_is_not_made_again(
    a: Machine, b: Machine, account: Sandbox
) -> None:
    a.write("A/one.txt", "1")
    a.write("A/two.txt", "2")
    settle(a, b)
    put_tags(account, "two.txt", "A", "Else")
    settle(a, b)
    account.store.delete_tag(tag_id(account, "A"))
    settle(a, b)
    a.clock.wait(300)
    settle(a, b)
    for one in (a, b):
        assert one.paths() == ["Else/two.txt", "one.txt"]
        assert one.folders() == ["Else"]
    assert tag_names(account) == {"Else"}


def test_what_remains_of_a_deleted_tags_folder_does_not_create_the_tag_again(
    a: Machine, account: Sandbox
) -> None:
    a.set("local", ignore=["*.note"])
    a.write("A/one.txt", "1")
    a.write("A/keep.note", "mine")
    a.in_step()
    account.store.delete_tag(tag_id(account, "A"))
    settle(a)
    a.clock.wait(300)
    settle(a)
    assert a.paths() == ["A/keep.note", "one.txt"]
    assert tag_names(account) == set()


def test_an_empty_folder_becomes_a_tag_when_it_has_stood_for_a_minute(
    a: Machine, b: Machine, account: Sandbox
) -> None:
    a.path("Ideas").mkdir()
    a.in_step()
    assert tag_names(account) == set()
    a.clock.wait(61)
    a.in_step()
    assert tag_names(account) == {"Ideas"}
    b.in_step()
    assert b.folders() == ["Ideas"]
    settle(a, b)


@pytest.mark.parametrize("name", ["untitled folder", "New Folder", "Neuer Ordner", "Untitled Folder"])
def test_an_empty_folder_under_a_systems_default_name_stays_here(
    a: Machine, account: Sandbox, name: str
) -> None:
    a.path(name).mkdir()
    a.in_step()
    a.clock.wait(600)
    a.in_step()
    assert tag_names(account) == set()
    a.write(f"{name}/file.txt")
    a.in_step()
    assert tag_names(account) == {name}


def test_a_tag_without_any_asset_is_an_empty_folder(a: Machine, account: Sandbox) -> None:
    account.store.create_tag("Empty/There")
    a.in_step()
    assert a.folders() == ["Empty", "Empty/There"]
    settle(a)


def test_a_tag_that_carries_only_trashed_assets_makes_no_folder_where_there_is_none(
    a: Machine, account: Sandbox
) -> None:
    account.store.create_asset("one.txt", b"1", tags=["Old", "fluxsync-trash"])
    a.in_step()
    assert a.folders() == []


def test_a_tag_whose_live_assets_all_have_their_home_elsewhere_makes_no_folder(
    a: Machine, account: Sandbox
) -> None:
    account.store.create_asset("one.txt", b"1", tags=["approved", "Clients/Acme"])
    a.in_step()
    assert a.folders() == ["Clients", "Clients/Acme"]


def test_an_empty_folder_that_a_person_removed_stays_removed_until_its_tag_carries_a_live_asset(
    a: Machine, account: Sandbox
) -> None:
    account.store.create_tag("Ideas")
    settle(a)
    a.remove("Ideas")
    settle(a)
    assert a.folders() == []
    account.store.create_asset("one.txt", b"1", tags=["Ideas"])
    settle(a)
    assert a.paths() == ["Ideas/one.txt"]


def test_a_folder_that_changes_on_the_account_emptied_goes_with_them(
    a: Machine, b: Machine, account: Sandbox
) -> None:
    a.write("1/2/3/4/f.txt", "hello")
    a.write("F/f2.txt", "hello 2")
    a.write("o.txt")
    settle(a, b)
    a.remove("1")
    put_tags(account, "f2.txt")
    settle(a, b)
    assert b.paths() == ["f2.txt", "o.txt"]
    assert b.folders() == []


@pytest.mark.parametrize("to", ["M", ""], ids=["to another folder", "to the root"])
@pytest.mark.parametrize("maker", ["a", "b"])
def test_a_folder_that_moves_on_the_account_emptied_goes_on_all_machines(
    a: Machine, b: Machine, account: Sandbox, maker: str, to: str
) -> None:
    first, second = (a, b) if maker == "a" else (b, a)
    first.write("U/f.txt", "f")
    first.write("U/g.txt", "g")
    settle(first, second)
    for name in ("f.txt", "g.txt"):
        b.move(f"U/{name}", f"{to}/{name}" if to else name)
    b.remove("U")
    settle(a, b)
    assert a.folders() == b.folders() == ([to] if to else [])
    assert tag_names(account) == ({to} if to else set())


def test_a_folder_emptied_by_an_account_keeps_what_is_not_synced(a: Machine, account: Sandbox) -> None:
    a.write("F/one.txt", "1")
    a.write("F/not synced.tmp", "mine")
    a.in_step()
    put_tags(account, "one.txt")
    a.in_step()
    assert a.paths() == ["F/not synced.tmp", "one.txt"]


def test_a_tag_is_removed_by_the_machine_that_made_it_when_its_folder_is_gone(
    a: Machine, b: Machine, account: Sandbox
) -> None:
    a.write("A/one.txt", "1")
    settle(a, b)
    b.move("A/one.txt", "one.txt")
    b.remove("A")
    b.in_step()
    assert tag_names(account) == {"A"}, "not the machine that made it"
    settle(a, b)
    assert tag_names(account) == set()
    assert a.folders() == b.folders() == []


def test_a_tag_that_a_trashed_asset_carries_keeps_the_place_of_what_may_be_restored(
    a: Machine, account: Sandbox
) -> None:
    a.write("A/one.txt", "1")
    a.in_step()
    a.remove("A")
    settle(a)
    asset = trashed(account)["one.txt"]
    assert "A" in tags_of(asset)
    assert a.folders() == []
    account.store.set_tags(asset.id, ["A"])
    settle(a)
    assert a.paths() == ["A/one.txt"]


def test_a_persons_tag_is_never_removed(a: Machine, account: Sandbox) -> None:
    account.store.create_asset("one.txt", b"1", tags=["Theirs"])
    a.in_step()
    a.move("Theirs/one.txt", "one.txt")
    a.remove("Theirs")
    settle(a)
    assert tag_names(account) == {"Theirs"}


# -- names -------------------------------------------------------------------------------------------------


def test_a_folder_of_digits_does_not_become_the_tag_of_that_number(
    a: Machine, b: Machine, account: Sandbox
) -> None:
    first = account.store.create_tag("Somebody else's").id
    a.write(f"{first}/one.txt", "1")
    a.write("2024/two.txt", "2")
    settle(a, b)
    assert tags_of(live(account)["one.txt"]) == {str(first)}
    assert tags_of(live(account)["two.txt"]) == {"2024"}
    assert set(b.paths()) == {"2024/two.txt", f"{first}/one.txt"}


@pytest.mark.parametrize(
    ("folder", "tag"),
    [
        ("Smith, Jane", "Smith%2C Jane"),
        (" both ends ", "%20both ends%20"),
        ("100% sure", "100% sure"),
        ("Smith%2C Jane", "Smith%252C Jane"),
        ("50%25", "50%25"),
        ("%41", "%41"),
        ("%252C", "%25252C"),
        ("Smith, Jane/a, b", "Smith%2C Jane/a%2C b"),
    ],
)
def test_folder_path_and_tag_name_correspond_one_to_one(
    a: Machine, b: Machine, account: Sandbox, folder: str, tag: str
) -> None:
    a.write(f"{folder}/one.txt", "1")
    a.in_step()
    assert tags_of(live(account)["one.txt"]) == {tag}
    b.in_step()
    assert b.paths() == [f"{folder}/one.txt"]


def test_a_control_character_in_a_folder_is_encoded_in_the_tag_and_on_other_disks(
    a: Machine, b: Machine, account: Sandbox
) -> None:
    a.write("a\tb/one.txt", "1")
    settle(a, b)
    assert tags_of(live(account)["one.txt"]) == {"a%09b"}
    (path,) = b.paths()
    b.write(path, "edited")
    settle(b, a)
    assert a.tree() == {"a\tb/one.txt": b"edited"}
    assert tags_of(live(account)["one.txt"]) == {"a%09b"}


@pytest.mark.parametrize("tag", ["a//b", "/a", "a/", "../../evil", "..", ".", "a/./b", "a/../b", "//"])
def test_empty_and_dotted_parts_of_a_tag_are_one_folder_with_its_slashes_encoded(
    a: Machine, account: Sandbox, tag: str
) -> None:
    outside = {path for path in a.home.rglob("*") if not path.is_relative_to(a.root)}
    account.store.create_asset("one.txt", b"1", tags=[tag])
    settle(a)
    (path,) = a.paths()
    assert path.count("/") == 1
    assert path.endswith("/one.txt")
    made = {path for path in a.home.rglob("*") if not path.is_relative_to(a.root)} - outside
    assert {path.name.partition("-")[0] for path in made} <= {"journal.sqlite"}
    assert tags_of(live(account)["one.txt"]) == {tag}


def test_a_folder_that_would_be_a_label_is_named_and_the_others_go_on(
    machine: MachineFactory, account: Sandbox
) -> None:
    a = machine("a", mapping={"labels": ["approved"], "extra_tags": ["studio"], "folders": ["**", "!secret"]})
    for folder in ("approved", "studio", "secret", "fluxsync-trash", "Fine"):
        a.write(f"{folder}/{folder}.txt", folder)
    report = a.once()
    assert report.result is Result.PARTIAL
    assert set(report.failures) >= {
        "approved/approved.txt",
        "studio/studio.txt",
        "secret/secret.txt",
        "fluxsync-trash/fluxsync-trash.txt",
    }
    assert all(report.failures.values())
    assert set(live(account)) == {"Fine.txt"}
    assert len(a.paths()) == 5


def test_file_names_are_composed_on_the_account_and_the_form_on_disk_is_kept(
    a: Machine, b: Machine, account: Sandbox
) -> None:
    decomposed = unicodedata.normalize("NFD", "Grüße.txt")
    a.write(decomposed, "1")
    settle(a, b)
    assert set(live(account)) == {"Grüße.txt"}
    assert (a.paths(), b.paths()) == ([decomposed], ["Grüße.txt"])
    b.write("Grüße.txt", "edited")
    settle(b, a)
    assert a.tree() == {decomposed: b"edited"}


def test_file_names_are_never_decoded(a: Machine, b: Machine, account: Sandbox) -> None:
    names = {"100%.txt", "a%2Cb.txt", "%2F.txt", "%2E%2E", "50%25.txt"}
    for name in names:
        a.write(name, name)
    settle(a, b)
    assert set(live(account)) == names
    assert set(b.paths()) == names


@pytest.mark.parametrize(
    "name",
    [
        "../../evil",
        "a/b",
        "..",
        ".",
        ".fluxsync",
        ".FLUXSYNC",
        "/etc/passwd",
        "n" * 300 + ".txt",
        "ü" * 200 + ".jpg",
        "line\nbreak.txt",
        "tab\t.txt",
        "trailing dot.",
        "trailing blank ",
    ],
)
def test_a_remote_name_that_this_disk_minds_gets_another_on_disk_and_keeps_its_own(
    a: Machine, account: Sandbox, name: str
) -> None:
    before = set(Path(a.home.parent).iterdir())
    number = account.store.create_asset(name, b"from the account", tags=["F"])
    kept = account.store.asset(number).filename
    settle(a)
    (path,) = a.paths()
    assert path.startswith("F/")
    assert path.count("/") == 1
    assert a.tree() == {path: b"from the account"}
    assert set(Path(a.home.parent).iterdir()) == before
    a.write(path, "edited here")
    settle(a)
    asset = account.store.asset(number)
    assert (asset.filename, account.store.content(number)) == (kept, b"edited here")
    assert a.paths() == [path]


def test_two_assets_of_one_name_the_lower_id_is_plain_and_the_suffix_is_never_uploaded(
    a: Machine, b: Machine, account: Sandbox
) -> None:
    low = account.store.create_asset("logo.gif", b"low", tags=["A"])
    high = account.store.create_asset("logo.gif", b"high", tags=["A"])
    settle(a, b)
    expected = {"A/logo.gif": b"low", f"A/logo ({high}).gif": b"high"}
    assert a.tree() == b.tree() == expected
    a.write(f"A/logo ({high}).gif", "edited")
    settle(a, b)
    assert account.store.asset(high).filename == "logo.gif"
    a.move(f"A/logo ({high}).gif", f"B/logo ({high}).gif")
    settle(a, b)
    assert account.store.asset(high).filename == "logo.gif"
    assert account.store.asset(low).filename == "logo.gif"
    assert differences(a, b) == ""


def test_who_has_the_plain_name_on_this_disk_keeps_it_and_so_does_the_suffix(
    a: Machine, account: Sandbox
) -> None:
    low = account.store.create_asset("logo.gif", b"low", tags=["Elsewhere"])
    high = account.store.create_asset("logo.gif", b"high", tags=["A"])
    a.in_step()
    account.store.set_tags(low, ["A"])
    settle(a)
    assert a.tree() == {"A/logo.gif": b"high", f"A/logo ({low}).gif": b"low"}
    account.store.delete_asset(high)
    settle(a)
    assert a.tree() == {f"A/logo ({low}).gif": b"low"}


def test_two_tags_that_would_be_one_folder_are_two_folders(a: Machine, b: Machine, account: Sandbox) -> None:
    composed, decomposed = "Entwürfe", unicodedata.normalize("NFD", "Entwürfe")
    one = account.store.create_asset("one.txt", b"1", tags=[composed])
    two = account.store.create_asset("two.txt", b"2", tags=[decomposed])
    settle(a, b)
    assert sorted(a.tree().values()) == [b"1", b"2"]
    assert len({path.partition("/")[0] for path in a.paths()}) == 2
    assert tags_of(account.store.asset(one)) == {composed}
    assert tags_of(account.store.asset(two)) == {decomposed}
    assert differences(a, b) == ""


def test_file_against_folder_the_folder_has_the_name(a: Machine, account: Sandbox) -> None:
    number = account.store.create_asset("logo", b"file")
    account.store.create_asset("one.txt", b"1", tags=["logo"])
    settle(a)
    assert a.tree() == {"logo/one.txt": b"1", f"logo ({number})": b"file"}


def test_a_file_keeps_its_content_when_a_folder_takes_its_name_later(a: Machine, account: Sandbox) -> None:
    a.write("logo", "file")
    a.in_step()
    number = asset_id(account, "logo")
    account.store.create_asset("one.txt", b"1", tags=["logo"])
    settle(a)
    assert a.tree() == {"logo/one.txt": b"1", f"logo ({number})": b"file"}
    assert account.store.asset(number).filename == "logo"


def test_three_machines_that_start_with_copies_of_one_folder_end_with_one_set_of_assets(
    machine: MachineFactory, account: Sandbox
) -> None:
    machines = [machine(name) for name in "abc"]
    for one in machines:
        for number in range(6):
            one.write(f"A/{number}.txt", f"content {number}")
        one.write("top.txt", "top")
    settle(*machines)
    assert len(live(account)) == 7
    assert trashed(account) == {}
    for one in machines[1:]:
        assert differences(machines[0], one) == ""


def test_twins_are_joined_by_the_creator_of_the_higher_id(a: Machine, b: Machine, account: Sandbox) -> None:
    """The other machine creates the same file between this one's list and its upload."""
    for one in (a, b):
        one.write("A/twin.txt", "equal bytes")
    before = len(b.paths())
    interfering = Watcher(on_plan=lambda plan: b.once(), clock=a.clock.time, wait=a.clock.wait)
    a.once(watcher=interfering)
    assert len([x for x in account.store.assets() if x.filename == "twin.txt"]) == 2
    settle(a, b)
    kept = live(account)["twin.txt"]
    (buried,) = trashed(account).values()
    assert kept.id < buried.id
    assert a.tree() == b.tree() == {"A/twin.txt": b"equal bytes"}
    assert len(b.paths()) == before


def test_a_twin_that_somebody_has_labelled_stays(a: Machine, account: Sandbox) -> None:
    a.write("A/twin.txt", "equal bytes")

    def colleague(plan: object) -> None:
        account.store.create_asset("twin.txt", b"equal bytes", tags=["A"])

    a.once(watcher=Watcher(on_plan=colleague, clock=a.clock.time, wait=a.clock.wait))
    ours = max(x.id for x in account.store.assets())
    account.store.set_tags(ours, ["A", "approved"])
    settle(a)
    assert trashed(account) == {}
    assert len(a.paths()) == 2


# -- mapping and selection change --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("section", "key", "value"),
    [
        ("mapping", "labels", ["A"]),
        ("mapping", "folders", ["B"]),
        ("mapping", "extra_tags", ["A"]),
        ("sync", "include", ["B/**"]),
        ("sync", "include", ["*.png"]),
    ],
)
def test_a_changed_mapping_or_selection_moves_and_deletes_nothing(
    a: Machine, account: Sandbox, section: str, key: str, value: list[str]
) -> None:
    contents = set()
    for folder in "ABC":
        for number in range(15):
            a.write(f"{folder}/{folder}{number}.txt", f"{folder}{number}")
            contents.add(f"{folder}{number}".encode())
    settle(a)
    a.set(section, **{key: value})
    report = a.once()
    assert (report.trashed_local, report.trashed_remote) == (0, 0)
    assert report.held == []
    a.once()
    assert set(a.tree().values()) == contents
    assert len(live(account)) == len(contents)
    assert trashed(account) == {}
    assert {account.store.content(asset.id) for asset in account.store.assets()} == contents


def test_the_dry_run_after_a_changed_mapping_shows_what_would_move(a: Machine, account: Sandbox) -> None:
    a.write("A/one.txt", "1")
    settle(a)
    a.set("mapping", labels=["A"])
    report = a.once(dry_run=True)
    assert [str(step.action) for step in report.plan or ()].count("move-local") == 1
    assert a.paths() == ["A/one.txt"]
    settle(a)
    assert a.paths() == ["one.txt"]
    assert tags_of(live(account)["one.txt"]) == {"A"}


def test_what_include_leaves_out_stays_on_both_sides_and_comes_back_in_step(
    a: Machine, account: Sandbox
) -> None:
    a.write("A/one.txt", "1")
    a.write("B/two.txt", "2")
    settle(a)
    a.set("sync", include=["B/**"])
    settle(a)
    a.set("sync", include=["**"])
    report = a.in_step()
    assert counted(report) == {} or set(counted(report)) <= {"bytes_down"}
    assert a.paths() == ["A/one.txt", "B/two.txt"]
    assert len(account.store.assets()) == 2
