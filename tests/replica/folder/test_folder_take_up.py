"""A pass that nobody waits for takes up what is at rest, and says when to look again at the rest."""

from __future__ import annotations

import mmap
import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from folder_world import Content, digest, entry, items, place, scan, tree

from fluxsync.core.model import Item, Snapshot, Stamp
from fluxsync.core.observe import Presence, observe_local
from fluxsync.errors import Busy, Stale
from fluxsync.replica.folder import Folder, reading
from fluxsync.replica.folder.take_up import TakeUp

linux_only = pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells who has a file open")

SETTLE_S = 2.0
MB = 1_000_000


class Now:
    """A clock that stands so many seconds after the last write to a file; nobody may wait by it for long."""

    def __init__(self) -> None:
        self.now = 0.0
        self.waited: list[float] = []
        self.during: Callable[[], None] = lambda: None

    def __call__(self) -> float:
        return self.now

    def after(self, path: Path, seconds: float) -> None:
        status = path.stat()
        self.now = max(status.st_mtime_ns, status.st_ctime_ns) / 1e9 + seconds

    def wait(self, seconds: float) -> None:
        self.waited.append(seconds)
        self.now += seconds
        self.during()


@pytest.fixture
def now() -> Now:
    return Now()


@pytest.fixture
def folder(root: Path, now: Now) -> Folder:
    made = Folder(root, settle_s=SETTLE_S, clock=now, wait=now.wait)
    made.prepare()
    made.write_root_id("one")
    made.unattended = True
    return made


@pytest.fixture
def saved(root: Path) -> Path:
    path = root / "logo.ai"
    path.write_bytes(b"two")
    return path


def reason(seen: Snapshot) -> dict[str, str]:
    return {unknown.path: unknown.reason for unknown in seen.unknown}


def test_a_file_is_taken_up_when_it_has_not_changed_for_so_long(
    folder: Folder, saved: Path, now: Now
) -> None:
    now.after(saved, SETTLE_S - 0.1)
    seen = scan(folder)
    assert seen.files == {}
    (unknown,) = seen.unknown
    assert (unknown.path, now.waited) == ("logo.ai", [])
    assert "taken up when it" in unknown.reason
    assert unknown.stamp is not None
    assert unknown.stamp.inode == saved.stat().st_ino
    assert unknown.again_s is not None
    assert 0.1 <= unknown.again_s - now.now < 0.2
    now.now = unknown.again_s
    assert scan(folder).files["logo.ai"].digest == digest(b"two")


def test_what_waits_is_not_even_opened(
    folder: Folder, saved: Path, now: Now, monkeypatch: pytest.MonkeyPatch
) -> None:
    now.after(saved, 1.0)
    monkeypatch.setattr(reading, "open_file", lambda at: pytest.fail(f"{at.name} is opened"))
    assert set(reason(scan(folder))) == {"logo.ai"}


def test_nor_is_a_file_whose_folder_was_renamed(folder: Folder, root: Path, now: Now) -> None:
    (root / "A").mkdir()
    path = root / "A/logo.ai"
    path.write_bytes(b"two")
    now.after(path, 3.0)
    known = items(scan(folder))
    (root / "A").rename(root / "B")
    now.after(root / "B/logo.ai", 1.0)
    assert set(scan(folder, known).files) == {"B/logo.ai"}


def test_a_restricted_scan_waits_alike(folder: Folder, saved: Path, now: Now) -> None:
    now.after(saved, 1.0)
    assert set(reason(scan(folder, None, "logo.ai"))) == {"logo.ai"}
    now.after(saved, 3.0)
    assert set(scan(folder, None, "logo.ai").files) == {"logo.ai"}


def test_a_file_that_is_as_both_sides_agreed_is_never_delayed(folder: Folder, saved: Path, now: Now) -> None:
    """Written within the clock's grain it may differ all the same: it is read, a moment later."""
    now.after(saved, 3.0)
    known = items(scan(folder))
    for seconds, waits in ((1.0, []), (0.01, [reading.POLL_S])):
        now.after(saved, seconds)
        now.waited.clear()
        seen = scan(folder, known)
        assert (set(seen.files), seen.unknown, now.waited) == ({"logo.ai"}, (), waits)


@pytest.mark.parametrize(
    "change", [os.utime, lambda path: path.chmod(0o600), lambda path: path.write_bytes(b"3")]
)
def test_each_kind_of_news_waits(
    folder: Folder, saved: Path, now: Now, change: Callable[[Path], None]
) -> None:
    os.utime(saved, ns=(10**18, 10**18))
    now.after(saved, 3.0)
    known = items(scan(folder))
    change(saved)
    now.after(saved, 1.0)
    assert set(reason(scan(folder, known))) == {"logo.ai"}


def test_a_copy_that_kept_its_old_time_settles_by_when_it_came(folder: Folder, saved: Path, now: Now) -> None:
    os.utime(saved, ns=(10**18, 10**18))
    now.after(saved, 1.0)
    assert set(reason(scan(folder))) == {"logo.ai"}


def test_a_time_in_the_far_future_makes_nobody_wait_for_ever(folder: Folder, saved: Path, now: Now) -> None:
    far_ns = 4_070_908_800 * 10**9
    os.utime(saved, ns=(far_ns, far_ns))
    now.now = saved.stat().st_ctime_ns / 1e9 + 1.0
    (unknown,) = scan(folder).unknown
    assert unknown.again_s is not None
    assert unknown.again_s < now.now + SETTLE_S
    now.now += 1.5
    assert set(scan(folder).files) == {"logo.ai"}


@pytest.mark.parametrize("back_s", [1.0, 10.0, 3600.0, 10 * 365 * 86_400.0])
def test_a_clock_that_was_set_back_makes_nobody_wait_long(
    folder: Folder, saved: Path, now: Now, back_s: float
) -> None:
    now.after(saved, -back_s)
    for unknown in scan(folder).unknown:
        assert unknown.again_s is not None
        assert unknown.again_s - now.now < 2 * SETTLE_S
        now.now = unknown.again_s
    assert set(scan(folder).files) == {"logo.ai"}


@pytest.mark.parametrize(
    ("size", "seconds"), [(0, 2.0), (50 * MB, 2.5), (100 * MB, 3.0), (1000 * MB, 12.0), (10**12, 30.0)]
)
def test_a_large_file_settles_longer(size: int, seconds: float) -> None:
    """Programs take seconds to save 100 MB, with pauses; no file waits longer than 30 s."""
    take_up = TakeUp(SETTLE_S, lambda: 1e9, unattended=True)
    assert take_up.settled_s(size) == seconds
    young = Stamp(size, int((1e9 - seconds + 0.1) * 1e9), 0, 1)
    rested = Stamp(size, int((1e9 - seconds - 0.1) * 1e9), 0, 1)
    assert take_up.rests_at(young) is not None
    assert take_up.rests_at(rested) is None
    assert TakeUp(SETTLE_S, lambda: 1e9).rests_at(young) is None


def test_a_file_that_changes_after_the_walk_has_met_it_is_not_read(
    folder: Folder, saved: Path, now: Now, monkeypatch: pytest.MonkeyPatch
) -> None:
    now.after(saved, 3.0)
    open_file = reading.open_file

    def meddle(at: object) -> int:
        saved.write_bytes(b"three")
        return open_file(at)  # type: ignore[arg-type]

    monkeypatch.setattr(reading, "open_file", meddle)
    (unknown,) = scan(folder).unknown
    assert (unknown.path, now.waited) == ("logo.ai", [])
    assert unknown.again_s is not None


def test_what_vanishes_between_walk_and_reading_is_looked_for_once_more(
    folder: Folder, saved: Path, now: Now, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Programs delete and write anew: gone is what is missing at two looks."""
    now.after(saved, 3.0)
    open_file = reading.open_file

    def vanish(at: object) -> int:
        saved.unlink(missing_ok=True)
        return open_file(at)  # type: ignore[arg-type]

    monkeypatch.setattr(reading, "open_file", vanish)

    def come_back() -> None:
        monkeypatch.setattr(reading, "open_file", open_file)
        saved.write_bytes(b"x")

    now.during = come_back
    seen = scan(folder)
    assert now.waited == [reading.POLL_S]
    assert set(reason(seen)) | set(seen.files) == {"logo.ai"}
    monkeypatch.setattr(reading, "open_file", vanish)
    now.during = lambda: None
    now.after(saved, 3.0)
    gone = scan(folder)
    assert (gone.files, gone.unknown) == ({}, ())


@linux_only
def test_a_file_that_is_open_for_writing_waits_a_minute_without_a_change_and_holds_up_no_pass(
    folder: Folder, saved: Path, now: Now
) -> None:
    with saved.open("r+b") as file:
        now.after(saved, 3.0)
        (unknown,) = scan(folder).unknown
        assert "open for writing in another program" in unknown.reason
        assert "taken up when it" in unknown.reason
        assert now.waited == []
        assert unknown.again_s is not None
        assert now.now < unknown.again_s <= now.now + 15.0
        now.after(saved, 59.0)
        (unknown,) = scan(folder).unknown
        assert unknown.again_s is not None
        assert 1.0 <= unknown.again_s - now.now < 1.1
        now.now = unknown.again_s
        found = scan(folder).files["logo.ai"]
        source = folder.open(found)
        assert b"".join(source.blocks()) == b"two"
        assert source.check() == digest(b"two")
        source.close()
        file.write(b"new")
        file.flush()
        now.after(saved, 30.0)
        assert set(reason(scan(folder))) == {"logo.ai"}


@linux_only
def test_what_is_written_while_it_is_sent_after_its_minute_is_not_sent(
    folder: Folder, saved: Path, now: Now
) -> None:
    with saved.open("r+b") as file:
        now.after(saved, 61.0)
        source = folder.open(scan(folder).files["logo.ai"])
        assert b"".join(source.blocks()) == b"two"
        file.write(b"new")
        file.flush()
        with pytest.raises((Busy, Stale)):
            source.check()
        source.close()


@linux_only
def test_a_file_that_is_written_while_it_is_read_after_its_minute_waits(
    folder: Folder, saved: Path, now: Now, monkeypatch: pytest.MonkeyPatch
) -> None:
    digest_of = reading.digest_of
    with saved.open("r+b") as file:

        def written(fd: int, *told: object) -> str:
            found = digest_of(fd)
            file.write(b"new")
            file.flush()
            return found

        monkeypatch.setattr(reading, "digest_of", written)
        now.after(saved, 61.0)
        assert set(reason(scan(folder))) == {"logo.ai"}


@linux_only
def test_an_open_file_is_not_replaced_moved_or_taken_away_however_long_it_is_open(
    folder: Folder, saved: Path, now: Now
) -> None:
    """Whoever has it open would go on writing to what lies in the trash."""
    changes: list[Callable[[], object]] = [
        lambda: folder.put(place("logo.ai"), Content(b"new"), known),
        lambda: folder.move(known, place("other.ai")),
        lambda: folder.trash(known),
    ]
    with saved.open("r+b"):
        now.after(saved, 61.0)
        known = entry(folder, "logo.ai")
        for change in changes:
            with pytest.raises(Busy, match="taken up when it"):
                change()
    assert now.waited == []
    assert tree(saved.parent) == {"logo.ai": b"two"}


@linux_only
def test_a_pass_that_somebody_waits_for_does_not_settle_and_waits_for_what_is_open(
    folder: Folder, saved: Path, now: Now
) -> None:
    folder.unattended = False
    now.after(saved, 0.5)
    assert set(scan(folder).files) == {"logo.ai"}
    with saved.open("r+b"):
        now.after(saved, 61.0)
        (unknown,) = scan(folder).unknown
        assert unknown.again_s is None
        assert sum(now.waited) == pytest.approx(SETTLE_S + 1.0)


@linux_only
def test_patience_is_new_for_each_pass(folder: Folder, saved: Path, now: Now) -> None:
    now.after(saved, 61.0)
    known = entry(folder, "logo.ai")
    with saved.open("r+b"):
        for _ in range(2):
            folder.unattended = False
            now.waited.clear()
            with pytest.raises(Busy):
                folder.trash(known)
            assert sum(now.waited) >= SETTLE_S


@pytest.fixture
def mapped(saved: Path) -> Iterator[mmap.mmap]:
    with saved.open("r+b") as file:
        memory = mmap.mmap(file.fileno(), 0)
    yield memory
    memory.close()


@linux_only
def test_a_mapped_file_counts_as_open(folder: Folder, saved: Path, now: Now, mapped: mmap.mmap) -> None:
    now.after(saved, 10.0)
    assert "open for writing" in reason(scan(folder))["logo.ai"]


def test_a_file_moved_while_it_waits_keeps_what_it_was_moved_from_from_being_gone(
    folder: Folder, saved: Path, now: Now
) -> None:
    now.after(saved, 3.0)
    known: dict[str, Item] = items(scan(folder))
    saved.rename(saved.with_name("renamed.ai"))
    now.after(saved.with_name("renamed.ai"), 1.0)
    view = observe_local(scan(folder, known), known.values())
    assert view.updates[known["logo.ai"].id].presence is Presence.UNKNOWN
    now.now += 2.0
    view = observe_local(scan(folder, known), known.values())
    assert view.updates[known["logo.ai"].id].moved
