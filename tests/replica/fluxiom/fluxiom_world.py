"""What these tests share: content from memory, a clock that only sleeping moves, XML by hand."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from xml.sax.saxutils import escape

BLOCK = 1 << 20
URL = "https://acme.fluxiom.com"
API = f"{URL}/api"
XML = {"Content-Type": "application/xml"}


class Bytes:
    """A `Source` from memory; `failure` is what `check` raises."""

    def __init__(self, data: bytes, failure: Exception | None = None, block: int = BLOCK) -> None:
        self.data = data
        self.size = len(data)
        self.failure = failure
        self.block = block

    def blocks(self) -> Iterator[bytes]:
        for start in range(0, len(self.data), self.block):
            yield self.data[start : start + self.block]

    def check(self) -> str:
        if self.failure:
            raise self.failure
        return digest(self.data)

    def close(self) -> None:
        pass


class Clock:
    """Time that passes only while somebody sleeps."""

    def __init__(self) -> None:
        self.now = 1000.0
        self.slept: list[float] = []

    def __call__(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds


def digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def asset_xml(
    number: int,
    *,
    version: int = 0,
    size: int = 5,
    tags: Iterable[tuple[int, str]] = (),
    filename: str = "",
    created: str = "2010-07-13T13:13:51+02:00",
) -> str:
    name = escape(filename or f"{number}.gif")
    listed = "".join(f"<tag><id>{i}</id><tag>{escape(n)}</tag></tag>" for i, n in tags)
    return (
        f'<asset><id type="integer">{number}</id><title>t{number}</title><version>{version}</version>'
        f"<filename>{name}</filename><description/><content-type>image/gif</content-type>"
        f'<size type="integer">{size}</size><user-id>35</user-id>'
        f'<created-on type="date">{created}</created-on><updated-on type="date">{created}</updated-on>'
        f'<tags type="array">{listed}</tags></asset>'
    )


def page_xml(numbers: Iterable[int], **fields: object) -> bytes:
    assets = "".join(asset_xml(number, **fields) for number in numbers)  # type: ignore[arg-type]
    return f'<?xml version="1.0"?><documents type="array">{assets}</documents>'.encode()


USER = (
    b"<user><id>35</id><first_name>Jane</first_name><last_name>Doe</last_name><email>j@x</email>"
    b'<permissions type="array"><permission>login</permission><permission>manage_assets</permission>'
    b"</permissions></user>"
)
READER = USER.replace(b"<permission>manage_assets</permission>", b"")
ACCOUNT = (
    b'<account><subdomain>acme</subdomain><plan versions="true" ssl="true">Basic</plan>'
    b'<stats used_space="10" available_space="1000"/></account>'
)
TAGS = (
    b'<tags type="array"><tag><tag>Acme</tag><id>7</id><documents-count>1</documents-count>'
    b"<stages_count>2</stages_count></tag></tags>"
)
