"""What is known of content on the account, and the questions about what is not."""

from __future__ import annotations

from dataclasses import replace

from fluxsync.core.model import Entry, Problem
from fluxsync.core.observe import Presence, Update
from fluxsync.core.reconciliation import Evidence, Question, Reconciliation, known_digest
from fluxsync.core.survey import Pair, Survey

__all__ = ["Contents"]


class Contents:
    """Answers from the evidence, else asks: the cycle finds out and reconciles again."""

    def __init__(self, evidence: Evidence, survey: Survey, result: Reconciliation) -> None:
        self._evidence = evidence
        self._names = survey.names
        self._new_sizes = {entry.size for entry in survey.new.values()}
        self._result = result

    def compare(self, pair: Pair) -> tuple[Update, bool] | None:
        """Return the update on the account as its content is, and whether both sides are equal.

        A version that rose is new content only if its bytes are. None: that has to be asked first.
        """
        item, here, there = pair.item, pair.here, pair.there
        entry, local = there.entry, here.entry
        if entry is None or not there.edited or here.presence is Presence.UNKNOWN:
            return there, False
        described = self._evidence.described.get((entry.key, entry.revision))
        digest = known_digest(entry, self._evidence)
        if described is None and digest is None and entry.revision > 0:
            self._ask(entry, item.revision, needs_bytes=False)
            return None
        if described is not None:
            there = replace(there, entry=replace(entry, over=described.over, digest=digest))
        if digest == item.digest and entry.size == item.size and not there.backwards:
            return replace(there, edited=False), False
        # One that is gone may be a new file elsewhere, as it was brought by a pass that could not say so.
        sizes = {item.size, local.size} if local is not None else {item.size, *self._new_sizes}
        if entry.size not in sizes:
            return there, False
        trashed = there.presence is Presence.TRASHED
        if digest is None and (local is None or here.edited or there.backwards or trashed):
            digest = self.digest(entry, item.revision)
            if digest is None:
                return None
            if digest == item.digest and not there.backwards:
                return replace(there, edited=False), False
        return there, local is not None and digest is not None and digest == local.digest

    def asks_what_was_brought(self, entry: Entry) -> bool:
        """Tell whether the content of an asset has to be asked first: a new file here may be its own."""
        return entry.size in self._new_sizes and self.digest(entry, -1) is None

    def digest(self, entry: Entry, since: int) -> str | None:
        """Return the digest of remote content, or ask for it and return None."""
        known = known_digest(entry, self._evidence)
        if known is None:
            described = (entry.key, entry.revision) in self._evidence.described
            self._ask(entry, since, needs_bytes=described or entry.revision <= 0)
        return known

    def _ask(self, entry: Entry, since: int, *, needs_bytes: bool) -> None:
        reason = self._evidence.refused.get((entry.key, entry.revision))
        if reason is None:
            self._result.questions.append(Question(entry, since, needs_bytes=needs_bytes))
        else:
            self._result.problems.append(Problem(self._names.get(entry.key, entry.place.name), reason))
