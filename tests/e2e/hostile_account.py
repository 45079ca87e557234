"""An account that keeps to the form of the documents and lies in what it says.

    liar.add(Record(1, "../x", content=b"..."))          an asset; its record may say anything
    liar.tag(7, "../../etc")                             a tag
    liar.lie("GET", r"/assets/download/1", Answer(...))  another answer to these requests, from now on

It is served on loopback by plain sockets, so that an answer can be cut, endless, or no HTTP at all.
"""

from __future__ import annotations

import os
import re
import socket
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from email.parser import BytesParser
from email.policy import HTTP
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit
from xml.sax.saxutils import escape

__all__ = ["Answer", "Around", "Liar", "Record", "Request", "forever", "redirect", "xml_page"]

XML = {"Content-Type": "application/xml"}
CREATED = "2010-07-13T13:13:51+02:00"


@dataclass(frozen=True)
class Answer:
    """What is sent for a request: `body` as it is, in pieces; without a length the connection ends it."""

    body: bytes | Iterable[bytes] = b""
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=lambda: XML)
    length: int | str | None = None
    #: Sent instead of all that, byte by byte as it stands.
    raw: bytes = b""


@dataclass(frozen=True)
class Request:
    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes

    @property
    def fields(self) -> dict[str, str]:
        """The fields of a form, the name of its file as "filename"."""
        kind = self.headers.get("Content-Type", "")
        if not kind.startswith("multipart/"):
            return {k: v[0] for k, v in parse_qs(self.body.decode(), keep_blank_values=True).items()}
        message = BytesParser(policy=HTTP).parsebytes(b"Content-Type: " + kind.encode() + b"\n\n" + self.body)
        found: dict[str, str] = {}
        for part in message.iter_parts():
            name = part.get_param("name", header="content-disposition")
            found[str(name)] = str(part.get_payload())
            if part.get_filename():
                found["filename"] = str(part.get_filename())
        return found


@dataclass(frozen=True)
class Record:
    """One asset as the list shows it; every field is text that is put into the XML as it stands."""

    id: int | str
    filename: str = "logo.gif"
    content: bytes = b"hello"
    tags: tuple[int, ...] = ()
    size: int | str | None = None
    version: int | str = 0
    title: str = ""
    created: str = CREATED
    updated: str = CREATED
    #: Comments of the versions 1 and up.
    comments: tuple[str, ...] = ()

    def xml(self, tags: Mapping[int, str], *, escaped: bool = True) -> bytes:
        name = escape(self.filename) if escaped else self.filename
        listed = "".join(f"<tag><id>{t}</id><tag>{escape(tags.get(t, ''))}</tag></tag>" for t in self.tags)
        size = len(self.content) if self.size is None else self.size
        text = (
            f"<asset><id>{self.id}</id><title>{escape(self.title)}</title><version>{self.version}</version>"
            f"<filename>{name}</filename><description/><content-type>image/gif</content-type>"
            f"<size>{size}</size><user-id>35</user-id><created-on>{self.created}</created-on>"
            f"<updated-on>{self.updated}</updated-on><tags>{listed}</tags></asset>"
        )
        return text.encode("utf-8", "surrogateescape")


def forever(piece: bytes) -> Iterator[bytes]:
    """Yield one piece for as long as anybody takes it."""
    while True:
        yield piece


def redirect(location: str, status: int = 302) -> Answer:
    return Answer(b"", status, {"Location": location})


class Around:
    """Files and folders around a root that nobody may touch, and what they were."""

    def __init__(self, base: Path, root: Path) -> None:
        self._base, self._root = base, root
        for folder in (root.parent / "sibling", base / "home" / ".ssh", base / "outside"):
            folder.mkdir(parents=True)
            (folder / "x").write_text("precious")
            (folder / "authorized_keys").write_text("precious, too")
        self.outside = base / "outside"
        self._before = self._now()

    def check(self) -> None:
        """Fail where anything around the root is new, gone or different."""
        assert self._now() == self._before

    def _now(self) -> dict[str, tuple[int, int, bytes]]:
        found = {}
        for folder, folders, files in os.walk(self._base):
            folders[:] = [name for name in folders if Path(folder, name) != self._root]
            for name in (*folders, *files):
                path = Path(folder, name)
                if path.name.startswith("journal.sqlite"):
                    continue
                status = path.lstat()
                # The folder that holds the journal changes with it.
                mtime_ns = 0 if path == self._root.parent else status.st_mtime_ns
                content = path.read_bytes() if path.is_file() else b""
                found[str(path)] = (status.st_mode, mtime_ns, content)
        return found


def xml_page(records: Iterable[bytes]) -> bytes:
    return b"<documents>" + b"".join(records) + b"</documents>"


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    request_queue_size = 256
    liar: Liar

    def handle_error(self, request: Any, client_address: Any) -> None:
        pass


class Liar:
    """Listens from its creation to `close()`; as a context manager it closes itself."""

    def __init__(self, scheme: str = "http", context: Any = None) -> None:
        self.records: dict[int | str, Record] = {}
        self.tags: dict[int, str] = {}
        self.log: list[Request] = []
        self._lies: list[tuple[str, re.Pattern[str], Answer | Callable[[Request], Answer | None]]] = []
        self._server = _Server(("127.0.0.1", 0), _Handler)
        self._server.liar = self
        if context is not None:
            self._server.socket = context.wrap_socket(self._server.socket, server_side=True)
        self.port = int(self._server.server_address[1])
        self.url = f"{scheme}://127.0.0.1:{self.port}"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True)
        self._thread.start()

    def __enter__(self) -> Liar:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def add(self, *records: Record) -> None:
        for record in records:
            self.records[record.id] = record

    def tag(self, number: int, name: str) -> None:
        self.tags[number] = name

    def lie(self, method: str, path: str, answer: Answer | Callable[[Request], Answer | None]) -> None:
        """Give this answer to requests whose path and query the expression finds; None: the usual one."""
        self._lies.insert(0, (method, re.compile(path), answer))

    def honest(self) -> None:
        """Forget all lies."""
        self._lies.clear()

    def asked(self, method: str, path: str = "") -> list[Request]:
        return [r for r in self.log if r.method == method and re.search(path, r.path)]

    def answer(self, request: Request) -> Answer:
        for method, path, lie in self._lies:
            if method in (request.method, "*") and path.search(request.path):
                found = lie if isinstance(lie, Answer) else lie(request)
                if found is not None:
                    return found
        return self._usual(request)

    # What the documents promise

    def _usual(self, request: Request) -> Answer:
        url = urlsplit(request.path)
        path = url.path.removeprefix("/api/").removesuffix(".xml")
        if path == "user":
            rights = "<permission>login</permission><permission>manage_assets</permission>"
            return Answer(f"<user><id>35</id><permissions>{rights}</permissions></user>".encode())
        if path == "account":
            return Answer(
                b'<account><subdomain>acme</subdomain><plan versions="true">Basic</plan>'
                b'<stats used_space="10" available_space="1000000000"/></account>'
            )
        if path == "tags":
            return self._tags(request)
        if path == "assets":
            if request.method == "POST":
                return self._create(request)
            page = int(parse_qs(url.query)["page"][0])
            found = list(self.records.values())[(page - 1) * 100 : page * 100]
            return Answer(xml_page(r.xml(self.tags) for r in found))
        kind, _, rest = path.partition("/")
        if kind == "tags":
            name = self.tags.get(int(rest))
            return Answer(_tag(int(rest), name)) if name is not None else Answer(status=404)
        number, _, more = rest.partition("/")
        if number == "download":
            number, more = more, "download"
        record = self.records.get(int(number))
        return Answer(status=404) if record is None else self._asset(request, record, more)

    def _tags(self, request: Request) -> Answer:
        if request.method == "POST":
            number = max(self.tags, default=100) + 1
            self.tags[number] = request.fields["tag"]
            return Answer(_tag(number, self.tags[number]))
        return Answer(b"<tags>" + b"".join(_tag(n, name) for n, name in self.tags.items()) + b"</tags>")

    def _create(self, request: Request) -> Answer:
        sent = request.fields
        tags = tuple(int(tag) for tag in sent["tags"].split(",") if tag)
        number = max((int(n) for n in self.records), default=1000) + 1
        record = Record(number, sent["filename"], sent["file"].encode(), tags, title=sent["title"])
        self.add(record)
        return Answer(record.xml(self.tags))

    def _asset(self, request: Request, record: Record, more: str) -> Answer:
        if more == "download":
            return Answer(record.content, headers={"Content-Type": record_type(record)})
        if more == "versions" and request.method == "POST":
            sent = request.fields
            record = replace(
                record,
                filename=sent["filename"],
                content=sent["file"].encode(),
                version=int(record.version) + 1,
                comments=(*record.comments, sent["comment"]),
            )
            self.add(record)
            return Answer(_version(record, int(record.version)))
        if more == "versions":
            listed = "".join(_version(record, n).decode() for n in range(int(record.version) + 1))
            return Answer(f"<document-versions>{listed}</document-versions>".encode())
        if request.method == "PUT":
            sent = request.fields
            tags = tuple(int(tag) for tag in sent["tags"].split(",") if tag)
            record = replace(record, tags=tags, title=sent["title"])
            self.add(record)
        return Answer(record.xml(self.tags))


def record_type(record: Record) -> str:
    return "image/gif"


def _tag(number: int, name: str) -> bytes:
    return f"<tag><tag>{escape(name)}</tag><id>{number}</id></tag>".encode("utf-8", "surrogateescape")


def _version(record: Record, number: int) -> bytes:
    comment = record.comments[number - 1] if 0 < number <= len(record.comments) else ""
    size = len(record.content) if record.size is None else record.size
    return (
        f"<version><id>{number + 1}</id><version>{number}</version><filename>{escape(record.filename)}"
        f"</filename><size>{size}</size><comment>{escape(comment)}</comment><user-id>35</user-id></version>"
    ).encode()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: _Server

    def log_message(self, format: str, *args: object) -> None:
        pass

    def _answer(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        request = Request(self.command, self.path, dict(self.headers.items()), body)
        liar = self.server.liar
        liar.log.append(request)
        answer = liar.answer(request)
        try:
            if answer.raw:
                self.wfile.write(answer.raw)
                self.close_connection = True
                return
            self._send(answer)
        except OSError:
            self.close_connection = True

    do_GET = do_POST = do_PUT = do_DELETE = _answer

    def do_CONNECT(self) -> None:
        self.server.liar.log.append(Request("CONNECT", self.path, dict(self.headers.items()), b""))
        self.send_error(403)

    def _send(self, answer: Answer) -> None:
        whole = answer.body if isinstance(answer.body, bytes) else None
        length = len(whole) if answer.length is None and whole is not None else answer.length
        lines = [f"HTTP/1.1 {answer.status} What"]
        lines += [f"{name}: {value}" for name, value in answer.headers.items()]
        if length is None or (whole is not None and length != len(whole)):
            lines.append("Connection: close")
            self.close_connection = True
        if length is not None:
            lines.append(f"Content-Length: {length}")
        self.wfile.write("\r\n".join([*lines, "", ""]).encode("latin-1") + (whole or b""))
        if whole is None:
            for piece in answer.body:
                self.wfile.write(piece)  # type: ignore[arg-type]
        if self.close_connection:
            self.wfile.flush()
            self.connection.shutdown(socket.SHUT_WR)
