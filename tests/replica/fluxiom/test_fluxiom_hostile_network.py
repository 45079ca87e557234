"""The way to the account: certificates, proxies, and who on it gets to see the password.

`certificates/` holds an authority of the tests' own, and a certificate by it for acme.example and 127.0.0.1.
"""

from __future__ import annotations

import socket
import ssl
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from hostile_account import Answer, Liar, Record, redirect

from fluxsync.errors import ConfigError, Unavailable
from fluxsync.replica.fluxiom.client import Client

CERTIFICATES = Path(__file__).parent / "certificates"
CA = str(CERTIFICATES / "ca.pem")
SECRET = "c4nary-s3cret"
PROXIES = ("HTTPS_PROXY", "HTTP_PROXY", "ALL_PROXY", "NO_PROXY")


@pytest.fixture(autouse=True)
def no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    for variable in PROXIES:
        monkeypatch.delenv(variable, raising=False)
        monkeypatch.delenv(variable.lower(), raising=False)


@pytest.fixture
def secure() -> Iterator[Liar]:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(CERTIFICATES / "server.pem")
    with Liar("https", context) as account:
        yield account


def client(url: str, ca_file: str = "") -> Client:
    return Client(url, "jane", SECRET, ca_file=ca_file, sleep=lambda seconds: None, timeout_s=10)


class Tunnel:
    """A proxy that knows CONNECT, and leads every host to one port of this machine."""

    def __init__(self, port: int) -> None:
        self.heads: list[bytes] = []
        self.bytes = bytearray()
        self._port = port
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        threading.Thread(target=self._serve, daemon=True).start()

    def close(self) -> None:
        self._listener.close()

    def _serve(self) -> None:
        while True:
            try:
                near, _ = self._listener.accept()
            except OSError:
                return
            head = b""
            while b"\r\n\r\n" not in head and (piece := near.recv(65536)):
                head += piece
            self.heads.append(head)
            far = socket.create_connection(("127.0.0.1", self._port))
            near.sendall(b"HTTP/1.1 200 Connected\r\n\r\n")
            for one, other in ((near, far), (far, near)):
                threading.Thread(target=self._pump, args=(one, other), daemon=True).start()

    def _pump(self, source: socket.socket, target: socket.socket) -> None:
        try:
            while data := source.recv(65536):
                self.bytes += data
                target.sendall(data)
            target.shutdown(socket.SHUT_WR)
        except OSError:
            pass


@pytest.fixture
def tunnel(secure: Liar) -> Iterator[Tunnel]:
    proxy = Tunnel(secure.port)
    yield proxy
    proxy.close()


def test_an_authority_of_ones_own_is_trusted_where_it_is_named(secure: Liar) -> None:
    ours = client(secure.url, CA)
    assert ours.user().id == 35
    ours.close()


def test_a_certificate_that_nobody_vouches_for_is_refused_with_the_cure(secure: Liar) -> None:
    ours = client(secure.url)
    with pytest.raises(Unavailable, match=r"not trusted: .*\[remote\] ca_file"):
        ours.user()
    ours.close()
    assert secure.log == []


def test_a_certificate_for_another_host_is_refused(
    secure: Liar, tunnel: Tunnel, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTPS_PROXY", tunnel.url)
    ours = client("https://other.example", CA)
    with pytest.raises(Unavailable, match=r"not trusted"):
        ours.user()
    ours.close()
    assert secure.log == []


@pytest.mark.parametrize("content", ["", "no certificate", "-----BEGIN CERTIFICATE-----\nxx\n"])
def test_a_certificate_file_that_is_none_is_a_mistake_of_the_configuration(
    tmp_path: Path, content: str
) -> None:
    file = tmp_path / "ca.pem"
    file.write_text(content)
    with pytest.raises(ConfigError, match="ca_file"):
        client("https://acme.example", str(file))


def test_a_proxy_is_used_and_never_sees_the_password(
    secure: Liar, tunnel: Tunnel, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTPS_PROXY", tunnel.url)
    ours = client("https://acme.example", CA)
    assert ours.user().id == 35
    ours.close()
    (head,) = tunnel.heads
    assert head.startswith(b"CONNECT acme.example:443 ")
    assert b"authorization" not in head.lower()
    token = secure.log[0].headers["Authorization"].split()[1].encode()
    assert SECRET.encode() not in tunnel.bytes
    assert token not in tunnel.bytes


def test_this_machine_is_reached_without_a_proxy(secure: Liar, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:1")
    ours = client(secure.url, CA)
    assert ours.user().id == 35
    ours.close()


@pytest.mark.parametrize(
    "proxy",
    [f"socks5://jane:{SECRET}@127.0.0.1:1", f"gopher://{SECRET}@x", f"http://x:{SECRET}", "http://[::1"],
)
def test_a_proxy_that_cannot_be_used_is_a_mistake_without_its_password(
    proxy: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTPS_PROXY", proxy)
    with pytest.raises(ConfigError, match="HTTPS_PROXY") as error:
        client("https://acme.example")
    assert SECRET not in str(error.value)


def test_no_redirect_leads_from_https_to_http(secure: Liar) -> None:
    secure.add(Record(1, "a.gif"))
    with Liar() as other:
        secure.lie("GET", "/download/", redirect(f"{other.url}/x"))
        ours = client(secure.url, CA)
        with pytest.raises(Unavailable, match="not safe"):
            ours.download(1)
        ours.close()
        assert other.log == []


def test_a_redirect_to_https_elsewhere_goes_without_the_password(secure: Liar) -> None:
    with Liar() as plain:
        plain.lie("GET", "/download/", redirect(f"{secure.url}/x"))
        secure.lie("GET", "/x", Answer(b"hello"))
        ours = client(plain.url, CA)
        assert b"".join(ours.download(1).blocks()) == b"hello"
        ours.close()
    (request,) = secure.log
    assert "Authorization" not in request.headers
