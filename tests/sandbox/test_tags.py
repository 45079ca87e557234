"""Tags by themselves."""

import pytest

from fluxsync.sandbox.server import Sandbox

from .client import Client


@pytest.mark.parametrize(
    ("sent", "kept"),
    [("new tag", "new tag"), ("  outer ", "outer"), ("a, b", "a, b"), ("2026", "2026"), ("ß", "ß")],
)
def test_a_tag_keeps_its_name_but_for_outer_blanks(client: Client, sent: str, kept: str) -> None:
    assert client.post("/api/tags.json", tag=sent).json == {"tag": kept, "id": 101}


def test_creating_a_tag_twice_answers_the_same_tag(client: Client) -> None:
    first = client.post("/api/tags.json", tag="a").json
    assert client.post("/api/tags.json", tag="a").json == first
    assert client.post("/api/tags.json", tag="A").json["id"] != first["id"]


@pytest.mark.parametrize("fields", [{}, {"tag": ""}, {"tag": "  "}])
def test_a_tag_without_a_name_is_refused(client: Client, fields: dict[str, str]) -> None:
    assert client.post("/api/tags.json", **fields).status == 422


def test_the_count_is_the_number_of_assets_with_the_tag(client: Client, sandbox: Sandbox) -> None:
    first, second = (sandbox.store.create_asset("a", b"", tags=["x", "y"]) for _ in range(2))
    sandbox.store.set_tags(first, ["y"])
    sandbox.store.delete_asset(second)
    counts = {
        tag["tag"]: (tag["documents_count"], tag["stages_count"]) for tag in client.get("/api/tags.json").json
    }
    assert counts == {"x": (0, 0), "y": (1, 0)}


def test_renaming_shows_on_the_assets_and_keeps_the_id(client: Client, sandbox: Sandbox) -> None:
    asset_id = sandbox.store.create_asset("a", b"", tags=["old"])
    renamed = client.put("/api/tags/101.json", tag="new").json
    assert renamed == {"tag": "new", "id": 101, "documents_count": 1, "stages_count": 0}
    assert client.get(f"/api/assets/{asset_id}.json").json["tags"] == [{"tag": "new", "id": 101}]


def test_renaming_onto_another_tag_is_refused_and_onto_itself_is_not(client: Client) -> None:
    client.post("/api/tags.json", tag="a")
    client.post("/api/tags.json", tag="b")
    assert client.put("/api/tags/101.json", tag="b").status == 422
    assert client.get("/api/tags/101.json").json["tag"] == "a"
    assert client.put("/api/tags/101.json", tag="a").status == 200


def test_deleting_a_tag_takes_it_off_the_assets(client: Client, sandbox: Sandbox) -> None:
    asset_id = sandbox.store.create_asset("a", b"", tags=["x", "y"])
    assert client.delete("/api/tags/101.xml").status == 200
    assert [tag["tag"] for tag in client.get(f"/api/assets/{asset_id}.json").json["tags"]] == ["y"]


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE"])
def test_an_unknown_tag_is_404(client: Client, method: str) -> None:
    body = b"tag=x" if method == "PUT" else None
    assert (
        client.call(method, "/api/tags/9.xml", body, Content_Type="application/x-www-form-urlencoded").status
        == 404
    )
