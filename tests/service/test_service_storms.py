"""Storms: many changes at once, and the ways in which programs save; the service ends in step with each."""

from __future__ import annotations

import os
import shutil
import signal
import threading
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
from e2e_world import asked, live_assets, tag_names, trashed
from service_world import Service, agrees, shown, until

from fluxsync.sandbox.server import Sandbox

pytestmark = pytest.mark.slow

ALL = {"max_delete": "100%", "max_move": "100%", "max_edit": "10000"}
MINUTES_S = 100.0
#: No look at the account helps out: what events say, and what is due again, is all that the service has.
BY_EVENTS = {"poll_interval": 600}


def stocked(service: Service, account: Sandbox, paths: Sequence[str]) -> dict[str, int]:
    """Put files on both sides alike, each with content of its own; returns the ids of the assets by path."""
    ids = {}
    for path in paths:
        content = b"content of " + path.encode()
        folder, _, name = path.rpartition("/")
        ids[path] = account.store.create_asset(name, content, tags=(folder,) if folder else ())
        service.machine.write(path, content)
    service.machine.set("sync", first_run="trust-size")
    return ids


def where(account: Sandbox) -> dict[int, str]:
    """Return the path of each live asset by its id."""
    return {
        asset.id: "/".join([*(tag.name for tag in asset.tags), asset.filename])
        for asset in live_assets(account)
    }


def versions(account: Sandbox) -> dict[str, int]:
    return {asset.filename: asset.version for asset in live_assets(account)}


def ended(service: Service, account: Sandbox) -> None:
    """Stop a service at rest; its journal says what both sides have."""
    assert service.stop() == 0
    agrees(service, account)
    faults = [event for event in service.events() if event.get("level") == "error"]
    assert faults == []


def dragged(service: Service, account: Sandbox, count: int) -> None:
    """Move so many files to another folder: each asset stays what it is, and no content is sent."""
    ids = stocked(service, account, [f"Inbox/{number:04}.txt" for number in range(count)])
    service.machine.write("Archive/old.txt", b"old")
    service.start()
    service.until_alike(account, MINUTES_S)
    account.clear_requests()
    for path in ids:
        service.machine.move(path, path.replace("Inbox", "Archive"))
    service.until_alike(account, MINUTES_S)
    assert {number: path.replace("Inbox", "Archive") for path, number in ids.items()}.items() <= where(
        account
    ).items()
    assert set(versions(account).values()) == {0}
    assert asked(account, "POST") == []
    ended(service, account)


def test_files_dragged_to_another_folder_are_moves(
    services: Callable[..., Service], account: Sandbox
) -> None:
    dragged(services(sync=BY_EVENTS), account, 200)


@pytest.mark.slow
def test_two_thousand_files_dragged_are_two_thousand_moves(
    services: Callable[..., Service], account: Sandbox
) -> None:
    dragged(services(sync=BY_EVENTS), account, 2000)


def test_a_tree_moved_within_the_root_is_one_rename_for_each_folder(
    services: Callable[..., Service], account: Sandbox
) -> None:
    """No content is sent, the assets and the tags stay the same."""
    service = services(sync=BY_EVENTS)
    paths = [f"Clients/C{n % 7}/P{n % 3}/{n:03}.txt" for n in range(120)]
    ids = stocked(service, account, paths)
    service.start()
    service.until_alike(account)
    tags = {tag.id for tag in account.store.tags()}
    account.clear_requests()
    service.machine.move("Clients", "Archive/2026/Clients")
    service.until_alike(account)
    assert where(account) == {number: f"Archive/2026/{path}" for path, number in ids.items()}
    assert asked(account, "POST") == []
    assert tags <= {tag.id for tag in account.store.tags()}
    service.machine.move("Archive/2026/Clients", "Clients")
    shutil.rmtree(service.machine.path("Archive"))
    service.until_alike(account)
    assert where(account) == {number: path for path, number in ids.items()}
    assert asked(account, "POST", "/api/assets") == []
    ended(service, account)


def test_a_storm_of_renames_ends_with_the_last_names(
    services: Callable[..., Service], account: Sandbox
) -> None:
    """Files renamed many times in a row, and in circles, keep their assets and their content."""
    service = services(sync=BY_EVENTS)
    a = service.machine
    ids = stocked(service, account, [f"A/{n:02}.txt" for n in range(40)])
    contents = {number: a.read(path) for path, number in ids.items()}
    service.start()
    service.until_alike(account)
    for turn in range(12):
        for number in range(40):
            a.move(f"A/{number:02}.txt", f"A/t{number}.tmp1")
        for number in range(40):
            a.move(f"A/t{number}.tmp1", f"A/{(number + 1) % 40:02}.txt")
        a.move("A", f"A{turn}")
        a.move(f"A{turn}", "A")
    for number in range(40):
        a.move(f"A/{number:02}.txt", f"A/last {number:02}.txt")
    service.until_alike(account)
    assert a.paths() == [f"A/last {number:02}.txt" for number in range(40)]
    assert {asset.id: account.store.content(asset.id) for asset in live_assets(account)} == contents
    ended(service, account)


@pytest.mark.slow
def test_five_thousand_files_copied_in_at_once(services: Callable[..., Service], account: Sandbox) -> None:
    """All of them are on the account once, while another file is saved again and again."""
    service = services(sync=BY_EVENTS).start()
    a = service.machine
    for number in range(5000):
        a.write(f"In/{number % 40:02}/{number:04}.txt", b"content %d" % number)
        if not number % 100:
            a.write("busy.txt", b"busy %d" % number)
    service.until_alike(account, 300)
    assert len(account.store.assets()) == 5001
    ended(service, account)


# -- how programs save


def test_every_way_to_save_is_a_version_of_the_same_asset(
    services: Callable[..., Service], account: Sandbox
) -> None:
    """A temporary file renamed over it, a backup made of the old file, written in place, deleted and anew."""
    service = services(safety=ALL, sync=BY_EVENTS)
    a = service.machine
    ways = ["over.txt", "backup.txt", "place.txt", "anew.txt", "exchange.txt"]
    ids = stocked(service, account, [f"Docs/{name}" for name in ways])
    service.start()
    service.until_alike(account)
    for turn in range(4):
        new = b"saved %d" % turn
        a.write("Docs/.over.txt.swp", new)
        a.move("Docs/.over.txt.swp", "Docs/over.txt")
        a.move("Docs/backup.txt", "Docs/backup.txt~")
        a.write("Docs/backup.txt", new)
        os.unlink(a.path("Docs/backup.txt~"))
        with open(a.path("Docs/place.txt"), "wb") as file:
            file.truncate()
            file.write(new)
        a.remove("Docs/anew.txt")
        a.write("Docs/anew.txt", new)
        a.move("Docs/exchange.txt", "Docs/exchange.old.txt")
        a.write("Docs/exchange.txt", new)
        a.remove("Docs/exchange.old.txt")
        service.until_alike(account)
        assert where(account) == {number: path for path, number in ids.items()}
        assert set(shown(account).values()) == {new}
    assert versions(account) == dict.fromkeys(ways, 4)
    assert trashed(account) == {}
    ended(service, account)


def test_a_storm_of_saves_is_few_versions(services: Callable[..., Service], account: Sandbox) -> None:
    """What is saved again and again goes up once it is quiet, or after the longest wait."""
    service = services(safety=ALL, sync=BY_EVENTS)
    a = service.machine
    stocked(service, account, [f"{n}.txt" for n in range(10)])
    service.start()
    service.until_alike(account)
    for turn in range(200):
        for number in range(10):
            a.write(f"new {number}.part", b"%d saved %d" % (number, turn))
            a.move(f"new {number}.part", f"{number}.txt")
    service.until_alike(account)
    assert a.tree() == {f"{n}.txt": b"%d saved 199" % n for n in range(10)}
    assert len(live_assets(account)) == 10
    assert max(versions(account).values()) <= 20
    ended(service, account)


def test_a_file_that_is_written_slowly_goes_up_once_and_whole(
    services: Callable[..., Service], account: Sandbox
) -> None:
    """While its program has it open, each look of the service leaves it alone."""
    service = services(safety=ALL, sync=BY_EVENTS).start()
    a = service.machine
    with open(a.path("slow.mov"), "wb") as file:
        for part in range(12):
            file.write(b"%03d" % part * 20_000)
            file.flush()
            a.write("beside.txt", b"%d" % part)
            until(lambda part=part: shown(account).get("beside.txt") == b"%d" % part, "a look in between")
            assert "slow.mov" not in shown(account)
        waiting = service.status()
        assert waiting is not None
        assert [trouble.path for trouble in waiting.waiting] == ["slow.mov"]
    service.until_alike(account)
    assert versions(account)["slow.mov"] == 0
    assert len(shown(account)["slow.mov"]) == 12 * 60_000
    ended(service, account)


# -- folders


def test_a_folder_renamed_while_files_in_it_are_saved(
    services: Callable[..., Service], account: Sandbox
) -> None:
    service = services(safety=ALL, sync=BY_EVENTS)
    a = service.machine
    ids = stocked(service, account, [f"Old/{n}/{n}.txt" for n in range(5)])
    service.start()
    service.until_alike(account)
    stop = threading.Event()

    def save() -> None:
        turn = 0
        while not stop.wait(0.5):  # quiet for longer than `settle`: else the longest wait is waited for
            turn += 1
            for folder in ("Old", "New"):
                try:
                    (a.root / folder / f"{turn % 5}/{turn % 5}.txt").write_bytes(b"saved %d" % turn)
                except FileNotFoundError:
                    continue

    saver = threading.Thread(target=save)
    saver.start()
    try:
        for _ in range(3):
            a.move("Old", "New")
            until(lambda: any(name.startswith("New") for name in tag_names(account)), "the tag is renamed")
            a.move("New", "Old")
            until(lambda: any(name.startswith("Old") for name in tag_names(account)), "and back")
    finally:
        stop.set()
        saver.join()
    service.until_alike(account)
    assert where(account) == {number: path for path, number in ids.items()}
    ended(service, account)


def test_deep_folders_and_files_made_at_once(services: Callable[..., Service], account: Sandbox) -> None:
    """Files that are there before their folder is watched are found."""
    service = services(sync=BY_EVENTS).start()
    a = service.machine
    for number in range(30):
        a.write(f"D{number}/a/b/c/d/e/f/{number}.txt", b"%d" % number)
        a.write(f"D{number}/a/b/{number}.txt", b"half way %d" % number)
    service.until_alike(account)
    assert len(account.store.assets()) == 60
    ended(service, account)


def test_a_folder_moved_out_of_the_root_and_back(
    services: Callable[..., Service], account: Sandbox, tmp_path: Path
) -> None:
    """Out: its assets go to the trash. Back: they are the same assets again."""
    service = services(safety=ALL, sync=BY_EVENTS)
    a = service.machine
    ids = stocked(service, account, [f"Project/{n // 5}/{n}.txt" for n in range(15)])
    a.write("stays.txt", b"stays")
    service.start()
    service.until_alike(account)
    os.rename(a.path("Project"), tmp_path / "outside")
    service.until_alike(account)
    assert {asset.id for asset in trashed(account).values()} == set(ids.values())
    (tmp_path / "outside/0/0.txt").write_bytes(b"edited outside")
    os.rename(tmp_path / "outside", a.path("Project"))
    service.until_alike(account)
    assert shown(account)["Project/0/0.txt"] == b"edited outside"
    a.write("Project/1/5.txt", b"edited inside")
    service.until_alike(account)
    assert shown(account)["Project/1/5.txt"] == b"edited inside"
    ended(service, account)


def test_a_folder_that_is_away_for_a_moment_is_not_deleted(
    services: Callable[..., Service], account: Sandbox, tmp_path: Path
) -> None:
    service = services(safety=ALL, sync={"settle": 1.0, **BY_EVENTS})
    a = service.machine
    ids = stocked(service, account, [f"Project/{n}.txt" for n in range(15)])
    service.start()
    service.until_alike(account)
    for _ in range(5):
        os.rename(a.path("Project"), tmp_path / "outside")
        os.rename(tmp_path / "outside", a.path("Project"))
    service.until_alike(account)
    assert where(account) == {number: path for path, number in ids.items()}
    assert asked(account, "PUT") == []
    ended(service, account)


#: What is told of "Late", and of what is below it, is heard so much later than the rest.
_HEARD_LATE = """
import threading
from fluxsync.engine.wake import Wake
told = Wake.dirty
def dirty(self, path):
    if path.partition("/")[0] != "Late":
        return told(self, path)
    timer = threading.Timer(2.5, told, (self, path))
    timer.daemon = True
    timer.start()
Wake.dirty = dirty
"""


def test_a_file_that_is_back_elsewhere_after_a_first_look_was_moved(
    services: Callable[..., Service], account: Sandbox, tmp_path: Path
) -> None:
    """It was seen to be gone, and what is gone is looked at again a quiet period later."""
    service = services(safety=ALL, sync={"settle": 2.0, **BY_EVENTS})
    a = service.machine
    ids = stocked(service, account, ["Inbox/logo.ai", "Inbox/stays.ai", "top.ai"])
    service.start()
    service.until_alike(account)
    account.clear_requests()
    for path in ("Inbox/logo.ai", "top.ai"):
        os.rename(a.path(path), tmp_path / path.rpartition("/")[2])
    until(lambda: asked(account), "it was seen that they are gone")
    a.path("Done/2026").mkdir(parents=True)
    os.rename(tmp_path / "logo.ai", a.path("Done/2026/logo.ai"))
    os.rename(tmp_path / "top.ai", a.path("Done/renamed.ai"))
    service.until_alike(account)
    assert where(account) == {
        ids["Inbox/logo.ai"]: "Done/2026/logo.ai",
        ids["Inbox/stays.ai"]: "Inbox/stays.ai",
        ids["top.ai"]: "Done/renamed.ai",
    }
    assert trashed(account) == {}
    assert asked(account, "POST", "/api/assets.") == []
    ended(service, account)


def test_a_folder_whose_arrival_is_heard_of_late_was_moved(
    services: Callable[..., Service], account: Sandbox
) -> None:
    """By then it was seen that it had left its place; its assets and its tags stay what they are."""
    service = services(safety=ALL, sync={"settle": 2.0, **BY_EVENTS})
    service.first = _HEARD_LATE
    a = service.machine
    ids = stocked(service, account, [f"Project/{n % 3}/{n}.txt" for n in range(15)])
    a.path("Late").mkdir()
    service.start()
    service.until_alike(account)
    tags = {tag.id for tag in account.store.tags()}
    account.clear_requests()
    os.rename(a.path("Project"), a.path("Late/Project"))
    service.until_alike(account)
    assert where(account) == {number: f"Late/{path}" for path, number in ids.items()}
    assert tags <= {tag.id for tag in account.store.tags()}
    assert trashed(account) == {}
    assert asked(account, "POST") == []
    ended(service, account)


def test_renames_of_case_alone(services: Callable[..., Service], account: Sandbox) -> None:
    service = services(sync=BY_EVENTS)
    a = service.machine
    ids = stocked(service, account, ["Logos/Logo.gif", "Logos/b.gif"])
    service.start()
    service.until_alike(account)
    a.move("Logos/Logo.gif", "Logos/LOGO.GIF")
    service.until_alike(account)
    assert where(account)[ids["Logos/Logo.gif"]] == "Logos/LOGO.GIF"
    a.move("Logos", "logos")
    service.until_alike(account)
    assert where(account) == {ids["Logos/Logo.gif"]: "logos/LOGO.GIF", ids["Logos/b.gif"]: "logos/b.gif"}
    ended(service, account)


def test_ignore_rules_that_come_and_go(services: Callable[..., Service], account: Sandbox) -> None:
    """What they exclude is left alone on both sides; without them both sides are merged again."""
    service = services(sync=BY_EVENTS)
    a = service.machine
    stocked(service, account, ["Work/a.psd", "Work/a.txt", "Work/Cache/c.txt", "b.txt"])
    service.start()
    service.until_alike(account)
    before = {asset.id for asset in account.store.assets()}
    a.write("Work/.fluxsyncignore", b"*.txt\nCache/\n")
    until(lambda: "Work/.fluxsyncignore" in shown(account), "the rules are on the account")
    a.write("Work/new.txt", b"not for the account")
    a.write("Work/a.psd", b"edited")
    a.remove("Work/a.txt")
    until(lambda: shown(account)["Work/a.psd"] == b"edited", "the rest goes on")
    assert shown(account).keys() == {
        *("Work/.fluxsyncignore", "Work/a.psd", "Work/a.txt", "Work/Cache/c.txt", "b.txt")
    }
    a.remove("Work/.fluxsyncignore")
    service.until_alike(account)
    assert before <= {asset.id for asset in live_assets(account)}
    assert shown(account)["Work/new.txt"] == b"not for the account"
    assert a.read("Work/a.txt") == b"content of Work/a.txt"
    ended(service, account)


# -- events that were lost


def _is_stopped(service: Service) -> bool:
    """Tell whether each thread of the process has stopped."""
    tasks = Path(f"/proc/{service.process.pid}/task").iterdir()
    return all((task / "stat").read_text().rpartition(")")[2].split()[0] == "T" for task in tasks)


def test_events_that_were_lost_are_noticed(services: Callable[..., Service], account: Sandbox) -> None:
    """More events than the system keeps, while the service cannot read any: it looks at everything."""
    service = services(safety=ALL, sync=BY_EVENTS)
    a = service.machine
    ids = stocked(service, account, [f"In/{n:02}.txt" for n in range(30)])
    service.start()
    service.until_alike(account)
    most = int(Path("/proc/sys/fs/inotify/max_queued_events").read_text())
    service.send(signal.SIGSTOP)
    until(lambda: _is_stopped(service), "it reads nothing any more")
    noise = a.path("noise.tmp")
    for _ in range(most // 3 + 100):  # made, moved here and deleted: three events and more
        noise.write_bytes(b"")
        noise.unlink()
    a.write("In/00.txt", b"edited")
    a.move("In/01.txt", "Out/Deep/01.txt")
    a.remove("In/02.txt")
    a.write("Made/At/Once/new.txt", b"new")
    service.send(signal.SIGCONT)
    service.until_alike(account)
    assert any("overflowed" in str(event.get("reason")) for event in service.events())
    assert shown(account)["In/00.txt"] == b"edited"
    assert where(account)[ids["In/01.txt"]] == "Out/Deep/01.txt"
    assert trashed(account).keys() == {"02.txt"}
    a.write("Made/At/Once/new.txt", b"edited, and seen")
    a.write("Out/Deep/02.txt", b"seen")
    service.until_alike(account)
    ended(service, account)


def test_a_process_that_was_stopped_for_a_while_catches_up(
    services: Callable[..., Service], account: Sandbox
) -> None:
    service = services()
    a = service.machine
    ids = stocked(service, account, [f"In/{n:02}.txt" for n in range(12)])
    service.start()
    service.until_alike(account)
    service.send(signal.SIGSTOP)
    for path in ids:
        a.move(path, path.replace("In", "Out"))
    account.store.add_version(ids["In/03.txt"], b"theirs", filename="03.txt")
    a.write("Out/04.txt", b"mine")
    service.send(signal.SIGCONT)
    service.until_alike(account)
    assert where(account) == {number: path.replace("In", "Out") for path, number in ids.items()}
    assert a.read("Out/03.txt") == b"theirs"
    assert shown(account)["Out/04.txt"] == b"mine"
    ended(service, account)


# -- sides at once, and ends in between


@pytest.mark.slow
def test_a_kill_in_the_middle_of_a_storm_doubles_nothing(
    services: Callable[..., Service], account: Sandbox
) -> None:
    """`kill -9` while files go up, again and again: each is one asset in the end."""
    service = services(sync=BY_EVENTS)
    a = service.machine
    for turn in range(3):
        service.start()
        for number in range(60):
            a.write(f"In/{turn}/{number:02}.txt", b"content %d %d" % (turn, number))
        before = len(account.store.assets())
        until(lambda before=before: len(account.store.assets()) >= before + 10, "some went up")
        service.kill()
    service.start()
    service.until_alike(account, MINUTES_S)
    assert len(account.store.assets()) == 180
    ended(service, account)
