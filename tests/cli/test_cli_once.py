"""`fluxsync --once`: what it prints, and how it exits."""

import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest
from cli_world import READER, World, messages

from fluxsync.sandbox.server import Sandbox

KEYS = [
    "result",
    "uploaded",
    "versions",
    "downloaded",
    "moved_local",
    "moved_remote",
    "trashed_local",
    "trashed_remote",
    "conflicts",
    "failed",
    "held",
    "unchanged",
    "bytes_up",
    "bytes_down",
    "requests",
    "seconds",
    "failures",
]


def test_a_pass_brings_both_sides_in_step(world: World) -> None:
    """Exit 0; what was done is said in words on stdout."""
    world.write("Clients/Acme/logo.txt", "logo")
    world.sandbox.store.create_asset("poster.txt", b"poster!", tags=["Print"])
    done = world.run("--once")
    assert done.returncode == 0, done.stderr
    lines = [line.strip() for line in done.stdout.splitlines()]
    assert lines[:2] == ["1 sent", "1 fetched"]
    assert lines[2].startswith("in step: 2 files; 4 bytes up, 7 bytes down")
    assert (world.root / "Print/poster.txt").read_text() == "poster!"
    assert messages(done.stderr) == []


@pytest.mark.parametrize("arguments", [("--once", "--json"), ("--json", "--once")])
def test_json_is_one_document_with_these_keys(world: World, arguments: tuple[str, ...]) -> None:
    """Nothing else is on stdout."""
    world.write("a.txt", "a")
    done = world.run(*arguments)
    document = json.loads(done.stdout)
    assert list(document) == KEYS
    assert document["result"] == "in-step"
    assert document["uploaded"] == 1
    assert document["bytes_up"] == 1


def test_log_lines_name_each_operation(world: World) -> None:
    """Where no terminal is, each done operation is an event with path, action and bytes."""
    world.write("a.txt", "abc")
    done = world.run("--once", "--log-format", "json")
    events = [json.loads(line) for line in done.stderr.splitlines()]
    (created,) = [event for event in events if event.get("action") == "create"]
    assert (created["path"], created["bytes"], created["level"]) == ("a.txt", 3, "info")


def test_a_dry_run_prints_the_plan_and_touches_nothing(world: World) -> None:
    """Neither folder, nor account, nor journal."""
    world.write("a.txt", "a")
    world.sandbox.store.create_asset("b.txt", b"bb")
    before = sorted(path.name for path in world.home.rglob("*") if "account" not in path.parts)
    done = world.run("--once", "--dry-run")
    assert done.returncode == 0
    assert "send: 1, 1 byte\n" in done.stdout
    assert "fetch: 1, 2 bytes\n" in done.stdout
    assert "nothing was touched" in done.stdout
    document = world.document("--once", "--dry-run")
    assert list(document) == [*KEYS, "plan"]
    assert [set(step) for step in document["plan"]] == [{"action", "path", "asset_id", "why"}] * 2
    assert {step["action"] for step in document["plan"]} == {"create", "download"}
    assert (document["uploaded"], document["downloaded"]) == (1, 1)
    assert sorted(path.name for path in world.home.rglob("*") if "account" not in path.parts) == before
    assert len(world.sandbox.store.assets()) == 1


def test_a_dry_run_says_what_renames_will_send(world: World) -> None:
    """No request renames an asset: its bytes go up again."""
    world.write("old.txt", "12345")
    world.run("--once")
    (world.root / "old.txt").rename(world.root / "new.txt")
    done = world.run("--once", "--dry-run")
    assert "renaming sends 1 file again, 5 bytes" in done.stdout


def test_a_file_that_cannot_be_sent_is_named(world: World) -> None:
    """Exit 1, its path and reason on stderr, the others in step."""
    world.write("good.txt", "good")
    with open(os.fsencode(world.root) + b"/caf\xe9.txt", "wb") as file:
        file.write(b"latin-1 name")
    done = world.run("--once")
    assert done.returncode == 1
    (line,) = messages(done.stderr)
    assert line.startswith("caf")
    assert ": " in line
    assert "1 file failed, the rest is in step: 1 file" in done.stdout
    document = world.document("--once")
    assert document["result"] == "partial"
    assert document["failed"] == 1
    assert set(document["failures"][0]) == {"path", "reason"}
    assert [asset.filename for asset in world.sandbox.store.assets()] == ["good.txt"]


#: Starts a program for whom permissions hold, even where it is root's.
WITHOUT_PRIVILEGE = (
    sys.executable,
    "-c",
    "import ctypes, os, sys\n"
    "for capability in (1, 2):  # CAP_DAC_OVERRIDE, CAP_DAC_READ_SEARCH, out of the bounding set\n"
    "    ctypes.CDLL(None).prctl(24, capability, 0, 0, 0)\n"
    "os.execv(sys.argv[1], sys.argv[1:])",
)


@pytest.mark.skipif(sys.platform != "linux" and os.geteuid() == 0, reason="root reads everything")
def test_an_unreadable_file_is_named(world: World) -> None:
    """Permissions count: exit 1, and the others are in step."""
    world.write("good.txt", "good")
    world.write("secret.txt", "secret")
    (world.root / "secret.txt").chmod(0)
    done = world.run("--once", before=WITHOUT_PRIVILEGE if os.geteuid() == 0 else ())
    assert done.returncode == 1, done.stderr
    (line,) = messages(done.stderr)
    assert line.startswith("secret.txt: ")
    assert [asset.filename for asset in world.sandbox.store.assets()] == ["good.txt"]


def test_more_deletions_than_allowed_are_held_back(world: World) -> None:
    """Exit 4; the limit is named once, each file below it, the cure last; --approve lets them through."""
    for number in range(24):
        world.write(f"f{number}.txt", str(number))
    world.run("--once")
    for number in range(12):
        (world.root / f"f{number}.txt").unlink()
    world.write("new.txt", "new")
    done = world.run("--once")
    assert done.returncode == 4
    lines = messages(done.stderr)
    (reason,) = [line for line in lines if "held back: " in line]
    assert "12 deletions on the account over the last hour, more than the limit of 10" in reason
    assert "([safety] max_delete)" in reason
    assert lines[1:-1] == sorted(f"  f{number}.txt" for number in range(12))
    assert "`fluxsync approve`" in lines[-1]
    status = world.document("status")
    assert (status["state"], len(status["held"])) == ("held", 12)
    planned = world.run("--once", "--dry-run", "--json")
    assert planned.returncode == 4
    assert [step["action"] for step in json.loads(planned.stdout)["plan"]] == ["hold"] * 12
    done = world.run("--once", "--approve", "--json")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["trashed_remote"] == 12
    status = world.document("status")
    assert (status["state"], status["held"]) == ("in-step", [])


# -- what stops a pass -------------------------------------------------------------------------------------


def stopped(world: World, code: int, result: str, *arguments: str) -> str:
    """Run a pass that stops: one line on stderr, and a document that says the same."""
    done = world.run(*arguments, "--once", "--json")
    assert done.returncode == code, done.stderr
    (line,) = messages(done.stderr)
    assert line.startswith("fluxsync: ")
    assert "Traceback" not in done.stderr
    document = json.loads(done.stdout)
    assert list(document) == [*KEYS, "message"]
    assert document["result"] == result
    assert line == f"fluxsync: {document['message']}"
    return line


def test_a_connection_that_is_refused_is_exit_3(tmp_path: Path) -> None:
    """The service cannot be reached; nothing was lost."""
    with Sandbox(tmp_path / "account") as sandbox:
        world = World(tmp_path, sandbox)
    stopped(world, 3, "unreachable")


def test_a_wrong_password_is_exit_3_after_one_request(world: World) -> None:
    """An account is not locked out by retries."""
    world.configure(password="wrong")
    world.sandbox.clear_requests()
    done = world.run("--once", "--json")
    assert done.returncode == 3
    assert json.loads(done.stdout)["result"] == "unauthorized"
    assert [record["status"] for record in world.sandbox.requests] == [401]
    assert len(messages(done.stderr)) == 1


def test_a_right_that_is_missing_is_exit_3_and_named(world: World) -> None:
    """The user may look, and not send."""
    world.configure(username=READER.username, password=READER.password)
    world.write("a.txt", "a")
    assert "manage_assets" in stopped(world, 3, "unauthorized")


def test_a_root_without_its_marker_is_exit_4(world: World) -> None:
    """It may be another folder, or not mounted; the cure named is rebuild."""
    world.write("a.txt", "a")
    world.run("--once")
    (world.root / ".fluxsync/root-id").unlink()
    assert "fluxsync rebuild" in stopped(world, 4, "guarded")


def test_another_account_is_exit_4(world: World, tmp_path: Path) -> None:
    """What is missing there was not deleted."""
    world.write("a.txt", "a")
    world.run("--once")
    with Sandbox(tmp_path / "other") as other:
        world.configure(url=other.url)
        assert "fluxsync rebuild" in stopped(world, 4, "guarded")
    assert (world.root / "a.txt").exists()


def test_a_root_that_was_known_and_is_gone_is_exit_4(world: World) -> None:
    """Not mounted is not a typing mistake."""
    world.run("--once")
    world.root.rename(world.home / "elsewhere")
    stopped(world, 4, "guarded")


def test_a_second_fluxsync_is_exit_5(world: World) -> None:
    """The lock of the first one holds."""
    world.run("--once")
    holder = (
        "import filelock, sys; lock = filelock.FileLock(sys.argv[1]); lock.acquire();"
        "print('held', flush=True); input()"
    )
    with subprocess.Popen(
        [sys.executable, "-c", holder, str(world.root / ".fluxsync/lock")],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "held\n"
        stopped(world, 5, "locked")
        process.communicate("\n")


class Gate:
    """Holds back the answers to uploads until it is opened."""

    def __init__(self) -> None:
        self.arrived = threading.Event()
        self.open = threading.Event()

    def __call__(self, application: Any) -> Any:
        def gated(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
            if environ["REQUEST_METHOD"] == "POST":
                self.arrived.set()
                self.open.wait(60)
            answer: Iterable[bytes] = application(environ, start_response)
            return answer

        return gated


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_pass_is_exit_130_and_goes_on_later(tmp_path: Path, number: int) -> None:
    """One line, no trace of the inside; the next run ends in step, and sends nothing twice."""
    gate = Gate()
    with Sandbox(tmp_path / "account", middleware=gate) as sandbox:
        world = World(tmp_path, sandbox)
        for name in range(4):
            world.write(f"{name}.txt", f"text {name}")
        with world.start("--once") as process:
            assert gate.arrived.wait(30)
            process.send_signal(number)
            gate.open.set()
            out, err = process.communicate(timeout=30)
        assert process.returncode == 130
        assert out == ""
        assert messages(err) == ["fluxsync: interrupted: the next run continues"]
        assert world.document("status")["in_step_since"] is None
        done = world.run("--once", "--json")
        assert done.returncode == 0, done.stderr
        assert len(sandbox.store.assets()) == 4


def test_status_sees_a_pass_that_runs_and_one_that_was_killed(tmp_path: Path) -> None:
    """Working while somebody holds the lock; cut short, and not in step, when nobody does any more."""
    gate = Gate()
    with Sandbox(tmp_path / "account", middleware=gate) as sandbox:
        world = World(tmp_path, sandbox)
        world.write("a.txt", "a")
        with world.start("--once") as process:
            assert gate.arrived.wait(30)
            assert world.document("status")["state"] == "working"
            assert "is running" in world.run("status").stdout
            process.kill()
            process.communicate(timeout=30)
        status = world.document("status")
        assert (status["state"], status["in_step_since"]) == ("waiting", None)
        assert [row["path"] for row in status["waiting"]] == ["a.txt"]
        assert "was cut short" in world.run("status").stdout
        gate.open.set()


def test_a_reader_that_goes_away_ends_nothing(world: World) -> None:
    """The pass is made, and no error is printed, whoever reads stdout."""
    world.write("a.txt", "a")
    read, write = os.pipe()
    os.close(read)
    process = subprocess.run(
        [sys.executable, "-m", "fluxsync.cli.main", "--config", str(world.config), "--once", "--json"],
        stdout=write,
        stderr=subprocess.PIPE,
        env=world.env,
        text=True,
        check=False,
    )
    os.close(write)
    assert process.returncode == 0
    assert messages(process.stderr) == []
    assert len(world.sandbox.store.assets()) == 1


# -- rebuild -----------------------------------------------------------------------------------------------


def test_rebuild_merges_a_folder_that_lost_its_marker(world: World) -> None:
    """Nothing is deleted; what one side lacks comes from the other."""
    world.write("a.txt", "a")
    world.write("b.txt", "b")
    world.run("--once")
    (world.root / ".fluxsync/root-id").unlink()
    (world.root / "b.txt").unlink()
    asked = world.run("rebuild")
    assert asked.returncode == 2
    assert "--yes" in asked.stderr
    done = world.run("rebuild", "--yes", "--json")
    assert done.returncode == 0, done.stderr
    document = json.loads(done.stdout)
    assert (document["unchanged"], document["downloaded"], document["trashed_remote"]) == (1, 1, 0)
    assert (world.root / "b.txt").read_text() == "b"
    assert world.run("--once").returncode == 0


def test_rebuild_takes_up_another_account(world: World, tmp_path: Path) -> None:
    """On purpose, it is the cure that the safety rule names."""
    world.write("a.txt", "a")
    world.run("--once")
    with Sandbox(tmp_path / "other") as other:
        world.configure(url=other.url)
        assert world.run("--once").returncode == 4
        assert world.run("rebuild", "--yes").returncode == 0
        assert [asset.filename for asset in other.store.assets()] == ["a.txt"]
        assert world.run("--once").returncode == 0


def test_rebuild_takes_up_another_root(world: World) -> None:
    """A foreign marker is no obstacle."""
    world.write("a.txt", "a")
    world.run("--once")
    (world.root / ".fluxsync/root-id").write_text("0" * 32)
    assert world.run("--once").returncode == 4
    assert world.run("rebuild", "--yes").returncode == 0
    assert world.run("--once").returncode == 0
