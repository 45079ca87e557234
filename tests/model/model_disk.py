"""What people do at a machine: one small deed for each two numbers, always possible."""

from __future__ import annotations

import os
import shutil
import unicodedata
from collections.abc import Callable
from pathlib import Path

from core_people import FILE_NAMES, FOLDER_NAMES
from e2e_world import Machine
from model_memory import Memory
from model_time import Time

NAMES = (*FILE_NAMES, "50%.gif", "%2C.gif", "x (101).gif")
FOLDERS = (*FOLDER_NAMES, "2024", "Ä", "a, b")


class Desk:
    """The person at one machine."""

    def __init__(self, machine: Machine, memory: Memory, time: Time, content: Callable[[int], bytes]) -> None:
        self._machine = machine
        self._memory = memory
        self._time = time
        self._content = content

    def do(self, deed: str, i: int, j: int) -> None:
        with self._memory.person_at(self._machine.home.name):
            getattr(self, deed)(i, j)

    # -- choosing

    def _file(self, i: int) -> Path | None:
        files = self._machine.paths()
        return self._machine.path(files[i % len(files)]) if files else None

    def _folder(self, i: int, *, root: bool = False) -> Path | None:
        folders = ["", *self._machine.folders()] if root else self._machine.folders()
        return self._machine.path(folders[i % len(folders)]) if folders else None

    # -- writing

    def _save(self, path: Path, content: bytes) -> None:
        """Write in place, at a time that no write before had: the kernel's clock is too coarse for us."""
        path.write_bytes(content)
        os.utime(path, ns=(self._time.unique_ns(),) * 2)

    def _save_new(self, path: Path, j: int) -> None:
        content = self._content(j)
        self._save(path, content)
        self._memory.wrote(content)

    def new(self, i: int, j: int) -> None:
        path = (self._folder(i, root=True) or self._machine.root) / NAMES[j % len(NAMES)]
        if not os.path.lexists(path):
            self._save_new(path, j)

    def new_empty(self, i: int, j: int) -> None:
        path = (self._folder(i, root=True) or self._machine.root) / NAMES[j % len(NAMES)]
        if not os.path.lexists(path):
            self._save(path, b"")

    def copy(self, i: int, j: int) -> None:
        old = self._file(i)
        path = (self._folder(j, root=True) or self._machine.root) / NAMES[i % len(NAMES)]
        if old and not os.path.lexists(path):
            self._save(path, old.read_bytes())

    def copy_over(self, i: int, j: int) -> None:
        old, path = self._file(i), self._file(j)
        if old and path and old != path:
            self._save(path, old.read_bytes())

    def edit(self, i: int, j: int) -> None:
        if path := self._file(i):
            self._save_new(path, j)

    def edit_unseen(self, i: int, j: int) -> None:
        """Write other bytes of the same length, and put the old time back: only the ctime tells."""
        path = self._file(i)
        if path and path.stat().st_size:
            before = path.stat()
            content = self._content(j)[: before.st_size].ljust(before.st_size, b"u")
            while path.stat().st_ctime_ns == before.st_ctime_ns:
                path.write_bytes(content)
                os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
            self._memory.wrote(content)

    def save_safely(self, i: int, j: int) -> None:
        """As programs save: a new file is written beside and takes the old one's place."""
        if path := self._file(i):
            beside = path.with_name(path.name + ".tmp")
            self._save_new(beside, j)
            beside.rename(path)

    def save_by_delete(self, i: int, j: int) -> None:
        if path := self._file(i):
            path.unlink()
            self._save_new(path, j)

    def append(self, i: int, j: int) -> None:
        if path := self._file(i):
            content = path.read_bytes() + self._content(j)
            self._save(path, content)
            self._memory.wrote(content)

    def truncate(self, i: int, j: int) -> None:
        if path := self._file(i):
            self._save(path, path.read_bytes()[: j % 3])

    def touch(self, i: int, j: int) -> None:
        if path := self._file(i):
            os.utime(path, ns=(self._time.unique_ns(),) * 2)

    def make_again(self, i: int, j: int) -> None:
        """The same bytes under the same name, but another file."""
        if path := self._file(i):
            content = path.read_bytes()
            path.unlink()
            self._save(path, content)

    # -- moving

    def _rename(self, old: Path, new: Path) -> None:
        if not os.path.lexists(new) and old not in new.parents:
            new.parent.mkdir(parents=True, exist_ok=True)
            old.rename(new)

    def move(self, i: int, j: int) -> None:
        old, into = self._file(i), self._folder(j, root=True)
        if old and into:
            self._rename(old, into / old.name)

    def rename(self, i: int, j: int) -> None:
        if old := self._file(i):
            self._rename(old, old.with_name(NAMES[j % len(NAMES)]))

    def rename_and_edit(self, i: int, j: int) -> None:
        if old := self._file(i):
            new = old.with_name(NAMES[j % len(NAMES)])
            if not os.path.lexists(new):
                old.rename(new)
                self._save_new(new, j)

    def change_case(self, i: int, j: int) -> None:
        if old := self._file(i):
            self._rename(old, old.with_name(old.name.swapcase()))

    def change_form(self, i: int, j: int) -> None:
        if old := self._file(i):
            form = "NFC" if unicodedata.is_normalized("NFD", old.name) else "NFD"
            self._rename(old, old.with_name(unicodedata.normalize(form, old.name)))

    def swap(self, i: int, j: int) -> None:
        one, other = self._file(i), self._file(j)
        if one and other and one != other:
            beside = one.with_name("swapping")
            one.rename(beside)
            other.rename(one)
            beside.rename(other)

    def rename_over(self, i: int, j: int) -> None:
        one, other = self._file(i), self._file(j)
        if one and other and one != other:
            one.rename(other)

    # -- taking away

    def delete(self, i: int, j: int) -> None:
        if path := self._file(i):
            path.unlink()

    def delete_folder(self, i: int, j: int) -> None:
        if path := self._folder(i):
            shutil.rmtree(path)

    # -- folders

    def make_folder(self, i: int, j: int) -> None:
        path = (self._folder(j, root=True) or self._machine.root) / FOLDERS[i % len(FOLDERS)]
        if not any(p.is_file() for p in (path, *path.parents)) and len(path.parts) < 16:
            path.mkdir(parents=True, exist_ok=True)

    def rename_folder(self, i: int, j: int) -> None:
        old, new = self._folder(i), self._machine.path(FOLDERS[j % len(FOLDERS)])
        if old and not any(p.is_file() for p in new.parents):
            self._rename(old, new)

    def move_folder(self, i: int, j: int) -> None:
        old, into = self._folder(i), self._folder(j, root=True)
        if old and into and old != into:
            self._rename(old, into / old.name)

    def swap_folders(self, i: int, j: int) -> None:
        one, other = self._folder(i), self._folder(j)
        if one and other and one != other and one not in other.parents and other not in one.parents:
            beside = self._machine.path("swapping")
            one.rename(beside)
            other.rename(one)
            beside.rename(other)

    def file_to_folder(self, i: int, j: int) -> None:
        if path := self._file(i):
            path.unlink()
            path.mkdir()
            self._save_new(path / NAMES[j % len(NAMES)], j)

    def folder_to_file(self, i: int, j: int) -> None:
        if path := self._folder(i):
            shutil.rmtree(path)
            self._save_new(path, j)


DEEDS = tuple(name for name in vars(Desk) if not name.startswith("_") and name != "do")
#: Those that one file is enough for: somebody else may be at its asset meanwhile.
TO_ONE = (
    *("edit", "edit_unseen", "save_safely", "save_by_delete", "truncate", "copy_over", "make_again"),
    *("move", "rename", "rename_and_edit", "change_case", "swap", "rename_over", "delete"),
)
