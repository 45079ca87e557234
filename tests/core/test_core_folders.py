"""Folders as wholes: renames on either side or both, at once with everything else."""

from __future__ import annotations

from dataclasses import replace

import pytest
from core_world import Account, Machine

from fluxsync.core.model import Action, NameRules, State


def in_step(*paths: str, rules: NameRules | None = None) -> Machine:
    """Return a machine whose files hold their own paths, in step with its account."""
    machine = Machine(Account(), rules=rules or NameRules())
    for path in paths:
        machine.write(path, path)
    machine.sync()
    machine.check_rest()
    return machine


def tag(machine: Machine, name: str) -> str:
    return next(key for key, other in machine.account.tags.items() if other == name)


def asset(machine: Machine, content: str):
    return next(a for a in machine.account.assets.values() if a.content == content)


def actions(machine: Machine) -> list[str]:
    return [str(op.action) for op in machine.planned()]


def test_a_folder_renamed_here_is_one_request_for_each_tag() -> None:
    machine = in_step(*(f"A/{n}.gif" for n in range(50)), "A/Sub/x.gif")
    machine.move_folder("A", "B")
    assert actions(machine) == ["rename-tag", "rename-tag"]
    machine.sync()
    machine.check_rest()
    assert sorted(machine.account.tags.values()) == ["B", "B/Sub"]


def test_a_tag_renamed_is_one_rename_here() -> None:
    machine = in_step(*(f"A/{n}.gif" for n in range(50)))
    machine.account.tags[tag(machine, "A")] = "B"
    assert actions(machine) == ["rename-folder"]
    machine.sync()
    machine.check_rest()
    assert sorted(machine.folders) == ["B"]


def test_tags_of_sub_folders_stay_when_a_tag_is_renamed() -> None:
    machine = in_step("A/x.gif", "A/Sub/y.gif")
    machine.account.tags[tag(machine, "A")] = "B"
    machine.sync()
    machine.check_rest()
    assert sorted(machine.files) == ["A/Sub/y.gif", "B/x.gif"]


def test_a_folder_whose_tag_is_on_other_assets_too_is_not_renamed() -> None:
    machine = in_step("A/x.gif")
    machine.look_there = lambda s: replace(
        s, folders={k: replace(e, carried=e.carried + 1) for k, e in s.folders.items()}
    )
    machine.move_folder("A", "B")
    assert actions(machine) == ["make-tag", "move-remote"]


def test_a_folder_renamed_to_a_tag_that_is_there_moves_its_files() -> None:
    machine = in_step("A/x.gif", "B/y.gif")
    machine.move("B/y.gif", "y.gif")
    machine.rmtree("B")
    machine.move_folder("A", "B")
    machine.sync()
    machine.check_rest()
    assert sorted(machine.files) == ["B/x.gif", "y.gif"]


@pytest.mark.parametrize("there", ["B", "C"])
def test_both_sides_renamed_one_folder(there: str) -> None:
    """To the same name: an agreement. To different ones: the account wins."""
    machine = in_step("A/x.gif")
    machine.move_folder("A", "B")
    machine.account.tags[tag(machine, "A")] = there
    machine.log.clear()
    machine.sync()
    machine.check_rest()
    assert sorted(machine.files) == [f"{there}/x.gif"]
    assert not [line for line in machine.log if not line.startswith("rename-folder")]


def test_a_renamed_folder_with_new_edited_and_deleted_files_at_once() -> None:
    machine = in_step("A/kept.gif", "A/edited.gif", "A/deleted.gif")
    machine.move_folder("A", "B")
    machine.write("B/edited.gif", "other")
    machine.write("B/new.gif", "new")
    del machine.files["B/deleted.gif"]
    assert sorted(actions(machine)) == ["create", "rename-tag", "trash-remote", "version"]
    machine.sync()
    machine.check_rest()
    assert machine.tree() == {"B/kept.gif": "A/kept.gif", "B/edited.gif": "other", "B/new.gif": "new"}


def test_a_tag_renamed_while_files_in_its_folder_are_new_edited_and_deleted() -> None:
    machine = in_step("A/kept.gif", "A/edited.gif", "A/deleted.gif")
    machine.account.tags[tag(machine, "A")] = "B"
    machine.write("A/edited.gif", "other")
    machine.write("A/new.gif", "new")
    del machine.files["A/deleted.gif"]
    machine.sync()
    machine.check_rest()
    assert machine.tree() == {"B/kept.gif": "A/kept.gif", "B/edited.gif": "other", "B/new.gif": "new"}


def test_a_folder_moved_into_one_that_was_renamed() -> None:
    machine = in_step("A/x.gif", "B/y.gif")
    machine.move_folder("A", "C")
    machine.move_folder("B", "C/B")
    assert sorted(actions(machine)) == ["rename-tag", "rename-tag"]
    machine.sync()
    machine.check_rest()
    assert sorted(machine.account.tags.values()) == ["C", "C/B"]


def test_two_folders_that_exchange_their_names_on_the_account() -> None:
    machine = in_step("A/x.gif", "B/x.gif")
    one, other = tag(machine, "A"), tag(machine, "B")
    machine.account.tags |= {one: "B", other: "A"}
    machine.sync()
    machine.check_rest()
    assert machine.tree() == {"A/x.gif": "B/x.gif", "B/x.gif": "A/x.gif"}
    assert not machine.trash


def test_a_chain_of_renames_on_the_account_is_one_rename_each() -> None:
    machine = in_step("A/x.gif", "B/y.gif")
    one, other = tag(machine, "A"), tag(machine, "B")
    machine.account.tags |= {other: "C", one: "B"}
    assert actions(machine) == ["rename-folder", "rename-folder"]
    machine.sync()
    machine.check_rest()


def test_a_change_of_case_is_one_rename_on_a_disk_that_tells_none_apart() -> None:
    machine = in_step("A/x.gif", rules=NameRules(case_sensitive=False))
    machine.account.tags[tag(machine, "A")] = "a"
    assert actions(machine) == ["rename-folder"]
    machine.sync()
    assert sorted(machine.files) == ["a/x.gif"]


def test_a_tag_made_again_under_its_name_moves_and_sends_nothing() -> None:
    machine = in_step("A/x.gif", "A/y.gif")
    homed = list(machine.account.assets.values())
    machine.account.drop_tag(tag(machine, "A"))
    key = machine.account.make_tag("A")
    for one in homed:
        one.home = key
    assert actions(machine) == []
    machine.sync()
    machine.check_rest()
    assert not machine.log[3:]


def test_a_home_that_names_a_tag_that_is_gone_leaves_the_file_where_the_account_has_it() -> None:
    machine = in_step("x.gif")
    row = next(iter(machine.rows.values()))
    machine.rows[row.id] = replace(row, folder="999")
    machine.log.clear()
    machine.sync()
    machine.check_rest()
    assert not machine.log


def test_a_file_replaced_by_a_folder_of_its_name() -> None:
    machine = in_step("D")
    del machine.files["D"]
    machine.write("D/x.gif", "new")
    machine.sync()
    machine.check_rest()
    assert machine.tree() == {"D/x.gif": "new"}


def test_a_folder_replaced_by_a_file_of_its_name() -> None:
    machine = in_step("D/x.gif")
    machine.rmtree("D")
    machine.write("D", "new")
    machine.sync()
    machine.check_rest()
    assert machine.tree() == {"D": "new"}


def test_a_file_moved_into_a_folder_on_the_way_that_has_no_tag_yet() -> None:
    machine = in_step("x.gif", "A/B/y.gif")
    machine.move("x.gif", "A/x.gif")
    machine.sync()
    machine.check_rest()
    assert "A" in machine.account.tags.values()


def test_an_unreadable_folder_is_neither_deleted_nor_moved_nor_replaced() -> None:
    """Unknown is not gone: nothing below it is touched on either side."""
    from fluxsync.core.model import Unknown

    machine = in_step("A/x.gif", "A/B/y.gif", "z.gif")
    asset(machine, "A/x.gif").home = ""
    asset(machine, "A/B/y.gif").trashed = True
    machine.account.upload(tag(machine, "A"), "new.gif", "new")

    def hidden(snapshot):
        files = {p: e for p, e in snapshot.files.items() if not p.startswith("A/")}
        return replace(snapshot, files=files, folders={}, unknown=(Unknown("A", "no right"),))

    machine.look = hidden
    plan = machine.planned()
    assert not list(plan)
    assert not [row for row in plan.agreements if row.state is not State.AGREED]
    assert not plan.forget


def test_names_that_stand_for_one_folder_on_this_disk_get_the_id_of_their_tag() -> None:
    machine = Machine(Account(), rules=NameRules(case_sensitive=False))
    machine.account.upload(machine.account.make_tag("Logos"), "x.gif", "one")
    second = machine.account.make_tag("logos")
    machine.account.upload(second, "x.gif", "two")
    machine.sync()
    assert machine.tree() == {"Logos/x.gif": "one", f"logos (tag {second})/x.gif": "two"}


def test_a_removed_folder_never_takes_its_tag_while_an_asset_carries_it() -> None:
    machine = in_step("A/x.gif")
    machine.rmtree("A")
    machine.sync()
    assert tag(machine, "A")
    machine.account.assets.clear()
    machine.sync()
    assert "A" not in machine.account.tags.values(), "who made a tag removes it"


def test_hidden_operations_name_their_expected_entries() -> None:
    machine = in_step("A/x.gif")
    machine.write("A/x.gif", "other")
    (op,) = machine.planned()
    assert op.action is Action.VERSION
    assert op.local is not None
    assert op.remote is not None
