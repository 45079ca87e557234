"""Deletions that nobody meant: by a lost tag, by an account that was empty, by a file of the same name."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from e2e_world import TRASH_TAG, files, live, put_tags, settle, tag_id, trashed

from fluxsync.engine.report import Result
from fluxsync.sandbox.server import Sandbox


def test_a_lost_trash_tag_deletes_nothing_for_good_whatever_remote_delete_says(
    machine: Callable[..., Any], account: Sandbox
) -> None:
    a = machine("a")
    files(a, 3)
    settle(a)
    put_tags(account, "000.txt", "A", TRASH_TAG)
    settle(a)
    a.set("sync", remote_delete="delete")
    account.store.delete_tag(tag_id(account, TRASH_TAG))
    settle(a)
    assert set(trashed(account)) == {"000.txt"}
    assert set(live(account)) == {"001.txt", "002.txt"}


def _emptied(a: Any, account: Sandbox) -> None:
    """Let an account lose all its assets, and get one afterwards."""
    files(a, 5)
    settle(a)
    for asset in account.store.assets():
        account.store.delete_asset(asset.id)
    assert a.once().result is Result.GUARDED
    a.write("new.txt", "new")
    assert a.once().result is Result.GUARDED
    assert set(live(account)) == {"new.txt"}


def test_what_is_gone_since_the_account_was_empty_stays_in_doubt_in_a_renamed_folder(
    machine: Callable[..., Any], account: Sandbox
) -> None:
    a = machine("a")
    _emptied(a, account)
    a.move("A", "B")
    for _ in range(2):
        report = a.once()
        assert (report.result, len(report.held), a.trash()) == (Result.GUARDED, 5, {})
    assert a.once(approved=True).trashed_local == 5
    assert a.in_step().trashed_local == 0


def test_what_is_gone_since_the_account_was_empty_stays_in_doubt_while_it_cannot_be_seen(
    machine: Callable[..., Any], account: Sandbox
) -> None:
    a = machine("a")
    _emptied(a, account)
    a.path("A").rename(a.home / "A")
    a.path("A").symlink_to(a.home / "A")
    assert a.once().result is Result.PARTIAL
    a.path("A").unlink()
    (a.home / "A").rename(a.path("A"))
    report = a.once()
    assert (report.result, len(report.held), a.trash()) == (Result.GUARDED, 5, {})


def test_what_is_gone_since_the_account_was_empty_stays_in_doubt_over_another_mapping(
    machine: Callable[..., Any], account: Sandbox
) -> None:
    a = machine("a")
    _emptied(a, account)
    a.set("mapping", extra_tags=["label"])
    a.once()
    report = a.once()
    assert (report.result, len(report.held), a.trash()) == (Result.GUARDED, 5, {})


def test_no_limit_holds_back_what_the_direction_leaves_alone(
    machine: Callable[..., Any], account: Sandbox
) -> None:
    up, down = machine("up", sync={"direction": "up"}), machine("down", sync={"direction": "down"})
    paths = files(up, 24)
    settle(up, down)
    for path in paths[:12]:
        down.remove(path)
    for path in paths[12:]:
        down.write(path, f"edited {path}")
    assert down.once().result is Result.IN_STEP
    for asset in list(live(account).values())[:16]:
        account.store.delete_asset(asset.id)
    assert up.once().result is Result.IN_STEP
    assert set(up.paths()) == set(paths)


def test_with_direction_up_an_account_that_is_suddenly_empty_is_said_all_the_same(
    machine: Callable[..., Any], account: Sandbox
) -> None:
    a = machine("a", sync={"direction": "up"})
    paths = files(a, 5)
    settle(a)
    for asset in account.store.assets():
        account.store.delete_asset(asset.id)
    assert len(a.once().held) == 5
    assert a.once(approved=True).result is Result.IN_STEP
    assert a.in_step().trashed_local == 0
    assert a.paths() == paths


def test_another_file_at_the_path_of_an_asset_that_was_kept_there_does_not_bury_it(
    machine: Callable[..., Any], account: Sandbox
) -> None:
    a = machine("a", sync={"remote_delete": "keep"})
    a.write("A/logo.ai", "kept on the account")
    settle(a)
    a.remove("A/logo.ai")
    settle(a)
    a.write("A/logo.ai", "another logo")
    settle(a)
    contents = {account.store.content(asset.id) for asset in live(account).values()}
    assert contents == {b"kept on the account", b"another logo"}
    assert set(a.tree().values()) == contents
