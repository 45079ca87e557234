"""What must still be there: which contents each side held, and which of them a person gave up.

A person gives a content up who writes over it, deletes it, or deletes its asset for good. That counts for the
side where it is done: what one person deletes here, another machine still holds, and when fluxsync takes it
away there it has to lie in that machine's trash. Only the account is different: a content that anybody gave
up anywhere may be buried there, since the new version or the deletion comes from that person.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Hashable, Iterator, Mapping
from contextlib import contextmanager

ACCOUNT = "account"


class Memory:
    """Contents by side; `now` says what a side holds at this moment, place by place."""

    def __init__(self, now: Callable[[str], Mapping[Hashable, bytes]]) -> None:
        self._now = now
        self._held: dict[str, set[bytes]] = {}
        self._given_up: set[bytes] = set()
        #: Written since the last rest and given up by nobody: edits win, so they have to be live at the next.
        self.fresh: set[bytes] = set()
        #: How many files or assets of each content people have made, on all sides together.
        self.made: Counter[bytes] = Counter()
        #: The sides at which somebody did something since the last rest.
        self.actors: set[str] = set()

    def look(self, *sides: str) -> None:
        """Take note of what these sides hold."""
        for side in sides:
            self._held.setdefault(side, set()).update(self._now(side).values())

    @contextmanager
    def person_at(self, side: str) -> Iterator[None]:
        """Watch a person change a side: what is gone afterwards was given up, what is new was written."""
        self.actors.add(side)
        places_before = self._now(side)
        yield
        places_after = self._now(side)
        self.made += _made(places_before, places_after)
        before, after = set(places_before.values()), set(places_after.values())
        gone, come = before - after, after - before
        self._given_up |= gone
        self._given_up -= come
        self._held.setdefault(side, set()).difference_update(gone)
        self._held[side] |= after
        self.fresh -= gone

    def wrote(self, content: bytes) -> None:
        """Remember that a person meant this content to stay."""
        if content:  # an empty file proves nothing about where it came from
            self.fresh.add(content)

    def withdrew(self, content: bytes) -> None:
        """Remember that a person put this content in the trash: it has to survive, but not live."""
        self.fresh.discard(content)

    def excuse(self, content: bytes) -> None:
        """Nobody has to keep this content from now on."""
        self._given_up.add(content)
        self.fresh.discard(content)

    def rest(self) -> None:
        """All that was written is where it shall be: from now on it is old."""
        self.fresh.clear()
        self.actors.clear()

    def needed(self) -> set[bytes]:
        """Return what has to be in a folder, in an asset or in a trash."""
        needed = self._held.get(ACCOUNT, set()) - self._given_up
        for side, contents in self._held.items():
            if side != ACCOUNT:
                needed |= contents
        return needed - {b""}


def _made(before: Mapping[Hashable, bytes], after: Mapping[Hashable, bytes]) -> Counter[bytes]:
    """Count contents that came into being: a path that still holds a file keeps its asset, so that a file
    that was moved over another one counts as an edit of that; one that only went elsewhere does not count."""
    edited = Counter(content for place, content in after.items() if before.get(place, content) != content)
    come = Counter(content for place, content in after.items() if place not in before)
    gone = Counter(content for place, content in before.items() if place not in after)
    return edited + (come - gone)
