"""A journal that is damaged, lost, old or another's: nothing goes, nothing is doubled."""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Callable

import pytest
from e2e_world import Machine, counted, differences, live_assets, settle
from fault_proxy import FaultProxy, Pass

from fluxsync.app import opened
from fluxsync.engine.report import Result
from fluxsync.errors import ConfigError, Halted, StateError
from fluxsync.sandbox.server import Sandbox
from fluxsync.state import database

pytestmark = pytest.mark.slow

MachineFactory = Callable[..., Machine]


class Kept:
    """A pair in step, with what it held then; the journal can be put back as it was."""

    def __init__(self, machine: Machine, account: Sandbox) -> None:
        self.machine, self.account = machine, account
        for number in range(60):
            machine.write(f"Clients/Acme {number % 5}/a file with a name {number}.txt", f"content {number}")
        machine.write("in the root.txt", "root")
        machine.write("Gone/a.txt", "a")
        machine.write("Gone/b.txt", "b")
        settle(machine)
        machine.remove("Gone/a.txt")
        machine.write("Clients/Acme 1/a file with a name 1.txt", "edited")
        machine.move("Clients/Acme 2", "Clients/Other")
        settle(machine)
        self.now()

    def now(self) -> None:
        """Take the present for what has to stay."""
        machine = self.machine
        self.journal = machine.journal.read_bytes()
        self.page = int.from_bytes(self.journal[16:18], "big")
        self.tree = machine.tree()
        self.taken = machine.trash()
        self.assets = self._assets()

    def _assets(self) -> list[tuple[int, int, str, frozenset[int]]]:
        return [
            (asset.id, asset.version, asset.filename, frozenset(tag.id for tag in asset.tags))
            for asset in self.account.store.assets()
        ]

    def put_back(self, text: bytes) -> None:
        folder = self.machine.journal.parent
        for name in folder.glob(f"{self.machine.journal.name}*"):
            shutil.rmtree(name) if name.is_dir() else name.unlink()
        self.machine.journal.write_bytes(text)

    def set_aside(self) -> list[str]:
        return [n.name for n in self.machine.journal.parent.iterdir() if ".damaged-" in n.name]

    def merged(self, where: object = "") -> None:
        """Make a pass, which ends in step by itself and changes neither folder nor account."""
        report = self.machine.once()
        assert report.result is Result.IN_STEP, (where, report.failures, report.message)
        assert counted(report) == {} or set(counted(report)) == {"bytes_down"}, where
        assert self.machine.done == [], (where, self.machine.done)
        self.unchanged(where)
        assert self.machine.in_step().unchanged == len(self.tree), where

    def unchanged(self, where: object = "") -> None:
        assert self.machine.tree() == self.tree, where
        assert self.machine.trash() == self.taken, where
        assert self._assets() == self.assets, where


@pytest.fixture
def kept(machine: MachineFactory, account: Sandbox) -> Kept:
    return Kept(machine("a"), account)


def flipped(text: bytes) -> bytes:
    return bytes(byte ^ 0x55 for byte in text)


PAGES = pytest.mark.parametrize(
    "damage",
    [
        pytest.param(lambda page: bytes(len(page)), id="zeroes"),
        pytest.param(flipped, id="flipped"),
        pytest.param(lambda page: page[:-1] + bytes([page[-1] ^ 4]), id="one bit"),
    ],
)


@pytest.mark.slow
@PAGES
def test_whatever_page_is_damaged_both_sides_are_merged(kept: Kept, damage: Callable[[bytes], bytes]) -> None:
    pages = len(kept.journal) // kept.page
    assert pages > 15
    aside = 0
    for number in range(pages):
        start, end = number * kept.page, (number + 1) * kept.page
        kept.put_back(kept.journal[:start] + damage(kept.journal[start:end]) + kept.journal[end:])
        kept.merged(f"page {number}")
        aside += len(kept.set_aside())
    assert aside > pages // 3


# -- an old one --------------------------------------------------------------------------------------------


def much_happens(kept: Kept) -> None:
    """Let both sides change in every way since the journal was copied, and be in step again."""
    a, store = kept.machine, kept.account.store

    def name(number: int) -> str:
        return f"a file with a name {number}.txt"

    ids = {asset.filename: asset.id for asset in live_assets(kept.account)}
    a.write(f"Clients/Acme 1/{name(6)}", "edited since")
    store.add_version(ids[name(11)], b"edited there since")
    a.write("Clients/new here.txt", "new here")
    store.create_asset("new there.txt", b"new there", tags=["Clients/New"])
    a.remove(f"Clients/Acme 1/{name(16)}")
    a.remove(f"Clients/Acme 1/{name(21)}")
    settle(a)
    store.delete_asset(ids[name(21)])
    a.write(f"Clients/Acme 1/{name(21)}", "another file of this name")
    a.write(f"Clients/Acme 1/{name(16)}", "content 16")
    a.move(f"Clients/Acme 1/{name(26)}", f"Clients/Moved/{name(26)}")
    a.move(f"Clients/Acme 1/{name(31)}", "Clients/Acme 1/renamed.txt")
    a.move(f"Clients/Acme 1/{name(36)}", "Clients/Moved/moved and edited.txt")
    a.remove("Clients/Moved/moved and edited.txt")
    settle(a)
    a.move(f"Clients/Acme 3/{name(3)}", f"Clients/Moved/{name(3)}")
    a.move(f"Clients/Acme 3/{name(8)}", f"Clients/Moved/{name(8)}")
    settle(a)
    # Moved, saved by another program, and another file in its old place.
    a.remove(f"Clients/Moved/{name(3)}")
    a.write(f"Clients/Moved/{name(3)}", "moved and edited")
    a.write(f"Clients/Acme 3/{name(8)}", "in the place of one that moved")
    a.move("Clients/Acme 4", "Clients/Renamed")
    settle(a)
    kept.now()


def test_an_old_copy_of_the_journal_is_as_good_as_none(kept: Kept) -> None:
    old = kept.journal
    much_happens(kept)
    kept.put_back(old)
    kept.merged()


def test_a_dry_run_shows_what_an_old_copy_would_do(kept: Kept) -> None:
    old = kept.journal
    much_happens(kept)
    kept.put_back(old)
    report = kept.machine.once(dry_run=True)
    assert report.result is Result.IN_STEP
    assert (report.plan, report.unchanged) == ([], len(kept.tree))
    assert kept.machine.journal.read_bytes() == old


def test_an_old_copy_needs_no_bytes_of_what_is_as_it_was(kept: Kept) -> None:
    old = kept.journal
    kept.machine.write("in the root.txt", "edited since")
    settle(kept.machine)
    kept.now()
    kept.put_back(old)
    kept.account.clear_requests()
    kept.merged()
    assert [r["path"] for r in kept.account.requests if "/download/" in r["path"]] == []


def test_what_waited_while_the_journal_was_old_is_merged_too(kept: Kept) -> None:
    """Deletions that no journal remembers come back, edits on both sides are kept as two files."""
    old = kept.journal
    much_happens(kept)
    a = kept.machine
    a.remove("Gone/b.txt")
    a.write("in the root.txt", "edited here")
    (root,) = [x.id for x in live_assets(kept.account) if x.filename == "in the root.txt"]
    kept.account.store.add_version(root, b"edited there")
    kept.put_back(old)
    settle(a)
    assert a.read("Gone/b.txt") == b"b"
    assert {"edited here", "edited there"} <= {text.decode() for text in a.tree().values()}
    assert a.read("in the root.txt") == b"edited there"
    assert len(live_assets(kept.account)) == len(a.tree())


def test_the_journal_of_before_is_old_though_another_has_worked_since(kept: Kept) -> None:
    """Lost, merged without it, then found again in a backup."""
    old = kept.journal
    kept.put_back(b"")
    kept.merged()
    much_happens(kept)
    kept.put_back(old)
    kept.merged()


# -- not there, not whole, not one -------------------------------------------------------------------------


def test_however_much_of_it_is_left_both_sides_are_merged(kept: Kept) -> None:
    sound = kept.journal
    pages = len(sound) // kept.page
    for length in (
        0,
        99,
        *(kept.page * number + more for number in (1, pages // 2, pages - 1) for more in (0, 700)),
    ):
        kept.put_back(sound[:length])
        kept.merged(f"{length} of {len(sound)} bytes")
        assert bool(kept.set_aside()) == (length > 0), length


@pytest.mark.parametrize("text", [b"# Notes\n\nNot a journal.\n" * 100, b"\0" * 8192, bytes(range(256)) * 64])
def test_something_else_in_its_place_is_kept_aside(kept: Kept, text: bytes) -> None:
    kept.put_back(text)
    kept.merged()
    (name,) = kept.set_aside()
    assert (kept.machine.journal.parent / name).read_bytes() == text


def test_a_deleted_journal_is_made_anew(kept: Kept) -> None:
    kept.machine.journal.unlink()
    kept.merged()


def test_a_folder_in_its_place_is_a_mistake_in_the_configuration(kept: Kept) -> None:
    kept.machine.journal.unlink()
    kept.machine.journal.mkdir()
    with pytest.raises(ConfigError, match=r"\[journal\] path = .*: is a folder"):
        kept.machine.once()
    kept.unchanged()
    kept.machine.journal.rmdir()
    kept.merged()


@pytest.mark.parametrize("suffix", ["", "-wal", "-shm"])
def test_deleted_while_a_pass_runs_nothing_is_lost_and_nothing_doubled(
    machine: MachineFactory, account: Sandbox, proxy: FaultProxy, suffix: str
) -> None:
    a = machine("a", url=proxy.url)
    for number in range(12):
        a.write(f"A/{number}.txt", f"content {number}")
    settle(a)
    for number in range(4, 20):
        a.write(f"A/{number}.txt", f"other content {number}")
    gone = a.journal.with_name(a.journal.name + suffix)
    seen = proxy.fault("POST", ".", Pass(before=gone.unlink), first=9)
    try:
        a.once()
    except StateError:
        pass  # where SQLite notices; the next pass finds out what was done
    assert seen() >= 9
    assert not gone.exists() or suffix
    settle(a)
    other = {f"A/{number}.txt": f"other content {number}".encode() for number in range(4, 20)}
    assert a.tree() == {f"A/{number}.txt": f"content {number}".encode() for number in range(4)} | other
    assert len(account.store.assets()) == 20
    assert all(asset.version <= 1 for asset in account.store.assets())


# -- its log -----------------------------------------------------------------------------------------------


@pytest.fixture
def crashed(kept: Kept) -> tuple[bytes, bytes]:
    """The journal's file and its log as a kill leaves them, after much has happened."""
    connection = sqlite3.connect(kept.machine.journal)
    connection.execute("SELECT count(*) FROM items").fetchone()  # holds the log open
    much_happens(kept)
    log = kept.machine.journal.with_name(kept.machine.journal.name + "-wal")
    left = kept.machine.journal.read_bytes(), log.read_bytes()
    connection.close()
    assert len(left[1]) > 20 * kept.page
    return left


@pytest.mark.parametrize(
    "tenth", [0, *(pytest.param(n, marks=pytest.mark.slow) for n in (1, 3, 5, 7, 9)), 10]
)
@pytest.mark.parametrize("how", ["cut", "flipped"])
def test_a_damaged_log_is_an_old_journal(
    kept: Kept, crashed: tuple[bytes, bytes], tenth: int, how: str
) -> None:
    file, log = crashed
    at = len(log) * tenth // 10
    kept.put_back(file)
    damaged = log[:at] if how == "cut" else log[:at] + flipped(log[at : at + 64]) + log[at + 64 :]
    kept.machine.journal.with_name(kept.machine.journal.name + "-wal").write_bytes(damaged)
    kept.merged(f"{how} at {at} of {len(log)}")


# -- another's ---------------------------------------------------------------------------------------------


def test_a_journal_of_another_root_stops_the_pass(machine: MachineFactory, kept: Kept) -> None:
    """Two pairs with one [journal] path, or a journal that was copied from another machine."""
    other = machine("b", journal={"path": str(kept.machine.journal)})
    other.write("mine.txt", "mine")
    for _ in range(2):
        with pytest.raises(Halted, match=r"lost its marker.*two pairs need two journals"):
            other.once()
    assert other.tree() == {"mine.txt": b"mine"}
    kept.merged()
    settle(machine("c"))
    shutil.copytree(machine("c").root / ".fluxsync", other.root / ".fluxsync", dirs_exist_ok=True)
    with pytest.raises(Halted, match=r"another folder.*two pairs need two journals"):
        other.once()
    kept.merged()


def test_a_journal_of_another_account_stops_the_pass(kept: Kept, proxy: FaultProxy) -> None:
    kept.machine.url = proxy.url
    with pytest.raises(Halted, match="belongs to the account"):
        kept.machine.once()
    kept.machine.url = kept.account.url
    kept.merged()


def test_a_folder_that_moved_to_another_machine_goes_on(machine: MachineFactory, kept: Kept) -> None:
    """Every file has another inode there, and the journal comes along or does not."""
    there = machine("b")
    shutil.rmtree(there.root)
    shutil.copytree(kept.machine.root, there.root, symlinks=True)
    shutil.copy(kept.machine.journal, there.journal)
    fresh = machine("c")
    shutil.rmtree(fresh.root)
    shutil.copytree(kept.machine.root, fresh.root, symlinks=True)
    for one in (there, fresh):
        report = one.in_step()
        assert (counted(report).keys() <= {"bytes_down"}, one.done) == (True, [])
        assert one.tree() == kept.tree
    kept.unchanged()
    there.write("in the root.txt", "edited there")
    settle(there, fresh, kept.machine)
    assert kept.machine.read("in the root.txt") == b"edited there"


def test_a_copy_of_folder_and_journal_that_both_work_make_one_set_of_assets(
    machine: MachineFactory, kept: Kept
) -> None:
    """Two machines whose journals have one id: each takes its own assets for its own, and no others."""
    there = machine("b")
    shutil.rmtree(there.root)
    shutil.copytree(kept.machine.root, there.root, symlinks=True)
    shutil.copy(kept.machine.journal, there.journal)
    for one in (kept.machine, there):
        one.write("New/same.txt", "same")
    kept.machine.write("in the root.txt", "here")
    there.write("in the root.txt", "there!")
    settle(kept.machine, there)
    assert differences(kept.machine, there) == ""
    assert len([a for a in live_assets(kept.account) if a.filename == "same.txt"]) == 1
    assert {b"here", b"there!"} <= set(there.tree().values())


# -- a newer one -------------------------------------------------------------------------------------------


def test_a_journal_of_a_newer_fluxsync_stops_the_pass_and_is_left_alone(kept: Kept) -> None:
    connection = sqlite3.connect(kept.machine.journal)
    connection.execute(f"PRAGMA user_version = {database.SCHEMA + 1}")
    connection.close()
    before = kept.machine.journal.read_bytes()
    with pytest.raises(StateError, match="newer fluxsync: upgrade, or `fluxsync rebuild`"):
        kept.machine.once()
    assert kept.machine.journal.read_bytes() == before
    with opened(kept.machine.settings(), afresh=True, wait=kept.machine.clock.wait) as app:
        report = app.run()
        assert report.result is Result.IN_STEP
        assert "newer" in (app.journal.set_aside or "")
    kept.unchanged()
    kept.merged()


# -- where nothing can be written --------------------------------------------------------------------------


def test_a_journal_that_cannot_be_opened_stops_the_pass_and_nothing_is_touched(kept: Kept) -> None:
    journal = kept.machine.journal
    (kept.machine.home / "file").touch()
    kept.machine.set("journal", path=str(kept.machine.home / "file" / "journal.sqlite"))
    with pytest.raises(StateError, match=r"\(Not a directory\): .* set \[journal\] path"):
        kept.machine.once()
    kept.machine.set("journal", path=str(journal))
    kept.merged()
