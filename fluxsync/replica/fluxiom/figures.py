"""What a probe would show if nobody but us had changed anything on the account.

The figures are those of the probe that the last complete list began with, moved by each own write as far as
its answer shows what it did; one that was answered while a list was under way moves those of its first probe,
too. Whatever does not add up makes them unknown, and then a list is due: a request without an answer, an
answer that shows more than was sent, a tag that no list has shown, a tag that was not as it should be.

What a version does to the used space is not documented. The figures follow a reading of it until a list shows
the other one to be true, which is then remembered. A wrong prediction costs a list, for probe and figures
differ. It could hide what somebody else did only where both are the same number of bytes and no tag count
shows it; like changes of others that cancel out, that is late until the next full list.
"""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Callable, Iterable, Iterator, MutableMapping
from contextlib import contextmanager
from dataclasses import dataclass, replace

from fluxsync.errors import ReplicaError, Unavailable
from fluxsync.replica.base import Probe
from fluxsync.replica.fluxiom.wire import Account, Tag

__all__ = ["Effect", "Figures", "Start", "Sums", "Unforeseen", "probe_of"]

#: The fact that says whether the space of a version stays used when a newer one follows.
_KEPT = "buried_versions_count"


class Unforeseen(Exception):
    """An answer shows something that an own write alone cannot have brought about."""


class Sums:
    """Statistics of an account: bytes used and available, and each tag with its counts."""

    def __init__(self, account: Account, tags: Iterable[Tag]) -> None:
        self.used = account.used_space
        self.available = account.available_space
        self.tags = {tag.id: tag for tag in tags}
        #: Bytes of versions that own versions have buried since the list.
        self.buried = 0
        self._probe: Probe | None = None

    def probe(self) -> Probe:
        if self._probe is None:
            lines = (f"{t.id} {t.documents} {t.stages} {t.name}" for _, t in sorted(self.tags.items()))
            text = "\n".join([f"{self.used} {self.available}", *lines])
            digest = hashlib.sha256(text.encode("utf-8", "surrogatepass"))
            self._probe = Probe(digest.hexdigest()[:32])
        return self._probe

    def take(self, count: int) -> None:
        """Count bytes as used from now on; negative ones are given back."""
        self._probe = None
        if self.used is not None:
            self.used += count
        if self.available is not None:
            self.available -= count

    def carry(self, tags: Iterable[int], by: int) -> None:
        """Count one asset more, or one less, for each of these tags."""
        for tag_id in tags:
            tag = self._tag(tag_id)
            if tag.documents + by < 0:
                raise Unforeseen
            self._set(replace(tag, documents=tag.documents + by))

    def make(self, tag: Tag) -> None:
        """Note a tag that was made, or that the service had by this name."""
        known = self.tags.get(tag.id)
        if known is None:
            self._set(Tag(tag.id, tag.name))
        elif known.name != tag.name:
            raise Unforeseen

    def rename(self, tag: Tag, renamed: Tag) -> None:
        """Note a tag's new name; raises where somebody else had renamed it before."""
        known = self._tag(tag.id)
        if known.name != tag.name or renamed.id != tag.id:
            raise Unforeseen
        self._set(replace(known, name=renamed.name))

    def remove(self, tag: Tag) -> None:
        """Forget a tag that was removed; raises where somebody else had emptied or renamed it before."""
        known = self._tag(tag.id)
        if known.documents or known.stages or known.name != tag.name:
            raise Unforeseen
        self._probe = None
        del self.tags[tag.id]

    def _tag(self, tag_id: int) -> Tag:
        if tag_id not in self.tags:
            raise Unforeseen
        return self.tags[tag_id]

    def _set(self, tag: Tag) -> None:
        self._probe = None
        self.tags[tag.id] = tag


#: What a write did to the sums; raises `Unforeseen`.
Effect = Callable[[Sums], None]


@dataclass(slots=True)
class Start:
    """The beginning of a full list: the sums of its first probe, moved by what was written since.

    None before that probe, and where a write was under way that it may have seen or not.
    """

    sums: Sums | None = None
    looked: bool = False


class Figures:
    """The expected figures of one account. All methods are called from any thread."""

    def __init__(self, facts: MutableMapping[str, str]) -> None:
        self._facts = facts
        self._lock = threading.Lock()
        self._expected: Sums | None = None
        self._start = Start()
        #: Writes that were ever begun, and those that are under way.
        self._begun = self._under_way = 0

    @property
    def keeps_buried(self) -> bool:
        """Whether a version that a newer one buried still counts as used space, as far as is known."""
        return self._facts.get(_KEPT) != "no"

    @property
    def writes(self) -> int:
        """How many own writes were ever begun."""
        with self._lock:
            return self._begun

    def expected(self) -> Probe | None:
        with self._lock:
            return self._expected.probe() if self._expected is not None else None

    def begin(self) -> Start:
        """Note that a full list begins."""
        with self._lock:
            self._start = Start()
            return self._start

    def look(self, ask: Callable[[], tuple[Account, Iterable[Tag]]], start: Start | None = None) -> Probe:
        """Take a probe; the first one after a start is the one that counts."""
        with self._lock:
            quiet, begun = not self._under_way, self._begun
        sums = Sums(*ask())
        probe = sums.probe()
        if start is not None and not start.looked:
            with self._lock:
                start.looked = True
                start.sums = sums if quiet and begun == self._begun else None
        return probe

    def adopt(self, start: Start, *, complete: bool) -> None:
        """Expect from now on what a list began with, if that list was complete."""
        with self._lock:
            if complete and start.sums is not None and self._expected is not None:
                self._learn(self._expected, start.sums)
            self._expected = start.sums if complete else None
            self._start = Start()

    @contextmanager
    def write(self) -> Iterator[Callable[[Effect], None]]:
        """Make a request that changes something; what this yields is given the effect that its answer shows.

        One that may have changed something all the same, and shows nothing of it, makes a list due.
        """
        with self._lock:
            self._begun += 1
            self._under_way += 1
        effects: list[Effect] = []
        certain = False
        try:
            yield effects.append
            certain = True
        except ReplicaError as error:
            certain = not isinstance(error, Unavailable) or error.unsent
            raise
        finally:
            with self._lock:
                self._under_way -= 1
                self._expected = _after(self._expected, effects, certain)
                self._start.sums = _after(self._start.sums, effects, certain)

    def _learn(self, expected: Sums, seen: Sums) -> None:
        """See whether the space is off by just what own versions buried: then that counts the other way."""
        buried = expected.buried - seen.buried
        if not buried or expected.used is None or seen.used is None or expected.tags != seen.tags:
            return
        if seen.used - expected.used == (-buried if self.keeps_buried else buried):
            self._facts[_KEPT] = "no" if self.keeps_buried else "yes"


def probe_of(account: Account, tags: Iterable[Tag]) -> Probe:
    """Return the account's statistics and tag counts as one comparable text."""
    return Sums(account, tags).probe()


def _after(sums: Sums | None, effects: Iterable[Effect], certain: bool) -> Sums | None:
    """Return the sums moved by a write; None where they are not known any more."""
    if sums is None or not certain:
        return None
    try:
        for effect in effects:
            effect(sums)
    except Unforeseen:
        return None
    return sums
