"""Logging: structlog, set up once; every line passes through one mask for secrets.

Events carry fields ("operation settled", path=..., outcome=...). What libraries log through the standard
library takes the same way from warning level on.
"""

from __future__ import annotations

import base64
import json
import logging
import os
import re
import sys
from collections.abc import MutableMapping
from pathlib import Path
from typing import Any, TextIO
from urllib.parse import quote

import structlog

from fluxsync.errors import ConfigError
from fluxsync.log_file import LogFile
from fluxsync.printable import shown_json, shown_lines

__all__ = ["MASK", "configure", "get", "hide", "masked"]

#: What stands where a secret was.
MASK = "***"

#: Shorter ones would mask half of every line; they are masked only where they are a whole value.
_SHORTEST = 4
_LIBRARIES = ("httpx", "httpcore", "waitress", "watchdog", "urllib3", "werkzeug", "PIL")
#: What is secret by its place alone: credentials of a header, and of an address.
_PLACES = (
    (re.compile(r"(?i)\b(basic|bearer) +[a-z0-9+/=._~-]{8,}"), rf"\1 {MASK}"),
    (re.compile(r"://[^/@\s\"']+:[^/@\s\"']+@"), f"://{MASK}@"),
)
_handlers: list[logging.Handler] = []
_secrets: set[str] = set()
_forms: list[str] = []


def hide(secret: str) -> None:
    """Mask a secret from now on, in all forms in which it may turn up in a line."""
    if not secret:
        return
    _secrets.add(secret)
    raw = secret.encode("utf-8", "surrogatepass")
    written = {
        secret,
        quote(secret, safe="", errors="replace"),
        quote(secret, errors="replace"),
        json.dumps(secret)[1:-1],
        json.dumps(secret, ensure_ascii=False)[1:-1],
        repr(secret)[1:-1],
        *_encoded(raw),
    }
    # The longest first, so that a form that holds another one goes as a whole.
    long_enough = {form for form in written if len(form) >= _SHORTEST}
    _forms[:] = sorted(long_enough.union(_forms), key=len, reverse=True)


def _encoded(raw: bytes) -> list[str]:
    """Return the secret's letters in a base64 text that holds it, whatever stands before ("USER:")."""
    texts = [base64.b64encode(raw).decode()]
    for before in range(3):
        text = base64.b64encode(b"\0" * before + raw).decode().rstrip("=")
        # The letters at both ends also depend on what stands beside the secret.
        inner = text[(0, 2, 3)[before] : len(text) - ((len(raw) + before) % 3 != 0)]
        if len(inner) >= _SHORTEST + 2:
            texts.append(inner)
    return texts


def masked(value: Any) -> Any:
    """Return the value without secrets: texts, and whatever holds texts, are looked through."""
    if isinstance(value, str):
        if value in _secrets:
            return MASK
        for form in _forms:
            if form in value:
                value = value.replace(form, MASK)
        for pattern, instead in _PLACES:
            value = pattern.sub(instead, value)
        return value
    if value is None or isinstance(value, bool | int | float):
        return MASK if _secrets and str(value) in _secrets else value
    if isinstance(value, dict):
        return {masked(key): masked(member) for key, member in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [masked(member) for member in value]
    if isinstance(value, bytes):
        return masked(value.decode("utf-8", "replace"))
    # A secret may be in whatever this prints as: decide on the text, and keep the text.
    return masked(str(value))


def get(name: str) -> structlog.typing.FilteringBoundLogger:
    """Return the logger of a module."""
    logger: structlog.typing.FilteringBoundLogger = structlog.get_logger(name)
    return logger


def configure(
    level: str = "info", format: str = "console", file: str = "", stream: TextIO | None = None
) -> None:
    """Set up logging for the whole program; calling it again replaces what was set up.

    `level` is debug, info, warning or error; `format` is console or json (one event a line). `file` is
    appended to, made for its owner's eyes only, and rotated; empty means `stream`, by default standard error,
    whose rotation is the system's.
    Raises ConfigError where the file cannot be written.
    """
    number = logging.getLevelNamesMapping()[level.upper()]
    handler = _handler(file, stream or sys.stderr)
    shared: list[structlog.types.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=format == "json"),
    ]
    renderer: structlog.types.Processor
    printable: list[structlog.types.Processor] = []
    if format == "json":
        renderer = structlog.processors.JSONRenderer(serializer=_as_json)
    else:
        printable = [_printable]
        renderer = structlog.dev.ConsoleRenderer(
            colors=not file and _is_terminal(stream or sys.stderr),
            # Names of files may hold line ends and escape sequences: shown as text, not obeyed.
            repr_native_str=True,
            exception_formatter=structlog.dev.plain_traceback,
        )
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                # Before the mask, so that the text of an exception passes through it, too.
                structlog.processors.StackInfoRenderer(),
                structlog.processors.format_exc_info,
                _mask,
                *printable,
                renderer,
            ],
        )
    )
    root = logging.getLogger()
    while _handlers:
        old = _handlers.pop()
        root.removeHandler(old)
        old.close()
    _handlers.append(handler)
    root.addHandler(handler)
    root.setLevel(number)
    for name in _LIBRARIES:
        logging.getLogger(name).setLevel(max(number, logging.WARNING))
    logging.captureWarnings(True)
    # A handler that fails would print the record, unmasked, to standard error.
    logging.raiseExceptions = False
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        wrapper_class=structlog.make_filtering_bound_logger(number),
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=False,
    )


def _mask(logger: Any, method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    return {masked(key): masked(value) for key, value in event.items()}


def _printable(logger: Any, method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Make what the console shows as it is safe to be shown; all other values it shows as Python does."""
    for key in ("event", "exception", "stack"):
        if key in event:
            event[key] = shown_lines(str(event[key]))
    return event


def _as_json(event: MutableMapping[str, Any], **_: object) -> str:
    return shown_json(event)


def _handler(file: str, stream: TextIO) -> logging.Handler:
    handler: logging.Handler
    if file:
        try:
            handler = LogFile(Path(file).expanduser())
        except OSError as error:
            raise ConfigError(
                f'[log] file = "{file}": cannot be written ({error.strerror}): write another path'
            ) from error
    else:
        handler = logging.StreamHandler(stream)
    return handler


def _is_terminal(stream: TextIO) -> bool:
    try:
        return stream.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"
    except ValueError:
        return False
