"""A pair that the first release kept in step: its journal is brought forward, and nothing moves."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from e2e_world import Machine, counted, settle

from fluxsync.engine.report import Result
from fluxsync.errors import Full, StateError
from fluxsync.sandbox.server import Sandbox
from fluxsync.sandbox.store import Store
from fluxsync.state import database, schema
from fluxsync.state.journal import Event, Journal

PAIR_1 = Path(__file__).with_name("pair_1.sql")
ROOT_ID = "5f3c0000000000000000000000005f3c"
#: What the account's clock said then.
THEN = 1_790_000_000.0
TREE = {
    "in the root.txt": "root",
    "Clients/Acme/übersicht.txt": "overview",
    "Clients/Acme/edited here.txt": "edited",
    "Clients/Acme/edited there.txt": "edited there",
    "Clients/Beta/labelled.txt": "labelled",
    "Clients/new here.txt": "new here",
}


def first(store: Store) -> None:
    """What the account held before the first pass."""
    store.create_asset("in the root.txt", b"root")
    store.create_asset("übersicht.txt", b"overview", tags=["Clients/Acme"])
    store.create_asset("edited here.txt", b"as it was", tags=["Clients/Acme"])
    number = store.create_asset("edited there.txt", b"as it was", tags=["Clients/Acme"])
    store.add_version(number, b"edited there")
    store.create_asset("labelled.txt", b"labelled", tags=["Clients/Beta", "final"])
    store.create_asset("deleted here.txt", b"deleted", tags=["Clients/Acme"])


def then(store: Store) -> None:
    """What the passes did to it after that."""
    ids = {asset.filename: asset.id for asset in store.assets()}
    store.add_version(ids["edited here.txt"], b"edited")
    store.set_tags(ids["deleted here.txt"], ["Clients/Acme", "fluxsync-trash"])
    store.create_asset("new here.txt", b"new here", tags=["Clients"])


# -- tests


class Killed(BaseException):
    """The machine lost its power."""


@pytest.fixture
def account(tmp_path: Path) -> Iterator[Sandbox]:
    """The account as it was; its clock gives every asset the time of creation that the journal knows."""
    with Sandbox(tmp_path / "account", threads=4, clock=lambda: THEN) as sandbox:
        first(sandbox.store)
        then(sandbox.store)
        yield sandbox


@pytest.fixture
def pair(machine: Callable[..., Machine], account: Sandbox) -> Machine:
    """The folder and the journal as they were. The files have other inodes, as from a backup."""
    a = machine("a")
    for path, content in TREE.items():
        a.write(path, content)
    (a.root / ".fluxsync").mkdir()
    (a.root / ".fluxsync" / "root-id").write_text(ROOT_ID)
    connection = sqlite3.connect(a.journal)
    connection.executescript(PAIR_1.read_text(encoding="utf-8").replace("PORT", str(account.port)))
    connection.close()
    return a


def goes_on(pair: Machine, account: Sandbox) -> None:
    """Make sure that the next pass is in step without any transfer, and that the pair syncs."""
    before = [(asset.id, asset.version, asset.tags) for asset in account.store.assets()]
    account.clear_requests()
    report = pair.in_step()
    assert (counted(report), pair.done, report.unchanged) == ({}, [], len(TREE))
    assert {r["method"] for r in account.requests} == {"GET"}
    assert [
        r["path"] for r in account.requests if "/download/" in r["path"] or "/versions" in r["path"]
    ] == []
    assert [(asset.id, asset.version, asset.tags) for asset in account.store.assets()] == before
    assert pair.tree() == {path: content.encode() for path, content in TREE.items()}
    assert [row.path for row in _history(pair) if row.action == "create"] == ["Clients/new here.txt"]
    pair.write("Clients/Acme/übersicht.txt", "edited now")
    pair.remove("in the root.txt")
    settle(pair)
    assert {asset.filename: asset.version for asset in account.store.assets()}["übersicht.txt"] == 1


def _history(pair: Machine) -> list[Event]:
    beside = Journal.peek(pair.journal)
    assert beside is not None
    try:
        return beside.history(limit=1000)
    finally:
        beside.close()


def test_the_journal_of_the_first_release_leaves_a_pair_in_step(pair: Machine, account: Sandbox) -> None:
    goes_on(pair, account)
    assert pair.journal.with_name(f"journal.sqlite.before-{database.SCHEMA}").exists()


def test_a_dry_run_brings_nothing_forward(pair: Machine, account: Sandbox) -> None:
    before = pair.journal.read_bytes()
    report = pair.once(dry_run=True)
    assert (report.result, report.plan, report.unchanged) == (Result.IN_STEP, [], len(TREE))
    assert pair.journal.read_bytes() == before
    assert list(pair.journal.parent.glob("*.before-*")) == []


def test_killed_at_any_statement_of_it_the_next_start_brings_it_forward(
    pair: Machine, account: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = pair.journal.read_bytes()
    execute = schema.SqliteUtils.execute
    step = killed_at = 0

    def counted_execute(self: schema.SqliteUtils, *args: object) -> object:
        nonlocal step
        step += 1
        if step == killed_at:
            raise Killed
        return execute(self, *args)  # type: ignore[arg-type]

    monkeypatch.setattr(schema.SqliteUtils, "execute", counted_execute)
    while True:
        killed_at, step = killed_at + 1, 0
        try:
            Journal.open(pair.journal).close()
        except Killed:
            left = Journal.peek(pair.journal)
            assert left is not None
            assert len(left.items()) == 10
            left.close()
            continue
        break
    assert killed_at > 15
    assert pair.journal.read_bytes() != before
    goes_on(pair, account)


def test_a_disk_that_is_full_in_the_middle_of_it_loses_nothing(
    pair: Machine, account: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    pages = pair.journal.stat().st_size // 4096
    connect = sqlite3.connect

    for room in (pages, pages + 1):

        def small(*args: object, _room: int = room, **more: object) -> sqlite3.Connection:
            connection: sqlite3.Connection = connect(*args, **more)  # type: ignore[call-overload]
            connection.execute(f"PRAGMA max_page_count = {_room}")
            return connection

        with monkeypatch.context() as patch:
            patch.setattr("fluxsync.state.database.sqlite3.connect", small)
            with pytest.raises(Full, match="no room left"):
                pair.once()
    goes_on(pair, account)


def test_a_disk_without_room_for_the_copy_is_said_in_one_line(
    pair: Machine, account: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = pair.journal.read_bytes()

    def full(*args: object) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr("fluxsync.state.database.os.open", full)
        with pytest.raises(StateError, match="No space left on device"):
            database._copy(database.open_in_memory(), f"{pair.journal}.before-{database.SCHEMA}")
    assert pair.journal.read_bytes() == before
    goes_on(pair, account)
