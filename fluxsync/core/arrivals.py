"""Assets that have no file here yet, files that have no asset, and what happens where they meet."""

from __future__ import annotations

from dataclasses import replace

from fluxsync.core.contents import Contents
from fluxsync.core.decision import Content, Fate, Verdict
from fluxsync.core.model import Entry, Item, Kind, Side
from fluxsync.core.paths import basename, dirname, nfc
from fluxsync.core.reconciliation import Change, Reconciliation, agreed
from fluxsync.core.survey import Survey

__all__ = ["Arrivals"]


class Arrivals:
    """Brings in what only one side has."""

    def __init__(self, survey: Survey, contents: Contents, result: Reconciliation) -> None:
        self._survey = survey
        self._contents = contents
        self._result = result
        self._met: set[str] = set()

    def arrive(self, remote: Entry, item: Item | None, fate: Fate, why: str) -> None:
        """Bring an asset that has no file here, or let it meet the one that nobody linked with it."""
        survey = self._survey
        path = survey.names[remote.key]
        if not survey.local.admits(path) or survey.is_unknown(path):
            return
        met = survey.met.get(remote.key)
        if met is not None and met in survey.new:
            self._meet(survey.new[met], remote, item, fate)
            return
        verdict = Verdict(fate, Content.DOWN, Side.REMOTE, why)
        node = survey.home_of(remote)
        self._result.changes.append(Change(verdict, path, node, remote.place.name, item, None, remote))

    def send_new(self) -> None:
        """Create assets for the files that have met none."""
        tree = self._survey.tree
        for path, local in self._survey.new.items():
            if path in self._met:
                continue
            verdict = Verdict(Fate.CREATE, why=self._survey.why_new.get(path, "new here"))
            target = self._survey.targets.get(path, path)
            name = nfc(basename(target))
            node = tree.at_path(dirname(path))
            self._result.changes.append(Change(verdict, target, node, name, None, local, None))

    def _meet(self, local: Entry, remote: Entry, item: Item | None, fate: Fate) -> None:
        """Both sides have a file here that nobody linked: equal bytes are adopted, else a conflict."""
        survey, result = self._survey, self._result
        self._met.add(local.path)
        node, path = survey.home_of(remote), survey.names[remote.key]
        equal = local.size == remote.size
        if equal and not survey.policy.trust_size:
            digest = self._contents.digest(remote, -1)
            if digest is None:
                return
            equal = digest == local.digest
        if equal and fate is Fate.LIVE and path == local.path and not remote.mislabelled:
            blank = item or Item(0, Kind.FILE, path, remote.key, "", "")
            row = replace(agreed(blank, local, remote), made_here=False)
            result.agreements.append(row)
            result.adopted.append(row)
            result.unchanged += 1
            return
        verdict = Verdict(fate, Content.EQUAL, Side.REMOTE, "equal on both sides")
        if not equal:
            why = "other content under this name on both sides"
            verdict = Verdict(fate, Content.CONFLICT, Side.REMOTE, why)
        result.changes.append(Change(verdict, path, node, remote.place.name, item, local, remote))
