"""Killed after any single change of the disk, nothing that the folder held is lost."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from folder_world import DISKS, Clock, Content, entry, killed, lack, place, trashed, tree

from fluxsync.core.model import Entry
from fluxsync.replica.folder import Folder

OLD, NEW = b"the old content", b"the new one"

WORK: dict[str, Callable[[Folder, Entry], object]] = {
    "replace": lambda folder, old: folder.put(place("sub/a.ai"), Content(NEW), old),
    "replace-aside": lambda folder, old: folder.put(
        place("sub/a.ai"), Content(NEW), old, aside=place("sub/a (mine).ai")
    ),
    "move": lambda folder, old: folder.move(old, place("b.ai")),
    "trash": lambda folder, old: folder.trash(old),
}


@pytest.mark.parametrize("disk", DISKS)
@pytest.mark.parametrize("work", WORK)
def test_the_old_content_survives_a_kill_after_each_step(
    tmp_path: Path, clock: Clock, monkeypatch: pytest.MonkeyPatch, work: str, disk: str
) -> None:
    lack(monkeypatch, disk)
    step = 0
    while True:
        root = tmp_path / "root"
        (root / "sub").mkdir(parents=True)
        (root / "sub/a.ai").write_bytes(OLD)
        folder = Folder(root, clock=clock)
        folder.prepare()
        old = entry(folder, "sub/a.ai")
        was_killed = killed(lambda folder=folder, old=old: WORK[work](folder, old), step)
        kept = [*tree(root).values(), *trashed(root)]
        assert OLD in kept, f"lost after step {step}"
        assert set(kept) <= {OLD, NEW}, f"torn after step {step}"
        if not was_killed:
            break
        # The next run works: whatever was left does not stand in its way.
        again = Folder(root, clock=clock)
        again.prepare()
        again.drop_staged(again.leftovers(""))
        assert again.leftovers("") == []
        shutil.rmtree(root)
        step += 1
    assert step > 3
    if work.startswith("replace"):
        assert tree(root)["sub/a.ai"] == NEW


@pytest.mark.parametrize("disk", DISKS)
def test_a_new_file_is_either_complete_or_not_there(
    tmp_path: Path, clock: Clock, monkeypatch: pytest.MonkeyPatch, disk: str
) -> None:
    lack(monkeypatch, disk)
    step, was_killed = 0, True
    while was_killed:
        root = tmp_path / f"root{step}"
        root.mkdir()
        folder = Folder(root, clock=clock)
        folder.prepare()
        was_killed = killed(lambda folder=folder: folder.put(place("a.ai"), Content(NEW), None), step)
        assert tree(root) in ({}, {"a.ai": NEW})
        step += 1
    assert tree(root) == {"a.ai": NEW}


def test_the_root_id_is_the_old_or_the_new_one_after_each_step(tmp_path: Path, clock: Clock) -> None:
    step, was_killed = 0, True
    while was_killed:
        root = tmp_path / f"root{step}"
        root.mkdir()
        folder = Folder(root, clock=clock)
        folder.prepare()
        folder.write_root_id("one")
        was_killed = killed(lambda folder=folder: folder.write_root_id("two"), step)
        assert Folder(root).root_id() in ("one", "two")
        step += 1
    assert Folder(root).root_id() == "two"


@pytest.mark.parametrize("ask", ["names", "exchange"])
def test_what_a_killed_probe_of_the_disk_left_is_removed_by_the_next_run(
    tmp_path: Path, clock: Clock, ask: str
) -> None:
    step, was_killed = 0, True
    while was_killed:
        root = tmp_path / f"root{step}"
        root.mkdir()
        folder = Folder(root, clock=clock, run="first")
        folder.prepare()

        def probe(folder: Folder = folder) -> object:
            if ask == "names":
                return folder.capabilities
            with folder._root.opened() as top:
                return folder._facts.exchanges(top)

        was_killed = killed(probe, step)
        again = Folder(root, clock=clock, run="second")
        again.drop_staged(again.leftovers("first"))
        assert list((root / ".fluxsync/tmp").iterdir()) == []
        step += 1
    assert step > 3


def test_a_delete_that_is_killed_has_deleted_or_left_a_copy(tmp_path: Path, clock: Clock) -> None:
    step, was_killed = 0, True
    while was_killed:
        root = tmp_path / f"root{step}"
        root.mkdir()
        (root / "a.ai").write_bytes(OLD)
        folder = Folder(root, clock=clock)
        folder.prepare()
        old = entry(folder, "a.ai")
        was_killed = killed(lambda folder=folder, old=old: folder.delete(old), step)
        assert len([*tree(root).values(), *trashed(root)]) <= 1
        step += 1
    assert tree(root) == {}
    assert trashed(root) == []
