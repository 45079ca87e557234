"""A small HTTP client that knows nothing of the project: requests in, status, headers and body out."""

import base64
import http.client
import json
import xml.etree.ElementTree as ET
from dataclasses import dataclass
from types import TracebackType
from typing import Any
from urllib.parse import urlencode

BOUNDARY = "----a-boundary-7MA4YWxk"


@dataclass(frozen=True)
class Answer:
    """What came back."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def xml(self) -> ET.Element:
        assert self.headers["content-type"] == "application/xml; charset=utf-8", self.body
        return ET.fromstring(self.body)

    @property
    def json(self) -> Any:
        assert self.headers["content-type"] == "application/json; charset=utf-8", self.body
        return json.loads(self.body)


def form(content: bytes | None, filename: str = "logo.gif", **fields: str) -> bytes:
    """Write a multipart body as browsers do."""
    parts = [
        f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'.encode()
        for name, value in fields.items()
    ]
    if content is not None:
        escaped = filename.replace('"', "%22").replace("\r", "%0D").replace("\n", "%0A")
        head = f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="file"; filename="{escaped}"\r\n\r\n'
        parts += [head.encode(), content, b"\r\n"]
    return b"".join([*parts, f"--{BOUNDARY}--\r\n".encode()])


class Client:
    """One user on one connection that is kept alive."""

    def __init__(self, port: int, username: str = "demo", password: str = "demo") -> None:
        self.connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
        login = base64.b64encode(f"{username}:{password}".encode()).decode()
        self._headers = {"Authorization": f"Basic {login}", "User-Agent": "test/1"} if username else {}

    def __enter__(self) -> "Client":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.connection.close()

    def call(self, method: str, path: str, body: bytes | None = None, **headers: str) -> Answer:
        sent = self._headers | {name.replace("_", "-"): value for name, value in headers.items()}
        self.connection.request(method, path, body, sent)
        response = self.connection.getresponse()
        return Answer(response.status, {k.lower(): v for k, v in response.getheaders()}, response.read())

    def get(self, path: str, **headers: str) -> Answer:
        return self.call("GET", path, **headers)

    def delete(self, path: str) -> Answer:
        return self.call("DELETE", path)

    def put(self, path: str, **fields: str) -> Answer:
        return self._fields("PUT", path, fields)

    def post(self, path: str, **fields: str) -> Answer:
        return self._fields("POST", path, fields)

    def _fields(self, method: str, path: str, fields: dict[str, str]) -> Answer:
        body = urlencode(fields).encode()
        return self.call(method, path, body, Content_Type="application/x-www-form-urlencoded")

    def send(self, path: str, content: bytes | None, filename: str = "logo.gif", **fields: str) -> Answer:
        """Post a form with a file."""
        return self.send_body(path, form(content, filename, **fields))

    def send_body(self, path: str, body: bytes, method: str = "POST") -> Answer:
        """Send a multipart body as it is."""
        return self.call(method, path, body, Content_Type=f"multipart/form-data; boundary={BOUNDARY}")
