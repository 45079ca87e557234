"""Edits on all sides at the same moment for a minute, the service killed in between: at rest all is equal."""

from __future__ import annotations

import os
import random
import re
import sys
import threading
from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest
from e2e_world import live_assets, tags_of
from service_world import Service, agrees, until
from soak_people import STOCK, Colleague, Designer, Person

from fluxsync.engine.status import State
from fluxsync.sandbox.server import Sandbox

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not sys.platform.startswith("linux"), reason="the people here rename as Linux can"),
]

#: So many edits are no malware here.
MANY = {"max_delete": "100000", "max_move": "100000", "max_edit": "100000"}
REST_S = 180.0
#: What chance does is the same for a seed, when it happens is not: FLUXSYNC_SEEDS="2 3" asks for others.
SEEDS = [int(seed) for seed in os.environ.get("FLUXSYNC_SEEDS", "1").split()]
_NUMBER = re.compile(r" \(\d+\)(?=\.txt$)")


def lived(people: list[Person], services: list[Service], seed: int, spells: int) -> None:
    """Let people work while services are killed and started again, with some of them away at times."""
    chance, pause = random.Random(seed), threading.Event()
    for person in people:
        person.begin()
    for _ in range(spells):
        pause.wait(3 + 5 * chance.random())
        service = chance.choice(services)
        service.kill()
        pause.wait(2 * chance.random())
        service.start()
    for person in people:
        person.end()


def rested(services: list[Service], account: Sandbox) -> None:
    """Wait until every folder and the account hold the same contents, and nobody has anything to do."""

    def at_rest() -> bool:
        assert not any(service.ended() for service in services)
        if any(service.state() is not State.IN_STEP for service in services):
            return False
        there = Counter(account.store.content(asset.id) for asset in live_assets(account))
        return all(Counter(service.machine.tree().values()) == there for service in services)

    try:
        until(at_rest, "all are at rest", REST_S)
    except AssertionError as error:
        raise AssertionError(f"{error}: {[apart(service, account) for service in services]}") from None


def apart(service: Service, account: Sandbox) -> object:
    here = {content: path for path, content in service.machine.tree().items()}
    there = {account.store.content(asset.id): asset.filename for asset in live_assets(account)}
    only_here = sorted(here[content] for content in here.keys() - there.keys())
    only_there = sorted(there[content] for content in there.keys() - here.keys())
    return only_here, only_there, len(here), len(there), service.status(), service.log.read_text()[-2000:]


def in_order(services: list[Service], account: Sandbox, people: list[Person]) -> None:
    """Both sides are equal, the journals agree, no content is lost and no file is two assets."""
    for service in services:
        assert service.stop() == 0
        agrees(service, account)
        assert [event for event in service.events() if event.get("level") == "error"] == []
    first, *others = [places(service) for service in services]
    for other in others:
        assert {c[:40]: (first[c], other[c]) for c in first if first[c] != other[c]} == {}
    doubled = [c for c in doubles(account) if unexplained(c, account, services, people)]
    assert not doubled, "\n\n".join(story(content, account, services, people) for content in doubled)
    held = {account.store.content(asset.id) for asset in account.store.assets()}
    for service in services:
        held.update(service.machine.tree().values())
        held.update(content for each in service.machine.trash().values() for content in each)
    older = {
        account.store.version_content(version.blob)
        for asset in account.store.assets()
        for version in account.store.versions(asset.id)
    }
    given_up = set().union(*(person.given_up for person in people))
    for person in people:
        # What was buried on the account in one moment with another edit there is an old version there.
        kept = held | older if isinstance(person, Colleague) else held
        lost = person.written - given_up - kept
        assert not lost, [(content[:40], traces(content, people)) for content in lost]
    assert sum(len(person.written) for person in people) > 100


def places(service: Service) -> dict[bytes, str]:
    """Return the path of each content, without the number that tells two assets of one name apart here."""
    return {content: _NUMBER.sub("", path) for path, content in service.machine.tree().items()}


def doubles(account: Sandbox) -> list[bytes]:
    """Return the contents that several live assets have."""
    contents = Counter(account.store.content(asset.id) for asset in live_assets(account))
    return [content for content, times in contents.items() if times > 1]


def unexplained(content: bytes, account: Sandbox, services: list[Service], people: list[Person]) -> bool:
    """Tell whether a content is in more live assets than two people's deeds at one moment account for.

    By the decision table there are two ways. One puts his file in the place of another, whose asset gets its
    content, and its own asset goes to the trash; somebody else moved or renamed that meanwhile, or takes it
    out, so it comes back. Or a service is killed before it knows which asset it made, and somebody gives that
    another name or place before the service is back to look for it. Neither makes two in one place.
    """
    alike = [asset for asset in live_assets(account) if account.store.content(asset.id) == content]
    if len({(frozenset(tags_of(asset)), asset.filename) for asset in alike}) < len(alike):
        return True
    events = [event for service in services for event in history(service)]
    deeds = [line.split(": ", 1)[1] for person in people for line in person.log]
    explained = [a for a in alike if came_back(a.id, events, deeds) or was_carried_off(a.id, events, deeds)]
    return len(explained) < len(alike) - 1


def came_back(number: int, events: list[dict[str, Any]], deeds: list[str]) -> bool:
    """Tell whether an asset was deleted in one folder, and taken out of the trash by another's deed."""
    mine = [event for event in events if event["asset_id"] == number and event["outcome"] == "done"]
    deleted = any((event["action"], event["detail"]) == ("trash-remote", "deleted here") for event in mine)
    restored = any(event["action"] == "restore" for event in mine) or f"restore {number}" in deeds
    return deleted and restored


def was_carried_off(number: int, events: list[dict[str, Any]], deeds: list[str]) -> bool:
    """Tell whether nobody knows to have made an asset, and somebody gave it another name or place."""
    mine = [event for event in events if event["asset_id"] == number and event["outcome"] == "done"]
    if any(event["action"] == "create" for event in mine):
        return False
    if any(deed.startswith(f"upload {number} ") for deed in deeds):
        return False
    moved = any(event["action"] == "move-remote" or "it was " in event["detail"] for event in mine)
    return moved or any(deed.startswith((f"retag {number} ", f"rename {number} ")) for deed in deeds)


def history(service: Service) -> list[dict[str, Any]]:
    return service.document("history", "--limit", "9999")["events"]


def story(content: bytes, account: Sandbox, services: list[Service], people: list[Person]) -> str:
    """Tell all that is known of a content and of the assets that have it."""
    lines = [content[:40].decode(), *traces(content, people)]
    for asset in account.store.assets():
        if account.store.content(asset.id) == content:
            versions = [f"{v.number} {v.filename} {v.comment}" for v in account.store.versions(asset.id)]
            lines += ["", f"{asset.id} {[tag.name for tag in asset.tags]} {asset.filename}", *versions]
            lines += [line for person in people for line in person.log if f" {asset.id}" in line]
            for service in services:
                mine = [event for event in history(service) if event["asset_id"] == asset.id]
                lines += [f"{service.machine.home.name} {event}" for event in mine]
    return "\n".join(lines)


def traces(content: bytes, people: list[Person]) -> list[str]:
    return [line for person in people for line in person.log if repr(content[:20]) in line]


@pytest.mark.parametrize("seed", SEEDS)
def test_edits_on_both_sides_and_kills_in_between(
    services: Callable[..., Service], account: Sandbox, seed: int
) -> None:
    service = services(safety=MANY).start()
    people: list[Person] = [Designer("Ann", service.machine.root, seed), Colleague("Cleo", account, seed)]
    lived(people, [service], seed, spells=6)
    rested([service], account)
    in_order([service], account, people)


@pytest.mark.parametrize("seed", SEEDS)
def test_two_machines_and_kills_in_between(
    services: Callable[..., Service], account: Sandbox, seed: int
) -> None:
    both = [services("a", safety=MANY).start(), services("b", safety=MANY).start()]
    people: list[Person] = [
        Designer("Ann", both[0].machine.root, seed),
        Designer("Bob", both[1].machine.root, seed),
        Colleague("Cleo", account, seed, most_pause_s=2.0),
    ]
    lived(people, both, seed, spells=6)
    rested(both, account)
    in_order(both, account, people)


@pytest.mark.parametrize("seed", SEEDS)
def test_a_library_that_is_large_and_kills_in_between(
    services: Callable[..., Service], account: Sandbox, seed: int
) -> None:
    """So large that lists are rare, and parts believe what the journal says of the account."""
    service = services(safety=MANY, sync={"poll_interval": 4, "first_run": "trust-size"})
    for number in range(2100):
        content = b"stock %d" % number
        account.store.create_asset(f"{number}.txt", content, tags=(STOCK,))
        service.machine.write(f"{STOCK}/{number}.txt", content)
    service.start()
    rested([service], account)
    people: list[Person] = [
        Designer("Ann", service.machine.root, seed),
        Colleague("Cleo", account, seed, most_pause_s=2.0),
    ]
    lived(people, [service], seed, spells=4)
    rested([service], account)
    in_order([service], account, people)
