"""The man page: a text of its own, with what the commands say of themselves in its midst."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

import click

from fluxsync import __version__

__all__ = ["man_page"]

_KEY = re.compile(r"(?:# )?(\w+) = (.+)")


def man_page(program: click.Group, frame: str, example: str) -> str:
    """Return the page in man(7); lines that are @name@ alone in the frame are filled in."""
    context = click.Context(program, info_name=program.name)
    shared = {flag for parameter in _options(program, ()) for flag in parameter.opts}
    blocks = {
        "options": list(_option_list(program, context, ())),
        "commands": [
            line for name in program.commands for line in _command(program.commands[name], context, shared)
        ],
        "settings": list(_settings(example)),
    }
    lines = []
    for line in frame.splitlines():
        block = re.fullmatch(r"@(\w+)@", line)
        lines += blocks[block[1]] if block else [line.replace("@version@", __version__)]
    return "\n".join(lines) + "\n"


def _command(command: click.Command, above: click.Context, shared: set[str]) -> Iterator[str]:
    context = click.Context(command, info_name=command.name, parent=above)
    pieces = [piece for piece in command.collect_usage_pieces(context) if piece != "[OPTIONS]"]
    yield f".SS {_text(' '.join([context.command_path, *pieces]))}"
    for number, paragraph in enumerate((command.help or "").split("\n\n")):
        if number:
            yield ".PP"
        yield _marked(" ".join(paragraph.split()))
    yield from _option_list(command, context, shared)
    if isinstance(command, click.Group):
        for name in command.commands:
            yield from _command(command.commands[name], context, shared)


def _options(command: click.Command, without: Sequence[str] | set[str]) -> Iterator[click.Option]:
    for parameter in command.params:
        if isinstance(parameter, click.Option) and not set(parameter.opts) & set(without):
            yield parameter


def _option_list(
    command: click.Command, context: click.Context, without: Sequence[str] | set[str]
) -> Iterator[str]:
    for option in _options(command, without):
        record = option.get_help_record(context)
        if record is not None:
            flags, text = record
            yield ".TP"
            yield f"\\fB{_text(flags)}\\fR"
            yield _marked(text)


def _settings(example: str) -> Iterator[str]:
    """Yield the keys with the values and comments that they have in the example."""
    for line in example.splitlines():
        code, _, comment = line.partition("   #") if not line.startswith("#") else (line, "", "")
        section = re.match(r"\[(\w+)\]\s*(?:# (.*))?", line)
        key = _KEY.fullmatch(code.partition("  #")[0].rstrip())
        if section:
            yield f".SS [{section[1]}]"
            if section[2]:
                yield _marked(section[2])
        elif key:
            comment = line.partition("  #")[2]
            yield ".TP"
            yield f"\\fB{key[1]}\\fR = {_text(key[2])}"
            if comment.strip():
                yield _marked(comment.strip())
        elif line.startswith("#  "):
            yield _marked(line.lstrip("# "))


def _marked(text: str) -> str:
    """Return prose, with what stands in backticks in bold."""
    parts = text.split("`")
    return "".join(
        f"\\fB{_text(part)}\\fR" if number % 2 else _text(part, number == 0)
        for number, part in enumerate(parts)
    )


def _text(text: str, first: bool = True) -> str:
    """Return text that roff takes literally."""
    literal = text.replace("\\", "\\e").replace("-", "\\-").replace("^", "\\(ha").replace("~", "\\(ti")
    literal = literal.replace("'", "\\(aq").replace("`", "\\(ga")
    return f"\\&{literal}" if first and literal.startswith(".") else literal
