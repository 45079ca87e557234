"""`kill -9` of a real process at chosen requests: whatever it had done, the next pass ends in step."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import pytest
from e2e_world import Machine, live, settle, tags_of, trashed
from fault_proxy import Drop, FaultProxy, Half, Halfway, Pass

import fluxsync
from fluxsync.sandbox.server import Sandbox

MachineFactory = Callable[..., Machine]

ONE_PASS = """
import os
from fluxsync.app import opened
from fluxsync.settings import load
with opened(load(None, os.environ)) as app:
    app.run()
"""


class Process:
    """A pass in a process of its own, that the first caller of `kill` ends at once."""

    def __init__(self, machine: Machine) -> None:
        self._machine = machine
        self._running: subprocess.Popen[bytes] | None = None
        self._started = threading.Event()
        self.killed = False

    def run(self) -> None:
        """Start a pass and wait until it has ended, one way or the other."""
        package = str(Path(fluxsync.__file__).parent.parent)
        environment = {**os.environ, **self._machine.environment(), "PYTHONPATH": package}
        command = [sys.executable, "-c", ONE_PASS]
        with subprocess.Popen(command, env=environment, stderr=subprocess.PIPE) as self._running:
            self._started.set()
            _, said = self._running.communicate(timeout=100)
        assert self.killed == (self._running.returncode == -signal.SIGKILL), said.decode()

    def kill(self) -> None:
        self._started.wait(10)
        assert self._running is not None
        self.killed = True
        self._running.kill()
        self._running.wait()


@pytest.fixture
def a(machine: MachineFactory, proxy: FaultProxy) -> Machine:
    return machine("a", url=proxy.url)


@pytest.fixture
def process(a: Machine) -> Process:
    return Process(a)


@pytest.mark.parametrize(
    "files", [pytest.param(1000, marks=pytest.mark.slow), 120], ids=["1000 files", "120 files"]
)
@pytest.mark.parametrize("moment", ["before", "after"])
def test_killed_in_a_first_upload_no_asset_is_doubled(
    a: Machine, account: Sandbox, proxy: FaultProxy, process: Process, files: int, moment: str
) -> None:
    for number in range(files):
        a.write(f"A{number % 7}/{number}.txt", f"content {number}")
    fault = Pass(before=process.kill) if moment == "before" else Pass(after=process.kill)
    proxy.fault("POST", r"/api/assets\.xml", fault, first=files * 3 // 10)
    process.run()
    assert process.killed
    assert files // 4 < len(account.store.assets()) < files // 2
    settle(a)
    assert len(account.store.assets()) == files
    assert set(live(account)) == {f"{number}.txt" for number in range(files)}
    assert len(a.paths()) == files


@pytest.mark.slow
def test_killed_again_and_again_a_first_upload_ends(
    a: Machine, account: Sandbox, proxy: FaultProxy, process: Process
) -> None:
    files = 150  # of which the requests under way at each kill may leave many more than eight behind
    for number in range(files):
        a.write(f"A/{number}.txt", f"content {number}")
    for _ in range(4):
        process.killed = False
        proxy.fault("POST", r"/api/assets\.xml", Pass(after=process.kill), first=9)
        process.run()
        assert process.killed
    settle(a)
    assert set(live(account)) == {f"{number}.txt" for number in range(files)}
    assert len(account.store.assets()) == files


def test_killed_while_a_large_file_goes_up_it_goes_up_once(
    a: Machine, account: Sandbox, proxy: FaultProxy, process: Process
) -> None:
    content = os.urandom(4_000_000)
    a.write("A/big.bin", content)
    proxy.fault("POST", r"/api/assets\.xml", Half(then=process.kill))
    process.run()
    assert process.killed
    settle(a)
    (asset,) = account.store.assets()
    assert account.store.content(asset.id) == content


def test_killed_in_the_middle_of_a_download_nothing_half_is_in_the_folder(
    a: Machine, account: Sandbox, proxy: FaultProxy, process: Process
) -> None:
    content = os.urandom(6_000_000)
    account.store.create_asset("big.bin", content, tags=["A"])
    seen: dict[str, bytes] = {}

    def kill() -> None:
        process.kill()
        seen.update(a.tree())

    proxy.fault("GET", r"/download/", Halfway(kill))
    process.run()
    assert process.killed
    assert seen == {}
    settle(a)
    assert a.tree() == {"A/big.bin": content}
    assert len(account.store.assets()) == 1


def test_what_a_killed_download_left_is_removed_and_nothing_else(
    a: Machine, account: Sandbox, proxy: FaultProxy, process: Process
) -> None:
    account.store.create_asset("big.bin", os.urandom(20_000_000), tags=["A"])
    a.write(".fluxsync/tmp/mine", "put there by a person")
    proxy.fault("GET", r"/download/", Halfway(process.kill))
    process.run()
    assert process.killed
    settle(a)
    assert os.listdir(a.root / ".fluxsync" / "tmp") == ["mine"]


def test_killed_in_the_middle_of_a_new_version_coming_down_the_old_one_stays_whole(
    a: Machine, account: Sandbox, proxy: FaultProxy, process: Process
) -> None:
    old, new = os.urandom(3_000_000), os.urandom(3_000_000)
    number = account.store.create_asset("big.bin", old, tags=["A"])
    settle(a)
    account.store.add_version(number, new)
    proxy.fault("GET", r"/download/", Halfway(process.kill))
    process.run()
    assert process.killed
    assert a.tree() == {"A/big.bin": old}
    settle(a)
    assert a.tree() == {"A/big.bin": new}
    assert a.trash() == {"A/big.bin": [old]}
    assert account.store.asset(number).version == 1


def test_killed_among_many_downloads_the_rest_comes_and_nothing_goes_up(
    a: Machine, account: Sandbox, proxy: FaultProxy, process: Process
) -> None:
    for number in range(120):
        account.store.create_asset(f"{number}.txt", b"content %d" % number, tags=["A"])
    proxy.fault("GET", r"/download/", Pass(after=process.kill), first=50)
    process.run()
    assert process.killed
    settle(a)
    assert a.tree() == {f"A/{number}.txt": b"content %d" % number for number in range(120)}
    assert len(account.store.assets()) == 120


# -- every kind of operation -------------------------------------------------------------------------------


def prepare(a: Machine, account: Sandbox) -> None:
    """Bring a machine in step, then let both sides change in every way."""
    for number in range(12):
        a.write(f"A/{number}.txt", f"content {number}")
    a.write("Old/x.txt", "x")
    a.write("Tag/y.txt", "y")
    settle(a)
    store, ids = account.store, {name: asset.id for name, asset in live(account).items()}
    a.write("A/0.txt", "edited here")
    a.move("A/1.txt", "B/1.txt")
    a.move("A/2.txt", "A/renamed here.txt")
    a.remove("A/3.txt")
    a.write("B/new here.txt", "new here")
    a.move("Old", "New")
    a.write("A/4.txt", "both: here")
    store.add_version(ids["4.txt"], b"both: there")
    store.add_version(ids["5.txt"], b"edited there")
    store.set_tags(ids["6.txt"], ["C"])
    store.add_version(ids["7.txt"], b"content 7", "renamed there.txt")
    store.set_tags(ids["8.txt"], ["A", "fluxsync-trash"])
    store.delete_asset(ids["9.txt"])
    store.create_asset("new there.txt", b"new there", tags=["C"])
    (tag,) = [tag.id for tag in store.tags() if tag.name == "Tag"]
    store.rename_tag(tag, "Renamed")


def as_if_nothing_had_happened(a: Machine, account: Sandbox) -> None:
    tree = a.tree()
    (copy,) = [path for path in tree if "conflicted copy" in path]
    assert tree.pop(copy) == b"both: here"
    assert tree == {
        "A/0.txt": b"edited here",
        "B/1.txt": b"content 1",
        "A/renamed here.txt": b"content 2",
        "A/4.txt": b"both: there",
        "A/5.txt": b"edited there",
        "C/6.txt": b"content 6",
        "A/renamed there.txt": b"content 7",
        "A/10.txt": b"content 10",
        "A/11.txt": b"content 11",
        "B/new here.txt": b"new here",
        "C/new there.txt": b"new there",
        "New/x.txt": b"x",
        "Renamed/y.txt": b"y",
    }
    assert set(trashed(account)) == {"3.txt", "8.txt"}
    assert len(live(account)) == 14
    for path in tree:
        folder, _, name = path.rpartition("/")
        assert tags_of(live(account)[name]) == {folder}
        assert account.store.content(live(account)[name].id) == tree[path]
    assert live(account)["0.txt"].version == 1
    assert live(account)["renamed here.txt"].version == 1
    taken = a.trash()
    assert {b"content 5", b"content 8", b"content 9"} <= {x for contents in taken.values() for x in contents}


def test_all_kinds_of_changes_at_once_end_right_without_a_crash(a: Machine, account: Sandbox) -> None:
    prepare(a, account)
    settle(a)
    as_if_nothing_had_happened(a, account)


WRITES = [
    *[("POST", r"/api/assets\.xml", n) for n in (1, 2)],
    *[("POST", r"/versions\.xml", n) for n in (1, 2)],
    *[("PUT", r"/api/assets/", n) for n in (1, 2)],
    ("POST", r"/api/tags\.xml", 1),
    ("PUT", r"/api/tags/", 1),
    *[("GET", r"/download/", n) for n in (1, 2, 3)],
    *[("GET", r"/versions\.xml", n) for n in (1, 2)],
    ("GET", r"/api/assets\.xml", 2),
    ("GET", r"/api/assets/\d+\.xml", 3),
]


@pytest.mark.slow
@pytest.mark.parametrize("moment", ["before", "after"])
@pytest.mark.parametrize(
    ("method", "path", "first"),
    [pytest.param(*write, id=f"{write[0]} {write[1]} {write[2]}") for write in WRITES],
)
def test_killed_at_a_request_the_next_pass_ends_as_if_nothing_had_happened(
    a: Machine,
    account: Sandbox,
    proxy: FaultProxy,
    process: Process,
    method: str,
    path: str,
    first: int,
    moment: str,
) -> None:
    prepare(a, account)
    fault = Pass(before=process.kill) if moment == "before" else Pass(after=process.kill)
    proxy.fault(method, path, fault, first=first)
    process.run()
    assert process.killed
    settle(a)
    as_if_nothing_had_happened(a, account)


def test_killed_while_it_looks_for_what_a_lost_answer_left(
    a: Machine, account: Sandbox, proxy: FaultProxy, process: Process
) -> None:
    """An answer is lost, then the process is killed before it could find out what became of it."""
    a.write("A/one.txt", "one")
    dropped = proxy.fault("POST", r"/api/assets\.xml", Drop())

    def kill_then() -> None:
        if dropped():
            process.kill()

    proxy.fault(
        "GET", r"/api/user\.xml|/api/assets\.xml|/api/account\.xml", Pass(before=kill_then), times=None
    )
    process.run()
    assert process.killed
    proxy.heal()
    settle(a)
    assert len(account.store.assets()) == 1
    assert a.tree() == {"A/one.txt": b"one"}


def test_the_lock_of_a_killed_process_is_released(
    a: Machine, account: Sandbox, proxy: FaultProxy, process: Process
) -> None:
    a.write("A/one.txt", "one")
    proxy.fault("GET", r"/api/tags\.xml", Pass(before=process.kill))
    process.run()
    assert process.killed
    assert a.in_step().uploaded == 1
