"""What the engine's tests share: two sides made of dictionaries, people, somebody who meddles, scenarios."""

from __future__ import annotations

import copy
import hashlib
import shutil
import sqlite3
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from fluxsync.core.model import Action, Entry, Kind, Place, Rename, Scope
from fluxsync.core.operations import Operation
from fluxsync.core.paths import ancestors, basename, dirname, is_below, join, rebase
from fluxsync.core.plan import PlanPolicy
from fluxsync.core.reconcile import Policy
from fluxsync.core.safety import Limited
from fluxsync.engine.cycle import run_pass
from fluxsync.engine.decide import Rules
from fluxsync.engine.dirty import Dirt
from fluxsync.engine.pair import Pair
from fluxsync.engine.report import Report, Result
from fluxsync.engine.watcher import Watcher
from fluxsync.replica.memory import MemoryAccount, MemoryAsset, MemoryFile, MemoryFolder, MemoryVersion
from fluxsync.state.journal import Journal

#: Every verb that changes a side, those that only look, and everything that is written to the journal.
CHANGES = frozenset(
    (
        *("put", "keep", "move", "trash", "delete", "relabel", "restore"),
        *("make_folder", "move_folder", "remove_folder", "drop_trashed", "restore_trashed"),
    )
)
READS = frozenset(
    ("scan", "look", "open", "describe", "probe", "find", "make_sure", "free_bytes", "trash_bytes")
)
WRITES = frozenset(
    (
        *("begin_pass", "plan", "mark_sent", "settle", "advance", "end_pass", "forget_planned"),
        *("record", "set_held", "approve", "set_problems", "set_facts", "remember_digests", "add_conflict"),
        *("set_put_aside", "set_first_seen"),
    )
)

#: Told who is asked, for what, and how to go on; returns or raises what the answer is.
Meddle = Callable[["Call"], Any]


class Killed(BaseException):
    """The machine lost its power."""


@dataclass(frozen=True)
class Call:
    """One call to a side or to the journal; calling it goes on with it."""

    who: str
    verb: str
    args: tuple[Any, ...]
    go_on: Callable[[], Any]

    @property
    def changes(self) -> bool:
        return self.verb in (WRITES if self.who == "journal" else CHANGES)

    @property
    def name(self) -> str:
        """The name of the file or folder that it is about."""
        subject = self.args[0]
        return subject.name if isinstance(subject, Place) else subject.place.name

    def __str__(self) -> str:
        return f"{self.who}.{self.verb}"


class Between:
    """A side or journal as it is, with somebody between who hears of each call."""

    def __init__(self, who: str, subject: Any, meddle: Meddle) -> None:
        self._who = who
        self._subject = subject
        self._meddle = meddle

    def __getattr__(self, name: str) -> Any:
        attribute = getattr(self._subject, name)
        if name not in CHANGES | WRITES | READS:
            return attribute

        def called(*args: Any, **more: Any) -> Any:
            return self._meddle(Call(self._who, name, args, lambda: attribute(*args, **more)))

        return called


class AtOnce:
    """A pool of movers that does what it is given at once, in the thread that gives it."""

    def __init__(self, width: int, name: str) -> None:
        pass

    def submit(self, work: Callable[..., None], *args: Any) -> None:
        work(*args)

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        pass


class Clock:
    """Time that passes only while somebody waits."""

    def __init__(self) -> None:
        self.now = 1_800_000_000.0
        self.waits: list[float] = []

    def __call__(self) -> float:
        return self.now

    def wait(self, seconds: float) -> None:
        self.waits.append(seconds)
        self.now += seconds


class World:
    """A folder, an account and a journal between them."""

    def __init__(
        self, home: Path, *, versions: bool = True, rename: Rename = Rename.BY_CONTENT, **rules: Any
    ) -> None:
        self.home = home
        self.home.mkdir(parents=True, exist_ok=True)
        self.folder = MemoryFolder()
        self.account = MemoryAccount(versions=versions, rename=rename)
        self.clock = Clock()
        self.rules = rules
        #: What the last pass did.
        self.done: list[Operation] = []
        self.lock = threading.Lock()

    def copied(self, home: Path) -> World:
        """Return the same world elsewhere, for another try."""
        other = World(home, **self.rules)
        other.folder, other.account, other.clock = map(_copied, (self.folder, self.account, self.clock))
        if self.journal_path.exists():
            shutil.copy(self.journal_path, other.journal_path)
        return other

    # -- passes

    @property
    def journal_path(self) -> Path:
        return self.home / "journal.sqlite"

    @contextmanager
    def journal(self) -> Iterator[Journal]:
        journal = Journal.open(self.journal_path, clock=self.clock)
        try:
            yield journal
        finally:
            journal.close()

    def once(
        self,
        meddle: Meddle = lambda call: call.go_on(),
        *,
        approved: bool = False,
        dry_run: bool = False,
        connections: int = 4,
        idle_s: Callable[[], float] = lambda: 0.0,
        heed_from: int | None = None,
        dirt: Dirt | None = None,
        **watching: Any,
    ) -> Report:
        """Make one pass, with somebody who meddles; with `dirt` over a part."""
        self.done = []
        watcher = Watcher(
            **{"on_done": self.done.append, "clock": self.clock, "wait": self.clock.wait, **watching}
        )
        with self.journal() as journal:
            pair = Pair(
                Between("local", self.folder, meddle),  # type: ignore[arg-type]
                Between("remote", self.account, meddle),  # type: ignore[arg-type]
                Between("journal", journal, meddle),  # type: ignore[arg-type]
                connections,
                idle_s=idle_s,
            )
            rules = replace(self._rules(), heed_from=heed_from)
            return run_pass(pair, rules, watcher, dirt=dirt, approved=approved, dry_run=dry_run)

    def _rules(self) -> Rules:
        now_ns = int(self.clock.now * 1e9)
        rules = {"most": 1000, "up": True, "down": True, "conflict": "keep-both", "delete": "trash"}
        rules |= self.rules
        deletes = {"local_delete": rules["delete"], "remote_delete": rules["delete"]}
        return Rules(
            Policy(**deletes),
            PlanPolicy(
                rules["up"],
                rules["down"],
                rules["conflict"],
                "2026-11-22 174501 DESK",
                self.account.capabilities.rename,
                now_ns,
            ),
            lambda tracked: dict.fromkeys(Limited, rules["most"]),
            settle_s=rules.get("settle", 0.0),
            unattended=rules.get("unattended", False),
            **deletes,
        )

    def rest(self, most: int = 5) -> list[Report]:
        """Make passes until one has nothing to do; all must end in step."""
        reports = []
        for _ in range(most):
            reports.append(self.once())
            assert reports[-1].result is Result.IN_STEP, (reports[-1].failures, reports[-1].message)
            if not self.done:
                return reports
        raise AssertionError(f"no rest: {[str(op.action) for op in self.done]}")

    # -- people at the folder

    def write(self, path: str, content: str) -> None:
        self.make(dirname(path))
        old = self.folder.files.get(path)
        stamp = self.folder.stamp(len(content))
        if old is not None:
            stamp = replace(stamp, inode=old.stamp.inode, birth_ns=old.stamp.birth_ns)
        self.folder.files[path] = MemoryFile(content.encode(), stamp)

    def make(self, path: str) -> None:
        for folder in (*reversed(list(ancestors(path))), path):
            if folder:
                self.folder.folders.setdefault(folder, self.folder.stamp())

    def move(self, old: str, new: str) -> None:
        """Rename a file or a folder."""
        self.make(dirname(new))
        if old in self.folder.files:
            file = self.folder.files.pop(old)
            self.folder.files[new] = MemoryFile(file.content, self.folder.renamed(file.stamp))
            return
        for table in (self.folder.files, self.folder.folders):
            for path in [path for path in table if path == old or is_below(path, old)]:
                table[rebase(path, old, new)] = table.pop(path)  # type: ignore[attr-defined]

    def remove(self, path: str) -> None:
        for table in (self.folder.files, self.folder.folders):
            for below in [p for p in table if p == path or is_below(p, path)]:
                del table[below]  # type: ignore[attr-defined]

    # -- people at the account

    def upload(self, path: str, content: str) -> str:
        version = MemoryVersion(content.encode(), basename(path))
        key = self.account.new_key()
        self.account.assets[key] = MemoryAsset(self.tag(dirname(path)), [version])
        return key

    def tag(self, path: str) -> str:
        return self.account.make_folder(Place("", path)).key if path else ""

    def asset(self, path: str) -> MemoryAsset:
        """The asset outside the trash that lies at a path."""
        found = [asset for asset in self.account.assets.values() if self._path(asset) == path]
        (live,) = [asset for asset in found if not asset.trashed]
        return live

    def edit(self, path: str, content: str) -> None:
        self.asset(path).versions.append(MemoryVersion(content.encode(), basename(path)))

    def retag(self, path: str, folder: str) -> None:
        self.asset(path).home = self.tag(folder)

    def rename_tag(self, old: str, new: str) -> None:
        self.account.tags[self.tag(old)] = new

    def rename_there(self, path: str, name: str) -> None:
        asset = self.asset(path)
        asset.versions.append(replace(asset.versions[-1], name=name))

    def trash_there(self, path: str) -> None:
        self.asset(path).trashed = True

    def purge(self, path: str) -> None:
        gone = self.asset(path)
        self.account.assets = {key: asset for key, asset in self.account.assets.items() if asset is not gone}

    # -- looking

    def _path(self, asset: MemoryAsset) -> str:
        return join(self.account.tags.get(asset.home, ""), asset.versions[-1].name)

    def here(self) -> dict[str, str]:
        return {path: file.content.decode() for path, file in self.folder.files.items()}

    def there(self) -> dict[str, str]:
        """Every live asset by its path; two of one path are twins."""
        live = [asset for asset in self.account.assets.values() if not asset.trashed]
        paths = Counter(map(self._path, live))
        assert max(paths.values(), default=1) == 1, f"twins: {paths}"
        return {self._path(asset): asset.versions[-1].content.decode() for asset in live}

    def contents(self) -> set[str]:
        """Each content where a person finds it: in the folder, in the account, in a trash."""
        found = [file.content for file in self.folder.files.values()]
        found += self.folder.trashed.values()
        found += [asset.versions[-1].content for asset in self.account.assets.values()]
        return {content.decode() for content in found}

    def versions(self) -> int:
        """How much was ever sent."""
        return sum(len(asset.versions) for asset in self.account.assets.values())

    def in_step(self) -> None:
        """Make sure that both sides are equal, and that the journal knows it."""
        assert self.here() == self.there()
        report = self.once()
        assert report.result is Result.IN_STEP
        assert (self.done, report.unchanged) == ([], len(self.here()))
        with self.journal() as journal:
            assert journal.unsettled() == []
            files = [item for item in journal.items() if item.kind is Kind.FILE and item.path in self.here()]
            assert len({item.path for item in files}) == len(self.here())

    def actions(self) -> list[str]:
        return [str(operation.action) for operation in self.done]

    def everything(self) -> object:
        """Both sides and the whole journal, to be compared."""
        connection = sqlite3.connect(self.journal_path)
        try:
            journal = list(connection.iterdump())
        finally:
            connection.close()
        local = self.folder.scan(Scope(), {})
        remote = self.account.scan(Scope(), {})
        versions = {key: list(asset.versions) for key, asset in self.account.assets.items()}
        tables = (local.files, local.folders, remote.files, remote.folders)
        return *map(dict, tables), dict(self.folder.trashed), versions, journal


def _copied(thing: Any) -> Any:
    other = copy.copy(thing)
    for name, value in vars(thing).items():
        setattr(other, name, threading.RLock() if name == "_lock" else copy.deepcopy(value))
    return other


def digest_of(content: str) -> str:
    return hashlib.sha256(content.encode()).hexdigest()


def operation(action: Action, path: str = "a.gif", subject: int = 1, size: int = 0, **more: Any) -> Operation:
    return Operation(action, path, "why", subject, size=size, **more)


def local_entry(path: str, size: int = 1, digest: str = "d") -> Entry:
    return Entry(Kind.FILE, Place(dirname(path), basename(path)), size=size, digest=digest)


# -- scenarios


@dataclass(frozen=True)
class Scenario:
    """What was in step, what people did then, and what a pass has to do about it."""

    name: str
    before: tuple[str, ...]
    deed: Callable[[World], None]
    #: What both sides hold afterwards; a conflict copy is named by its content.
    after: dict[str, str]
    actions: tuple[str, ...]
    #: Content of the account that somebody here has replaced by an edit.
    replaced: tuple[str, ...] = ()
    rules: dict[str, Any] = field(default_factory=dict)

    def world(self, home: Path) -> World:
        """Return a world in step, in which people have just done their deed."""
        world = World(home, **self.rules)
        for path in self.before:
            world.write(path, f"old {path}")
        if self.before:
            world.rest()
        self.deed(world)
        return world

    def survives(self, world: World) -> set[str]:
        """Return the contents that nobody gave up."""
        return world.contents() - set(self.replaced)

    def check(self, world: World, where: str = "") -> None:
        """Make sure that a world at rest is what it should be."""
        found = {("COPY" if "conflicted copy" in path else path): text for path, text in world.here().items()}
        assert found == self.after, where
        world.in_step()


def _deeds(*steps: tuple[Any, ...]) -> Callable[[World], None]:
    def deed(world: World) -> None:
        for name, *args in steps:
            getattr(world, name)(*args)

    return deed


def _swap_there(world: World) -> None:
    one, other = world.asset("One/a.gif"), world.asset("Two/a.gif")
    one.home, other.home = other.home, one.home


def _shift_there(world: World) -> None:
    assets = [world.asset(f"{folder}/a.gif") for folder in ("One", "Two", "Three")]
    for asset, folder in zip(assets, ("Two", "Three", "Four"), strict=True):
        asset.home = world.tag(folder)


def _want_labels(world: World) -> None:
    world.account.wanted = frozenset({"from here"})


def _restore(world: World) -> None:
    world.trash_there("a.gif")
    world.rest()
    for asset in world.account.assets.values():
        asset.trashed = False


SCENARIOS = (
    Scenario(
        "create",
        (),
        _deeds(("write", "a.gif", "A"), ("write", "Clients/b.gif", "B"), ("write", "Clients/c.gif", "C")),
        {"a.gif": "A", "Clients/b.gif": "B", "Clients/c.gif": "C"},
        ("make-tag", "create", "create", "create"),
    ),
    Scenario(
        "version",
        ("a.gif", "Clients/b.gif"),
        _deeds(("write", "a.gif", "A2"), ("write", "Clients/b.gif", "B2")),
        {"a.gif": "A2", "Clients/b.gif": "B2"},
        ("version", "version"),
        ("old a.gif", "old Clients/b.gif"),
    ),
    Scenario(
        "rename",
        ("a.gif", "Clients/b.gif"),
        _deeds(("move", "Clients/b.gif", "Clients/new.gif")),
        {"a.gif": "old a.gif", "Clients/new.gif": "old Clients/b.gif"},
        ("version",),
    ),
    Scenario(
        "move",
        ("a.gif", "Clients/b.gif"),
        _deeds(("move", "Clients/b.gif", "b.gif"), ("move", "a.gif", "New/a.gif")),
        {"New/a.gif": "old a.gif", "b.gif": "old Clients/b.gif"},
        ("make-tag", "move-remote", "move-remote"),
    ),
    Scenario(
        "edit, rename and move",
        ("Clients/a.gif", "Clients/b.gif"),
        _deeds(("write", "Clients/a.gif", "A2"), ("move", "Clients/a.gif", "Moved/new.gif")),
        {"Moved/new.gif": "A2", "Clients/b.gif": "old Clients/b.gif"},
        ("make-tag", "version", "move-remote"),
        ("old Clients/a.gif",),
    ),
    Scenario(
        "download",
        ("a.gif",),
        _deeds(("upload", "New/b.gif", "B"), ("upload", "c.gif", "C"), ("edit", "a.gif", "A2")),
        {"a.gif": "A2", "New/b.gif": "B", "c.gif": "C"},
        ("make-folder", "download", "download", "download"),
    ),
    Scenario(
        "moved and edited there",
        ("a.gif", "Clients/b.gif"),
        _deeds(("retag", "a.gif", "New"), ("edit", "Clients/b.gif", "B2"), ("retag", "Clients/b.gif", "")),
        {"New/a.gif": "old a.gif", "b.gif": "B2"},
        ("make-folder", "move-local", "move-local", "download", "remove-folder"),
    ),
    Scenario(
        "renamed here, edited there",
        ("a.gif", "Clients/b.gif"),
        _deeds(
            ("move", "a.gif", "new.gif"),
            ("edit", "a.gif", "A2"),
            ("move", "Clients/b.gif", "Moved/b.gif"),
            ("edit", "Clients/b.gif", "B2"),
        ),
        {"new.gif": "A2", "Moved/b.gif": "B2"},
        ("make-tag", "download", "version", "download", "move-remote"),
    ),
    Scenario(
        "renamed here, edited on both sides",
        ("a.gif",),
        _deeds(("move", "a.gif", "new.gif"), ("write", "new.gif", "mine"), ("edit", "a.gif", "theirs")),
        {"new.gif": "theirs", "COPY": "mine"},
        ("conflict", "version"),
    ),
    Scenario(
        "two places swapped there",
        ("One/a.gif", "Two/a.gif"),
        _swap_there,
        {"One/a.gif": "old Two/a.gif", "Two/a.gif": "old One/a.gif"},
        ("move-local", "move-local", "move-local"),
    ),
    Scenario(
        "each in the place of the next there",
        ("One/a.gif", "Two/a.gif", "Three/a.gif"),
        _shift_there,
        {"Two/a.gif": "old One/a.gif", "Three/a.gif": "old Two/a.gif", "Four/a.gif": "old Three/a.gif"},
        ("make-folder", "move-local", "move-local", "move-local", "remove-folder"),
    ),
    Scenario(
        "conflict",
        ("a.gif",),
        _deeds(("write", "a.gif", "mine"), ("edit", "a.gif", "theirs")),
        {"a.gif": "theirs", "COPY": "mine"},
        ("conflict",),
    ),
    Scenario(
        "conflict that this side wins",
        ("a.gif",),
        _deeds(("write", "a.gif", "mine"), ("edit", "a.gif", "theirs")),
        {"a.gif": "mine"},
        ("version",),
        rules={"conflict": "local"},
    ),
    Scenario(
        "new on both sides, one pair equal",
        (),
        _deeds(
            ("write", "a.gif", "same"),
            ("upload", "a.gif", "same"),
            ("write", "b.gif", "mine!!"),
            ("upload", "b.gif", "theirs"),
        ),
        {"a.gif": "same", "b.gif": "theirs", "COPY": "mine!!"},
        ("conflict",),
    ),
    Scenario(
        "deleted on both sides",
        ("a.gif", "b.gif", "Clients/c.gif", "Gone/d.gif"),
        _deeds(("remove", "a.gif"), ("trash_there", "b.gif"), ("purge", "Clients/c.gif"), ("remove", "Gone")),
        {},
        ("trash-local", "trash-local", "remove-folder", "trash-remote", "trash-remote"),
    ),
    Scenario(
        "deleted there, edited here",
        ("a.gif", "b.gif", "c.gif"),
        _deeds(
            ("trash_there", "a.gif"),
            ("write", "a.gif", "A2"),
            ("purge", "b.gif"),
            ("write", "b.gif", "B2"),
            ("remove", "c.gif"),
            ("edit", "c.gif", "C2"),
        ),
        {"a.gif": "A2", "b.gif": "B2", "c.gif": "C2"},
        ("restore", "version", "create", "download"),
        ("old a.gif",),
    ),
    Scenario(
        "taken out of the trash there",
        ("a.gif", "b.gif"),
        _restore,
        {"a.gif": "old a.gif", "b.gif": "old b.gif"},
        ("download",),
    ),
    Scenario(
        "folder renamed here",
        ("Clients/a.gif", "Clients/b.gif", "Clients/Sub/c.gif"),
        _deeds(("move", "Clients", "Customers")),
        {
            "Customers/a.gif": "old Clients/a.gif",
            "Customers/b.gif": "old Clients/b.gif",
            "Customers/Sub/c.gif": "old Clients/Sub/c.gif",
        },
        ("rename-tag", "rename-tag"),
    ),
    Scenario(
        "tag renamed there",
        ("Clients/a.gif", "Clients/b.gif"),
        _deeds(("rename_tag", "Clients", "Archive/Clients"), ("write", "Clients/b.gif", "B2")),
        {"Archive/Clients/a.gif": "old Clients/a.gif", "Archive/Clients/b.gif": "B2"},
        ("rename-folder", "version"),
        ("old Clients/b.gif",),
    ),
    Scenario(
        "renamed by the title",
        ("a.gif", "Clients/b.gif"),
        _deeds(("move", "a.gif", "new.gif"), ("move", "Clients/b.gif", "Moved/new.gif")),
        {"new.gif": "old a.gif", "Moved/new.gif": "old Clients/b.gif"},
        ("make-tag", "move-remote", "move-remote"),
        rules={"rename": Rename.TITLE},
    ),
    Scenario(
        "labels wanted",
        ("a.gif", "Clients/b.gif"),
        _want_labels,
        {"a.gif": "old a.gif", "Clients/b.gif": "old Clients/b.gif"},
        ("label", "label"),
    ),
    Scenario(
        "version where the plan has none",
        ("Clients/a.gif", "b.gif"),
        _deeds(("write", "Clients/a.gif", "A2"), ("move", "b.gif", "new.gif")),
        {"Clients/a.gif": "A2", "new.gif": "old b.gif"},
        ("version", "version"),
        rules={"versions": False},
    ),
)

BY_NAME = {scenario.name: scenario for scenario in SCENARIOS}
