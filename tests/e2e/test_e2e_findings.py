"""What people met when they used it, kept as tests."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from e2e_world import TRASH_TAG, asset_id, differences, put_tags, settle, trashed

from fluxsync.engine.report import Result
from fluxsync.sandbox.server import Sandbox


def test_a_folder_that_got_its_tag_by_a_moved_file_is_renamed_as_a_whole(
    machine: Callable[..., Any], account: Sandbox
) -> None:
    """The other machine had it as a folder on the way only; it must not be split there."""
    a, b = machine("a"), machine("b")
    a.write("new/deep/utils.py", "utils")
    a.write("case.py", "case")
    settle(a, b)
    a.move("case.py", "new/case.py")
    a.in_step()
    b.in_step()
    a.move("new", "newer")
    a.in_step()
    report = b.once()
    assert (report.moved_local, report.moved_remote, report.uploaded) == (2, 0, 0)
    settle(a, b)
    assert set(a.tree()) == {"newer/deep/utils.py", "newer/case.py"}
    assert differences(a, b) == ""


def test_new_content_for_a_trashed_asset_whose_trash_tag_is_gone_comes_back(
    machine: Callable[..., Any], account: Sandbox
) -> None:
    a = machine("a")
    a.write("A/one.txt", "1")
    a.write("A/two.txt", "2")
    settle(a)
    number = asset_id(account, "one.txt")
    a.remove("A/one.txt")
    settle(a)
    account.store.delete_tag(next(tag.id for tag in account.store.tags() if tag.name == TRASH_TAG))
    account.store.add_version(number, b"new", "one.txt")
    a.write("A/three.txt", "3")
    settle(a)
    assert a.read("A/one.txt") == b"new"
    assert "A/three.txt" in a.tree()


def test_another_mapping_lifts_no_limit_on_new_contents(
    machine: Callable[..., Any], account: Sandbox
) -> None:
    a = machine("a")
    names = [f"A/{number}.txt" for number in range(30)]
    for name in names:
        a.write(name, name)
    settle(a)
    for name in names:
        account.store.add_version(asset_id(account, name[2:]), b"encrypted", name[2:])
    assert a.once().result is Result.GUARDED
    changed = machine("a", mapping={"labels": ["press"]})
    assert changed.once().result is Result.GUARDED
    assert changed.read("A/1.txt") == b"A/1.txt"


def test_an_asset_that_was_retagged_and_then_trashed_from_here_comes_back_to_its_new_folder(
    machine: Callable[..., Any], account: Sandbox
) -> None:
    a, b = machine("a"), machine("b")
    a.write("G/other.txt", "other")
    a.write("one.txt", "1")
    settle(a, b)
    put_tags(account, "one.txt", "G")
    b.in_step()
    number = asset_id(account, "one.txt")
    a.remove("one.txt")
    a.in_step()
    account.store.set_tags(number, ["G"])  # the trash tag comes off
    settle(a, b)
    assert differences(a, b) == ""
    assert set(a.tree()) == {"G/one.txt", "G/other.txt"}


def test_a_file_deleted_here_that_was_only_renamed_on_the_account_goes_to_the_trash_there(
    machine: Callable[..., Any], account: Sandbox
) -> None:
    """The account's own rename has no comment that names its content; only the bytes tell that it is old."""
    a = machine("a")
    a.write("A/one.txt", "1")
    a.write("A/two.txt", "2")
    settle(a)
    account.store.add_version(asset_id(account, "one.txt"), b"1", "renamed.txt")
    account.store.add_version(asset_id(account, "two.txt"), b"3", "edited.txt")
    a.remove("A/one.txt")
    a.remove("A/two.txt")
    settle(a)
    assert a.tree() == {"A/edited.txt": b"3"}
    assert set(trashed(account)) == {"renamed.txt"}


def test_a_file_that_came_down_under_its_id_before_a_kill_is_not_sent_as_a_new_one(
    machine: Callable[..., Any], account: Sandbox
) -> None:
    a = machine("a")
    a.write("A/one.txt", "1")
    settle(a)
    number = account.store.create_asset("one.txt", b"another one", tags=["A"])
    a.write(f"A/one ({number}).txt", "another one")  # as a pass leaves it that was killed right then
    settle(a)
    assert set(a.tree()) == {"A/one.txt", f"A/one ({number}).txt"}
    assert len(account.store.assets()) == 2
