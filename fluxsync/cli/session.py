"""What the options of one call say, before or after the command's name."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO, TypeVar, cast

import click

if TYPE_CHECKING:
    from fluxsync.settings import Settings

__all__ = ["Session", "log_options", "result_options", "shared_options", "this"]

F = TypeVar("F", bound=Callable[..., Any])


@dataclass(slots=True)
class Session:
    """The options that every command understands."""

    config: Path | None = None
    verbose: bool = False
    json: bool = False
    log_format: str | None = None
    #: Whether the log goes anywhere yet.
    logs: bool = False

    def settings(self, *, log: bool = True, bar: bool = False, service: bool = False) -> Settings:
        """Read the configuration and start the log. Raises `ConfigError`.

        With `bar` a progress bar may be on the terminal: there, only warnings are logged besides. A `service`
        logs what the configuration says; a command says it in words, and logs warnings alone.
        """
        from fluxsync import settings

        found = settings.load(self.config)
        if log or self.verbose:
            self.start_log(found.log.level, found.log.format, found.log.file, bar=bar, service=service)
        return found

    def shows_bar(self) -> bool:
        """Tell whether progress is a bar; else it is lines in the log."""
        return not self.verbose and self.log_format is None and sys.stderr.isatty()

    def start_log(
        self,
        level: str = "info",
        format: str = "console",
        file: str = "",
        *,
        bar: bool = False,
        service: bool = False,
    ) -> None:
        from fluxsync import logs

        if self.verbose:
            level = "debug"
        elif service or file:
            pass
        elif level in ("debug", "info") and (not bar or self.shows_bar()):
            level = "warning"
        logs.configure(level, self.log_format or format, file, cast(TextIO, _Stderr()))
        self.logs = True


class _Stderr:
    """Whatever stderr is at the moment: a progress bar puts itself there, so that lines appear above it."""

    encoding = "utf-8"

    def write(self, text: str) -> int:
        return sys.stderr.write(text)

    def flush(self) -> None:
        sys.stderr.flush()

    def isatty(self) -> bool:
        return sys.stderr.isatty()


def this() -> Session:
    """Return the session of the call in hand."""
    session = click.get_current_context().find_object(Session)
    assert session is not None
    return session


def _note(context: click.Context, parameter: click.Parameter, value: Any) -> None:
    if parameter.name is not None and value not in (None, False):
        setattr(context.ensure_object(Session), parameter.name, value)


_LOG_OPTIONS = (
    click.option(
        "--log-format",
        type=click.Choice(["console", "json"]),
        expose_value=False,
        callback=_note,
        help="How log lines on stderr look, instead of what the configuration says.",
    ),
    click.option(
        "-v", "--verbose", is_flag=True, expose_value=False, callback=_note, help="Log everything, on stderr."
    ),
)
_JSON_OPTION = click.option(
    "--json",
    is_flag=True,
    expose_value=False,
    callback=_note,
    help="Print one JSON document on stdout.",
)
_CONFIG_OPTION = click.option(
    "--config",
    metavar="FILE",
    type=click.Path(path_type=Path),
    expose_value=False,
    callback=_note,
    help="The configuration. Default: fluxsync/config.toml in your configuration directory.",
)


def shared_options(command: F) -> F:
    """Add the options of commands about the configured pair, understood before and after their names."""
    return _CONFIG_OPTION(result_options(command))


def result_options(command: F) -> F:
    """Add the options of commands that print a result and need no configuration."""
    return _JSON_OPTION(log_options(command))


def log_options(command: F) -> F:
    """Add the options of commands that only log."""
    for option in _LOG_OPTIONS:
        command = option(command)
    return command
