"""Documents and text to stdout, one-line messages to stderr.

A reader that goes away (`fluxsync history | head`) ends the output and nothing else.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from typing import TYPE_CHECKING

import click

from fluxsync.printable import shown, shown_json

if TYPE_CHECKING:
    from rich.console import Console, RenderableType

__all__ = ["console", "document", "draw", "drop", "line", "prepare", "say", "unwritable"]

_STYLES = {
    "bold": "\x1b[1m{}\x1b[0m",
    "dim": "\x1b[2m{}\x1b[0m",
    "red": "\x1b[31m{}\x1b[0m",
    "green": "\x1b[32m{}\x1b[0m",
    "yellow": "\x1b[33m{}\x1b[0m",
    "cyan": "\x1b[36m{}\x1b[0m",
}


def prepare() -> None:
    """Let no file name be too strange to be printed, whatever the terminal's encoding is."""
    for name in ("stdout", "stderr"):
        if getattr(sys, name) is None:  # closed by whoever started us
            setattr(sys, name, os.fdopen(os.open(os.devnull, os.O_WRONLY), "w", encoding="utf-8"))
    for stream in (sys.stdout, sys.stderr):
        reconfigure = getattr(stream, "reconfigure", None)
        if reconfigure is not None:
            reconfigure(errors="backslashreplace")


def document(value: Mapping[str, object]) -> None:
    """Print one JSON document."""
    _write(shown_json(value, indent=1) + "\n")


def line(*parts: str | tuple[str, str]) -> None:
    """Print one line of text; a part may come with a style, like "bold" or "green", for terminals."""
    colours = sys.stdout.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"
    text = ""
    for part in parts:
        words, style = part if isinstance(part, tuple) else (part, "")
        text += _STYLES[style].format(shown(words)) if colours and style else shown(words)
    _write(text + "\n")


def say(text: str) -> None:
    """Print one line on stderr; what is in it cannot break it in two."""
    try:
        print(shown(" ".join(text.split("\n"))), file=sys.stderr, flush=True)
    except OSError:
        pass  # nobody reads it


def console() -> Console:
    """Return a console for stdout: colours and the width of the terminal, or plain text."""
    from rich.console import Console

    plain = not sys.stdout.isatty()
    return Console(highlight=False, soft_wrap=plain, emoji=False, markup=False)


def draw(*renderables: RenderableType) -> None:
    """Print tables, trees and texts on stdout."""
    target = console()
    try:
        for renderable in renderables:
            target.print(renderable)
        sys.stdout.flush()
    except OSError as error:
        _leave(error)


def _write(text: str) -> None:
    try:
        sys.stdout.write(text)
        sys.stdout.flush()
    except OSError as error:
        _leave(error)


def _leave(error: OSError) -> None:
    """Send what is still to come nowhere: the interpreter flushes at its end, too.

    Raises `ClickException` where nobody went away, but something is wrong with the place.
    """
    drop()
    if not isinstance(error, BrokenPipeError):
        raise click.ClickException(unwritable(error))


def drop() -> None:
    """Send what is still to come on stdout nowhere."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def unwritable(error: OSError) -> str:
    return f"the output cannot be written: {error.strerror or error}; what was done stays done"
