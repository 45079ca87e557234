"""A request was sent and no answer came: the server did it, is still at it, or never heard of it.

Whatever it was and whenever it comes through, with the process alive or killed in that moment: no asset
twice, no second version with the same content, no label lost, and what a person meant is done.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

import pytest
from crash_world import (
    Scene,
    Start,
    Undisturbed,
    View,
    Zygote,
    assert_agreed,
    assert_equal,
    contents,
    finish_requests,
    rest,
    view,
)
from e2e_world import Clock, Machine, asset_id, put_tags
from fault_proxy import Cut, Drop, Fault, FaultProxy, Late, Reply
from tripwire import KILLED

from fluxsync.sandbox.server import Sandbox

#: Seconds after the loss at which the server is done: around each of the looks, and after it was sent again.
ARRIVES_S = (0.0, 1.0, 4.0, 9.0)
NEVER_S = 1e9


@dataclass(frozen=True)
class Write:
    """A change of the account, and the request that makes it."""

    name: str
    deed: Callable[[Machine, Sandbox], object]
    method: str
    path: str
    before: tuple[str, ...] = ("A/a.txt", "A/b.txt", "B/c.txt")
    gone: tuple[str, ...] = ()
    after: tuple[tuple[str, str], ...] = ()
    removed: tuple[str, ...] = ()
    mode: str = "trash"
    title: bool = False

    def scene(self) -> Scene:
        after = {path: f"old {path}" for path in self.before if path not in self.removed} | dict(self.after)
        sync = {"remote_delete": self.mode, "rename": "title" if self.title else "version"}
        return Scene(
            self.name,
            {path: f"old {path}" for path in self.before},
            self._with_label,
            after,
            frozenset(self.gone),
            {"sync": sync, "mapping": {"labels": ["label"]}},
        )

    def _with_label(self, a: Machine, account: Sandbox) -> None:
        put_tags(account, "a.txt", "A", "label")
        a.in_step()
        self.deed(a, account)


def _restore(a: Machine, account: Sandbox) -> None:
    account.store.set_tags(asset_id(account, "a.txt"), ["A", "label", "fluxsync-trash"])
    a.write("A/a.txt", "edited")


def _remove_empty(a: Machine, account: Sandbox) -> None:
    a.remove("B")
    a.in_step()
    account.store.delete_asset(next(x.id for x in account.store.assets() if x.filename == "c.txt"))


POST_ASSET, POST_VERSION = ("POST", r"/api/assets\.xml"), ("POST", r"/versions\.xml")
PUT_ASSET, POST_TAG = ("PUT", r"/api/assets/"), ("POST", r"/api/tags\.xml")

WRITES = (
    Write("create", lambda a, _: a.write("A/new.txt", "new"), *POST_ASSET, after=(("A/new.txt", "new"),)),
    Write(
        "version",
        lambda a, _: a.write("A/a.txt", "edited"),
        *POST_VERSION,
        gone=("old A/a.txt",),
        after=(("A/a.txt", "edited"),),
    ),
    Write(
        "rename",
        lambda a, _: a.move("A/a.txt", "A/renamed.txt"),
        *POST_VERSION,
        removed=("A/a.txt",),
        after=(("A/renamed.txt", "old A/a.txt"),),
    ),
    Write(
        "rename by the title",
        lambda a, _: a.move("A/a.txt", "A/renamed.txt"),
        *PUT_ASSET,
        removed=("A/a.txt",),
        after=(("A/renamed.txt", "old A/a.txt"),),
        title=True,
    ),
    Write(
        "retag",
        lambda a, _: a.move("A/a.txt", "B/a.txt"),
        *PUT_ASSET,
        removed=("A/a.txt",),
        after=(("B/a.txt", "old A/a.txt"),),
    ),
    Write("trash", lambda a, _: a.remove("A/a.txt"), *PUT_ASSET, removed=("A/a.txt",)),
    Write("make the trash tag", lambda a, _: a.remove("A/a.txt"), *POST_TAG, removed=("A/a.txt",)),
    Write(
        "restore",
        _restore,
        *PUT_ASSET,
        gone=("old A/a.txt",),
        after=(("A/a.txt", "edited"),),
    ),
    Write(
        "delete for good",
        lambda a, _: a.remove("A/a.txt"),
        "DELETE",
        r"/api/assets/",
        removed=("A/a.txt",),
        gone=("old A/a.txt",),
        mode="delete",
    ),
    Write(
        "make a tag",
        lambda a, _: a.write("New/new.txt", "new"),
        *POST_TAG,
        after=(("New/new.txt", "new"),),
    ),
    Write(
        "rename a tag",
        lambda a, _: a.move("A", "Renamed"),
        "PUT",
        r"/api/tags/",
        removed=("A/a.txt", "A/b.txt"),
        after=(("Renamed/a.txt", "old A/a.txt"), ("Renamed/b.txt", "old A/b.txt")),
    ),
    Write(
        "remove a tag",
        _remove_empty,
        "DELETE",
        r"/api/tags/",
        removed=("B/c.txt",),
        gone=("old B/c.txt",),
    ),
)

QUICK = ("create", "version", "rename", "retag", "make a tag")

each_write = pytest.mark.parametrize("write", WRITES, ids=lambda write: write.name)
#: All of them, of which the quick tests do some.
most_writes = pytest.mark.parametrize(
    "write",
    [
        pytest.param(write, id=write.name, marks=() if write.name in QUICK else pytest.mark.slow)
        for write in WRITES
    ],
)


@pytest.fixture(scope="module")
def zygote() -> Iterator[Zygote]:
    made = Zygote()
    yield made
    made.close()


@pytest.fixture
def way() -> Iterator[FaultProxy]:
    """A way with faults to whichever account is there."""
    with FaultProxy(0) as between:
        yield between


class Loss:
    """A scene whose one request meets a fault."""

    def __init__(self, write: Write, start: Start, right: View, zygote: Zygote, way: FaultProxy) -> None:
        self.write, self.start, self.right = write, start, right
        self._zygote, self._way = zygote, way

    def alive(self, fault: Fault, arrives_s: float = 0.0) -> None:
        """Lose the answer; the same process goes on."""
        with self.start.world("alive", self._way) as (a, account):
            self._meet(fault, arrives_s)
            a.once()
            assert fault in [met for _, met in self._way.log], "the request was not made"
            if not isinstance(fault, Late):
                assert self._times(account) == 1, "the server had done it"
            self._end(a, account)

    def sent_again(self) -> None:
        """Let the server come to it when it was sent again, and everything was in step."""
        late = Late()
        with self.start.world("again", self._way) as (a, account):
            self._way.fault(self.write.method, self.write.path, late)
            rest(a, account)
            assert late.held, "the request was not made"
            self._same(view(a, account))
            late.arrive()
            rest(a, account)
            # What was created twice is in the trash once, and a version may have come twice.
            found = view(a, account)
            twins = [asset for asset in found.assets if "fluxsync-trash" in asset[3]]
            if self.write.path == POST_ASSET[1]:
                assert [twin[0] for twin in twins] == ["new.txt"]
                found = replace(found, assets=[asset for asset in found.assets if asset not in twins])
                found.tags.remove("fluxsync-trash")
            if self.write.path == POST_VERSION[1]:
                found = replace(found, assets=_without_numbers(found))
                self.right = replace(self.right, assets=_without_numbers(self.right))
            self._same(found)
            assert self.start.contents <= contents(a, account)
            assert_agreed(a, account)

    def killed(self, fault: Fault, arrives_s: float = 0.0) -> None:
        """Lose the answer and the process; the next one begins at once."""
        with self.start.world("killed", self._way) as (a, account):
            self._way.fault(self.write.method, self.write.path, fault)
            dies = f"{self.write.method} .*{self.write.path}.*: sent"
            said = self._zygote.run(a, dies=dies)
            assert said["code"] == KILLED, said
            if isinstance(fault, Late):
                assert fault.caught.wait(10)
                self.start.clock.after(arrives_s, fault.arrive)
            finish_requests(account)
            a.once()
            self._end(a, account)

    def _times(self, account: Sandbox) -> int:
        """Count how often the server was asked to do it."""
        made = [r for r in account.requests if r["method"] == self.write.method]
        return sum(re.search(self.write.path, r["path"]) is not None for r in made)

    def _meet(self, fault: Fault, arrives_s: float) -> None:
        self._way.fault(self.write.method, self.write.path, fault)
        if isinstance(fault, Late) and arrives_s < NEVER_S:
            # The clock stands still while nobody waits: this is counted from the loss.
            self.start.clock.after(arrives_s, fault.arrive)

    def _end(self, a: Machine, account: Sandbox) -> None:
        a.clock.wait(20)  # whoever did not wait meets it now
        rest(a, account)
        self._same(view(a, account))
        assert self.start.contents <= contents(a, account)
        assert_agreed(a, account)

    def _same(self, found: View) -> None:
        assert_equal(found, self.right)


def _without_numbers(of: View) -> list[tuple[object, ...]]:
    return [tuple(x for x in asset if not str(x).startswith("version ")) for asset in of.assets]


@pytest.fixture(scope="module")
def starts() -> dict[str, tuple[Start, View]]:
    """The starts that a test has made already, and what comes of them when nothing goes wrong."""
    return {}


@pytest.fixture
def lose(
    tmp_path_factory: pytest.TempPathFactory,
    time_passes: Clock,
    zygote: Zygote,
    way: FaultProxy,
    starts: dict[str, tuple[Start, View]],
) -> Callable[[Write], Loss]:
    def made(write: Write) -> Loss:
        if write.name not in starts:
            start = Start(write.scene(), tmp_path_factory.mktemp("start"), time_passes)
            starts[write.name] = start, Undisturbed(start, zygote, everything=False).view
        start, right = starts[write.name]
        start.clock = time_passes
        return Loss(write, start, right, zygote, way)

    return made


#: What something on the way says while the server is still at it.
ERRORS = [(4.0, Reply(502)), (4.0, Reply(504)), (NEVER_S, Reply(502))]


@most_writes
@pytest.mark.parametrize(
    "fault",
    [pytest.param(Drop(), id="no answer"), pytest.param(Cut(), id="half of it", marks=pytest.mark.slow)],
)
def test_what_the_server_did_is_not_done_twice(
    lose: Callable[[Write], Loss], write: Write, fault: Fault
) -> None:
    lose(write).alive(fault)


@pytest.mark.slow
@each_write
@pytest.mark.parametrize(
    ("arrives_s", "answer"), [*((at_s, None) for at_s in (*ARRIVES_S, NEVER_S)), *ERRORS], ids=str
)
def test_what_the_server_is_still_at_is_waited_for(
    lose: Callable[[Write], Loss], write: Write, answer: Reply | None, arrives_s: float
) -> None:
    lose(write).alive(Late(answer), arrives_s)


@most_writes
def test_what_comes_through_after_it_was_sent_again_is_harmless(
    lose: Callable[[Write], Loss], write: Write
) -> None:
    lose(write).sent_again()


@pytest.mark.slow
@each_write
@pytest.mark.parametrize("arrives_s", [*ARRIVES_S, NEVER_S])
def test_killed_while_the_server_is_still_at_it(
    lose: Callable[[Write], Loss], write: Write, arrives_s: float
) -> None:
    lose(write).killed(Late(), arrives_s)
