"""Two assets of one place, name and content: the older one stays.

So machines that start with copies of one folder end with one set of assets. A create that was sent again, and
whose first request came through after all, leaves a late twin, which goes whichever is older.
"""

from __future__ import annotations

from collections.abc import Collection
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
        self._created = {
            (item.folder, item.name): item
            for item in survey.quiet
            if item.made_here and item.revision == 0 and observe_remote(survey.remote, item) is None
        }

    def settle(self, remote: Entry) -> bool:
        """Adopt an older asset instead of the one that this journal created, which goes to the trash.

        Returns whether the asset is a twin, or cannot be told apart from one yet.
        """
        if (remote.place, remote.size) in self._late_places and self._is_late(remote):
            return True
        item = self._created.get((remote.place.folder, remote.place.name))
        if item is None or item.size != remote.size or not newer(item.key, remote.key):
            return False
        ours = self._survey.remote.files[item.key]
        if ours.labelled:
            return False
        digest = self._contents.digest(remote, -1)
        if digest is None:
            return True
        if digest != item.digest:
            return False
        self._adopt(item, ours, remote)
        return True

    def _is_late(self, remote: Entry) -> bool:
        if remote.revision or remote.labelled:
            return False
        if not any(
            i.folder == remote.place.folder and i.name == remote.place.name for i in self._survey.quiet
        ):
            return False
        digest = self._contents.digest(remote, -1)
        if digest is None:
            return True
        if (remote.place, remote.size, digest) not in self._late:
            return False
        self._trash(remote, "late twin: its create was sent again when no answer came")
        return True

    def _trash(self, remote: Entry, why: str) -> None:
        node, path = self._survey.home_of(remote), self._survey.names[remote.key]
        verdict = Verdict(Fate.TRASH_REMOTE, why=why)
        self._result.changes.append(Change(verdict, path, node, remote.place.name, None, None, remote))

    def _adopt(self, item: Item, ours: Entry, remote: Entry) -> None:
        del self._created[remote.place.folder, remote.place.name]
        replaced = replace(item, id=0, state=State.SUPERSEDED)
        self._result.agreements += [
            agreed(item, self._survey.local.files[item.path], remote),
            replaced,
        ]
        self._trash(ours, "twin of an older asset with the same bytes")
