"""Commands and a running service: they reach it, it does what they ask, and it looks as without one."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from cli_world import World, messages
from fault_proxy import FaultProxy, Pass
from stand_in import StandIn

sys.path.insert(0, str(Path(__file__).parents[1] / "service_unit"))

from stand_ins import StandIns

from fluxsync.cli.asking import ask_or_do
from fluxsync.engine.address import socket_path
from fluxsync.engine.service import Verb
from fluxsync.errors import Locked
from fluxsync.sandbox.server import Sandbox
from fluxsync.settings import Settings, load


def settings(world: World) -> Settings:
    """Read the configuration as the program does that sees nothing but this home."""
    return load(world.config, world.env)


@pytest.fixture
def world(world: World) -> World:
    """One whose journal is where tests in this process find it, too."""
    keep_journal(world)
    return world


def keep_journal(world: World, text: str = "", **remote: object) -> None:
    world.configure(f'{text}\n[journal]\npath = "{world.home / "journal.sqlite"}"', **remote)


@contextmanager
def service_of(world: World) -> Iterator[StandIn]:
    with StandIn(settings(world)) as service:
        yield service


class Held:
    """The account, which holds the first upload until it is let go."""

    def __init__(self, proxy: FaultProxy) -> None:
        self.reached, self.go_on = threading.Event(), threading.Event()
        proxy.fault("POST", r"/api/assets\.xml", Pass(before=self._wait))

    def _wait(self) -> None:
        self.reached.set()
        self.go_on.wait(60)


@pytest.fixture
def held(world: World) -> Iterator[Held]:
    """A service that hangs at an upload as soon as it is asked to sync."""
    with FaultProxy(world.sandbox.port) as proxy:
        keep_journal(world, url=proxy.url)
        world.write("a.txt", "a")
        found = Held(proxy)
        yield found
        found.go_on.set()


@contextmanager
def process_of(world: World) -> Iterator[subprocess.Popen[str]]:
    """The service as a process of its own."""
    program = [sys.executable, str(Path(__file__).with_name("stand_in.py")), str(world.config)]
    pipe = subprocess.PIPE
    with subprocess.Popen(program, stdin=pipe, stdout=pipe, text=True, env=world.env) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "READY\n"
        try:
            yield process
        finally:
            if process.poll() is None:
                process.communicate(timeout=60)


# -- it looks the same -------------------------------------------------------------------------------------


def alike(text: str) -> str:
    """Leave out what differs from run to run: figures of requests and time, times, and who came first."""
    text = re.sub(r"\d+ requests?, \d+\.\d s", "N requests, N s", text)
    text = re.sub(r'"(seconds|requests)": [\d.]+', r'"\1": N', text)
    text = re.sub(r"\d{4}-\d\d-\d\d[ T]\d\d:?\d\d:?\d\dZ?", "DATE", text)
    text = re.sub(r"copy DATE \w+\)", "copy DATE HOST)", text)
    text = re.sub(r"\b185\d\d\b", "ASSET", text)
    return re.sub(r'"id": "h\w+"', '"id": "ID"', text)


def new_files(world: World) -> None:
    world.write("A/a.txt", "new")
    world.write("b.txt", "new")


def a_conflict(world: World) -> None:
    world.write("a.txt", "old")
    assert world.run("--once").returncode == 0
    world.write("a.txt", "mine")
    (asset,) = world.sandbox.store.assets()
    world.sandbox.store.add_version(asset.id, b"theirs")
    assert world.run("--once").returncode == 0


def deletions(world: World) -> None:
    """Twenty of thirty files are gone, more than the limit."""
    for number in range(30):
        world.write(f"f{number:02}.txt", str(number))
    assert world.run("--once").returncode == 0
    for number in range(20):
        (world.root / f"f{number:02}.txt").unlink()
    assert world.run("--once").returncode == 4


def a_trash(world: World) -> None:
    world.write("A/a.txt", "gone")
    world.write("b.txt", "there")
    assert world.run("--once").returncode == 0
    (world.root / "A" / "a.txt").unlink()
    assert world.run("--once").returncode == 0


def a_refusal(world: World) -> None:
    new_files(world)
    world.write("Smith/fluxsync-trash", "a")
    (world.root / "fluxsync-trash").mkdir()
    world.write("fluxsync-trash/x.txt", "a folder that cannot be one there")


def nothing(world: World) -> None:
    """Leave the world as it is."""


STORIES = [
    pytest.param(new_files, ("sync",), 0, Verb.SYNC, id="sync"),
    pytest.param(nothing, ("sync",), 0, Verb.SYNC, id="sync with nothing to do"),
    pytest.param(a_refusal, ("sync",), 1, Verb.SYNC, id="sync with a failure"),
    pytest.param(deletions, ("sync",), 4, Verb.SYNC, id="sync with deletions held back"),
    pytest.param(deletions, ("approve", "--yes"), 0, Verb.APPROVE, id="approve"),
    pytest.param(
        a_conflict, ("conflicts", "resolve", "a.txt", "--keep", "local"), 0, Verb.RESOLVE, id="resolve"
    ),
    pytest.param(a_trash, ("trash", "restore", "A/a.txt"), 0, Verb.RESTORE, id="restore"),
    pytest.param(a_trash, ("trash", "restore", "nix.txt"), 2, Verb.RESTORE, id="restore what is not there"),
    pytest.param(a_trash, ("trash", "empty", "--yes"), 0, Verb.EMPTY, id="empty"),
    pytest.param(new_files, ("rebuild", "--yes"), 0, Verb.REBUILD, id="rebuild"),
]


@pytest.mark.slow
@pytest.mark.parametrize("as_json", [False, True], ids=["text", "json"])
@pytest.mark.parametrize(("prepare", "command", "code", "verb"), STORIES)
def test_a_command_looks_the_same_with_a_service_and_without(
    tmp_path: Path,
    prepare: Callable[[World], None],
    command: tuple[str, ...],
    code: int,
    verb: Verb,
    as_json: bool,
) -> None:
    """Text or document, what is said on stderr, and the exit code."""
    shown = []
    for with_service in (False, True):
        home = tmp_path / str(with_service) / "home"
        home.mkdir(parents=True)
        with Sandbox(tmp_path / str(with_service) / "account", threads=8) as sandbox:
            world = World(home, sandbox)
            keep_journal(world)
            prepare(world)
            arguments = (*command, "--json") if as_json else command
            if with_service:
                with service_of(world) as service:
                    done = world.run(*arguments)
                assert [task.verb for task in service.performed] == [verb]
            else:
                done = world.run(*arguments)
        shown.append((done.returncode, alike(done.stdout), [alike(line) for line in messages(done.stderr)]))
    assert shown[0] == shown[1]
    assert shown[0][0] == code


def test_sync_is_done_by_the_service_and_says_what_a_pass_says(world: World) -> None:
    """Progress is on stderr, step by step; the second time there is nothing to do."""
    new_files(world)
    with service_of(world) as service:
        done = world.run("sync")
        assert done.returncode == 0, done.stderr
        assert "2 sent" in done.stdout
        assert "in step: 2 files" in done.stdout
        assert len(re.findall(r"done .*action='create'", done.stderr)) == 2
        assert "planned" in done.stderr
        assert world.document("sync")["result"] == "in-step"
    assert [task.verb for task in service.performed] == [Verb.SYNC, Verb.SYNC]
    assert len(world.sandbox.store.assets()) == 2


def test_sync_without_a_service_is_a_pass_of_its_own(world: World) -> None:
    new_files(world)
    document = world.document("sync")
    assert (document["result"], document["uploaded"]) == ("in-step", 2)


def test_once_beside_a_service_is_exit_5_and_names_the_command_that_reaches_it(world: World) -> None:
    new_files(world)
    with service_of(world) as service:
        done = world.run("--once")
        assert world.run("--once", "--dry-run").returncode == 0
    assert done.returncode == 5
    (line,) = messages(done.stderr)
    assert "another fluxsync works on" in line
    assert "`fluxsync sync`" in line
    assert service.performed == []


def test_what_cannot_be_asked_is_refused_and_the_service_goes_on(world: World) -> None:
    """Exit 2, as without one."""
    with service_of(world) as service:
        assert world.run("conflicts", "resolve", "a.txt", "--keep", "both").returncode == 2
        assert world.run("trash", "restore", "nix.txt").returncode == 2
        assert world.run("sync").returncode == 0
    assert [task.verb for task in service.performed] == [Verb.RESTORE, Verb.SYNC]


# -- waiting -----------------------------------------------------------------------------------------------


def test_a_timeout_is_exit_3_and_the_service_goes_on(world: World, held: Held) -> None:
    with service_of(world) as service:
        done = world.run("sync", "--timeout", "0.5")
        assert done.returncode == 3
        assert messages(done.stderr) == ["fluxsync: the service is still at it after 0.5 seconds: it goes on"]
        assert held.reached.wait(60)
        held.go_on.set()
    assert len(service.performed) == 1
    assert len(world.sandbox.store.assets()) == 1


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupt_ends_the_waiting_and_not_the_work(
    world: World, held: Held, how: signal.Signals
) -> None:
    with service_of(world):
        with world.start("sync", "--json") as client:
            assert held.reached.wait(60)
            client.send_signal(how)
            out, err = client.communicate(timeout=60)
        assert client.returncode == 130
        assert messages(err) == ["fluxsync: interrupted: the running service goes on"]
        assert json.loads(out)["result"] == "partial"
        held.go_on.set()
    assert len(world.sandbox.store.assets()) == 1


def test_a_killed_client_is_no_concern_of_the_service(world: World, held: Held) -> None:
    with service_of(world):
        with world.start("sync") as client:
            assert held.reached.wait(60)
            client.kill()
        held.go_on.set()
        assert world.run("sync").returncode == 0
    assert len(world.sandbox.store.assets()) == 1


def test_a_killed_service_is_exit_3_and_the_next_command_does_without(world: World, held: Held) -> None:
    """Its socket is still there, and nobody behind it; the file is sent once."""
    with process_of(world) as service, world.start("sync") as client:
        assert held.reached.wait(60)
        service.kill()
        out, err = client.communicate(timeout=60)
    assert client.returncode == 3
    assert "run this again" in messages(err)[-1]
    assert out == ""
    assert socket_path(settings(world).journal_path).is_socket()
    held.go_on.set()
    assert world.document("sync")["result"] == "in-step"
    assert len(world.sandbox.store.assets()) == 1


def test_a_service_that_starts_is_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    """It has the lock, and does not listen yet."""
    naps: list[float] = []
    monkeypatch.setattr("fluxsync.cli.asking.time.sleep", naps.append)
    answers = iter([None, None, "done"])

    def locked() -> str:
        raise Locked("another fluxsync works on it")

    assert ask_or_do(lambda: next(answers), locked) == "done"
    assert len(naps) == 2


def test_one_that_has_the_lock_and_never_listens_is_exit_5(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [0.0]
    monkeypatch.setattr("fluxsync.cli.asking.time.monotonic", lambda: now[0])

    def nap(seconds: float) -> None:
        now[0] += seconds

    def locked() -> str:
        raise Locked("another fluxsync works on it")

    monkeypatch.setattr("fluxsync.cli.asking.time.sleep", nap)
    with pytest.raises(Locked):
        ask_or_do(lambda: None, locked)
    assert 1.9 < now[0] < 2.3


# -- pause and resume --------------------------------------------------------------------------------------


def test_a_pause_holds_over_a_restart_until_resume(world: World) -> None:
    """A service that is paused moves nothing; `--once` is no service."""
    new_files(world)
    with service_of(world):
        done = world.run("pause")
        assert (done.returncode, done.stderr) == (0, "")
        assert done.stdout == "paused: the service transfers nothing until `fluxsync resume`\n"
        assert world.document("status")["state"] == "paused"
    with service_of(world):
        refused = world.run("sync")
        assert refused.returncode == 3
        assert "`fluxsync resume`" in messages(refused.stderr)[-1]
        assert world.sandbox.store.assets() == []
        assert world.run("resume").stdout == "resumed: the service takes up transfers again\n"
        assert world.run("sync").returncode == 0
    assert len(world.sandbox.store.assets()) == 2


def test_without_a_service_the_journal_remembers_the_pause(world: World) -> None:
    """Before the first pass, and after one; only a service heeds it."""
    assert world.document("pause") == {"paused": True, "running": False}
    new_files(world)
    assert world.run("--once").returncode == 0
    assert world.document("status")["state"] == "paused"
    with service_of(world):
        assert world.run("sync").returncode == 3
    assert "no service runs" in world.run("resume").stdout
    assert world.document("status")["state"] == "in-step"
    assert "no service runs" in world.run("pause").stdout
    assert world.document("status")["state"] == "paused"


# -- status ------------------------------------------------------------------------------------------------


def test_status_shows_what_the_service_does_at_this_moment(world: World, held: Held) -> None:
    with service_of(world):
        with world.start("sync") as client:
            assert held.reached.wait(60)
            document = world.document("status")
            text = world.run("status").stdout
            held.go_on.set()
            client.communicate(timeout=60)
        assert (document["state"], document["moving"]) == (
            "working",
            [{"action": "create", "path": "a.txt", "bytes": 10, "moved": 4}],
        )
        assert text.startswith("working")
        assert re.search(r"service +runs\n +last pass", text)
        assert re.search(r"moving \(1\)\n +a\.txt +create, 4 bytes of 10 bytes", text)
        assert (world.document("status")["state"], world.document("status")["moving"]) == ("in-step", [])


def test_status_of_a_service_that_does_not_answer_is_the_journals(world: World) -> None:
    """One that was killed, and left its socket."""
    new_files(world)
    with process_of(world) as service:
        assert world.run("sync").returncode == 0
        service.kill()
    assert world.document("status")["state"] == "in-step"
    assert re.search(r"service +does not run\n", world.run("status").stdout)


def test_status_before_the_first_pass_of_a_service_does_not_ask_for_another_one(world: World) -> None:
    with service_of(world):
        assert re.search(r"service +runs\n +last pass +none yet\n", world.run("status").stdout)


# -- two pairs ---------------------------------------------------------------------------------------------


def test_each_command_reaches_the_service_of_its_own_configuration(world: World, tmp_path: Path) -> None:
    """Two processes; the pairs have nothing in common but the machine."""
    home = tmp_path / "second"
    home.mkdir()
    with Sandbox(tmp_path / "second account", threads=8) as account:
        other = World(home, account)
        keep_journal(other)
        world.write("first.txt", "1")
        other.write("second.txt", "2")
        with process_of(world), process_of(other):
            assert world.run("pause").returncode == 0
            assert (world.document("status")["state"], other.document("status")["state"]) == (
                "paused",
                "waiting",
            )
            assert other.document("sync")["uploaded"] == 1
            assert world.sandbox.store.assets() == []
            assert world.run("resume").returncode == 0
            assert world.document("sync")["uploaded"] == 1
        assert [asset.filename for asset in world.sandbox.store.assets()] == ["first.txt"]
        assert [asset.filename for asset in account.store.assets()] == ["second.txt"]


@pytest.mark.skipif(sys.platform == "darwin", reason="launchd: see tests/service_unit")
def test_status_says_that_an_installed_service_is_stopped(world: World) -> None:
    """Without one that is installed nothing is stopped; one that answers says itself how it is."""
    new_files(world)
    assert world.run("--once").returncode == 0
    assert world.document("status")["state"] == "in-step"
    bin_of = StandIns(world.home / "tools").bin
    path = {"PATH": f"{bin_of}:{os.environ['PATH']}"}
    assert world.run("service", "install", env=path).returncode == 0
    document = world.document("status")
    assert (document["state"], document["counts"]["files"]) == ("stopped", 2)
    assert world.run("status").stdout.startswith("stopped")
    with service_of(world):
        assert world.document("status")["state"] == "in-step"
