"""Two assets of one place, name and content: the older one stays.

So machines that start with copies of one folder end with one set of assets. A create without an answer may
come through after all, when it was sent again, or when another machine's equal asset was taken for what it
left: then it is a late twin, and goes.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import replace

from fluxsync.core.contents import Contents
from fluxsync.core.decision import Fate, Verdict
from fluxsync.core.model import Entry, Intent, Item, State
from fluxsync.core.naming import newer
from fluxsync.core.observe import observe_remote
from fluxsync.core.reconciliation import Change, Reconciliation, agreed
from fluxsync.core.survey import Survey

__all__ = ["Twins"]


class Twins:
    """The assets that this journal created and nobody has touched since, by place and name."""

    def __init__(
        self, survey: Survey, contents: Contents, result: Reconciliation, late: Collection[Intent]
    ) -> None:
        self._late = {(intent.place, intent.size, intent.digest) for intent in late}
        self._late_places = {(intent.place, intent.size) for intent in late}
        self._survey = survey
        self._contents = contents
        self._result = result
        #: Where an older asset was adopted.
        self._joined: set[tuple[str, str]] = set()
        as_they_were = (*survey.quiet, *self._looked_at())
        self._places = {(item.folder, item.name) for item in as_they_were} if late else set()
        self._created = {
            (item.folder, item.name): item
            for item in as_they_were
            if item.made_here and item.revision == 0 and observe_remote(survey.remote, item) is None
        }

    def _looked_at(self) -> Iterator[Item]:
        """Yield items whose file was looked at and is as it was: after a crash that is so with all found."""
        changing = {change.item.id for change in self._result.changes if change.item is not None}
        for pair in self._survey.pairs:
            here = pair.here
            unchanged = here.entry is not None and not (here.edited or here.moved or here.damaged)
            if unchanged and pair.item.id not in changing:
                yield pair.item

    def settle(self, remote: Entry) -> bool:
        """Adopt an older asset instead of the one that this journal created, which goes to the trash.

        The oldest has to come first: those between it and ours are other machines', who withdraw them.
        Returns whether the asset is a twin, or cannot be told apart from one yet.
        """
        place = remote.place.folder, remote.place.name
        item = self._created.get(place)
        if item is None or item.size != remote.size or not newer(item.key, remote.key):
            return (remote.place, remote.size) in self._late_places and self._is_late(remote)
        ours = self._survey.remote.files[item.key]
        if ours.labelled:
            return False
        digest = self._contents.digest(remote, -1)
        if digest is None:
            return True
        if digest != item.digest:
            return False
        if place not in self._joined:
            self._joined.add(place)
            self._adopt(item, ours, remote)
        return True

    def _is_late(self, remote: Entry) -> bool:
        if remote.revision or remote.labelled:
            return False
        if (remote.place.folder, remote.place.name) not in self._places:
            return False
        digest = self._contents.digest(remote, -1)
        if digest is None:
            return True
        if (remote.place, remote.size, digest) not in self._late:
            return False
        self._trash(remote, "late twin: what a create left whose answer never came")
        return True

    def _trash(self, remote: Entry, why: str) -> None:
        node, path = self._survey.home_of(remote), self._survey.names[remote.key]
        verdict = Verdict(Fate.TRASH_REMOTE, why=why)
        self._result.changes.append(Change(verdict, path, node, remote.place.name, None, None, remote))

    def _adopt(self, item: Item, ours: Entry, remote: Entry) -> None:
        replaced = replace(item, id=0, state=State.SUPERSEDED)
        self._result.agreements += [
            agreed(item, self._survey.local.files[item.path], remote),
            replaced,
        ]
        self._trash(ours, "twin of an older asset with the same bytes")
