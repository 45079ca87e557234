"""Nothing that any command writes anywhere holds the password: each is run, and everything is searched."""

from __future__ import annotations

import base64
import json
import os
import signal
import stat
import subprocess
import sys
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import quote

import click
import pytest

from fluxsync import logs
from fluxsync.cli import main as command_line
from fluxsync.sandbox.model import UserSpec
from fluxsync.sandbox.server import Sandbox

CANARY = 'c4nary/S3cret "\u00fc7'
USER = "demo"
FORMS = {
    CANARY.encode(),
    quote(CANARY).encode(),
    quote(CANARY, safe="").encode(),
    json.dumps(CANARY)[1:-1].encode(),
    repr(CANARY)[1:-1].encode(),
    CANARY.encode("utf-16-le"),
    CANARY.encode().hex().encode(),
    base64.b64encode(CANARY.encode()),
    base64.b64encode(f"{USER}:{CANARY}".encode()),
    base64.b64encode(f"{USER}:{CANARY}".encode())[8:-4],
    b"c4nary",
}
#: Commands that run until they are stopped, or need no password; they have tests of their own below.
APART = {("sandbox",), ("demo",)}
Run = Callable[..., tuple[int, str]]


def leaks(data: bytes) -> list[bytes]:
    return [form for form in FORMS if form in data]


def commands(
    group: click.Group, way: tuple[str, ...] = ()
) -> Iterator[tuple[tuple[str, ...], click.Command]]:
    """Yield every command there is, so that nobody has to remember to name a new one here."""
    for name, command in group.commands.items():
        if isinstance(command, click.Group):
            yield from commands(command, (*way, name))
            if not command.invoke_without_command:
                continue
        yield (*way, name), command


def arguments(command: click.Command) -> list[str]:
    found: list[str] = []
    for parameter in command.params:
        if isinstance(parameter, click.Argument):
            found += ["a.gif"]
        elif parameter.name == "yes":
            found += ["--yes"]
        elif isinstance(parameter.type, click.Choice) and parameter.required:
            found += [parameter.opts[0], parameter.type.choices[-1]]
    return found


@pytest.fixture(autouse=True)
def nothing_hidden_before(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("_secrets", "_forms"):
        monkeypatch.setattr(logs, name, type(getattr(logs, name))())


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Sandbox]:
    with Sandbox(tmp_path / "account", username=USER, password=CANARY, threads=4) as sandbox:
        sandbox.store.create_asset("a.gif", b"hello")
        yield sandbox


@pytest.fixture
def home(tmp_path: Path, server: Sandbox, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home whose configuration lies elsewhere, and holds everything but the password."""
    place = tmp_path / "home"
    (place / "root").mkdir(parents=True)
    for variable in [name for name in os.environ if name.startswith(("FLUXSYNC_", "XDG_"))]:
        monkeypatch.delenv(variable)
    monkeypatch.setenv("HOME", str(place))
    monkeypatch.setenv("TMPDIR", str(place))
    monkeypatch.setenv("PYTHON_KEYRING_BACKEND", "keyring.backends.null.Keyring")
    configure(tmp_path, server.url)
    return place


def configure(tmp_path: Path, url: str, *more: str, log: str = "") -> None:
    config = tmp_path / "config.toml"
    config.touch(0o600)
    lines = [f'[local]\nroot = "{tmp_path}/home/root"\n[remote]\nurl = "{url}"\nusername = "{USER}"', *more]
    lines += [f'[journal]\npath = "{tmp_path}/home/state/journal.sqlite"', "[sync]\nsettle = 0.0"]
    lines += [f'[log]\nlevel = "debug"\nfile = "{log}"'] if log else []
    config.write_text("\n".join(lines), encoding="utf-8")


@pytest.fixture
def run(
    tmp_path: Path, home: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> Run:
    """Run a command in this process; returns its exit code and all that it printed, and looks for leaks."""

    def called(*words: str) -> tuple[int, str]:
        monkeypatch.setattr("sys.argv", ["fluxsync", "--config", str(tmp_path / "config.toml"), *words])
        with pytest.raises(SystemExit) as end:
            command_line.main()
        printed = "".join(capfd.readouterr())
        assert leaks(printed.encode("utf-8", "replace")) == [], words
        assert leaks(printed.encode("unicode_escape")) == [], words
        return int(end.value.code or 0), printed

    return called


def search(place: Path) -> None:
    """Look into every file, and at every name."""
    for path in place.rglob("*"):
        assert leaks(os.fsencode(path)) == []
        if path.is_file():
            assert leaks(path.read_bytes()) == [], path


def test_no_command_writes_the_password_anywhere(
    tmp_path: Path, home: Path, server: Sandbox, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FLUXSYNC_REMOTE__PASSWORD", CANARY)
    (home / "root" / "b.gif").write_bytes(b"mine")
    found = dict(commands(command_line.fluxsync))
    assert len(found) > 5
    assert run("--once")[0] in (0, 1)
    for way, command in found.items():
        if way not in APART:
            for options in (["-v"], ["--json", "--log-format", "json"]):
                run(*options, *way, *arguments(command))
        run(*way, "--help")
    configure(tmp_path, server.url, log=str(home / "fluxsync.log"))
    run("-v", "--once", "--dry-run")
    run("-v", "--once")
    search(home)
    search(tmp_path / "account")


def test_no_failure_writes_the_password_anywhere(
    tmp_path: Path, home: Path, server: Sandbox, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FLUXSYNC_REMOTE__PASSWORD", CANARY)
    server.store.users.save(UserSpec(USER, "another"))
    assert run("-v", "--once")[0] == 3
    configure(tmp_path, "http://127.0.0.1:1")
    monkeypatch.setattr("fluxsync.replica.fluxiom.line.TRIES", 1)
    assert run("-v", "--once", "--json")[0] in (3, 4)  # nobody there, and another account
    search(home)


def test_a_fault_is_written_down_without_the_password_for_its_owner_alone(
    home: Path, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FLUXSYNC_REMOTE__PASSWORD", CANARY)
    token = base64.b64encode(f"{USER}:{CANARY}".encode()).decode()

    def broken(*_: object) -> None:
        raise RuntimeError(f"boom {CANARY} {quote(CANARY)} {token}")

    monkeypatch.setattr("fluxsync.replica.fluxiom.client.Client.user", broken)
    before = os.umask(0)
    try:
        code, printed = run("-v", "--once")
    finally:
        os.umask(before)
    assert code == 1
    assert "boom ***" in printed
    (faults,) = home.rglob("faults.log")
    assert "boom ***" in faults.read_text()
    assert stat.S_IMODE(faults.stat().st_mode) == 0o600
    search(home)


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("url", f"https://{USER}:{quote(CANARY, safe='')}@acme.fluxiom.com"),
        ("url", f"https://{CANARY}@acme.fluxiom.com"),
        ("username", f"{USER}:{CANARY}"),
        ("password_command", f"/nowhere/{CANARY}"),
        ("password_command", f"false '{CANARY}'"),
        ("password_command", f"'{CANARY}"),
        ("passwort", CANARY),
        ("password", [CANARY]),
    ],
)
def test_a_refused_setting_does_not_quote_the_password(
    tmp_path: Path, home: Path, run: Run, key: str, value: object
) -> None:
    config = tmp_path / "config.toml"
    text = config.read_text().replace(f"{key} = ", "# ")
    config.write_text(text.replace("[remote]", f"[remote]\n{key} = {json.dumps(value)}"), encoding="utf-8")
    for command in (["-v", "--once"], ["status"], ["--json", "history"]):
        code, printed = run(*command)
        assert code == 2 or command != ["-v", "--once"], printed
    search(home)


def test_a_password_command_sees_nothing_of_it_and_its_words_are_not_shown(
    tmp_path: Path, home: Path, server: Sandbox, run: Run
) -> None:
    secret, seen = tmp_path / "secret", tmp_path / "home" / "seen"
    secret.write_text(CANARY + "\nsecond line", encoding="utf-8")
    script = tmp_path / "command"
    script.write_text(
        f"#!/bin/sh\ncat /proc/$$/cmdline /proc/$$/environ /proc/$PPID/cmdline > '{seen}'\n"
        f"cat '{secret}' >&2\ncat '{secret}'\nexit $CODE\n"
    )
    script.chmod(0o700)
    configure(tmp_path, server.url, f'password_command = "env CODE=0 {script}"')
    assert run("-v", "--once")[0] == 0
    assert seen.read_bytes()
    configure(tmp_path, server.url, f'password_command = "env CODE=1 {script}"')
    assert run("-v", "--once")[0] == 2
    search(home)


def test_what_is_ours_is_for_our_eyes_whatever_the_umask_says(
    tmp_path: Path, home: Path, server: Sandbox, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FLUXSYNC_REMOTE__PASSWORD", CANARY)
    configure(tmp_path, server.url, log=str(home / "logs" / "fluxsync.log"))
    before = os.umask(0)
    try:
        assert run("-v", "--once")[0] == 0
    finally:
        os.umask(before)
    control = home / "root" / ".fluxsync"
    ours = [control, *control.rglob("*"), *(home / "state").rglob("*"), *(home / "logs").glob("*")]
    assert len(ours) > 6
    for path in ours:
        assert stat.S_IMODE(path.stat().st_mode) & 0o077 == 0, path


def test_the_sandbox_keeps_its_password_to_itself(tmp_path: Path, home: Path) -> None:
    words = ["sandbox", "--port", "0", "--data", str(home / "data"), "--username", USER, "--password", CANARY]
    with subprocess.Popen(
        [sys.executable, "-m", "fluxsync.cli.main", *words, "-v", "--request-log", str(home / "requests")],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        ready = next(line for line in process.stdout if line.startswith("READY"))
        token = base64.b64encode(f"{USER}:{CANARY}".encode()).decode()
        request = urllib.request.Request(
            f"{ready.split()[1]}/api/user.xml", headers={"Authorization": f"Basic {token}"}
        )
        with urllib.request.urlopen(request) as answer:
            assert leaks(answer.read()) == []
        process.send_signal(signal.SIGTERM)
        out, err = process.communicate(timeout=30)
    assert leaks((ready + out + err).encode()) == []
    search(home)


def test_the_demo_says_nothing_of_the_users_own_password(
    home: Path, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FLUXSYNC_REMOTE__PASSWORD", CANARY)
    monkeypatch.setattr("sys.argv", ["fluxsync", "demo", "-v", "--json", "--keep", str(home / "demo")])
    with pytest.raises(SystemExit):
        command_line.main()
    search(home)
