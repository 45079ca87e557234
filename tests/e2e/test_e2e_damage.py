"""Contract section 5, damage; and folders that the account shows empty."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

from e2e_world import asset_id, counted, differences, settle

from fluxsync.sandbox.server import Sandbox


def test_a_file_cut_short_without_being_saved_is_brought_again(
    machine: Callable[..., Any], account: Sandbox
) -> None:
    """A loss of power leaves a file empty under the time that fluxsync gave it."""
    a, b = machine("a"), machine("b")
    a.write("A/one.txt", "the whole content")
    settle(a, b)
    path = b.root / "A/one.txt"
    before = path.stat()
    os.truncate(path, 0)
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    report = b.once()
    assert (report.downloaded, report.versions) == (1, 0)
    assert b.read("A/one.txt") == b"the whole content"
    assert account.store.asset(asset_id(account, "one.txt")).version == 0


def test_a_file_cut_short_that_may_not_be_brought_again_is_named(
    machine: Callable[..., Any], account: Sandbox
) -> None:
    a, b = machine("a"), machine("b")
    a.write("A/one.txt", "the whole content")
    settle(a, b)
    stamp = b.path("A/one.txt").stat()
    os.truncate(b.path("A/one.txt"), 3)
    os.utime(b.path("A/one.txt"), ns=(stamp.st_atime_ns, stamp.st_mtime_ns))
    b.set("sync", direction="up")
    for report in (b.once(dry_run=True), b.once()):
        assert "direction is up" in report.failures["A/one.txt"]
        assert counted(report) == {}
    assert a.read("A/one.txt") == account.store.content(asset_id(account, "one.txt")) == b"the whole content"


def test_a_file_that_somebody_saved_empty_is_an_edit(machine: Callable[..., Any], account: Sandbox) -> None:
    a, b = machine("a"), machine("b")
    a.write("A/one.txt", "the whole content")
    settle(a, b)
    b.write("A/one.txt", "")
    settle(b, a)
    assert a.read("A/one.txt") == b""
    assert account.store.asset(asset_id(account, "one.txt")).version == 1


def test_a_folder_whose_last_file_was_moved_away_stays_on_both_sides(
    machine: Callable[..., Any], account: Sandbox
) -> None:
    """A tag without any asset is an empty folder, on every machine alike."""
    a, b = machine("a"), machine("b")
    a.write("A/one.txt", "1")
    a.write("B/two.txt", "2")
    settle(a, b)
    a.move("A/one.txt", "B/one.txt")
    settle(a, b)
    assert (a.root / "A").is_dir()
    assert differences(a, b) == ""
