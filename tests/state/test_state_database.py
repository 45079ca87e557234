"""The journal's file: private, opened again, set aside where damaged, brought forward, read beside."""

from __future__ import annotations

import os
import sqlite3
import stat
from pathlib import Path

import pytest

from fluxsync.core.model import Item, Kind, Stamp, State
from fluxsync.errors import Full, StateError
from fluxsync.state import database, schema
from fluxsync.state.journal import Event, Journal, Planned

SCHEMA_1 = Path(__file__).with_name("schema_1.sql")


def an_item(number: int, **changes: object) -> Item:
    fields: dict[str, object] = {
        "id": 0,
        "kind": Kind.FILE,
        "path": f"Clients/Acme/file {number}.jpg",
        "key": str(1000 + number),
        "folder": "7",
        "name": f"file {number}.jpg",
        "revision": number,
        "size": 10 * number,
        "digest": f"{number:064x}",
        "stamp": Stamp(10 * number, 1_700_000_000_000_000_000 + number, 5, number, None),
        "memo": "7 9|2026-11-22",
        "state": State.AGREED,
        "made_here": number % 2 == 0,
    }
    return Item(**{**fields, **changes})  # type: ignore[arg-type]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "journal.sqlite"


def filled(path: Path, count: int = 40) -> list[Item]:
    journal = Journal.open(path)
    journal.set_facts({"root_id": "abc"})
    number = journal.begin_pass(count)
    journal.plan(number, [Planned("create", f"new {i}", "", 0, "new here") for i in range(count)])
    journal.record([Event(1.0, number, "create", f"a/{i}", "9", "done") for i in range(count)])
    written = journal.advance([an_item(i) for i in range(count)])
    journal.close()
    return written


def test_file_and_folders_are_for_the_owner_only(tmp_path: Path) -> None:
    path = tmp_path / "state" / "fluxsync" / "journal.sqlite"
    journal = Journal.open(path)
    journal.begin_pass(0)
    modes = {name.name: stat.S_IMODE(name.stat().st_mode) for name in path.parent.iterdir()}
    assert set(modes.values()) == {0o600}
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    assert stat.S_IMODE(path.parent.parent.stat().st_mode) == 0o700
    journal.close()


def test_a_file_that_others_could_read_is_closed_to_them(path: Path) -> None:
    Journal.open(path).close()
    path.chmod(0o644)
    Journal.open(path).close()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_opening_again_finds_everything(path: Path) -> None:
    written = filled(path)
    journal = Journal.open(path)
    assert journal.set_aside is None
    assert journal.items() == written
    assert journal.items() == written  # read from the file this time
    assert journal.fact("root_id") == "abc"
    assert len(journal.history(limit=1000)) == 40
    first_id = journal.journal_id
    journal.close()
    again = Journal.open(path)
    assert again.journal_id == first_id
    assert len(first_id) == 8
    again.close()


def test_peek_is_none_without_a_journal_and_makes_none(path: Path) -> None:
    assert Journal.peek(path) is None
    path.touch()
    assert Journal.peek(path) is None
    assert path.stat().st_size == 0


def test_peek_reads_beside_a_writer_and_cannot_write(path: Path) -> None:
    filled(path)
    journal = Journal.open(path)
    journal.advance([an_item(99)])
    beside = Journal.peek(path)
    assert beside is not None
    assert len(beside.items()) == 41
    assert beside.journal_id == journal.journal_id
    with pytest.raises(StateError, match=r"cannot be used \(.*readonly.*\): give your user the right"):
        beside.advance([an_item(100)])
    journal.advance([an_item(101)])
    assert len(beside.items()) == 42
    beside.close()
    journal.close()


def test_peek_leaves_nothing_behind(path: Path) -> None:
    filled(path)
    before = (path.read_bytes(), path.stat().st_mtime_ns)
    peek_items(path)
    assert [name.name for name in path.parent.iterdir()] == [path.name]
    assert (path.read_bytes(), path.stat().st_mtime_ns) == before


def test_peek_reads_in_a_folder_where_nothing_can_be_made(path: Path) -> None:
    if os.geteuid() == 0:
        pytest.skip("root may write everywhere")
    written = filled(path)
    path.parent.chmod(0o500)
    try:
        beside = Journal.peek(path)
        assert beside is not None
        assert beside.items() == written
        beside.close()
    finally:
        path.parent.chmod(0o700)


@pytest.mark.parametrize(
    ("offset", "text"),
    [
        (0, b"garbage garbage!"),
        (16, b"\xff\xff"),
        (60, b"\xff\xff\xff\xff"),
        (68, b"else"),
        (100, b"\0" * 400),
    ],
    ids=["magic", "page-size", "schema-number", "application", "first-tree"],
)
def test_a_damaged_header_is_set_aside(path: Path, offset: int, text: bytes) -> None:
    filled(path)
    overwrite(path, offset, text)
    with pytest.raises(StateError):
        peek_items(path)
    journal = Journal.open(path, clock=lambda: 0.0)
    assert journal.set_aside is not None
    assert "\n" not in journal.set_aside
    assert journal.items() == []
    kept = [name for name in path.parent.iterdir() if ".damaged-" in name.name]
    assert [name.read_bytes()[offset : offset + len(text)] for name in kept] == [text]
    journal.close()


@pytest.mark.parametrize("filler", [b"\0", b"\xff", b"x"], ids=["zeros", "ones", "letters"])
@pytest.mark.parametrize("part", ["whole", "head", "tail"])
def test_any_damaged_page_opens_or_is_set_aside(path: Path, filler: bytes, part: str) -> None:
    """Whatever page is overwritten: the journal that comes out can be read, written and closed."""
    filled(path, 120)
    sound = path.read_bytes()
    page = int.from_bytes(sound[16:18], "big")
    begin, length = {"whole": (0, page), "head": (0, 40), "tail": (page - 600, 600)}[part]
    for start in range(0, len(sound), page):
        for name in path.parent.iterdir():
            name.unlink()
        path.write_bytes(sound)
        overwrite(path, start + begin, filler * length)
        journal = Journal.open(path)
        known = journal.items()
        journal.advance([an_item(5)], [item.id for item in known])
        journal.settle([])
        journal.unsettled()
        journal.forget_planned()
        journal.history("a")
        journal.last_pass()
        journal.problem_rows()
        assert len(journal.items()) == 1
        journal.close()


def test_a_shortened_file_is_set_aside(path: Path) -> None:
    filled(path, 120)
    os.truncate(path, path.stat().st_size // 2)
    journal = Journal.open(path)
    assert journal.set_aside is not None
    journal.close()


def test_two_damaged_files_in_one_second_are_both_kept(path: Path) -> None:
    for _ in range(2):
        path.write_bytes(b"not a database, for sure" * 100)
        Journal.open(path, clock=lambda: 0.0).close()
    assert len([name for name in path.parent.iterdir() if ".damaged-" in name.name]) == 2


def test_a_newer_schema_is_left_alone(path: Path) -> None:
    filled(path)
    with sqlite3.connect(path) as connection:
        connection.execute(f"PRAGMA user_version = {database.SCHEMA + 1}")
    connection.close()
    before = path.read_bytes()
    with pytest.raises(StateError, match="written by a newer fluxsync: upgrade, or `fluxsync rebuild`"):
        Journal.open(path)
    with pytest.raises(StateError, match="newer fluxsync"):
        Journal.peek(path)
    assert path.read_bytes() == before
    journal = Journal.open(path, replace_newer=True)
    assert journal.set_aside is not None
    assert "newer fluxsync; it is kept as journal.sqlite.newer-" in journal.set_aside
    assert journal.items() == []
    journal.close()


def test_a_kill_while_the_file_was_made_leaves_nothing_to_set_aside(path: Path) -> None:
    connection = sqlite3.connect(path)
    connection.execute(f"PRAGMA application_id = {database.APPLICATION_ID}")
    schema.migrations.ensure_migrations_table(schema.SqliteUtils(connection))
    connection.commit()
    connection.close()
    assert Journal.peek(path) is None
    journal = Journal.open(path)
    assert journal.set_aside is None
    journal.close()


def test_a_database_of_another_program_is_left_alone(path: Path) -> None:
    with sqlite3.connect(path) as connection:
        connection.execute("CREATE TABLE recipes (name TEXT)")
    connection.close()
    with pytest.raises(StateError, match=r"another program: set \[journal\] path"):
        Journal.open(path)
    assert path.exists()


def test_a_locked_journal_is_an_error_and_not_set_aside(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(database, "_BUSY_S", 0.05)
    journal = Journal.open(path)
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(StateError, match="in use by another program"):
        journal.begin_pass(0)
    other.execute("ROLLBACK")
    other.close()
    assert journal.begin_pass(0) == 1
    journal.close()


def test_a_full_disk_is_full_and_loses_nothing(path: Path) -> None:
    written = filled(path)
    journal = Journal.open(path)
    connection = journal._database.connection
    (pages,) = connection.execute("PRAGMA page_count").fetchone()
    connection.execute(f"PRAGMA max_page_count = {pages}")
    with pytest.raises(Full, match="no room left"):
        journal.advance([an_item(i, memo="x" * 5000) for i in range(50)])
    assert journal.items() == written
    journal.advance([], [written[0].id])
    assert journal.items() == written[1:]
    journal.close()


def test_a_path_through_a_file_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(StateError, match=r"cannot be opened \(Not a directory\): .*set \[journal\] path"):
        Journal.open(tmp_path / "file" / "journal.sqlite")


def test_the_kept_copy_of_schema_1_can_be_read(path: Path) -> None:
    restore(path)
    expected = [
        Item(1, Kind.FOLDER, "Clients/Acme", "7", "", "Clients/Acme", stamp=Stamp(0, 0, 0, 42), memo="tag"),
        Item(
            3,
            Kind.FILE,
            "Clients/Acme/übersicht.jpg",
            "18555",
            "7",
            "übersicht.jpg",
            2,
            1234,
            "ab" * 32,
            Stamp(1234, 1_700_000_000_000_000_001, 1_700_000_000_000_000_002, 43, 1_600_000_000_000_000_000),
            "7 9",
            State.KEPT_HERE,
            True,
        ),
    ]
    journal = Journal.open(path)
    assert journal.set_aside is None
    assert journal.journal_id == "0badcafe"
    assert journal.items() == expected
    assert [row.path for row in journal.history()] == ["Clients/Acme/übersicht.jpg"]
    assert [row.path for row in journal.unsettled()] == ["Clients/Acme/new.jpg"]
    journal.close()


def test_an_older_schema_is_copied_then_brought_forward(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    restore(path)
    before = path.read_bytes()
    beside = Journal.peek(path)
    assert beside is not None
    assert len(beside.items()) == 2
    assert [row.cause for row in beside.history()] == [""]
    beside.close()
    assert path.read_bytes() == before

    journal = Journal.open(path)
    assert len(journal.items()) == 2
    assert [row.cause for row in journal.history()] == [""]
    journal.end_pass(journal.begin_pass(2), "unreachable", {}, "nobody answers")
    last = journal.last_pass()
    assert last is not None
    assert last.message == "nobody answers"
    journal.close()
    copy = path.with_name(f"journal.sqlite.before-{database.SCHEMA}")
    assert stat.S_IMODE(copy.stat().st_mode) == 0o600
    connection = sqlite3.connect(copy)
    assert connection.execute("PRAGMA user_version").fetchone() == (1,)
    assert connection.execute("SELECT count(*) FROM items").fetchone() == (2,)
    connection.close()


def test_what_sqlite_has_no_type_for_survives(path: Path) -> None:
    """Names of another encoding, an inode of 64 bits and a time beyond the year 2262 come back."""
    odd = an_item(
        1,
        path="a\udcff/\ud800.jpg",
        name="ü\0.jpg",
        stamp=Stamp(1, 10**21, -5, 2**64 - 1, None),
        size=2**70,
    )
    journal = Journal.open(path)
    written = journal.advance([an_item(0), odd])
    journal.record([Event(1.0, 1, "create", odd.path, "9", "done")])
    journal.close()
    journal = Journal.open(path)
    assert journal.set_aside is None
    assert journal.items() == written
    assert written[1].stamp == odd.stamp
    assert written[1].path == odd.path
    assert [row.path for row in journal.history("a\udcff")] == [odd.path]
    journal.close()


def peek_items(path: Path) -> list[Item]:
    beside = Journal.peek(path)
    assert beside is not None
    try:
        return beside.items()
    finally:
        beside.close()


def overwrite(path: Path, offset: int, text: bytes) -> None:
    with path.open("r+b") as file:
        file.seek(offset)
        file.write(text)


def restore(path: Path) -> None:
    connection = sqlite3.connect(path)
    connection.executescript(SCHEMA_1.read_text(encoding="utf-8"))
    connection.close()
