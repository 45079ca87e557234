"""Decides, item by item, from what both sides show: the decision table.

    decide      the table itself: two updates to a verdict
    reconcile   the table applied to every item, and to what has no item yet

A question is content that must be known before a decision is possible; the cycle answers it and asks again.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from enum import Enum

from fluxsync.core.folders import Node, Tree, link
from fluxsync.core.model import Entry, Item, Kind, NameRules, Problem, Side, Snapshot, State
from fluxsync.core.naming import disk_name, disk_path, fold, name_files, newer
from fluxsync.core.observe import LocalView, Presence, Update, observe_local, observe_remote
from fluxsync.core.paths import basename, dirname, join, nfc

__all__ = [
    "Change",
    "Content",
    "Evidence",
    "Fate",
    "Policy",
    "Reconciliation",
    "Verdict",
    "decide",
    "reconcile",
]


class Fate(Enum):
    """What becomes of an item as a whole."""

    LIVE = "live"  # on both sides
    TRASH_LOCAL = "trash-local"
    TRASH_REMOTE = "trash-remote"
    FORGET = "forget"
    CREATE = "create"  # a new asset for the file
    RESTORE = "restore"  # the asset out of the trash, and then live
    LEAVE = "leave"  # not enough is known


class Content(Enum):
    """Which way content goes."""

    NONE = "none"
    UP = "up"
    DOWN = "down"
    CONFLICT = "conflict"
    EQUAL = "equal"  # both changed, to the same


@dataclass(frozen=True, slots=True)
class Verdict:
    fate: Fate
    content: Content = Content.NONE
    #: Whose place and name hold, where both sides live.
    place: Side = Side.LOCAL
    why: str = ""


def decide(here: Update, there: Update, *, equal: bool = False, buried: bool = False) -> Verdict:
    """Return the verdict for an item that both sides once agreed on.

    `equal`: both contents are the same bytes. `buried`: the account's new content did not know the version
    that this machine sent.
    """
    if here.presence is Presence.UNKNOWN or there.presence is Presence.UNKNOWN:
        return Verdict(Fate.LEAVE)

    if here.presence is Presence.GONE:
        if there.presence is not Presence.HERE and not there.edited:
            return Verdict(Fate.FORGET, why="gone on both sides")
        if there.edited:
            fate = Fate.RESTORE if there.presence is Presence.TRASHED else Fate.LIVE
            return Verdict(
                fate, Content.DOWN, Side.REMOTE, "new content on the account wins over the deletion here"
            )
        return Verdict(Fate.TRASH_REMOTE, why="deleted here")

    if there.presence is Presence.GONE:
        if here.edited:
            return Verdict(Fate.CREATE, why="deleted on the account, but edited here: the edit wins")
        if here.moved:
            return Verdict(Fate.CREATE, why="deleted on the account, but moved here")
        return Verdict(Fate.TRASH_LOCAL, why="deleted on the account")

    if there.presence is Presence.TRASHED and not there.edited:
        if here.edited:
            return Verdict(
                Fate.RESTORE, Content.UP, Side.LOCAL, "in the remote trash, but edited here: the edit wins"
            )
        if here.moved:
            return Verdict(Fate.RESTORE, Content.NONE, Side.LOCAL, "in the remote trash, but moved here")
        return Verdict(Fate.TRASH_LOCAL, why="in the remote trash")

    fate = Fate.RESTORE if there.presence is Presence.TRASHED else Fate.LIVE
    place = Side.REMOTE if there.moved else Side.LOCAL
    if equal and (here.edited or there.edited):
        return Verdict(fate, Content.EQUAL, place, "equal on both sides")
    if there.backwards:
        return Verdict(fate, Content.CONFLICT, place, "the account went back to an older version")
    if here.edited and there.edited:
        return Verdict(fate, Content.CONFLICT, place, "new content on both sides")
    if here.edited:
        return Verdict(fate, Content.UP, place, "edited here")
    if there.edited and buried:
        return Verdict(
            fate, Content.CONFLICT, place, "a version on the account did not know the one sent from here"
        )
    if there.edited:
        return Verdict(fate, Content.DOWN, place, "new content on the account")
    if there.moved:
        return Verdict(fate, Content.NONE, place, "moved or renamed on the account")
    if here.moved:
        return Verdict(fate, Content.NONE, place, "moved or renamed here")
    return Verdict(fate, Content.NONE, place, "taken out of the trash" if fate is Fate.RESTORE else "")


@dataclass(frozen=True, slots=True)
class Policy:
    """What the configuration says about deciding."""

    rules: NameRules = NameRules()
    #: "verify" compares bytes where both sides have a path; "trust-size" compares sizes in a first pass.
    trust_size: bool = False
    #: Nanoseconds since 1970: how long an empty folder has stood.
    now_ns: int = 0
    #: The mapping or the selection changed: this pass moves, and deletes nothing.
    delete_nothing: bool = False
    local_delete: str = "trash"
    remote_delete: str = "trash"


@dataclass(frozen=True, slots=True)
class Evidence:
    """What was found out about remote content beyond the list, by (key, revision)."""

    digests: Mapping[tuple[str, int], str] = field(default_factory=dict)
    #: Entries whose version comments were read.
    described: Mapping[tuple[str, int], Entry] = field(default_factory=dict)
    #: Entries of which no more can be known now, with the reason.
    refused: Mapping[tuple[str, int], str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Question:
    """Content that a decision needs: what the version comments say, or else the bytes themselves."""

    entry: Entry
    since: int
    needs_bytes: bool


@dataclass(frozen=True, slots=True)
class Change:
    """One item that is not in step, and the verdict on it."""

    verdict: Verdict
    path: str  # where it shall lie on this disk, or lay
    node: Node  # the folder it shall lie in
    name: str  # its true name then
    item: Item | None = None
    local: Entry | None = None
    remote: Entry | None = None


@dataclass(slots=True)
class Reconciliation:
    """What has to be done, and what only has to be written down."""

    tree: Tree
    changes: list[Change] = field(default_factory=list)
    #: Items that both sides agree on already, though the ancestor did not know it. Id 0: a new row.
    agreements: list[Item] = field(default_factory=list)
    forget: list[Item] = field(default_factory=list)
    questions: list[Question] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)
    #: How many files were equal on both sides, adopted ones included.
    unchanged: int = 0
    adopted: list[Item] = field(default_factory=list)


def reconcile(
    items: Collection[Item], local: Snapshot, remote: Snapshot, evidence: Evidence, policy: Policy
) -> Reconciliation:
    """Compare ancestor, folder and account, and decide."""
    return _Pass(items, local, remote, evidence, policy).run()


class _Pass:
    def __init__(
        self, items: Collection[Item], local: Snapshot, remote: Snapshot, evidence: Evidence, policy: Policy
    ) -> None:
        self.policy = policy
        self.evidence = evidence
        self.local = local
        self.remote = remote
        self.left_out = [i for i in items if i.kind is Kind.FILE and i.path and not local.admits(i.path)]
        out = {item.id for item in self.left_out}
        self.items = [item for item in items if item.id not in out]
        self.files = [item for item in self.items if item.kind is Kind.FILE]
        self.by_key = {item.key: item for item in self.files if item.key}
        self.view: LocalView = observe_local(local, self.items)
        self.tree = link(self.view, local, remote, self.items, policy.rules)
        self.result = Reconciliation(self.tree)
        self.why_new: dict[str, str] = {}
        self._created: dict[tuple[str, str], Item] = {}
        self.names = self._name_files()

    def _name_files(self) -> dict[str, str]:
        occupied = {}
        for item in self.files:
            update = self.view.updates.get(item.id)
            if update is not None and update.entry is not None and update.moved:
                occupied[update.entry.path] = item.key
        live = [f for f in self.remote.files.values() if not f.trashed and f.place.folder in self.tree.by_key]
        paths = {key: node.path for key, node in self.tree.by_key.items()}
        return name_files(live, self.by_key, paths, occupied, self.view.new_files, self.policy.rules)

    def _node_of(self, remote: Entry) -> Node:
        """Return the folder in which an asset lies, also one that had no reason to be shown until now."""
        key = remote.place.folder
        node = self.tree.by_key.get(key)
        if node is None:
            folder = self.remote.folders[key]
            path = disk_path(folder.place.name, self.policy.rules)
            node = self.tree.by_key[key] = Node(path, folder.place.name, key, None, folder)
        return node

    def run(self) -> Reconciliation:
        self.result.forget.extend(self.left_out)
        for item in self.files:
            if item.state is State.AGREED:
                self._tracked(item)
            else:
                self._remembered(item)
        self._untracked()
        return self.result

    # -- items that both sides agreed on

    def _tracked(self, item: Item) -> None:
        here = self.view.updates.get(item.id)
        there = observe_remote(self.remote, item)
        node = self.tree.by_key.get(item.folder)
        if here is None and there is None and node is not None and not node.moves_here:
            self.result.unchanged += 1
            return
        here = self._here(item, here)
        there = there or Update(Presence.HERE, self.remote.files[item.key])
        described = self._described(item, here, there)
        if described is None:
            return
        there, equal = described
        buried = item.made_here and there.entry is not None and 0 <= there.entry.over < item.revision
        verdict = decide(here, there, equal=equal, buried=buried)
        self._conclude(item, here, there, verdict)

    def _here(self, item: Item, update: Update | None) -> Update:
        """Return the local update with `moved` as the folders see it: another node or another name."""
        if update is None:
            return Update(Presence.HERE, self.local.files[item.path])
        if update.entry is None:
            return update
        node = self.tree.at_path(dirname(update.entry.path))
        same = node is self.tree.by_key.get(item.folder) and _same_name(update.entry.path, item.path)
        return replace(update, moved=not same)

    def _described(self, item: Item, here: Update, there: Update) -> tuple[Update, bool] | None:
        """Settle whether new evidence on the account is new content; None when that must be asked first."""
        entry = there.entry
        if entry is None or not there.edited or here.presence is Presence.UNKNOWN:
            return there, False
        digest = self._digest(entry, item.revision, needs_bytes=False)
        described = self.evidence.described.get((entry.key, entry.revision))
        if described is None and digest is None:
            return None
        if described is not None:
            there = replace(there, entry=replace(entry, over=described.over, digest=digest))
        if digest == item.digest and entry.size == item.size and not there.backwards:
            return replace(there, edited=False), False
        local = here.entry
        if local is None or local.size != entry.size:
            return there, False
        if digest is None and (here.edited or there.backwards):
            digest = self._digest(entry, item.revision, needs_bytes=True)
            if digest is None:
                return None
        return there, digest is not None and digest == local.digest

    def _digest(self, entry: Entry, since: int, *, needs_bytes: bool) -> str | None:
        """Return the digest of remote content, or ask for it and return None."""
        mark = (entry.key, entry.revision)
        known = self.evidence.digests.get(mark) or entry.digest
        if known:
            return known
        if mark in self.evidence.refused:
            problem = Problem(self.names.get(entry.key, entry.place.name), self.evidence.refused[mark])
            self.result.problems.append(problem)
        elif mark not in self.evidence.described and entry.revision > 0:
            self.result.questions.append(Question(entry, since, needs_bytes=False))
        elif needs_bytes:
            self.result.questions.append(Question(entry, since, needs_bytes=True))
        return None

    def _conclude(self, item: Item, here: Update, there: Update, verdict: Verdict) -> None:
        local, remote = here.entry, there.entry
        match verdict.fate:
            case Fate.LEAVE:
                return
            case Fate.FORGET:
                self._forget(item, remote)
            case Fate.TRASH_LOCAL | Fate.TRASH_REMOTE if self._kept(item, verdict, remote):
                return
            case Fate.TRASH_LOCAL | Fate.TRASH_REMOTE if self.policy.delete_nothing:
                return
            case Fate.TRASH_LOCAL | Fate.TRASH_REMOTE:
                node = self.tree.by_key.get(item.folder) or self.tree.at_path(dirname(item.path))
                path = local.path if local is not None else item.path
                self._change(verdict, path, node, item.name, item, local, remote)
            case Fate.CREATE:
                assert local is not None
                self.result.forget.append(item)
                self.view.new_files[local.path] = local
                self.why_new[local.path] = verdict.why
            case Fate.LIVE | Fate.RESTORE:
                assert remote is not None
                self._live(item, local, remote, verdict)

    def _live(self, item: Item, local: Entry | None, remote: Entry, verdict: Verdict) -> None:
        if verdict.place is Side.REMOTE or local is None:
            node = self._node_of(remote)
            path = self.names.get(remote.key) or join(node.path, basename(item.path))
            name = remote.place.name
            if local is not None and _same_name(path, local.path) and dirname(path) == dirname(local.path):
                path = local.path
        else:
            node = self.tree.at_path(dirname(local.path))
            path = join(node.path, basename(local.path))
            name = item.name if _same_name(local.path, item.path) else nfc(basename(local.path))
        settled = (
            local is not None
            and verdict.fate is Fate.LIVE
            and verdict.content in (Content.NONE, Content.EQUAL)
            and not remote.mislabelled
            and local.path == path
            and remote.place.name == name
            and not node.moves_here
            and not node.moves_there
            and node.key == remote.place.folder
        )
        if settled:
            assert local is not None
            self.result.agreements.append(_agreed(item, local, remote))
            self.result.unchanged += 1
        else:
            if not self.local.admits(path):
                self.result.forget.append(item)
                return
            self._change(verdict, path, node, name, item, local, remote)

    def _kept(self, item: Item, verdict: Verdict, remote: Entry | None) -> bool:
        """Remember that a deletion is not to be repeated on the other side."""
        if verdict.fate is Fate.TRASH_LOCAL and self.policy.local_delete == "keep":
            self.result.agreements.append(replace(item, state=State.KEPT_HERE))
            return True
        if verdict.fate is Fate.TRASH_REMOTE and self.policy.remote_delete == "keep":
            self.result.agreements.append(replace(item, state=State.KEPT_THERE))
            return True
        return False

    def _forget(self, item: Item, remote: Entry | None) -> None:
        if remote is not None and remote.trashed:
            self.result.agreements.append(
                replace(item, state=State.TRASHED, memo=remote.memo, revision=remote.revision)
            )
        else:
            self.result.forget.append(item)

    # -- items of which only one side is left

    def _remembered(self, item: Item) -> None:
        there = observe_remote(self.remote, item)
        if there is not None and there.presence is Presence.UNKNOWN:
            return
        gone = there is not None and there.presence is Presence.GONE
        trashed = there is not None and there.presence is Presence.TRASHED
        match item.state:
            case State.TRASHED if gone:
                self.result.forget.append(item)
            case State.TRASHED if trashed and there is not None and there.edited and there.entry is not None:
                self._arrive(there.entry, item, Fate.RESTORE, "new content for an asset in the remote trash")
            case State.TRASHED if not trashed and not self.remote.trash_lost:
                self._arrive(self.remote.files[item.key], item, Fate.LIVE, "taken out of the remote trash")
            case State.SUPERSEDED if gone or trashed:
                self.result.forget.append(item)
            case State.SUPERSEDED if there is None or not there.edited:
                node = self.tree.by_key.get(item.folder) or self.tree.root
                verdict = Verdict(
                    Fate.TRASH_REMOTE, why="replaced by a new asset, as the plan has no versions"
                )
                self._change(verdict, item.path, node, item.name, item, None, self.remote.files[item.key])
            case State.SUPERSEDED:
                self._arrive(self.remote.files[item.key], item, Fate.LIVE, "new content on the account")
            case State.KEPT_THERE if gone or trashed:
                self.result.forget.append(item)
            case State.KEPT_THERE if there is not None and there.edited and there.entry is not None:
                self._arrive(there.entry, item, Fate.LIVE, "new content on the account")
            case State.KEPT_HERE:
                self._kept_here(item)

    def _kept_here(self, item: Item) -> None:
        update = self.view.updates.get(item.id)
        if update is not None and update.presence is Presence.GONE:
            self.result.forget.append(item)
        elif update is not None and update.edited and update.entry is not None:
            entry = update.entry
            self.result.forget.append(item)
            self.view.new_files[entry.path] = entry
            self.why_new[entry.path] = "kept here, and edited now"

    def _arrive(self, remote: Entry, item: Item | None, fate: Fate, why: str) -> None:
        """Bring a live asset that has no file here."""
        node = self._node_of(remote)
        path = self.names.get(remote.key) or join(node.path, disk_name(remote.place.name, self.policy.rules))
        if self.local.admits(path):
            verdict = Verdict(fate, Content.DOWN, Side.REMOTE, why)
            local = self.local.files.get(path) if path in self.view.new_files else None
            if local is not None:
                self._meet(local, remote, item)
                return
            if any(path == u.path or path.startswith(u.path + "/") for u in self.local.unknown):
                return
            self._change(verdict, path, node, remote.place.name, item, None, remote)

    # -- what the ancestor does not know

    def _untracked(self) -> None:
        new = self.view.new_files
        self._created = {
            (item.folder, item.name): item
            for item in self.files
            if item.made_here and item.revision == 0 and item.state is State.AGREED
        }
        at = {fold(path, self.policy.rules): entry for path, entry in new.items()}
        met: set[str] = set()
        for remote in list(self.remote.files.values()):
            if remote.trashed or remote.key in self.by_key or self._is_twin(remote):
                continue
            path = self.names.get(remote.key)
            local = at.get(fold(path, self.policy.rules)) if path is not None else None
            if local is not None:
                met.add(local.path)
                self._meet(local, remote, None)
            else:
                self._arrive(remote, None, Fate.LIVE, "new on the account")
        for path, local in new.items():
            if path in met:
                continue
            node = self.tree.at_path(dirname(path))
            name = nfc(basename(path))
            target = join(node.path, basename(path))
            verdict = Verdict(Fate.CREATE, why=self.why_new.get(path, "new here"))
            self._change(verdict, target, node, name, None, local, None)

    def _is_twin(self, remote: Entry) -> bool:
        """Adopt an older asset of the same place, name and bytes as one that this journal created.

        The newer one, if nobody has touched it since, goes to the trash: so machines that start with copies of
        one folder end with one set of assets.
        """
        item = self._created.get((remote.place.folder, remote.place.name))
        if item is None or item.size != remote.size or not newer(item.key, remote.key):
            return False
        ours = self.remote.files.get(item.key)
        if ours is None or ours.trashed or ours.labelled or ours.revision or item.id in self.view.updates:
            return False
        digest = self._digest(remote, -1, needs_bytes=True)
        if digest is None:
            return True
        if digest != item.digest:
            return False
        replaced = replace(item, id=0, state=State.SUPERSEDED)
        self.result.agreements += [_agreed(item, self.local.files[item.path], remote), replaced]
        node = self._node_of(ours)
        verdict = Verdict(Fate.TRASH_REMOTE, why="twin of an older asset with the same bytes")
        self._change(verdict, item.path, node, item.name, None, None, ours)
        return True

    def _meet(self, local: Entry, remote: Entry, item: Item | None) -> None:
        """Both sides have a file here that nobody linked: equal bytes are adopted, else a conflict."""
        node = self._node_of(remote)
        equal = local.size == remote.size
        if equal and not self.policy.trust_size:
            digest = self._digest(remote, -1, needs_bytes=True)
            if digest is None:
                return
            equal = digest == local.digest
        path = join(node.path, basename(local.path))
        if equal and not node.moves_here:
            blank = item or Item(0, Kind.FILE, path, remote.key, "", "")
            agreed = replace(_agreed(blank, local, remote), made_here=False)
            self.result.agreements.append(agreed)
            self.result.adopted.append(agreed)
            self.result.unchanged += 1
        elif equal:
            self._change(Verdict(Fate.LIVE), path, node, remote.place.name, item, local, remote)
        else:
            verdict = Verdict(
                Fate.LIVE, Content.CONFLICT, Side.REMOTE, "other content under this name on both sides"
            )
            self._change(verdict, path, node, remote.place.name, item, local, remote)

    def _change(
        self,
        verdict: Verdict,
        path: str,
        node: Node,
        name: str,
        item: Item | None,
        local: Entry | None,
        remote: Entry | None,
    ) -> None:
        self.result.changes.append(Change(verdict, path, node, name, item, local, remote))


def _same_name(one: str, other: str) -> bool:
    return nfc(basename(one)) == nfc(basename(other))


def _agreed(item: Item, local: Entry, remote: Entry) -> Item:
    """Return the row that says that both sides have this now."""
    return replace(
        item,
        path=local.path,
        key=remote.key,
        folder=remote.place.folder,
        name=remote.place.name,
        revision=remote.revision,
        size=local.size,
        digest=local.digest or "",
        stamp=local.stamp,
        memo=remote.memo,
        state=State.AGREED,
        made_here=item.made_here and item.revision == remote.revision,
    )
