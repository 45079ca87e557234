"""Rule 5: lists that fail, lists that are none, and accounts that are not what they were delete nothing."""

from __future__ import annotations

import itertools
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from e2e_world import (
    Clock,
    Machine,
    asset_id,
    counted,
    files,
    live,
    put_tags,
    settle,
    stopped,
    tag_id,
    trashed,
)
from fault_proxy import Cut, Fault, FaultProxy, Pass, Reply, login_page

from fluxsync.engine.report import Report, Result
from fluxsync.errors import Unauthorized, Unavailable
from fluxsync.sandbox.server import Sandbox

MachineFactory = Callable[..., Machine]


def nothing_lost(machine: Machine, account: Sandbox, report: Report) -> None:
    assert (report.trashed_local, report.trashed_remote, report.moved_local, report.uploaded) == (0, 0, 0, 0)
    assert len(machine.paths()) == len(live(account)) == 5


@pytest.mark.parametrize(
    "rewrite",
    [
        lambda body: body[: len(body) // 2],
        lambda body: b"",
        lambda body: b"[]",
        lambda body: b"<?xml version='1.0'?><users></users>",
        lambda body: b'<!DOCTYPE x [<!ENTITY e "x">]><documents>&e;</documents>',
    ],
    ids=["truncated", "nothing", "json", "another list", "doctype"],
)
def test_a_list_that_is_none_deletes_nothing(
    known: Machine, account: Sandbox, proxy: FaultProxy, rewrite: Callable[[bytes], bytes]
) -> None:
    proxy.fault("GET", r"/api/assets\.xml", Pass(rewrite=rewrite), times=None)
    report = known.once()
    nothing_lost(known, account, report)
    assert report.result in (Result.UNREACHABLE, Result.PARTIAL)
    proxy.heal()
    settle(known)


@pytest.mark.parametrize(
    "what", [r".*", r"/api/assets\.xml", r"/api/tags\.xml"], ids=["all", "assets", "tags"]
)
def test_a_login_page_with_200_is_offline(
    known: Machine, account: Sandbox, proxy: FaultProxy, what: str
) -> None:
    proxy.fault("*", what, login_page(), times=None)
    said = stopped(known, Unavailable, Result.UNREACHABLE)
    assert "offline" in said
    assert len(known.paths()) == 5


def test_a_login_page_instead_of_content_is_not_taken_as_content(
    known: Machine, account: Sandbox, proxy: FaultProxy
) -> None:
    account.store.create_asset("new.txt", b"new", tags=["A"])
    proxy.fault("GET", r"/download/", login_page(), times=None)
    known.once()
    assert "A/new.txt" not in known.paths()
    proxy.heal()
    settle(known)
    assert known.read("A/new.txt") == b"new"


def test_a_list_that_fails_half_way_deletes_nothing(
    machine: MachineFactory, account: Sandbox, proxy: FaultProxy
) -> None:
    a = machine("a", url=proxy.url)
    files(a, 150)
    settle(a)
    proxy.fault("GET", r"/api/assets\.xml\?.*page=2", Reply(500), times=None)
    report = a.once()
    assert report.result is Result.UNREACHABLE
    assert (report.trashed_local, len(a.paths())) == (0, 150)


def test_an_account_that_is_suddenly_empty_deletes_nothing_while_its_assets_answer(
    known: Machine, account: Sandbox, proxy: FaultProxy
) -> None:
    """The list says 404, each asset by itself is still there."""
    proxy.fault("GET", r"/api/assets\.xml", Reply(404, {"Content-Type": "application/xml"}), times=None)
    nothing_lost(known, account, known.once())


def test_an_asset_that_a_page_shift_hides_is_not_deleted(
    known: Machine, account: Sandbox, proxy: FaultProxy
) -> None:
    hidden = str(live(account)["002.txt"].id).encode()

    def without(body: bytes) -> bytes:
        head, *assets = body.split(b"<asset>")
        shown = [asset for asset in assets if hidden not in asset]
        return b"<asset>".join([head, *shown])

    proxy.fault("GET", r"/api/assets\.xml", Pass(rewrite=without), times=None)
    nothing_lost(known, account, known.once())


def test_an_account_whose_assets_are_really_gone_is_a_deletion_and_held_back_by_the_limit(
    machine: MachineFactory, account: Sandbox
) -> None:
    a = machine("a")
    files(a, 40)
    settle(a)
    for asset in account.store.assets():
        account.store.delete_asset(asset.id)
    report = a.once()
    assert report.result is Result.GUARDED
    assert len(a.paths()) == 40


def test_an_api_that_was_switched_off_deletes_nothing(known: Machine, account: Sandbox) -> None:
    account.configure(api_enabled=False)
    try:
        report = known.once()
    except (Unavailable, Unauthorized):
        pass
    else:
        assert report.result in (Result.UNREACHABLE, Result.UNAUTHORIZED)
    assert len(known.paths()) == 5


# -- a page that fails


BROKEN_PAGES = {
    "the connection breaks": Cut(),
    "truncated XML": Pass(rewrite=lambda body: body[: len(body) // 2]),
    "a login page with 200": login_page(),
    "nothing with 200": Reply(200, {"Content-Type": "application/xml"}),
    "an error of the server": Reply(500),
}


@pytest.mark.parametrize("page", [pytest.param(1, marks=pytest.mark.slow), 2])
@pytest.mark.parametrize("fault", BROKEN_PAGES.values(), ids=BROKEN_PAGES)
def test_a_list_with_a_page_that_fails_deletes_nothing_and_goes_on_by_itself_afterwards(
    machine: MachineFactory, account: Sandbox, proxy: FaultProxy, page: int, fault: Fault
) -> None:
    a = machine("a", url=proxy.url)
    for number in range(230):
        account.store.create_asset(f"{number:03}.txt", b"", tags=["A"])
    a.in_step()
    account.store.delete_asset(asset_id(account, "000.txt"))
    a.write("A/new.txt", "new")
    proxy.fault("GET", rf"/api/assets\.xml\?.*page={page}\b", fault, times=None)
    assert stopped(a, Unavailable, Result.UNREACHABLE)
    assert (len(a.paths()), len(live(account)), trashed(account)) == (231, 229, {})
    proxy.heal()
    assert counted(a.in_step()) == {"uploaded": 1, "trashed_local": 1, "bytes_up": 3}


def test_an_empty_page_in_the_middle_hides_no_asset(
    machine: MachineFactory, account: Sandbox, proxy: FaultProxy
) -> None:
    a = machine("a", url=proxy.url)
    for number in range(230):
        account.store.create_asset(f"{number:03}.txt", b"", tags=["A"])
    a.in_step()
    nothing = Reply(404, {"Content-Type": "application/xml"})
    proxy.fault("GET", r"/api/assets\.xml\?.*page=2\b", nothing, times=None)
    assert counted(a.in_step()) == {}
    assert len(a.paths()) == 230


def test_statistics_that_never_agree_with_the_list_delete_nothing(
    known: Machine, account: Sandbox, proxy: FaultProxy
) -> None:
    number = itertools.count(1000)
    account.store.delete_asset(asset_id(account, "000.txt"))

    def counting(body: bytes) -> bytes:
        start, found, rest = body.partition(b' used_space="')
        return start + found + b"%d" % next(number) + rest.lstrip(b"0123456789")

    proxy.fault("GET", r"/api/account\.xml", Pass(rewrite=counting), times=None)
    report = known.once()
    assert (report.result, report.trashed_local, len(known.paths())) == (Result.PARTIAL, 0, 5)
    assert any("kept changing" in reason for reason in report.failures.values())
    proxy.heal()
    assert counted(known.in_step()) == {"trashed_local": 1}


# -- an account that is suddenly empty


def emptied(account: Sandbox) -> None:
    for asset in account.store.assets():
        account.store.delete_asset(asset.id)


def test_an_account_that_is_suddenly_empty_is_held_back_however_few_its_assets_were(
    known: Machine, account: Sandbox
) -> None:
    emptied(account)
    report = known.once()
    assert (report.result, report.trashed_local, len(report.held)) == (Result.GUARDED, 0, 5)
    assert all("suddenly empty" in held.why for held in report.held)
    assert len(known.paths()) == 5
    report = known.once(approved=True)
    assert (report.result, report.trashed_local) == (Result.IN_STEP, 5)
    assert len(known.trash()) == 5


def test_it_stays_held_back_when_something_new_came_to_the_account(known: Machine, account: Sandbox) -> None:
    emptied(account)
    known.write("B/new.txt", "new")
    for _ in range(3):
        report = known.once()
        assert (report.result, report.trashed_local, len(report.held)) == (Result.GUARDED, 0, 5)
    assert set(live(account)) == {"new.txt"}
    assert len(known.paths()) == 6
    account.store.create_asset("theirs.txt", b"theirs", tags=["B"])
    assert known.once().downloaded == 1
    known.write("A/000.txt", "edited")
    assert known.once().uploaded == 1, "an edit makes it a new asset"
    assert len(known.once().held) == 4


def test_assets_that_somebody_put_into_the_trash_are_no_empty_account(
    known: Machine, account: Sandbox
) -> None:
    for name in live(account):
        put_tags(account, name, "A", "fluxsync-trash")
    assert counted(known.in_step()) == {"trashed_local": 5}


def test_the_last_assets_that_go_while_the_trash_shows_others_are_no_empty_account(
    known: Machine, account: Sandbox
) -> None:
    put_tags(account, "000.txt", "A", "fluxsync-trash")
    known.in_step()
    for asset in live(account).values():
        account.store.delete_asset(asset.id)
    assert counted(known.in_step()) == {"trashed_local": 4}


def test_rebuilding_sends_everything_to_an_account_that_is_empty(known: Machine, account: Sandbox) -> None:
    emptied(account)
    known.once()
    with known.opened() as app:
        app.journal.forget_all()
    assert counted(known.in_step())["uploaded"] == 5
    assert len(live(account)) == 5


# -- a server that was restored from a backup


class Server:
    """An account whose server can be set back to what it was."""

    def __init__(self, home: Path, clock: Clock) -> None:
        self._home, self._clock = home, clock
        self.account = self._open()
        self.proxy = FaultProxy(self.account.port)

    def _open(self) -> Sandbox:
        return Sandbox(self._home / "data", threads=8, clock=self._clock.time)

    def back_up(self) -> None:
        self._reopened(lambda: shutil.copytree(self._home / "data", self._home / "backup"))

    def restore(self) -> None:
        def back() -> None:
            shutil.rmtree(self._home / "data")
            shutil.copytree(self._home / "backup", self._home / "data")

        self._reopened(back)

    def _reopened(self, between: Callable[[], object]) -> None:
        self.account.close()
        between()
        self.account = self._open()
        self.proxy.upstream = self.account.port

    def close(self) -> None:
        self.proxy.close()
        self.account.close()


@pytest.fixture
def server(tmp_path: Path, time_passes: Clock) -> Iterator[Server]:
    server = Server(tmp_path / "server", time_passes)
    yield server
    server.close()


@contextmanager
def since_the_backup(
    server: Server, a: Machine, *, new: int, edited: int = 0, folder: str = "A"
) -> Iterator[dict[str, bytes]]:
    """Work on both sides after a backup, then restore it; yields what the folder held."""
    files(a, 30)
    settle(a)
    server.back_up()
    a.clock.wait(3600)
    for number in range(edited):
        a.write(f"A/{number:03}.txt", f"edited since {number}")
    for number in range(new):
        a.write(f"{folder}/new {number}.txt", f"new since {number}")
    settle(a)
    held = a.tree()
    a.clock.wait(3600)
    server.restore()
    yield held


@pytest.mark.parametrize(("new", "edited"), [(5, 15), (12, 0), (0, 15)])
def test_a_restored_server_changes_nothing_here_without_a_word(
    server: Server, machine: MachineFactory, new: int, edited: int
) -> None:
    a = machine("a", url=server.proxy.url)
    with since_the_backup(server, a, new=new, edited=edited) as held:
        report = a.once()
        assert report.result is Result.GUARDED
        assert len(report.held) == new + edited
        assert a.tree() == held
        assert trashed(server.account) == {}
        a.write("B/unrelated.txt", "goes on")
        report = a.once()
        assert (report.uploaded, len(report.held)) == (1, new + edited)
    if edited:
        assert any("older than before" in each.why for each in report.held)


def test_ids_that_a_restored_server_gives_to_other_assets_are_noticed(
    server: Server, machine: MachineFactory
) -> None:
    a = machine("a", url=server.proxy.url)
    with since_the_backup(server, a, new=3) as held:
        lost = [asset.id for asset in server.account.store.assets()]
        for number in range(3):
            server.account.store.create_asset(f"theirs {number}.txt", f"theirs {number}".encode(), tags=["A"])
        assert max(lost) < max(asset.id for asset in server.account.store.assets())
        report = a.once()
    assert (report.result, report.downloaded, report.trashed_local) == (Result.GUARDED, 3, 0)
    assert sorted(each.change.path for each in report.held) == [f"A/new {n}.txt" for n in range(3)]
    assert all("may have been restored" in each.why for each in report.held)
    assert held.items() <= a.tree().items()
    for _ in range(2):
        assert len(a.once().held) == 3
    assert a.once(approved=True).trashed_local == 3


def test_tag_ids_that_a_restored_server_gives_to_other_folders_lose_nothing(
    server: Server, machine: MachineFactory
) -> None:
    a = machine("a", url=server.proxy.url)
    with since_the_backup(server, a, new=3, folder="New") as held:
        for number in range(3):
            server.account.store.create_asset(f"theirs {number}.txt", f"theirs {number}".encode(), tags=["B"])
        for _ in range(3):
            report = a.once()
            assert (report.trashed_local, report.trashed_remote, a.trash()) == (0, 0, {})
    assert set(held.values()) <= set(a.tree().values())
    assert {f"theirs {number}".encode() for number in range(3)} <= set(a.tree().values())


def test_an_account_that_went_back_is_made_whole_by_rebuilding(
    server: Server, machine: MachineFactory
) -> None:
    a = machine("a", url=server.proxy.url, safety={"max_edit": "100%"})
    with since_the_backup(server, a, new=5, edited=15) as held:
        a.once()
        with a.opened() as app:
            app.journal.forget_all()
        settle(a)
    assert set(held.values()) <= set(a.tree().values())
    contents = {server.account.store.content(asset.id) for asset in server.account.store.assets()}
    assert set(held.values()) <= contents


# -- the trash tag


@pytest.mark.parametrize("deed", ["deleted", "renamed", "renamed, and another made"])
def test_a_trash_tag_that_is_gone_or_renamed_brings_nothing_back_and_takes_nothing_away(
    machine: MachineFactory, account: Sandbox, deed: str
) -> None:
    a = machine("a")
    paths = files(a, 40)
    settle(a)
    for path in paths[:8]:
        a.remove(path)
    settle(a)
    a.clock.wait(3601)
    number = tag_id(account, "fluxsync-trash")
    if deed == "deleted":
        account.store.delete_tag(number)
    else:
        account.store.rename_tag(number, "Papierkorb")
        if "another" in deed:
            account.store.create_tag("fluxsync-trash")
    assert counted(a.in_step()).keys() <= {"trashed_remote"}
    assert a.paths() == paths[8:]
    a.remove(paths[8])
    settle(a)
    assert a.paths() == paths[9:]
    gone = {asset.filename for asset in account.store.assets() if len(asset.tags) > 1}
    assert gone == {path.removeprefix("A/") for path in paths[:9]}
