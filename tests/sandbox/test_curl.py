"""A stranger's program against the server: curl, with the calls as the documents print them."""

import json
import shutil
import subprocess
from pathlib import Path

import pytest

from fluxsync.sandbox.server import Sandbox

pytestmark = pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not on this machine")


def curl(sandbox: Sandbox, path: str, *arguments: str, user: str = "demo:demo") -> tuple[int, str]:
    """Return the status and the body."""
    command = ["curl", "-sS", "-u", user, "-w", "\n%{http_code}", *arguments, f"{sandbox.url}/api/{path}"]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=30)
    body, _, status = done.stdout.rpartition("\n")
    return int(status), body


@pytest.fixture
def logo(tmp_path: Path, gif: bytes) -> Path:
    path = tmp_path / "logo.gif"
    path.write_bytes(gif)
    return path


def test_an_asset_lives_its_life(sandbox: Sandbox, logo: Path, tmp_path: Path) -> None:
    status, body = curl(
        sandbox, "assets.json", "-F", f"file=@{logo}", "-F", "title=fluxiom logo", "-F", "tags=a,b"
    )
    asset = json.loads(body)
    assert (status, asset["filename"], asset["content_type"]) == (200, "logo.gif", "image/gif")

    status, body = curl(sandbox, "assets/18547.json", "-X", "PUT", "-d", "title=new", "-d", "tags=b")
    assert (status, json.loads(body)["title"]) == (200, "new")

    status, body = curl(sandbox, "assets/18547/versions.xml", "-F", f"file=@{logo}", "-F", "comment=again")
    assert status == 200
    assert '<version type="integer">1</version>' in body

    target = tmp_path / "downloaded"
    assert curl(sandbox, "assets/download/18547", "-o", str(target)) == (200, "")
    assert target.read_bytes() == logo.read_bytes()

    assert curl(sandbox, "assets/18547", "-X", "DELETE") == (200, "")
    assert curl(sandbox, "assets.xml") == (404, "")


def test_the_upload_of_2007_works(sandbox: Sandbox, logo: Path) -> None:
    status, body = curl(sandbox, "upload.xml", "-F", f"file=@{logo}")
    assert status == 200
    upload_id = body.partition('<id type="integer">')[2].partition("<")[0]
    status, body = curl(sandbox, "assets.xml", "-d", f"upload_id={upload_id}")
    assert status == 200
    assert "<filename>logo.gif</filename>" in body


@pytest.mark.parametrize("name", ['a "quoted" name.gif', "back\\slash.gif", "日本.gif"])
@pytest.mark.parametrize("escaping", [[], ["--form-escape"]], ids=["percent", "backslash"])
def test_curls_ways_to_escape_a_name_are_read(
    sandbox: Sandbox, logo: Path, tmp_path: Path, name: str, escaping: list[str]
) -> None:
    odd = tmp_path / "odd" / name
    odd.parent.mkdir()
    odd.write_bytes(logo.read_bytes())
    # curl's own syntax for -F wants quotes and backslashes of the path escaped.
    path = str(odd).replace("\\", "\\\\").replace('"', '\\"')
    status, body = curl(sandbox, "assets.json", *escaping, "-F", f'file=@"{path}"')
    assert (status, json.loads(body)["filename"]) == (200, name)


def test_a_wrong_password_is_401(sandbox: Sandbox) -> None:
    assert curl(sandbox, "account.xml", user="demo:wrong")[0] == 401


def test_jsonp_is_answered(sandbox: Sandbox) -> None:
    status, body = curl(sandbox, "user.json?callback=foo")
    assert (status, body[:5], body[-2:]) == (200, "foo({", "})")


def test_a_body_in_chunks_is_read(sandbox: Sandbox, logo: Path) -> None:
    status, body = curl(sandbox, "assets.json", "-H", "Transfer-Encoding: chunked", "-F", f"file=@{logo}")
    assert (status, json.loads(body)["size"]) == (200, logo.stat().st_size)


def test_a_large_body_waits_for_permission_to_continue(sandbox: Sandbox, tmp_path: Path) -> None:
    large = tmp_path / "large.bin"
    large.write_bytes(b"x" * 3_000_000)
    status, body = curl(sandbox, "assets.json", "-H", "Expect: 100-continue", "-F", f"file=@{large}")
    assert (status, json.loads(body)["size"]) == (200, 3_000_000)
