"""Getting things back: files and assets out of the trash, on both sides, without a duplicate or a loss."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest
from e2e_world import TRASH_TAG, Machine, asked, counted, live, put_tags, settle, trashed
from fault_proxy import Drop, FaultProxy, Pass, Reply

import fluxsync
from fluxsync.core.model import Side, State
from fluxsync.core.restore import InTrash, choose, within
from fluxsync.engine.report import Report, Result
from fluxsync.engine.restore import Restored
from fluxsync.engine.watcher import Watcher
from fluxsync.errors import FluxsyncError, Unavailable
from fluxsync.sandbox.server import Sandbox
from fluxsync.trash import contents, empty, restore

MachineFactory = Callable[..., Machine]


@pytest.fixture
def a(machine: MachineFactory, proxy: FaultProxy) -> Machine:
    return machine("a", url=proxy.url)


def everything(machine: Machine) -> list[InTrash]:
    with machine.opened(dry_run=True) as app:
        found = contents(app)
    return [*found.local, *found.remote]


def bring_back(machine: Machine, *names: str, number: int | None = None) -> tuple[Restored, Report]:
    """Restore like the command does: by names, or what one pass put there; then one pass."""
    with machine.opened() as app:
        found = contents(app)
        things = within([*found.local, *found.remote], None, number)
        exists = None if number is not None else lambda path: machine.path(path).exists()
        if names:
            things = choose(things, [(name, [name.rstrip("/")]) for name in names], exists).things
        done = restore(app, things)
        report = app.run()
    return done, report


def passed(machine: Machine) -> int:
    with machine.opened(dry_run=True) as app:
        last = app.journal.last_pass()
        assert last is not None
        return last.number


# -- one file ----------------------------------------------------------------------------------------------


def test_a_file_that_was_deleted_here_comes_back_from_the_account(a: Machine, account: Sandbox) -> None:
    a.write("A/x.gif", "x")
    a.in_step()
    number = live(account)["x.gif"].id
    a.remove("A")
    a.in_step()
    _, report = bring_back(a, "A/x.gif")
    assert counted(report) == {"downloaded": 1, "bytes_down": 1}
    assert a.tree() == {"A/x.gif": b"x"}
    assert [asset.id for asset in live(account).values()] == [number]
    settle(a)


def test_a_file_whose_asset_was_trashed_comes_back_on_both_sides_without_any_bytes(
    a: Machine, account: Sandbox
) -> None:
    a.write("A/x.gif", "x")
    a.in_step()
    number = live(account)["x.gif"].id
    put_tags(account, "x.gif", "A", TRASH_TAG)
    a.in_step()
    assert a.tree() == {}
    account.clear_requests()
    done, report = bring_back(a, "A/x.gif")
    assert {back.thing.side for back in done.back} == {Side.LOCAL}
    assert counted(report) == {}
    assert not asked(account, "POST", "/api/assets")
    assert not asked(account, "GET", "/api/assets/download")
    assert a.tree() == {"A/x.gif": b"x"}
    assert [asset.id for asset in live(account).values()] == [number]
    assert a.trash() == {}
    settle(a)


def test_what_others_put_into_the_trash_comes_back_by_its_path(a: Machine, account: Sandbox) -> None:
    account.store.create_asset("x.gif", b"x", tags=["A", TRASH_TAG])
    a.in_step()
    bring_back(a, "A/x.gif")
    assert a.tree() == {"A/x.gif": b"x"}


def test_an_asset_comes_back_by_its_number(a: Machine, account: Sandbox) -> None:
    number = account.store.create_asset("x.gif", b"x", tags=["A", TRASH_TAG])
    account.store.create_asset("y.gif", b"y", tags=["A", TRASH_TAG])
    a.in_step()
    bring_back(a, str(number))
    assert a.tree() == {"A/x.gif": b"x"}


def test_an_asset_that_was_deleted_for_good_goes_up_anew_from_the_local_trash(
    a: Machine, account: Sandbox
) -> None:
    a.write("A/x.gif", "x")
    a.in_step()
    account.store.create_asset("other.gif", b"o", tags=["B", TRASH_TAG])
    account.store.delete_asset(live(account)["x.gif"].id)
    a.in_step()
    bring_back(a, "A/x.gif")
    assert a.tree() == {"A/x.gif": b"x"}
    assert account.store.content(live(account)["x.gif"].id) == b"x"


# -- contents that were replaced ---------------------------------------------------------------------------


@pytest.fixture
def replaced(a: Machine, account: Sandbox) -> Machine:
    """A machine on which the account's version replaced "old" by "newer"."""
    a.write("A/logo.gif", "old")
    a.in_step()
    account.store.add_version(live(account)["logo.gif"].id, b"newer")
    a.in_step()
    return a


def test_a_replaced_content_comes_beside_the_file_that_has_its_name(
    replaced: Machine, account: Sandbox
) -> None:
    bring_back(replaced, "A/logo.gif")
    (beside,) = set(replaced.paths()) - {"A/logo.gif"}
    assert beside.startswith("A/logo (restored ")
    assert beside.endswith(").gif")
    assert replaced.tree() == {"A/logo.gif": b"newer", beside: b"old"}
    settle(replaced)
    assert len(live(account)) == 2


def test_what_is_there_already_with_the_same_bytes_is_not_doubled(
    replaced: Machine, account: Sandbox
) -> None:
    replaced.write("A/logo.gif", "old")
    replaced.in_step()
    done, _ = bring_back(replaced, "A/logo.gif")
    assert [back.what for back in done.back] == ["the same content is there: nothing to do"]
    assert replaced.tree() == {"A/logo.gif": b"old"}
    assert b"old" in replaced.trash()["A/logo.gif"]


def test_a_replaced_content_takes_its_free_place(replaced: Machine, account: Sandbox) -> None:
    account.store.create_asset("other.gif", b"o", tags=["B", TRASH_TAG])
    account.store.delete_asset(live(account)["logo.gif"].id)
    replaced.in_step()
    (old,) = [t for t in everything(replaced) if t.why.startswith("replaced")]
    bring_back(replaced, old.id)
    assert replaced.tree() == {"A/logo.gif": b"old"}


def test_an_older_content_never_becomes_an_edit_of_the_asset_in_the_trash(
    replaced: Machine, account: Sandbox
) -> None:
    replaced.remove("A/logo.gif")
    replaced.in_step()
    (old,) = [t for t in everything(replaced) if t.side is Side.LOCAL]
    bring_back(replaced, old.id)
    assert [c for p, c in replaced.tree().items() if p != "A/logo.gif"] == [b"old"]
    assert account.store.content(trashed(account)["logo.gif"].id) == b"newer"


def test_of_a_path_the_newest_comes_back_whichever_side_has_it(replaced: Machine, account: Sandbox) -> None:
    replaced.clock.wait(60)
    replaced.remove("A/logo.gif")
    replaced.in_step()
    bring_back(replaced, "A/logo.gif")
    assert replaced.tree() == {"A/logo.gif": b"newer"}


# -- folders, times, passes --------------------------------------------------------------------------------


def test_a_folder_comes_back_with_what_is_missing_and_not_with_older_contents(
    a: Machine, account: Sandbox
) -> None:
    for number in range(4):
        a.write(f"A/B/{number}.gif", f"content {number}")
    a.in_step()
    account.store.add_version(live(account)["0.gif"].id, b"newer")
    a.in_step()
    a.remove("A/B/1.gif")
    a.in_step()
    put_tags(account, "2.gif", "A/B", TRASH_TAG)
    a.in_step()
    bring_back(a, "A/")
    assert a.tree() == {
        "A/B/0.gif": b"newer",
        **{f"A/B/{number}.gif": f"content {number}".encode() for number in (1, 2, 3)},
    }
    assert len(live(account)) == 4
    settle(a)


def test_a_pass_is_undone_on_both_sides(a: Machine, account: Sandbox) -> None:
    for name in ("here", "there", "replaced", "later"):
        a.write(f"A/{name}.gif", f"content of {name}")
    a.in_step()
    a.remove("A/here.gif")
    put_tags(account, "there.gif", "A", TRASH_TAG)
    account.store.add_version(live(account)["replaced.gif"].id, b"newer")
    a.in_step()
    number = passed(a)
    a.clock.wait(60)
    a.remove("A/later.gif")
    a.in_step()
    bring_back(a, number=number)
    beside = next(path for path in a.paths() if "restored" in path)
    assert a.tree() == {
        "A/here.gif": b"content of here",
        "A/there.gif": b"content of there",
        "A/replaced.gif": b"newer",
        beside: b"content of replaced",
    }
    assert set(trashed(account)) == {"later.gif"}
    settle(a)


def test_the_trash_tells_which_pass_put_what_there_and_why(a: Machine, account: Sandbox) -> None:
    for name in ("here", "there", "replaced"):
        a.write(f"A/{name}.gif", name)
    account.store.create_asset("foreign.gif", b"f", tags=["A", TRASH_TAG])
    a.in_step()
    a.remove("A/here.gif")
    put_tags(account, "there.gif", "A", TRASH_TAG)
    account.store.add_version(live(account)["replaced.gif"].id, b"newer")
    a.in_step()
    number = passed(a)
    told = {(t.side, t.path): (t.pass_number, t.why) for t in everything(a)}
    assert told == {
        (Side.LOCAL, "A/there.gif"): (number, "in the remote trash"),
        (Side.LOCAL, "A/replaced.gif"): (number, "replaced: new content on the account"),
        (Side.REMOTE, "A/here.gif"): (number, "deleted here"),
        (Side.REMOTE, "A/there.gif"): (number, "put there on the account"),
        (Side.REMOTE, "A/foreign.gif"): (0, "put there on the account"),
    }


# -- limits, directions, trouble ---------------------------------------------------------------------------


def test_what_a_person_brings_back_meets_no_limit(a: Machine, account: Sandbox) -> None:
    for number in range(30):
        a.write(f"A/{number}.gif", f"{number}")
    a.in_step()
    a.remove("A")
    assert a.once().result is Result.GUARDED
    assert a.once(approved=True).trashed_remote == 30
    _, report = bring_back(a, "A/")
    assert (report.result, report.downloaded) == (Result.IN_STEP, 30)
    for number in range(5):
        a.remove(f"A/{number}.gif")
    assert a.in_step().trashed_remote == 5, "nor does it count against what comes after"


def test_with_direction_down_only_the_folder_gets_things_back(a: Machine, account: Sandbox) -> None:
    a.write("A/x.gif", "x")
    a.write("A/y.gif", "y")
    a.in_step()
    put_tags(account, "x.gif", "A", TRASH_TAG)
    a.remove("A/y.gif")
    a.in_step()
    a.set("sync", direction="down")
    account.clear_requests()
    done, _ = bring_back(a, "A/")
    assert a.tree() == {"A/x.gif": b"x"}
    assert list(done.failures) == ["A/y.gif"]
    assert not asked(account, "PUT", "/api/assets")


def test_without_the_account_the_trash_here_is_listed_and_the_other_as_the_journal_knows_it(
    a: Machine, account: Sandbox, proxy: FaultProxy
) -> None:
    a.write("A/x.gif", "x")
    a.write("A/y.gif", "y")
    a.in_step()
    put_tags(account, "x.gif", "A", TRASH_TAG)
    a.remove("A/y.gif")
    a.in_step()
    proxy.fault("*", r".*", Reply(503), times=None)
    with a.opened(dry_run=True) as app:
        found = contents(app)
    assert isinstance(found.trouble, Unavailable)
    assert [t.path for t in found.local] == ["A/x.gif"]
    assert {t.path for t in found.remote} == {"A/x.gif", "A/y.gif"}


def test_looking_at_the_trash_changes_nothing(a: Machine, account: Sandbox) -> None:
    a.write("x.gif", "x")
    a.in_step()
    a.remove("x.gif")
    a.in_step()
    before = a.journal.read_bytes()
    account.clear_requests()
    everything(a)
    assert a.journal.read_bytes() == before
    assert not [line for line in asked(account) if not line.startswith("GET ")]


@pytest.mark.parametrize("fault", [Drop(), Reply(502)], ids=["lost", "502"])
def test_a_lost_answer_while_restoring_loses_and_doubles_nothing(
    a: Machine, account: Sandbox, proxy: FaultProxy, fault: Drop | Reply
) -> None:
    a.write("A/x.gif", "x")
    a.in_step()
    a.remove("A/x.gif")
    a.in_step()
    proxy.fault("PUT", r"/api/assets/", fault, times=1)
    try:
        bring_back(a, "A/x.gif")
    except FluxsyncError:
        if "x.gif" not in live(account):
            bring_back(a, "A/x.gif")
    settle(a)
    assert a.tree() == {"A/x.gif": b"x"}
    assert len(account.store.assets()) == 1


@pytest.fixture
def both(a: Machine, account: Sandbox) -> Machine:
    """A machine with one file in the trash of the account, and one in both."""
    for name in ("here", "there"):
        a.write(f"A/{name}.gif", name)
    a.in_step()
    a.remove("A/here.gif")
    put_tags(account, "there.gif", "A", TRASH_TAG)
    a.in_step()
    return a


def held(machine: Machine, account: Sandbox) -> set[bytes]:
    """Return every content that folder, trash or account still have."""
    there = {account.store.content(asset.id) for asset in account.store.assets()}
    return there | {*machine.tree().values(), *(c for each in machine.trash().values() for c in each)}


@pytest.mark.parametrize("step", [2, 9, 11, 15])
def test_a_restore_that_is_cut_off_at_any_request_is_finished_by_the_next(
    both: Machine, account: Sandbox, proxy: FaultProxy, step: int
) -> None:
    proxy.fault("*", r".*", Reply(401), first=step, times=None)
    with suppress(FluxsyncError):
        bring_back(both, "A/")
    assert {b"here", b"there"} <= held(both, account)
    proxy.fault("*", r".*", Pass(), times=None)
    bring_back(both, "A/")
    settle(both)
    assert both.tree() == {"A/here.gif": b"here", "A/there.gif": b"there"}
    assert len(account.store.assets()) == 2


def killed(machine: Machine, proxy: FaultProxy, method: str, path: str, moment: str, *command: str) -> None:
    """Run a command in a process of its own, and kill it right before or after a request was done."""
    package = str(Path(fluxsync.__file__).parent.parent)
    environment = {**os.environ, **machine.environment(), "PYTHONPATH": package, "HOME": str(machine.home)}
    started = threading.Event()
    process: list[subprocess.Popen[bytes]] = []

    def kill() -> None:
        started.wait(10)
        process[0].kill()
        process[0].wait()

    proxy.fault(method, path, Pass(before=kill) if moment == "before" else Pass(after=kill))
    arguments = [sys.executable, "-m", "fluxsync.cli.main", *command]
    with subprocess.Popen(
        arguments, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as running:
        process.append(running)
        started.set()
        _, said = running.communicate(timeout=60)
    assert running.returncode == -signal.SIGKILL, said.decode()


@pytest.mark.slow
@pytest.mark.parametrize(
    ("method", "path", "moment"),
    [
        ("PUT", r"/api/assets/", "before"),
        ("PUT", r"/api/assets/", "after"),
        ("GET", r"/api/assets/download/", "before"),
    ],
)
def test_a_restore_that_is_killed_loses_and_doubles_nothing(
    both: Machine, account: Sandbox, proxy: FaultProxy, method: str, path: str, moment: str
) -> None:
    killed(both, proxy, method, path, moment, "trash", "restore", "A/")
    assert {b"here", b"there"} <= held(both, account)
    if trashed(account):
        bring_back(both, "A/")
    settle(both)
    assert both.tree() == {"A/here.gif": b"here", "A/there.gif": b"there"}
    assert len(account.store.assets()) == 2


@pytest.mark.parametrize("moment", ["before", "after"])
def test_an_emptying_that_is_killed_goes_on_with_the_next(
    both: Machine, account: Sandbox, proxy: FaultProxy, moment: str
) -> None:
    both.write("A/stays.gif", "stays")
    both.in_step()
    killed(both, proxy, "DELETE", r"/api/assets/", moment, "trash", "empty", "--yes")
    assert both.tree() == {"A/stays.gif": b"stays"}
    with both.opened() as app:
        found = contents(app)
        emptied = empty(app, [*found.local, *found.remote], Watcher())
    assert emptied.failures == {}
    settle(both)
    assert both.tree() == {"A/stays.gif": b"stays"}
    assert both.trash() == {}
    assert [asset.filename for asset in account.store.assets()] == ["stays.gif"]


def test_a_purge_that_is_killed_loses_nothing_that_was_not_due(
    both: Machine, account: Sandbox, proxy: FaultProxy
) -> None:
    """The next pass finds the asset gone, as it was to be."""
    both.write("A/stays.gif", "stays")
    both.in_step()
    killed(both, proxy, "DELETE", r"/api/assets/", "after", "trash", "empty", "--remote", "--yes")
    settle(both)
    assert both.tree() == {"A/stays.gif": b"stays"}
    gone = {"here.gif", "there.gif"} - set(trashed(account))
    with both.opened(dry_run=True) as app:
        assert len([i for i in app.journal.items() if i.state is State.TRASHED]) == len(trashed(account))
        told = [event.path for event in app.journal.history() if event.action == "purge"]
    assert gone
    assert sorted(told) == [f"A/{name}" for name in sorted(gone)], "also what was under way is in the history"


def test_emptying_deletes_what_is_listed_and_nothing_that_left_the_trash_since(
    both: Machine, account: Sandbox
) -> None:
    with both.opened() as app:
        found = contents(app)
        put_back = trashed(account)["here.gif"].id
        account.store.set_tags(put_back, ["A"])
        emptied = empty(app, [*found.local, *found.remote], Watcher())
        events = [(e.action, e.path, e.pass_number) for e in app.journal.history()][:2]
    assert [asset.id for asset in account.store.assets()] == [put_back]
    assert list(emptied.failures) == ["A/here.gif"]
    assert events == [("purge", "A/there.gif", 0)] * 2
    both.in_step()
    assert both.tree() == {"A/here.gif": b"here"}


def test_emptying_counts_against_no_limit(a: Machine, account: Sandbox) -> None:
    for number in range(15):
        account.store.create_asset(f"{number}.gif", b"%d" % number, tags=[TRASH_TAG])
    a.in_step()
    with a.opened() as app:
        assert len(empty(app, contents(app).remote, Watcher()).gone) == 15
    assert account.store.assets() == []
    with a.opened(dry_run=True) as app:
        assert sum(app.journal.recent(["purge"], 0.0).values()) == 0


def test_an_asset_that_was_trashed_and_purged_before_a_pass_saw_it_takes_its_file_to_the_trash(
    both: Machine, account: Sandbox
) -> None:
    both.write("A/file.gif", "f")
    both.write("A/other.gif", "o")
    both.in_step()
    put_tags(account, "file.gif", "A", TRASH_TAG)
    with both.opened() as app:
        empty(app, contents(app).remote, Watcher())
    both.in_step()
    assert "A/file.gif" not in both.tree()
    assert both.trash()["A/file.gif"] == [b"f"]
    assert "file.gif" not in live(account)
