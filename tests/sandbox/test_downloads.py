"""Originals and thumbnails."""

import warnings
import zlib
from io import BytesIO
from pathlib import Path

import pytest
from PIL import Image

from fluxsync.sandbox.metadata import describe
from fluxsync.sandbox.server import Sandbox

from .client import Client


def test_a_download_is_the_content_with_length_type_and_name(client: Client, gif: bytes) -> None:
    client.send("/api/assets.json", gif, "Lögo.gif")
    answer = client.get("/api/assets/download/18547")
    assert (answer.status, answer.body) == (200, gif)
    assert answer.headers["content-length"] == str(len(gif))
    assert answer.headers["content-type"] == "image/gif"
    assert answer.headers["content-disposition"] == (
        "attachment; filename=\"L_go.gif\"; filename*=UTF-8''L%C3%B6go.gif"
    )


def test_a_download_can_be_asked_for_in_part(client: Client) -> None:
    client.send("/api/assets.json", bytes(range(100)), "a.bin")
    part = client.get("/api/assets/download/18547", Range="bytes=10-19")
    assert (part.status, part.body) == (206, bytes(range(10, 20)))
    assert part.headers["content-range"] == "bytes 10-19/100"
    assert client.get("/api/assets/download/18547", Range="bytes=90-").body == bytes(range(90, 100))


def test_a_part_outside_the_content_is_416(client: Client) -> None:
    client.send("/api/assets.json", b"short", "a.bin")
    assert client.get("/api/assets/download/18547", Range="bytes=10-19").status == 416


def test_an_empty_file_is_downloaded_as_one(client: Client) -> None:
    client.send("/api/assets.json", b"", "a.bin")
    answer = client.get("/api/assets/download/18547")
    assert (answer.status, answer.body, answer.headers["content-length"]) == (200, b"", "0")


def test_asking_for_the_head_of_a_download_tells_its_length(client: Client) -> None:
    client.send("/api/assets.json", b"12345", "a.bin")
    answer = client.call("HEAD", "/api/assets/download/18547")
    assert (answer.status, answer.body, answer.headers["content-length"]) == (200, b"", "5")


def thumbnail(client: Client, asset_id: int) -> Image.Image:
    url = client.get(f"/api/assets/{asset_id}.json").json["thumb_url"]
    answer = client.get(url)
    assert (answer.status, answer.headers["content-type"]) == (200, "image/jpeg")
    return Image.open(BytesIO(answer.body))


def test_a_picture_has_a_small_picture_of_itself(client: Client) -> None:
    target = BytesIO()
    Image.new("RGB", (200, 100), "red").save(target, "PNG")
    client.send("/api/assets.json", target.getvalue(), "red.png")
    small = thumbnail(client, 18547)
    red, green, blue = small.convert("RGB").getpixel((32, 16))
    assert small.size == (64, 32)
    assert red > 240
    assert green + blue < 30


def test_each_version_has_its_own_thumbnail(client: Client, gif: bytes, png: bytes) -> None:
    client.send("/api/assets.json", gif)
    before = client.get("/api/assets/18547.json").json["thumb_url"]
    client.send("/api/assets/18547/versions.json", png, "logo.png")
    assert client.get("/api/assets/18547.json").json["thumb_url"] != before
    assert thumbnail(client, 18547).size == (30, 20)
    assert Image.open(BytesIO(client.get(before).body)).size == (64, 22)


def bomb(side: int = 60_000) -> bytes:
    """A PNG that says it has this many pixels on each side, in a few bytes."""
    target = BytesIO()
    Image.new("1", (8, 8)).save(target, "PNG")
    data = bytearray(target.getvalue())
    data[16:24] = side.to_bytes(4, "big") * 2
    data[29:33] = zlib.crc32(data[12:29]).to_bytes(4, "big")
    return bytes(data)


@pytest.mark.parametrize(
    ("content", "filename"),
    [
        (b"text", "a.txt"),
        (b"GIF89a", "broken.gif"),
        (b"%!PS-Adobe-3.0", "a.eps"),
        (bomb(), "bomb.png"),
        (b"", "a.jpg"),
    ],
    ids=["text", "broken", "postscript", "bomb", "empty"],
)
def test_what_is_no_picture_has_a_general_thumbnail_and_no_sizes(
    client: Client, content: bytes, filename: str
) -> None:
    client.send("/api/assets.json", content, filename)
    assert thumbnail(client, 18547).size == (64, 64)
    found = client.get("/api/assets/18547.json").json
    assert [name for name in found if name.startswith("metadata_")] == ["metadata_type"]


def test_a_picture_that_pillow_only_warns_of_counts_as_none(tmp_path: Path) -> None:
    path = tmp_path / "large.png"
    path.write_bytes(bomb(10_000))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        assert list(describe(path, "image/png")) == ["type"]
    path.write_bytes(bomb(9_000))
    assert describe(path, "image/png")["pixel_width"] == "9000"


def test_the_orientation_of_a_photograph_is_told(client: Client) -> None:
    turned = Image.Exif()
    turned[0x0112] = 6
    target = BytesIO()
    Image.new("RGB", (4, 3)).save(target, "JPEG", exif=turned)
    client.send("/api/assets.json", target.getvalue(), "a.jpg")
    assert client.get("/api/assets/18547.json").json["metadata_orientation"] == "6"


def test_metadata_are_found_out_once_and_kept(sandbox: Sandbox, client: Client, gif: bytes) -> None:
    client.send("/api/assets.json", gif)
    found = client.get("/api/assets/18547.json").json
    sandbox.store.blobs.remove(sandbox.store.asset(18547).blob)
    assert client.get("/api/assets/18547.json").json == found


def test_a_new_asset_shows_a_picture_that_says_wait(client: Client, gif: bytes) -> None:
    url = client.send("/api/assets.json", gif).json["thumb_url"]
    answer = client.get(url)
    assert Image.open(BytesIO(answer.body)).format == "GIF"


def test_a_thumbnail_needs_its_exact_address_but_no_login(
    sandbox: Sandbox, client: Client, gif: bytes
) -> None:
    client.send("/api/assets.json", gif)
    url = client.get("/api/assets/18547.json").json["thumb_url"]
    with Client(sandbox.port, username="") as stranger:
        assert stranger.get(url).status == 200
        for wrong in (
            url.replace("_64", "0_64"),
            url.replace("/18547/0/", "/18547/1/"),
            "/t/a/18547/0/b_64.jpg",
        ):
            assert stranger.get(wrong).status == 404
