"""What both sides show, put together: files with their items, folders with their tags, a path for each."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace

from fluxsync.core.claims import Claims
from fluxsync.core.decision import Fate, decide
from fluxsync.core.folders import link
from fluxsync.core.model import Entry, Item, Kind, Snapshot, State
from fluxsync.core.moves import sole_content
from fluxsync.core.naming import disk_name, is_name_of, key_order, without_hop
from fluxsync.core.observe import Presence, Update, observe_local, observe_remote
from fluxsync.core.paths import ancestors, basename, dirname, nfc
from fluxsync.core.reconciliation import Evidence, Policy, known_digest
from fluxsync.core.tree import Node, Tree

__all__ = ["Pair", "Survey"]

#: Seconds after a deletion in which a file at the same path is what a program saves, whatever its content.
_SAVING_S = 3600.0


@dataclass(slots=True)
class Pair:
    """One file that both sides agreed on, and what each shows of it now."""

    item: Item
    here: Update
    there: Update


class Survey:
    """Everything that deciding looks at. An item is in `pairs` or `remembered`, or it is quiet."""

    def __init__(
        self,
        items: Collection[Item],
        local: Snapshot,
        remote: Snapshot,
        policy: Policy,
        evidence: Evidence,
    ) -> None:
        self.local, self.remote, self.policy, self.rules = local, remote, policy, policy.rules
        self._evidence = evidence
        self.left_out: list[Item] = []
        self.files: list[Item] = []
        kept = [item for item in items if not self._is_left_out(item)]
        self.view = observe_local(local, kept)
        #: Files that no item accounts for, by path, and why each has to be sent.
        self.new = self.view.new_files
        self.why_new: dict[str, str] = {}
        self.by_key = {item.key: item for item in self.files if item.key}
        live = Counter(f.place.folder for f in remote.files.values() if self._shows(f))
        self.tree: Tree = link(self.view, local, remote, kept, live, policy.rules)
        self.pairs: list[Pair] = []
        self.remembered: list[Item] = []
        self.forget: list[Item] = [*self.left_out, *self.tree.gone]
        self.quiet: list[Item] = []
        self._back = self._returned(evidence.trashed_since)
        for item in self.files:
            self._sort(item)
        for key in sorted(evidence.brought.keys() & remote.files.keys() - self.by_key.keys()):
            self._link_brought(evidence.brought[key])
        self._unknown = {unknown.path for unknown in local.unknown}
        self._claim()

    def _is_left_out(self, item: Item) -> bool:
        """Tell whether the rules exclude an item that the folder does not show; the others it shows."""
        if item.kind is Kind.FOLDER:
            hidden = item.path not in self.local.folders and not self.local.admits(item.path + "/")
        else:
            hidden = item.path not in self.local.files and not self.local.admits(item.path)
        if hidden:
            self.left_out.append(item)
        elif item.kind is Kind.FILE:
            self.files.append(item)
        return hidden

    def _returned(self, trashed_since: Mapping[str, float]) -> frozenset[int]:
        """Find the items that had gone and whose path holds a file again: programs delete and write anew.

        Such a file is that item, as if it had never been away. Of several that lay there it is the one with
        its content, else the youngest.
        """
        gone = [i for i in self.files if i.path in self.new and self._comes_back(i, trashed_since)]
        gone.sort(key=lambda item: (item.digest == self.new[item.path].digest, item.id))
        back = {item.path: item for item in gone}
        for path, item in back.items():
            entry = self.new.pop(path)
            edited = entry.digest != item.digest
            self.view.updates[item.id] = Update(Presence.HERE, entry, edited=edited, returned=True)
        return frozenset(item.id for item in back.values())

    def _comes_back(self, item: Item, trashed_since: Mapping[str, float]) -> bool:
        """Tell whether the file at an item's path is that item again.

        With another content only while a program may still be saving it: later it is another file, and what
        lies in the trash, or was kept on the account, must not be buried under it.
        """
        if item.state not in (State.TRASHED, State.KEPT_THERE):
            return False
        if self.new[item.path].digest == item.digest:
            return True
        now_s = self.remote.clock_s
        if item.state is State.KEPT_THERE or now_s is None:
            return item.state is State.TRASHED
        return now_s - trashed_since.get(item.key, now_s) < _SAVING_S

    def returns(self, remote: Entry) -> bool:
        """Tell whether a trashed asset comes out of the trash by new content."""
        item = self.by_key.get(remote.key)
        if item is None or not remote.trashed or remote.revision <= item.revision:
            return False
        return not (self._is_renamed(item, remote) or self._is_trashed_last(item, remote))

    def _in_the_trash(self, item: Item, there: Update) -> Update:
        """Return what an asset shows, as far as it counts in the trash: there a rename is nothing."""
        remote = there.entry
        if remote is None or there.presence is not Presence.TRASHED or not there.edited:
            return there
        if self._is_renamed(item, remote):
            return replace(there, edited=False, moved=False)
        return replace(there, trashed_last=self._is_trashed_last(item, remote))

    def _is_renamed(self, item: Item, remote: Entry) -> bool:
        """Tell whether the version that an asset got is surely a rename."""
        return remote.size == item.size and known_digest(remote, self._evidence) == item.digest

    def _is_trashed_last(self, item: Item, remote: Entry) -> bool:
        """Tell whether a trashed asset had its new content before it went to the trash.

        No fluxsync sends to an asset that lies there: it takes that out first.
        """
        described = self._evidence.described.get((remote.key, remote.revision))
        return item.state is State.AGREED and described is not None and described.digest is not None

    def _shows(self, remote: Entry) -> bool:
        """Tell whether an asset counts as a file that its folder has, or shall have, here."""
        if remote.trashed:
            return self.returns(remote)
        item = self.by_key.get(remote.key)
        if item is None or item.state is State.AGREED:
            return True
        edited = remote.revision > item.revision
        lost = item.state is State.TRASHED and self.remote.trash_lost and not edited
        return not (item.state is State.KEPT_THERE or lost)

    # -- items

    def _sort(self, item: Item) -> None:
        there = observe_remote(self.remote, item)
        if there is not None and there.edited and there.entry is not None:
            self._may_be_elsewhere(item, known_digest(there.entry, self._evidence))
        if item.state is State.KEPT_HERE and (there is None or there.presence is Presence.HERE):
            there = there or Update(Presence.HERE, self.remote.files[item.key])
        elif item.state is not State.AGREED and item.id not in self._back:
            self.remembered.append(item)
            return
        here = self._here(item)
        if here is None and there is None:
            self.quiet.append(item)
            return
        here = here or Update(Presence.HERE, self.local.files[item.path])
        there = there or Update(Presence.HERE, self.remote.files[item.key])
        there = self._in_the_trash(item, there)
        if here.moved and there.moved and self._is_half_way(item, here.entry, there.entry):
            there = replace(there, moved=False)
        verdict = decide(here, there) if there.presence is Presence.GONE else None
        if verdict is not None and verdict.fate is Fate.CREATE:
            assert here.entry is not None
            self.send_as_new(item, here.entry, verdict.why)
        else:
            self.pairs.append(Pair(item, here, there))

    def _may_be_elsewhere(self, item: Item, digest: str | None) -> None:
        """Take the one new file with the content that an asset has now for the file of it that is gone.

        A pass that was killed had brought it before it could say so, and it was moved since.
        """
        update = self.view.updates.get(item.id)
        if item.state is State.AGREED and update is not None and update.presence is Presence.GONE:
            found = sole_content(digest, self.new.values())
            if found is not None:
                self.view.updates[item.id] = Update(Presence.HERE, found, edited=True, moved=True)
                del self.new[found.path]

    def _link_brought(self, item: Item) -> None:
        """Take the one new file with its content for that of a new asset, which a killed pass had brought."""
        digest = known_digest(self.remote.files[item.key], self._evidence)
        found = sole_content(digest, self.new.values())
        if found is not None:
            item = replace(item, size=found.size, digest=found.digest or "")
            self.by_key[item.key] = item
            self.view.updates[item.id] = Update(Presence.HERE, found)
            self._sort(item)
            del self.view.updates[item.id], self.new[found.path]

    def _is_half_way(self, item: Item, local: Entry | None, remote: Entry | None) -> bool:
        """Tell whether the account shows nothing but a part of what was moved and renamed here.

        A pass that was cut short between the two leaves that; so does a colleague with the same idea.
        """
        if local is None or remote is None:
            return False
        node, name = self.tree.at_path(dirname(local.path)), nfc(basename(local.path))
        return remote.place.folder in (item.folder, node.key) and remote.place.name in (item.name, name)

    def send_as_new(self, item: Item, local: Entry, why: str) -> None:
        """Let a file go its way without the asset that it had."""
        self.forget.append(item)
        self.new[local.path] = local
        self.why_new[local.path] = why

    def _here(self, item: Item) -> Update | None:
        """Return the local update with `moved` as the folders see it: another node or another name.

        None: it lies in its home under its name, as it was. A row whose own path contradicts its home or its
        name is what a crash between two steps leaves: the file was moved here, and the account does not know.
        """
        update = self.view.updates.get(item.id)
        if update is not None and update.entry is None:
            return update
        path = item.path if update is None or update.entry is None else update.entry.path
        node, home = self.tree.at_path(dirname(path)), self.tree.by_key.get(item.folder)
        moved = not self.keeps_name(item, path) or not (node is home or (home is None and path == item.path))
        if update is None:
            if not moved and not node.moves_here and basename(path) == _proper(item, path):
                return None
            return Update(Presence.HERE, self.local.files[path], moved=moved)
        return replace(update, moved=moved)

    def keeps_name(self, item: Item, path: str) -> bool:
        """Tell whether a path ends with the name that an item has, whatever folder it is in."""
        if path != item.path:
            return nfc(basename(path)) == nfc(basename(item.path)) and self.keeps_name(item, item.path)
        return is_name_of(_proper(item, path), item.name, item.key, self.rules)

    # -- paths

    def _claim(self) -> None:
        claims = Claims(self.rules)
        self.names, self.targets, self.met = claims.names, claims.targets, claims.met
        arriving = [f for f in self.remote.files.values() if self._arrives(f)]
        fresh = any(node.here is None or not node.fixed for node in self.tree.nodes())
        if not (self.pairs or arriving or self.new or fresh):
            return
        homes = {id(self.home_of(f)) for f in arriving}
        homes |= {id(self.home_of(p.there.entry)) for p in self.pairs if p.there.entry and p.there.moved}
        homes |= {
            id(self.home_of(p.there.entry))
            for p in self.pairs
            if p.there.entry and p.here.entry is None and p.there.edited
        }
        for node in self.tree.nodes():
            if node.here is not None or node.item is None or id(node) in homes:
                claims.folder(node.path)
        displaced = [item for item in self.quiet if not claims.keep(item.key, item.path)]
        for item in self.remembered:
            if item.state is State.KEPT_HERE:
                claims.keep(item.key, item.path)
        moved: list[tuple[str, Node, str]] = []
        for pair in self.pairs:
            self._claim_pair(pair, claims, moved)
        for path in self.new:
            claims.untracked(path, self.tree.at_path(dirname(path)))
        for item in displaced:
            moved.append((item.key, self.tree.by_key[item.folder], basename(item.path)))
            here, there = self.local.files[item.path], self.remote.files[item.key]
            self.pairs.append(Pair(item, Update(Presence.HERE, here), Update(Presence.HERE, there)))
        gone = {id(item) for item in displaced}
        self.quiet = [item for item in self.quiet if id(item) not in gone] if gone else self.quiet
        for key, node, name in sorted(moved, key=lambda m: key_order(m[0])):
            claims.mover(key, node, name)
        for file in sorted(arriving, key=lambda f: key_order(f.key)):
            claims.newcomer(file.key, self.home_of(file), disk_name(file.place.name, self.rules))

    def _claim_pair(self, pair: Pair, claims: Claims, moved: list[tuple[str, Node, str]]) -> None:
        item, here, there = pair.item, pair.here, pair.there
        local, remote = here.entry, there.entry
        changed = here.edited or here.moved or here.returned
        deleted = there.presence is Presence.TRASHED and not there.edited
        if remote is None or deleted or (there.trashed_last and not changed):
            if local is not None and changed:
                claims.placed(item.key, self.tree.at_path(dirname(local.path)), basename(local.path))
            return
        if here.presence is Presence.GONE and not there.edited:
            return
        home = self.home_of(remote)
        if there.moved or here.presence is Presence.GONE:
            name = _proper(item, item.path)
            if nfc(item.name) != nfc(remote.place.name):
                name = disk_name(remote.place.name, self.rules)
            if local is not None and nfc(name) == nfc(basename(local.path)):
                name = basename(local.path)
            moved.append((item.key, home, name))
        elif here.moved and local is not None:
            claims.placed(item.key, self.tree.at_path(dirname(local.path)), basename(local.path))
        else:
            name = _proper(item, local.path if local is not None else item.path)
            if not claims.placed_if_free(item.key, home, name):
                moved.append((item.key, home, name))

    def _arrives(self, remote: Entry) -> bool:
        item = self.by_key.get(remote.key)
        if item is None:
            return not remote.trashed
        if item.id in self._back:
            return False
        if item.state is State.TRASHED:
            edited = remote.revision > item.revision
            return self.returns(remote) or (not remote.trashed and (edited or not self.remote.trash_lost))
        return not remote.trashed and item.state in (State.SUPERSEDED, State.KEPT_THERE)

    def home_of(self, remote: Entry) -> Node:
        return self.tree.home_of(remote, self.remote.folders)

    def is_unknown(self, path: str) -> bool:
        """Tell whether the folder could not be looked at where a path is."""
        return bool(self._unknown) and not self._unknown.isdisjoint((path, *ancestors(path), ""))


def _proper(item: Item, path: str) -> str:
    """Return the name of an item's file; one that made room for another has its own name all the same."""
    name = basename(path)
    plain = without_hop(name)
    return plain if plain != name and item.name != nfc(name) else name
