"""Install, remove and look at the service of one configuration.

Nothing is ever done to a file that is not ours. All raise `ConfigError` before anything is touched, and
`SupervisorError` where systemd or launchd refuses in the middle; done again, each of them takes it up.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from fluxsync.config_sources import default_file
from fluxsync.errors import ConfigError
from fluxsync.service_unit.ours import all_ours, read, write
from fluxsync.service_unit.supervisor import State, Supervisor, supervisor
from fluxsync.service_unit.wanted import Wanted, check_name, name_for, whole

__all__ = ["Service", "install", "installed", "look", "named", "uninstall"]


@dataclass(frozen=True, slots=True)
class Service:
    """What is there of a service now; `file` may be missing, `config` is what the file says, or None."""

    unit: str
    file: Path
    config: Path | None
    state: State


def installed(settings_file: Path, on: Supervisor | None = None) -> bool:
    """Say whether a service is installed for this configuration: looks at a few files, asks nobody.

    One that a package brought counts when it is enabled under the name that the configuration has.
    """
    on = supervisor() if on is None else on
    config = whole(settings_file)
    if any(found.config == config for found in all_ours(on)):
        return True
    return on.linked(name_for(config, whole(default_file())))


def named(on: Supervisor, config: Path | None, chosen: str | None) -> str:
    """Return the name of the service that is meant: the chosen one, else the one the configuration has.

    `config` None is the default file. A service that was installed under a chosen name is found again.
    """
    if chosen is not None:
        return check_name(chosen)
    default = whole(default_file())
    file = default if config is None else whole(config)
    derived = name_for(file, default)
    mine = [found.file for found in all_ours(on) if found.config == file]
    if not mine or on.file(derived) in mine:
        return derived
    return _name_of(on, mine[0])


def install(on: Supervisor, wanted: Wanted) -> Iterator[str]:
    """Write the service's file and start it, now and at each login; yields the steps."""
    file = on.file(wanted.name)
    there = read(on, file)
    if there is None and os.path.lexists(file):
        raise ConfigError(f"{file} was not written by fluxsync: move it away, or choose another --name")
    if there is not None and there.config != wanted.config:
        raise ConfigError(f"{on.unit(wanted.name)} is the service of {there.config}: choose another --name")
    for other in all_ours(on):
        if other.config == wanted.config and other.file != file:
            raise ConfigError(
                f"{wanted.config} has the service {_name_of(on, other.file)} already:"
                " remove that one first (`fluxsync service uninstall`)"
            )
    on.check()
    text = on.text(wanted)
    try:
        changed = write(file, text)
    except OSError as error:
        raise ConfigError(f"{file} cannot be written ({error.strerror}): correct the permissions") from error
    yield f"wrote {file}" if changed else f"{file} is as it should be"
    yield from on.start(wanted.name, changed)


def uninstall(on: Supervisor, name: str) -> Iterator[str]:
    """Stop the service and remove its file; yields the steps, none where there was nothing."""
    file = on.file(name)
    if read(on, file) is None:
        if os.path.lexists(file) or on.linked(name):
            raise ConfigError(
                f"{on.unit(name)} was not written by `fluxsync service install`:"
                f" `systemctl --user disable --now {on.unit(name)}` stops it"
            )
        return
    on.check()
    yield from on.stop(name)
    try:
        file.unlink()
    except OSError as error:
        raise ConfigError(f"{file} cannot be removed ({error.strerror}): correct the permissions") from error
    yield f"removed {file}"
    yield from on.forget(name)


def look(on: Supervisor, name: str) -> Service:
    """Return what is there of a service."""
    on.check()
    file = on.file(name)
    there = read(on, file)
    return Service(on.unit(name), file, there.config if there is not None else None, on.state(name))


def _name_of(on: Supervisor, file: Path) -> str:
    """Return the name that leads to the file."""
    before, _, after = str(on.file("NAME")).partition("NAME")
    return str(file).removeprefix(before).removesuffix(after)
