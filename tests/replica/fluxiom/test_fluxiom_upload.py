"""Uploads on the wire: the last block leaves only when the content was checked."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from types import TracebackType

import pytest
from fluxiom_world import BLOCK, Bytes, Clock, asset_xml, digest

from fluxsync.errors import Busy, FluxsyncError, Stale, Unavailable
from fluxsync.replica.fluxiom.client import Client


class Listener:
    """Takes one connection, keeps what arrives, and answers once the announced length is there.

    With `cut` it closes the connection after so many bytes instead.
    """

    def __init__(self, answer: bytes = b"", cut: int | None = None) -> None:
        self.received = b""
        self.answer = answer
        self.cut = cut
        self._socket = socket.create_server(("127.0.0.1", 0))
        self._socket.settimeout(5)
        self.url = f"http://127.0.0.1:{self._socket.getsockname()[1]}"
        self._thread = threading.Thread(target=self._serve)

    def __enter__(self) -> Listener:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._thread.join(20)
        self._socket.close()

    @property
    def body(self) -> bytes:
        return self.received.partition(b"\r\n\r\n")[2]

    @property
    def announced(self) -> int:
        head = self.received.partition(b"\r\n\r\n")[0].lower()
        return int(head.partition(b"content-length: ")[2].split(b"\r\n")[0])

    def _serve(self) -> None:
        try:
            connection, _ = self._socket.accept()
        except TimeoutError:
            return
        with connection:
            while b"\r\n\r\n" not in self.received or len(self.body) < self.announced:
                if self.cut is not None and len(self.received) >= self.cut:
                    return
                try:
                    data = connection.recv(1 << 20)
                except ConnectionError:
                    return
                if not data:
                    return
                self.received += data
            connection.sendall(
                b"HTTP/1.1 200 OK\r\nContent-Type: application/xml\r\nContent-Length: "
                + f"{len(self.answer)}\r\n\r\n".encode()
                + self.answer
            )


def send(listener: Listener, content: Bytes, *, version: bool = False) -> str:
    clock = Clock()
    client = Client(listener.url, "jane", "s3cret", clock=clock, sleep=clock.sleep)
    try:
        if version:
            return client.add_version(1, "a.gif", content, lambda digest: f"over {digest}")[1]
        return client.create("a.gif", content, "a", "", "")[1]
    finally:
        client.close()


LARGE = bytes(range(256)) * (3 * BLOCK // 256) + b"the end"


@pytest.mark.parametrize("data", [b"", b"small", bytes(BLOCK), LARGE], ids=["0", "5", "1 MiB", "3 MiB + 7"])
def test_what_is_sent_is_what_was_announced(data: bytes) -> None:
    with Listener(asset_xml(1).encode()) as listener:
        assert send(listener, Bytes(data)) == digest(data)
    assert len(listener.body) == listener.announced
    assert listener.body.partition(b"image/gif\r\n\r\n")[2].rpartition(b"\r\n--")[0] == data


def test_a_version_names_the_digest_of_what_was_sent() -> None:
    answer = b"<version><id>1</id><version>1</version><size>5</size></version>"
    with Listener(answer) as listener:
        send(listener, Bytes(LARGE), version=True)
    assert len(listener.body) == listener.announced
    assert f"over {digest(LARGE)}".encode() in listener.body


@pytest.mark.parametrize("data", [LARGE, bytes(2 * BLOCK)], ids=["odd", "whole blocks"])
def test_the_last_block_stays_here_when_the_file_changed(data: bytes) -> None:
    with Listener() as listener, pytest.raises(Stale, match="changed"):
        send(listener, Bytes(data, failure=Stale("the file changed")))
    assert listener.announced - len(listener.body) >= (len(data) % BLOCK or BLOCK)


def test_small_content_that_changed_is_not_sent_at_all() -> None:
    clock = Clock()
    client = Client("http://127.0.0.1:9", "jane", "s3cret", clock=clock, sleep=clock.sleep)
    with pytest.raises(Busy):
        client.create("a.gif", Bytes(b"small", failure=Busy("open elsewhere")), "a", "", "")
    client.close()
    assert client.requests == 0


class Grown(Bytes):
    """Yields more than its size."""

    def blocks(self) -> Iterator[bytes]:
        yield from super().blocks()
        yield b"more"


class Shrunk(Bytes):
    """Yields less than its size."""

    def blocks(self) -> Iterator[bytes]:
        yield self.data[:BLOCK]


class Broken(Bytes):
    """Fails in the middle."""

    def blocks(self) -> Iterator[bytes]:
        yield self.data[:BLOCK]
        yield self.data[BLOCK : 2 * BLOCK]
        raise Stale("the file is gone")


@pytest.mark.parametrize("kind", [Grown, Shrunk, Broken])
def test_a_request_is_broken_off_when_the_content_is_not_as_long_as_planned(kind: type[Bytes]) -> None:
    with Listener() as listener, pytest.raises(FluxsyncError):
        send(listener, kind(LARGE))
    assert len(listener.body) < listener.announced


def test_a_connection_that_breaks_before_the_last_block_left_nothing() -> None:
    with Listener(cut=BLOCK) as listener, pytest.raises(Unavailable) as error:
        send(listener, Bytes(bytes(60 * BLOCK)))
    assert error.value.unsent


def test_a_connection_that_breaks_after_the_last_block_leaves_a_doubt() -> None:
    with Listener(cut=len(LARGE) - 10) as listener, pytest.raises(Unavailable) as error:
        send(listener, Bytes(LARGE))
    assert len(listener.received) >= len(LARGE) - 10
    assert not error.value.unsent
