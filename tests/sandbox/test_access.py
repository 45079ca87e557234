"""Who may do what: login, permissions, plan, quota, and the switch of the API."""

import base64

import pytest

from fluxsync.sandbox.model import UserSpec
from fluxsync.sandbox.server import Sandbox

from .client import Client

CHANGES = [
    ("POST", "/api/assets.json"),
    ("PUT", "/api/assets/18547.json"),
    ("DELETE", "/api/assets/18547.json"),
    ("GET", "/api/assets/download/18547"),
    ("POST", "/api/assets/18547/versions.json"),
    ("POST", "/api/upload.xml"),
]
TAG_CHANGES = [("POST", "/api/tags.json"), ("PUT", "/api/tags/101.json"), ("DELETE", "/api/tags/101.json")]
VIEWS = [
    "account",
    "assets",
    "assets/18547",
    "assets/18547/versions",
    "assets/18547/versions/18628",
    "tags",
    "tags/101",
    "users",
    "users/35",
    "user",
]


@pytest.fixture(autouse=True)
def one_asset(sandbox: Sandbox) -> None:
    sandbox.store.create_asset("a.txt", b"x", tags=["t"])


@pytest.mark.parametrize(
    "header",
    [
        "",
        "Basic",
        "Basic !!!",
        "Bearer abc",
        "Basic " + base64.b64encode(b"demo:wrong").decode(),
        "Basic " + base64.b64encode(b"nobody:demo").decode(),
        "Basic " + base64.b64encode(b"locked:secret").decode(),
        "Basic " + base64.b64encode(b"\xff\xfe:x").decode(),
        "Basic \xe9",
    ],
)
@pytest.mark.parametrize("path", ["/api/account.xml", "/api/nonsense", "/api/assets/download/18547"])
def test_nothing_is_answered_without_a_valid_login(sandbox: Sandbox, header: str, path: str) -> None:
    with Client(sandbox.port, username="") as client:
        answer = client.get(path, **({"Authorization": header} if header else {}))
    assert answer.status == 401
    assert answer.headers["www-authenticate"].startswith("Basic realm=")


@pytest.mark.parametrize("path", VIEWS)
def test_a_read_only_user_sees_everything(reader: Client, path: str) -> None:
    assert reader.get(f"/api/{path}.xml").status == 200


@pytest.mark.parametrize(("method", "path"), CHANGES + TAG_CHANGES)
def test_a_read_only_user_neither_downloads_nor_changes(
    sandbox: Sandbox, reader: Client, method: str, path: str
) -> None:
    before = (sandbox.store.assets(), sandbox.store.tags())
    body = b"title=x&tag=x" if method in ("POST", "PUT") else None
    answer = reader.call(method, path, body, Content_Type="application/x-www-form-urlencoded")
    assert answer.status == 403
    assert b"manage_assets" in answer.body
    assert (sandbox.store.assets(), sandbox.store.tags()) == before


def test_a_tags_manager_changes_tags_but_no_assets(sandbox: Sandbox) -> None:
    with Client(sandbox.port, "tagger", "secret") as tagger:
        assert tagger.put("/api/tags/101.json", tag="renamed").status == 200
        assert tagger.put("/api/assets/18547.json", title="x").status == 403


def test_a_changed_password_counts_at_once(sandbox: Sandbox, client: Client) -> None:
    assert client.get("/api/user.json").status == 200
    sandbox.store.users.save(UserSpec("demo", "other"))
    assert client.get("/api/user.json").status == 401
    with Client(sandbox.port, "demo", "other") as again:
        assert again.get("/api/user.json").json["id"] == 35


def test_a_right_that_is_taken_away_is_gone_at_once(sandbox: Sandbox, client: Client) -> None:
    assert client.get("/api/assets/download/18547").status == 200
    sandbox.store.users.save(UserSpec("demo", "demo", permissions=("login",)))
    assert client.get("/api/assets/download/18547").status == 403


def test_users_show_themselves_and_each_other(sandbox: Sandbox, reader: Client) -> None:
    me = reader.get("/api/user.json").json
    assert (me["first_name"], me["last_name"], me["permissions"]) == ("Rita", "Reader", ["login"])
    assert reader.get(f"/api/users/{me['id']}.json").json == me
    assert me in reader.get("/api/users.json").json
    assert reader.get("/api/users/1.json").status == 404


def test_a_plan_without_versions_refuses_new_content_and_says_why(sandbox: Sandbox, client: Client) -> None:
    sandbox.configure(plan="no-versions")
    plan = client.get("/api/account.xml").xml.find("plan")
    assert plan is not None
    assert (plan.get("versions"), plan.text) == ("false", "Starter")
    answer = client.send("/api/assets/18547/versions.xml", b"new")
    assert answer.status == 403
    assert "Starter" in str(answer.xml.text)
    upload_id = str(client.send("/api/upload.xml", b"new").xml.findtext("id"))
    assert client.put("/api/assets/18547.xml", upload_id=upload_id).status == 403
    assert sandbox.store.asset(18547).version == 0
    assert client.put("/api/assets/18547.xml", title="x").status == 200


def test_an_api_that_is_switched_off_says_so(sandbox: Sandbox, client: Client) -> None:
    sandbox.configure(api_enabled=False)
    answer = client.get("/api/account.json")
    assert (answer.status, answer.json) == (403, {"error": "API is not enabled"})
    sandbox.configure(api_enabled=True)
    assert client.get("/api/account.json").status == 200


def test_space_is_counted_with_all_versions_and_given_back(sandbox: Sandbox, client: Client) -> None:
    sandbox.configure(quota_bytes=100)
    client.send("/api/assets/18547/versions.json", b"x" * 40)
    assert client.get("/api/account.json").json["stats"] == {"used_space": "41", "available_space": "59"}
    client.delete("/api/assets/18547")
    stats = client.get("/api/account.xml").xml.find("stats")
    assert stats is not None
    assert stats.attrib == {"used_space": "0", "available_space": "100"}


@pytest.mark.parametrize("path", ["/api/assets.json", "/api/assets/18547/versions.json", "/api/upload.json"])
def test_a_file_that_does_not_fit_is_refused_and_leaves_nothing(
    sandbox: Sandbox, client: Client, path: str
) -> None:
    sandbox.configure(quota_bytes=11)
    assert client.send(path, b"x" * 11).status == 413
    assert client.get("/api/account.json").json["stats"]["used_space"] == "1"
    assert len(list(sandbox.store.blobs.incoming.parent.glob("content/*/*"))) == 1
    assert client.send(path, b"x" * 10).status == 200
