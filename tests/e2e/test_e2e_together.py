"""Two machines at the same moment: one makes its whole pass at each request of the other.

A request is the smallest step at which machines can meet, so trying every request tries every way in which
one whole pass can fall into another.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import pytest
from e2e_world import Clock, Machine, live_assets, settle
from fault_proxy import FaultProxy, Pass
from together_stories import COPY, STORIES, Story

from fluxsync.sandbox.server import Sandbox

#: Writes with which two machines may still mend what they did at the same moment.
_MOST_WRITES = 6
_WRITES = "POST|PUT|DELETE"
#: Every request in every story, not every other one.
EXHAUSTIVE = "FLUXSYNC_EXAMPLES" in os.environ


@dataclass(frozen=True)
class Meeting:
    """An account and two machines that are in step; only A goes through the proxy."""

    account: Sandbox
    proxy: FaultProxy
    a: Machine
    b: Machine

    def fall_into(self, story: Story, methods: str, number: int) -> str:
        """Let both do their deeds, and B make its whole pass just before A's request of this number.

        Returns that request; "" where A made fewer.
        """
        self.proxy.log.clear()
        story.here(self.a, self.account)
        if not story.by_hand:
            story.there(self.b, self.account)

        def meanwhile() -> None:
            if story.by_hand:
                story.there(self.b, self.account)
            else:
                self.b.once()

        seen = self.proxy.fault(methods, ".", Pass(before=meanwhile), first=number)
        self.a.once()
        self.proxy.heal()
        return next((line for line, fault in self.proxy.log if fault), "") if seen() >= number else ""

    def agree(self, story: Story, where: str) -> None:
        """Make sure that both come to rest soon, in one of the ways in which the story may end."""
        self.account.clear_requests()
        settle(self.b, self.a)
        writes = [f"{r['method']} {r['path']}" for r in self.account.requests if r["method"] != "GET"]
        assert len(writes) <= _MOST_WRITES, (where, writes)
        tree = shown(self.a)
        assert tree in story.ends, (where, tree)
        assert without_ids(shown(self.b)) == without_ids(tree), where
        assert len(live_assets(self.account)) == len(tree), where
        contents = {*story.before.values(), *(text for end in story.ends for text in end.values())}
        assert contents - story.given_up <= self.held(), where

    def held(self) -> set[str]:
        """Return each content that is in a folder, in the account, or in a trash."""
        found = {content for one in (self.a, self.b) for content in one.tree().values()}
        found |= {c for one in (self.a, self.b) for contents in one.trash().values() for c in contents}
        found |= {self.account.store.content(asset.id) for asset in self.account.store.assets()}
        return {content.decode() for content in found}


def shown(machine: Machine) -> dict[str, str]:
    """Return the tree with "(ID)" for the number of an asset and one name for a conflict copy."""
    tree: dict[str, str] = {}
    for path, content in machine.tree().items():
        name = COPY if "conflicted copy" in path else re.sub(r" \(\d{5}\)", " (ID)", path)
        assert name not in tree, sorted(machine.tree())
        tree[name] = content.decode()
    return tree


def without_ids(tree: dict[str, str]) -> list[tuple[str, str]]:
    """Return the tree as every machine shows it: each disk gives the ids that tell two names apart itself."""
    return sorted((path.replace(" (ID)", ""), content) for path, content in tree.items())


@pytest.fixture
def meet(tmp_path: Path, time_passes: Clock) -> Iterator[Callable[[Story], Meeting]]:
    """Make meetings, one after the other."""
    with ExitStack() as stack:

        def made(story: Story) -> Meeting:
            stack.close()
            home = tmp_path / str(len(list(tmp_path.iterdir())))
            account = stack.enter_context(Sandbox(home / "account", threads=4))
            proxy = stack.enter_context(FaultProxy(account.port))
            sections = {"remote": {"connections": 1}, "safety": {"max_delete": "100%"}}
            a = Machine(home / "a", proxy.url, time_passes, sections)
            b = Machine(home / "b", account.url, time_passes, sections)
            for path, content in story.before.items():
                a.write(path, content)
            settle(a, b)
            return Meeting(account, proxy, a, b)

        yield made


@pytest.mark.parametrize("story", STORIES[::3], ids=str)
def test_a_whole_pass_just_before_the_first_write_of_another(
    meet: Callable[[Story], Meeting], story: Story
) -> None:
    met = meet(story)
    where = met.fall_into(story, _WRITES, 1)
    assert where
    met.agree(story, where)


@pytest.mark.slow
@pytest.mark.parametrize("story", STORIES, ids=str)
def test_a_whole_pass_at_each_request_of_another(meet: Callable[[Story], Meeting], story: Story) -> None:
    # Before the third, which begins the probe, a pass falls into nothing. Every other request is enough for
    # each run: the stories take turns in which.
    number, stride = (3, 1) if EXHAUSTIVE else (3 + STORIES.index(story) % 2, 2)
    met = meet(story)
    while where := met.fall_into(story, "*", number):
        met.agree(story, f"at request {number}: {where}")
        number += stride
        met = meet(story)
    assert number > 8
