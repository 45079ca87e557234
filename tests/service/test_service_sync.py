"""The service keeps both sides in step: real processes, files, events and requests."""

from __future__ import annotations

from collections.abc import Callable

from e2e_world import asked, asset_id, live, put_tags, rename_tag, trashed
from service_world import Service, agrees, shown, until

from fluxsync.sandbox.server import Sandbox


def test_what_is_saved_here_is_on_the_account(services: Callable[..., Service], account: Sandbox) -> None:
    """New files, edits, moves, renames of files and folders, and deletions go up, one asset for each file."""
    service = services().start()
    a = service.machine
    a.write("logo.gif", b"logo")
    a.write("Clients/Acme/brief.md", b"brief")
    service.until_alike(account)
    logo, brief = asset_id(account, "logo.gif"), asset_id(account, "brief.md")
    a.write("logo.gif", b"logo, edited")
    a.move("Clients", "Customers")
    service.until_alike(account)
    assert (asset_id(account, "logo.gif"), asset_id(account, "brief.md")) == (logo, brief)
    assert live(account)["logo.gif"].version == 1
    assert live(account)["brief.md"].version == 0
    a.move("logo.gif", "Customers/sign.gif")
    service.until_alike(account)
    assert asset_id(account, "sign.gif") == logo
    a.remove("Customers/sign.gif")
    service.until_alike(account)
    assert trashed(account).keys() == {"sign.gif"}
    assert service.stop() == 0
    agrees(service, account)


def test_what_changes_on_the_account_comes_here(services: Callable[..., Service], account: Sandbox) -> None:
    """New assets, versions, tags and deletions come down at the next look."""
    service = services().start()
    number = account.store.create_asset("poster.jpg", b"poster", tags=("Print",))
    service.until_alike(account)
    account.store.add_version(number, b"poster, edited", filename="poster.jpg")
    service.until_alike(account)
    rename_tag(account, "Print", "Printed")
    service.until_alike(account)
    assert service.machine.tree() == {"Printed/poster.jpg": b"poster, edited"}
    put_tags(account, "poster.jpg", "fluxsync-trash", "Printed")
    service.until_alike(account)
    assert service.machine.paths() == []
    assert service.stop() == 0
    agrees(service, account)


def test_a_saved_file_costs_no_list_and_no_walk(services: Callable[..., Service], account: Sandbox) -> None:
    """One file saved in a library that is not small asks for that asset alone."""
    for number in range(1800):
        account.store.create_asset(f"{number}.txt", b"%d" % number, tags=("Many",))
    service = services(sync={"poll_interval": 600}).start()
    service.until_alike(account)
    account.clear_requests()
    service.machine.write("Many/7.txt", b"edited")
    until(lambda: shown(account)["Many/7.txt"] == b"edited", "the edit is on the account")
    service.until_alike(account)
    assert asked(account, "GET", "/api/assets.xml") == []
    assert len(asked(account)) <= 8, asked(account)


def test_both_sides_at_once_are_kept_as_two_files(services: Callable[..., Service], account: Sandbox) -> None:
    """An edit here of what was edited there between two looks buries nothing."""
    service = services(sync={"poll_interval": 600}).start()
    a = service.machine
    a.write("a.txt", b"first")
    service.until_alike(account)
    account.store.add_version(asset_id(account, "a.txt"), b"theirs", filename="a.txt")
    a.write("a.txt", b"mine")
    service.until_alike(account)
    assert sorted(a.tree().values()) == [b"mine", b"theirs"]
    assert a.tree()["a.txt"] == b"theirs"
