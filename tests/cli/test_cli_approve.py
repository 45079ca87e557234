"""`fluxsync approve`: what it shows, what it asks, and how it ends."""

from __future__ import annotations

import json
import os
import pty
import signal
from collections.abc import Iterable, Iterator
from pathlib import Path

import pytest
from cli_world import World, messages

from fluxsync.app import opened
from fluxsync.engine.report import Report
from fluxsync.lock import hold_lock
from fluxsync.settings import load
from fluxsync.state.journal import HeldRow, Journal

TRACKED = 48


@pytest.fixture
def held(world: World) -> World:
    """A world in which 30 of 48 deletions are held back."""
    world.configure(f'[journal]\npath = "{journal(world)}"')
    for number in range(TRACKED):
        world.write(f"f{number:02}.txt", str(number))
    once(world)
    delete(world, range(30))
    assert len(once(world).held) == 30
    return world


def journal(world: World) -> Path:
    return world.home / "journal.sqlite"


def once(world: World) -> Report:
    """Make a pass in this process, which is quicker."""
    with opened(load(world.config, {})) as app:
        return app.run()


def waiting(world: World) -> list[HeldRow]:
    """Return what the journal says is held back."""
    known = Journal.peek(journal(world))
    assert known is not None
    try:
        return known.held()
    finally:
        known.close()


def delete(world: World, numbers: Iterable[int]) -> None:
    for number in numbers:
        (world.root / f"f{number:02}.txt").unlink()


def in_trash(world: World) -> int:
    return sum("fluxsync-trash" in {tag.name for tag in a.tags} for a in world.sandbox.store.assets())


def typed(shown: int) -> Iterator[bytes]:
    """Yield what a program writes to a terminal, until it goes."""
    try:
        while more := os.read(shown, 4096):
            yield more
    except OSError:
        pass  # the other end has gone


def test_what_is_held_back_is_done_and_then_both_sides_are_in_step(held: World) -> None:
    """Exit 0, in the words of a pass; nothing is held any more."""
    done = held.run("approve", "--yes")
    assert done.returncode == 0, done.stderr
    assert "30 put into the trash on the account" in done.stdout
    assert (in_trash(held), waiting(held)) == (30, [])
    done = held.run("approve", "--list")
    assert (done.returncode, done.stdout) == (0, "nothing is held back\n")


def test_the_list_shows_each_limit_with_its_paths_and_changes_nothing(held: World) -> None:
    """Exit 0, every path below the limit that holds it."""
    done = held.run("approve", "--list")
    assert (done.returncode, done.stderr) == (0, "")
    lines = done.stdout.splitlines()
    assert lines[0].startswith(
        "held back: 30 deletions on the account over the last hour, more than the limit"
    )
    assert lines[1:] == [f"  f{number:02}.txt" for number in range(30)]
    assert in_trash(held) == 0


def test_status_says_below_its_heading_only_which_limit_it_is(held: World) -> None:
    lines = [line.strip() for line in held.run("status").stdout.splitlines()]
    assert lines[lines.index("held back (30)") + 1].startswith("30 deletions on the account")


def test_the_list_as_a_document_has_the_shape_of_status(held: World) -> None:
    """One row for each change."""
    rows = held.document("approve", "--list")["held"]
    assert [row["path"] for row in rows] == [f"f{number:02}.txt" for number in range(30)]
    assert set(rows[0]) == {"action", "path", "asset_id", "why"}
    assert {row["action"] for row in rows} == {"trash-remote"}


def test_it_wants_yes_where_nobody_can_be_asked(held: World) -> None:
    """Exit 2, nothing done."""
    done = held.run("approve")
    assert done.returncode == 2
    (line,) = messages(done.stderr)
    assert "--yes" in line
    assert (in_trash(held), len(waiting(held))) == (0, 30)


@pytest.mark.parametrize(("answer", "code", "trashed"), [("y", 0, 30), ("n", 2, 0)])
def test_it_asks_on_a_terminal_below_the_first_of_the_paths(
    held: World, answer: str, code: int, trashed: int
) -> None:
    """What it does follows the answer; a long list is cut, and says where the rest is."""
    ours, theirs = pty.openpty()
    with held.start("approve", stdin=theirs, stderr=theirs) as process:
        os.close(theirs)
        output = typed(ours)
        shown = b""
        while b"[y/N]" not in shown:
            shown += next(output)
        os.write(ours, f"{answer}\n".encode())
        for _ in output:
            pass
        process.communicate(timeout=60)
    os.close(ours)
    assert shown.count(b"  f") == 19
    assert b"and 11 more: see `fluxsync approve --list`" in shown
    assert b"Let 30 changes be done?" in shown
    assert (process.returncode, in_trash(held)) == (code, trashed)


def test_what_came_since_is_held_as_usual_and_is_exit_4(held: World) -> None:
    """The 30 are done and count no more; of the others, one is too many."""
    delete(held, range(30, 43))
    done = held.run("approve", "--yes", "--json")
    assert done.returncode == 4
    assert json.loads(done.stdout)["trashed_remote"] == in_trash(held) == 30
    assert [row.path for row in waiting(held)] == [f"f{n:02}.txt" for n in range(30, 43)]
    assert "`fluxsync approve` lets exactly this through" in messages(done.stderr)[-1]


def test_a_kill_in_the_middle_leaves_the_approval_to_the_next_pass(held: World) -> None:
    """What was approved and not done is not asked for again."""
    with held.start("approve", "--yes") as process:
        while in_trash(held) == 0 and process.poll() is None:
            pass
        process.send_signal(signal.SIGKILL)
    assert str(once(held).result) == "in-step"
    assert (in_trash(held), waiting(held)) == (30, [])


def test_another_fluxsync_on_the_folder_is_exit_5_and_approves_nothing(held: World) -> None:
    """Whoever works there goes on undisturbed."""
    with hold_lock(held.root):
        assert held.run("approve", "--yes").returncode == 5
    assert len(once(held).held) == 30


def test_status_names_the_limit_once_and_the_command(held: World) -> None:
    """The paths are below it."""
    shown = held.run("status").stdout
    assert shown.count("30 deletions on the account over the last hour") == 1
    assert "`fluxsync approve`" in shown
