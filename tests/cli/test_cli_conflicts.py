"""`conflicts`, `conflicts resolve` and `versions`, as a person runs them."""

import hashlib
from pathlib import Path

import pytest
from cli_world import World, messages

CONFLICT = ["path", "copy", "asset_id", "time", "remote", "local"]


def clash(world: World, *names: str) -> dict[str, str]:
    """Let files be changed on both sides; returns the conflict copy of each."""
    for name in names:
        world.write(name, "old")
    assert world.run("--once").returncode == 0
    for name in names:
        world.write(name, f"mine {name}")
        (asset,) = [a for a in world.sandbox.store.assets() if a.filename == Path(name).name]
        world.sandbox.store.add_version(asset.id, f"theirs {name}".encode())
    assert world.run("--once").returncode == 0
    return {row["path"]: row["copy"] for row in world.document("conflicts")["conflicts"]}


def tree(world: World) -> dict[str, str]:
    files = (path for path in world.root.rglob("*") if path.is_file() and ".fluxsync" not in path.parts)
    return {str(path.relative_to(world.root)): path.read_text() for path in files}


def on_the_account(world: World) -> dict[str, bytes]:
    """Return the names and contents of the assets that are in no trash."""
    store = world.sandbox.store
    live = [a for a in store.assets() if "fluxsync-trash" not in [tag.name for tag in a.tags]]
    return {asset.filename: store.content(asset.id) for asset in live}


def trashed(world: World) -> set[str]:
    return {path.read_text() for path in (world.root / ".fluxsync" / "trash").rglob("*") if path.is_file()}


def test_conflicts_are_listed(world: World) -> None:
    """Oldest first, both contents with their sizes; the account is not asked."""
    assert world.document("conflicts") == {"conflicts": []}
    assert world.run("conflicts").stdout == "no conflicts\n"
    copies = clash(world, "A/logo.txt")
    world.sandbox.clear_requests()
    (row,) = world.document("conflicts")["conflicts"]
    assert list(row) == CONFLICT
    assert row["path"] == "A/logo.txt"
    assert row["copy"] == copies["A/logo.txt"]
    assert row["remote"]["size"] == len("theirs A/logo.txt")
    assert row["local"]["sha256"] == hashlib.sha256(b"mine A/logo.txt").hexdigest()
    text = world.run("conflicts").stdout
    assert "1 conflict\n" in text
    assert "A/logo.txt" in text
    assert "conflicts resolve" in text
    assert world.sandbox.requests == []


@pytest.mark.slow
def test_a_machine_that_only_fetched_the_copy_lists_the_conflict_too(world: World, tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    other = World(tmp_path / "other", world.sandbox)
    copies = clash(world, "logo.txt")
    assert other.run("--once").returncode == 0
    (row,) = other.document("conflicts")["conflicts"]
    assert (row["path"], row["copy"]) == ("logo.txt", copies["logo.txt"])
    assert other.document("status")["conflicts"][0]["copy"] == copies["logo.txt"]


@pytest.mark.parametrize(
    ("named", "keep", "here", "thrown_away"),
    [
        ("file", "local", {"logo.txt": "mine logo.txt"}, "theirs logo.txt"),
        pytest.param(
            "copy", "remote", {"logo.txt": "theirs logo.txt"}, "mine logo.txt", marks=pytest.mark.slow
        ),
        pytest.param(
            "file",
            "both",
            {"logo.txt": "theirs logo.txt", "logo 2.txt": "mine logo.txt"},
            None,
            marks=pytest.mark.slow,
        ),
    ],
)
def test_one_conflict_is_resolved(
    world: World, named: str, keep: str, here: dict[str, str], thrown_away: str | None
) -> None:
    """Folder and account have what was kept; the rest is in the trash; nothing is in conflict any more."""
    copies = clash(world, "logo.txt")
    path = "logo.txt" if named == "file" else copies["logo.txt"]
    done = world.run("conflicts", "resolve", path, "--keep", keep)
    assert done.returncode == 0, done.stderr
    assert "logo.txt: kept" in done.stdout
    assert tree(world) == here
    assert on_the_account(world) == {name: text.encode() for name, text in here.items()}
    assert thrown_away is None or thrown_away in trashed(world)
    assert world.document("conflicts") == {"conflicts": []}
    assert world.document("status")["conflicts"] == []
    assert [e["outcome"] for e in world.document("history", "logo.txt")["events"][:1]] == ["done"]
    assert world.document("--once")["requests"] < 12


@pytest.mark.slow
def test_the_history_of_the_asset_goes_on_when_the_copy_takes_its_name(world: World) -> None:
    clash(world, "logo.txt")
    before = world.document("versions", "logo.txt")
    assert world.run("conflicts", "resolve", "logo.txt", "--keep", "local").returncode == 0
    after = world.document("versions", "logo.txt")
    assert after["asset_id"] == before["asset_id"]
    assert [row["version"] for row in after["versions"]] == [2, 1, 0]


def test_the_trash_says_rightly_why_a_settled_copy_is_there(world: World) -> None:
    copies = clash(world, "logo.txt")
    assert world.run("conflicts", "resolve", "logo.txt", "--keep", "remote").returncode == 0
    (row,) = world.document("trash")["local"]
    assert (row["path"], row["why"]) == (copies["logo.txt"], "deleted here")


def test_a_folder_stands_for_all_conflicts_in_it(world: World) -> None:
    clash(world, "A/one.txt", "A/B/two.txt", "three.txt")
    document = world.document("conflicts", "resolve", "A", "--keep", "remote")
    assert {row["path"] for row in document["resolved"]} == {"A/one.txt", "A/B/two.txt"}
    assert document["result"] == "in-step"
    assert [row["path"] for row in world.document("conflicts")["conflicts"]] == ["three.txt"]
    assert world.run("conflicts", "resolve", str(world.root), "--keep", "both").returncode == 0
    assert world.document("conflicts") == {"conflicts": []}


def test_what_is_no_conflict_is_refused_before_anything_is_done(world: World) -> None:
    copies = clash(world, "logo.txt")
    before = tree(world)
    done = world.run("conflicts", "resolve", "logo.txt", "other.txt", "--keep", "remote")
    assert done.returncode == 2
    assert messages(done.stderr) == [
        "fluxsync: nothing is in conflict at other.txt; `fluxsync conflicts` lists what is"
    ]
    assert world.run("conflicts", "resolve", "logo.txt").returncode == 2
    assert tree(world) == before
    assert list(copies) == ["logo.txt"]


@pytest.mark.slow
def test_of_two_copies_the_one_to_keep_has_to_be_named(world: World) -> None:
    clash(world, "logo.txt")
    first = next(path for path in tree(world) if path != "logo.txt")
    world.write("logo.txt", "mine again")
    (asset,) = [a for a in world.sandbox.store.assets() if a.filename == "logo.txt"]
    world.sandbox.store.add_version(asset.id, b"theirs again")
    assert world.run("--once").returncode == 0
    done = world.run("conflicts", "resolve", "logo.txt", "--keep", "local")
    assert done.returncode == 2
    assert "has 2 conflict copies: name the one to keep" in done.stderr
    assert world.run("conflicts", "resolve", first, "--keep", "local").returncode == 0
    assert tree(world)["logo.txt"] == "mine logo.txt"
    assert len(tree(world)) == 2


@pytest.mark.slow
def test_a_conflict_that_a_person_settled_by_hand_is_no_conflict(world: World) -> None:
    copies = clash(world, "one.txt", "two.txt")
    (world.root / copies["one.txt"]).unlink()
    (world.root / copies["two.txt"]).rename(world.root / "mine.txt")
    done = world.run("conflicts", "resolve", "one.txt", "--keep", "remote")
    assert done.returncode == 1
    assert "is not there any more" in done.stderr
    assert world.document("conflicts") == {"conflicts": []}
    assert world.document("status")["state"] == "in-step"


def test_versions_are_shown_newest_first_with_who_sent_them(world: World) -> None:
    world.write("logo.txt", "one")
    world.run("--once")
    world.write("logo.txt", "second")
    world.run("--once")
    document = world.document("versions", "logo.txt")
    assert list(document) == ["path", "asset_id", "versions"]
    newest, oldest = document["versions"]
    assert (newest["version"], newest["size"], newest["here"], newest["follows"]) == (1, 6, True, 0)
    assert newest["sha256"] == hashlib.sha256(b"second").hexdigest()
    assert newest["time"].endswith("Z")
    assert (oldest["version"], oldest["here"], oldest["sender"]) == (0, False, None)
    assert "this is the file here" in world.run("versions", "logo.txt").stdout


def test_versions_of_what_has_no_asset(world: World) -> None:
    done = world.run("versions", "nothing.txt")
    assert done.returncode == 2
    assert "has no asset that the journal knows" in done.stderr


def test_status_says_why_a_pass_stopped(world: World) -> None:
    world.configure(password="wrong")
    assert world.run("--once").returncode == 3
    last = world.document("status")["last_pass"]
    assert last is not None
    assert "password" in last["message"]
    assert "password" in world.run("status").stdout
