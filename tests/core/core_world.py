"""A pure world for the laws of the core: one account, any number of disks, and an executor made of dicts.

The executor does exactly what the docstrings of `operations` promise, step by step; after each step it checks
that no content was lost. A step that finds something else than it expects is an error, since nobody but the
executor touches the world during a pass.
"""

from __future__ import annotations

import hashlib
import random
from collections.abc import Callable, Iterator
from copy import deepcopy
from dataclasses import dataclass, field, replace

from fluxsync.core.model import Action, Entry, Item, Kind, NameRules, Place, Rename, Snapshot, Stamp, State
from fluxsync.core.naming import fold
from fluxsync.core.operations import Operation, Plan
from fluxsync.core.paths import ancestors, basename, dirname, is_below, join, nfc, rebase
from fluxsync.core.plan import PlanPolicy, make_plan
from fluxsync.core.reconcile import Evidence, Policy, Reconciliation, reconcile
from fluxsync.core.reconciliation import trashed
from fluxsync.core.safety import Limits, guard

HOUR_NS = 3600 * 10**9
_ANY_DISK = NameRules()
_POLICY = Policy()


def digest_of(content: str) -> str:
    return hashlib.sha256(content.encode()).hexdigest()


class Stopped(Exception):
    """The simulated machine lost its power."""


@dataclass
class DiskFile:
    content: str
    inode: int
    mtime: int
    birth: int


@dataclass
class DiskFolder:
    inode: int
    mtime: int


@dataclass
class Version:
    content: str
    name: str
    #: Whether the comment names the digest, and which version it was meant to follow; -1: no comment.
    signed: bool = False
    over: int = -1


@dataclass
class Asset:
    key: str
    home: str
    name: str
    versions: list[Version]
    trashed: bool = False

    @property
    def content(self) -> str:
        return self.versions[-1].content

    @property
    def revision(self) -> int:
        return len(self.versions) - 1


@dataclass
class Account:
    tags: dict[str, str] = field(default_factory=dict)
    assets: dict[str, Asset] = field(default_factory=dict)
    _next: int = 100
    #: Requests that changed something.
    writes: int = 0

    def new_key(self) -> str:
        self._next += 1
        return str(self._next)

    def make_tag(self, name: str) -> str:
        for key, other in self.tags.items():
            if other == name:
                return key
        key = self.new_key()
        self.tags[key] = name
        return key

    def drop_tag(self, key: str) -> None:
        del self.tags[key]
        for asset in self.assets.values():
            if asset.home == key:
                asset.home = ""

    def upload(self, home: str, name: str, content: str, *, signed: bool = False) -> Asset:
        asset = Asset(self.new_key(), home, name, [Version(content, name, signed)])
        self.assets[asset.key] = asset
        return asset

    def entry(self, asset: Asset) -> Entry:
        return Entry(
            Kind.FILE,
            Place(asset.home, asset.name),
            key=asset.key,
            revision=asset.revision,
            size=len(asset.content.encode()),
            trashed=asset.trashed,
            memo=f"{asset.home}",
        )

    def describe(self, asset: Asset, since: int) -> Entry:
        newest = asset.versions[-1]
        overs = [v.over for v in asset.versions[max(since + 1, 0) :] if v.signed and v.over >= 0]
        return replace(
            self.entry(asset),
            digest=digest_of(newest.content) if newest.signed else None,
            over=min(overs, default=-1),
        )

    def folder_entry(self, key: str) -> Entry:
        carried = sum(a.home == key for a in self.assets.values())
        return Entry(Kind.FOLDER, Place("", self.tags[key]), key=key, carried=carried, memo="tag")

    def snapshot(self) -> Snapshot:
        carried: dict[str, int] = dict.fromkeys(self.tags, 0)
        for asset in self.assets.values():
            if asset.home:
                carried[asset.home] += 1
        folders = {
            key: Entry(Kind.FOLDER, Place("", name), key=key, carried=carried[key], memo="tag")
            for key, name in self.tags.items()
        }
        return Snapshot({a.key: self.entry(a) for a in self.assets.values()}, folders)


@dataclass
class Machine:
    """One folder, its trash, its journal."""

    account: Account
    host: str = "HOST"
    rules: NameRules = _ANY_DISK
    conflict: str = "keep-both"
    rename: Rename = Rename.BY_CONTENT
    up: bool = True
    down: bool = True
    files: dict[str, DiskFile] = field(default_factory=dict)
    folders: dict[str, DiskFolder] = field(default_factory=dict)
    trash: list[str] = field(default_factory=list)
    rows: dict[int, Item] = field(default_factory=dict)
    admits: Callable[[str], bool] = lambda path: True
    policy: Policy = _POLICY
    now: int = HOUR_NS
    evidence: Evidence = field(default_factory=lambda: Evidence({}, {}, {}))
    conflicts: int = 0
    #: What people replaced here knowingly.
    given_up: set[str] = field(default_factory=set)
    _next_row: int = 0
    _next_inode: int = 0
    _standing: dict[int, tuple[Item | None, Entry | None, Entry | None]] = field(default_factory=dict)
    log: list[str] = field(default_factory=list)
    #: A test may remove what it means to hide from the scan.
    look: Callable[[Snapshot], Snapshot] = lambda snapshot: snapshot
    look_there: Callable[[Snapshot], Snapshot] = lambda snapshot: snapshot

    # -- the disk

    def inode(self) -> int:
        self._next_inode += 1
        return self._next_inode

    def exists(self, path: str) -> bool:
        folded = fold(path, self.rules)
        return any(fold(p, self.rules) == folded for p in (*self.files, *self.folders))

    def spelled(self, path: str) -> str:
        """Return a path as this disk spells it: one that it cannot tell from another one is that one."""
        if (
            path in self.files
            or path in self.folders
            or (self.rules.case_sensitive and self.rules.form_sensitive)
        ):
            return path
        folded = fold(path, self.rules)
        found = next((p for p in (*self.files, *self.folders) if fold(p, self.rules) == folded), None)
        return found or (join(self.spelled(dirname(path)), basename(path)) if dirname(path) else path)

    def mkdir(self, path: str) -> None:
        path = self.spelled(path)
        for folder in (*reversed(list(ancestors(path))), path):
            if folder and folder not in self.folders:
                assert not self.exists(folder), f"{folder} is taken"
                self.folders[folder] = DiskFolder(self.inode(), self.now)

    def write(self, path: str, content: str) -> None:
        """Write a file in place, or a new one."""
        self.now += 1
        path = self.spelled(path)
        old = self.files.get(path)
        if old is None:
            assert not self.exists(path), f"{path} is taken"
            self.mkdir(dirname(path))
            self.files[path] = DiskFile(content, self.inode(), self.now, self.now)
        else:
            self.given_up.add(old.content)
            old.content, old.mtime = content, self.now

    def move(self, old: str, new: str) -> None:
        old = self.spelled(old)
        assert not self.exists(new) or fold(old, self.rules) == fold(new, self.rules), f"{new} is taken"
        new = join(self.spelled(dirname(new)), basename(new))
        assert not dirname(new) or dirname(new) in self.folders, f"no folder for {new}"
        self.files[new] = self.files.pop(old)

    def move_folder(self, old: str, new: str) -> None:
        assert not self.exists(new) or fold(old, self.rules) == fold(new, self.rules), f"{new} is taken"
        assert not is_below(new, old)
        self.mkdir(dirname(new))
        new = join(self.spelled(dirname(new)), basename(new))
        for table in (self.files, self.folders):
            for path in [p for p in table if p == old or is_below(p, old)]:
                table[rebase(path, old, new)] = table.pop(path)  # type: ignore[attr-defined]

    def rmtree(self, path: str) -> None:
        for table in (self.files, self.folders):
            for below in [p for p in table if p == path or is_below(p, path)]:
                del table[below]  # type: ignore[attr-defined]

    def local_entry(self, path: str) -> Entry:
        file = self.files[self.spelled(path)]
        size = len(file.content.encode())
        return Entry(
            Kind.FILE,
            Place(dirname(path), basename(path)),
            size=size,
            digest=digest_of(file.content),
            stamp=Stamp(size, file.mtime, file.mtime, file.inode, file.birth),
        )

    def local_folder(self, path: str) -> Entry:
        folder = self.folders[self.spelled(path)]
        stamp = Stamp(0, folder.mtime, folder.mtime, folder.inode, folder.inode)
        return Entry(Kind.FOLDER, Place("", path), stamp=stamp)

    def scan(self) -> Snapshot:
        files = {p: self.local_entry(p) for p in self.files if self.admits(p)}
        folders = {p: self.local_folder(p) for p in self.folders if self.admits(p + "/")}
        return self.look(Snapshot(files, folders, admits=self.admits))

    # -- one cycle

    def reconciled(self) -> tuple[Reconciliation, Snapshot, Snapshot]:
        local, remote = self.scan(), self.look_there(self.account.snapshot())
        policy = replace(self.policy, rules=self.rules)
        for _ in range(5):
            result = reconcile(list(self.rows.values()), local, remote, self.evidence, policy)
            if not result.questions:
                return result, local, remote
            for question in result.questions:
                self._answer(question.entry, question.since, question.needs_bytes)
        raise AssertionError("questions without end")

    def _answer(self, entry: Entry, since: int, needs_bytes: bool) -> None:
        asset = self.account.assets[entry.key]
        mark = (entry.key, entry.revision)
        if needs_bytes:
            self.evidence.digests[mark] = digest_of(asset.content)  # type: ignore[index]
        else:
            self.evidence.described[mark] = self.account.describe(asset, since)  # type: ignore[index]

    def planned(self) -> Plan:
        result, local, remote = self.reconciled()
        guarded = guard(result.changes, Limits({}), {}, approve_all=True)
        assert not guarded.held
        policy = PlanPolicy(
            self.up,
            self.down,
            self.conflict,
            f"2026-11-22 174501 {self.host}",
            self.rename,
            self.now + HOUR_NS,
        )
        return make_plan(result, guarded.go, local, remote, policy)

    def cycle(
        self,
        rng: random.Random | None = None,
        *,
        after: Callable[[], None] = lambda: None,
        stop_after: int | None = None,
        unsettled: int = 0,
    ) -> Plan:
        """Plan and execute once; `stop_after` so many operations the power goes, with rows not written.

        As the engine promises, rows are written at the end of each phase, and before a path of this disk that
        one item has left is taken by another.
        """
        plan = self.planned()
        self._standing.clear()
        for item in plan.agreements:
            self._write(item)
        for item in plan.forget:
            self.rows.pop(item.id, None)
        saved: list[tuple[dict[int, Item], int]] = []
        settled = 0
        left: set[str] = set()
        ends = self._phase_ends(plan)
        for number, op in enumerate(self._ordered(plan, rng)):
            if stop_after is not None and number >= stop_after:
                break
            if number in ends or (op.target or op.path) in left:
                settled = len(saved)
                left.clear()
            if ends[0] <= number < ends[1]:
                left.add(op.path)
            saved.append((dict(self.rows), self._next_row))
            self.log.append(f"{op.action} {op.path} -> {op.target or op.name} ({op.why})")
            self._do(op)
            if op.action is Action.CREATE:
                settled = len(saved)  # finding what an unanswered create left is the engine's task
            after()
        kept = max(settled, len(saved) - unsettled)
        if kept < len(saved):
            self.rows, self._next_row = saved[kept]
        return plan

    def _phase_ends(self, plan: Plan) -> tuple[int, int, int]:
        tags = len(plan.tags)
        local = tags + len(plan.local)
        return tags, local, local + len(plan.transfers)

    def _ordered(self, plan: Plan, rng: random.Random | None) -> Iterator[Operation]:
        yield from plan.tags
        yield from plan.local
        subjects: dict[int, list[Operation]] = {}
        for op in plan.transfers:
            subjects.setdefault(op.subject, []).append(op)
        order = list(subjects.values())
        if rng is not None:
            rng.shuffle(order)
        for ops in order:
            yield from ops
        yield from plan.cleanup

    def _write(self, item: Item) -> Item:
        if item.id == 0:
            self._next_row += 1
            item = replace(item, id=self._next_row)
        self.rows[item.id] = item
        return item

    # -- the executor

    def _do(self, op: Operation) -> None:
        row, here, there = self._standing.get(op.subject, (op.item, op.local, op.remote))
        kind = "remote" if op.action in _ACCOUNT_WRITES else "local"
        if kind == "remote":
            self.account.writes += 1
        result = getattr(self, f"_{op.action.name.lower()}")(op, row, here, there)
        self._standing[op.subject] = result

    def _check_file(self, path: str, here: Entry | None) -> DiskFile:
        path = self.spelled(path)
        assert path in self.files, f"stale: nothing at {path}"
        file = self.files[path]
        assert here is not None
        assert here.stamp is not None
        assert (file.inode, file.mtime) == (here.stamp.inode, here.stamp.mtime_ns), f"stale: {path}"
        return file

    def _check_asset(self, there: Entry | None) -> Asset:
        assert there is not None
        asset = self.account.assets.get(there.key)
        assert asset is not None, f"stale: no asset {there.key}"
        assert asset.revision == there.revision
        assert asset.home == there.place.folder
        assert asset.name == there.place.name
        assert asset.trashed == there.trashed
        return asset

    def _agree(self, row: Item | None, here: Entry, there: Entry, made_here: bool | None = None) -> Item:
        base = row or Item(0, Kind.FILE, "", "", "", "")
        mine = base.made_here and base.revision == there.revision if made_here is None else made_here
        return self._write(
            replace(
                base,
                path=here.path,
                key=there.key,
                folder=there.place.folder,
                name=there.place.name,
                revision=there.revision,
                size=here.size,
                digest=here.digest or "",
                stamp=here.stamp,
                memo=there.memo,
                state=State.AGREED,
                made_here=mine,
            )
        )

    def _folder_row(self, op: Operation, path: str, name: str, key: str, **more: object) -> Item:
        base = op.item or Item(0, Kind.FOLDER, path, key, "", name)
        stamp = self.local_folder(path).stamp if self.spelled(path) in self.folders else None
        row = replace(base, path=path, name=name, key=key, stamp=stamp, state=State.AGREED)
        if key in self.account.tags:
            row = replace(row, memo="tag")
        return self._write(replace(row, **more))  # type: ignore[arg-type]

    def _make_tag(self, op: Operation, row: Item | None, here: Entry | None, there: Entry | None) -> tuple:  # type: ignore[type-arg]
        assert op.node is not None
        op.node.key = self.account.make_tag(op.name)
        self._folder_row(op, op.path, op.name, op.node.key, made_here=True)
        return row, here, there

    def _rename_tag(self, op: Operation, row: Item | None, here: Entry | None, there: Entry | None) -> tuple:  # type: ignore[type-arg]
        assert op.node is not None
        assert op.name not in self.account.tags.values(), f"tag {op.name} is there"
        self.account.tags[op.node.key] = op.name
        self._folder_row(op, op.path, op.name, op.node.key)
        for item in op.carries:
            self._write(item)
        return row, here, there

    def _rename_folder(
        self, op: Operation, row: Item | None, here: Entry | None, there: Entry | None
    ) -> tuple:  # type: ignore[type-arg]
        assert op.node is not None
        self.move_folder(op.path, op.target)
        self._folder_row(op, op.target, op.name, op.node.key)
        for item in op.carries:
            self._write(item)
        return row, here, there

    def _make_folder(self, op: Operation, row: Item | None, here: Entry | None, there: Entry | None) -> tuple:  # type: ignore[type-arg]
        assert op.node is not None
        self.mkdir(op.path)
        if op.node.key:
            self._folder_row(op, op.path, op.name, op.node.key)
        return row, here, there

    def _trash_local(self, op: Operation, row: Item | None, here: Entry | None, there: Entry | None) -> tuple:  # type: ignore[type-arg]
        file = self._check_file(op.path, here)
        self.trash.append(file.content)
        del self.files[self.spelled(op.path)]
        if row is not None:
            if there is not None and there.trashed:
                self._write(trashed(row, there))
            else:
                self.rows.pop(row.id, None)
        return None, None, there

    def _move_local(self, op: Operation, row: Item | None, here: Entry | None, there: Entry | None) -> tuple:  # type: ignore[type-arg]
        self._check_file(op.path, here)
        self.move(op.path, op.target)
        here = self.local_entry(op.target)
        if row is not None:
            fresh = here.digest == row.digest
            row = self._write(replace(row, path=op.target, stamp=here.stamp if fresh else row.stamp))
            if op.settles:
                assert there is not None
                row = self._write(_moved_there(row, there))
        return row, here, there

    def _create(self, op: Operation, row: Item | None, here: Entry | None, there: Entry | None) -> tuple:  # type: ignore[type-arg]
        assert op.node is not None
        file = self._check_file(op.path, here)
        assert op.node.key or not op.node.name, f"no tag for {op.path}"
        asset = self.account.upload(op.node.key, op.name, file.content, signed=True)
        entry = self.account.entry(asset)
        return self._agree(row, self.local_entry(op.path), entry, True), self.local_entry(op.path), entry

    def _version(self, op: Operation, row: Item | None, here: Entry | None, there: Entry | None) -> tuple:  # type: ignore[type-arg]
        file = self._check_file(op.path, here)
        asset = self._check_asset(there)
        if op.target == "bury":
            self.trash.append(asset.content)
        asset.versions.append(Version(file.content, op.name, True, asset.revision))
        asset.name = op.name
        entry = self.account.entry(asset)
        here = self.local_entry(op.path)
        return self._agree(row, here, entry, True), here, entry

    def _download(self, op: Operation, row: Item | None, here: Entry | None, there: Entry | None) -> tuple:  # type: ignore[type-arg]
        asset = self._check_asset(there)
        if here is not None:
            self.trash.append(self._check_file(op.path, here).content)
            del self.files[self.spelled(op.path)]
        return self._bring(op, row, there, asset)

    def _bring(self, op: Operation, row: Item | None, there: Entry | None, asset: Asset) -> tuple:  # type: ignore[type-arg]
        assert there is not None
        assert not dirname(op.path) or self.spelled(dirname(op.path)) in self.folders, (
            f"no folder for {op.path}"
        )
        self.write(op.path, asset.content)
        here = self.local_entry(op.path)
        return self._agree(row, here, there, False), here, there

    def _conflict(self, op: Operation, row: Item | None, here: Entry | None, there: Entry | None) -> tuple:  # type: ignore[type-arg]
        asset = self._check_asset(there)
        file = self._check_file(op.path, here)
        assert file.content != asset.content, "equal bytes are no conflict"
        assert not self.exists(op.target)
        self.conflicts += 1
        self.files[op.target] = self.files.pop(self.spelled(op.path))
        return self._bring(op, row, there, asset)

    def _move_remote(self, op: Operation, row: Item | None, here: Entry | None, there: Entry | None) -> tuple:  # type: ignore[type-arg]
        assert op.node is not None
        asset = self._check_asset(there)
        assert op.node.key or not op.node.name, f"no tag for {op.path}"
        asset.home = op.node.key
        asset.name = op.name
        entry = self.account.entry(asset)
        return self._write(_moved_there(row, entry)) if row else None, here, entry

    def _trash_remote(
        self, op: Operation, row: Item | None, here: Entry | None, there: Entry | None
    ) -> tuple:  # type: ignore[type-arg]
        asset = self._check_asset(there)
        asset.trashed = True
        if row is not None and row.id:
            self._write(trashed(row, self.account.entry(asset)))
        return None, here, None

    def _restore(self, op: Operation, row: Item | None, here: Entry | None, there: Entry | None) -> tuple:  # type: ignore[type-arg]
        asset = self._check_asset(there)
        asset.trashed = False
        entry = self.account.entry(asset)
        return self._write(_moved_there(row, entry)) if row else None, here, entry

    def _remove_folder(
        self, op: Operation, row: Item | None, here: Entry | None, there: Entry | None
    ) -> tuple:  # type: ignore[type-arg]
        if op.path in self.folders and not any(is_below(p, op.path) for p in (*self.files, *self.folders)):
            del self.folders[op.path]
            if row is not None and there is not None:
                self._write(replace(row, state=State.KEPT_THERE))
            elif row is not None:
                self.rows.pop(row.id, None)
        elif row is not None and here is not None and there is None:
            self._write(replace(row, path=op.path, state=State.KEPT_HERE))
        return row, here, there

    def _remove_tag(self, op: Operation, row: Item | None, here: Entry | None, there: Entry | None) -> tuple:  # type: ignore[type-arg]
        assert op.node is not None
        if self.account.folder_entry(op.node.key).carried == 0:
            del self.account.tags[op.node.key]
            if op.item is not None:
                self.rows.pop(op.item.id, None)
        return row, here, there

    # -- passes

    def contents(self) -> set[str]:
        """All content that the world holds where a person finds it."""
        return {
            *(f.content for f in self.files.values()),
            *self.trash,
            *(a.content for a in self.account.assets.values()),
        }

    def sync(
        self, rng: random.Random | None = None, discarded: frozenset[str] | set[str] = frozenset()
    ) -> int:
        """Run cycles until nothing is left to do; return how many did something."""
        for number in range(5):
            before = self.contents() - discarded - self.given_up
            plan = self.cycle(rng, after=lambda kept=before: self.check_nothing_lost(kept))  # type: ignore[misc]
            if not len(plan) and not plan.agreements and not plan.forget:
                return number
        raise AssertionError("no rest:\n" + "\n".join(self.log[-40:]))

    def check_nothing_lost(self, before: set[str]) -> None:
        lost = before - self.contents()
        assert not lost, f"lost {lost} after {self.log[-1:]}"

    # -- at rest

    def check_rest(self) -> None:
        """Both sides show the same files and folders, and the journal says so."""
        rows = [r for r in self.rows.values() if r.state is State.AGREED]
        homes = {"": ""} | {r.key: r.path for r in rows if r.kind is Kind.FOLDER}
        files = [r for r in rows if r.kind is Kind.FILE]
        live = {k: a for k, a in self.account.assets.items() if not a.trashed}
        assert sorted(r.path for r in files) == sorted(self.files)
        assert sorted(r.key for r in files) == sorted(live)
        for row in files:
            asset = live[row.key]
            assert asset.content == self.files[row.path].content, f"{row.path} differs"
            assert (row.folder, nfc(row.name)) == (asset.home, nfc(asset.name))
            assert homes[asset.home] == dirname(row.path), f"{row.path} is not in {homes[asset.home]}"
            plain = basename(row.path)
            if nfc(plain) != nfc(asset.name) and fold(plain, self.rules) != fold(asset.name, self.rules):
                assert f"({asset.key}" in plain, f"{plain} for {asset.name}"
                # A suffix is used only where the plain name was taken once.
        for key, name in self.account.tags.items():
            if key in homes and nfc(homes[key]).casefold() != nfc(name).casefold():
                assert f"(tag {key}" in homes[key] or any(
                    "(tag " in part for part in homes[key].split("/")
                ), f"folder {homes[key]} for tag {name}"

    def tree(self) -> dict[str, str]:
        return {path: file.content for path, file in self.files.items()}

    def clone(self) -> Machine:
        return deepcopy(self)


def _moved_there(row: Item, there: Entry) -> Item:
    return replace(row, folder=there.place.folder, name=there.place.name, memo=there.memo, state=State.AGREED)


_ACCOUNT_WRITES = {
    Action.CREATE,
    Action.VERSION,
    Action.MOVE_REMOTE,
    Action.RENAME_TAG,
    Action.TRASH_REMOTE,
    Action.RESTORE,
    Action.MAKE_TAG,
    Action.REMOVE_TAG,
    Action.LABEL,
}
