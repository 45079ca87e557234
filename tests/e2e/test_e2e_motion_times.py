"""Times are evidence to look, never to decide: backups, clocks that are off, disks that lost their power."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from e2e_world import Machine, asset_id, counted, live, settle

from fluxsync.replica.folder import reading, syscalls
from fluxsync.sandbox.server import Sandbox

OLD, NEW, SAVED = b"the old content", b"new from the account", b"saved right now"
#: Seconds since 1970: none at all, the day after, before it, and far ahead of every clock.
TIMES = [0, 86_400, -1_000_000_000, 4_000_000_000, 9_000_000_000]


def _at(path: Path, seconds: int, content: bytes | None = None) -> None:
    if content is not None:
        path.write_bytes(content)
    os.utime(path, ns=(seconds * 10**9, seconds * 10**9))


def test_no_time_hides_a_file_or_an_edit(machine: Callable[..., Machine], account: Sandbox) -> None:
    a, b = machine("a", safety={"max_edit": "100%"}), machine("b", safety={"max_edit": "100%"})
    for seconds in TIMES:
        _at(a.write(f"{seconds}.psd", OLD), seconds)
    settle(a, b)
    assert b.tree() == dict.fromkeys((f"{seconds}.psd" for seconds in TIMES), OLD)
    for seconds in TIMES:
        _at(a.root / f"{seconds}.psd", seconds, SAVED)  # of the same size and under the same time
    assert counted(a.in_step())["versions"] == len(TIMES)
    settle(a, b)
    assert set(b.tree().values()) == {SAVED}


def test_a_time_alone_sends_nothing_and_is_looked_at_once(
    machine: Callable[..., Machine], account: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    a = machine("a")
    path = a.write("logo.psd", OLD)
    a.in_step()
    _at(path, 1_000_000_000)
    path.chmod(0o600)
    hashed: list[int] = []
    digest_of = reading.digest_of
    monkeypatch.setattr(reading, "digest_of", lambda fd, *told: (hashed.append(fd), digest_of(fd, *told))[1])
    for _ in range(3):
        assert counted(a.in_step()) == {}
    assert len(hashed) == 1
    assert live(account)["logo.psd"].version == 0


def test_an_older_file_put_back_from_a_backup_is_an_edit(
    machine: Callable[..., Machine], account: Sandbox
) -> None:
    """Same size and an earlier time: in place as `cp -p` does it, and by a rename, as `rsync -t`."""
    a, b = machine("a"), machine("b")
    copied, renamed = a.write("copied.psd", OLD), a.write("renamed.psd", OLD)
    settle(a, b)
    backup = a.home / "backup"
    _at(backup, 1_000_000_000, SAVED)
    shutil.copy2(backup, copied)
    shutil.copy2(backup, renamed.with_name(".renamed.psd.tmp")).rename(renamed)
    assert counted(a.in_step())["versions"] == 2
    settle(a, b)
    assert set(b.tree().values()) == {SAVED}


@pytest.mark.parametrize("left", [0, 4])
def test_a_download_that_lost_its_end_is_brought_again_and_the_rest_lies_in_the_trash(
    machine: Callable[..., Machine], account: Sandbox, left: int
) -> None:
    a, b = machine("a"), machine("b")
    a.write("A/logo.psd", OLD)
    settle(a, b)
    path = b.root / "A/logo.psd"
    before = path.stat()
    os.truncate(path, left)
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    b.move("A/logo.psd", "B/logo.psd")
    settle(b, a)
    assert a.tree() == b.tree() == {"B/logo.psd": OLD}
    assert b.trash()["B/logo.psd"] == [OLD[:left]]
    assert account.store.asset(asset_id(account, "logo.psd")).version == 0


@pytest.mark.parametrize("keeps_time", [False, True])
def test_a_file_of_ones_own_that_was_made_shorter_is_an_edit(
    machine: Callable[..., Machine], account: Sandbox, keeps_time: bool
) -> None:
    """Also by a program that optimises in place and sets the time back."""
    a, b = machine("a"), machine("b")
    path = a.write("logo.psd", OLD)
    settle(a, b)
    before = path.stat()
    os.truncate(path, 4)
    if keeps_time:
        os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    settle(a, b)
    assert a.tree() == b.tree() == {"logo.psd": OLD[:4]}


def test_mode_and_attributes_stay_and_the_time_is_the_assets(
    machine: Callable[..., Machine], account: Sandbox
) -> None:
    a, b = machine("a"), machine("b")
    path = a.write("logo.psd", OLD)
    settle(a, b)
    os.setxattr(path, "user.com.apple.metadata:_kMDItemUserTags", b"red")
    path.chmod(0o640)
    b.write("logo.psd", NEW)
    settle(b, a)
    assert path.read_bytes() == NEW
    assert path.stat().st_mode & 0o777 == 0o640
    assert os.getxattr(path, "user.com.apple.metadata:_kMDItemUserTags") == b"red"
    assert path.stat().st_mtime_ns == live(account)["logo.psd"].updated * 10**9
    assert counted(a.in_step()) == {}


@pytest.mark.parametrize("edited", [False, True], ids=["download", "conflict"])
def test_what_is_saved_in_the_moment_of_the_exchange_is_an_asset_after_the_same_pass(
    machine: Callable[..., Machine], account: Sandbox, monkeypatch: pytest.MonkeyPatch, edited: bool
) -> None:
    a, b = machine("a"), machine("b")
    path = a.write("A/logo.psd", OLD)
    settle(a, b)
    b.write("A/logo.psd", NEW)
    b.in_step()
    if edited:
        a.write("A/logo.psd", b"an edit that nobody has yet")
    exchange = syscalls.exchange
    saved: list[bytes] = []

    def save_first(one: syscalls.At, other: syscalls.At) -> None:
        if other.name == "logo.psd" and not saved:
            saved.append(SAVED)
            path.with_name("logo.tmp").write_bytes(SAVED)
            path.with_name("logo.tmp").replace(path)
        exchange(one, other)

    monkeypatch.setattr(syscalls, "exchange", save_first)
    assert a.in_step().conflicts == 1
    assert saved
    copies = [name for name in live(account) if name.startswith("logo (conflicted copy 2")]
    assert [account.store.content(live(account)[name].id) for name in copies] == [SAVED]
    assert a.tree() == {"A/logo.psd": NEW, f"A/{copies[0]}": SAVED}
    # What the save itself replaced is nobody's loss; the edit that had a second name already is kept.
    assert a.trash() == ({"A/logo.psd": [b"an edit that nobody has yet"]} if edited else {})
    settle(a, b)
    assert a.tree() == b.tree()
