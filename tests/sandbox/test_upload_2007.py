"""The upload call of 2007: send the file first, name it later."""

from pathlib import Path

from fluxsync.sandbox.server import Sandbox

from .client import Client


def upload(client: Client, content: bytes, filename: str) -> str:
    answer = client.send("/api/upload.xml", content, filename).xml
    assert answer.tag == "upload"
    return str(answer.findtext("id"))


def test_an_upload_becomes_an_asset(client: Client) -> None:
    upload_id = upload(client, b"first", "a.txt")
    created = client.post("/api/assets.xml", upload_id=upload_id, title="t", tags="x").xml
    assert [created.findtext(name) for name in ("title", "filename", "size", "version")] == [
        "t",
        "a.txt",
        "5",
        "0",
    ]
    assert client.get(f"/api/assets/download/{created.findtext('id')}").body == b"first"


def test_an_upload_becomes_a_new_version_by_an_update(client: Client) -> None:
    client.send("/api/assets.xml", b"old", "a.txt", title="keep")
    updated = client.put("/api/assets/18547.xml", upload_id=upload(client, b"second", "b.txt")).xml
    assert [updated.findtext(name) for name in ("title", "filename", "size", "version")] == [
        "keep",
        "b.txt",
        "6",
        "1",
    ]


def test_an_upload_serves_once(client: Client) -> None:
    upload_id = upload(client, b"x", "a.txt")
    assert client.post("/api/assets.json", upload_id=upload_id).status == 200
    assert client.post("/api/assets.json", upload_id=upload_id).status == 422


def test_an_upload_is_its_users_own(sandbox: Sandbox, client: Client) -> None:
    other = sandbox.store.users.by_name("tagger")
    assert other is not None
    upload_id = sandbox.store.add_upload(other.id, "a.txt", sandbox.store.blobs.put(b"x"))
    assert client.post("/api/assets.json", upload_id=str(upload_id)).status == 422


def test_a_failed_update_leaves_the_upload_for_the_next_try(client: Client) -> None:
    upload_id = upload(client, b"x", "a.txt")
    assert client.put("/api/assets/1.json", upload_id=upload_id).status == 404
    assert client.post("/api/assets.json", upload_id=upload_id).status == 200


def test_an_upload_that_nobody_takes_is_dropped_after_a_day(tmp_path: Path) -> None:
    now = [1_300_000_000]
    with Sandbox(tmp_path, clock=lambda: now[0]) as sandbox, Client(sandbox.port) as client:
        forgotten = upload(client, b"xxx", "a.txt")
        now[0] += 24 * 3600 + 1
        upload(client, b"y", "b.txt")
        assert client.post("/api/assets.json", upload_id=forgotten).status == 422
        assert client.get("/api/account.json").json["stats"]["used_space"] == "1"
        assert len(list(tmp_path.glob("content/*/*"))) == 1
