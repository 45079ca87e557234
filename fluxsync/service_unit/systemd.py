"""systemd: one unit for each configuration, below ~/.config/systemd/user."""

from __future__ import annotations

import getpass
import os
import re
import shutil
from collections.abc import Iterator, Sequence
from importlib import resources
from pathlib import Path

from fluxsync.errors import ConfigError
from fluxsync.service_unit.supervisor import State
from fluxsync.service_unit.tools import ask, must
from fluxsync.service_unit.wanted import Wanted

__all__ = ["Systemd", "unit_text"]

_MARK = '# Written by "fluxsync service install", and removed by "fluxsync service uninstall", for '
#: systemd knows growing pauses from this version on, and older ones complain about them.
_GROWING = 254
_PAUSES = (
    "# Each pause is longer than the one before, up to ten minutes.\nRestartSteps=6\nRestartMaxDelaySec=10min"
)
_SYSTEMCTL = ("systemctl", "--user")
_LINGERING = Path("/var/lib/systemd/linger")


class Systemd:
    """The user's own systemd; `config_home` is where it looks for systemd/user."""

    def __init__(self, config_home: Path, lingering: Path = _LINGERING) -> None:
        self._units = config_home / "systemd" / "user"
        self._lingering = lingering

    @property
    def hints(self) -> Sequence[str]:
        user = getpass.getuser()
        if (self._lingering / user).exists():
            return ()
        return (f"it runs while you are logged in; for longer: loginctl enable-linger {user}",)

    def check(self) -> None:
        otherwise = "let your session start `fluxsync`, or cron `fluxsync --once`"
        if shutil.which("systemctl") is None:
            raise ConfigError(f"there is no systemctl, so no systemd: {otherwise}")
        answer = ask(*_SYSTEMCTL, "show-environment")
        if answer.code:
            raise ConfigError(
                f"no systemd works for this user ({answer.complaint}): log in yourself, not by su or sudo;"
                f" where there is none, {otherwise}"
            )

    def unit(self, name: str) -> str:
        return f"fluxsync@{name}.service" if name else "fluxsync.service"

    def file(self, name: str) -> Path:
        return self._units / self.unit(name)

    def files(self) -> Sequence[Path]:
        return sorted([*self._units.glob("fluxsync.service"), *self._units.glob("fluxsync@*.service")])

    def config_of(self, text: str) -> Path | None:
        first = text.split("\n", 1)[0]
        return Path(first.removeprefix(_MARK)) if first.startswith(_MARK) else None

    def linked(self, name: str) -> bool:
        return os.path.lexists(self._units / "default.target.wants" / self.unit(name))

    def text(self, wanted: Wanted) -> str:
        program, arguments = wanted.command[0], [*wanted.command[1:], "--config", str(wanted.config)]
        if set(program) & set("\"'\\"):
            raise ConfigError(f"systemd starts no program with a quote or backslash in its path: {program}")
        # "$" is special in all words but the first.
        words = [_quoted(program), *(_quoted(word).replace("$", "$$") for word in arguments)]
        return unit_text(
            " ".join(words),
            description=f"fluxsync: a folder and an asset account in step ({wanted.name or 'default'})",
            mark=_MARK + _writable(str(wanted.config)),
            environment=[f"{key}={value}" for key, value in wanted.environment.items()],
            pauses=_PAUSES if _version() >= _GROWING else "",
        )

    def start(self, name: str, changed: bool) -> Iterator[str]:
        unit = self.unit(name)
        cure = f"see `journalctl --user -u {unit}`"
        if changed:
            yield must(*_SYSTEMCTL, "daemon-reload")
            yield must(*_SYSTEMCTL, "try-restart", unit, cure=cure)
        yield must(*_SYSTEMCTL, "enable", "--now", unit, cure=cure)

    def stop(self, name: str) -> Iterator[str]:
        yield must(*_SYSTEMCTL, "disable", "--now", self.unit(name))

    def forget(self, name: str) -> Iterator[str]:
        yield must(*_SYSTEMCTL, "daemon-reload")
        # Only what had failed is still remembered; most often there is nothing to forget.
        ask(*_SYSTEMCTL, "reset-failed", self.unit(name))

    def state(self, name: str) -> State:
        enabled = ask(*_SYSTEMCTL, "is-enabled", self.unit(name)).out.strip()
        active = ask(*_SYSTEMCTL, "is-active", self.unit(name)).out.strip()
        return State(enabled in ("enabled", "enabled-runtime"), active in ("active", "reloading"))

    def log(self, name: str) -> str:
        return f"journalctl --user -u {self.unit(name)}"


def unit_text(
    command: str,
    *,
    description: str,
    mark: str = "",
    environment: Sequence[str] = (),
    pauses: str = "",
) -> str:
    """Return the text of a unit that runs this command line, which is in systemd's own writing."""
    values = {
        "mark": mark,
        "description": description,
        "environment": "\n".join(f"Environment={_quoted(pair)}" for pair in environment),
        "command": command,
        "pauses": pauses,
    }
    template = resources.files(__package__).joinpath("fluxsync.service.in").read_text(encoding="utf-8")
    lines = []
    for line in template.splitlines():
        placeholder = re.search(r"@([a-z]+)@$", line)
        if placeholder is None:
            lines.append(line)
        elif value := values[placeholder[1]]:
            lines.append(line[: placeholder.start()] + value)
    return "\n".join(lines) + "\n"


def _quoted(word: str) -> str:
    """Return a word as systemd takes it literally."""
    literal = _writable(word).replace("%", "%%")
    if re.fullmatch(r"[\w%@:=,./+$-]+", literal):
        return literal
    return '"' + literal.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _writable(word: str) -> str:
    if not word.isprintable():
        raise ConfigError(f"{word!r} cannot stand in a unit of systemd: rename it")
    return word


def _version() -> int:
    found = re.search(r"\d+", ask("systemctl", "--version").out)
    return int(found[0]) if found else 0
