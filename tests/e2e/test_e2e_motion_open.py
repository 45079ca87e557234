"""Contract section 6, open files: what another program has open is left alone until it is closed there."""

from __future__ import annotations

import fcntl
import mmap
import os
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from e2e_world import Clock, Machine, asked, counted, live, settle, tag_id
from test_e2e_motion_send import once_while_read

from fluxsync.engine.report import Report, Result
from fluxsync.engine.status import read
from fluxsync.replica.folder import reading
from fluxsync.sandbox.server import Sandbox

linux_only = pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells who has a file open")

NAMES = ("new.psd", "edited.psd", "fetched.psd", "moved.psd", "deleted.psd", "both.psd", "Folder/in it.psd")


def _open(path: Path) -> object:
    return path.open("r+b")


def _lock_file(template: str) -> Callable[[Path], Path]:
    def put(path: Path) -> Path:
        lock = path.with_name(template.format(name=path.name, stem=path.stem))
        lock.write_bytes(b"")
        return lock

    return put


def in_the_way(a: Machine, b: Machine, account: Sandbox) -> None:
    """Make both sides differ in every way that would change a file of the first machine, or read it."""
    for name in NAMES[1:]:
        a.write(name, f"content of {name}")
    settle(a, b)
    a.write("new.psd", "new here")
    a.write("edited.psd", "edited here")
    a.write("both.psd", "edited here, too")
    b.write("fetched.psd", "new on the account")
    b.write("both.psd", "new on the account, too")
    b.remove("deleted.psd")
    b.move("moved.psd", "Elsewhere/moved.psd")
    b.in_step()
    account.store.rename_tag(tag_id(account, "Folder"), "Renamed")


def in_step_after(a: Machine, b: Machine) -> None:
    settle(a, b)
    expected = {
        "new.psd",
        "edited.psd",
        "fetched.psd",
        "both.psd",
        "Elsewhere/moved.psd",
        "Renamed/in it.psd",
    }
    copies = {path for path in a.paths() if "(conflicted copy " in path}
    assert {path for path in a.paths() if not path.startswith((".~", "~"))} == expected | copies
    assert {a.read(path) for path in copies} == {b"edited here, too"}
    assert a.read("fetched.psd") == b"new on the account"


@linux_only
def test_what_is_open_for_writing_is_neither_sent_nor_replaced_nor_moved_nor_taken_away(
    machine: Callable[..., Machine], account: Sandbox, time_passes: Clock
) -> None:
    a, b = machine("a", sync={"settle": 2.0}), machine("b")
    in_the_way(a, b, account)
    tree, versions = a.tree(), {asset.id: asset.version for asset in account.store.assets()}
    with ExitStack() as stack:
        for name in NAMES:
            stack.enter_context((a.root / name).open("r+b"))
        time_passes.waits.clear()
        account.clear_requests()
        report = a.once()
        assert report.result is Result.PARTIAL
        assert {path.partition("/")[0] for path in report.failures} == {n.partition("/")[0] for n in NAMES}
        assert all("open for writing in another program" in reason for reason in report.failures.values())
        assert a.tree() == tree
        assert {asset.id: asset.version for asset in account.store.assets()} == versions
        assert [line for line in asked(account, "GET") if "/download" in line or "/original" in line] == []
        assert len(time_passes.waits) < 31 * len(NAMES), "each is waited for once, not in each round"
        with a.opened() as app:
            shown = read(app.journal, time_passes.time(), working=False)
        assert {trouble.path for trouble in shown.waiting} == set(report.failures)
        assert shown.failing == ()
    in_step_after(a, b)


@pytest.mark.parametrize("lock", [".~lock.{name}#", "~${name}", "{stem}.idlk", "{name}.idlk"])
def test_what_has_its_programs_lock_beside_it_is_sent_but_not_touched(
    machine: Callable[..., Machine], account: Sandbox, lock: str
) -> None:
    a, b = machine("a"), machine("b")
    in_the_way(a, b, account)
    locks = [_lock_file(lock)(a.root / name) for name in NAMES]
    report = a.once()
    assert report.result is Result.PARTIAL
    assert {path for path in report.failures if "/" not in path} - {"Folder", "Renamed"} == {
        "fetched.psd",
        "moved.psd",
        "deleted.psd",
        "both.psd",
    }
    assert all("lies beside it" in reason for reason in report.failures.values())
    assert (report.uploaded, report.versions) == (1, 1)
    assert a.read("fetched.psd") == b"content of fetched.psd"
    assert a.read("Folder/in it.psd") == b"content of Folder/in it.psd"
    for path in locks:
        path.unlink()
    in_step_after(a, b)


def test_what_is_open_for_reading_is_no_obstacle(machine: Callable[..., Machine], account: Sandbox) -> None:
    a, b = machine("a"), machine("b")
    in_the_way(a, b, account)
    with ExitStack() as stack:
        for name in NAMES:
            stack.enter_context((a.root / name).open("rb"))
        a.in_step()
    in_step_after(a, b)


@linux_only
def test_what_is_closed_while_the_pass_waits_is_done_in_the_same_pass(
    machine: Callable[..., Machine], account: Sandbox, time_passes: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    a, b = machine("a", sync={"settle": 2.0}), machine("b")
    in_the_way(a, b, account)
    read_first = ("new.psd", "edited.psd", "both.psd")
    order = sorted(NAMES, key=lambda name: name in read_first)
    held = [(a.root / name).open("r+b") for name in order]
    waited = time_passes.wait

    def close_one(seconds: float) -> None:
        waited(seconds)
        if held:
            held.pop().close()

    monkeypatch.setattr(time_passes, "wait", close_one)
    a.in_step()
    assert held == []
    in_step_after(a, b)


@linux_only
def test_a_file_that_was_open_and_saved_meanwhile_is_a_conflict_and_not_replaced(
    machine: Callable[..., Machine], account: Sandbox
) -> None:
    a, b = machine("a"), machine("b")
    a.write("layout.indd", "the content")
    settle(a, b)
    b.write("layout.indd", "from the other machine")
    b.in_step()
    with (a.root / "layout.indd").open("r+b") as file:
        assert a.once().result is Result.PARTIAL
        file.write(b"saved here, at last")
    settle(a, b)
    assert sorted(a.tree().values()) == [b"from the other machine", b"saved here, at last"]
    assert a.tree() == b.tree()


@linux_only
def test_a_program_that_opens_a_file_while_we_read_it_never_waits_and_what_it_writes_is_not_torn(
    machine: Callable[..., Machine], account: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Opened without blocking: an error here would mean that we make others wait."""
    a = machine("a")
    path = a.write("sent.psd", b"s" * 2_500_000)
    hashed = a.write("hashed.psd", b"h" * 5_000)
    opened: list[int] = []

    def open_it(path: Path) -> None:
        opened.append(os.open(path, os.O_RDWR | os.O_NONBLOCK))

    digest_of = reading.digest_of

    def watched(fd: int, *told: Any) -> str:
        if os.fstat(fd).st_ino == hashed.stat().st_ino and len(opened) < 2:
            open_it(hashed)
        return digest_of(fd, *told)

    monkeypatch.setattr(reading, "digest_of", watched)
    once_while_read(monkeypatch, {"sent.psd": lambda: open_it(path)})
    report = a.once()
    assert len(opened) == 2
    assert report.result is Result.PARTIAL
    assert set(report.failures) == {"sent.psd", "hashed.psd"}
    assert account.store.assets() == []
    for fd in opened:
        os.pwrite(fd, b"written", 1_000)
        os.close(fd)
    a.in_step()
    there = {name: account.store.content(asset.id) for name, asset in live(account).items()}
    assert there == a.tree()
    assert {asset.version for asset in live(account).values()} == {0}


@linux_only
def test_a_file_that_is_only_mapped_for_writing_is_open(
    machine: Callable[..., Machine], account: Sandbox
) -> None:
    """Writes through a mapping need not show in any time; that it exists shows."""
    a = machine("a")
    path = a.write("texture.exr", b"x" * 8_192)
    with path.open("r+b") as file:
        memory = mmap.mmap(file.fileno(), 0)
    with memory:
        memory[0:5] = b"dirty"
        assert set(a.once().failures) == {"texture.exr"}
        memory[0:5] = b"again"
    a.in_step()
    assert account.store.content(live(account)["texture.exr"].id) == path.read_bytes()


@pytest.fixture
def quiet_signal() -> Iterator[int]:
    """Give the signal by which the system tells the holder of a lease that somebody asks for the file."""
    before = signal.signal(signal.SIGUSR2, lambda number, frame: None)
    yield signal.SIGUSR2
    signal.signal(signal.SIGUSR2, before)


@linux_only
def test_a_file_that_a_server_holds_for_itself_alone_waits_until_it_lets_go(
    machine: Callable[..., Machine], account: Sandbox, quiet_signal: int
) -> None:
    """File servers hold leases for their clients; opening such a file would block."""
    a, b = machine("a"), machine("b")
    a.write("fetched.psd", "the content")
    settle(a, b)
    b.write("fetched.psd", "new on the account")
    b.in_step()
    a.write("new.psd", "the content of a new file")
    held = [os.open(a.root / name, os.O_RDWR) for name in ("fetched.psd", "new.psd")]
    for fd in held:
        fcntl.fcntl(fd, fcntl.F_SETSIG, quiet_signal)
        fcntl.fcntl(fd, fcntl.F_SETLEASE, fcntl.F_WRLCK)
    account.clear_requests()
    report: Report = a.once()
    assert set(report.failures) == {"fetched.psd", "new.psd"}
    assert asked(account, "GET", "/api/assets/download") == []
    assert all("open for writing in another program" in reason for reason in report.failures.values())
    for fd in held:
        fcntl.fcntl(fd, fcntl.F_SETLEASE, fcntl.F_UNLCK)
        os.close(fd)
    assert counted(a.in_step())["downloaded"] == 1
    assert a.read("fetched.psd") == b"new on the account"
