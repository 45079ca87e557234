"""Rules 2 and 6: a root or an account that is another one, and merging, delete nothing."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from e2e_world import Machine, asset_id, counted, live, put_tags, settle, stopped, trashed

from fluxsync.engine.report import Result
from fluxsync.errors import ConfigError, Halted
from fluxsync.policies import account_name
from fluxsync.sandbox.server import Sandbox

MachineFactory = Callable[..., Machine]


# -- rule 2: wrong place -----------------------------------------------------------------------------------


def test_a_missing_root_that_the_journal_knows_deletes_nothing(known: Machine, account: Sandbox) -> None:
    shutil.rmtree(known.root)
    stopped(known, Halted, Result.GUARDED)
    assert len(live(account)) == 5


def test_a_root_that_is_empty_as_if_not_mounted_deletes_nothing(known: Machine, account: Sandbox) -> None:
    shutil.rmtree(known.root)
    known.root.mkdir()
    said = stopped(known, Halted, Result.GUARDED)
    assert "rebuild" in said
    assert len(live(account)) == 5
    assert os.listdir(known.root) == []


def test_a_missing_root_that_no_journal_knows_is_a_typing_mistake(machine: MachineFactory) -> None:
    a = machine("a")
    a.root.rmdir()
    with pytest.raises(ConfigError):
        a.once()
    assert not a.root.exists()


def test_another_roots_marker_deletes_nothing(known: Machine, account: Sandbox) -> None:
    (known.root / ".fluxsync" / "root-id").write_text("another one")
    for number in range(5):
        known.remove(f"A/{number:03}.txt")
    said = stopped(known, Halted, Result.GUARDED)
    assert "rebuild" in said
    assert len(live(account)) == 5


def test_a_root_without_its_marker_deletes_nothing(known: Machine, account: Sandbox) -> None:
    (known.root / ".fluxsync" / "root-id").unlink()
    said = stopped(known, Halted, Result.GUARDED)
    assert "rebuild" in said
    assert len(live(account)) == 5
    assert not (known.root / ".fluxsync" / "root-id").exists()


def test_an_empty_journal_adopts_the_marker_and_merges(known: Machine, account: Sandbox) -> None:
    before = (known.root / ".fluxsync" / "root-id").read_text()
    for file in known.home.glob("journal.sqlite*"):
        file.unlink()
    known.remove("A/000.txt")
    settle(known)
    assert (known.root / ".fluxsync" / "root-id").read_text() == before
    assert len(known.paths()) == len(live(account)) == 5


def test_a_damaged_journal_is_set_aside_and_merges(known: Machine, account: Sandbox) -> None:
    known.journal.write_bytes(b"this is no database" * 1000)
    for suffix in ("-wal", "-shm"):
        known.journal.with_name(known.journal.name + suffix).unlink(missing_ok=True)
    known.remove("A/000.txt")
    settle(known)
    assert len(known.paths()) == len(live(account)) == 5
    assert trashed(account) == {}


def test_a_second_fluxsync_on_the_folder_is_refused(known: Machine) -> None:
    from fluxsync.errors import Locked

    with known.opened(), pytest.raises(Locked):
        known.once()


# -- rule 2: and afterwards it goes on by itself


def unmounted(machine: Machine) -> Callable[[], object]:
    """Leave an empty mount point where the root was; returns how it is mounted again."""
    disk = machine.home / "the disk"
    machine.root.rename(disk)
    machine.root.mkdir()

    def mount() -> None:
        machine.root.rmdir()
        disk.rename(machine.root)

    return mount


def missing(machine: Machine) -> Callable[[], object]:
    away = machine.home / "away"
    machine.root.rename(away)
    return lambda: away.rename(machine.root)


def marked_by_another(machine: Machine) -> Callable[[], object]:
    marker = machine.root / ".fluxsync" / "root-id"
    ours = marker.read_text()
    marker.write_text("f" * 32)
    return lambda: marker.write_text(ours)


def without_marker(machine: Machine) -> Callable[[], object]:
    marker = machine.root / ".fluxsync" / "root-id"
    ours = marker.read_text()
    marker.unlink()
    return lambda: marker.write_text(ours)


def replaced_by_another_root(machine: Machine) -> Callable[[], object]:
    away = machine.home / "away"
    machine.root.rename(away)
    shutil.copytree(away, machine.root)
    (machine.root / ".fluxsync" / "root-id").write_text("e" * 32)
    for file in machine.root.glob("A/*"):
        file.unlink()

    def put_back() -> None:
        shutil.rmtree(machine.root)
        away.rename(machine.root)

    return put_back


@pytest.mark.parametrize(
    "deed", [unmounted, missing, marked_by_another, without_marker, replaced_by_another_root]
)
@pytest.mark.parametrize("dry_run", [False, True], ids=["pass", "dry run"])
def test_when_the_root_is_the_right_one_again_the_next_pass_goes_on(
    known: Machine, account: Sandbox, deed: Callable[[Machine], Callable[[], object]], dry_run: bool
) -> None:
    account.store.create_asset("new.txt", b"new", tags=["A"])
    known.write("A/000.txt", "edited here")
    undo = deed(known)
    account.clear_requests()
    said = stopped(known, Halted, Result.GUARDED, dry_run=dry_run)
    assert "rebuild" in said or "mount it" in said
    assert account.requests == []
    assert len(live(account)) == 6
    undo()
    assert counted(known.in_step()) == {"downloaded": 1, "versions": 1, "bytes_up": 11, "bytes_down": 3}


@pytest.mark.parametrize(
    "address",
    [
        "https://127.0.0.1:{port}",
        "http://localhost:{port}",
        "http://127.0.0.1:{other}",
        "https://acme.localhost:{port}",
    ],
    ids=["scheme", "host", "port", "subdomain"],
)
def test_another_account_deletes_nothing_and_the_right_one_goes_on(
    known: Machine, account: Sandbox, address: str
) -> None:
    right = known.url
    known.url = address.format(port=right.rpartition(":")[2], other=account.port)
    known.remove("A/000.txt")
    before = known.tree()
    account.clear_requests()
    said = stopped(known, Halted, Result.GUARDED)
    assert right.removeprefix("http://") in said
    assert "rebuild" in said
    assert account.requests == []
    assert known.tree() == before
    known.url = right
    assert counted(known.in_step()) == {"trashed_remote": 1}


def test_the_user_and_the_way_an_address_is_written_are_no_part_of_the_account(
    machine: MachineFactory,
) -> None:
    def named(url: str, **remote: Any) -> str:
        return account_name(machine("b", url=url, remote=remote).settings())

    assert named("https://Acme.fluxiom.com") == named("https://acme.fluxiom.com:443/", username="john")
    assert named("https://acme.fluxiom.com") != named("https://other.fluxiom.com")


@pytest.mark.parametrize("where", ["inside", "above"])
def test_a_root_inside_or_above_another_one_is_refused_and_nothing_is_made(
    known: Machine, account: Sandbox, machine: MachineFactory, where: str
) -> None:
    other = machine("b")
    other.root = known.path("A") if where == "inside" else known.home
    before = sorted(known.home.rglob("*"))
    account.clear_requests()
    with pytest.raises(ConfigError, match=str(known.root)):
        other.once()
    assert sorted(known.home.rglob("*")) == before
    assert account.requests == []


# -- rule 6: merging ---------------------------------------------------------------------------------------


def rebuilt(machine: Machine) -> None:
    with machine.opened() as app:
        app.journal.forget_all()


def lost(machine: Machine) -> None:
    for file in machine.home.glob("journal.sqlite*"):
        file.unlink()


def damaged(machine: Machine) -> None:
    lost(machine)
    machine.journal.write_bytes(b"SQLite format 3\0" + b"no database" * 5000)


@pytest.mark.parametrize("deed", [rebuilt, lost, damaged])
def test_merging_brings_back_what_only_one_side_had_and_deletes_nothing(
    known: Machine, account: Sandbox, deed: Callable[[Machine], None]
) -> None:
    known.remove("A/000.txt")
    account.store.delete_asset(asset_id(account, "001.txt"))
    known.write("A/002.txt", "edited here")
    account.store.add_version(asset_id(account, "003.txt"), b"edited there")
    deed(known)
    report = known.once()
    assert (report.trashed_local, report.trashed_remote, trashed(account)) == (0, 0, {})
    settle(known)
    contents = set(known.tree().values())
    assert {b"edited here", b"edited there", b"content of A/000.txt", b"content of A/001.txt"} <= contents
    assert {account.store.content(asset.id) for asset in account.store.assets()} >= contents


@pytest.mark.parametrize(
    ("section", "key", "value"),
    [
        ("sync", "include", ["**", "!B/**"]),
        ("mapping", "folders", ["**", "!B"]),
        ("mapping", "labels", ["B"]),
        ("mapping", "extra_tags", ["studio"]),
    ],
)
def test_a_pass_after_the_mapping_or_the_selection_changed_deletes_nothing(
    known: Machine, account: Sandbox, section: str, key: str, value: list[str]
) -> None:
    known.write("B/one.txt", "one")
    settle(known)
    known.set(section, **{key: value})
    known.remove("A/000.txt")
    account.store.delete_asset(asset_id(account, "001.txt"))
    put_tags(account, "002.txt", "A", "fluxsync-trash")
    report = known.once()
    assert (report.trashed_local, report.trashed_remote) == (0, 0)
    assert set(trashed(account)) == {"002.txt"}
    assert {"001.txt", "002.txt"} <= {Path(path).name for path in known.paths()}
    assert "000.txt" in live(account)
    settle(known)
    assert not {"001.txt", "002.txt"} & {Path(path).name for path in known.paths()}
    assert "000.txt" not in live(account)
