"""Which format an answer has."""

import json

import pytest

from .client import Client

XML, JSON = "application/xml; charset=utf-8", "application/json; charset=utf-8"


@pytest.mark.parametrize(
    ("path", "accept", "content_type"),
    [
        ("/api/user.xml", "application/json", XML),
        ("/api/user.json", "application/xml", JSON),
        ("/api/user", "*/*", JSON),
        ("/api/user", "application/xml", XML),
        ("/api/user", "text/xml, application/json", XML),
        ("/api/user", "application/json, text/xml", JSON),
    ],
)
def test_the_extension_decides_and_then_the_accept_header(
    client: Client, path: str, accept: str, content_type: str
) -> None:
    assert client.get(path, Accept=accept).headers["content-type"] == content_type


def test_a_callback_wraps_json_in_a_function_call(client: Client) -> None:
    answer = client.get("/api/user.json?callback=my.handlers._1$")
    assert answer.headers["content-type"] == "text/javascript; charset=utf-8"
    text = answer.body.decode()
    assert text.startswith("my.handlers._1$(")
    assert json.loads(text[len("my.handlers._1$(") : -1])["id"] == 35


def test_a_callback_does_nothing_to_xml(client: Client) -> None:
    assert client.get("/api/user.xml?callback=foo").xml.tag == "user"


@pytest.mark.parametrize("name", ["alert(1)", "a%3Cb", "1a", "a..b", "a%0A", "x" * 101, "%C3%A9"])
def test_a_callback_that_is_no_function_name_is_refused(client: Client, name: str) -> None:
    answer = client.get(f"/api/user.json?callback={name}")
    assert (answer.status, answer.headers["content-type"]) == (400, JSON)


def test_line_ends_that_javascript_minds_are_escaped_in_a_call(client: Client) -> None:
    client.post("/api/tags.json", tag="a\u2028b\u2029c")
    assert "a\\u2028b\\u2029c" in client.get("/api/tags.json?callback=f").body.decode()
    assert "a\u2028b\u2029c" in client.get("/api/tags.json").body.decode()


@pytest.mark.parametrize(
    "path",
    [
        "/api/assets/999.xml",
        "/api/assets/abc.xml",
        "/api/none.xml",
        "/api//user.xml",
        "/api/tags/99999999999999999999.xml",
    ],
)
def test_what_does_not_exist_is_404_with_a_small_body_in_the_format_asked_for(
    client: Client, path: str
) -> None:
    answer = client.get(path)
    assert answer.status == 404
    assert answer.xml.tag == "error"
    assert len(answer.body) < 200


def test_a_wrong_method_is_405_and_names_the_right_ones(client: Client) -> None:
    answer = client.call("DELETE", "/api/account.json")
    assert answer.status == 405
    assert "GET" in answer.headers["allow"]
