"""What is asked of the account, and what is not; what lost answers leave."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

import pytest
from e2e_world import (
    Machine,
    asked,
    asset_id,
    counted,
    live,
    put_tags,
    settle,
    tag_id,
    tag_names,
    tags_of,
    trashed,
)
from fault_proxy import Cut, Drop, Fault, FaultProxy, Half, Pass, Reply, Reset

from fluxsync.engine.report import Result
from fluxsync.replica.folder import source
from fluxsync.sandbox.server import Sandbox

MachineFactory = Callable[..., Machine]

IN_STEP = {"user.xml": 1, "account.xml": 2, "tags.xml": 2}


def kinds(account: Sandbox) -> Counter[str]:
    """Count the requests by what they ask for."""
    return Counter(record["path"].removeprefix("/api/") for record in account.requests)


def written(account: Sandbox) -> list[str]:
    return [line for line in asked(account) if not line.startswith("GET ")]


@pytest.fixture
def a(machine: MachineFactory, proxy: FaultProxy) -> Machine:
    """A machine whose way to the account can break."""
    return machine("a", url=proxy.url)


# -- what is asked -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("files", [3, 230])
def test_a_pass_in_step_asks_for_pages_and_nothing_for_each_asset(
    machine: MachineFactory, account: Sandbox, files: int
) -> None:
    a = machine("a")
    for number in range(files):
        a.write(f"A/{number}.txt", f"{number}")
    settle(a)
    account.clear_requests()
    assert a.in_step().unchanged == files
    seen = kinds(account)
    pages = seen.pop("assets.xml")
    assert -(-files // 100) <= pages <= -(-files // 100) + 2
    assert dict(seen) == IN_STEP


def test_a_pass_in_step_opens_no_file(machine: MachineFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    a = machine("a")
    for number in range(20):
        a.write(f"A/{number}.txt", f"{number}")
    settle(a)
    opened: list[object] = []
    for module in ("reading", "source"):
        monkeypatch.setattr(
            f"fluxsync.replica.folder.{module}.open_file",
            lambda at, *rest: opened.append(at) or source.os.open(at.name, 0, dir_fd=at.fd),
        )
    a.in_step()
    assert opened == []
    a.write("A/1.txt", "edited")
    a.in_step()
    assert opened != []


def test_a_folder_of_1000_files_renamed_is_one_request_and_no_bytes(
    machine: MachineFactory, account: Sandbox
) -> None:
    a = machine("a")
    tag = account.store.create_tag("Big").id
    for number in range(1000):
        account.store.create_asset(f"{number}.txt", b"%d" % number, tags=[tag])
    a.in_step()
    a.move("Big", "Bigger")
    account.clear_requests()
    report = a.in_step()
    assert counted(report) == {"moved_remote": 1000}
    assert written(account) == [f"PUT /api/tags/{tag}.xml"]
    assert sum(r["bytes_in"] for r in account.requests) < 200


def test_a_folder_with_sub_folders_renamed_is_one_request_for_each_tag(
    machine: MachineFactory, account: Sandbox
) -> None:
    a = machine("a")
    for folder in ("A", "A/B", "A/B/C", "A/D"):
        for number in range(4):
            a.write(f"{folder}/{number} of {folder.replace('/', '-')}.txt", f"{folder}{number}")
    settle(a)
    a.move("A", "Z")
    account.clear_requests()
    assert counted(a.in_step()) == {"moved_remote": 16}
    assert len(written(account)) == 4
    assert tag_names(account) == {"Z", "Z/B", "Z/B/C", "Z/D"}


def test_a_renamed_file_is_one_version_and_nothing_else(machine: MachineFactory, account: Sandbox) -> None:
    a = machine("a")
    a.write("A/one.txt", "content")
    settle(a)
    number = asset_id(account, "one.txt")
    a.move("A/one.txt", "A/two.txt")
    account.clear_requests()
    assert counted(a.in_step()) == {"versions": 1, "bytes_up": 7}
    posts = [line for line in written(account) if line.startswith("POST")]
    assert posts == [f"POST /api/assets/{number}/versions.xml"]
    assert account.store.asset(number).filename == "two.txt"


def test_a_moved_file_is_one_get_and_one_put(machine: MachineFactory, account: Sandbox) -> None:
    a = machine("a")
    a.write("A/one.txt", "content")
    a.write("B/two.txt", "content 2")
    settle(a)
    number = asset_id(account, "one.txt")
    a.move("A/one.txt", "B/one.txt")
    account.clear_requests()
    assert counted(a.in_step()) == {"moved_remote": 1}
    beyond = [line for line in asked(account) if f"/{number}" in line]
    assert beyond == [f"GET /api/assets/{number}.xml", f"PUT /api/assets/{number}.xml"]
    assert written(account)[:1] == [f"PUT /api/assets/{number}.xml"]


def test_1000_small_files_take_one_request_each_to_go_up(machine: MachineFactory, account: Sandbox) -> None:
    a = machine("a")
    for number in range(300):
        a.write(f"A/{number}.txt", f"{number}")
    account.clear_requests()
    a.in_step()
    seen = kinds(account)
    assert len([line for line in written(account) if line == "POST /api/assets.xml"]) == 300
    assert sum(seen.values()) < 300 + 20


# -- lost answers ------------------------------------------------------------------------------------------

BROKEN_ANSWERS = pytest.mark.parametrize("fault", [Drop(), Cut()], ids=["dropped", "cut"])


@BROKEN_ANSWERS
def test_a_create_whose_answer_was_lost_is_one_asset_and_in_step(
    a: Machine, account: Sandbox, proxy: FaultProxy, fault: Fault
) -> None:
    a.write("A/one.txt", "one")
    a.write("A/two.txt", "two")
    proxy.fault("POST", r"/api/assets\.xml", fault)
    report = a.in_step()
    assert report.uploaded == 2
    assert sorted(asset.filename for asset in account.store.assets()) == ["one.txt", "two.txt"]
    assert counted(a.in_step()) == {}


def test_all_answers_to_creates_lost_for_a_while(a: Machine, account: Sandbox, proxy: FaultProxy) -> None:
    for number in range(40):
        a.write(f"A/{number}.txt", f"content {number}")
    proxy.fault("POST", r"/api/assets\.xml", Drop(), times=25)
    a.once()
    proxy.heal()
    settle(a)
    assert len(account.store.assets()) == 40
    assert len(live(account)) == 40


def test_a_create_that_never_arrived_is_looked_for_before_it_is_sent_again(
    a: Machine, account: Sandbox, proxy: FaultProxy
) -> None:
    """At once and after 2, 5 and 10 s, contract 7.7; a request whose connection broke may be on its way."""
    a.write("A/one.txt", "one")
    proxy.fault("POST", r"/api/assets\.xml", Reset())
    a.in_step()
    assert len(account.store.assets()) == 1
    creates = [number for number, (line, _) in enumerate(proxy.log) if line == "POST /api/assets.xml"]
    between = [line for line, _ in proxy.log[creates[0] : creates[1]]]
    assert sum(line.startswith("GET /api/assets.xml") for line in between) >= 4
    assert sum(a.clock.waits) >= 10


def test_an_asset_that_turns_up_late_is_the_late_twin_and_goes_to_the_trash(
    a: Machine, account: Sandbox, proxy: FaultProxy
) -> None:
    a.write("A/one.txt", "one")
    proxy.fault("POST", r"/api/assets\.xml", Reset())
    a.in_step()
    account.store.create_asset("one.txt", b"one", tags=["A"])
    settle(a)
    assert len(live(account)) == 1
    assert a.tree() == {"A/one.txt": b"one"}


def test_a_foreign_asset_that_only_looks_like_ours_is_not_taken_as_ours(
    a: Machine, account: Sandbox, proxy: FaultProxy
) -> None:
    """Same name, size and home, other bytes, above the highest id seen: bytes decide."""
    a.write("A/one.txt", "ours")
    tag = account.store.create_tag("A").id
    put = Pass(before=lambda: account.store.create_asset("one.txt", b"THEM", tags=[tag]))
    proxy.fault("POST", r"/api/assets\.xml", put)
    proxy.fault("POST", r"/api/assets\.xml", Reset(), first=2)
    a.once()
    settle(a)
    contents = {account.store.content(asset.id) for asset in account.store.assets()}
    assert contents == {b"ours", b"THEM"}
    assert set(a.tree().values()) == {b"ours", b"THEM"}


@BROKEN_ANSWERS
def test_a_version_whose_answer_was_lost_is_not_sent_twice(
    a: Machine, account: Sandbox, proxy: FaultProxy, fault: Fault
) -> None:
    a.write("A/one.txt", "one")
    settle(a)
    a.write("A/one.txt", "edited")
    number = asset_id(account, "one.txt")
    proxy.fault("POST", r"/versions\.xml", fault)
    a.in_step()
    assert counted(a.in_step()) == {}
    versions = account.store.versions(number)
    assert [account.store.version_content(v.blob) for v in versions] == [b"edited", b"one"]
    assert a.tree() == {"A/one.txt": b"edited"}


@BROKEN_ANSWERS
def test_a_rename_whose_answer_was_lost_is_one_version(
    a: Machine, account: Sandbox, proxy: FaultProxy, fault: Fault
) -> None:
    a.write("A/one.txt", "one")
    settle(a)
    a.move("A/one.txt", "A/two.txt")
    proxy.fault("POST", r"/versions\.xml", fault)
    a.in_step()
    assert counted(a.in_step()) == {}
    (asset,) = account.store.assets()
    assert (asset.filename, asset.version) == ("two.txt", 1)
    assert a.paths() == ["A/two.txt"]


@BROKEN_ANSWERS
def test_a_retag_whose_answer_was_lost_ends_in_the_right_place(
    a: Machine, account: Sandbox, proxy: FaultProxy, fault: Fault
) -> None:
    a.write("A/one.txt", "one")
    settle(a)
    put_tags(account, "one.txt", "A", "label")
    a.move("A/one.txt", "B/one.txt")
    proxy.fault("PUT", r"/api/assets/", fault)
    settle(a)
    assert tags_of(live(account)["one.txt"]) == {"B", "label"}
    assert a.paths() == ["B/one.txt"]


@BROKEN_ANSWERS
def test_a_tag_create_whose_answer_was_lost_makes_one_tag(
    a: Machine, account: Sandbox, proxy: FaultProxy, fault: Fault
) -> None:
    a.write("A/one.txt", "one")
    proxy.fault("POST", r"/api/tags\.xml", fault)
    settle(a)
    assert [tag.name for tag in account.store.tags()] == ["A"]
    assert tags_of(live(account)["one.txt"]) == {"A"}


@BROKEN_ANSWERS
def test_a_tag_rename_whose_answer_was_lost_moves_nothing_twice(
    a: Machine, account: Sandbox, proxy: FaultProxy, fault: Fault
) -> None:
    for number in range(5):
        a.write(f"A/{number}.txt", f"{number}")
    settle(a)
    tag = tag_id(account, "A")
    a.move("A", "B")
    proxy.fault("PUT", r"/api/tags/", fault)
    settle(a)
    assert [(tag.id, tag.name) for tag in account.store.tags()] == [(tag, "B")]
    assert a.paths() == [f"B/{number}.txt" for number in range(5)]


@BROKEN_ANSWERS
def test_a_deletion_whose_answer_was_lost_leaves_the_asset_in_the_trash_once(
    a: Machine, account: Sandbox, proxy: FaultProxy, fault: Fault
) -> None:
    a.write("A/one.txt", "one")
    a.write("A/two.txt", "two")
    settle(a)
    a.remove("A/one.txt")
    proxy.fault("PUT", r"/api/assets/", fault)
    settle(a)
    assert set(trashed(account)) == {"one.txt"}
    assert set(live(account)) == {"two.txt"}
    assert a.paths() == ["A/two.txt"]


@BROKEN_ANSWERS
def test_a_download_that_breaks_off_is_fetched_again(
    a: Machine, account: Sandbox, proxy: FaultProxy, fault: Fault
) -> None:
    content = bytes(range(256)) * 2000
    account.store.create_asset("big.bin", content, tags=["A"])
    proxy.fault("GET", r"/api/assets/download/", fault, times=2)
    settle(a)
    assert a.tree() == {"A/big.bin": content}
    assert list((a.root / ".fluxsync" / "tmp").iterdir()) == []


@pytest.mark.parametrize("size", [3_000, 3_000_000], ids=["small", "large"])
@pytest.mark.parametrize("what", ["create", "version"])
def test_half_a_request_leaves_nothing_and_is_sent_again(
    a: Machine, account: Sandbox, proxy: FaultProxy, size: int, what: str
) -> None:
    content = b"0123456789" * (size // 10)
    if what == "version":
        a.write("A/big.bin", "first")
        settle(a)
    a.write("A/big.bin", content)
    proxy.fault("POST", r"/api/assets", Half())
    settle(a)
    (asset,) = account.store.assets()
    assert account.store.content(asset.id) == content
    assert asset.version == (1 if what == "version" else 0)


@pytest.mark.parametrize("method", ["GET", "POST", "PUT"])
@pytest.mark.parametrize(
    "fault",
    [
        pytest.param(Reply(503, {"Retry-After": "3"}), id="503"),
        pytest.param(Reset(), id="reset"),
        pytest.param(Reply(502), id="502", marks=pytest.mark.slow),
        pytest.param(Reply(429), id="429", marks=pytest.mark.slow),
    ],
)
def test_trouble_that_passes_ends_in_step(
    a: Machine, account: Sandbox, proxy: FaultProxy, method: str, fault: Fault
) -> None:
    a.write("A/one.txt", "one")
    a.write("A/two.txt", "two")
    settle(a)
    account.store.create_asset("three.txt", b"three", tags=["A"])
    a.write("A/one.txt", "edited")
    a.move("A/two.txt", "B/two.txt")
    a.write("C/new.txt", "new")
    proxy.fault(method, r".*", fault, times=2)
    for _ in range(3):
        if a.once().result is Result.IN_STEP:
            break
    settle(a)
    assert a.tree() == {
        "A/one.txt": b"edited",
        "A/three.txt": b"three",
        "B/two.txt": b"two",
        "C/new.txt": b"new",
    }
    assert {name: tags_of(asset) for name, asset in live(account).items()} == {
        "one.txt": {"A"},
        "three.txt": {"A"},
        "two.txt": {"B"},
        "new.txt": {"C"},
    }
    assert live(account)["one.txt"].version == 1
