"""What the end-to-end tests share: machines that sync, trees that are compared, time that jumps."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import fluxsync.app
from fluxsync.app import App, opened
from fluxsync.core.operations import Operation
from fluxsync.engine.report import Report, Result
from fluxsync.engine.watcher import Watcher
from fluxsync.errors import FluxsyncError
from fluxsync.replica.fluxiom.client import Client
from fluxsync.replica.folder.replica import Folder
from fluxsync.sandbox.model import Asset
from fluxsync.sandbox.server import Sandbox
from fluxsync.settings import Settings, load

TRASH_TAG = "fluxsync-trash"
_COUNTS = (
    "uploaded",
    "versions",
    "downloaded",
    "moved_local",
    "moved_remote",
    "trashed_local",
    "trashed_remote",
    "conflicts",
    "bytes_up",
    "bytes_down",
)


class Clock:
    """Real time plus what somebody waited for; waiting itself takes none."""

    def __init__(self) -> None:
        self.waits: list[float] = []
        self._due: list[tuple[float, Callable[[], object]]] = []
        self._ahead_s = 0.0
        self._lock = threading.Lock()

    @property
    def ahead_s(self) -> float:
        return self._ahead_s

    def time(self) -> float:
        return time.time() + self._ahead_s

    def monotonic(self) -> float:
        return time.monotonic() + self._ahead_s

    def wait(self, seconds: float) -> None:
        with self._lock:
            self.waits.append(seconds)
            self._ahead_s += seconds
            due = [act for at_s, act in self._due if at_s <= self._ahead_s]
            self._due = [(at_s, act) for at_s, act in self._due if at_s > self._ahead_s]
        for act in due:
            act()

    def after(self, seconds: float, act: Callable[[], object]) -> None:
        """Let something happen once so much has been waited for from now on."""
        with self._lock:
            self._due.append((self._ahead_s + seconds, act))


def tell_time(clock: Clock, setattr: Callable[[Any, str, Any], None]) -> None:
    """Let everything in this process that waits, or looks at the time, do so by a clock."""
    by_default = [
        (Client.__init__, {"clock": clock.monotonic, "sleep": clock.wait}),
        (Folder.__init__, {"clock": clock.time, "wait": clock.wait}),
    ]
    for function, ours in by_default:
        setattr(function, "__kwdefaults__", {**(function.__kwdefaults__ or {}), **ours})
    shown = SimpleNamespace(time=clock.time, monotonic=clock.monotonic, sleep=clock.wait)
    setattr(fluxsync.app, "time", shown)


class Machine:
    """A folder with a journal of its own, synced in this process."""

    def __init__(self, home: Path, url: str, clock: Clock, sections: Mapping[str, Mapping[str, Any]]) -> None:
        self.home = home
        self.root = home / "root"
        self.journal = home / "journal.sqlite"
        self.url = url
        self.clock = clock
        self.sections = {name: dict(values) for name, values in sections.items()}
        #: The operations that the last pass carried out, those on folders and tags included.
        self.done: list[Operation] = []
        self.root.mkdir(parents=True, exist_ok=True)

    # Syncing

    def environment(self) -> dict[str, str]:
        """Return the configuration, as the environment of a process says it."""
        merged: dict[str, dict[str, Any]] = {
            "local": {"root": str(self.root)},
            "remote": {"url": self.url, "username": "demo", "password": "demo"},
            "journal": {"path": str(self.journal)},
            "sync": {"settle": 0},
            "web": {"enabled": False},
        }
        for section, values in self.sections.items():
            merged.setdefault(section, {}).update(values)
        return {
            f"FLUXSYNC_{section.upper()}__{key.upper()}": value
            if isinstance(value, str)
            else json.dumps(value)
            for section, values in merged.items()
            for key, value in values.items()
        }

    def settings(self) -> Settings:
        return load(None, self.environment())

    @contextmanager
    def opened(self, *, dry_run: bool = False) -> Iterator[App]:
        with opened(self.settings(), dry_run=dry_run, wait=self.clock.wait) as app:
            yield app

    def once(
        self,
        *,
        approved: bool = False,
        dry_run: bool = False,
        unattended: bool = False,
        watcher: Watcher | None = None,
    ) -> Report:
        """Make one pass and report."""
        self.done = []
        if watcher is None:
            watcher = Watcher(on_done=self.done.append, clock=self.clock.time, wait=self.clock.wait)
        with self.opened(dry_run=dry_run) as app:
            return app.run(watcher, approved=approved, dry_run=dry_run, unattended=unattended)

    def in_step(self) -> Report:
        """Make a pass that has to end in step."""
        report = self.once()
        assert report.result is Result.IN_STEP, (report.failures, report.message, report.held)
        return report

    def set(self, section: str, **values: Any) -> None:
        """Change the configuration from the next pass on."""
        self.sections.setdefault(section, {}).update(values)

    # The folder

    def path(self, path: str) -> Path:
        return self.root / path

    def write(self, path: str, content: bytes | str = b"x") -> Path:
        target = self.root / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(content.encode() if isinstance(content, str) else content)
        return target

    def read(self, path: str) -> bytes:
        return (self.root / path).read_bytes()

    def move(self, old: str, new: str) -> None:
        (self.root / new).parent.mkdir(parents=True, exist_ok=True)
        (self.root / old).rename(self.root / new)

    def remove(self, path: str) -> None:
        target = self.root / path
        if target.is_dir() and not target.is_symlink():
            shutil.rmtree(target)
        else:
            target.unlink()

    def tree(self) -> dict[str, bytes]:
        """Return all files but those of `.fluxsync`, with their bytes."""
        return {path: (self.root / path).read_bytes() for path in self.paths()}

    def paths(self) -> list[str]:
        """Return the paths of all files but those of `.fluxsync`."""
        found = []
        for folder, folders, files in os.walk(self.root):
            if Path(folder) == self.root:
                folders[:] = [name for name in folders if name != ".fluxsync"]
            found += [os.path.relpath(os.path.join(folder, name), self.root) for name in files]
        return sorted(found)

    def folders(self) -> list[str]:
        """Return the paths of all folders but `.fluxsync`."""
        found = []
        for folder, folders, _ in os.walk(self.root):
            if Path(folder) == self.root:
                folders[:] = [name for name in folders if name != ".fluxsync"]
            found += [os.path.relpath(os.path.join(folder, name), self.root) for name in folders]
        return sorted(found)

    def trash(self) -> dict[str, list[bytes]]:
        """Return the contents in the local trash, by the path that each had."""
        found: dict[str, list[bytes]] = {}
        room = self.root / ".fluxsync" / "trash"
        for file in sorted(path for path in room.rglob("*") if path.is_file()):
            below = "/".join(file.relative_to(room).parts[2:])
            found.setdefault(below, []).append(file.read_bytes())
        return found


def files(machine: Machine, count: int, folder: str = "A") -> list[str]:
    """Write so many files, each with content of its own, and return their paths."""
    paths = [f"{folder}/{number:03}.txt" for number in range(count)]
    for path in paths:
        machine.write(path, f"content of {path}")
    return paths


def stopped(machine: Machine, kind: type[FluxsyncError], result: Result, **options: Any) -> str:
    """Make a pass that cannot go on, wherever it notices, and return what it says."""
    try:
        report = machine.once(**options)
    except kind as error:
        return str(error)
    assert report.result is result, report
    return report.message


# -- comparing ---------------------------------------------------------------------------------------------


def differences(one: Machine, other: Machine) -> str:
    """Return what `diff -r` says of two machines' folders; empty: they are identical."""
    done = subprocess.run(
        ["diff", "-r", "--no-dereference", "--exclude=.fluxsync", str(one.root), str(other.root)],
        capture_output=True,
        text=True,
        errors="replace",
        check=False,
    )
    return done.stdout + done.stderr


def counted(report: Report) -> dict[str, int]:
    """Return the counts of what a pass did that are not zero."""
    return {name: getattr(report, name) for name in _COUNTS if getattr(report, name)}


def settle(*machines: Machine, rounds: int = 6) -> None:
    """Let machines sync in turn until a whole turn does nothing; all must end in step."""
    for _ in range(rounds):
        for machine in machines:
            machine.in_step()
        if not any(machine.done for machine in machines):
            return
    raise AssertionError(f"no rest after {rounds} rounds: {[machine.done for machine in machines]}")


# -- the account -------------------------------------------------------------------------------------------


def live_assets(account: Sandbox) -> list[Asset]:
    """Return the assets outside the trash."""
    return [asset for asset in account.store.assets() if TRASH_TAG not in tags_of(asset)]


def live(account: Sandbox) -> dict[str, Asset]:
    """Return the assets outside the trash by file name, which has to be unique."""
    assets = live_assets(account)
    named = {asset.filename: asset for asset in assets}
    assert len(named) == len(assets), sorted(asset.filename for asset in assets)
    return named


def trashed(account: Sandbox) -> dict[str, Asset]:
    """Return the assets in the trash by file name."""
    return {a.filename: a for a in account.store.assets() if TRASH_TAG in tags_of(a)}


def tags_of(asset: Asset) -> set[str]:
    return {tag.name for tag in asset.tags}


def tag_names(account: Sandbox) -> set[str]:
    return {tag.name for tag in account.store.tags()} - {TRASH_TAG}


def tag_id(account: Sandbox, name: str) -> int:
    return next(tag.id for tag in account.store.tags() if tag.name == name)


def asset_id(account: Sandbox, filename: str) -> int:
    return live(account)[filename].id


def rename_tag(account: Sandbox, old: str, new: str) -> None:
    account.store.rename_tag(tag_id(account, old), new)


def put_tags(account: Sandbox, filename: str, *tags: str) -> None:
    """Give an asset exactly these tags, as a person does on the account."""
    account.store.set_tags(asset_id(account, filename), tags)


def asked(account: Sandbox, method: str = "", path: str = "") -> list[str]:
    """Return the requests since the log was cleared, as "METHOD /path", that begin so."""
    lines = [f"{r['method']} {r['path']}" for r in account.requests]
    return [line for line in lines if line.startswith(f"{method} {path}" if method else "")]
