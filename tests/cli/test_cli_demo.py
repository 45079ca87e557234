"""`demo` and `sandbox`: everything at once, and nothing left behind."""

import contextlib
import json
import os
import signal
from pathlib import Path

import httpx
import pytest
from cli_world import World, messages


@pytest.fixture
def scratch(world: World) -> Path:
    """Where temporary files of the program go."""
    folder = world.home / "scratch"
    folder.mkdir()
    return folder


def test_the_demo_shows_both_directions(world: World, scratch: Path) -> None:
    """Files go both ways, an edit on each side becomes version 1, and nothing is left."""
    done = world.run("demo", configured=False, env={"TMPDIR": str(scratch)})
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    lines = done.stdout.splitlines()
    sent = next(line for line in lines if "brief.md" in line and "version 1" in line)
    fetched = next(line for line in lines if "palette.png" in line and "version 1" in line)
    assert "sent" in sent
    assert "asset" in sent
    assert "fetched" in fetched
    assert "asset" in fetched
    assert "Both sides are in step." in lines
    assert list(scratch.iterdir()) == []
    assert not (world.home / ".local").exists()


def test_the_demo_as_a_document(world: World, scratch: Path) -> None:
    """Both passes, and the two versions with path, asset and number."""
    document = world.document("demo", configured=False, env={"TMPDIR": str(scratch)})
    first, second = document["passes"]
    assert (first["uploaded"], first["downloaded"]) == (13, 8)
    assert (second["versions"], second["downloaded"], second["unchanged"]) == (1, 1, 19)
    assert [(v["direction"], v["version"]) for v in document["versions"]] == [("down", 1), ("up", 1)]
    assert all(v["asset_id"] > 0 for v in document["versions"])
    assert document["kept"] is None


def test_a_kept_demo_can_be_used(world: World, scratch: Path) -> None:
    """Folder, account and configuration stay; the commands that it names work."""
    place = world.home / "kept demo"
    document = world.document("demo", "--keep", str(place), configured=False)
    assert document["kept"] == str(place)
    assert (place / "Fluxiom/Clients/Acme/Logos/acme-mark.png").stat().st_size > 1000
    assert (place / "config.toml").stat().st_mode & 0o077 == 0
    again = world.run("demo", "--keep", str(place), configured=False)
    assert again.returncode == 2
    assert "not empty" in again.stderr
    port = document["commands"][0].split()[3]
    with world.start("sandbox", "--port", port, "--data", str(place / "account"), configured=False) as server:
        assert server.stdout is not None
        assert server.stdout.readline() == f"READY http://127.0.0.1:{port}\n"
        done = world.run("--config", str(place / "config.toml"), "--once", "--json", configured=False)
        assert done.returncode == 0, done.stderr
        assert json.loads(done.stdout)["unchanged"] == 21
        server.send_signal(signal.SIGINT)
        server.communicate(timeout=30)
        assert server.returncode == 0


def test_an_interrupted_demo_leaves_nothing(world: World, scratch: Path) -> None:
    """Ctrl-C cleans up, too."""
    with world.start(
        "demo", configured=False, env={"TMPDIR": str(scratch), "PYTHONUNBUFFERED": "1"}
    ) as process:
        assert process.stdout is not None
        while "account" not in process.stdout.readline():
            pass
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=30)
    assert process.returncode == 130
    assert list(scratch.iterdir()) == []


def test_the_sandbox_serves_until_it_is_stopped(world: World, tmp_path: Path) -> None:
    """READY on stdout, sample assets, a log of requests; SIGTERM ends it with 0."""
    data, log = tmp_path / "served", tmp_path / "requests.log"
    with world.start(
        "sandbox",
        *("--port", "0", "--data", str(data), "--request-log", str(log), "--seed"),
        *("--username", "jane", "--password", "secret"),
        configured=False,
    ) as server:
        assert server.stdout is not None
        ready = server.stdout.readline()
        assert ready.startswith("READY http://127.0.0.1:")
        answer = httpx.get(f"{ready.split()[1]}/api/assets.json", auth=("jane", "secret"), trust_env=False)
        assert len(answer.json()) > 3
        server.send_signal(signal.SIGTERM)
        _, err = server.communicate(timeout=30)
    assert server.returncode == 0
    assert str(data) in messages(err)[0]
    assert json.loads(log.read_text().splitlines()[0])["user"] == "jane"


def test_a_terminal_gets_a_bar_and_no_log(world: World) -> None:
    """Progress is on stderr, for as long as it lasts; the summary on stdout stays plain."""
    pty = pytest.importorskip("pty")
    world.write("a.txt", "a" * 100_000)
    ours, theirs = pty.openpty()
    with world.start("--once", stderr=theirs, env={"TERM": "xterm-256color"}) as process:
        os.close(theirs)
        shown = b""
        # Linux says that the other end is closed with an error, others with nothing.
        with contextlib.suppress(OSError):
            while block := os.read(ours, 65536):
                shown += block
        out, _ = process.communicate(timeout=60)
    os.close(ours)
    assert process.returncode == 0
    assert "1 sent" in out
    assert b"Syncing" in shown
    assert b"[info" not in shown
