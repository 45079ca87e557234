"""A disk without room: what comes down pauses and says so, everything else goes on, nothing is lost."""

from __future__ import annotations

import errno
import os
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from e2e_world import Machine, live, settle
from fault_proxy import FaultProxy, Pass

from fluxsync.engine.report import Result
from fluxsync.errors import Full
from fluxsync.replica.folder import staging, syscalls
from fluxsync.sandbox.server import Sandbox

MachineFactory = Callable[..., Machine]
SIZE = 1 << 20


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of 1 MiB; only root may mount one, and the tests with stand-ins below run for everybody."""
    where = tmp_path / "disk"
    where.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", f"size={SIZE}", "fluxsync-test", str(where)]
    if os.geteuid() != 0 or subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("mounting a small disk is not permitted here")
    try:
        yield where
    finally:
        subprocess.run(["umount", "-l", str(where)], check=True)


def fill(folder: Path, leaving: int = 0) -> None:
    """Leave so many bytes on the disk."""
    room = os.statvfs(folder)
    with open(folder / "filler", "wb") as file:
        file.write(bytes(max(0, room.f_bavail * room.f_frsize - leaving)))


def empty(folder: Path) -> None:
    (folder / "filler").unlink()


def on(disk: Path, made: Machine, *, journal: bool = False) -> Machine:
    """Put a machine's root, or its journal, on the small disk."""
    if journal:
        made.journal = disk / "journal.sqlite"
    else:
        made.root = disk / "root"
        made.root.mkdir(exist_ok=True)
    return made


def test_a_disk_that_fills_up_while_fetching_pauses_fetching_alone(
    small_disk: Path, machine: MachineFactory, account: Sandbox, proxy: FaultProxy
) -> None:
    a = on(small_disk, machine("a", url=proxy.url, remote={"connections": 1}))
    a.write("old.txt", "old")
    settle(a)
    account.store.create_asset("big.bin", bytes(400_000))
    account.store.create_asset("later.bin", bytes(1000))
    a.write("up.txt", "up")
    a.remove("old.txt")
    proxy.fault("GET", r"/download/", Pass(before=lambda: fill(small_disk)))
    report = a.once()
    assert report.result is Result.PARTIAL
    assert set(report.failures) == {"big.bin", "later.bin"}
    assert all(reason.startswith("no room on the disk") for reason in report.failures.values())
    assert "the disk is full" in report.message
    assert (report.uploaded, report.trashed_remote) == (1, 1)
    assert report.put_aside == {}, "it is no fault of the files"
    assert list((a.root / ".fluxsync" / "tmp").iterdir()) == []
    assert set(live(account)) == {"big.bin", "later.bin", "up.txt"}
    empty(small_disk)
    settle(a)
    assert len(a.read("big.bin")) == 400_000


def test_a_full_disk_is_seen_before_a_byte_moves_and_the_trash_is_named(
    small_disk: Path, machine: MachineFactory, account: Sandbox
) -> None:
    a = on(small_disk, machine("a"))
    a.write("kept.bin", bytes(300_000))
    settle(a)
    account.store.add_version(live(account)["kept.bin"].id, b"small now", "kept.bin")
    settle(a)
    account.store.create_asset("big.bin", bytes(900_000))
    account.store.create_asset("small.bin", b"fits")
    report = a.once()
    assert (report.result, set(report.failures)) == (Result.PARTIAL, {"big.bin"})
    assert (report.downloaded, report.bytes_down) == (1, 4)
    assert "the trash here holds 300,000 bytes" in report.message


@pytest.mark.parametrize("leaving", range(0, 60_000, 12_000))
def test_a_file_deleted_on_the_account_survives_a_full_trash(
    small_disk: Path, machine: MachineFactory, account: Sandbox, leaving: int
) -> None:
    a = on(small_disk, machine("a"))
    for name in ("a.txt", "b.txt"):
        a.write(name, name)
    settle(a)
    account.store.delete_asset(live(account)["a.txt"].id)
    account.store.add_version(live(account)["b.txt"].id, b"new", "b.txt")
    fill(small_disk, leaving)
    a.once()
    kept = [*a.tree().values(), *(content for found in a.trash().values() for content in found)]
    assert {b"a.txt", b"b.txt"} <= set(kept)
    empty(small_disk)
    settle(a)
    assert a.tree() == {"b.txt": b"new"}
    assert {"a.txt", "b.txt"} <= set(a.trash())


@pytest.mark.parametrize("leaving", [0, 10_000, 40_000, 80_000, 120_000])
def test_a_journal_without_room_stops_the_pass_and_doubles_nothing(
    small_disk: Path, machine: MachineFactory, account: Sandbox, leaving: int
) -> None:
    """Nothing may be done that cannot be written down: one line, and the next pass finds out the rest."""
    a = on(small_disk, machine("a"), journal=True)
    a.write("first.txt", "first")
    settle(a)
    for number in range(150):
        a.write(f"{number % 5}/{number:03}.txt", f"{number}")
    account.store.create_asset("down.txt", b"down")
    fill(small_disk, leaving)
    try:
        report = a.once()
    except Full as error:
        said = str(error)
    else:
        said = report.message
        assert report.result is Result.PARTIAL
    assert said.startswith("no room left on the disk of journal")
    assert "\n" not in said
    empty(small_disk)
    settle(a)
    names = [asset.filename for asset in account.store.assets()]
    assert sorted(names) == sorted({os.path.basename(path) for path in a.paths()})
    assert len(names) == 152


# -- without a disk of one's own ---------------------------------------------------------------------------


class Lacking:
    """Every call that needs room on the disk; the n-th of them, and all after it, find none."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, number: int) -> None:
        self.left: int | None = None
        self.number = number
        for name in ("create", "mkdir", "link", "rename_new"):
            monkeypatch.setattr(syscalls, name, self._counted(getattr(syscalls, name)))
        # Not `os.write` itself, which the server in this process needs.
        ours = SimpleNamespace(**{name: getattr(os, name) for name in dir(os)})
        ours.write = self._counted(os.write)
        monkeypatch.setattr(staging, "os", ours)

    def _counted(self, call: Callable[..., Any]) -> Callable[..., Any]:
        def counted(*args: Any) -> Any:
            if self.left is not None:
                self.left -= 1
                if self.left < 0:
                    raise OSError(self.number, os.strerror(self.number))
            return call(*args)

        return counted


@pytest.mark.slow
def test_wherever_the_room_ends_nothing_is_lost_and_uploads_go_on(
    machine: MachineFactory, account: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Fetch, replace, take away: stopped at the n-th call that needs room, for every n."""
    disk = Lacking(monkeypatch, errno.ENOSPC)
    a = machine("a", remote={"connections": 1}, safety={"max_delete": 1000, "max_edit": 1000})
    a.write("replaced.txt", "old content")
    a.write("deleted.txt", "deleted content")
    settle(a)
    named = 0
    for step in range(100):
        replaced, deleted = a.read("replaced.txt"), a.read("deleted.txt")
        account.store.add_version(live(account)["replaced.txt"].id, b"new %d" % step, "replaced.txt")
        account.store.create_asset(f"new{step}.txt", b"brand new")
        account.store.delete_asset(live(account)["deleted.txt"].id)
        a.write(f"up{step}.txt", "up")
        disk.left, disk.number = step, (errno.ENOSPC, errno.EDQUOT)[step % 2]
        report = a.once()
        was_full = disk.left < 0
        disk.left = None
        kept = {*a.tree().values(), *(content for found in a.trash().values() for content in found)}
        assert {replaced, deleted} <= kept, step
        assert f"up{step}.txt" in live(account), step
        settle(a)
        assert a.read("replaced.txt") == b"new %d" % step
        if not was_full:
            break
        assert all("no room on the disk" in reason for reason in report.failures.values()), step
        named += bool(report.failures)
        a.write("deleted.txt", f"deleted content {step}")
        settle(a)
    assert named > 10


def test_the_disk_being_full_does_not_stop_what_goes_up_under_conflict_local(
    machine: MachineFactory, account: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is to be buried has to come down first; that there is no room here is no fault of the account."""
    disk = Lacking(monkeypatch, errno.ENOSPC)
    a = machine("a", sync={"conflict": "local"}, remote={"connections": 1})
    a.write("both.txt", "old")
    settle(a)
    a.write("both.txt", "mine, longer than theirs")
    account.store.add_version(live(account)["both.txt"].id, b"theirs", "both.txt")
    a.write("up.txt", "up")
    disk.left = 0
    report = a.once()
    assert (list(report.failures), report.uploaded) == (["both.txt"], 1)
    assert "the disk is full" in report.message
    disk.left = None
    settle(a)
    assert account.store.content(live(account)["both.txt"].id) == b"mine, longer than theirs"
    assert b"theirs" in a.trash()["both.txt"]


def test_a_full_account_pauses_sending_alone(machine: MachineFactory, account: Sandbox) -> None:
    a = machine("a")
    a.write("trashed.bin", bytes(5000))
    settle(a)
    a.remove("trashed.bin")
    settle(a)
    account.configure(quota_bytes=6000)
    a.write("big.bin", bytes(3000))
    a.write("small.txt", "fits")
    account.store.create_asset("down.txt", b"down")
    report = a.once()
    assert (report.result, list(report.failures)) == (Result.PARTIAL, ["big.bin"])
    assert (report.uploaded, report.downloaded) == (1, 1)
    assert "the account is full" in report.message
    assert "its trash holds 5,000 bytes" in report.message
    account.configure(quota_bytes=1 << 30)
    settle(a)
