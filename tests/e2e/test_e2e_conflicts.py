"""A conflict that is settled, and what can happen in the middle of that."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from e2e_world import asset_id, differences, live, settle

from fluxsync.core.model import Entry
from fluxsync.engine.conflicts import Keep
from fluxsync.errors import Busy, Stale
from fluxsync.replica.folder.replica import Folder
from fluxsync.sandbox.server import Sandbox


class Killed(BaseException):
    """The process ends here."""


@pytest.fixture
def clash(machine: Callable[..., Any], account: Sandbox) -> Any:
    """A machine with one conflict, and the row that names it."""
    a = machine("a")
    a.write("A/logo.txt", "old")
    settle(a)
    a.write("A/logo.txt", "mine")
    account.store.add_version(asset_id(account, "logo.txt"), b"theirs", "logo.txt")
    settle(a)
    with a.opened() as app:
        (row,) = app.journal.conflicts()
    return a, row


def test_killed_between_the_two_steps_both_contents_are_there_and_it_can_be_settled_again(
    clash: Any, machine: Callable[..., Any], account: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    a, row = clash

    def killed(folder: Folder, entry: Entry) -> None:
        raise Killed

    with monkeypatch.context() as patch, a.opened() as app:
        patch.setattr(Folder, "trash", killed)
        with pytest.raises(Killed):
            app.settle_conflict(row, Keep.LOCAL)
    assert a.tree() == {"A/logo.txt": b"mine", row.copy_path: b"mine"}
    assert a.trash()["A/logo.txt"][-1] == b"theirs"
    settle(a)
    with a.opened() as app:
        assert app.journal.conflicts() == [row]
        app.settle_conflict(row, Keep.LOCAL)
    settle(a)
    assert list(live(account)) == ["logo.txt"]
    b = machine("b")
    settle(a, b)
    assert a.tree() == {"A/logo.txt": b"mine"}
    assert differences(a, b) == ""


def test_a_file_saved_while_its_conflict_is_settled_is_not_lost(
    clash: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It was looked at, then somebody saved it: nothing is put in its place."""
    a, row = clash
    before = Folder.open

    def saved(folder: Folder, entry: Entry) -> Any:
        a.write("A/logo.txt", "saved a moment ago")
        return before(folder, entry)

    with monkeypatch.context() as patch, a.opened() as app:
        patch.setattr(Folder, "open", saved)
        with pytest.raises(Stale):
            app.settle_conflict(row, Keep.LOCAL)
    assert a.tree() == {"A/logo.txt": b"saved a moment ago", row.copy_path: b"mine"}


@pytest.mark.parametrize("keep", list(Keep))
def test_a_copy_that_is_open_in_a_program_is_left_alone(clash: Any, keep: Keep) -> None:
    a, row = clash
    before = a.tree()
    with a.path(row.copy_path).open("ab"), a.opened() as app, pytest.raises(Busy):
        app.settle_conflict(row, keep)
    assert a.tree() == before


def test_a_name_that_is_taken_is_not_given_to_the_second_file(clash: Any) -> None:
    a, row = clash
    a.write("A/logo 2.txt/inside.txt", "a folder")
    a.path("A/logo 3.txt").symlink_to("elsewhere")
    with a.opened() as app:
        assert "A/logo 4.txt" in app.settle_conflict(row, Keep.BOTH)
    assert a.read("A/logo 4.txt") == b"mine"


@pytest.mark.parametrize("keep", [Keep.LOCAL, Keep.REMOTE])
def test_no_limit_holds_back_what_settles_many_conflicts(
    machine: Callable[..., Any], account: Sandbox, keep: Keep
) -> None:
    a = machine("a", safety={"max_edit": "100%"})
    names = [f"A/{number}.txt" for number in range(15)]
    for name in names:
        a.write(name, "old")
    settle(a)
    for number, name in enumerate(names):
        a.write(name, f"mine {number}")
        account.store.add_version(asset_id(account, f"{number}.txt"), b"theirs", f"{number}.txt")
    settle(a)
    a.set("safety", max_edit="50%", max_delete="25%")
    with a.opened() as app:
        for row in app.journal.conflicts():
            app.settle_conflict(row, keep)
    settle(a)
    assert a.paths() == sorted(names)
    mine = {name: f"mine {number}".encode() for number, name in enumerate(names)}
    assert a.tree() == (mine if keep is Keep.LOCAL else dict.fromkeys(names, b"theirs"))
    for name in names[:11]:
        a.remove(name)
    assert a.once().held, "what was asked for then covers nothing else"


@pytest.mark.parametrize("keep", [Keep.LOCAL, Keep.REMOTE])
def test_where_the_file_itself_was_removed_meanwhile_its_copy_is_not_taken_away_too(
    clash: Any, keep: Keep
) -> None:
    a, row = clash
    a.remove(row.path)
    with a.opened() as app, pytest.raises(Stale):
        app.settle_conflict(row, keep)
    settle(a)
    assert a.tree() == {row.copy_path: b"mine"}
