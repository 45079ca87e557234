"""The connection: what is repeated, what is refused, who sees the password."""

from __future__ import annotations

import socket
from collections.abc import Iterator

import httpx
import pytest
import respx
from fluxiom_world import ACCOUNT, API, READER, URL, USER, XML, Bytes, Clock, asset_xml, page_xml

from fluxsync.errors import ConfigError, Full, Rejected, Stale, Unauthorized, Unavailable
from fluxsync.replica.fluxiom.client import Client


def ok(body: bytes | str) -> httpx.Response:
    return httpx.Response(200, content=body, headers=XML)


def test_a_read_is_repeated_until_it_succeeds(web: respx.Router, client: Client) -> None:
    route = web.get(f"{API}/user.xml")
    route.side_effect = [httpx.ConnectError("no"), httpx.Response(502), httpx.ReadTimeout("slow"), ok(USER)]
    assert client.user().id == 35
    assert client.requests == 4


def test_a_read_is_given_up_after_some_tries(web: respx.Router, client: Client) -> None:
    route = web.get(f"{API}/user.xml").mock(return_value=httpx.Response(500))
    with pytest.raises(Unavailable):
        client.user()
    assert 3 <= route.call_count <= 5


@pytest.mark.parametrize("trouble", [httpx.ReadTimeout("slow"), httpx.Response(502), httpx.WriteError("cut")])
def test_an_upload_whose_answer_was_lost_is_not_repeated(
    web: respx.Router, client: Client, trouble: httpx.Response | Exception
) -> None:
    route = web.post(f"{API}/assets.xml").mock(side_effect=[trouble])
    with pytest.raises(Unavailable) as error:
        client.create("a.gif", Bytes(b"hello"), "a", "", "")
    assert (route.call_count, error.value.unsent) == (1, False)


def test_an_upload_that_never_left_is_repeated(web: respx.Router, client: Client) -> None:
    route = web.post(f"{API}/assets.xml")
    route.side_effect = [httpx.ConnectError("no"), httpx.ConnectTimeout("no"), ok(asset_xml(1))]
    asset, digest = client.create("a.gif", Bytes(b"hello"), "a", "", "")
    assert (asset.id, len(digest), route.call_count) == (1, 64, 3)


def test_a_refused_connection_left_nothing() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
    clock = Clock()
    client = Client(f"http://127.0.0.1:{port}", "jane", "s3cret", clock=clock, sleep=clock.sleep)
    with pytest.raises(Unavailable) as error:
        client.create("a.gif", Bytes(b"hello"), "a", "", "")
    client.close()
    assert error.value.unsent
    assert "cannot be reached: Connection refused: check" in str(error.value)


@pytest.mark.parametrize("status", [429, 503])
def test_no_request_leaves_before_retry_after_has_passed(
    web: respx.Router, client: Client, clock: Clock, status: int
) -> None:
    busy = httpx.Response(status, headers={"Retry-After": "30"})
    sent: list[float] = []

    def answer(request: httpx.Request) -> httpx.Response:
        sent.append(clock.now)
        return busy if len(sent) == 1 else ok(USER)

    web.get(f"{API}/user.xml").mock(side_effect=answer)
    client.user()
    assert sent[1] >= sent[0] + 30


def test_a_refused_write_is_sent_again_after_the_pause(
    web: respx.Router, client: Client, clock: Clock
) -> None:
    route = web.post(f"{API}/assets.xml")
    route.side_effect = [httpx.Response(503, headers={"Retry-After": "5"}), ok(asset_xml(1))]
    client.create("a.gif", Bytes(b"hello"), "a", "", "")
    assert clock.now >= 1005


def test_a_long_retry_after_is_said_at_once_and_holds_for_all(web: respx.Router, client: Client) -> None:
    route = web.get(f"{API}/user.xml").mock(return_value=httpx.Response(429, headers={"Retry-After": "3600"}))
    with pytest.raises(Unavailable, match=r"36\d\d s") as error:
        client.user()
    with pytest.raises(Unavailable):
        client.tags()
    assert error.value.retry_after_s is not None
    assert route.call_count == 1


def test_401_is_one_request_and_then_none(web: respx.Router, client: Client) -> None:
    route = web.route().mock(return_value=httpx.Response(401))
    for _ in range(3):
        with pytest.raises(Unauthorized):
            client.user()
    with pytest.raises(Unauthorized):
        client.delete(1)
    assert route.call_count == 1


@pytest.mark.parametrize(
    "answer",
    [
        httpx.Response(200, html="<html>Hotel</html>"),
        httpx.Response(200, content=b"  <!DOCTYPE html><html>", headers=XML),
        httpx.Response(302, headers={"Location": "https://portal.example/login"}),
        httpx.Response(301, headers={"Location": "http://["}),
    ],
)
def test_a_login_page_is_offline(web: respx.Router, client: Client, answer: httpx.Response) -> None:
    route = web.route().mock(return_value=answer)
    with pytest.raises(Unavailable, match="offline"):
        client.assets_page(1)
    with pytest.raises(Unavailable, match="offline"):
        client.update(1, "", "", "")
    assert {call.request.url.host for call in route.calls} == {"acme.fluxiom.com"}


@pytest.mark.parametrize(
    ("status", "body", "error", "words"),
    [
        (422, b"<errors><error>Name is too long</error></errors>", Rejected, "Name is too long"),
        (400, b"x" * 5000, Rejected, "x{200}$"),
        (403, b"", Unauthorized, "manage_assets"),
        (404, b"", Stale, "gone"),
        (413, b"", Rejected, "too large"),
        (507, b"", Full, "full"),
        (418, b"\x00\x01", Rejected, "418"),
    ],
)
def test_what_a_refused_write_means(  # type: ignore[no-untyped-def]
    web: respx.Router, client: Client, status: int, body: bytes, error, words: str
) -> None:
    route = web.post(f"{API}/assets.xml").mock(return_value=httpx.Response(status, content=body))
    web.get(f"{API}/account.xml").mock(return_value=ok(ACCOUNT))
    with pytest.raises(error, match=words):
        client.create("a.gif", Bytes(b"hello"), "a", "", "")
    assert route.call_count == 1


def test_413_without_room_in_the_account_is_full(web: respx.Router, client: Client) -> None:
    web.post(f"{API}/assets.xml").mock(return_value=httpx.Response(413))
    web.get(f"{API}/account.xml").mock(return_value=ok(ACCOUNT))
    with pytest.raises(Full, match="1000 bytes"):
        client.create("a.gif", Bytes(bytes(2000)), "a", "", "")


def test_403_for_one_item_is_a_problem_of_that_item_where_the_user_has_the_right(
    web: respx.Router, client: Client
) -> None:
    web.get(f"{API}/user.xml").mock(return_value=ok(USER))
    web.put(f"{API}/assets/1.xml").mock(return_value=httpx.Response(403))
    client.user()
    with pytest.raises(Rejected):
        client.update(1, "", "", "")


def test_an_asset_that_is_not_there_is_none(web: respx.Router, client: Client) -> None:
    web.get(f"{API}/assets/1.xml").mock(return_value=httpx.Response(404))
    web.get(f"{API}/assets/2.xml").mock(return_value=ok(asset_xml(1)))
    assert client.asset(1) is None
    with pytest.raises(Unavailable, match="asset 1 instead of 2"):
        client.asset(2)


def test_an_account_that_is_not_there_is_unavailable(web: respx.Router, client: Client) -> None:
    web.get(f"{API}/user.xml").mock(return_value=httpx.Response(404))
    with pytest.raises(Unavailable, match="URL"):
        client.user()


def test_a_list_is_always_asked_for_as_xml_by_the_hundred(web: respx.Router, client: Client) -> None:
    route = web.get(f"{API}/assets.xml", params={"per_page": "100", "page": "3"}).mock(
        return_value=ok(page_xml([1]))
    )
    assert client.assets_page(3) == page_xml([1])
    assert route.called


def test_a_download_on_another_host_never_sees_the_password(web: respx.Router, client: Client) -> None:
    ours = web.get(f"{API}/assets/download/1").mock(
        return_value=httpx.Response(302, headers={"Location": "https://cdn.example/x?sig=1"})
    )
    theirs = web.get("https://cdn.example/x").mock(return_value=httpx.Response(200, content=b"hello"))
    download = client.download(1)
    assert b"".join(download.blocks()) == b"hello"
    download.close()
    assert "Authorization" in ours.calls[0].request.headers
    assert "Authorization" not in theirs.calls[0].request.headers


def test_a_download_on_the_same_host_keeps_it(web: respx.Router, client: Client) -> None:
    web.get(f"{API}/assets/download/1").mock(
        return_value=httpx.Response(302, headers={"Location": "/files/1"})
    )
    moved = web.get(f"{URL}/files/1").mock(return_value=httpx.Response(200, content=b"hello"))
    client.download(1).close()
    assert "Authorization" in moved.calls[0].request.headers


@pytest.mark.parametrize("target", ["http://acme.fluxiom.com/x", "file:///etc/passwd", "https://u:p@x/"])
def test_a_download_is_not_followed_to_a_less_safe_place(
    web: respx.Router, client: Client, target: str
) -> None:
    web.get(f"{API}/assets/download/1").mock(return_value=httpx.Response(302, headers={"Location": target}))
    with pytest.raises(Unavailable):
        client.download(1)
    assert client.requests == 1


@pytest.mark.parametrize("status", [401, 403])
def test_a_reader_is_told_which_right_a_download_needs(
    web: respx.Router, client: Client, status: int
) -> None:
    web.get(f"{API}/user.xml").mock(return_value=ok(READER))
    web.get(f"{API}/assets/download/1").mock(return_value=httpx.Response(status))
    client.user()
    with pytest.raises(Unauthorized, match="manage_assets"):
        client.download(1)
    client.user()  # the password was not at fault


def test_a_download_that_breaks_off_is_unavailable(web: respx.Router, client: Client) -> None:
    def broken() -> Iterator[bytes]:
        yield b"hel"
        raise httpx.ReadError("cut")

    web.get(f"{API}/assets/download/1").mock(return_value=httpx.Response(200, content=broken()))
    download = client.download(1)
    with pytest.raises(Unavailable):
        list(download.blocks())
    download.close()


def test_the_password_is_nowhere_to_be_read(web: respx.Router, client: Client) -> None:
    web.route().mock(side_effect=httpx.ConnectError("no route to host"))
    with pytest.raises(Unavailable) as error:
        client.user()
    assert "s3cret" not in repr(client) + str(error.value) + repr(error.value)


@pytest.mark.parametrize(
    "url", ["http://acme.fluxiom.com", "ftp://x", "acme.fluxiom.com", "https://jane:pw@acme.fluxiom.com", ""]
)
def test_an_address_that_shows_the_password_is_refused(url: str) -> None:
    with pytest.raises(ConfigError, match=r"\[remote\] url"):
        Client(url, "jane", "s3cret")


def test_plain_http_is_taken_on_this_machine_or_where_it_is_allowed() -> None:
    Client("http://127.0.0.1:8787", "jane", "s3cret").close()
    Client("http://nas.local", "jane", "s3cret", allow_http=True).close()


def test_a_name_that_is_no_unicode_is_a_problem_of_that_file(client: Client) -> None:
    with pytest.raises(Rejected, match="Unicode"):
        client.create("a\udcff.gif", Bytes(b"x"), "a", "", "")
    with pytest.raises(Rejected, match="Unicode"):
        client.create_tag("a\udcff")


def test_bytes_and_progress_are_counted(web: respx.Router, client: Client, clock: Clock) -> None:
    web.post(f"{API}/assets.xml").mock(return_value=ok(asset_xml(1)))
    clock.now = 2000
    client.create("a.gif", Bytes(bytes(5000)), "a", "", "")
    assert client.bytes_up > 5000
    assert client.bytes_down == len(asset_xml(1))
    assert client.idle_s == 0


def test_the_services_clock_is_kept(web: respx.Router, client: Client) -> None:
    answer = ok(USER)
    answer.headers["Date"] = "Sun, 22 Nov 2026 03:00:00 GMT"
    web.get(f"{API}/user.xml").mock(return_value=answer)
    assert client.server_date is None
    client.user()
    assert client.server_date is not None
    assert client.server_date.isoformat() == "2026-11-22T03:00:00+00:00"
