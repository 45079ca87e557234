"""The limit on new contents counts assets, not saves: somebody who saves often is no malware."""

from __future__ import annotations

from collections.abc import Callable

from e2e_world import Machine, files, live, settle

from fluxsync.engine.report import Result
from fluxsync.sandbox.server import Sandbox


def test_a_file_that_is_saved_over_and_over_is_never_held_back(
    machine: Callable[..., Machine], account: Sandbox
) -> None:
    a = machine("a")
    files(a, 5)
    settle(a)
    for number in range(15):
        a.write("A/000.txt", f"saved {number} times")
        assert a.once().result is Result.IN_STEP
    assert live(account)["000.txt"].version == 15


def test_many_files_of_which_some_were_saved_before_are_counted_once_each(
    machine: Callable[..., Machine], account: Sandbox
) -> None:
    """Eight that were saved before and eleven more are nineteen new contents in ten minutes, not more."""
    a = machine("a", safety={"max_edit": "19"})
    files(a, 30)
    settle(a)
    for number in range(8):
        a.write(f"A/{number:03}.txt", f"first edit {number}")
    assert a.once().result is Result.IN_STEP
    for number in range(19):
        a.write(f"A/{number:03}.txt", f"second edit {number}")
    assert a.once().result is Result.IN_STEP
    a.write("A/020.txt", "one more")
    report = a.once()
    assert report.result is Result.GUARDED
    assert [held.change.path for held in report.held] == ["A/020.txt"]
