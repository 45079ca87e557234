"""Stops the real program after any of its steps, again and again from the same start.

A start is a folder, a journal and an account. It is copied for each stop; since copies have inodes and times
of change of their own, the copy of the journal is told of them, so that the program finds what it left.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from e2e_world import TRASH_TAG, Clock, Machine, settle, tag_names, tags_of
from fault_proxy import FaultProxy
from tripwire import KILLED

import fluxsync
from fluxsync.core.model import Kind, Stamp, State
from fluxsync.engine.report import Report, Result
from fluxsync.policies import account_name
from fluxsync.replica.folder.stamps import stamp_at
from fluxsync.replica.folder.syscalls import At
from fluxsync.sandbox.server import Sandbox
from fluxsync.state.journal import Journal

#: No file has this inode.
_NO_INODE = 1 << 60


@dataclass(frozen=True)
class Scene:
    """What was in step, what people did then, and what is to come of it."""

    name: str
    before: Mapping[str, str]
    deed: Callable[[Machine, Sandbox], object]
    #: The folder afterwards; a conflict copy is "COPY" beside its file.
    after: Mapping[str, str]
    #: Contents that somebody has given up: overwritten by an edit, deleted where that is for good.
    gone: frozenset[str] = frozenset()
    sections: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    plan: str = "versions"
    #: The pass is a `rebuild`.
    afresh: bool = False
    #: What else has to be true afterwards.
    check: Callable[[Machine, Sandbox], object] = lambda a, account: None

    def __str__(self) -> str:
        return self.name


class Zygote:
    """Makes passes in processes that a tripwire ends."""

    def __init__(self) -> None:
        here = Path(__file__).parent
        package = Path(fluxsync.__file__).parent.parent
        paths = os.pathsep.join([str(package), str(here)])
        self._process = subprocess.Popen(
            [sys.executable, str(here / "tripwire.py")],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env={**os.environ, "PYTHONPATH": paths},
            text=True,
        )
        assert self._process.stdout is not None
        assert self._process.stdin is not None
        self._answers, self._orders = self._process.stdout, self._process.stdin
        assert self._answers.readline() == "ready\n"

    def run(
        self,
        machine: Machine,
        at: int = 0,
        *,
        dies: str = "",
        everything: bool = False,
        in_order: bool = True,
        afresh: bool = False,
    ) -> dict[str, Any]:
        """Make a pass that ends after its n-th step, or the first that `dies` (a pattern) is found in.

        Returns what it said, and its exit `code`.
        """
        order = {
            "environment": machine.environment(),
            "ahead_s": machine.clock.ahead_s,
            "at": at,
            "dies": dies,
            "everything": everything,
            "in_order": in_order,
            "afresh": afresh,
        }
        print(json.dumps(order), file=self._orders, flush=True)
        answer: dict[str, Any] = json.loads(self._answers.readline())
        return answer

    def close(self) -> None:
        self._orders.close()
        self._answers.close()
        self._process.wait(10)


class Start:
    """A scene's start, from which any number of worlds begin."""

    def __init__(self, scene: Scene, home: Path, clock: Clock) -> None:
        self.scene = scene
        #: The time of the worlds to come.
        self.clock = clock
        self._home = home
        # What the test writes is old when the program looks.
        clock.wait(100)
        with self._account(home / "account") as account:
            a = Machine(home / "start", account.url, clock, self._sections())
            for path, content in scene.before.items():
                a.write(path, content)
            if scene.before:
                settle(a)
            scene.deed(a, account)
            self.contents = contents(a, account) - set(scene.gone)
        self._machine = a
        journal = Journal.open(a.journal)
        self._known = {item.id for item in journal.items()}
        journal.close()
        self._here = _stamps(a.root)

    def _sections(self) -> dict[str, dict[str, Any]]:
        sections = {name: dict(values) for name, values in self.scene.sections.items()}
        sections.setdefault("remote", {}).setdefault("connections", 1)
        return sections

    @contextmanager
    def _account(self, data: Path) -> Iterator[Sandbox]:
        with Sandbox(data, threads=4, plan=self.scene.plan) as account:  # type: ignore[arg-type]
            yield account

    @contextmanager
    def world(self, name: str, proxy: FaultProxy | None = None) -> Iterator[tuple[Machine, Sandbox]]:
        """Yield a copy of the start; it is gone afterwards. The way to the account may be one with faults."""
        home = self._home / name
        shutil.copytree(self._home / "account", home / "account")
        shutil.copytree(self._machine.home, home / "machine", symlinks=True)
        try:
            with self._account(home / "account") as account:
                if proxy is not None:
                    proxy.upstream = account.port
                url = account.url if proxy is None else proxy.url
                a = Machine(home / "machine", url, self.clock, self._machine.sections)
                if a.journal.exists():
                    self._tell_journal(a)
                yield a, account
        finally:
            shutil.rmtree(home)

    def still_knows(self, a: Machine) -> bool:
        """Tell whether a journal that was to forget everything was stopped before it had."""
        if not self.scene.afresh:
            return False
        journal = Journal.open(a.journal)
        try:
            return not self._known.isdisjoint(item.id for item in journal.items())
        finally:
            journal.close()

    def _tell_journal(self, a: Machine) -> None:
        """Put the inodes and times of the copy where those of the start were."""
        now = _stamps(a.root)
        known = {then.inode: (then, now[path]) for path, then in self._here.items()}
        journal = Journal.open(a.journal)
        try:
            journal.advance(
                [
                    replace(item, stamp=_moved_over(item.stamp, *known.get(item.stamp.inode, (None, None))))
                    for item in journal.items()
                    if item.stamp is not None
                ]
            )
            journal.set_facts({"account": account_name(a.settings())})
        finally:
            journal.close()


def _moved_over(stamp: Stamp, then: Stamp | None, now: Stamp | None) -> Stamp:
    """Return what a stamp would be if its file had been the copy all the time."""
    if then is None or now is None:
        return replace(stamp, inode=_NO_INODE + stamp.inode)
    return replace(
        stamp,
        inode=now.inode,
        ctime_ns=now.ctime_ns if stamp.ctime_ns == then.ctime_ns else stamp.ctime_ns,
        birth_ns=now.birth_ns if stamp.birth_ns == then.birth_ns else stamp.birth_ns,
    )


def _stamps(root: Path) -> dict[str, Stamp]:
    """Return the stamps of all files and folders below a root, by path."""
    found = {}
    for folder, folders, files in os.walk(root):
        fd = os.open(folder, os.O_RDONLY)
        try:
            for name in (*folders, *files):
                path = os.path.relpath(os.path.join(folder, name), root)
                found[path] = stamp_at(At(fd, name))
        finally:
            os.close(fd)
    return found


# -- looking -----------------------------------------------------------------------------------------------


def contents(a: Machine, account: Sandbox) -> set[str]:
    """Return each content where rule 1 wants it: in the folder, current on the account, or in a trash."""
    found = [*a.tree().values(), *(x for slots in a.trash().values() for x in slots)]
    found += [account.store.content(asset.id) for asset in account.store.assets()]
    return {content.decode() for content in found}


def plain(path: str) -> str:
    """Return a path without what a conflict copy's name has of time and machine."""
    if "(conflicted copy" not in path:
        return path
    return path[: path.index("(conflicted copy")] + "COPY"


@dataclass(frozen=True)
class View:
    """Everything that two ways to the same end must agree on."""

    tree: dict[str, tuple[str, int]]
    folders: list[str]
    assets: list[tuple[object, ...]]
    tags: list[str]
    conflicts: list[tuple[str, str]]


def assert_equal(found: View, right: View) -> None:
    """Fail with what differs, and nothing else."""
    for name, value in vars(right).items():
        assert vars(found)[name] == value, f"{name}: {vars(found)[name]}, not {value}"


def view(a: Machine, account: Sandbox) -> View:
    assets = [
        (
            plain(asset.filename),
            plain(asset.title),
            asset.description,
            sorted(tags_of(asset)),
            f"version {asset.version}",
            account.store.content(asset.id).decode(),
        )
        for asset in account.store.assets()
    ]
    journal = Journal.peek(a.journal)
    assert journal is not None
    try:
        conflicts = [(row.path, plain(row.copy_path)) for row in journal.conflicts()]
    finally:
        journal.close()
    return View(
        {plain(path): (a.read(path).decode(), a.path(path).stat().st_mode) for path in a.paths()},
        a.folders(),
        sorted(assets, key=repr),
        sorted(tag.name for tag in account.store.tags()),
        sorted(conflicts),
    )


def done(a: Machine) -> Counter[tuple[str, str]]:
    """Count what the history says was done, by action and path."""
    journal = Journal.peek(a.journal)
    assert journal is not None
    try:
        events = journal.history(limit=100_000)
    finally:
        journal.close()
    return Counter((e.action, plain(e.path)) for e in events if e.outcome == "done" and e.action != "adopt")


def rest(a: Machine, account: Sandbox, most: int = 5) -> list[Report]:
    """Make passes until one has nothing to do and asks for no change."""
    reports = []
    for _ in range(most):
        account.clear_requests()
        reports.append(a.in_step())
        written = [f"{r['method']} {r['path']}" for r in account.requests if r["method"] != "GET"]
        if not a.done and not written:
            return reports
    raise AssertionError(f"no rest: {[str(operation.action) for operation in a.done]}, {written}")


def assert_agreed(a: Machine, account: Sandbox) -> None:
    """Make sure that folder and account show the same, that the journal knows it, and nothing is left."""
    tree = {path: content.decode() for path, content in a.tree().items()}
    live = [asset for asset in account.store.assets() if TRASH_TAG not in tags_of(asset)]
    shown = Counter()
    there: dict[str, tuple[int, int, str]] = {}
    folders = tag_names(account)
    for asset in live:
        (folder,) = (tags_of(asset) & folders - _labels(a)) or {""}
        path = f"{folder}/{_name(a, asset)}".lstrip("/")
        shown[path] += 1
        there[path] = (asset.id, asset.version, account.store.content(asset.id).decode())
    assert max(shown.values(), default=1) == 1, f"twins: {shown}"
    assert {path: content for path, (_, _, content) in there.items()} == tree
    assert os.listdir(a.root / ".fluxsync" / "tmp") == []
    journal = Journal.open(a.journal)
    try:
        assert journal.unsettled() == []
        items = [item for item in journal.items() if item.state is State.AGREED]
    finally:
        journal.close()
    files = {item.path: item for item in items if item.kind is Kind.FILE}
    assert len(files) == sum(item.kind is Kind.FILE for item in items)
    assert files.keys() == tree.keys()
    stamps = _stamps(a.root)
    for path, item in files.items():
        asset_id, version, content = there[path]
        assert (item.key.partition("@")[0], item.revision) == (str(asset_id), version), path
        assert item.digest == hashlib.sha256(content.encode()).hexdigest(), path
        assert item.stamp == stamps[path], path
    known = {item.path for item in items if item.kind is Kind.FOLDER}
    assert known <= set(a.folders())


def _labels(a: Machine) -> set[str]:
    mapping = a.sections.get("mapping", {})
    return {*mapping.get("labels", ()), *mapping.get("extra_tags", ())}


def _name(a: Machine, asset: Any) -> str:
    by_title = a.sections.get("sync", {}).get("rename") == "title"
    extension = os.path.splitext(asset.filename)[1]
    if by_title and asset.title.endswith(extension) and asset.title != asset.filename:
        return str(asset.title)
    return str(asset.filename)


def finish_requests(account: Sandbox) -> None:
    """Wait until the server has done all that a process that is gone had asked of it."""
    server, tick = account._server, threading.Event()
    for _ in range(5000):
        dispatcher = server.task_dispatcher
        if not server.active_channels and not dispatcher.queue and not dispatcher.active_count:
            return
        tick.wait(0.001)
    raise AssertionError("the server does not come to rest")


# -- stopping ----------------------------------------------------------------------------------------------


class Undisturbed:
    """What comes of a start when nothing goes wrong."""

    def __init__(self, start: Start, zygote: Zygote, *, everything: bool) -> None:
        scene = start.scene
        with start.world("undisturbed") as (a, account):
            said = zygote.run(a, 0, everything=everything, afresh=scene.afresh)
            assert said["code"] == 0, said
            self.steps: int = said["steps"]
            assert said["result"] == str(Result.IN_STEP), said
            rest(a, account)
            self.view = view(a, account)
            self.done = done(a)
            self.trash = {(path, x) for path, slots in a.trash().items() for x in slots}
            assert {path: text for path, (text, _) in self.view.tree.items()} == dict(scene.after)
            assert start.contents <= contents(a, account)
            assert_agreed(a, account)
            scene.check(a, account)


def stop_at(
    start: Start, zygote: Zygote, right: Undisturbed, at: int, *, everything: bool, in_order: bool = True
) -> str:
    """Stop a pass after its n-th step, look, let passes come to rest, look again; "" where it ended first."""
    scene = start.scene
    with start.world(f"{at}") as (a, account):
        said = zygote.run(a, at, everything=everything, in_order=in_order, afresh=scene.afresh)
        finish_requests(account)
        if said["code"] != KILLED:
            assert said["code"] == 0, said
            return ""
        where = f"stopped at step {at} of {right.steps}: {said['at']}"
        try:
            assert start.contents <= contents(a, account), "lost at that moment"
            if start.still_knows(a):
                zygote.run(a, afresh=True)
            rest(a, account)
            assert start.contents <= contents(a, account), "lost afterwards"
            assert_equal(view(a, account), right.view)
            assert_agreed(a, account)
            assert right.trash <= {(path, x) for path, slots in a.trash().items() for x in slots}
            twice = {what: n for what, n in done(a).items() if n > max(right.done[what], 1)}
            assert not twice, f"done twice: {twice}"
            scene.check(a, account)
        except BaseException as error:
            error.add_note(where)
            raise
        return str(said["at"])
