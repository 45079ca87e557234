"""Creating, changing, finding and deleting assets."""

from pathlib import Path

import pytest

from fluxsync.sandbox.server import Sandbox

from .client import Client


def titles(client: Client, query: str) -> list[str]:
    answer = client.get(f"/api/assets.json?{query}")
    return [] if answer.status == 404 else [asset["title"] for asset in answer.json]


def tag_names(client: Client, asset_id: int) -> list[str]:
    return [tag["tag"] for tag in client.get(f"/api/assets/{asset_id}.json").json["tags"]]


@pytest.mark.parametrize(
    ("filename", "title"),
    [("logo.gif", "logo"), ("a.tar.gz", "a.tar"), (".profile", ".profile"), ("README", "README")],
)
def test_the_title_defaults_to_the_file_name_without_extension(
    client: Client, filename: str, title: str
) -> None:
    assert client.send("/api/assets.json", b"x", filename).json["title"] == title


def test_parameters_left_out_of_an_update_stay(client: Client) -> None:
    client.send("/api/assets.json", b"x", title="one", description="two", tags="three")
    updated = client.put("/api/assets/18547.json", title="new").json
    assert (updated["title"], updated["description"]) == ("new", "two")
    assert tag_names(client, 18547) == ["three"]
    updated = client.put("/api/assets/18547.json", description="").json
    assert (updated["title"], updated["description"]) == ("new", "")


def test_parameters_may_come_in_the_address(client: Client) -> None:
    client.send("/api/assets.json", b"x")
    assert client.call("PUT", "/api/assets/18547.json?title=caf%C3%A9").json["title"] == "café"


def test_tags_in_an_update_replace_the_set_and_an_empty_one_clears_it(client: Client) -> None:
    client.send("/api/assets.json", b"x", tags="a,b")
    client.put("/api/assets/18547.json", tags="b, c ,,")
    assert tag_names(client, 18547) == ["b", "c"]
    client.put("/api/assets/18547.json", tags="")
    assert tag_names(client, 18547) == []


def test_a_number_among_tags_is_an_id_where_a_tag_has_it_and_else_a_name(client: Client) -> None:
    design = client.post("/api/tags.json", tag="design").json["id"]
    client.send("/api/assets.json", b"x", tags=f"{design},2026,0{design}")
    assert tag_names(client, 18547) == [f"0{design}", "2026", "design"]
    year = next(tag["id"] for tag in client.get("/api/tags.json").json if tag["tag"] == "2026")
    assert titles(client, f"tags={design},{year}") == ["logo"]
    assert titles(client, "tags=2026,design") == ["logo"]
    assert titles(client, "tags=2027") == []


def test_an_update_moves_the_time_only_where_something_changes(tmp_path: Path, gif: bytes) -> None:
    times = iter(range(1_300_000_000, 1_400_000_000, 60))
    with Sandbox(tmp_path, clock=lambda: next(times)) as sandbox, Client(sandbox.port) as client:
        before = client.send("/api/assets.xml", gif, title="a", tags="t").xml.findtext("updated-on")
        same = client.put("/api/assets/18547.xml", title="a", tags="t").xml.findtext("updated-on")
        assert same == before
        seen = [before]
        for change in ({"title": "b"}, {"description": "d"}, {"tags": ""}):
            answer = client.put("/api/assets/18547.xml", **change).xml
            seen.append(answer.findtext("updated-on"))
            assert answer.findtext("created-on") == before
        assert seen == sorted(set(seen))


def test_a_version_renames_the_asset_and_keeps_its_id_title_and_owner(sandbox: Sandbox) -> None:
    other = sandbox.store.users.by_name("tagger")
    assert other is not None
    asset_id = sandbox.store.create_asset("old.txt", b"old", user_id=other.id)
    with Client(sandbox.port) as client:
        version = client.send(f"/api/assets/{asset_id}/versions.json", b"newer", "new.md", comment="c").json
        asset = client.get(f"/api/assets/{asset_id}.json").json
        assert (version["version"], version["filename"], version["user_id"]) == (1, "new.md", "35")
        assert (asset["version"], asset["filename"], asset["size"]) == (1, "new.md", 5)
        assert (asset["title"], asset["user_id"]) == ("old", str(other.id))
        assert asset["content_type"] == "text/markdown"
        assert client.get(f"/api/assets/download/{asset_id}").body == b"newer"


def test_versions_are_listed_newest_first_with_the_first_content(client: Client) -> None:
    client.send("/api/assets.json", b"0")
    for content in (b"11", b"222"):
        client.send("/api/assets/18547/versions.json", content)
    versions = client.get("/api/assets/18547/versions.json").json
    assert [(v["version"], v["size"]) for v in versions] == [(2, 3), (1, 2), (0, 1)]


def test_a_version_is_found_only_under_its_own_asset_and_id(client: Client) -> None:
    client.send("/api/assets.json", b"x")
    client.send("/api/assets.json", b"y")
    version_id = client.get("/api/assets/18547/versions.json").json[0]["id"]
    assert client.get(f"/api/assets/18547/versions/{version_id}.json").json["version"] == 0
    assert client.get(f"/api/assets/18548/versions/{version_id}.json").status == 404
    assert client.get("/api/assets/18547/versions/0.json").status == 404


def test_ids_of_deleted_assets_are_not_given_again(client: Client) -> None:
    client.send("/api/assets.json", b"x")
    client.delete("/api/assets/18547")
    assert client.send("/api/assets.json", b"x").json["id"] == 18548


def test_deleting_removes_content_versions_and_thumbnails_from_disk(sandbox: Sandbox, gif: bytes) -> None:
    with Client(sandbox.port) as client:
        client.send("/api/assets.json", gif)
        client.send("/api/assets/18547/versions.json", gif)
        client.get(client.get("/api/assets/18547.json").json["thumb_url"])
        folder = sandbox.store.blobs.incoming.parent
        assert len(list((folder / "thumbs").iterdir())) == 1
        client.delete("/api/assets/18547")
        left = [path for path in folder.rglob("*") if path.is_file() and "sandbox.db" not in path.name]
    assert left == []


def test_pages_cover_everything_once_newest_first(client: Client, sandbox: Sandbox) -> None:
    for number in range(7):
        sandbox.store.create_asset(f"{number}.txt", b"x")
    pages = [titles(client, f"per_page=3&page={page}") for page in (1, 2, 3, 4)]
    assert pages == [["6", "5", "4"], ["3", "2", "1"], ["0"], []]


def test_the_order_can_be_turned(tmp_path: Path) -> None:
    with Sandbox(tmp_path, order="oldest") as sandbox, Client(sandbox.port) as client:
        for number in range(3):
            sandbox.store.create_asset(f"{number}.txt", b"x")
        assert titles(client, "") == ["0", "1", "2"]


def test_a_page_holds_a_hundred_at_most_and_thirty_unless_asked(client: Client, sandbox: Sandbox) -> None:
    for number in range(101):
        sandbox.store.create_asset(f"{number}.txt", b"")
    assert [len(titles(client, query)) for query in ("per_page=1000", "per_page=100", "")] == [100, 100, 30]


@pytest.mark.parametrize("query", ["page=0", "page=-1", "page=x", "per_page=0", "page=1.5", "page=%D9%A1"])
def test_a_page_that_is_no_number_is_refused(client: Client, query: str) -> None:
    answer = client.get(f"/api/assets.json?{query}")
    assert answer.status == 400
    assert "page" in answer.json["error"]


def test_a_page_beyond_all_numbers_finds_nothing(client: Client, sandbox: Sandbox) -> None:
    sandbox.store.create_asset("a", b"")
    assert client.get(f"/api/assets.xml?page={'9' * 90}").status == 404


@pytest.mark.parametrize(
    "path", ["assets", "assets?tags=unknown", "assets?query=x", "tags", "assets/1/versions"]
)
@pytest.mark.parametrize("extension", ["xml", "json"])
def test_a_list_that_finds_nothing_is_404(client: Client, path: str, extension: str) -> None:
    name, _, query = path.partition("?")
    assert client.get(f"/api/{name}.{extension}?{query}").status == 404


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("query=%C3%89T%C3%89", ["summer"]),
        ("query=LOGO", ["mark", "Logo"]),
        ("query=beach", ["summer"]),
        ("query=print", ["mark"]),
        ("query=100%25", []),
        ("query=o&tags=print", ["mark"]),
        ("tags=print,web", ["mark"]),
        ("tags=%20print%20,%20web", ["mark"]),
        ("tags=web", ["mark", "Logo"]),
        ("tags=print,unknown", []),
        ("query=", ["mark", "summer", "Logo"]),
    ],
)
def test_searching_looks_at_texts_and_tags_whatever_their_case(
    client: Client, sandbox: Sandbox, query: str, found: list[str]
) -> None:
    sandbox.store.create_asset("a.gif", b"", title="Logo", tags=["web"])
    sandbox.store.create_asset("été.jpg", b"", title="summer", description="at the Beach")
    sandbox.store.create_asset("LOGO.gif", b"", title="mark", tags=["web", "Print", "print"])
    assert titles(client, query) == found
