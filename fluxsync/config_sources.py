"""Where settings come from: a TOML file and the environment, read but not yet checked.

Both give a mapping of sections to keys to values, as TOML has them. Messages never quote a value: it may be a
password.
"""

from __future__ import annotations

import json
import os
import re
import tomllib
from collections.abc import Callable, Mapping
from pathlib import Path
from types import UnionType
from typing import Any, Union, get_args, get_origin

from fluxsync.config_schema import Schema, did_you_mean
from fluxsync.errors import ConfigError

__all__ = ["check_private", "default_file", "is_enough", "read_environment", "read_file"]

_PREFIX = "FLUXSYNC_"
_TRUTH = {"true": True, "1": True, "yes": True, "on": True}
_TRUTH |= {"false": False, "0": False, "no": False, "off": False}


# -- the file ----------------------------------------------------------------------------------------------


def default_file(env: Mapping[str, str] | None = None) -> Path:
    """Return where the configuration is looked for when nobody names a file."""
    folder = (os.environ if env is None else env).get("XDG_CONFIG_HOME", "")
    if os.path.isabs(folder):
        return Path(folder, "fluxsync", "config.toml")
    import platformdirs

    return platformdirs.user_config_path("fluxsync", appauthor=False) / "config.toml"


def read_file(path: Path) -> dict[str, Any]:
    """Return what a file says. Raises ConfigError where it is missing, unreadable or no TOML."""
    try:
        return tomllib.loads(path.read_bytes().decode("utf-8-sig"))
    except FileNotFoundError:
        raise ConfigError(
            f"there is no configuration {path}: copy config.example.toml there, or name a file with --config"
        ) from None
    except OSError as error:
        raise ConfigError(f"configuration {path} cannot be read: {error.strerror}") from None
    except UnicodeDecodeError as error:
        raise ConfigError(
            f"configuration {path} is not UTF-8 (byte {error.start}): save it as UTF-8"
        ) from None
    except tomllib.TOMLDecodeError as error:
        # Only the place: the parser's words may quote what stands there.
        place = re.search(r"at (line \d+, column \d+|end of document)", str(error))
        raise ConfigError(
            f"configuration {path} is no valid TOML at {place[1] if place else 'some line'}: "
            "check quotes, brackets and = there"
        ) from None


def check_private(path: Path) -> None:
    """Raise ConfigError for a password in a file that others can read."""
    if os.name == "posix" and path.stat().st_mode & 0o077:
        raise ConfigError(
            f"[remote] password stands in {path}, which others can read:"
            " `chmod 600` it, or use password_command"
        )


# -- the environment ---------------------------------------------------------------------------------------


def read_environment(
    env: Mapping[str, str], schema: Schema
) -> tuple[dict[str, dict[str, Any]], dict[tuple[str, str], str]]:
    """Return the settings in the environment, by section and key, and the variable of each.

    Raises ConfigError for a variable that is close to a section, or in one, and yet no setting.
    """
    found: dict[str, dict[str, Any]] = {}
    variables: dict[tuple[str, str], str] = {}
    for variable, text in env.items():
        if not variable.upper().startswith(_PREFIX) or "__" not in variable:
            continue
        section, _, key = variable[len(_PREFIX) :].lower().partition("__")
        if section not in schema:
            likely = did_you_mean(section, schema)
            if likely:
                raise ConfigError(f"{variable}: there is no section {section}{likely}")
            continue
        keys = schema[section]
        if key not in keys:
            raise ConfigError(f"{variable}: there is no key {key} in [{section}]{did_you_mean(key, keys)}")
        found.setdefault(section, {})[key] = _from_text(text, keys[key].kind)
        variables[section, key] = variable
    return found, variables


def is_enough(found: Mapping[str, Mapping[str, object]], schema: Schema) -> bool:
    """Say whether all that is required was found."""
    return all(
        name in found.get(section, {})
        for section, keys in schema.items()
        for name, key in keys.items()
        if key.required
    )


def _from_text(text: str, kind: Any) -> Any:
    """Return the text of a variable as TOML would give it; what does not fit stays text, to be refused."""
    kinds = get_args(kind) if get_origin(kind) in (Union, UnionType) else (kind,)
    if bool in kinds:
        return _TRUTH.get(text.lower(), text)
    converters: dict[Any, Callable[[str], Any]] = {float: float, int: int}
    for candidate, convert in converters.items():
        # A rate is an int only once it was read; its text has a unit.
        if candidate in kinds and type(None) not in kinds:
            try:
                return convert(text)
            except ValueError:
                return text
    if get_origin(kind) is list:
        if text.lstrip().startswith("["):
            try:
                return json.loads(text)
            except ValueError:
                return text
        return [part.strip() for part in text.split(",") if part.strip()]
    return text
