"""Three machines on one account: copies of one folder, machines that die, clocks, disks, configurations."""

from __future__ import annotations

import os
import random
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest
from e2e_world import (
    Clock,
    Machine,
    counted,
    differences,
    live_assets,
    rename_tag,
    settle,
    tag_names,
)
from fault_proxy import FaultProxy, Pass
from test_e2e_crash import Process

from fluxsync.core.model import NameRules
from fluxsync.engine.report import Result
from fluxsync.replica.folder.facts import Facts
from fluxsync.replica.folder.replica import Folder
from fluxsync.sandbox.server import Sandbox

MachineFactory = Callable[..., Machine]

COPIES = {"A/1.txt": "one", "A/2.txt": "two", "B/Deep/3.txt": "three", "root.txt": "root"}


def copies(*machines: Machine) -> None:
    for one in machines:
        for path, content in COPIES.items():
            one.write(path, content)


def one_set(account: Sandbox, *machines: Machine) -> None:
    """Make sure that all have the copies, and the account one asset of each."""
    settle(*machines)
    for one in machines:
        assert one.tree() == {path: content.encode() for path, content in COPIES.items()}
    assert len(live_assets(account)) == len(COPIES)
    assert tag_names(account) == {"A", "B/Deep"}


@pytest.mark.parametrize(
    ("first", "second"),
    [
        pytest.param(n, m, marks=() if (n, m) in ((9, 11), (12, 9)) else pytest.mark.slow)
        for n, m in ((1, 1), (4, 9), (9, 9), (9, 11), (10, 10), (11, 12), (12, 9), (13, 13), (14, 10))
    ],
)
def test_copies_of_one_folder_become_one_set_of_assets(
    machine: MachineFactory, account: Sandbox, proxy: FaultProxy, first: int, second: int
) -> None:
    """C makes its pass in the middle of B's, which is in the middle of A's."""
    single = {"connections": 1}
    with FaultProxy(account.port) as inner:
        a = machine("a", url=proxy.url, remote=single)
        b = machine("b", url=inner.url, remote=single)
        c = machine("c", remote=single)
        copies(a, b, c)
        proxy.fault("*", ".", Pass(before=lambda: b.once()), first=first)
        fell_in = inner.fault("*", ".", Pass(before=lambda: c.once()), first=second)
        a.once()
        assert fell_in() >= second
        one_set(account, a, b, c)
        assert not any(one.trash().keys() & COPIES.keys() for one in (a, b, c))


@pytest.mark.slow
@pytest.mark.parametrize("moment", ["before", "after"])
@pytest.mark.parametrize("number", [1, 3, 5])
def test_copies_of_one_folder_become_one_set_though_a_machine_dies(
    machine: MachineFactory, account: Sandbox, proxy: FaultProxy, number: int, moment: str
) -> None:
    a, b, c = machine("a", url=proxy.url), machine("b"), machine("c")
    copies(a, b, c)
    process = Process(a)

    def die() -> None:
        process.kill()
        b.once()

    proxy.fault("POST", ".", Pass(before=die) if moment == "before" else Pass(after=die), first=number)
    process.run()
    assert process.killed
    c.once()
    one_set(account, a, b, c)


@pytest.mark.slow
def test_copies_of_one_folder_become_one_set_when_all_begin_at_once(
    machine: MachineFactory, account: Sandbox
) -> None:
    machines = [machine(name) for name in "abc"]
    copies(*machines)
    with ThreadPoolExecutor(3) as pool:
        reports = list(pool.map(Machine.once, machines))
    assert {report.result for report in reports} <= {Result.IN_STEP, Result.PARTIAL}
    one_set(account, *machines)


class Shifted(Clock):
    """A clock that is wrong by hours."""

    def __init__(self, by_s: float) -> None:
        super().__init__()
        self._by_s = by_s

    def time(self) -> float:
        return super().time() + self._by_s


@pytest.mark.parametrize("by_s", [-30 * 3600.0, pytest.param(30 * 3600.0, marks=pytest.mark.slow)])
def test_clocks_that_are_hours_apart_decide_nothing(
    machine: MachineFactory, account: Sandbox, monkeypatch: pytest.MonkeyPatch, by_s: float
) -> None:
    a, b = machine("a"), machine("b")
    b.clock = Shifted(by_s)

    def write(one: Machine, path: str, content: str) -> None:
        stamp = one.write(path, content).stat().st_mtime_ns + int((by_s if one is b else 0) * 1e9)
        os.utime(one.path(path), ns=(stamp, stamp))

    defaults = Folder.__init__.__kwdefaults__ or {}

    def rest() -> None:
        for _ in range(6):
            for one in (a, b):
                with monkeypatch.context() as patch:
                    patch.setattr("fluxsync.app.time", one.clock)
                    times = {"clock": one.clock.time, "wait": one.clock.wait}
                    patch.setattr(Folder.__init__, "__kwdefaults__", {**defaults, **times})
                    one.in_step()
            if not a.done and not b.done:
                return
        raise AssertionError("no rest")

    for number in range(4):
        write(a, f"A/{number}.txt", f"content {number}")
    rest()
    write(b, "A/0.txt", "edited on the machine with the wrong clock")
    write(a, "A/1.txt", "edited on the other")
    write(a, "A/2.txt", "both: a")
    write(b, "A/2.txt", "both: b!")
    a.remove("A/3.txt")
    rest()
    assert differences(a, b) == ""
    assert a.read("A/0.txt") == b"edited on the machine with the wrong clock"
    assert a.read("A/1.txt") == b"edited on the other"
    assert "A/3.txt" not in a.paths()
    (copy,) = [path for path in a.paths() if "conflicted copy" in path]
    assert {a.read("A/2.txt"), a.read(copy)} == {b"both: a", b"both: b!"}
    assert len(live_assets(account)) == 4


@pytest.fixture
def tells_no_case(monkeypatch: pytest.MonkeyPatch) -> Callable[[Machine], None]:
    """Let a machine's disk say that it tells neither case nor forms apart."""
    folding: set[str] = set()
    names = Facts.names

    def folded(self: Facts) -> NameRules:
        found = names(self)
        if self._root.path in folding:
            return replace(found, case_sensitive=False, form_sensitive=False)
        return found

    monkeypatch.setattr(Facts, "names", folded)
    return lambda one: folding.add(str(one.root))


def test_disks_that_tell_names_apart_and_one_that_does_not_come_to_rest(
    machine: MachineFactory, account: Sandbox, tells_no_case: Callable[[Machine], None]
) -> None:
    a, b = machine("a"), machine("b")
    tells_no_case(b)
    for path in ("A/Logo.txt", "A/logo.txt", "A/über.txt", "A/u\u0308ber2.txt", "A/LOGO.TXT"):
        a.write(path, path)
    settle(a, b)
    assert sorted(b.tree().values()) == sorted(a.tree().values())
    assert len({path.casefold() for path in b.paths()}) == len(b.paths()) == 5
    assert a.paths() == sorted(["A/LOGO.TXT", "A/Logo.txt", "A/logo.txt", "A/u\u0308ber2.txt", "A/über.txt"])
    (suffixed,) = [p for p in b.paths() if b.read(p) == b"A/logo.txt"]
    b.write(suffixed, "edited there")
    a.move("A/Logo.txt", "A/Emblem.txt")
    settle(b, a)
    assert a.read("A/logo.txt") == b"edited there"
    assert sorted(b.tree().values()) == sorted(a.tree().values())
    assert a.paths() == sorted(
        ["A/LOGO.TXT", "A/Emblem.txt", "A/logo.txt", "A/u\u0308ber2.txt", "A/über.txt"]
    )


def test_machines_with_other_labels_come_to_rest_and_take_nothing_from_each_other(
    machine: MachineFactory, account: Sandbox
) -> None:
    a = machine("a", mapping={"part_labels": True})
    b = machine("b", mapping={"extra_tags": ["from b"], "labels": ["from b", "Clients"]})
    c = machine("c")
    a.write("Clients/Acme/a.txt", "a")
    b.write("Clients/Acme/b.txt", "b")
    c.write("Clients/Acme/c.txt", "c")
    settle(a, b, c, rounds=8)
    assert differences(a, b) == ""
    assert differences(a, c) == ""
    b.move("Clients/Acme/a.txt", "Other/a.txt")
    a.write("Clients/Acme/b.txt", "edited")
    c.remove("Clients/Acme/c.txt")
    settle(c, b, a, rounds=8)
    for one in (a, b, c):
        assert sorted(one.tree().values()) == [b"a", b"edited"]
    assert len(live_assets(account)) == 2


# -- whatever people do ------------------------------------------------------------------------------------


def deed(one: Machine, account: Sandbox, chance: random.Random, number: int) -> None:
    """Do one thing that people do to files, folders and tags."""
    paths, folders = one.paths(), one.folders()
    path = chance.choice(paths)
    fresh = f"{one.home.name} {number}"
    match chance.choice(("edit", "edit", "move", "rename", "remove", "new", "same", "folder", "tag")):
        case "edit":
            one.write(path, f"edited {fresh}")
        case "move":
            one.move(path, f"{chance.choice((*folders, 'New'))}/{fresh}")
        case "rename":
            one.move(path, f"{path.rpartition('/')[0]}/renamed {fresh}".lstrip("/"))
        case "remove" if len(paths) > 8:
            one.remove(path)
        case "new":
            one.write(f"New/{fresh}", f"new {fresh}")
        case "same":
            one.write(f"Same/{number}", f"same {number}")
        case "folder" if folders:
            old = chance.choice(folders)
            if not old.startswith("Renamed"):
                one.move(old, f"Renamed {fresh}")
        case "tag":
            names = sorted(tag_names(account))
            if names:
                rename_tag(account, chance.choice(names), f"Tag {fresh} {chance.random()}")


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(3))
def test_whatever_three_people_do_at_the_same_time_their_machines_agree(
    machine: MachineFactory, account: Sandbox, seed: int
) -> None:
    chance = random.Random(seed)
    limits = {"max_delete": "100%", "max_move": "100%", "max_edit": "100%"}
    machines = [machine(name, safety=limits) for name in "abc"]
    for number in range(12):
        machines[0].write(f"F{number % 3}/{number}.txt", f"content {number}")
    settle(*machines)
    for number in range(12):
        for one in machines:
            for _ in range(chance.randrange(3)):
                deed(one, account, chance, number)
        with ThreadPoolExecutor(3) as pool:
            list(pool.map(Machine.once, machines))
        account.clear_requests()
        settle(*machines, rounds=10)
        writes = [r for r in account.requests if r["method"] != "GET"]
        assert len(writes) <= 60, number
        for one in machines[1:]:
            assert sorted(one.tree().values()) == sorted(machines[0].tree().values()), number
        assert len(live_assets(account)) == len(machines[0].paths()), number
    assert counted(machines[0].in_step()) == {}
