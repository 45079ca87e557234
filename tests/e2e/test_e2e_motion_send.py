"""Contract section 7, rule 8: whatever happens to a file while it is read or sent, nothing torn is kept."""

from __future__ import annotations

import hashlib
import mmap
import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from e2e_world import Clock, Machine, live, settle

from fluxsync.engine.report import Result
from fluxsync.engine.status import read
from fluxsync.replica.folder import reading, source
from fluxsync.replica.folder.source import FileSource
from fluxsync.sandbox.server import Sandbox

SIZES = {"small": 4_000, "large": 2_500_000}


def _written(path: Path, content: bytes, at: int = 0) -> None:
    with path.open("r+b") as file:
        file.seek(at)
        file.write(content)


def _with_old_time(path: Path) -> None:
    before = path.stat()
    _written(path, b"same size, same time", at=100)
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))


def _replaced(path: Path) -> None:
    other = path.with_name("~new.tmp")
    other.write_bytes(b"another file" * 200)
    other.replace(path)


def _older(path: Path) -> None:
    """Put a file of the same size and an earlier time in the place, as `cp -p` from a backup and a rename."""
    backup = path.parent.parent.parent / "backup"
    backup.write_bytes(b"b" * path.stat().st_size)
    os.utime(backup, ns=(10**18, 10**18))
    shutil.copy2(backup, path)


def _mapped(path: Path) -> None:
    with path.open("r+b") as file, mmap.mmap(file.fileno(), 0) as memory:
        memory[50:60] = b"by mapping"
        memory.flush()


def _in_new_folder(path: Path) -> None:
    path.parent.rename(path.parent.with_name(f"{path.parent.name} renamed"))


#: What happens to a file right after its first block was read.
HAPPENS: dict[str, Callable[[Path], object]] = {
    "changed": lambda path: _written(path, b"changed", at=path.stat().st_size - 2_000),
    "grown": lambda path: _written(path, b"and more", at=path.stat().st_size),
    "shrunk": lambda path: os.truncate(path, path.stat().st_size // 2),
    "truncated": lambda path: os.truncate(path, 0),
    "replaced": _replaced,
    "an older one": _older,
    "old time": _with_old_time,
    "mapped": _mapped,
    "deleted": lambda path: path.unlink(),
    "folder renamed": _in_new_folder,
}
CASES = [(what, size) for what in HAPPENS for size in SIZES]


def once_while_read(monkeypatch: pytest.MonkeyPatch, acts: dict[str, Callable[[], object]]) -> None:
    """Let something happen right after the first block of each of these files was read for sending."""
    blocks = FileSource.blocks

    def watched(self: FileSource) -> Iterator[bytes]:
        act = acts.pop(self._path, None)
        for block in blocks(self):
            if act is not None:
                act()
                act = None
            yield block

    monkeypatch.setattr(FileSource, "blocks", watched)


def ever_current(account: Sandbox) -> dict[str, list[bytes]]:
    """Return all contents that each file's asset has ever had, by file name."""
    return {
        asset.filename: [account.store.version_content(v.blob) for v in account.store.versions(asset.id)]
        or [account.store.content(asset.id)]
        for asset in account.store.assets()
    }


def _content(what: str, size: int) -> bytes:
    return (hashlib.sha256(what.encode()).digest() * (size // 32 + 1))[:size]


@pytest.mark.parametrize("edited", [False, True], ids=["created", "edited"])
def test_whatever_happens_to_a_file_while_it_is_sent_only_whole_contents_are_kept(
    machine: Callable[..., Machine], account: Sandbox, monkeypatch: pytest.MonkeyPatch, edited: bool
) -> None:
    a = machine("a", safety={"max_edit": "100%"})
    paths = {(what, size): f"{what} {size}/{what} {size}.psd" for what, size in CASES}
    whole: dict[str, set[bytes]] = {Path(path).name: set() for path in paths.values()}
    if edited:
        for path in paths.values():
            whole[a.write(path, f"before {path}").name].add(a.read(path))
        a.in_step()
    acts = {}
    for (what, size), path in paths.items():
        target = a.write(path, _content(path, SIZES[size]))
        acts[path] = lambda what=what, target=target: HAPPENS[what](target)
    once_while_read(monkeypatch, acts)
    a.once()
    settle(a)
    assert acts == {}
    assert a.tree().keys() >= {
        p for (what, _), p in paths.items() if what not in ("deleted", "folder renamed")
    }
    for path, content in a.tree().items():
        whole[Path(path).name].add(content)
    ever = ever_current(account)
    torn = {name for name, contents in ever.items() if not whole[name].issuperset(contents)}
    assert torn == set()
    assert {name: len(contents) for name, contents in ever.items() if len(contents) > 1 + edited} == {}
    assert {name: account.store.content(asset.id) for name, asset in live(account).items()} == {
        Path(path).name: content for path, content in a.tree().items()
    }


def test_a_file_that_changes_while_it_is_hashed_is_hashed_again(
    machine: Callable[..., Machine], account: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    a = machine("a")
    paths = {what: a.write(f"{what}/{what}.psd", _content(what, 5_000)) for what in HAPPENS}
    acts = {path.stat().st_ino: lambda w=what, p=path: HAPPENS[w](p) for what, path in paths.items()}
    hashed = reading.digest_of

    def watched(fd: int, *told: Any) -> str:
        act = acts.pop(os.fstat(fd).st_ino, None)
        digest = hashed(fd, *told)
        if act is not None:
            act()
        return digest

    monkeypatch.setattr(reading, "digest_of", watched)
    settle(a)
    assert acts == {}
    there = {name: account.store.content(asset.id) for name, asset in live(account).items()}
    assert there == {Path(path).name: content for path, content in a.tree().items()}
    assert {asset.version for asset in account.store.assets()} == {0}


def test_content_that_no_stamp_tells_apart_is_told_by_the_hash_before_the_last_block_leaves(
    machine: Callable[..., Machine], account: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A disk whose clock stands still: nothing but the content shows that the file is another."""
    a = machine("a")
    path = a.write("logo.psd", _content("old", 2_500_000))
    torn: list[str] = []

    def change() -> None:
        torn.append("now")
        _written(path, b"changed in what was read")
        _written(path, b"and in what was not", at=2_000_000)

    once_while_read(monkeypatch, {"logo.psd": change})
    frozen = source.stamp_of(path.stat())
    for module in (source, reading):
        monkeypatch.setattr(module, "stamp_of", lambda status, birth=None: frozen)
    a.in_step()
    assert torn
    assert ever_current(account) == {"logo.psd": [path.read_bytes()]}


def test_a_file_that_grows_for_minutes_is_named_and_sent_once_when_it_is_complete(
    machine: Callable[..., Machine],
    account: Sandbox,
    time_passes: Clock,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    a = machine("a", sync={"settle": 2.0})
    path = a.write("film.mov", "the beginning")
    a.write("other.psd", "done")
    waited, hashed = time_passes.wait, reading.digest_of

    def grow() -> None:
        with path.open("ab") as file:
            file.write(b", and another frame")

    def hash_and_grow(fd: int, *told: Any) -> str:
        digest = hashed(fd, *told)
        grow()
        return digest

    monkeypatch.setattr(time_passes, "wait", lambda seconds: (waited(seconds), grow()))
    monkeypatch.setattr(reading, "digest_of", hash_and_grow)
    for _ in range(3):
        time_passes.waits.clear()
        report = a.once()
        assert report.result is Result.PARTIAL
        assert set(report.failures) == {"film.mov"}
        assert "keeps changing" in report.failures["film.mov"]
        assert 2.9 < sum(time_passes.waits) < 3.2, "settle and a second, for all files together"
    with a.opened() as app:
        shown = read(app.journal, time_passes.time(), working=False)
    assert [trouble.path for trouble in shown.waiting] == ["film.mov"]
    assert shown.failing == ()
    assert list(live(account)) == ["other.psd"]
    monkeypatch.setattr(time_passes, "wait", waited)
    monkeypatch.setattr(reading, "digest_of", hashed)
    assert a.in_step().uploaded == 1
    assert account.store.content(live(account)["film.mov"].id) == path.read_bytes()
    assert live(account)["film.mov"].version == 0


def test_a_copy_made_from_a_file_that_is_open_elsewhere_comes_from_the_account_instead(
    machine: Callable[..., Machine], account: Sandbox
) -> None:
    a, b = machine("a"), machine("b")
    a.write("one.psd", "the content")
    settle(a, b)
    a.write("two.psd", "other")
    settle(a, b)
    a.write("two.psd", "the content")
    a.in_step()
    with (b.root / "one.psd").open("r+b"):
        assert b.in_step().downloaded == 1
    assert b.read("two.psd") == b"the content"


def test_the_same_file_under_two_names_is_two_assets_and_an_edit_of_one_is_an_edit_of_both(
    machine: Callable[..., Machine], account: Sandbox
) -> None:
    a, b = machine("a"), machine("b")
    one = a.write("A/one.psd", "the content")
    (a.root / "B").mkdir()
    os.link(one, a.root / "B/two.psd")
    settle(a, b)
    _written(one, b"THE")
    settle(a, b)
    assert {n: x.version for n, x in live(account).items()} == {"one.psd": 1, "two.psd": 1}
    b.write("A/one.psd", "new on the other machine")
    settle(b, a)
    assert a.tree() == b.tree() == {"A/one.psd": b"new on the other machine", "B/two.psd": b"THE content"}
    assert {n: x.version for n, x in live(account).items()} == {"one.psd": 2, "two.psd": 1}
