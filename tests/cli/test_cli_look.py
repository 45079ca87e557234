"""`status`, `history`, `explain`: they read, and change nothing."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
from cli_world import World

STATUS = [
    "state",
    "in_step_since",
    "counts",
    "waiting",
    "failing",
    "conflicts",
    "held",
    "skipped",
    "moving",
    "last_pass",
    "message",
]
EVENT = ["time", "pass", "action", "path", "asset_id", "outcome", "detail", "bytes"]
EXPLAIN = ["path", "file", "asset", "journal", "decision", "why", "steps"]


@pytest.fixture
def synced(world: World) -> World:
    """Two files in step, one of them with an asset of the account's own making."""
    world.write("Clients/Acme/logo.txt", "logo")
    world.sandbox.store.create_asset("poster.txt", b"poster!", tags=["Print"])
    assert world.run("--once").returncode == 0
    return world


def test_status_before_the_first_pass(world: World) -> None:
    """Nothing is known, and the way on is said."""
    document = world.document("status")
    assert list(document) == STATUS
    assert (document["state"], document["in_step_since"]) == ("waiting", None)
    assert document["counts"]["files"] == 0
    assert "fluxsync --once" in world.run("status").stdout
    assert not (world.root / ".fluxsync").exists()


@pytest.mark.parametrize("arguments", [("status", "--json"), ("--json", "status")])
def test_status_in_step(synced: World, arguments: tuple[str, ...]) -> None:
    """From the journal alone: the account is not asked."""
    synced.sandbox.clear_requests()
    document = json.loads(synced.run(*arguments).stdout)
    assert list(document) == STATUS
    assert document["state"] == "in-step"
    assert document["in_step_since"].endswith("Z")
    assert document["counts"] == {"files": 2, "folders": 2, "bytes": 11, "kept_here": 0, "kept_there": 0}
    assert document["last_pass"]["result"] == "in-step"
    assert synced.sandbox.requests == []


@pytest.mark.parametrize(("name", "key"), [("history", "events"), ("explain", "decision")])
def test_json_is_understood_before_and_after_a_name(synced: World, name: str, key: str) -> None:
    """The same document."""
    before = synced.run("--json", name, "Print/poster.txt").stdout
    assert before == synced.run(name, "--json", "Print/poster.txt").stdout
    assert key in json.loads(before)


def test_status_names_links_and_conflicts(synced: World) -> None:
    """What is left alone, and what is kept twice."""
    (synced.root / "link").symlink_to("elsewhere")
    synced.write("Print/poster.txt", "mine")
    (asset,) = [a for a in synced.sandbox.store.assets() if a.filename == "poster.txt"]
    synced.sandbox.store.add_version(asset.id, b"theirs")
    assert synced.run("--once").returncode == 0
    document = synced.document("status")
    assert [row["path"] for row in document["skipped"]] == ["link"]
    (conflict,) = document["conflicts"]
    assert conflict["path"] == "Print/poster.txt"
    assert (synced.root / conflict["copy"]).read_text() == "mine"
    assert set(conflict) == {"path", "copy", "asset_id", "time"}
    shown = synced.run("status").stdout
    assert "in conflict (1)" in shown
    assert "skipped (1)" in shown


def test_status_says_that_no_pass_would_begin(synced: World) -> None:
    """A folder that lost its marker, then one that is not there: nobody has to run a pass to hear of it."""
    (synced.root / ".fluxsync" / "root-id").unlink()
    document = synced.document("status")
    assert document["state"] == "held"
    assert "has lost its marker" in document["message"]
    synced.root.rename(synced.home / "elsewhere")
    assert "is missing or not mounted" in synced.run("status").stdout


def test_status_of_a_root_that_is_not_there_is_wrong_configuration(world: World) -> None:
    """No journal knows it: a typing mistake, as for a pass; not a pair in which nothing was done yet."""
    world.root.rmdir()
    done = world.run("status")
    assert done.returncode == 2
    assert done.stdout == ""
    assert "there is no such folder: make it, or correct the path" in done.stderr


def test_status_says_in_words_how_the_last_pass_ended(synced: World) -> None:
    assert re.search(r"number 1, just now: in step\n", synced.run("status").stdout)
    synced.sandbox.close()
    synced.run("--once")
    assert "number 2, just now: the account could not be reached: " in synced.run("status").stdout


def test_status_offline(synced: World) -> None:
    """The last pass did not reach the account; what was in step is still known."""
    synced.sandbox.close()
    assert synced.run("--once").returncode == 3
    document = synced.document("status")
    assert document["state"] == "offline"
    assert document["counts"]["files"] == 2
    assert document["in_step_since"] is not None


def test_history_is_newest_first_and_numbered(synced: World) -> None:
    """Each event says what was done, to which asset, in which pass."""
    synced.write("Clients/Acme/logo.txt", "logo two")
    synced.run("--once")
    events = synced.document("history")["events"]
    assert [list(event) for event in events] == [EVENT] * len(events)
    newest = events[0]
    assert (newest["pass"], newest["action"], newest["path"]) == (2, "version", "Clients/Acme/logo.txt")
    assert (newest["outcome"], newest["asset_id"] > 0) == ("done", True)
    assert [event["pass"] for event in events] == sorted((e["pass"] for e in events), reverse=True)
    assert len(synced.document("history", "--limit", "1")["events"]) == 1
    shown = synced.run("history").stdout
    assert shown.index("pass 2") < shown.index("pass 1")


def test_history_of_a_path_is_that_and_what_is_below(synced: World) -> None:
    """However the path is written."""
    for path, cwd in (
        ("Clients", synced.home),
        (str(synced.root / "Clients"), synced.home),
        ("Clients/Acme/logo.txt", synced.home),
        ("logo.txt", synced.root / "Clients/Acme"),
        ("Acme", synced.root / "Clients"),
    ):
        document = synced.document("history", path, cwd=cwd)
        assert "Clients/Acme/logo.txt" in [event["path"] for event in document["events"]], path
        assert "Print/poster.txt" not in [event["path"] for event in document["events"]]


def test_history_of_what_is_gone_is_found_from_inside(synced: World) -> None:
    """Relative to where we are, though nothing is there any more."""
    (synced.root / "Clients/Acme/logo.txt").unlink()
    synced.run("--once")
    (event, _) = synced.document("history", "Acme/logo.txt", cwd=synced.root / "Clients")["events"]
    assert (event["action"], event["path"]) == ("trash-remote", "Clients/Acme/logo.txt")


def test_history_is_searched_by_path_time_action_pass_and_text(synced: World) -> None:
    """All of what is asked for has to be met."""
    (synced.root / "Clients/Acme/logo.txt").rename(synced.root / "Clients/Acme/brand.txt")
    synced.run("--once")

    def found(*options: str) -> set[tuple[str, str, int]]:
        events = synced.document("history", *options)["events"]
        return {(event["action"], event["path"], event["pass"]) for event in events}

    moved = ("version", "Clients/Acme/brand.txt", 2)
    assert found("--action", "version") == {moved}
    assert found("--action", "version", "--action", "download") == {
        moved,
        ("download", "Print/poster.txt", 1),
    }
    assert found("--pass", "2") == {moved}
    assert found("--match", "LOGO.TXT") == {moved, ("create", "Clients/Acme/logo.txt", 1)}
    assert found("Clients", "--action", "create") == {("create", "Clients/Acme/logo.txt", 1)}
    assert found("--since", "1 hour ago") == found()
    assert found("--until", "1 hour ago") == set()
    assert "Clients/Acme/logo.txt" in synced.run("history", "--pass", "2").stdout
    shown = synced.run("history", "Print", "--action", "purge")
    assert (shown.returncode, shown.stdout) == (0, "nothing of the kind was done at Print\n")


@pytest.mark.parametrize(
    "options",
    [
        ("--action", "hold"),
        ("--since", "tomorrow or so"),
        ("--pass", "-1"),
        ("--since", "1 hour ago", "--until", "2 hours ago"),
    ],
    ids=" ".join,
)
def test_a_search_of_the_history_that_makes_no_sense_is_one_line(
    synced: World, options: tuple[str, ...]
) -> None:
    done = synced.run("history", *options)
    assert (done.returncode, done.stdout) == (2, "")
    assert len(done.stderr.splitlines()) == 1


def explained(world: World, path: str, **how: Any) -> dict[str, Any]:
    document = world.document("explain", path, **how)
    assert list(document) == EXPLAIN
    return document


def test_explain_what_is_in_step(synced: World) -> None:
    """File, asset and journal agree."""
    document = explained(synced, "Clients/Acme/logo.txt")
    assert document["decision"] == "nothing"
    assert "in step" in document["why"]
    assert document["file"]["size"] == document["asset"]["size"] == document["journal"]["size"] == 4
    assert document["asset"]["folder"] == "Clients/Acme"
    assert document["asset"]["id"] == document["journal"]["asset_id"] > 0
    shown = synced.run("explain", str(synced.root / "Clients/Acme/logo.txt")).stdout
    assert "next pass nothing: in step" in shown


def test_explain_decides_as_a_pass_does(synced: World, tmp_path: Path) -> None:
    """And does nothing."""
    synced.write("Clients/Acme/logo.txt", "logo two")
    synced.write("new.txt", "new")
    (asset,) = [a for a in synced.sandbox.store.assets() if a.filename == "poster.txt"]
    synced.sandbox.store.delete_asset(asset.id)
    synced.sandbox.store.create_asset("there.txt", b"there", tags=["Print"])
    decisions = {
        path: explained(synced, path)["decision"]
        for path in ("Clients/Acme/logo.txt", "new.txt", "Print/poster.txt", "Print/there.txt")
    }
    assert decisions == {
        "Clients/Acme/logo.txt": "version",
        "new.txt": "create",
        "Print/poster.txt": "trash-local",
        "Print/there.txt": "download",
    }
    assert not (synced.root / "Print/there.txt").exists()
    assert len(synced.document("history")["events"]) == 4
    planned = synced.document("--once", "--dry-run")["plan"]
    assert {step["path"]: step["action"] for step in planned} == decisions


def test_explain_moves(synced: World) -> None:
    """The old name and the new one tell the same story."""
    (synced.root / "Clients/Acme/logo.txt").rename(synced.root / "logo.txt")
    for path in ("Clients/Acme/logo.txt", "logo.txt"):
        assert explained(synced, path)["decision"] == "move-remote", path


def test_explain_what_is_ignored_names_the_rule(synced: World) -> None:
    """Built-in, configured, or in a file."""
    synced.write(".DS_Store", "junk")
    synced.write("draft.psd", "draft")
    synced.write("notes/.fluxsyncignore", "*.txt\n")
    synced.write("notes/private.txt", "private")
    text = synced.config.read_text().replace("[remote]", 'ignore = ["*.psd"]\n\n[remote]')
    synced.config.write_text(text)
    whys = {
        path: explained(synced, path)
        for path in (".DS_Store", "draft.psd", "notes/private.txt", ".fluxsync/lock")
    }
    assert {document["decision"] for document in whys.values()} == {"ignore"}
    assert "built-in" in whys[".DS_Store"]["why"]
    assert '"*.psd"' in whys["draft.psd"]["why"]
    assert ".fluxsyncignore" in whys["notes/private.txt"]["why"]
    assert "its own" in whys[".fluxsync/lock"]["why"]


def test_explain_what_nobody_knows(synced: World) -> None:
    """A typing mistake is answered, too."""
    document = explained(synced, "nowhere.txt")
    assert (document["file"], document["asset"], document["journal"]) == (None, None, None)
    assert "nothing of this name" in document["why"]


def test_explain_does_not_say_that_what_cannot_be_looked_at_is_not_there(synced: World) -> None:
    (synced.root / "Print" / "poster.txt").unlink()
    (synced.root / "Print" / "poster.txt").symlink_to("elsewhere")
    shown = synced.run("explain", "Print/poster.txt").stdout
    assert re.search(r"folder +not known\n", shown)
    assert re.search(r"next pass +unknown: ", shown)


def test_explain_what_is_held_back(synced: World) -> None:
    """The limit is in the reason."""
    for number in range(24):
        synced.write(f"f{number}.txt", str(number))
    synced.run("--once")
    for number in range(12):
        (synced.root / f"f{number}.txt").unlink()
    document = explained(synced, "f1.txt")
    assert document["decision"] == "hold"
    assert "limit of 10" in document["why"]


def test_explain_says_why_the_last_pass_failed(synced: World) -> None:
    """The file, and the folder in its way with the key that keeps it out; no longer when it is cured."""
    synced.write("fluxsync-trash/a.txt", "a")
    assert synced.run("--once").returncode == 1
    reasons = {row["path"]: row["reason"] for row in synced.document("status")["failing"]}
    assert synced.document("explain", "fluxsync-trash/a.txt")["failed"] == reasons["fluxsync-trash/a.txt"]
    shown = synced.run("explain", "fluxsync-trash/a.txt").stdout
    assert f"in the last pass: {reasons['fluxsync-trash/a.txt']}" in shown
    assert "([sync] trash_tag)" in synced.run("explain", "fluxsync-trash").stdout
    (synced.root / "fluxsync-trash").rename(synced.root / "kept")
    assert synced.run("--once").returncode == 0
    assert "failed" not in synced.document("explain", "kept/a.txt")


def test_explain_before_the_first_pass_changes_nothing(world: World) -> None:
    """Neither the folder nor the journal."""
    world.write("a.txt", "a")
    assert explained(world, "a.txt")["decision"] == "create"
    assert not (world.root / ".fluxsync").exists()
    assert world.document("status")["last_pass"] is None


def test_names_cannot_break_lines_or_terminals(synced: World) -> None:
    """A file name with escape sequences is shown as text."""
    synced.write("evil\x1b[31m\nname.txt", "x")
    synced.run("--once")
    shown = synced.run("history").stdout + synced.run("status").stdout
    assert "\x1b" not in shown
    assert "evil\\x1b[31m\\nname.txt" in shown
