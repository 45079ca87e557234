"""People who edit at random, and know exactly which contents they gave up.

Each content is written once, so that wherever it is found later, it is known whose it was. What somebody
replaces or deletes is taken aside in one step and read then: it was given up, whatever came there before.
"""

from __future__ import annotations

import ctypes
import os
import random
import shutil
import threading
from collections.abc import Callable
from pathlib import Path

from e2e_world import TRASH_TAG, live_assets, tags_of

from fluxsync.sandbox.errors import ApiError
from fluxsync.sandbox.model import Asset
from fluxsync.sandbox.server import Sandbox

FOLDERS = ("", "A", "B", "A/Sub", "B/Deep/Sub", "Client Ünï")
#: What nobody touches, and nobody counts.
STOCK = "Stock"
NAMES = tuple(f"{letter}.txt" for letter in "abcdefgh")
_NOREPLACE, _EXCHANGE = 1, 2
_MOST_FILES = 60


class Person:
    """One thread that does a deed, waits a moment, and does the next, until it is told to stop."""

    def __init__(self, name: str, seed: int, most_pause_s: float) -> None:
        self.name = name
        self.chance = random.Random(f"{name} {seed}")
        #: Contents that were written, and those that were replaced or deleted by this person.
        self.written: set[bytes] = set()
        self.given_up: set[bytes] = set()
        self.log: list[str] = []
        self.error: BaseException | None = None
        self._most_pause_s = most_pause_s
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None

    def begin(self) -> None:
        self._stop.clear()
        self._thread = threading.Thread(target=self._run, name=self.name)
        self._thread.start()

    def end(self) -> None:
        """Stop, and raise what went wrong."""
        self._stop.set()
        assert self._thread is not None
        self._thread.join()
        if self.error is not None:
            raise self.error

    def deeds(self) -> list[tuple[int, Callable[[], None]]]:
        raise NotImplementedError

    def new_content(self) -> bytes:
        content = f"{self.name} wrote {len(self.written)} {'x' * self.chance.randrange(300)}".encode()
        self.written.add(content)
        return content

    def gave_up(self, content: bytes) -> None:
        self.given_up.add(content)

    def note(self, *what: object) -> None:
        self.log.append(f"{self.name}: {' '.join(map(str, what))}")

    def _run(self) -> None:
        weights, deeds = zip(*self.deeds(), strict=True)
        try:
            while not self._stop.wait(self.chance.random() ** 3 * self._most_pause_s):
                (deed,) = self.chance.choices(deeds, weights)
                deed()
        except BaseException as error:
            self.error = error


class Designer(Person):
    """Works in a folder, with programs that save in all the ways there are."""

    def __init__(self, name: str, root: Path, seed: int, most_pause_s: float = 0.25) -> None:
        super().__init__(name, seed, most_pause_s)
        self.root = root
        self.aside = root.parent / f"aside of {name}"
        self.aside.mkdir()

    def deeds(self) -> list[tuple[int, Callable[[], None]]]:
        return [
            (6, self.create),
            (6, self.save_over),
            (4, self.save_in_place),
            (3, self.save_with_backup),
            (3, self.delete),
            (2, self.delete_and_write_anew),
            (5, self.move),
            (2, self.move_folder),
            (1, self.delete_folder),
        ]

    def paths(self) -> list[Path]:
        found = []
        for folder, folders, files in os.walk(self.root):
            folders[:] = [name for name in folders if name not in (".fluxsync", STOCK)]
            found += [Path(folder, name) for name in files if not name.endswith((".tmp", "~"))]
        return sorted(found)

    def some_file(self) -> Path | None:
        paths = self.paths()
        return self.chance.choice(paths) if paths else None

    def some_place(self) -> Path:
        return self.root / self.chance.choice(FOLDERS) / self.chance.choice(NAMES)

    def create(self) -> None:
        path = self.some_place()
        if len(self.paths()) < _MOST_FILES:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._write_new(path, self.new_content())

    def save_over(self) -> None:
        if (path := self.some_file()) is not None:
            self._replace(path, self.new_content())

    def save_in_place(self) -> None:
        path = self.some_file()
        if path is None:
            return
        content = self.new_content()
        try:
            with open(path, "r+b") as file:
                before = file.read()
                file.seek(0)
                file.truncate()
                file.write(content[: len(content) // 2])
                file.flush()
                file.write(content[len(content) // 2 :])
        except FileNotFoundError:
            self.gave_up(content)
            return
        self.gave_up(before)
        self.note("in place", path, before[:20], content[:20])

    def save_with_backup(self) -> None:
        path = self.some_file()
        if path is None:
            return
        content, backup = self.new_content(), path.with_name(path.name + "~")
        if self._move(path, backup):
            self._write_new(path, content)
            self._delete(backup)
        else:
            self.gave_up(content)

    def delete(self) -> None:
        if (path := self.some_file()) is not None:
            self._delete(path)

    def delete_and_write_anew(self) -> None:
        path = self.some_file()
        if path is not None and self._delete(path):
            self._write_new(path, self.new_content())

    def move(self) -> None:
        path, target = self.some_file(), self.some_place()
        if path is not None:
            target.parent.mkdir(parents=True, exist_ok=True)
            self._move(path, target)

    def move_folder(self) -> None:
        old, new = (self.root / folder for folder in self.chance.sample(FOLDERS[1:], 2))
        if new not in old.parents and old not in new.parents and old.is_dir():
            new.parent.mkdir(parents=True, exist_ok=True)
            self._move(old, new)

    def delete_folder(self) -> None:
        folder, aside = self.root / self.chance.choice(FOLDERS[3:]), self.aside / f"folder {len(self.log)}"
        if folder.is_dir() and self._move(folder, aside):
            for path in [path for path in aside.rglob("*") if path.is_file()]:
                self.gave_up(path.read_bytes())
            # What a service was about to put into that folder comes after it, and is on the account.
            shutil.rmtree(aside, ignore_errors=True)

    # -- in one step each

    def _write_new(self, path: Path, content: bytes) -> None:
        """Write a file where none is; where one is, this content was never there."""
        fresh = self.aside / "new"
        fresh.write_bytes(content)
        if not self._move(fresh, path):
            fresh.unlink()
            self.gave_up(content)

    def _replace(self, path: Path, content: bytes) -> None:
        fresh = self.aside / "new"
        fresh.write_bytes(content)
        if _renamed(fresh, path, _EXCHANGE):
            self.note("saved over", path, fresh.read_bytes()[:20], content[:20])
            self.gave_up(fresh.read_bytes())
        else:
            self.gave_up(content)
        fresh.unlink()

    def _delete(self, path: Path) -> bool:
        aside = self.aside / "deleted"
        if not self._move(path, aside):
            return False
        self.gave_up(aside.read_bytes())
        aside.unlink()
        return True

    def _move(self, old: Path, new: Path) -> bool:
        done = _renamed(old, new, _NOREPLACE)
        if done:
            self.note("moved", old, new)
        return done


class Colleague(Person):
    """Works on the account's own pages."""

    def __init__(self, name: str, account: Sandbox, seed: int, most_pause_s: float = 0.5) -> None:
        super().__init__(name, seed, most_pause_s)
        self.store = account.store
        self.account = account

    def deeds(self) -> list[tuple[int, Callable[[], None]]]:
        around = (self.upload, self.edit, self.retag, self.trash, self.restore, self.rename, self.rename_tag)
        return list(zip((4, 6, 4, 2, 1, 2, 1), (self._unless_gone(deed) for deed in around), strict=True))

    def _unless_gone(self, deed: Callable[[], None]) -> Callable[[], None]:
        def do() -> None:
            try:
                deed()
            except ApiError as error:
                self.note("refused", error)

        return do

    def _live(self) -> list[Asset]:
        return [asset for asset in live_assets(self.account) if STOCK not in tags_of(asset)]

    def _some(self) -> int | None:
        assets = self._live()
        return self.chance.choice(assets).id if assets else None

    def upload(self) -> None:
        if len(self._live()) < _MOST_FILES:
            content, folder = self.new_content(), self.chance.choice(FOLDERS)
            name = f"from {self.name} {len(self.written)}.txt"
            number = self.store.create_asset(name, content, tags=(folder,) if folder else ())
            self.note("upload", number, folder, name, content[:20])

    def edit(self) -> None:
        number = self._some()
        if number is not None:
            content, before = self.new_content(), self.store.content(number)
            self.store.add_version(number, content)
            self.gave_up(before)
            self.note("edit", number, before[:20], content[:20])

    def retag(self) -> None:
        number, folder = self._some(), self.chance.choice(FOLDERS)
        if number is not None:
            self.store.set_tags(number, (folder,) if folder else ())
            self.note("retag", number, folder)

    def trash(self) -> None:
        number = self._some()
        if number is not None:
            self.store.set_tags(number, (*tags_of(self.store.asset(number)), TRASH_TAG))
            self.note("trash", number)

    def restore(self) -> None:
        gone = [asset for asset in self.store.assets() if TRASH_TAG in tags_of(asset)]
        if gone:
            asset = self.chance.choice(gone)
            self.store.set_tags(asset.id, tuple(tags_of(asset) - {TRASH_TAG}))
            self.note("restore", asset.id)

    def rename(self) -> None:
        number = self._some()
        if number is not None:
            name, before = f"renamed {self.chance.randrange(10**6)}.txt", self.store.content(number)
            self.store.add_version(number, before, filename=name)
            self.note("rename", number, name, before[:20])

    def rename_tag(self) -> None:
        tags = [tag for tag in self.store.tags() if tag.name in FOLDERS]
        free = set(FOLDERS[1:]) - {tag.name for tag in tags}
        if tags and free:
            tag, name = self.chance.choice(tags), self.chance.choice(sorted(free))
            self.store.rename_tag(tag.id, name)
            self.note("rename tag", tag.name, name)


def _renamed(old: Path, new: Path, flags: int) -> bool:
    """Rename in one step; False where one is missing, or may not be there."""
    at, libc = -100, ctypes.CDLL(None, use_errno=True)
    return libc.renameat2(at, os.fsencode(old), at, os.fsencode(new), flags) == 0
