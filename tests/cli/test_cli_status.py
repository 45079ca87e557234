"""The picture of a pair, as a pure function of what the journal holds."""

from dataclasses import replace

import pytest

from fluxsync.core.model import Item, Kind, Problem, State
from fluxsync.engine.status import Counts, Status, picture, read
from fluxsync.state.journal import ConflictRow, HeldRow, Journal, PassRow, ProblemRow

NOW = 1_000_000.0
HELD = HeldRow("trash-remote", "a.txt", "7", "12 deletions are more than the limit of 10")


def a_pass(result: str, ended: float | None = NOW - 60) -> PassRow:
    return PassRow(3, NOW - 90, ended, 10, result, {})


def problem(reason: str, *, harmless: bool = False) -> ProblemRow:
    return ProblemRow(Problem("a.txt", reason, harmless), NOW - 500, 3)


def seen(
    last: PassRow | None, *problems: ProblemRow, held: tuple[HeldRow, ...] = (), **flags: bool
) -> Status:
    return picture(Counts(), problems, held, [], [], last, NOW - 60, NOW, **flags)


@pytest.mark.parametrize(
    ("status", "state"),
    [
        pytest.param(seen(None), "waiting", id="no pass yet"),
        pytest.param(seen(a_pass("in-step")), "in-step", id="in step"),
        pytest.param(
            seen(a_pass("in-step"), problem("a link", harmless=True)), "in-step", id="a link beside it"
        ),
        pytest.param(seen(a_pass("partial"), problem("refused")), "waiting", id="a file failed"),
        pytest.param(seen(a_pass("unreachable")), "offline", id="unreachable"),
        pytest.param(seen(a_pass("unauthorized")), "offline", id="unauthorized"),
        pytest.param(seen(a_pass("guarded")), "held", id="halted"),
        pytest.param(seen(a_pass("guarded"), held=(HELD,)), "held", id="held back"),
        pytest.param(seen(a_pass("", None)), "waiting", id="cut short"),
        pytest.param(seen(a_pass("", None), working=True), "working", id="working"),
        pytest.param(seen(a_pass("in-step"), paused=True), "paused", id="paused"),
        pytest.param(seen(a_pass("in-step"), stopped=True), "stopped", id="an installed service is stopped"),
        pytest.param(seen(a_pass("", None), stopped=True, working=True), "working", id="by hand meanwhile"),
    ],
)
def test_one_word_says_how_a_pair_is(status: Status, state: str) -> None:
    assert status.state == state


def test_problems_are_told_apart() -> None:
    """What waits by itself, what fails, what is left alone."""
    status = seen(
        a_pass("partial"),
        problem("open for writing in another program; it is taken up when it is closed there"),
        problem("no room"),
        problem("a symbolic link; skipped", harmless=True),
    )
    assert [len(rows) for rows in (status.waiting, status.failing, status.skipped)] == [1, 1, 1]
    assert status.failing[0].since == NOW - 500


def test_only_what_both_sides_have_is_counted() -> None:
    """What one side keeps is counted apart."""
    rows = [
        Item(1, Kind.FILE, "d/a.txt", "7", "9@tag", "a.txt", size=5),
        Item(2, Kind.FILE, "b.txt", "8", "", "b.txt", size=3, state=State.KEPT_HERE),
        Item(3, Kind.FOLDER, "d", "9@tag", "", "d"),
    ]
    conflict = ConflictRow("x", "x (conflicted copy)", "7", NOW)
    journal = Journal.in_memory()
    journal.advance([replace(row, id=0) for row in rows])
    journal.add_conflict(conflict)
    status = read(journal, NOW, working=False)
    counts = status.counts
    assert (counts.files, counts.folders, counts.bytes, counts.kept_here, counts.kept_there) == (
        1,
        1,
        5,
        1,
        0,
    )
    assert status.conflicts == (conflict,)
