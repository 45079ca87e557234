"""Services that do what the documentation leaves open, or what a good one never does."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from urllib.parse import parse_qs

import httpx
import pytest
import respx
from fluxiom_world import ACCOUNT, API, USER, XML, Bytes, Clock, asset_xml, page_xml

from fluxsync.core.model import Entry, Kind, Place, Scope
from fluxsync.errors import Corrupted, Rejected, Unavailable
from fluxsync.replica.fluxiom.client import Client
from fluxsync.replica.fluxiom.placement import Placement
from fluxsync.replica.fluxiom.replica import Fluxiom

ACME = Entry(Kind.FILE, Place("7@tag", "1.gif"), key="1", revision=0, size=5, memo="1279019631|7|")


def ok(body: bytes | str) -> httpx.Response:
    return httpx.Response(200, content=body, headers=XML)


def tag_xml(number: int, name: str) -> str:
    return f"<tag><tag>{name}</tag><id>{number}</id></tag>"


@pytest.fixture
def web() -> Iterator[respx.Router]:
    with respx.mock(assert_all_called=False) as router:
        router.get(f"{API}/user.xml").mock(return_value=ok(USER))
        router.get(f"{API}/account.xml").mock(return_value=ok(ACCOUNT))
        tags = tag_xml(7, "Acme") + tag_xml(8, "Zoo") + tag_xml(9, "fluxsync-trash")
        router.get(f"{API}/tags.xml").mock(return_value=ok(f"<tags>{tags}</tags>"))
        yield router


@pytest.fixture
def replica(web: respx.Router) -> Iterator[Fluxiom]:
    clock = Clock()
    client = Client("https://acme.fluxiom.com", "jane", "s3cret", clock=clock, sleep=clock.sleep)
    yield Fluxiom(client, Placement(), sender="DESK-ab12")
    client.close()


def sent_tags(call: object) -> list[str]:
    body = call.request.content.decode()  # type: ignore[attr-defined]
    return parse_qs(body, keep_blank_values=True)["tags"][0].split(",")


def answering(
    tags_of: Callable[[list[str]], list[tuple[int, str]]],
) -> Callable[[httpx.Request], httpx.Response]:
    """Answer a PUT with the tags that the service makes of what was sent."""

    def answer(request: httpx.Request) -> httpx.Response:
        sent = parse_qs(request.content.decode(), keep_blank_values=True)["tags"][0].split(",")
        return ok(asset_xml(1, tags=tags_of(sent)))

    return answer


def test_where_ids_are_taken_for_names_the_second_try_is_by_name(web: respx.Router, replica: Fluxiom) -> None:
    names = {"Acme": 7, "Zoo": 8, "fluxsync-trash": 9}
    web.get(f"{API}/assets/1.xml").mock(return_value=ok(asset_xml(1, tags=[(7, "Acme")])))
    put = web.put(f"{API}/assets/1.xml").mock(
        side_effect=answering(lambda sent: [(names.get(name, 100), name) for name in sent])
    )
    assert replica.move(ACME, Place("8@tag", "1.gif")).place.folder == "8@tag"
    assert [sent_tags(call) for call in put.calls] == [["8"], ["Zoo"]]
    replica.move(ACME, Place("8@tag", "1.gif"))
    assert sent_tags(put.calls[2]) == ["Zoo"]


def test_tags_that_do_not_become_what_was_meant_are_reported(web: respx.Router, replica: Fluxiom) -> None:
    web.get(f"{API}/assets/1.xml").mock(return_value=ok(asset_xml(1, tags=[(7, "Acme")])))
    put = web.put(f"{API}/assets/1.xml").mock(side_effect=answering(lambda sent: [(7, "Acme"), (8, "Zoo")]))
    with pytest.raises(Rejected, match=r"too many \[7\]"):
        replica.move(ACME, Place("8@tag", "1.gif"))
    assert put.call_count == 2


def test_an_answer_without_a_body_is_read_back(web: respx.Router, replica: Fluxiom) -> None:
    states = [ok(asset_xml(1, tags=[(7, "Acme")])), ok(asset_xml(1, tags=[(8, "Zoo")]))]
    web.get(f"{API}/assets/1.xml").mock(side_effect=states)
    empty = httpx.Response(200, content=b" ", headers={"Content-Type": "text/html"})
    web.put(f"{API}/assets/1.xml").mock(return_value=empty)
    assert replica.move(ACME, Place("8@tag", "1.gif")).place.folder == "8@tag"


def test_an_upload_that_arrived_short_goes_to_the_trash(web: respx.Router, replica: Fluxiom) -> None:
    web.post(f"{API}/assets.xml").mock(return_value=ok(asset_xml(1, size=3, tags=[(7, "Acme")])))
    put = web.put(f"{API}/assets/1.xml").mock(
        return_value=ok(asset_xml(1, size=3, tags=[(7, "Acme"), (9, "fluxsync-trash")]))
    )
    with pytest.raises(Corrupted, match="3 bytes instead of 5"):
        replica.put(Place("7@tag", "1.gif"), Bytes(b"hello"), None)
    assert sent_tags(put.calls[0]) == ["7", "9"]


def test_an_upload_whose_tags_cannot_be_set_goes_to_the_trash(web: respx.Router, replica: Fluxiom) -> None:
    web.post(f"{API}/assets.xml").mock(return_value=ok(asset_xml(1)))
    put = web.put(f"{API}/assets/1.xml").mock(
        side_effect=answering(lambda sent: [(9, "fluxsync-trash")] if "9" in sent else [])
    )
    with pytest.raises(Rejected, match=r"missing \[7\]"):
        replica.put(Place("7@tag", "1.gif"), Bytes(b"hello"), None)
    assert sent_tags(put.calls.last) == ["9"]


def test_a_file_name_that_the_service_altered_is_reported(web: respx.Router, replica: Fluxiom) -> None:
    web.post(f"{API}/assets.xml").mock(return_value=ok(asset_xml(1, tags=[(7, "Acme")], filename="a_b.gif")))
    entry = replica.put(Place("7@tag", "a b.gif"), Bytes(b"hello"), None)
    assert entry.place.name == "a b.gif"
    assert ["a b.gif" in report for report in replica.reports] == [True]


def test_where_versions_do_not_rename_the_title_does_from_then_on(
    web: respx.Router, replica: Fluxiom
) -> None:
    before = asset_xml(1, tags=[(7, "Acme")])
    after = asset_xml(1, tags=[(7, "Acme")], version=1)
    web.get(f"{API}/assets/1.xml").mock(side_effect=[ok(before), ok(after)])
    web.post(f"{API}/assets/1/versions.xml").mock(
        return_value=ok(
            "<version><id>5</id><version>1</version><size>5</size><filename>1.gif</filename></version>"
        )
    )
    put = web.put(f"{API}/assets/1.xml").mock(
        return_value=ok(after.replace("<title>t1</title>", "<title>new.gif</title>"))
    )
    entry = replica.put(Place("7@tag", "new.gif"), Bytes(b"hello"), ACME)
    assert (entry.place.name, entry.revision) == ("new.gif", 1)
    assert (put.call_count, replica.facts["renames"]) == (1, "no")


def test_a_tag_that_the_service_cuts_is_taken_back_and_reported(web: respx.Router, replica: Fluxiom) -> None:
    web.post(f"{API}/tags.xml").mock(return_value=ok(tag_xml(20, "Very long")))
    web.get(f"{API}/tags/20.xml").mock(return_value=ok(tag_xml(20, "Very long")))
    removed = web.delete(f"{API}/tags/20.xml").mock(return_value=httpx.Response(200))
    with pytest.raises(Rejected, match='"Very long" of the tag "Very long name"'):
        replica.make_folder(Place("", "Very long name"))
    assert removed.called


def test_a_tag_that_was_there_is_not_taken_back(web: respx.Router, replica: Fluxiom) -> None:
    web.post(f"{API}/tags.xml").mock(return_value=ok(tag_xml(7, "Acme")))
    removed = web.delete(f"{API}/tags/7.xml").mock(return_value=httpx.Response(200))
    with pytest.raises(Rejected):
        replica.make_folder(Place("", "Acme Inc"))
    assert not removed.called


def test_a_404_for_the_first_page_is_an_empty_list(web: respx.Router, replica: Fluxiom) -> None:
    web.get(f"{API}/assets.xml").mock(return_value=httpx.Response(404))
    snapshot = replica.scan(Scope(), {})
    assert (snapshot.files, snapshot.complete) == ({}, True)


@pytest.mark.parametrize(
    "answer",
    [
        httpx.Response(200, html="<html>Log in</html>"),
        ok(page_xml(range(100))[:-50]),
        ok("<documents><asset><id>-1</id></asset></documents>"),
        httpx.Response(302, headers={"Location": "/login"}),
    ],
    ids=["a login page", "truncated", "a damaged record", "a redirect"],
)
def test_a_list_that_is_none_is_never_a_snapshot(
    web: respx.Router, replica: Fluxiom, answer: httpx.Response
) -> None:
    web.get(f"{API}/assets.xml").mock(return_value=answer)
    with pytest.raises(Unavailable):
        replica.scan(Scope(), {})
