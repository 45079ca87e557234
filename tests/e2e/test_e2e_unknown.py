"""Rule 3: unknown is not gone. What cannot be looked at is not deleted, moved or replaced on either side."""

from __future__ import annotations

import errno
import os
import shutil
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from e2e_world import Machine, asset_id, counted, live, put_tags, settle, tags_of, trashed

from fluxsync.engine.report import Report, Result
from fluxsync.replica.folder import scan, survey
from fluxsync.sandbox.server import Sandbox

#: Makes the folder A unknown while it lasts.
Trouble = Callable[[Machine, pytest.MonkeyPatch], Iterator[None]]


def refuses(number: int, call: str) -> Trouble:
    """A system that answers with this error when the folder is opened or listed."""

    def trouble(machine: Machine, patch: pytest.MonkeyPatch) -> Iterator[None]:
        asked, refused = getattr(os, call), machine.path("A").stat().st_ino

        def refusing(what: Any = ".", *more: Any, **how: Any) -> Any:
            dir_fd = how.get("dir_fd")
            try:
                status = os.fstat(what) if isinstance(what, int) else os.stat(what, dir_fd=dir_fd)
            except OSError:
                return asked(what, *more, **how)
            if status.st_ino == refused:
                raise OSError(number, os.strerror(number))
            return asked(what, *more, **how)

        with patch.context() as patched:
            patched.setattr(scan.os, call, refusing)
            yield

    return trouble


def replaced_by(make: Callable[[Machine], object]) -> Trouble:
    """Something else lies in the place of the folder, which is elsewhere."""

    def trouble(machine: Machine, patch: pytest.MonkeyPatch) -> Iterator[None]:
        away = machine.home / "A elsewhere"
        machine.path("A").rename(away)
        make(machine)
        yield
        machine.path("A").unlink()
        away.rename(machine.path("A"))

    return trouble


def a_socket(machine: Machine) -> None:
    with socket.socket(socket.AF_UNIX) as made:
        before = os.getcwd()
        os.chdir(machine.root)  # its whole path may be too long for an address
        try:
            made.bind("A")
        finally:
            os.chdir(before)


def mounted_over(machine: Machine, patch: pytest.MonkeyPatch) -> Iterator[None]:
    """An empty disk is mounted over the folder."""
    away = machine.home / "A below"
    machine.path("A").rename(away)
    machine.path("A").mkdir()
    with on_another_disk(machine.path("A").stat().st_ino, patch):
        yield
    machine.path("A").rmdir()
    away.rename(machine.path("A"))


@contextmanager
def on_another_disk(inode: int, patch: pytest.MonkeyPatch) -> Iterator[None]:
    asked = os.fstat

    def elsewhere(fd: int) -> os.stat_result:
        status = asked(fd)
        if status.st_ino != inode:
            return status
        return os.stat_result([*status[:2], status.st_dev + 1, *status[3:]], status.__reduce__()[1][1])

    with patch.context() as patched:
        for module in (scan, survey):
            patched.setattr(module.os, "fstat", elsewhere)
        yield


TROUBLES = {
    "permission denied on listing": refuses(errno.EACCES, "scandir"),
    "an error of the disk on listing": refuses(errno.EIO, "scandir"),
    "a network disk that is stale": refuses(errno.ESTALE, "scandir"),
    "permission denied on entering": refuses(errno.EACCES, "open"),
    "an error of the disk on entering": refuses(errno.EIO, "open"),
    "became a link": replaced_by(lambda machine: machine.path("A").symlink_to(machine.home / "A elsewhere")),
    "became a dangling link": replaced_by(lambda machine: machine.path("A").symlink_to("nowhere")),
    "became a named pipe": replaced_by(lambda machine: os.mkfifo(machine.path("A"))),
    "became a socket": replaced_by(a_socket),
    "became a mount point": mounted_over,
}


def meanwhile(machine: Machine, account: Sandbox) -> None:
    """What others do: a new version, a deletion and a move below the folder; something new beside it."""
    account.store.add_version(asset_id(account, "000.txt"), b"new there")
    account.store.delete_asset(asset_id(account, "001.txt"))
    put_tags(account, "002.txt", "B")
    account.store.create_asset("theirs.txt", b"theirs", tags=["B"])
    account.store.create_asset("theirs too.txt", b"theirs", tags=["A"])
    machine.write("C/ours.txt", "ours")
    machine.write("C/000 copy.txt", "content of A/000.txt")


def nothing_happened_to(machine: Machine, account: Sandbox, report: Report) -> None:
    assert report.result is Result.PARTIAL
    assert [path for path in report.failures if path == "A" or path.startswith("A/")]
    assert (report.trashed_local, report.trashed_remote, report.moved_local, report.moved_remote) == (
        0,
        0,
        0,
        0,
    )
    assert (machine.trash(), trashed(account)) == ({}, {})
    assert tags_of(live(account)["003.txt"]) == {"A"}
    assert report.uploaded == 2, "what lies elsewhere is not held up"
    assert machine.read("B/theirs.txt") == b"theirs"


@pytest.mark.parametrize("trouble", TROUBLES.values(), ids=TROUBLES)
def test_nothing_below_a_folder_that_is_unknown_is_touched_and_afterwards_all_is_done(
    known: Machine, account: Sandbox, monkeypatch: pytest.MonkeyPatch, trouble: Trouble
) -> None:
    with contextmanager(trouble)(known, monkeypatch):
        meanwhile(known, account)
        nothing_happened_to(known, account, known.once())
        again = known.once()
        assert (again.result, known.done) == (Result.PARTIAL, [])
    settle(known)
    assert known.tree() == {
        "A/000.txt": b"new there",
        "A/003.txt": b"content of A/003.txt",
        "A/004.txt": b"content of A/004.txt",
        "A/theirs too.txt": b"theirs",
        "B/002.txt": b"content of A/002.txt",
        "B/theirs.txt": b"theirs",
        "C/000 copy.txt": b"content of A/000.txt",
        "C/ours.txt": b"ours",
    }


def test_a_folder_that_became_a_root_of_its_own_is_unknown(known: Machine, account: Sandbox) -> None:
    known.write("Clients/Acme/logo.ai", "logo")
    settle(known)
    known.path("Clients/Acme/.fluxsync").mkdir()
    known.remove("Clients/Acme/logo.ai")
    report = known.once()
    assert (report.result, list(report.failures)) == (Result.PARTIAL, ["Clients/Acme"])
    assert "logo.ai" in live(account)
    known.remove("Clients/Acme/.fluxsync")
    settle(known)
    assert "logo.ai" in trashed(account)


def test_a_mount_point_that_is_none_any_more_is_unknown(
    known: Machine, account: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    known.path("disk").mkdir()
    with on_another_disk(known.path("disk").stat().st_ino, monkeypatch):
        for number in range(5):
            known.write(f"disk/{number}.ai", f"{number}")
        settle(known)
        away = known.home / "the disk"
        shutil.copytree(known.path("disk"), away)
    for file in known.path("disk").iterdir():
        file.unlink()
    for _ in range(2):
        report = known.once()
        assert (report.result, list(report.failures)) == (Result.PARTIAL, ["disk"])
        assert len(live(account)) == 10
    for file in away.iterdir():
        shutil.copy2(file, known.path("disk"))
    with on_another_disk(known.path("disk").stat().st_ino, monkeypatch):
        settle(known)
    assert len(live(account)) == 10


# -- the end of what is unknown


SPECIAL = {
    "link": lambda machine: machine.path("A").symlink_to(machine.home / "A elsewhere"),
    "pipe": lambda machine: os.mkfifo(machine.path("A")),
}


@pytest.mark.parametrize("make", SPECIAL.values(), ids=SPECIAL)
def test_its_removal_settles_it(known: Machine, account: Sandbox, make: Callable[[Machine], object]) -> None:
    shutil.move(known.path("A"), known.home / "A elsewhere")
    make(known)
    assert known.once().result is Result.PARTIAL
    assert len(live(account)) == 5
    known.path("A").unlink()
    settle(known)
    assert live(account) == {}
    assert len(trashed(account)) == 5


@pytest.mark.parametrize("make", SPECIAL.values(), ids=SPECIAL)
def test_rebuilding_forgets_it_and_leaves_both_sides_alone(
    known: Machine, account: Sandbox, make: Callable[[Machine], object]
) -> None:
    shutil.move(known.path("A"), known.home / "A elsewhere")
    make(known)
    with known.opened() as app:
        app.journal.forget_all()
    before = sorted((known.home / "A elsewhere").iterdir())
    account.store.create_asset("elsewhere.txt", b"elsewhere", tags=["B"])
    assert counted(known.in_step()) == {"downloaded": 1, "bytes_down": 9}
    assert known.in_step().requests > 0
    assert (known.done, len(live(account))) == ([], 6)
    assert sorted((known.home / "A elsewhere").iterdir()) == before
    known.path("A").unlink()
    assert counted(known.in_step())["downloaded"] == 5


def test_an_asset_that_comes_to_the_place_of_a_link_is_left_alone(known: Machine, account: Sandbox) -> None:
    known.path("A/link.txt").symlink_to("000.txt")
    known.path("pictures").symlink_to(known.home)
    account.store.create_asset("link.txt", b"an asset", tags=["A"])
    account.store.create_asset("one.txt", b"an asset", tags=["pictures/2026"])
    account.store.create_tag("pictures")
    report = known.in_step()
    assert {problem.path for problem in report.notices} == {"A/link.txt", "pictures"}
    assert known.done == []
    put_tags(account, "001.txt", "pictures")
    known.in_step()
    assert len(live(account)) == 7
    assert known.path("A/001.txt").exists(), "it went where this machine cannot follow, as to an ignored path"
    assert not (known.home / "001.txt").exists()
    known.remove("A/link.txt")
    assert counted(known.in_step())["downloaded"] == 1


def test_a_folder_on_the_way_that_became_a_link_is_unknown_too(known: Machine, account: Sandbox) -> None:
    known.write("Clients/Acme/Logos/logo.ai", "logo")
    settle(known)
    for folder in ("Clients", "Clients/Acme"):
        shutil.move(known.path(folder), known.home / "elsewhere")
        known.path(folder).symlink_to(known.home / "elsewhere")
        report = known.once()
        assert (report.result, list(report.failures)) == (Result.PARTIAL, [folder])
        assert "logo.ai" in live(account)
        known.path(folder).unlink()
        shutil.move(known.home / "elsewhere", known.path(folder))
        settle(known)


def test_a_folder_on_the_way_that_became_a_mount_point_is_unknown_too(
    known: Machine, account: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    known.write("Clients/Acme/Logos/logo.ai", "logo")
    settle(known)
    away = known.home / "below"
    known.path("Clients").rename(away)
    known.path("Clients").mkdir()
    with on_another_disk(known.path("Clients").stat().st_ino, monkeypatch):
        report = known.once()
    assert (report.result, list(report.failures)) == (Result.PARTIAL, ["Clients"])
    assert "logo.ai" in live(account)
    known.path("Clients").rmdir()
    away.rename(known.path("Clients"))
    settle(known)


# -- single files


FILES = {
    "link": lambda path: path.symlink_to(path.with_name("004.txt")),
    "dangling link": lambda path: path.symlink_to("nowhere"),
    "pipe": os.mkfifo,
}


@pytest.mark.parametrize("make", FILES.values(), ids=FILES)
@pytest.mark.parametrize("there", ["untouched", "edited", "deleted", "moved"])
def test_a_tracked_file_that_became_something_else_is_left_alone_on_both_sides(
    known: Machine, account: Sandbox, make: Callable[[Any], object], there: str
) -> None:
    known.remove("A/000.txt")
    make(known.path("A/000.txt"))
    known.write("A/001.txt", "edited")
    number = asset_id(account, "000.txt")
    if there == "edited":
        account.store.add_version(number, b"new there")
    elif there == "deleted":
        account.store.delete_asset(number)
    elif there == "moved":
        put_tags(account, "000.txt", "B")
    report = known.once()
    assert (report.result, list(report.failures)) == (Result.PARTIAL, ["A/000.txt"])
    assert report.versions == 1
    assert not known.path("A/000.txt").is_file() or known.path("A/000.txt").is_symlink()
    assert (known.trash(), trashed(account)) == ({}, {})
    assert len(live(account)) == (4 if there == "deleted" else 5)
    known.remove("A/000.txt")
    settle(known)
    assert ("000.txt" in live(account)) == (there == "edited")
    assert len(known.paths()) == (5 if there == "edited" else 4)


@pytest.mark.parametrize("number", [errno.EIO, errno.EACCES])
def test_a_changed_file_that_cannot_be_read_is_neither_sent_nor_replaced(
    known: Machine, account: Sandbox, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    known.write("A/000.txt", "edited here")
    known.write("A/001.txt", "edited here")
    account.store.add_version(asset_id(account, "000.txt"), b"new there")
    read, refused = os.read, known.path("A/000.txt").stat().st_ino

    def refusing(fd: int, count: int) -> bytes:
        if os.fstat(fd).st_ino == refused:
            raise OSError(number, os.strerror(number))
        return read(fd, count)

    with monkeypatch.context() as patch:
        patch.setattr("fluxsync.replica.folder.source.os.read", refusing)
        report = known.once()
    assert (report.result, list(report.failures)) == (Result.PARTIAL, ["A/000.txt"])
    assert (report.versions, report.downloaded) == (1, 0)
    assert known.read("A/000.txt") == b"edited here"
    settle(known)
    assert {b"edited here", b"new there"} <= set(known.tree().values())
