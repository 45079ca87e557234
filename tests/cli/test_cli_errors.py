"""Wrong usage and configuration: exit 2, one line that names the setting and the cure, nothing touched."""

import socket
from collections.abc import Callable
from pathlib import Path

import pytest
from cli_world import World, messages

Breaking = Callable[[World], object]


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def refused(world: World, *arguments: str, **how: object) -> str:
    """Return the one line on stderr; nothing was made, and the account was not asked."""
    world.sandbox.clear_requests()
    done = world.run(*arguments, **how)
    assert done.returncode == 2, done.stderr
    assert done.stdout == ""
    (line,) = messages(done.stderr)
    assert line.startswith("fluxsync: ")
    assert world.sandbox.requests == []
    assert not (world.root / ".fluxsync").exists()
    return line


def missing(world: World) -> None:
    world.config.unlink()


def not_toml(world: World) -> None:
    world.config.write_text("[local\n")


def unknown_key(world: World) -> None:
    world.configure("[safety]\nmax_deletes = 5")


def wrong_type(world: World) -> None:
    world.configure(connections="eight")


def no_root(world: World) -> None:
    world.root.rmdir()


def root_is_a_file(world: World) -> None:
    world.root.rmdir()
    world.root.write_text("a file")


def root_inside_another(world: World) -> None:
    (world.home / ".fluxsync").mkdir()


def root_around_another(world: World) -> None:
    (world.root / "inner/.fluxsync").mkdir(parents=True)


def plain_http(world: World) -> None:
    world.configure(url="http://acme.fluxiom.com")


def readable_password(world: World) -> None:
    world.config.chmod(0o644)


def failing_password_command(world: World) -> None:
    world.configure(password="", password_command="false")


def no_password(world: World) -> None:
    world.configure(password="")


@pytest.mark.parametrize(
    ("breaks", "named"),
    [
        pytest.param(missing, "there is no configuration", id="missing file"),
        pytest.param(not_toml, "no valid TOML", id="not TOML"),
        pytest.param(unknown_key, "did you mean max_delete?", id="unknown key"),
        pytest.param(wrong_type, "[remote] connections", id="wrong type"),
        pytest.param(no_root, "[local] root", id="root missing"),
        pytest.param(root_is_a_file, "is a file", id="root is a file"),
        pytest.param(root_inside_another, "lies inside the root", id="root inside another"),
        pytest.param(root_around_another, "lies inside of it", id="root around another"),
        pytest.param(plain_http, "allow_http", id="plain http to a far host"),
        pytest.param(readable_password, "chmod 600", id="password that others can read"),
        pytest.param(failing_password_command, "password_command", id="failing password command"),
        pytest.param(no_password, "FLUXSYNC_REMOTE__PASSWORD", id="no password"),
    ],
)
def test_a_wrong_configuration_is_one_line(world: World, breaks: Breaking, named: str) -> None:
    """It names the setting and the cure."""
    breaks(world)
    if breaks in (failing_password_command, no_password):
        done = world.run("--once")
        assert done.returncode == 2
        (line,) = messages(done.stderr)
    else:
        line = refused(world, "--once")
    assert named in line


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        (("--dry-run",), "--once"),
        (("--json",), "--json goes together with --once or a command"),
        (("--approve",), "--once"),
        (("--once", "status"), "--once"),
        (("--onec",), "--onec"),
        (("nonsense",), "nonsense"),
        (("explain",), "PATH"),
        (("explain", "."), "root"),
        (("explain", "/etc/passwd"), "outside of the root"),
        (("history", "--limit", "0"), "--limit"),
        (("conflicts", "resolve", "a.txt"), "Choose from: local, remote, both"),
        (("rebuild",), "--yes"),
        (("sandbox", "--quota", "much"), "2 GB"),
        (("sandbox", "--username", "a:b"), "--username"),
    ],
)
def test_wrong_usage_is_one_line(world: World, arguments: tuple[str, ...], named: str) -> None:
    """It names what was wrong."""
    assert named in refused(world, *arguments)


def test_a_default_configuration_that_is_missing_is_one_line(world: World) -> None:
    """Nobody named a file."""
    assert "there is no configuration" in refused(world, "--once", configured=False)


def test_a_port_that_is_taken_is_one_line(world: World, tmp_path: Path) -> None:
    """The cure is another port."""
    done = world.run("sandbox", "--port", str(world.sandbox.port), "--data", str(tmp_path / "other"))
    assert done.returncode == 2
    assert "--port" in messages(done.stderr)[-1]


def test_a_fault_of_fluxsync_is_one_line(world: World) -> None:
    """No traceback, but where the details are."""
    crash = world.home / "sitecustomize.py"
    crash.write_text(
        "import fluxsync.app\ndef crash(*a, **k): raise RuntimeError('boom')\nfluxsync.app.opened = crash\n"
    )
    path = f"{world.home}:{world.env['PYTHONPATH']}"
    done = world.run("--once", env={"PYTHONPATH": path})
    assert done.returncode == 1
    (line,) = messages(done.stderr)
    assert "fault of fluxsync (RuntimeError: boom)" in line
    details = Path(line.rpartition("details are in ")[2].partition(",")[0])
    assert "Traceback" in details.read_text()
    assert details.stat().st_mode & 0o077 == 0
    assert "demo" not in details.read_text().split()
