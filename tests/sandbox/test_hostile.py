"""What no good client sends: answered with 4xx, never 500, and nothing stays behind."""

import base64
import socket
import time
from pathlib import Path

import pytest

from fluxsync.sandbox import disposition
from fluxsync.sandbox.errors import MalformedRequest
from fluxsync.sandbox.server import Sandbox

from .client import BOUNDARY, Client, form

LINE = f"--{BOUNDARY}\r\n".encode()
END = f"--{BOUNDARY}--\r\n".encode()
FILE = b'Content-Disposition: form-data; name="file"; filename="a.txt"\r\n\r\n'


def leftovers(sandbox: Sandbox) -> list[Path]:
    folder = sandbox.store.blobs.incoming.parent
    return [path for path in folder.rglob("*") if path.is_file() and not path.name.startswith("sandbox.db")]


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"rubbish", 400),
        (LINE + FILE + b"data", 400),
        (LINE + FILE + b"data\r\n" + LINE, 400),
        (LINE + FILE + b"data\r\n--" + BOUNDARY.encode(), 400),
        (LINE + b"\r\n\r\ndata\r\n" + END, 400),
        (LINE + b"Content-Disposition: form-data\r\n\r\ndata\r\n" + END, 400),
        (LINE + b'Content-Disposition: form-data; name="file"; filename="a\r\n\r\ndata\r\n' + END, 400),
        (LINE + FILE.replace(b"a.txt", b"\xff.txt") + b"data\r\n" + END, 400),
        (LINE + b"X: " + b"y" * 70_000 + b"\r\n" + FILE + b"data\r\n" + END, 400),
        (LINE + FILE + b"one\r\n" + LINE + FILE + b"two\r\n" + END, 422),
        (LINE + FILE.replace(b"a.txt", b"") + b"data\r\n" + END, 422),
        (LINE + FILE.replace(b'; filename="a.txt"', b"") + b"data\r\n" + END, 422),
        (LINE + FILE.replace(b'"file"', b'"other"') + b"data\r\n" + END, 422),
        (
            LINE
            + FILE
            + b"x\r\n"
            + LINE
            + b'Content-Disposition: form-data; name="title"\r\n\r\n\xff\r\n'
            + END,
            400,
        ),
        (b"x" + END, 400),
        (END, 422),
        (form(None, **{f"field{n}": "x" for n in range(300)}), 400),
        (form(b"x", title="y" * 2_000_000), 400),
        (b"", 422),
    ],
)
def test_a_form_that_is_none_is_refused_and_leaves_nothing(
    sandbox: Sandbox, client: Client, body: bytes, status: int
) -> None:
    assert client.send_body("/api/assets.json", body).status == status
    assert leftovers(sandbox) == []
    assert sandbox.store.assets() == []


@pytest.mark.parametrize(
    ("content_type", "body", "status"),
    [
        ("multipart/form-data", b"x", 400),
        ("multipart/form-data; boundary=", b"x", 400),
        ("application/json", b'{"title": "x"}', 415),
        ("application/x-www-form-urlencoded", b"title=%FF", 400),
        ("application/x-www-form-urlencoded", b"title=\xff", 400),
        ("application/x-www-form-urlencoded", b"a=b&" * 2000, 400),
    ],
)
def test_a_body_that_is_no_form_is_refused(
    sandbox: Sandbox, client: Client, content_type: str, body: bytes, status: int
) -> None:
    asset_id = sandbox.store.create_asset("a", b"")
    answer = client.call("PUT", f"/api/assets/{asset_id}.json", body, Content_Type=content_type)
    assert answer.status == status
    assert sandbox.store.asset(asset_id).title == "a"


@pytest.mark.parametrize("query", ["query=%FF", "tags=%C3", "callback=%FF"])
def test_an_address_that_is_not_utf_8_is_refused(client: Client, query: str) -> None:
    assert client.get(f"/api/assets.json?{query}").status == 400


def test_a_file_in_an_update_is_refused(sandbox: Sandbox, client: Client) -> None:
    asset_id = sandbox.store.create_asset("a", b"old")
    assert client.send_body(f"/api/assets/{asset_id}.json", form(b"new"), "PUT").status == 422
    assert sandbox.store.content(asset_id) == b"old"


@pytest.mark.parametrize("path", ["/api/assets/1/versions.json", "/api/assets/1.json"])
def test_new_content_for_an_unknown_asset_is_404_and_leaves_nothing(
    sandbox: Sandbox, client: Client, path: str
) -> None:
    method = "POST" if "versions" in path else "PUT"
    body = form(b"x" if method == "POST" else None, title="t")
    assert client.send_body(path, body, method).status == 404
    assert leftovers(sandbox) == []


def test_a_request_that_is_broken_off_leaves_nothing(sandbox: Sandbox, client: Client) -> None:
    login = base64.b64encode(b"demo:demo").decode()
    body = form(b"x" * 1_000_000)
    head = (
        f"POST /api/assets.json HTTP/1.1\r\nHost: x\r\nAuthorization: Basic {login}\r\n"
        f"Content-Type: multipart/form-data; boundary={BOUNDARY}\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    with socket.create_connection(("127.0.0.1", sandbox.port)) as broken:
        broken.sendall(head.encode() + body[:-1])
        broken.shutdown(socket.SHUT_WR)
        assert broken.recv(1) == b""  # the server has noticed the end and has closed its side
    assert client.get("/api/assets.json").status == 404
    assert leftovers(sandbox) == []


ODD_NAMES = [
    'say "hi".txt',
    "back\\slash.txt",
    "ends with \\",
    "../../etc/passwd",
    "/absolute",
    "C:\\folder\\file.txt",
    "new\nline\r.txt",
    "semi;colon=x.txt",
    "percent%20sign %41.txt",
    "日本語 émigré 🎨.psd",
    "e\u0301.txt",
    "control\x01char",
    "nul\0byte.png",
    ".",
    "a" * 1000 + ".gif",
    "data:image.png",
    "'; DROP TABLE assets; --",
    "<script>&amp;]]>",
]


@pytest.mark.parametrize("name", ODD_NAMES)
def test_any_file_name_is_kept_as_sent(sandbox: Sandbox, client: Client, name: str) -> None:
    created = client.send("/api/assets.json", b"content", name)
    assert created.json["filename"] == name
    in_xml = client.get("/api/assets.xml").xml.findtext("asset/filename")
    assert in_xml == name.replace("\x01", "\ufffd").replace("\0", "\ufffd")
    download = client.get(f"/api/assets/download/{created.json['id']}")
    assert download.body == b"content"
    assert disposition.filename(disposition.parameters(download.headers["content-disposition"])) == name
    assert {path.parent.parent.name for path in leftovers(sandbox)} == {"content"}


@pytest.mark.parametrize(
    ("header", "name"),
    [
        ('form-data; name="file"; filename="a\\"b\\\\c.txt"', 'a"b\\c.txt'),
        ('form-data; name="file"; filename="a%22b%0D%0A%20.txt"', 'a"b\r\n%20.txt'),
        ("form-data; name=file; filename=plain.txt", "plain.txt"),
        ('form-data; name="file"; filename="_.txt"; filename*=UTF-8\'\'%e2%82%ac.txt', "€.txt"),
        ("form-data; name=\"file\"; filename*=utf-8'en'a%20b", "a b"),
        ('form-data; filename="x.txt" ; NAME = "file"', "x.txt"),
        ('form-data; name="file"', None),
    ],
)
def test_every_way_to_write_a_file_name_is_read(header: str, name: str | None) -> None:
    found = disposition.parameters(header)
    assert (found["name"], disposition.filename(found)) == ("file", name)


def test_a_name_with_broken_escapes_is_refused() -> None:
    with pytest.raises(MalformedRequest):
        disposition.filename({"filename*": "UTF-8''%ff"})


def test_a_header_full_of_backslashes_is_read_in_no_time() -> None:
    started = time.process_time()
    with pytest.raises(MalformedRequest):
        disposition.parameters('form-data; name="' + "\\" * 60_000)
    assert time.process_time() - started < 1


@pytest.mark.parametrize("size", [0, 1, 2**20 - 70, 2**20 - 1, 2**20, 2**20 + 1, 3 * 2**20 + 17])
def test_content_of_any_length_arrives_whole(client: Client, size: int) -> None:
    content = (b"\r\n--" + BOUNDARY.encode()[:-1] + b"\r\n-" * 5)[:size].ljust(size, b"\r")
    created = client.send("/api/assets.json", content, "a.bin").json
    assert created["size"] == size
    assert client.get(f"/api/assets/download/{created['id']}").body == content


@pytest.mark.parametrize("before_cut", [1, 2, 5, 15, len(BOUNDARY) + 3])
def test_a_boundary_that_is_cut_by_the_block_size_is_found(client: Client, before_cut: int) -> None:
    """The server reads bodies in blocks of a mebibyte; the last boundary begins just before a block's end."""
    before_content = form(b"", "a.bin").index(b"\r\n\r\n") + 4
    size = 2**20 - before_content - before_cut
    assert client.send("/api/assets.json", bytes(size), "a.bin").json["size"] == size


@pytest.mark.parametrize("padding", [b"", b"preamble\r\n", b"\r\n"])
def test_what_comes_before_and_after_a_form_means_nothing(client: Client, padding: bytes) -> None:
    assert client.send_body("/api/assets.json", padding + form(b"x") + b"epilogue").json["size"] == 1
