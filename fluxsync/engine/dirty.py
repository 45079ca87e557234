"""A view of a few dirty paths, and of all that they may have to do with.

The scope grows before it is reconciled: by everything below a dirty folder, and by each path that an item has
which a new file may be. The account is not listed: what it shows is assumed to be what the ancestor says,
until a write finds something else.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Set
from dataclasses import dataclass, field, replace

from fluxsync.core import part as parts
from fluxsync.core.held import mark_of
from fluxsync.core.model import Entry, Item, Kind, Place, Scope, Snapshot
from fluxsync.core.owed import Owed, is_owed, meets
from fluxsync.core.paths import basename
from fluxsync.core.reconcile import Change, Evidence, Policy, Reconciliation
from fluxsync.core.under_way import UnderWay
from fluxsync.engine.meter import Meter
from fluxsync.engine.pair import Pair
from fluxsync.engine.survey import Survey, answer
from fluxsync.engine.vanished import Vanished
from fluxsync.engine.view import TooNarrow

__all__ = ["Dirt", "Part"]

#: More items that look like one new file, and it is cheaper to look at everything.
_MOST_ALIKE = 1000
#: Rounds in which a part may grow.
_MOST_GROWTH = 5
#: Assets that are asked for one by one rather than listed.
_MOST_LOOKS = 50
_IGNORE_FILE = ".fluxsyncignore"
#: The ancestor has forgotten what they excluded; only a list knows the assets of what they no longer exclude.
_OTHER_RULES = "the rules of what is ignored are other ones"


@dataclass(frozen=True, slots=True)
class Dirt:
    """What a pass is restricted to: paths that may have changed, "" being the whole folder.

    `calm` tells whether nothing else is dirty. Not `trusting`, the pass looks at everything where the account
    shows that somebody else has changed it.
    """

    paths: Collection[str]
    vanished: Vanished
    calm: Callable[[], bool] = lambda: True
    trusting: bool = True
    #: What an earlier pass saw on the account and did not bring here.
    owed: Owed = field(default_factory=Owed)
    #: The pass is made beside another one, which has this in hand. Where it cannot be judged alone, it ends.
    under_way: UnderWay | None = None


@dataclass(slots=True)
class Part:
    """A few dirty paths ("" is the whole folder) and all that they may have to do with.

    Until no other path is dirty, and until they were gone for a quiet period, no deletion is repeated, and
    `again` has the paths. Where an account that somebody else has changed is not trusted, nothing is assumed
    of it: then everything is looked at.
    """

    pair: Pair
    dirt: Dirt
    owed: Owed = field(init=False)
    items: Collection[Item] = ()
    listed: None = None
    whole: bool = False
    again: Set[str] = field(default_factory=set)
    _paths: set[str] = field(default_factory=set)
    _asked: set[str] = field(default_factory=set)
    #: Paths whose deletion this pass repeats; a later round waits for nothing again.
    _ripe: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        self.owed = self.dirt.owed

    @property
    def under_way(self) -> UnderWay | None:
        return self.dirt.under_way

    def tracked(self) -> int:
        return self.pair.journal.tracked()

    def look(self, policy: Policy, known: Evidence, meter: Meter) -> Survey | None:
        if policy.delete_nothing:
            raise TooNarrow("the mapping or the selection is another one")
        if any(map(_is_rules, self.dirt.paths)):
            raise TooNarrow(_OTHER_RULES)
        folders = self.pair.journal.folders()
        rows, local = self._grow(folders)
        if self.dirt.under_way is not None and self.dirt.under_way.is_met(rows, local, self._paths):
            raise TooNarrow("another pass has it in hand")
        local = self._with_ways(local, folders)
        part = parts.close(rows, folders, local, self._paths, Snapshot({}, {}, scope=Scope(frozenset())))
        self.again = frozenset()
        self._ask_for_owed(rows, local)
        if not self._asked and parts.is_still(part):
            self.dirt.vanished.unripe((), self.covers)
            self.dirt.vanished.unread_elsewhere(part.local, self.covers)
            return None
        return self._decided(rows, folders, local, policy, known, meter)

    def _ask_for_owed(self, rows: Collection[Item], local: Snapshot) -> None:
        if self.owed.names:
            known = {item.path for item in rows} | local.files.keys() | local.folders.keys()
            journal = self.pair.journal
            failed = {row.problem.path for row in journal.problem_rows()} | {
                r.path for r in journal.put_aside()
            }
            if any(path in failed or is_owed(path, self.owed) for path in set(self.dirt.paths) - known):
                raise TooNarrow("what failed may be new on the account")
        self.look_again(item for item in rows if item.key in self.owed.keys)

    def _grow(self, folders: Iterable[Item]) -> tuple[list[Item], Snapshot]:
        """Look at the dirty paths, and at each that may be where something of them was.

        The look has to know all folders: one on the way may have become a mount point.
        """
        journal, local = self.pair.journal, self.pair.local
        self._paths = paths = set(self.dirt.paths)
        known = {folder.path: folder for folder in folders if folder.path}
        rows: dict[int, Item] = {}
        seen: Snapshot | None = None
        fresh = set(paths)
        for _ in range(_MOST_GROWTH):
            found = journal.items() if "" in fresh else journal.items_within(fresh)
            rows.update((item.id, item) for item in found)
            known.update((item.path, item) for item in rows.values() if item.path)
            seen = _joined(seen, local.scan(Scope(frozenset(fresh)), known))
            if "" in paths:
                break
            unmet = parts.unmet(seen, rows.values())
            alike = journal.items_like(unmet.inodes, unmet.contents, _MOST_ALIKE)
            fresh = {item.path for item in alike if not parts.covered(item.path, paths)}
            if not fresh:
                break
            if len(fresh) > _MOST_ALIKE:
                raise TooNarrow("too many files have the content of a new one")
            paths |= fresh
        else:
            raise TooNarrow("the paths lead ever further")
        assert seen is not None
        return list(rows.values()), seen

    def _with_ways(self, local: Snapshot, folders: Collection[Item]) -> Snapshot:
        ways = parts.on_the_way(local, folders)
        if not ways:
            return local
        looked = (self.pair.local.look(Entry(Kind.FOLDER, Place("", path))) for path in sorted(ways))
        return replace(
            local, folders={**local.folders, **{entry.path: entry for entry in looked if entry is not None}}
        )

    def _decided(
        self,
        rows: Collection[Item],
        folders: Collection[Item],
        local: Snapshot,
        policy: Policy,
        known: Evidence,
        meter: Meter,
    ) -> Survey:
        pair = self.pair
        by_key = {item.key: item for item in rows if item.key and item.kind is Kind.FILE}
        looked = pair.remote.scan(Scope(frozenset(self._asked)), by_key)
        part = parts.close(rows, folders, local, self._paths, looked)
        _, computed, result = answer(
            pair.remote, part.items, part.local, part.remote, policy, known, pair.connections, meter
        )
        self._refuse(part, looked, result)
        parts.postpone(part, result, self._wait(part, parts.removed(part, result)))
        self.items = part.items
        return Survey(part.local, part.remote, result, computed, part.present)

    def _refuse(self, part: parts.Part, looked: Snapshot, result: Reconciliation) -> None:
        paths = {*part.local.files, *(unknown.path for unknown in part.local.unknown)}
        paths |= {change.path for change in result.changes} | {row.path for row in result.agreements}
        why = _OTHER_RULES if any(map(_is_rules, paths)) else parts.contradiction(part, looked, result)
        if not why and meets(result.changes, self.owed):
            why = "the account has an asset of this name that is not here"
        expected = self.pair.remote.expected()
        if not why and (expected is None or expected.text != looked.probe) and not self.dirt.trusting:
            why = "the account has changed"
        if why:
            raise TooNarrow(why)

    def _wait(self, part: parts.Part, removed: set[str]) -> set[str]:
        unripe = self.dirt.vanished.unripe(removed - self._ripe, self.covers)
        unread = self.dirt.vanished.unread_elsewhere(part.local, self.covers)
        unripe |= {i.path for i in part.items if i.path in removed and unread.may_be(i)}
        if removed and not self.dirt.calm():
            unripe = removed
        self._ripe |= removed - unripe
        self.dirt.vanished.done(self._ripe)
        self.again = self.again | unripe
        return unripe

    def check(self, changes: Iterable[Change], *, held: bool) -> None:
        if held:
            raise TooNarrow("a limit is exceeded")
        rows = [*self.pair.journal.held(), *self.pair.journal.approved()]
        kinds = {row.action for row in rows}
        if kinds and any(mark_of(change).action in kinds for change in changes if change.item is not None):
            raise TooNarrow("more of what is held back")

    def look_again(self, stale: Iterable[Item]) -> None:
        self._asked |= {item.key for item in stale if item.kind is Kind.FILE and item.key}
        if len(self._asked) > _MOST_LOOKS:
            raise TooNarrow("the account has changed")
        self.owed = replace(self.owed, keys=self.owed.keys | self._asked)

    def covers(self, path: str) -> bool:
        return parts.covered(path, self._paths)


def _is_rules(path: str) -> bool:
    return basename(path) == _IGNORE_FILE


def _joined(first: Snapshot | None, second: Snapshot) -> Snapshot:
    """Put two looks at different paths together."""
    if first is None:
        return second
    before, after = first.scope.members or frozenset(), second.scope.members or frozenset()
    return replace(
        second,
        files={**first.files, **second.files},
        folders={**first.folders, **second.folders},
        complete=first.complete and second.complete,
        scope=Scope(before | after),
        unknown=(*first.unknown, *second.unknown),
        problems=(*first.problems, *second.problems),
    )
