"""Looking at the folder: what is an entry, what is unknown, and that nothing is read without need."""

from __future__ import annotations

import errno
import os
import pickle
import socket
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from folder_world import Clock, Content, digest, entry, items, place, scan

from fluxsync.core.model import Kind, Place, Problem, Scope, Unknown
from fluxsync.errors import Halted, Rejected, Unavailable
from fluxsync.replica.folder import Folder, reading, survey
from fluxsync.replica.folder import scan as walking

DECOMPOSED, COMPOSED = "Mu\u0308ller.ai", "M\u00fcller.ai"


def test_files_and_folders_are_entries_with_all_their_evidence(folder: Folder, root: Path) -> None:
    (root / "Clients/Acme").mkdir(parents=True)
    (root / "Clients/Acme/logo.ai").write_bytes(b"logo")
    (root / "top.ai").write_bytes(b"")
    seen = scan(folder)
    logo = seen.files["Clients/Acme/logo.ai"]
    status = (root / "Clients/Acme/logo.ai").stat()
    assert logo.kind is Kind.FILE
    assert logo.place == Place("Clients/Acme", "logo.ai")
    assert (logo.size, logo.digest) == (4, digest(b"logo"))
    assert logo.stamp is not None
    assert (logo.stamp.inode, logo.stamp.mtime_ns) == (status.st_ino, status.st_mtime_ns)
    assert set(seen.files) == {"Clients/Acme/logo.ai", "top.ai"}
    assert {path: at.place for path, at in seen.folders.items()} == {
        "Clients": Place("", "Clients"),
        "Clients/Acme": Place("", "Clients/Acme"),
    }
    assert seen.complete
    assert seen.unknown == seen.problems == ()


def test_a_scan_with_nothing_new_opens_no_file(folder: Folder, root: Path) -> None:
    (root / "sub").mkdir()
    for number in range(20):
        (root / f"sub/{number}.ai").write_bytes(b"x")
    script = """
import os, pickle, sys, time
from dataclasses import replace
from pathlib import Path
from fluxsync.core.model import Scope
from fluxsync.replica.folder import Folder
known, root = pickle.load(sys.stdin.buffer)
opened = []
sys.addaudithook(lambda event, args: opened.append(args[0]) if event == "open" else None)
seen = Folder(Path(root), clock=lambda: time.time() + 60).scan(Scope(), known)
print(len(seen.files), any(str(name).endswith(".ai") for name in opened), "sub" in opened)
"""
    done = subprocess.run(
        [sys.executable, "-c", script],
        input=pickle.dumps((items(scan(folder)), str(root))),
        capture_output=True,
        check=True,
    )
    assert done.stdout.decode().split() == ["20", "False", "True"]


def test_a_file_whose_stamp_differs_is_read(folder: Folder, root: Path) -> None:
    (root / "a.ai").write_bytes(b"one")
    known = items(scan(folder))
    os.utime(root / "a.ai", ns=(1, 1))
    seen = scan(folder, known)
    assert seen.files["a.ai"].digest == digest(b"one")
    assert seen.files["a.ai"].stamp != known["a.ai"].stamp


def test_a_file_written_within_the_clocks_grain_is_read_again(root: Path) -> None:
    clock = Clock()
    folder = Folder(root, clock=clock, wait=clock.wait)
    (root / "a.ai").write_bytes(b"one")
    known = items(scan(folder))
    wrong = {path: replace(item, digest="f" * 64) for path, item in known.items()}
    assert scan(folder, wrong).files["a.ai"].digest == "f" * 64
    status = (root / "a.ai").stat()
    now = max(status.st_mtime_ns, status.st_ctime_ns) / 1e9
    folder = Folder(root, clock=lambda: now + 0.005 + sum(clock.waited), wait=clock.wait)
    assert scan(folder, wrong).files["a.ai"].digest == digest(b"one")
    assert clock.waited == [reading.POLL_S]


def test_an_unchanged_file_keeps_the_birth_that_was_recorded(folder: Folder, root: Path) -> None:
    (root / "a.ai").write_bytes(b"one")
    known = items(scan(folder))
    stamp = scan(folder, known).files["a.ai"].stamp
    assert stamp is known["a.ai"].stamp
    if sys.platform == "linux":
        assert stamp is not None
        assert stamp.birth_ns is not None
        assert abs(stamp.birth_ns - stamp.ctime_ns) < 60e9


SAVES: dict[str, Callable[[Path], None]] = {
    "rename-over": lambda path: _rename_over(path),
    "backup-then-new": lambda path: (path.rename(path.with_name("logo.bak")), path.write_bytes(b"two")),
    "delete-then-new": lambda path: (path.unlink(), path.write_bytes(b"two")),
    "truncate-then-write": lambda path: path.write_bytes(b"two"),
    "link-finalise": lambda path: _link_finalise(path),
    "old-time-kept": lambda path: (path.write_bytes(b"two"), os.utime(path, ns=(10**18, 10**18))),
}


@pytest.mark.parametrize("save", SAVES)
def test_each_way_in_which_programs_save_is_seen(folder: Folder, root: Path, save: str) -> None:
    (root / "logo.ai").write_bytes(b"one")
    os.utime(root / "logo.ai", ns=(10**18, 10**18))
    known = items(scan(folder))
    SAVES[save](root / "logo.ai")
    assert scan(folder, known).files["logo.ai"].digest == digest(b"two")


def test_links_and_special_files_are_named_and_skipped(folder: Folder, root: Path, tmp_path: Path) -> None:
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside/secret.ai").write_bytes(b"x")
    (root / "link").symlink_to(tmp_path / "outside")
    (root / "link.ai").symlink_to(tmp_path / "outside/secret.ai")
    os.mkfifo(root / "pipe")
    with socket.socket(socket.AF_UNIX) as server:
        here = os.getcwd()
        os.chdir(root)
        server.bind("socket")
        os.chdir(here)
    seen = scan(folder)
    assert seen.files == seen.folders == {}
    assert seen.unknown == ()
    assert {problem.path for problem in seen.problems} == {"link", "link.ai", "pipe", "socket"}
    assert all(problem.harmless for problem in seen.problems)


def test_a_tracked_file_or_folder_that_became_a_link_is_unknown(folder: Folder, root: Path) -> None:
    (root / "sub").mkdir()
    (root / "sub/b.ai").write_bytes(b"b")
    (root / "a.ai").write_bytes(b"a")
    known = items(scan(folder))
    (root / "sub").rename(root / "other")
    (root / "sub").symlink_to("other")
    (root / "a.ai").unlink()
    (root / "a.ai").symlink_to("other/b.ai")
    seen = scan(folder, known)
    reason = "became a symbolic link"
    assert set(seen.unknown) == {Unknown("sub", reason), Unknown("a.ai", reason)}
    assert set(seen.problems) == {Problem("sub", reason), Problem("a.ai", reason)}


def test_a_restricted_scan_through_a_link_is_unknown(folder: Folder, root: Path) -> None:
    (root / "other").mkdir()
    (root / "other/a.ai").write_bytes(b"a")
    (root / "sub").symlink_to("other")
    seen = scan(folder, None, "sub/a.ai")
    assert seen.files == {}
    assert [unknown.path for unknown in seen.unknown] == ["sub"]


def test_a_folder_that_cannot_be_read_is_unknown(
    folder: Folder, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (root / "sub").mkdir()
    (root / "sub/a.ai").write_bytes(b"a")
    inode = (root / "sub").stat().st_ino
    real = os.scandir

    def refusing(fd: int) -> object:
        if os.fstat(fd).st_ino == inode:
            raise PermissionError(errno.EACCES, "no")
        return real(fd)

    monkeypatch.setattr(walking.os, "scandir", refusing)
    seen = scan(folder)
    assert seen.files == {}
    assert set(seen.folders) == {"sub"}
    assert [unknown.path for unknown in seen.unknown] == ["sub"]
    assert not seen.problems[0].harmless


@pytest.mark.parametrize("number", [errno.EACCES, errno.EIO])
def test_a_file_that_cannot_be_read_is_unknown(
    folder: Folder, root: Path, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    (root / "a.ai").write_bytes(b"a")

    def refusing(_: object) -> int:
        raise OSError(number, "no")

    monkeypatch.setattr(reading, "open_file", refusing)
    seen = scan(folder)
    assert seen.files == {}
    assert [unknown.path for unknown in seen.unknown] == ["a.ai"]
    assert [problem.path for problem in seen.problems if not problem.harmless] == ["a.ai"]


def test_a_file_that_is_open_for_writing_is_waited_for_then_unknown(
    folder: Folder, root: Path, clock: Clock
) -> None:
    (root / "a.ai").write_bytes(b"a")
    (root / "b.ai").write_bytes(b"b")
    with (root / "a.ai").open("ab"):
        seen = scan(folder)
    assert [unknown.path for unknown in seen.unknown] == ["a.ai"]
    assert set(seen.files) == {"b.ai"}
    assert sum(clock.waited) == pytest.approx(3.0, abs=0.11)


def test_a_file_that_is_closed_meanwhile_is_taken(folder: Folder, root: Path, clock: Clock) -> None:
    (root / "a.ai").write_bytes(b"a")
    writer = (root / "a.ai").open("ab")
    clock.during = writer.close
    assert scan(folder).files["a.ai"].digest == digest(b"a")


def test_a_file_that_keeps_changing_is_unknown_and_is_not_read_each_time(
    folder: Folder, root: Path, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    (root / "a.ai").write_bytes(b"a")
    reads: list[int] = []
    real = reading.digest_of

    def torn(fd: int, on_block: Callable[[int], None]) -> str:
        reads.append(fd)
        found = real(fd, on_block)
        clock.during()
        return found

    def change() -> None:
        with (root / "a.ai").open("ab") as file:
            file.write(b"x")

    clock.during = change
    monkeypatch.setattr(reading, "digest_of", torn)
    seen = scan(folder)
    assert [unknown.path for unknown in seen.unknown] == ["a.ai"]
    assert len(reads) < len(clock.waited) / 1.5


def test_a_file_that_is_replaced_while_it_is_read_is_looked_at_again(
    folder: Folder, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (root / "logo.ai").write_bytes(b"one")
    real = reading.digest_of
    first = True

    def replaced(fd: int, on_block: Callable[[int], None]) -> str:
        nonlocal first
        found = real(fd, on_block)
        if first:
            first = False
            _rename_over(root / "logo.ai")
        return found

    monkeypatch.setattr(reading, "digest_of", replaced)
    assert scan(folder).files["logo.ai"].digest == digest(b"two")


def test_a_file_that_vanishes_before_it_is_read_is_gone(
    folder: Folder, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (root / "a.ai").write_bytes(b"a")
    real = reading.open_file

    def vanishing(at: object) -> int:
        (root / "a.ai").unlink(missing_ok=True)
        return real(at)

    monkeypatch.setattr(reading, "open_file", vanishing)
    seen = scan(folder)
    assert seen.files == {}
    assert seen.unknown == seen.problems == ()


def test_a_folder_that_vanishes_during_the_walk_is_gone_and_one_that_became_a_link_is_not(
    folder: Folder, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("gone", "link", "stays"):
        (root / name).mkdir()
    known = items(scan(folder))
    real = os.open

    def racing(name: str, flags: int, *args: int, **more: int) -> int:
        if name == "gone" and (root / "gone").exists():
            (root / "gone").rmdir()
        if name == "link" and not (root / "link").is_symlink():
            (root / "link").rmdir()
            (root / "link").symlink_to("stays")
        return real(name, flags, *args, **more)

    monkeypatch.setattr(walking.os, "open", racing)
    seen = scan(folder, known)
    assert set(seen.folders) == {"stays"}
    assert [unknown.path for unknown in seen.unknown] == ["link"]


@pytest.mark.parametrize("members", [(), ("A", "B")], ids=["everything", "a part"])
@pytest.mark.parametrize("what", ["x.ai", "Sub"])
def test_what_moves_on_during_a_walk_is_not_in_two_places(
    folder: Folder, root: Path, monkeypatch: pytest.MonkeyPatch, what: str, members: tuple[str, ...]
) -> None:
    """From a folder where the walk has been to one where it comes: only there it is."""
    for name in ("A", "B"):
        (root / name).mkdir()
    first, second = [entry.name for entry in os.scandir(root) if not entry.name.startswith(".")]
    if members:
        first, second = members
    (root / first / "Sub").mkdir()
    for path in ("x.ai", "Sub/y.ai", "stays.ai"):
        (root / first / path).write_bytes(path.encode())
    os.link(root / first / "stays.ai", root / second / "linked.ai")
    known = items(scan(folder))
    real = os.open

    def moving(name: str, flags: int, *args: int, **more: int) -> int:
        if name == second and (root / first / what).exists():
            (root / first / what).rename(root / second / what)
        return real(name, flags, *args, **more)

    monkeypatch.setattr(walking.os, "open", moving)
    seen = scan(folder, known, *members)
    moved = {path.replace(f"{first}/{what}", f"{second}/{what}") for path in known}
    assert {*seen.files, *seen.folders} == moved


def test_a_root_that_vanishes_during_the_scan_is_never_an_empty_folder(
    folder: Folder, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (root / "a.ai").write_bytes(b"a")
    real = os.scandir

    def unmounting(fd: int) -> object:
        root.rename(root.with_name("away"))
        root.mkdir()
        return real(fd)

    monkeypatch.setattr(walking.os, "scandir", unmounting)
    with pytest.raises(Halted):
        scan(folder)


@pytest.mark.parametrize("how", ["missing", "other-directory", "other-id", "no-id", "a-file"])
def test_another_root_halts_every_verb(folder: Folder, root: Path, how: str) -> None:
    (root / "a.ai").write_bytes(b"a")
    here = entry(folder, "a.ai")
    if how == "other-id":
        (root / ".fluxsync/root-id").write_text("two\n")
    elif how == "no-id":
        (root / ".fluxsync/root-id").unlink()
    else:
        root.rename(root.with_name("away"))
        if how == "other-directory":
            root.mkdir()
        if how == "a-file":
            root.touch()
    verbs: list[Callable[[], object]] = [
        folder.make_sure,
        lambda: scan(folder),
        lambda: scan(folder, None, "a.ai"),
        lambda: folder.look(here),
        lambda: folder.open(here),
        lambda: folder.put(place("b.ai"), Content(b"b"), None),
        lambda: folder.move(here, place("b.ai")),
        lambda: folder.trash(here),
        lambda: folder.delete(here),
        lambda: folder.make_folder(place("sub")),
        folder.list_trash,
    ]
    for verb in verbs:
        with pytest.raises(Halted, match="is missing or not mounted" if how == "missing" else None):
            verb()


def test_names_that_are_no_text_are_named_and_never_entries(folder: Folder, root: Path) -> None:
    os.mkdir(os.fsencode(root) + b"/caf\xe9")
    (root / os.fsdecode(b"logo\xff.ai")).write_bytes(b"x")
    for seen in (scan(folder), scan(folder, None, os.fsdecode(b"logo\xff.ai"), os.fsdecode(b"caf\xe9"))):
        assert seen.files == seen.folders == {}
        assert sorted(problem.path for problem in seen.problems) == ["caf\\xe9", "logo\\xff.ai"]
        assert not any(problem.harmless for problem in seen.problems)


def test_two_normal_forms_of_a_name_are_two_files_each_in_its_own_form(folder: Folder, root: Path) -> None:
    (root / DECOMPOSED).write_bytes(b"one")
    (root / COMPOSED).write_bytes(b"two")
    assert {path: at.digest for path, at in scan(folder).files.items()} == {
        DECOMPOSED: digest(b"one"),
        COMPOSED: digest(b"two"),
    }


def test_another_root_below_is_unknown(folder: Folder, root: Path) -> None:
    (root / "other/.fluxsync").mkdir(parents=True)
    (root / "other/a.ai").write_bytes(b"a")
    for seen in (scan(folder), scan(folder, None, "other/a.ai")):
        assert seen.files == {}
        assert [unknown.path for unknown in seen.unknown] == ["other"]
        assert "another root is there" in seen.problems[0].reason


def test_our_own_folder_is_never_listed(folder: Folder) -> None:
    assert scan(folder).folders == {}
    seen = scan(folder, None, ".fluxsync", ".fluxsync/root-id", "../x", "a//b")
    assert seen.files == seen.folders == {}


def test_our_own_folder_is_for_its_owner_only(folder: Folder, root: Path) -> None:
    (root / ".fluxsync").chmod(0o755)
    folder.prepare()
    assert (root / ".fluxsync").stat().st_mode & 0o777 == 0o700


class TestMounts:
    """A tracked folder that became a mount point, or is none any more, is unknown."""

    @pytest.fixture
    def mounted(self, monkeypatch: pytest.MonkeyPatch) -> set[int]:
        inodes: set[int] = set()
        real = os.fstat

        def other_disk(fd: int) -> os.stat_result:
            status = real(fd)
            if status.st_ino not in inodes:
                return status
            return os.stat_result([*status[:2], status.st_dev + 1, *status[3:]], status.__reduce__()[1][1])

        for module in (walking, survey):
            monkeypatch.setattr(module.os, "fstat", other_disk)
        return inodes

    def test_a_mount_point_that_was_never_tracked_is_taken_in(
        self, root: Path, folder: Folder, mounted: set[int]
    ) -> None:
        (root / "disk").mkdir()
        mounted.add((root / "disk").stat().st_ino)
        (root / "disk/a.ai").write_bytes(b"a")
        assert set(scan(folder).files) == {"disk/a.ai"}
        assert folder.mounts == {"disk"}
        assert set(scan(folder, items(scan(folder))).files) == {"disk/a.ai"}

    def test_a_tracked_folder_that_became_one_is_unknown_at_each_scan(
        self, root: Path, folder: Folder, mounted: set[int]
    ) -> None:
        (root / "disk").mkdir()
        (root / "disk/a.ai").write_bytes(b"a")
        known = items(scan(folder))
        mounted.add((root / "disk").stat().st_ino)
        for _ in range(2):
            assert scan(folder, known).unknown == (Unknown("disk", "became a mount point"),)
            assert folder.mounts == frozenset()
        assert scan(folder, known, "disk/a.ai").unknown == (Unknown("disk", "became a mount point"),)

    def test_a_tracked_folder_that_is_none_any_more_is_unknown_at_each_scan(
        self, root: Path, clock: Clock, mounted: set[int]
    ) -> None:
        (root / "disk").mkdir()
        known = items(scan(Folder(root, clock=clock)))
        folder = Folder(root, clock=clock, mounts=frozenset({"disk"}))
        for _ in range(2):
            assert scan(folder, known).unknown == (Unknown("disk", "is no longer mounted"),)
            assert folder.mounts == {"disk"}
        scan(folder, known, "elsewhere.ai")
        assert folder.mounts == {"disk"}


def test_a_restricted_scan_looks_at_its_members_only(folder: Folder, root: Path) -> None:
    for path in ("a/b/one.ai", "a/two.ai", "c/three.ai"):
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_bytes(b"x")
    seen = scan(folder, None, "a/b", "a/b/one.ai", "c/three.ai", "gone/four.ai", "gone.ai")
    assert set(seen.files) == {"a/b/one.ai", "c/three.ai"}
    assert set(seen.folders) == {"a/b"}
    assert seen.scope == Scope(frozenset({"a/b", "a/b/one.ai", "c/three.ai", "gone/four.ai", "gone.ai"}))
    assert seen.complete
    assert seen.unknown == ()


def test_ignore_files_hold_for_their_folder_and_for_restricted_scans(folder: Folder, root: Path) -> None:
    (root / "a/b").mkdir(parents=True)
    (root / "a/.fluxsyncignore").write_text("*.raw\nb/\n")
    for path in ("one.raw", "a/two.raw", "a/three.ai", "a/b/four.ai"):
        (root / path).write_bytes(b"x")
    seen = scan(folder)
    assert set(seen.files) == {"one.raw", "a/.fluxsyncignore", "a/three.ai"}
    assert set(seen.folders) == {"a"}
    assert [seen.admits(path) for path in ("a/x.raw", "a/b/x", "x.raw")] == [False, False, True]
    assert scan(folder, None, "a/two.raw", "a/b/four.ai").files == {}
    (root / "a/.fluxsyncignore").write_text("*.ai\n")
    assert set(scan(folder, None, "a/two.raw", "a/three.ai").files) == {"a/two.raw"}
    (root / "a/.fluxsyncignore").unlink()
    assert len(scan(folder).files) == 4


def test_a_folder_whose_ignore_file_cannot_be_read_is_unknown(
    folder: Folder, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (root / "a").mkdir()
    (root / "a/.fluxsyncignore").write_text("*.raw")
    (root / "a/x.ai").write_bytes(b"x")

    def refusing(*_: object) -> None:
        raise PermissionError(errno.EACCES, "no")

    monkeypatch.setattr("fluxsync.replica.folder.ignore_files.open_file", refusing)
    seen = scan(folder)
    assert [unknown.path for unknown in seen.unknown] == ["a"]
    assert seen.files == {}


def test_selective_sync_leaves_out_folders_of_which_it_wants_nothing(root: Path, clock: Clock) -> None:
    folder = Folder(root, clock=clock, include=["Clients/"])
    for path in ("Clients/Acme", "Clients/empty", "Private/empty"):
        (root / path).mkdir(parents=True)
    (root / "Clients/Acme/a.ai").write_bytes(b"a")
    (root / "Private/b.ai").write_bytes(b"b")
    seen = scan(folder)
    assert set(seen.files) == {"Clients/Acme/a.ai"}
    assert set(seen.folders) == {"Clients", "Clients/Acme", "Clients/empty"}
    assert not seen.admits("Private/b.ai")


def test_look_knows_the_digest_only_of_what_it_knows(folder: Folder, root: Path) -> None:
    (root / "a.ai").write_bytes(b"a")
    here = entry(folder, "a.ai")
    assert folder.look(here) == here
    (root / "a.ai").write_bytes(b"bb")
    now = folder.look(here)
    assert now is not None
    assert (now.size, now.digest) == (2, None)
    (root / "a.ai").unlink()
    assert folder.look(here) is None


def test_look_does_not_take_a_link_for_gone(folder: Folder, root: Path) -> None:
    (root / "sub").mkdir()
    (root / "sub/a.ai").write_bytes(b"a")
    here = entry(folder, "sub/a.ai")
    (root / "sub").rename(root / "other")
    (root / "sub").symlink_to("other")
    with pytest.raises(Rejected):
        folder.look(here)
    (root / "sub").unlink()
    (root / "sub").mkdir()
    (root / "sub/a.ai").symlink_to("../other/a.ai")
    with pytest.raises(Rejected):
        folder.look(here)


def test_a_first_scan_needs_nothing_prepared_and_leaves_nothing(root: Path, clock: Clock) -> None:
    (root / "a.ai").write_bytes(b"a")
    folder = Folder(root, clock=clock)
    assert folder.root_id() is None
    assert set(scan(folder).files) == {"a.ai"}
    assert folder.capabilities.names.max_name_bytes == 255
    assert sorted(os.listdir(root)) == ["a.ai"]


def test_progress_counts_files_and_bytes(root: Path, clock: Clock) -> None:
    heard: list[tuple[int, int]] = []
    for number in range(40):
        (root / f"{number}.ai").write_bytes(b"xyz")
    scan(Folder(root, clock=clock, on_progress=lambda files, size: heard.append((files, size))))
    assert heard[-1] == (40, 120)


def _rename_over(path: Path) -> None:
    path.with_name("new").write_bytes(b"two")
    path.with_name("new").replace(path)


def _link_finalise(path: Path) -> None:
    path.with_name("new").write_bytes(b"two")
    path.unlink()
    os.link(path.with_name("new"), path)
    path.with_name("new").unlink()


@pytest.mark.parametrize("others", [0, 20], ids=["alone", "with a pool of readers"])
def test_a_scan_that_is_asked_to_stop_ends_within_a_block(root: Path, clock: Clock, others: int) -> None:
    """However large the file is: what the listener raises is no trouble of that file."""
    (root / "huge.psd").write_bytes(bytes(20 << 20))
    for number in range(others):
        (root / f"{number}.txt").write_bytes(b"x")
    seen: list[int] = []

    def stop(files: int, count: int) -> None:
        seen.append(count)
        if count >= 1 << 20:
            raise Unavailable("interrupted", unsent=True)

    folder = Folder(root, clock=clock, wait=clock.wait, on_progress=stop)
    folder.prepare()
    with pytest.raises(Unavailable, match="interrupted"):
        folder.scan(Scope(), {})
    assert max(seen) < 3 << 20
