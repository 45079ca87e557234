"""The whole of it: one account, two machines with their journals, people at each, and a way between them."""

from __future__ import annotations

import hashlib
import random
import re
from collections.abc import Hashable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from unittest.mock import patch

import httpx
from e2e_world import TRASH_TAG, Machine
from model_account import LABELS, Browser
from model_disk import Desk
from model_memory import ACCOUNT, Memory
from model_steps import Killed, Steps, stepwise
from model_time import Clock, Time, shown_by
from model_wire import Wire, connected

from fluxsync.core.operations import Operation
from fluxsync.core.paths import nfc
from fluxsync.engine.report import Report
from fluxsync.sandbox.account import PLANS, Account
from fluxsync.sandbox.app import create_app
from fluxsync.sandbox.model import Asset, UserSpec
from fluxsync.sandbox.store import Store

#: A body of several blocks is a few bytes long here.
_BLOCK = 16
#: And a list has pages, which shift while others work.
PAGE = 4
_UNLIMITED = {"max_delete": "100000", "max_move": "100000", "max_edit": "100000"}


@dataclass
class Passed:
    """What a pass did; `report` is None where it was killed."""

    machine: Machine
    report: Report | None
    done: list[Operation]
    requests: list[str]
    disturbed: bool
    #: The folder before it.
    before: dict[str, bytes]

    @property
    def writes(self) -> list[str]:
        return [line for line in self.requests if not line.startswith("GET ")]


@dataclass
class Touched:
    """An asset before and after a request changed it."""

    line: str
    before: Asset
    after: Asset | None = field(default=None)


class World:
    """Everything in a folder of its own; `close` removes it."""

    def __init__(self, seed: int = 0, **sections: dict[str, Any]) -> None:
        self._undo = ExitStack()
        self._chance = random.Random(seed)
        self._contents = 0
        self._digests: dict[str, bytes] = {}
        self.sections: dict[str, dict[str, Any]] = {
            "sync": {},
            "safety": _UNLIMITED,
            "mapping": {"labels": ["label *"]},
            **sections,
        }
        self.home = Path(self._undo.enter_context(TemporaryDirectory(prefix="fluxsync-model-")))
        # Journals flush when they close, which on a disk takes longer than all the rest of a pass.
        in_memory = "/dev/shm" if Path("/dev/shm").is_dir() else None
        self._journals = Path(
            self._undo.enter_context(TemporaryDirectory(prefix="fluxsync-model-", dir=in_memory))
        )
        self.time = Time()
        self.steps = Steps()
        account = Account(subdomain="sandbox", plan=PLANS["versions"])
        self.store = Store(self.home / "account", account, Clock(self.time, ACCOUNT).time)
        self._undo.callback(self.store.close)
        self.store.users.save(UserSpec("demo", "demo"))
        self.wire = Wire(create_app(self.store, own_clock=True), self.steps, self.time)
        self.wire.around = self._around
        self.memory = Memory(self._holds)
        self.machines: dict[str, Machine] = {}
        self.desks: dict[str, Desk] = {}
        self.browser = Browser(self.store, self.memory, self.content)
        self.touched: list[Touched] = []
        #: Assets that have had two folder tags at a time: where those lie, machines need not agree.
        self.once_in_two_folders: set[int] = set()
        for name in ("a", "b"):
            self.add(name)
        for context in (
            stepwise(self.steps),
            connected(self.wire),
            patch("secrets.token_hex", lambda size=16: self._chance.randbytes(size).hex()),
            patch("fluxsync.replica.fluxiom.endpoints.PAGE", PAGE),
            patch("fluxsync.replica.fluxiom.listing.PAGE", PAGE),
            patch("fluxsync.replica.fluxiom.transfer.BLOCK", _BLOCK),
            patch("fluxsync.replica.folder.source.BLOCK", _BLOCK),
        ):
            self._undo.enter_context(context)

    def add(self, name: str, **sections: dict[str, Any]) -> Machine:
        """Add a machine that has never seen the account."""
        home = self.home / name
        machine = Machine(home, "http://127.0.0.1:9", Clock(self.time, name), {**self.sections, **sections})  # type: ignore[arg-type]
        machine.journal = self._journals / f"{name}.sqlite"
        (home / "beside").mkdir()
        (home / "beside" / "canary").write_text("nobody's business")
        self.machines[name] = machine
        self.desks[name] = Desk(machine, self.memory, self.time, self.content)
        return machine

    def close(self) -> None:
        self._undo.close()

    # -- what people do

    def content(self, seed: int) -> bytes:
        """Return content that was never there, of one of three sizes."""
        self._contents += 1
        return b"content %04d%s" % (self._contents, b"+" * (0, 3, 30)[seed % 3])

    def here(self, name: str, deed: str, i: int, j: int) -> None:
        self.time.passes(1)
        self.desks[name].do(deed, i, j)

    def there(self, deed: str, i: int, j: int) -> None:
        self.time.passes(1)
        self.browser.do(deed, i, j)
        self._look()

    def clash(self, name: str, here: str, there: str, i: int, j: int) -> None:
        """Let two people do something to the same file, one at a machine and one on the account."""
        paths = self.machines[name].paths()
        if not paths:
            return
        path = paths[i % len(paths)]
        twin = (nfc(path.rpartition("/")[2]), self.machines[name].read(path))
        for number, asset in enumerate(self.browser.assets()):
            if (asset.filename, self.blob(asset.blob.name)) == twin:
                self.here(name, here, i, j)
                self.there(there, number, j)
                return

    def meanwhile(self, deed: str, kind: str, first: int, i: int, j: int) -> None:
        """Let somebody do something on the account right before the `first` request of a kind."""

        def do(request: str) -> None:
            self.browser.do(deed, i, j)
            found = re.match(r"POST /api/assets/(\d+)/versions", request)
            if found and (asset := self.live().get(int(found.group(1)))):
                # A version that comes between our read and our version is buried: that is reported, no more.
                self.memory.excuse(self.blob(asset.blob.name))

        self.wire.fault("meanwhile", kind, first, do)

    # -- what fluxsync does

    def sync(self, name: str, kill_after: int | None = None, *, approved: bool = False) -> Passed:
        """Make a pass, killed after so many steps."""
        machine = self.machines[name]
        self.time.passes(1)
        self.wire.requests.clear()
        self.wire.disturbed = False
        self.touched.clear()
        before = machine.tree()
        self.steps.kill_after(kill_after)
        self.steps.trace.append(f"pass of {name}")
        report = None
        try:
            with shown_by(machine.clock):  # type: ignore[arg-type]
                report = machine.once(approved=approved)
        except Killed:
            pass
        finally:
            self.steps.kill_after(None)
        self._look()
        wire = self.wire
        return Passed(machine, report, list(machine.done), list(wire.requests), wire.disturbed, before)

    def _look(self) -> None:
        self.memory.look(*self.machines, ACCOUNT)
        self.once_in_two_folders |= {a.id for a in self.store.assets() if len(self.homes(a)) > 1}

    # -- what is there

    def blob(self, name: str) -> bytes:
        """Return a content of the account; those never change."""
        if name not in self._digests:
            self._digests[name] = self.store.blobs.path(name).read_bytes()
        return self._digests[name]

    def live(self) -> dict[int, Asset]:
        return {a.id: a for a in self.store.assets() if not any(t.name == TRASH_TAG for t in a.tags)}

    def homes(self, asset: Asset) -> set[str]:
        """Return the folder tags of an asset."""
        return {tag.name for tag in asset.tags if tag.name not in (TRASH_TAG, *LABELS)}

    def everywhere(self) -> set[bytes]:
        """Return all contents that a person can get at: folders, trashes, and what assets hold now."""
        found = set(self._holds(ACCOUNT).values())
        for name, machine in self.machines.items():
            found |= set(self._holds(name).values())
            found |= {content for contents in machine.trash().values() for content in contents}
        return found

    def _holds(self, side: str) -> Mapping[Hashable, bytes]:
        if side == ACCOUNT:
            return {asset.id: self.blob(asset.blob.name) for asset in self.store.assets()}
        return self.machines[side].tree()  # type: ignore[return-value]

    def _around(self, request: httpx.Request) -> Any:
        path = request.url.path.split("/")
        if request.method != "PUT" or path[2] != "assets":
            return None
        number = int(path[3].partition(".")[0])
        before = next((asset for asset in self.store.assets() if asset.id == number), None)
        if before is None:
            return None
        touched = Touched(f"{request.method} {request.url.path}", before)
        self.touched.append(touched)

        def after() -> None:
            touched.after = next((asset for asset in self.store.assets() if asset.id == number), None)

        return after


def digest_of(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


@contextmanager
def world(seed: int = 0, **sections: dict[str, Any]) -> Iterator[World]:
    one = World(seed, **sections)
    try:
        yield one
    finally:
        one.close()
