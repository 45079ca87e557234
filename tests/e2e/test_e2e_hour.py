"""Rule 4 over several passes: many small ones cannot do what one large one may not."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path

import pytest
from e2e_world import Machine, counted, live, settle, tag_id, trashed

from fluxsync.engine.report import Result
from fluxsync.sandbox.server import Sandbox

pytestmark = pytest.mark.slow

MachineFactory = Callable[..., Machine]
Numbers = Iterable[int]


@pytest.fixture
def a(machine: MachineFactory) -> Machine:
    """A machine whose limits are 20 of 40 moves, 20 new contents, 10 deletions."""
    a = machine("a", safety={"max_move": "50%", "max_edit": "50%", "max_delete": "25%"})
    for number in range(40):
        a.write(f"A/{number:03}.txt", f"content {number}")
    settle(a)
    return a


def tagged(account: Sandbox, numbers: Numbers, *tags: str) -> None:
    named = live(account)
    for number in numbers:
        account.store.set_tags(named[f"{number:03}.txt"].id, tags)


# -- moves because of one tag


@pytest.mark.parametrize("tags", [["B"], []], ids=["into another folder", "taken off"])
def test_moves_out_of_one_tag_are_counted_over_the_hour(
    a: Machine, account: Sandbox, tags: list[str]
) -> None:
    for start in (0, 7):
        tagged(account, range(start, start + 7), *tags)
        assert counted(a.in_step()) == {"moved_local": 7}
    tagged(account, range(14, 21), *tags)
    report = a.once()
    assert (report.result, report.moved_local, len(report.held)) == (Result.GUARDED, 0, 7)
    assert "21 moves out of A over the last hour, more than the limit of 20" in report.held[0].why
    a.clock.wait(3601)
    assert counted(a.in_step()) == {"moved_local": 7}


def test_moves_into_one_tag_count_together_wherever_they_come_from(a: Machine, account: Sandbox) -> None:
    tagged(account, range(0, 18), "B")
    a.in_step()
    a.clock.wait(3601)
    tagged(account, range(0, 12), "C")
    assert counted(a.in_step()) == {"moved_local": 12}
    tagged(account, range(18, 30), "C")
    report = a.once()
    assert (report.result, report.moved_local, len(report.held)) == (Result.GUARDED, 0, 12)
    assert "24 moves into C over the last hour" in report.held[0].why


def test_moves_because_of_different_tags_do_not_add_up(a: Machine, account: Sandbox) -> None:
    for number in range(40):
        a.move(f"A/{number:03}.txt", f"{number % 10}/{number:03}.txt")
    settle(a)
    for folder in range(10):
        tagged(account, range(folder, 40, 10), f"New {folder}")
        assert counted(a.in_step()) == {"moved_local": 4}


def test_a_tag_that_is_put_on_again_after_a_mistake_is_not_held_back(a: Machine, account: Sandbox) -> None:
    tagged(account, range(20))
    a.in_step()
    tagged(account, range(20), "A")
    assert counted(a.in_step()) == {"moved_local": 20}


def test_renaming_a_tag_again_and_again_counts_as_nothing(a: Machine, account: Sandbox) -> None:
    number = tag_id(account, "A")
    for name in ("B", "C", "D"):
        account.store.rename_tag(number, name)
        assert counted(a.in_step()) == {"moved_local": 40}
    tagged(account, range(20), "D", "x")
    assert a.once().result is Result.IN_STEP


def test_files_moved_here_count_as_nothing(a: Machine, account: Sandbox) -> None:
    for target in ("B", "C", "D"):
        for file in sorted(a.root.glob("?/*.txt")):
            a.move(str(file.relative_to(a.root)), f"{target}/{file.name}")
        settle(a)
    tagged(account, range(20), "E")
    assert counted(a.in_step()) == {"moved_local": 20}


def test_approved_moves_do_not_count_again(a: Machine, account: Sandbox) -> None:
    tagged(account, range(30))
    assert a.once().result is Result.GUARDED
    assert a.once(approved=True).moved_local == 30
    tagged(account, range(30, 40))
    assert counted(a.in_step()) == {"moved_local": 10}


def test_assets_leaving_the_trash_are_counted_over_the_hour(a: Machine, account: Sandbox) -> None:
    a.set("safety", max_delete="100%")
    for number in range(30):
        a.remove(f"A/{number:03}.txt")
    settle(a)
    a.clock.wait(3601)
    a.set("safety", max_move="25%")

    def restore(numbers: Numbers) -> None:
        named = trashed(account)
        for number in numbers:
            account.store.set_tags(named[f"{number:03}.txt"].id, ["A"])

    restore(range(6))
    assert counted(a.in_step())["downloaded"] == 6
    restore(range(6, 10))
    assert counted(a.in_step())["downloaded"] == 4
    restore([10])
    report = a.once()
    assert (report.result, report.downloaded, len(report.held)) == (Result.GUARDED, 0, 1)
    assert "11 assets out of the trash over the last hour" in report.held[0].why
    assert a.once(approved=True).downloaded == 1
    a.clock.wait(3601)
    restore(range(11, 21))
    assert counted(a.in_step())["downloaded"] == 10


# -- new contents


def edit(a: Machine, account: Sandbox, side: str, numbers: Numbers, text: str) -> None:
    named = live(account)
    for number in numbers:
        if side == "here":
            a.write(f"A/{number:03}.txt", f"{text} {number}")
        else:
            account.store.add_version(named[f"{number:03}.txt"].id, f"{text} {number}".encode())


SIDES = pytest.mark.parametrize("side", ["here", "there"])


@SIDES
def test_new_contents_are_counted_over_ten_minutes_on_either_side(
    a: Machine, account: Sandbox, side: str
) -> None:
    for number in range(4):
        edit(a, account, side, range(5 * number, 5 * number + 5), f"draft {number}")
        assert a.once().result is Result.IN_STEP
    edit(a, account, side, [20], "one too many")
    report = a.once()
    assert (report.result, len(report.held)) == (Result.GUARDED, 1)
    assert "21 new contents" in report.held[0].why
    assert "over the last ten minutes" in report.held[0].why
    a.clock.wait(601)
    assert a.once().result is Result.IN_STEP


@SIDES
def test_approved_new_contents_do_not_count_again(a: Machine, account: Sandbox, side: str) -> None:
    edit(a, account, side, range(30), "encrypted")
    assert a.once().result is Result.GUARDED
    assert a.once(approved=True).result is Result.IN_STEP
    edit(a, account, side, range(20), "edited")
    assert a.once().result is Result.IN_STEP


def test_what_is_sent_or_fetched_for_the_first_time_is_no_new_content(a: Machine, account: Sandbox) -> None:
    for number in range(100, 160):
        a.write(f"A/{number}.txt", f"new {number}")
        account.store.create_asset(f"{number} there.txt", f"new there {number}".encode(), tags=["B"])
    report = a.in_step()
    assert (report.uploaded, report.downloaded) == (60, 60)
    edit(a, account, "here", range(20), "edited")
    edit(a, account, "there", range(20, 40), "edited")
    assert counted(a.in_step())["versions"] == 20


def test_renames_are_no_new_contents_though_they_send_versions(a: Machine, account: Sandbox) -> None:
    for number in range(40):
        a.move(f"A/{number:03}.txt", f"A/renamed {number:03}.txt")
    assert counted(a.in_step())["versions"] == 40


def test_files_that_a_loss_of_power_cut_short_are_fetched_whatever_the_limit(
    machine: MachineFactory, a: Machine, account: Sandbox
) -> None:
    b = machine("b", safety={"max_edit": "25%"})
    b.in_step()
    whole = b.tree()
    for path in b.paths()[:30]:
        cut_short(b.path(path))
    assert counted(b.in_step())["downloaded"] == 30
    assert b.tree() == whole
    edit(a, account, "there", range(10), "edited")
    assert b.once().result is Result.IN_STEP, "what was brought again does not count"


def cut_short(path: Path) -> None:
    """Take a file's content away as a loss of power does: its times stay."""
    import os

    times = path.stat()
    with open(path, "r+b") as file:
        file.truncate(0)
    os.utime(path, ns=(times.st_atime_ns, times.st_mtime_ns))


@pytest.mark.parametrize("conflict", ["keep-both", "remote", "local"])
def test_conflicts_are_new_contents_over_ten_minutes_whoever_wins(
    a: Machine, account: Sandbox, conflict: str
) -> None:
    a.set("sync", conflict=conflict)
    a.set("safety", max_edit="20")
    for start in (0, 10):
        edit(a, account, "here", range(start, start + 10), "mine")
        edit(a, account, "there", range(start, start + 10), "theirs")
        assert a.once().result is Result.IN_STEP
    edit(a, account, "here", [20], "mine")
    edit(a, account, "there", [20], "theirs")
    report = a.once()
    assert (report.result, len(report.held)) == (Result.GUARDED, 1)


# -- deletions


@SIDES
def test_deletions_one_by_one_are_held_back_at_the_limit(a: Machine, account: Sandbox, side: str) -> None:
    for number in range(12):
        if side == "here":
            a.remove(f"A/{number:03}.txt")
        else:
            account.store.delete_asset(live(account)[f"{number:03}.txt"].id)
        report = a.once()
        assert (report.result is Result.GUARDED) == (number >= 10)
        assert len(report.held) == max(0, number - 9)
    assert "12 deletions" in report.held[0].why
    other = live(account) if side == "here" else a.paths()
    assert len(other) == 30


@SIDES
def test_the_most_that_was_tracked_in_the_hour_counts(a: Machine, account: Sandbox, side: str) -> None:
    """A quarter of 40 is ten, of what is left each time it would be less and less."""
    a.set("safety", max_delete="50%")

    def delete(numbers: Numbers) -> None:
        for number in numbers:
            if side == "here":
                a.remove(f"A/{number:03}.txt")
            else:
                account.store.delete_asset(live(account)[f"{number:03}.txt"].id)

    delete(range(12))
    assert a.once().result is Result.IN_STEP
    delete(range(12, 20))
    assert a.once().result is Result.IN_STEP
    delete([20])
    assert a.once().result is Result.GUARDED
    a.clock.wait(3601)
    assert a.once().result is Result.IN_STEP, "twenty are tracked now, and ten may go"
    delete(range(21, 31))
    assert a.once().result is Result.GUARDED


def test_a_folder_that_a_person_emptied_is_an_ordinary_deletion(
    machine: MachineFactory, account: Sandbox
) -> None:
    """The marker shows that it is the very folder, and the trash of the account has everything."""
    small = machine("small")
    small.write("one.txt", "1")
    small.write("two.txt", "2")
    settle(small)
    small.remove("one.txt")
    small.remove("two.txt")
    assert counted(small.in_step()) == {"trashed_remote": 2}
    assert len(trashed(account)) == 2


def test_a_large_folder_that_is_suddenly_empty_is_held_back(a: Machine, account: Sandbox) -> None:
    a.remove("A")
    report = a.once()
    assert (report.result, len(report.held)) == (Result.GUARDED, 40)
    assert len(live(account)) == 40
