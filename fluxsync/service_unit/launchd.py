"""launchd: one agent for each configuration, in ~/Library/LaunchAgents."""

from __future__ import annotations

import os
import plistlib
import re
import shutil
import time
from collections.abc import Iterator, Mapping, Sequence
from importlib import resources
from pathlib import Path
from xml.parsers.expat import ExpatError
from xml.sax.saxutils import escape

from fluxsync.errors import ConfigError
from fluxsync.service_unit.supervisor import State
from fluxsync.service_unit.tools import ask, must
from fluxsync.service_unit.wanted import Wanted

__all__ = ["Launchd", "agent_text"]

_MARK = '<!-- Written by "fluxsync service install", and removed by "fluxsync service uninstall". -->'
_LABEL = "org.fluxsync.agent"
#: launchd answers before an agent has ended; a bit more than the agent's ExitTimeOut, in seconds.
_ENDING_S = 25


class Launchd:
    """The launchd of the user whose home this is."""

    def __init__(self, home: Path) -> None:
        self._agents = home / "Library" / "LaunchAgents"
        self._logs = home / "Library" / "Logs"
        self._domain = f"gui/{os.getuid()}"

    @property
    def hints(self) -> Sequence[str]:
        return ("it runs while you are logged in",)

    def check(self) -> None:
        if shutil.which("launchctl") is None:
            raise ConfigError("there is no launchctl: `fluxsync` can be started by other means, like cron")

    def unit(self, name: str) -> str:
        return f"{_LABEL}.{name}" if name else _LABEL

    def file(self, name: str) -> Path:
        return self._agents / f"{self.unit(name)}.plist"

    def files(self) -> Sequence[Path]:
        return sorted(self._agents.glob(f"{_LABEL}*.plist"))

    def config_of(self, text: str) -> Path | None:
        if _MARK not in text:
            return None
        try:
            command = plistlib.loads(text.encode())["ProgramArguments"]
            return Path(command[command.index("--config") + 1])
        except (ExpatError, KeyError, ValueError, IndexError, AttributeError, TypeError):
            return None

    def linked(self, name: str) -> bool:
        return False

    def text(self, wanted: Wanted) -> str:
        return agent_text(
            [*wanted.command, "--config", str(wanted.config)],
            label=self.unit(wanted.name),
            log=self.log(wanted.name),
            mark=_MARK,
            environment=wanted.environment,
        )

    def start(self, name: str, changed: bool) -> Iterator[str]:
        if self._loaded(name):
            if not changed:
                yield must("launchctl", "kickstart", self._target(name))
                return
            yield self._unload(name)
        self._logs.mkdir(parents=True, exist_ok=True)
        yield must("launchctl", "enable", self._target(name))
        yield must("launchctl", "bootstrap", self._domain, str(self.file(name)))

    def stop(self, name: str) -> Iterator[str]:
        if self._loaded(name):
            yield self._unload(name)

    def forget(self, name: str) -> Iterator[str]:
        yield from ()

    def state(self, name: str) -> State:
        answer = ask("launchctl", "print", self._target(name))
        lines = [line.strip() for line in answer.out.splitlines()]
        return State(answer.code == 0, answer.code == 0 and "state = running" in lines)

    def log(self, name: str) -> str:
        return str(self._logs / f"{self.unit(name)}.log")

    def _target(self, name: str) -> str:
        return f"{self._domain}/{self.unit(name)}"

    def _loaded(self, name: str) -> bool:
        return ask("launchctl", "print", self._target(name)).code == 0

    def _unload(self, name: str) -> str:
        step = must("launchctl", "bootout", self._target(name))
        end = time.monotonic() + _ENDING_S
        while self._loaded(name) and time.monotonic() < end:
            time.sleep(0.2)
        return step


def agent_text(
    command: Sequence[str],
    *,
    label: str,
    log: str,
    mark: str = "",
    environment: Mapping[str, str] | None = None,
) -> str:
    """Return the text of an agent that runs this command and logs to that file."""
    values = {
        "mark": mark,
        "label": _text(label),
        "log": _text(log),
        "command": "\n".join(f"\t\t<string>{_text(word)}</string>" for word in command),
        "environment": _dictionary(environment or {}),
    }
    text = resources.files(__package__).joinpath("org.fluxsync.agent.plist.in").read_text(encoding="utf-8")
    # A line that holds nothing else goes where there is nothing to say.
    empty = "|".join(f"@{name}@\n" for name, value in values.items() if not value)
    text = re.sub(empty, "", text) if empty else text
    return re.sub(r"@([a-z]+)@", lambda placeholder: values[placeholder[1]], text)


def _dictionary(environment: Mapping[str, str]) -> str:
    if not environment:
        return ""
    pairs = "".join(
        f"\t\t<key>{_text(key)}</key>\n\t\t<string>{_text(value)}</string>\n"
        for key, value in environment.items()
    )
    return f"\t<key>EnvironmentVariables</key>\n\t<dict>\n{pairs}\t</dict>"


def _text(word: str) -> str:
    if not word.isprintable():
        raise ConfigError(f"{word!r} cannot stand in an agent of launchd: rename it")
    return escape(word)
