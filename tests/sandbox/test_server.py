"""Starting, stopping, restarting, many requests at once, and the record of requests."""

import json
import signal
import socket
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any
from urllib.request import Request, urlopen

import pytest

from fluxsync.sandbox.errors import SandboxError
from fluxsync.sandbox.seed import seed
from fluxsync.sandbox.server import Sandbox

from .client import Client, form

_RUN = "import sys, pathlib; from fluxsync.sandbox.server import run; run(pathlib.Path(sys.argv[1]), port=0)"


def test_a_restart_keeps_everything(tmp_path: Path, gif: bytes) -> None:
    paths = [
        "assets.xml",
        "assets/18547.json",
        "assets/18547/versions.json",
        "tags.json",
        "users.json",
        "account.json",
    ]
    with Sandbox(tmp_path) as sandbox, Client(sandbox.port) as client:
        client.send("/api/assets.json", gif, tags="a,b")
        client.send("/api/assets/18547/versions.json", gif + b"2", comment="c")
        client.post("/api/tags.json", tag="unused")
        client.get("/api/assets.xml")
        before = [client.get(f"/api/{path}").body for path in paths]
        thumbnail = client.get(client.get("/api/assets/18547.json").json["thumb_url"]).body
    with Sandbox(tmp_path) as sandbox, Client(sandbox.port) as client:
        assert [client.get(f"/api/{path}").body for path in paths] == before
        assert client.get(client.get("/api/assets/18547.json").json["thumb_url"]).body == thumbnail
        assert client.get("/api/assets/download/18547").body == gif + b"2"
        assert client.send("/api/assets.json", b"x").json["id"] == 18548


def test_a_start_removes_what_a_killed_server_left(tmp_path: Path) -> None:
    with Sandbox(tmp_path) as sandbox:
        kept = sandbox.store.create_asset("a", b"kept")
        sandbox.store.blobs.put(b"never named by a row")
        (sandbox.store.blobs.incoming / "half").write_bytes(b"half")
    with Sandbox(tmp_path) as sandbox:
        assert sandbox.store.content(kept) == b"kept"
        assert len(list(tmp_path.glob("content/*/*"))) == 1
        assert list(sandbox.store.blobs.incoming.iterdir()) == []


def test_a_taken_port_is_said_in_one_line_with_a_cure(tmp_path: Path) -> None:
    with (
        Sandbox(tmp_path / "one") as first,
        pytest.raises(SandboxError, match=f"port {first.port} is taken: choose another with --port"),
    ):
        Sandbox(tmp_path / "two", port=first.port)


def test_a_folder_serves_one_sandbox_at_a_time(tmp_path: Path) -> None:
    with Sandbox(tmp_path), pytest.raises(SandboxError, match="in use by another sandbox"):
        Sandbox(tmp_path)
    Sandbox(tmp_path).close()


def test_a_folder_that_cannot_be_one_is_said(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(SandboxError, match="file"):
        Sandbox(tmp_path / "file")


def test_closing_twice_is_fine_and_frees_the_port(tmp_path: Path) -> None:
    sandbox = Sandbox(tmp_path)
    sandbox.close()
    sandbox.close()
    with socket.socket() as again:
        again.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        again.bind(("127.0.0.1", sandbox.port))


@pytest.mark.parametrize("signal_number", [signal.SIGINT, signal.SIGTERM])
def test_the_command_says_when_it_listens_and_ends_cleanly(tmp_path: Path, signal_number: int) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", _RUN, str(tmp_path)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        word, url = process.stdout.readline().split()
        assert word == "READY"
        request = Request(f"{url}/api/user.json", headers={"Authorization": "Basic ZGVtbzpkZW1v"})
        with urlopen(request) as answer:
            assert json.load(answer)["id"] == 35
        process.send_signal(signal_number)
        out, err = process.communicate(timeout=20)
    assert (process.returncode, out, err) == (0, "", "")


def test_many_requests_go_over_one_connection(client: Client) -> None:
    client.get("/api/user.json")
    sock = client.connection.sock
    statuses = [client.get(path).status for path in ("/api/user.json", "/api/none.xml", "/api/assets.xml")]
    statuses += [client.send("/api/assets.json", b"x").status, client.delete("/api/assets/18547").status]
    assert statuses == [200, 404, 404, 200, 200]
    assert client.connection.sock is sock


def test_sixteen_clients_at_once_lose_nothing(tmp_path: Path) -> None:
    with Sandbox(tmp_path) as sandbox:

        def create(worker: int) -> list[tuple[int, bytes]]:
            with Client(sandbox.port) as client:
                contents = [f"{worker}/{number}".encode() for number in range(13)]
                tags = f"all,worker {worker}"
                return [
                    (client.send("/api/assets.json", content, "a.txt", tags=tags).json["id"], content)
                    for content in contents
                ]

        with ThreadPoolExecutor(16) as pool:
            made = [pair for pairs in pool.map(create, range(16)) for pair in pairs]
        assert len({asset_id for asset_id, _ in made}) == 208
        assert all(sandbox.store.content(asset_id) == content for asset_id, content in made)
        counts = {tag.name: tag.documents_count for tag in sandbox.store.tags()}
        assert counts == {"all": 208} | {f"worker {worker}": 13 for worker in range(16)}
        assert sandbox.store.state().used_bytes == sum(len(content) for _, content in made)


def test_versions_sent_at_once_are_numbered_one_by_one(tmp_path: Path) -> None:
    with Sandbox(tmp_path) as sandbox:
        asset_id = sandbox.store.create_asset("a", b"")

        def send(number: int) -> int:
            with Client(sandbox.port) as client:
                return int(client.send(f"/api/assets/{asset_id}/versions.json", b"x").json["version"])

        with ThreadPoolExecutor(8) as pool:
            assert sorted(pool.map(send, range(40))) == list(range(1, 41))


def test_each_request_is_recorded_in_memory_and_in_the_file(tmp_path: Path) -> None:
    log = tmp_path / "log" / "requests.jsonl"
    moment = 1_300_000_000.5
    with (
        Sandbox(tmp_path / "data", request_log=log, clock=lambda: moment) as sandbox,
        Client(sandbox.port) as client,
        Client(sandbox.port, username="") as stranger,
    ):
        body = form(b"x")
        created = client.send_body("/api/assets.json?title=%C3%A9", body)
        stranger.get("/api/user.xml")
        records = sandbox.requests
        assert records[0] == {
            "time": moment,
            "method": "POST",
            "path": "/api/assets.json",
            "query": "title=%C3%A9",
            "status": 200,
            "bytes_in": len(body),
            "bytes_out": len(created.body),
            "user": "demo",
            "user_agent": "test/1",
        }
        assert (records[1]["status"], records[1]["user"]) == (401, "")
        assert [json.loads(line) for line in log.read_text().splitlines()] == records
        sandbox.clear_requests()
        assert sandbox.requests == []


def test_a_wrapper_can_stand_before_the_application(tmp_path: Path) -> None:
    def unavailable(application: Any) -> Any:
        def answer(environ: Any, start_response: Any) -> list[bytes]:
            start_response("503 Service Unavailable", [("Retry-After", "7"), ("Content-Length", "0")])
            return [b""]

        return answer

    with Sandbox(tmp_path, middleware=unavailable) as sandbox, Client(sandbox.port) as client:
        answer = client.get("/api/user.json")
        assert (answer.status, answer.headers["retry-after"]) == (503, "7")
        assert sandbox.requests[0]["status"] == 503


def test_every_answer_says_when_it_was_given(client: Client) -> None:
    assert all(
        "date" in client.get(path).headers for path in ("/api/user.xml", "/api/none", "/api/assets.xml")
    )


def test_the_sample_library_has_pictures_with_metadata(sandbox: Sandbox, client: Client) -> None:
    ids = seed(sandbox.store)
    found = {asset["id"]: asset for asset in (client.get(f"/api/assets/{i}.json").json for i in ids)}
    assert len(found) == 6
    assert sum("metadata_pixel_width" in asset for asset in found.values()) == 5


def test_a_large_upload_needs_no_memory(tmp_path: Path) -> None:
    """64 MB may not add 32 MB: whatever grows with the request would show."""
    with subprocess.Popen(
        [sys.executable, "-c", _RUN, str(tmp_path)], stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        port = int(process.stdout.readline().rpartition(":")[2])
        try:
            with Client(port) as client:
                client.send("/api/assets.json", b"warm")
                before = _peak_rss_kb(process.pid)
                assert client.send("/api/assets.json", bytes(64 * 2**20)).json["size"] == 64 * 2**20
                assert len(client.get("/api/assets/download/18548").body) == 64 * 2**20
                assert _peak_rss_kb(process.pid) - before < 32 * 1024
        finally:
            process.terminate()


def _peak_rss_kb(pid: int) -> int:
    status = Path(f"/proc/{pid}/status")
    if not status.exists():
        pytest.skip("this system does not tell a process's memory")
    line = next(line for line in status.read_text().splitlines() if line.startswith("VmHWM"))
    return int(line.split()[1])
