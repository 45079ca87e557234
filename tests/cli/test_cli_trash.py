"""`trash` as a user runs it: list, restore, empty."""

from __future__ import annotations

import os

import pytest
from cli_world import World, messages

from fluxsync.app import opened
from fluxsync.engine.report import Result
from fluxsync.lock import hold_lock
from fluxsync.settings import load

TRASH_TAG = "fluxsync-trash"


@pytest.fixture
def full(world: World, monkeypatch: pytest.MonkeyPatch) -> World:
    """A world with something in both trashes: here.gif was deleted here, there.gif on the account."""
    monkeypatch.setenv("HOME", str(world.home))
    for name in [name for name in os.environ if name.startswith(("FLUXSYNC_", "XDG_"))]:
        monkeypatch.delenv(name)

    def once() -> None:
        with opened(load(world.config)) as app:
            assert app.run().result is Result.IN_STEP

    for name in ("here.gif", "there.gif", "stays.gif"):
        world.write(f"A/{name}", f"content of {name}")
    once()
    (world.root / "A/here.gif").unlink()
    there = next(a for a in world.sandbox.store.assets() if a.filename == "there.gif")
    world.sandbox.store.set_tags(there.id, ["A", TRASH_TAG])
    once()
    return world


def names(world: World) -> list[str]:
    return sorted(path.name for path in (world.root / "A").iterdir())


def in_trash(world: World) -> set[str]:
    tagged = [a for a in world.sandbox.store.assets() if TRASH_TAG in {tag.name for tag in a.tags}]
    return {asset.filename for asset in tagged}


def test_both_sides_are_listed_newest_first_with_size_time_reason_and_id(full: World) -> None:
    document = full.document("trash")
    assert set(document) == {"local", "remote"}
    (local,) = document["local"]
    assert (local["path"], local["size"], local["pass"]) == ("A/there.gif", 20, 2)
    assert (full.root / local["where"]).read_text() == "content of there.gif"
    assert {row["path"]: row["why"] for row in document["remote"]} == {
        "A/here.gif": "deleted here",
        "A/there.gif": "put there on the account",
    }
    times = [row["time"] for row in document["remote"]]
    assert times == sorted(times, reverse=True)
    shown = full.run("trash").stdout
    for row in (*document["local"], *document["remote"]):
        assert any(row["id"] in line and row["path"] in line for line in shown.splitlines())
    assert "pass 2, " in shown


def test_an_empty_trash_is_said(world: World) -> None:
    done = world.run("trash")
    assert done.returncode == 0
    assert done.stdout.splitlines() == [
        "in the trash here: nothing",
        "",
        "in the trash of the account: nothing",
    ]
    assert not (world.root / ".fluxsync").exists()


@pytest.mark.slow
def test_without_the_account_the_local_side_is_listed_and_one_line_says_so(full: World) -> None:
    full.configure(url="http://127.0.0.1:9", timeout=2)
    done = full.run("trash")
    assert done.returncode == 4, "another account than the journal's"
    full.configure()
    full.sandbox.close()
    done = full.run("trash", "--json")
    assert done.returncode == 3
    assert '"path": "A/there.gif"' in done.stdout
    (line,) = messages(done.stderr)
    assert line.endswith("the account's side is what the journal knows")
    assert full.run("trash", "restore", "A/there.gif").returncode == 3
    assert names(full) == ["stays.gif", "there.gif"], "a file that lies here needs no account to come back"


def test_restore_brings_back_and_ends_in_step_in_one_command(full: World) -> None:
    done = full.run("trash", "restore", "A")
    assert done.returncode == 0, done.stderr
    assert names(full) == ["here.gif", "stays.gif", "there.gif"]
    assert in_trash(full) == set()
    assert "A/there.gif  back in its place" in done.stdout
    assert "A/here.gif  out of the trash of the account" in done.stdout
    assert "in step: 3 files" in done.stdout
    assert "in step: 3 files" in full.run("--once").stdout
    assert len(full.sandbox.store.assets()) == 3


def test_restore_tells_programs_what_it_did(full: World) -> None:
    document = full.document("trash", "restore", "here.gif", cwd=full.root / "A")
    assert (document["result"], document["downloaded"]) == ("in-step", 1)
    assert [(row["path"], row["to"]) for row in document["restored"]] == [("A/here.gif", "A/here.gif")]
    document = full.document("trash", "restore", "--pass", "2")
    assert [row["path"] for row in document["restored"]] == ["A/there.gif"]


@pytest.mark.slow
def test_restore_since_a_time(full: World) -> None:
    assert full.run("trash", "restore", "--since", "1 hour ago").returncode == 0
    assert names(full) == ["here.gif", "stays.gif", "there.gif"]


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("restore",), "say what to restore"),
        (("restore", "nothing.gif"), "nothing.gif: not in the trash"),
        (("restore", "--since", "soon"), "2 hours ago"),
        (("restore", "--pass", "77"), "nothing that is in the trash came then"),
        (("empty",), "say --yes"),
    ],
    ids=" ".join,
)
def test_wrong_usage_touches_nothing(full: World, arguments: tuple[str, ...], says: str) -> None:
    before = full.sandbox.store.assets()
    done = full.run("trash", *arguments)
    assert (done.returncode, done.stdout) == (2, "")
    (line,) = messages(done.stderr)
    assert says in line
    assert (full.sandbox.store.assets(), names(full)) == (before, ["stays.gif"])


def test_empty_deletes_both_sides_for_good_and_is_in_the_history(full: World) -> None:
    done = full.run("trash", "empty", "--yes")
    assert done.returncode == 0, done.stderr
    assert done.stdout == "deleted for good: 1 file (20 bytes) here and 2 assets (39 bytes) on the account\n"
    assert [asset.filename for asset in full.sandbox.store.assets()] == ["stays.gif"]
    assert os.listdir(full.root / ".fluxsync/trash") == []
    events = [e for e in full.document("history")["events"] if e["action"] == "purge"]
    assert sorted((e["path"], bool(e["asset_id"])) for e in events) == [
        ("A/here.gif", True),
        ("A/there.gif", False),
        ("A/there.gif", True),
    ]
    assert full.run("trash", "empty", "--yes").stdout == "nothing was in the trash\n"
    assert full.run("--once").returncode == 0
    assert names(full) == ["stays.gif"]


@pytest.mark.slow
@pytest.mark.parametrize("side", ["local", "remote"])
def test_one_side_can_be_emptied_alone(full: World, side: str) -> None:
    document = full.document("trash", "empty", f"--{side}", "--yes")
    left = full.document("trash")
    other = "remote" if side == "local" else "local"
    assert (left[side], document[other]) == ([], [])
    assert left[other]
    assert document[side]


@pytest.mark.slow
def test_with_direction_down_the_account_is_never_emptied(full: World) -> None:
    full.configure('direction = "down"')
    assert full.run("trash", "empty", "--remote", "--yes").returncode == 2
    assert full.run("trash", "empty", "--yes").returncode == 0
    assert in_trash(full) == {"here.gif", "there.gif"}


def test_another_fluxsync_at_work_keeps_both_away(full: World) -> None:
    with hold_lock(full.root):
        assert full.run("trash", "restore", "A").returncode == 5
        assert full.run("trash", "empty", "--yes").returncode == 5
        assert full.run("trash").returncode == 0
    assert (names(full), in_trash(full)) == (["stays.gif"], {"here.gif", "there.gif"})


@pytest.mark.parametrize(("answer", "code"), [("y", 0), ("n", 2)])
def test_on_a_terminal_it_asks_first(full: World, answer: str, code: int) -> None:
    pty = pytest.importorskip("pty")
    ours, theirs = pty.openpty()
    try:
        os.write(ours, f"{answer}\n".encode())
        with full.start("trash", "empty", stdin=theirs, stderr=theirs) as process:
            process.communicate(timeout=60)
        asked = os.read(ours, 10_000).decode()
    finally:
        os.close(ours)
        os.close(theirs)
    assert "Delete 1 file (20 bytes) here and 2 assets (39 bytes) on the account for good?" in asked
    assert process.returncode == code
    assert bool(in_trash(full)) == (answer == "n")
