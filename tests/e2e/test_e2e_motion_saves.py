"""How programs save, with a pass at each point in the middle: one edit of the same asset, always."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from e2e_world import counted, live, settle

from fluxsync.replica.folder import syscalls
from fluxsync.replica.folder.syscalls import At
from fluxsync.sandbox.server import Sandbox

NEW = b"the new content, and some more of it"
HALF = NEW[:10]

#: What a program does to the file, step by step; between two of them a pass may look.
Pattern = tuple[Callable[[Path], object], ...]


def _beside(path: Path, name: str) -> Path:
    return path.parent / name.format(name=path.name, stem=path.stem)


def _write(name: str = "{name}", content: bytes = NEW) -> Callable[[Path], object]:
    return lambda path: _beside(path, name).write_bytes(content)


def _rename(old: str, new: str) -> Callable[[Path], object]:
    return lambda path: _beside(path, old).rename(_beside(path, new))


def _remove(name: str) -> Callable[[Path], object]:
    return lambda path: _beside(path, name).unlink()


def _link(old: str, new: str) -> Callable[[Path], object]:
    return lambda path: os.link(_beside(path, old), _beside(path, new))


def _append(content: bytes) -> Callable[[Path], object]:
    def append(path: Path) -> None:
        with path.open("ab") as file:
            file.write(content)

    return append


def _swap(one: str, other: str) -> Callable[[Path], object]:
    def swap(path: Path) -> None:
        fd = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
        try:
            first, second = _beside(path, one), _beside(path, other)
            syscalls.exchange(At(fd, first.name), At(fd, second.name))
        finally:
            os.close(fd)

    return swap


def _make(folder: str) -> Callable[[Path], object]:
    return lambda path: _beside(path, folder).mkdir()


def _drop(folder: str) -> Callable[[Path], object]:
    return lambda path: _beside(path, folder).rmdir()


SAVES: dict[str, Pattern] = {
    "in place": (_write(content=b"half way of the old length"), _write()),
    "truncate, write": (_write(content=b""), _write()),
    "truncate, write in two": (_write(content=b""), _append(HALF), _append(NEW[10:])),
    "temporary file over it": (_write("{name}.tmp"), _rename("{name}.tmp", "{name}")),
    "temporary file of any name": (_write("save-4711"), _rename("save-4711", "{name}")),
    "backup~, new, drop": (_rename("{name}", "{name}~"), _write(), _remove("{name}~")),
    "backup.bak, new, drop": (_rename("{name}", "{stem}.bak"), _write(), _remove("{stem}.bak")),
    "backup~ stays": (_rename("{name}", "{name}~"), _write()),
    "delete, create": (_remove("{name}"), _write()),
    "link finalise": (
        _write("{name}.part"),
        _remove("{name}"),
        _link("{name}.part", "{name}"),
        _remove("{name}.part"),
    ),
    "swap": (_write("{name}.new"), _swap("{name}.new", "{name}"), _remove("{name}.new")),
    "Word": (
        _write("~WRD0001.tmp"),
        _rename("{name}", "~WRL0002.tmp"),
        _rename("~WRD0001.tmp", "{name}"),
        _remove("~WRL0002.tmp"),
    ),
    "Excel": (
        _write("5D2F3A10"),
        lambda path: (_rename("{name}", "9F21C7.tmp")(path), _rename("5D2F3A10", "{name}")(path)),
        _remove("9F21C7.tmp"),
    ),
    "TextEdit": (
        _make("{name}.sb-1a2b3c4d-AbCdEf"),
        _write("{name}.sb-1a2b3c4d-AbCdEf/{name}"),
        _rename("{name}.sb-1a2b3c4d-AbCdEf/{name}", "{name}"),
        _drop("{name}.sb-1a2b3c4d-AbCdEf"),
    ),
    "gedit": (_write(".goutputstream-K3XZ81"), _rename(".goutputstream-K3XZ81", "{name}")),
}


def test_a_save_is_one_edit_of_the_same_asset_whatever_a_pass_sees_of_it(
    machine: Callable[..., Any], account: Sandbox
) -> None:
    a, b = (machine(name, safety={"max_delete": "100%", "max_edit": "100%"}) for name in "ab")
    cases = [(save, point) for save, steps in SAVES.items() for point in range(len(steps) + 1)]
    names = {case: f"{case[0]} at {case[1]}.psd" for case in cases}
    paths = {case: a.write(f"{number}/{names[case]}", names[case]) for number, case in enumerate(cases)}
    settle(a, b)
    before = {name: asset.id for name, asset in live(account).items()}
    for (save, point), path in paths.items():
        for step in SAVES[save][:point]:
            step(path)
    a.once()
    for (save, point), path in paths.items():
        for step in SAVES[save][point:]:
            step(path)
    settle(a, b)
    assert {name: asset.id for name, asset in live(account).items()} == before
    assert [case for case, path in paths.items() if path.read_bytes() != NEW] == []
    assert b.tree() == {path: content for path, content in a.tree().items() if not path.endswith("~")}


@pytest.mark.parametrize(("section", "trashes"), [({}, 1), ({"remote_delete": "keep"}, 0)])
def test_a_file_that_comes_back_as_it_was_is_the_same_asset_without_a_new_version(
    machine: Callable[..., Any], account: Sandbox, section: dict[str, str], trashes: int
) -> None:
    a, b = machine("a", sync=section), machine("b")
    path = a.write("Work/logo.psd", "the content")
    settle(a, b)
    asset = live(account)["logo.psd"]
    elsewhere = path.rename(a.home / "out of the folder")
    assert counted(a.in_step()).get("trashed_remote", 0) == trashes
    b.in_step()
    path.parent.mkdir(exist_ok=True)
    elsewhere.rename(path)
    settle(a, b)
    assert live(account)["logo.psd"].id == asset.id
    assert live(account)["logo.psd"].version == 0
    assert a.tree() == b.tree() == {"Work/logo.psd": b"the content"}


def test_of_two_assets_that_lay_at_a_path_the_one_with_the_content_comes_back_else_the_youngest(
    machine: Callable[..., Any], account: Sandbox
) -> None:
    a = machine("a")
    a.write("first.psd", "first")
    a.in_step()
    first = live(account)["first.psd"].id
    a.write("other.psd", "second")
    a.in_step()
    latest = live(account)["other.psd"].id
    a.remove("first.psd")
    a.in_step()
    a.move("other.psd", "first.psd")
    a.in_step()
    assert live(account)["first.psd"].id == latest, "a move is a move, though an asset in the trash lay there"
    a.remove("first.psd")
    a.in_step()
    a.write("first.psd", "third")
    a.in_step()
    assert live(account)["first.psd"].id == latest
    a.remove("first.psd")
    a.in_step()
    a.write("first.psd", "first")
    a.in_step()
    assert (live(account)["first.psd"].id, live(account)["first.psd"].version) == (first, 0)
    assert counted(a.in_step()) == {}


def test_an_asset_that_was_purged_does_not_come_back_and_the_file_is_a_new_one(
    machine: Callable[..., Any], account: Sandbox
) -> None:
    a = machine("a")
    path = a.write("logo.psd", "the content")
    a.in_step()
    asset = live(account)["logo.psd"].id
    elsewhere = path.rename(a.home / "out of the folder")
    a.in_step()
    account.store.delete_asset(asset)
    elsewhere.rename(path)
    assert counted(a.in_step())["uploaded"] == 1
    assert live(account)["logo.psd"].id != asset
    assert a.read("logo.psd") == b"the content"
