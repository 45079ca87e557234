"""Request parameters.

The documents list parameters without saying where they go. Our reading: form fields (multipart where there is
a file), or the address; where both have one, the form's counts.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl

from fluxsync.sandbox import disposition, multipart
from fluxsync.sandbox.blobs import Blobs, Incoming
from fluxsync.sandbox.errors import ApiError, MalformedRequest
from fluxsync.sandbox.model import Blob

_MAX_TEXT_BYTES = 4 * 2**20
_MAX_FIELDS = 1000

Parameters = Mapping[str, str]


@dataclass(frozen=True, slots=True)
class SentFile:
    """The uploaded file; it vanishes with the request unless `complete()` is called."""

    filename: str
    content_type: str
    incoming: Incoming

    def complete(self) -> Blob:
        """Keep the content and return it."""
        return self.incoming.complete()


@dataclass(frozen=True, slots=True)
class Form:
    """All parameters of a request."""

    fields: Parameters
    file: SentFile | None = None

    def required_file(self) -> SentFile:
        """Return the uploaded file. Raises ApiError 422 where there is none."""
        if self.file is None:
            raise ApiError(422, "file is required")
        return self.file


def query_parameters(query: str) -> Parameters:
    """Read the parameters in the address. `query` is WSGI's: bytes as Latin-1."""
    return _urlencoded(query.encode("latin-1")) if query else {}


@contextmanager
def received_form(environ: Mapping[str, Any], blobs: Blobs) -> Iterator[Form]:
    """Read the parameters of a request, its file into the content folder.

    Raises MalformedRequest for what cannot be read, and ApiError 415 for a body that is no form.
    """
    with blobs.receive() as incoming:
        yield _read(environ, incoming)


def _read(environ: Mapping[str, Any], incoming: Incoming) -> Form:
    in_address = query_parameters(environ.get("QUERY_STRING", ""))
    length = int(environ.get("CONTENT_LENGTH") or 0)
    if length == 0:
        return Form(in_address)
    content_type = str(environ.get("CONTENT_TYPE", ""))
    media_type = content_type.partition(";")[0].strip().lower()
    body = environ["wsgi.input"]
    if media_type == "application/x-www-form-urlencoded":
        if length > _MAX_TEXT_BYTES:
            raise ApiError(413, "the form is too long")
        return Form({**in_address, **_urlencoded(body.read(length))})
    if media_type != "multipart/form-data":
        raise ApiError(415, "send parameters as a form")
    boundary = disposition.parameters(content_type).get("boundary", "")
    if not boundary or not boundary.isascii():
        raise MalformedRequest("the form names no boundary")
    fields = dict(in_address)
    file: SentFile | None = None
    for head, pieces in multipart.read_parts(body, boundary.encode()):
        if head.filename is None:
            fields[head.name] = multipart.field_text(pieces)
        elif head.name == "file" and head.filename:
            if file is not None:
                raise ApiError(422, "only one file at a time")
            file = SentFile(head.filename, head.content_type, incoming)
            for piece in pieces:
                incoming.write(piece)
        else:
            for _ in pieces:
                pass  # a file that no document asks for, or an empty file field of a browser
    return Form(fields, file)


def _urlencoded(data: bytes) -> dict[str, str]:
    try:
        pairs = parse_qsl(data.decode(), keep_blank_values=True, errors="strict", max_num_fields=_MAX_FIELDS)
    except ValueError as error:
        raise MalformedRequest("the parameters are not UTF-8, or too many") from error
    return dict(pairs)
