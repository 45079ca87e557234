"""A real service process on a real folder, and the waiting for what it does: bounded, on conditions."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from e2e_world import Clock, Machine, live_assets, tags_of

from fluxsync.core.paths import nfc
from fluxsync.engine.ask import status_there
from fluxsync.engine.status import State, Status
from fluxsync.errors import FluxsyncError
from fluxsync.sandbox.server import Sandbox
from fluxsync.state.journal import Journal

PATIENCE_S = 30.0
_LOOK_S = 0.03


def until(found: Callable[[], Any], what: str, patience_s: float = PATIENCE_S) -> Any:
    """Wait until something is found, and return it; fail with what it was where it is not."""
    end_s = time.monotonic() + patience_s
    pause = threading.Event()
    while True:
        value = found()
        if value:
            return value
        assert time.monotonic() < end_s, f"not within {patience_s:g} s: {what}"
        pause.wait(_LOOK_S)


class Service:
    """`fluxsync` in the foreground for a machine's folder; polls often and settles soon unless told else."""

    def __init__(self, home: Path, url: str, **sections: Mapping[str, Any]) -> None:
        given = {name: dict(values) for name, values in sections.items()}
        sync = {"settle": 0.3, "poll_interval": 1, "full_list_interval": 600, **given.pop("sync", {})}
        self.machine = Machine(home, url, Clock(), {"sync": sync, **given})
        self.log = home / "service.log"
        self.process: subprocess.Popen[bytes] | None = None
        self.extra: dict[str, str] = {}
        #: What the process does before it begins, as Python.
        self.first = ""

    # -- the process

    def env(self) -> dict[str, str]:
        outer = {
            k: v for k, v in os.environ.items() if not k.startswith(("FLUXSYNC_", "NOTIFY_", "WATCHDOG_"))
        }
        homes = {"HOME": str(self.machine.home), "XDG_STATE_HOME": str(self.machine.home / "state")}
        return {**outer, **homes, **self.machine.environment(), **self.extra}

    def start(self, *arguments: str) -> Service:
        """Start it and wait until it answers."""
        self.launch(*arguments)
        until(lambda: self.answers() or self.ended(), "the service answers")
        assert self.process is not None
        assert self.process.poll() is None, self.log.read_text()
        return self

    def launch(self, *arguments: str) -> None:
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, *self._program(), "--log-format", "json", *arguments],
                env=self.env(),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )

    def _program(self) -> list[str]:
        if not self.first:
            return ["-m", "fluxsync.cli.main"]
        return ["-c", f"{self.first}\nfrom fluxsync.cli.main import main\nmain()"]

    def answers(self) -> bool:
        return self.status() is not None

    def ended(self) -> bool:
        return self.process is not None and self.process.poll() is not None

    def send(self, number: int) -> None:
        assert self.process is not None
        self.process.send_signal(number)

    def stop(self, number: int = signal.SIGTERM, patience_s: float = 12.0) -> int:
        """Ask it to end, and return the exit code."""
        assert self.process is not None
        if self.process.poll() is None:
            self.send(number)
        code = self.process.wait(patience_s)
        self.process = None
        return code

    def kill(self) -> None:
        assert self.process is not None
        self.process.kill()
        self.process.wait()
        self.process = None

    def close(self) -> None:
        if self.process is not None:
            self.process.kill()
            self.process.wait()

    def command(self, *arguments: str, patience_s: float = PATIENCE_S) -> subprocess.CompletedProcess[str]:
        """Run another command of the same configuration."""
        return subprocess.run(
            [sys.executable, "-m", "fluxsync.cli.main", *arguments],
            env=self.env(),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=patience_s,
            check=False,
        )

    def document(self, *arguments: str) -> dict[str, Any]:
        """Run a command with `--json` and return its document."""
        done = self.command(*arguments, "--json")
        try:
            found: dict[str, Any] = json.loads(done.stdout)
        except ValueError:
            raise AssertionError((done.returncode, done.stdout, done.stderr)) from None
        return found

    def events(self) -> list[dict[str, Any]]:
        """Return what was logged so far."""
        lines = self.log.read_text(encoding="utf-8").splitlines() if self.log.exists() else []
        return [json.loads(line) for line in lines if line.startswith("{")]

    # -- what it says and does

    def status(self) -> Status | None:
        try:
            return status_there(self.machine.journal)
        except FluxsyncError:
            return None

    def state(self) -> State | None:
        status = self.status()
        return status.state if status is not None else None

    def until_state(self, *states: State, patience_s: float = PATIENCE_S) -> Status:
        found: Status = until(
            lambda: status if (status := self.status()) and status.state in states else None,
            f"state {states}, but {self.status()}",
            patience_s,
        )
        return found

    def until_alike(self, account: Sandbox, patience_s: float = PATIENCE_S) -> dict[str, bytes]:
        """Wait until folder and account show the same files, and the service is at rest."""

        def alike() -> bool:
            if self.machine.tree() != shown(account) or self.ended():
                return self.ended()
            return self.state() is State.IN_STEP and self.machine.tree() == shown(account)

        try:
            until(alike, "both sides are alike", patience_s)
        except AssertionError as error:
            raise AssertionError(f"{error}: {self.apart(account)}\n{self.log.read_text()[-3000:]}") from None
        assert not self.ended(), self.log.read_text()
        return self.machine.tree()

    def apart(self, account: Sandbox) -> str:
        here, there = self.machine.tree(), shown(account)
        other = sorted(path for path in here.keys() & there.keys() if here[path] != there[path])
        only_here, only_there = sorted(here.keys() - there.keys()), sorted(there.keys() - here.keys())
        return f"only here {only_here[:9]}, only there {only_there[:9]}, differ {other[:9]}, {self.status()}"


def shown(account: Sandbox) -> dict[str, bytes]:
    """Return every live asset by its path, with its content."""
    found = {}
    for asset in live_assets(account):
        folders = sorted(tags_of(asset), key=lambda tag: -tag.count("/"))
        path = nfc(f"{folders[0]}/{asset.filename}" if folders else asset.filename)
        assert path not in found, f"twins at {path}"
        found[path] = account.store.content(asset.id)
    return found


def agrees(service: Service, account: Sandbox) -> None:
    """The journal of a service that has stopped says of each file what both sides have."""
    journal = Journal.peek(service.machine.journal)
    assert journal is not None
    try:
        rows = {item.path: item for item in journal.items() if item.digest and item.state.value == "agreed"}
        assert journal.unsettled() == []
    finally:
        journal.close()
    tree = service.machine.tree()
    assert rows.keys() == tree.keys()
    by_id = {str(asset.id): asset for asset in live_assets(account)}
    for path, item in rows.items():
        assert item.size == len(tree[path]), path
        assert by_id[item.key].version == item.revision, path
