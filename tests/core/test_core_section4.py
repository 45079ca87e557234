"""Sentences of the contract, sections 4 to 7, that the core answers for: one test each."""

from __future__ import annotations

from dataclasses import replace

import pytest
from core_world import HOUR_NS, Account, Machine, Version

from fluxsync.core.model import Action, NameRules, Rename, State
from fluxsync.core.reconcile import Policy


def in_step(*paths: str, **more: object) -> Machine:
    machine = Machine(Account(), **more)
    for path in paths:
        machine.write(path, path)
    machine.sync()
    machine.check_rest()
    machine.log.clear()
    return machine


def tag(machine: Machine, name: str) -> str:
    return next(key for key, other in machine.account.tags.items() if other == name)


def asset(machine: Machine, content: str):
    return next(a for a in machine.account.assets.values() if a.content == content)


def done(machine: Machine) -> list[str]:
    machine.log.clear()
    machine.sync()
    return [line.split()[0] for line in machine.log]


# -- section 4: folders are tags


def test_a_file_directly_in_the_root_carries_no_folder_tag() -> None:
    assert not in_step("x.gif").account.tags


def test_the_folders_on_the_way_need_no_tag_of_their_own() -> None:
    assert list(in_step("Clients/Acme/Logos/x.gif").account.tags.values()) == ["Clients/Acme/Logos"]


def test_changing_the_home_tag_on_the_account_moves_the_file_without_a_download() -> None:
    machine = in_step("A/x.gif", "B/y.gif")
    asset(machine, "A/x.gif").home = tag(machine, "B")
    assert done(machine) == ["move-local", "remove-folder", "remove-tag"]
    machine.check_rest()


def test_both_moved_the_account_wins() -> None:
    machine = in_step("A/x.gif", "B/y.gif", "C/z.gif")
    asset(machine, "A/x.gif").home = tag(machine, "B")
    machine.move("A/x.gif", "C/x.gif")
    machine.sync()
    machine.check_rest()
    assert "B/x.gif" in machine.files


def test_tag_deleted_on_the_account_its_files_go_home_and_the_empty_folder_goes() -> None:
    machine = in_step("A/x.gif")
    machine.account.drop_tag(tag(machine, "A"))
    machine.sync()
    machine.check_rest()
    assert sorted(machine.files) == ["x.gif"]
    assert not machine.folders


def test_what_remains_of_a_folder_does_not_create_its_deleted_tag_again() -> None:
    machine = in_step("A/x.gif")
    machine.account.drop_tag(tag(machine, "A"))
    machine._remove_folder = lambda op, row, here, there: (row, here, there)  # an ignored file is in it
    for _ in range(3):
        machine.cycle()
    assert not machine.account.tags
    machine.write("A/new.gif", "new")
    machine.sync()
    assert list(machine.account.tags.values()) == ["A"], "a new file needs it again"


@pytest.mark.parametrize(("name", "made"), [("Logos", True), ("Untitled Folder", False)])
def test_an_empty_folder_gets_its_tag_under_a_name_of_its_own(name: str, made: bool) -> None:
    machine = Machine(Account())
    machine.mkdir(name)
    machine.sync()
    assert (name in machine.account.tags.values()) is made


def test_an_empty_folder_gets_its_tag_only_when_it_has_stood_for_a_minute() -> None:
    machine = Machine(Account())
    machine.now = 2 * HOUR_NS + 30 * 10**9
    machine.mkdir("Logos")
    machine.now -= HOUR_NS
    machine.sync()
    assert not machine.account.tags
    (stands_at_ns,) = machine.planned().young.values()
    assert stands_at_ns == machine.folders["Logos"].mtime + 60 * 10**9
    machine.now = stands_at_ns - HOUR_NS
    machine.sync()
    assert list(machine.account.tags.values()) == ["Logos"]
    assert not machine.planned().young


def test_a_tag_without_any_asset_is_an_empty_folder() -> None:
    machine = Machine(Account())
    machine.account.make_tag("Logos")
    machine.sync()
    assert list(machine.folders) == ["Logos"]


def test_a_folder_into_which_something_is_about_to_come_is_no_empty_one() -> None:
    """A download that was killed may have left the first of several folders."""
    machine = Machine(Account())
    machine.account.upload(machine.account.make_tag("New/Sub"), "x.gif", "x")
    machine.mkdir("New")
    machine.sync()
    assert list(machine.account.tags.values()) == ["New/Sub"]


def test_an_empty_folder_whose_tag_is_gone_goes_even_if_the_first_pass_was_killed() -> None:
    machine = Machine(Account())
    key = machine.account.make_tag("Logos")
    machine.sync()
    machine.account.drop_tag(key)
    machine.cycle(stop_after=0)
    machine.sync()
    assert not machine.folders
    assert not machine.account.tags


def test_a_tag_that_carries_only_trashed_assets_makes_no_folder_where_there_is_none() -> None:
    machine = Machine(Account())
    machine.account.upload(machine.account.make_tag("Logos"), "x.gif", "x").trashed = True
    machine.sync()
    assert not machine.folders


def test_an_empty_folder_that_a_person_removed_stays_removed_until_its_tag_carries_a_live_asset() -> None:
    machine = Machine(Account())
    key = machine.account.make_tag("Logos")
    machine.sync()
    machine.rmtree("Logos")
    machine.sync()
    machine.sync()
    assert not machine.folders
    assert key in machine.account.tags, "nobody here made it"
    machine.account.upload(key, "x.gif", "x")
    machine.sync()
    machine.check_rest()
    assert machine.tree() == {"Logos/x.gif": "x"}


def test_a_folder_that_changes_on_the_account_emptied_goes_with_them() -> None:
    machine = in_step("A/B/x.gif")
    asset(machine, "A/B/x.gif").trashed = True
    machine.sync()
    assert not machine.folders, "the folder on the way, too"


def test_a_folder_that_a_person_emptied_here_stays() -> None:
    machine = in_step("A/x.gif")
    machine.move("A/x.gif", "x.gif")
    machine.sync()
    machine.check_rest()
    assert list(machine.folders) == ["A"]


def test_file_against_folder_the_folder_has_the_name() -> None:
    machine = in_step("D")
    machine.account.upload(machine.account.make_tag("D"), "x.gif", "x")
    machine.sync()
    machine.check_rest()
    assert machine.tree() == {"D (101)": "D", "D/x.gif": "x"}


def test_a_new_file_against_a_folder_of_the_account_is_sent_and_steps_aside() -> None:
    machine = Machine(Account())
    machine.write("D", "file")
    machine.account.upload(machine.account.make_tag("D"), "x.gif", "x")
    plan = machine.planned()
    assert plan.deferred
    machine.sync()
    machine.check_rest()
    assert sorted(machine.tree().values()) == ["file", "x"]


def test_twins_end_as_one_set_of_assets() -> None:
    account = Account()
    machines = [Machine(account, host=f"H{n}") for n in range(3)]
    for machine in machines:
        for path in ("A/x.gif", "y.gif"):
            machine.write(path, path)
        machine.look_there = lambda s: replace(s, files={})  # all look before any of them sends
        machine.cycle()
        machine.look_there = lambda s: s
    for _ in range(3):
        for machine in machines:
            machine.sync()
    live = [a for a in account.assets.values() if not a.trashed]
    assert sorted(a.content for a in live) == ["A/x.gif", "y.gif"]
    assert all(machine.tree() == machines[0].tree() for machine in machines)


def test_when_the_mapping_changes_the_next_pass_deletes_nothing() -> None:
    machine = in_step("A/x.gif", "y.gif", policy=Policy(delete_nothing=False))
    machine.policy = Policy(delete_nothing=True)
    del machine.files["y.gif"]
    asset(machine, "A/x.gif").trashed = True
    assert not [op for op in machine.planned() if op.action in (Action.TRASH_LOCAL, Action.TRASH_REMOTE)]


def test_on_disk_the_form_that_was_found_there_is_kept() -> None:
    machine = in_step("a\u0308.gif")
    assert [a.name for a in machine.account.assets.values()] == ["ä.gif"]
    machine.rows.clear()
    assert done(machine) == [], "a lost journal adopts it"
    assert list(machine.files) == ["a\u0308.gif"]


# -- section 5: what counts as a change


def test_a_version_with_the_ancestors_bytes_is_a_rename_or_nothing() -> None:
    machine = in_step("x.gif")
    one = asset(machine, "x.gif")
    one.versions.append(Version("x.gif", "y.gif", signed=True))
    one.name = "y.gif"
    assert done(machine) == ["move-local"]


def test_an_edit_here_against_a_rename_there_by_hand_is_no_conflict() -> None:
    machine = in_step("x.gif")
    one = asset(machine, "x.gif")
    one.versions.append(Version("x.gif", "y.gif"))
    one.name = "y.gif"
    machine.write("x.gif", "other")
    assert done(machine) == ["move-local", "version"]
    assert machine.tree() == {"y.gif": "other"}


def test_backwards_is_a_conflict_whatever_the_file_did() -> None:
    machine = in_step("x.gif")
    machine.write("x.gif", "second!")
    machine.sync()
    del asset(machine, "second!").versions[-1]
    machine.sync()
    assert sorted(machine.tree().values()) == ["second!", "x.gif"]
    assert machine.conflicts == 1


def test_backwards_to_equal_bytes_is_none() -> None:
    machine = in_step("x.gif")
    asset(machine, "x.gif").versions.append(Version("second", "x.gif"))
    machine.sync()
    machine.write("x.gif", "x.gif")
    del asset(machine, "second").versions[-1]
    machine.sync()
    assert machine.conflicts == 0


def test_an_asset_missing_from_a_list_is_not_deleted_until_asked_for() -> None:
    machine = in_step("x.gif")
    machine.look_there = lambda s: replace(s, files={}, complete=False)
    assert not list(machine.planned())


# -- section 6: what is done


def test_a_version_that_did_not_know_ours_is_a_conflict_for_us() -> None:
    machine = in_step("x.gif")
    machine.write("x.gif", "ours")
    machine.sync()
    asset(machine, "ours").versions.append(Version("theirs", "x.gif", signed=True, over=0))
    machine.sync()
    machine.check_rest()
    assert sorted(machine.tree().values()) == ["ours", "theirs"]


def test_a_version_that_knew_ours_is_a_download() -> None:
    machine = in_step("x.gif")
    machine.write("x.gif", "ours")
    machine.sync()
    asset(machine, "ours").versions.append(Version("theirs", "x.gif", signed=True, over=1))
    assert done(machine) == ["download"]


@pytest.mark.parametrize(
    ("mode", "tree"),
    [
        ("local", {"x.gif": "mine"}),
        ("remote", {"x.gif": "theirs"}),
        (
            "keep-both",
            {"x.gif": "theirs", "x (conflicted copy 2026-11-22 174501 HOST).gif": "mine"},
        ),
    ],
)
def test_a_conflict_ends_as_configured_and_loses_nothing(mode: str, tree: dict[str, str]) -> None:
    machine = in_step("x.gif", conflict=mode)
    machine.write("x.gif", "mine")
    asset(machine, "x.gif").versions.append(Version("theirs", "x.gif"))
    machine.sync()
    machine.check_rest()
    assert machine.tree() == tree
    assert {"mine", "theirs"} <= machine.contents()


def test_one_loser_makes_one_conflict_copy() -> None:
    machine = in_step("x.gif")
    machine.write("x.gif", "mine")
    machine.write("x (conflicted copy 2026-11-21 120000 HOST).gif", "mine")
    asset(machine, "x.gif").versions.append(Version("theirs", "x.gif"))
    machine.sync()
    assert machine.conflicts == 0
    assert sorted(machine.tree().values()) == ["mine", "theirs"]


def test_rename_is_a_version_under_the_new_name() -> None:
    machine = in_step("x.gif")
    machine.move("x.gif", "y.gif")
    (op,) = machine.planned()
    assert (op.action, op.name, op.size) == (Action.VERSION, "y.gif", 5)
    machine.sync()
    machine.check_rest()


def test_rename_is_only_the_title_where_versions_do_not_rename() -> None:
    machine = in_step("x.gif", rename=Rename.TITLE)
    machine.move("x.gif", "y.gif")
    (op,) = machine.planned()
    assert (op.action, op.name) == (Action.MOVE_REMOTE, "y.gif")


def test_an_asset_in_the_trash_does_not_exist_until_it_is_taken_out_or_given_new_content() -> None:
    machine = in_step("x.gif")
    one = asset(machine, "x.gif")
    one.trashed = True
    machine.sync()
    assert not machine.files
    one.versions.append(Version("new", "x.gif"))
    assert done(machine) == ["restore", "download"]
    machine.check_rest()


def test_a_rename_of_an_asset_in_the_trash_is_no_new_content() -> None:
    machine = in_step("x.gif")
    one = asset(machine, "x.gif")
    one.trashed = True
    machine.sync()
    rename_there(machine)
    assert done(machine) == []
    assert one.trashed
    one.versions.append(Version("other", "new.gif"))
    assert done(machine) == ["restore", "download"]
    machine.check_rest()


def test_what_was_moved_and_trashed_there_and_edited_here_comes_back_where_it_is_here() -> None:
    machine = in_step("x.gif", "A/y.gif")
    one = asset(machine, "x.gif")
    rename_there(machine)
    one.home, one.trashed = tag(machine, "A"), True
    machine.write("x.gif", "edited")
    machine.sync()
    machine.check_rest()
    assert (one.trashed, one.content, one.home, one.name) == (False, "edited", "", "x.gif")


def edit_here(machine: Machine) -> None:
    machine.write("x.gif", "edited")


def rename_there(machine: Machine) -> None:
    one = asset(machine, "x.gif")
    one.versions.append(Version("x.gif", "new.gif"))
    one.name = "new.gif"


@pytest.mark.parametrize("change", [edit_here, rename_there])
def test_what_was_changed_and_then_deleted_goes_also_where_nobody_saw_it_in_between(change) -> None:
    machine = in_step("x.gif", "y.gif")
    other = Machine(machine.account, host="OTHER")
    other.sync()
    change(machine)
    machine.sync()
    del machine.files["x.gif" if change is edit_here else "new.gif"]
    machine.sync()
    assert done(other) == ["trash-local"]
    assert done(machine) == []
    other.check_rest()


@pytest.mark.parametrize("edited", [False, True], ids=["unchanged here", "edited here"])
def test_a_lost_trash_tag_brings_nothing_back(edited: bool) -> None:
    machine = in_step("x.gif", "y.gif")
    one = asset(machine, "x.gif")
    one.trashed = True
    machine.sync()
    one.trashed = False
    if edited:
        machine.write("y.gif", "edited")
    machine.look_there = lambda s: replace(s, trash_lost=True)
    machine.cycle()
    assert one.trashed
    assert sorted(machine.files) == ["y.gif"]


def test_keep_is_remembered_on_either_side() -> None:
    machine = in_step("x.gif", "y.gif", policy=Policy(local_delete="keep", remote_delete="keep"))
    asset(machine, "x.gif").trashed = True
    del machine.files["y.gif"]
    assert done(machine) == []
    assert {row.state for row in machine.rows.values()} == {State.KEPT_HERE, State.KEPT_THERE}
    assert done(machine) == []


def test_kept_here_ends_when_the_file_changes() -> None:
    machine = in_step("x.gif", policy=Policy(local_delete="keep"))
    asset(machine, "x.gif").trashed = True
    machine.sync()
    machine.write("x.gif", "edited")
    assert done(machine) == ["create"]
    machine.check_rest()


def test_kept_there_ends_when_the_asset_changes() -> None:
    machine = in_step("x.gif", policy=Policy(remote_delete="keep"))
    del machine.files["x.gif"]
    machine.sync()
    asset(machine, "x.gif").versions.append(Version("new", "x.gif"))
    assert done(machine) == ["download"]
    machine.check_rest()


def test_what_the_rules_exclude_is_left_alone_and_forgotten() -> None:
    machine = in_step("A/x.gif", "y.gif")
    machine.admits = lambda path: not path.startswith("A/")
    assert done(machine) == []
    assert sorted(machine.files) == ["A/x.gif", "y.gif"]
    assert not [a for a in machine.account.assets.values() if a.trashed]
    assert [row.path for row in machine.rows.values()] == ["y.gif"]


def test_a_file_that_the_account_moves_out_of_the_selection_is_not_sent_again() -> None:
    machine = in_step("y.gif")
    key = machine.account.make_tag("A")
    machine.admits = lambda path: not path.startswith("A/")
    asset(machine, "y.gif").home = key
    assert done(machine) == []
    assert len(machine.account.assets) == 1


def test_direction_up_never_changes_the_folder() -> None:
    machine = in_step("x.gif", "A/y.gif", "z.gif", up=True, down=False)
    before = {"x.gif": "edited", "A/y.gif": "A/y.gif", "z.gif": "z.gif", "new.gif": "new"}
    machine.write("x.gif", "edited")
    machine.write("new.gif", "new")
    machine.account.upload("", "theirs.gif", "theirs")
    machine.account.tags[tag(machine, "A")] = "B"
    asset(machine, "z.gif").versions.append(Version("theirs", "z.gif"))
    for _ in range(3):
        machine.cycle()
    assert machine.tree() == before
    assert {"edited", "new"} <= {a.content for a in machine.account.assets.values()}


def test_direction_down_never_changes_the_account() -> None:
    machine = in_step("x.gif", "A/y.gif", "z.gif")
    machine.up = False
    machine.write("x.gif", "edited")
    machine.write("new.gif", "new")
    machine.move_folder("A", "B")
    asset(machine, "z.gif").versions.append(Version("theirs", "z.gif"))
    asset(machine, "x.gif").versions.append(Version("clash", "x.gif"))
    machine.account.writes = 0
    for _ in range(3):
        machine.cycle()
    assert machine.account.writes == 0
    assert machine.tree()["z.gif"] == "theirs"
    assert {"edited", "clash", "new"} <= set(machine.tree().values()), "the copy of a conflict stays here"


# -- an asset and another of its name


@pytest.mark.parametrize("edited", [False, True], ids=["unchanged here", "edited here"])
@pytest.mark.parametrize("same", [True, False], ids=["equal bytes", "other bytes"])
def test_deleted_for_good_and_uploaded_again(edited: bool, same: bool) -> None:
    machine = in_step("x.gif")
    machine.account.assets.clear()
    if edited:
        machine.write("x.gif", "mine!")
    content = machine.files["x.gif"].content if same else "other"
    machine.account.upload("", "x.gif", content)
    machine.sync()
    machine.check_rest()
    wanted = {content} | ({"mine!"} if edited else set())
    assert set(machine.tree().values()) == wanted


def test_a_rename_there_onto_the_name_of_a_new_file_here_keeps_both() -> None:
    machine = in_step("x.gif")
    machine.write("y.gif", "mine")
    one = asset(machine, "x.gif")
    one.versions.append(Version("x.gif", "y.gif", signed=True))
    one.name = "y.gif"
    machine.sync()
    machine.check_rest()
    assert machine.tree() == {"y.gif": "mine", f"y ({one.key}).gif": "x.gif"}


def test_a_file_moved_here_onto_the_path_of_one_that_the_account_trashed() -> None:
    machine = in_step("x.gif", "y.gif")
    asset(machine, "y.gif").trashed = True
    machine.files["y.gif"] = machine.files.pop("x.gif")
    machine.sync(discarded={"y.gif"})
    machine.check_rest()
    assert "x.gif" in machine.tree().values()


def test_a_file_moved_here_onto_the_path_of_one_deleted_here() -> None:
    machine = in_step("x.gif", "y.gif")
    del machine.files["y.gif"]
    machine.files["y.gif"] = machine.files.pop("x.gif")
    machine.sync(discarded={"y.gif"})
    machine.check_rest()
    assert machine.tree() == {"y.gif": "x.gif"}


def test_a_superseded_asset_goes_to_the_trash_after_a_crash() -> None:
    machine = in_step("x.gif")
    old = machine.account.upload("", "x.gif", "old")
    machine._write(
        replace(next(iter(machine.rows.values())), id=0, key=old.key, size=3, state=State.SUPERSEDED)
    )
    assert done(machine) == ["trash-remote"]
    machine.check_rest()


def test_a_hidden_name_rule_changes_nothing_for_files_that_have_their_names() -> None:
    machine = in_step("a.gif", "b.gif")
    machine.rules = NameRules(case_sensitive=False)
    assert done(machine) == []
