"""What of a configuration a service sees: it has no terminal, and nothing of the shell that installs it."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from fluxsync import settings as configuration
from fluxsync.errors import ConfigError, Halted
from fluxsync.root_checks import check_root
from fluxsync.settings import Settings

__all__ = ["checked", "kept", "unseen"]

_PASSWORD = "FLUXSYNC_REMOTE__PASSWORD"
#: Where configuration, journal and sandbox are: a service that looks elsewhere would begin anew.
_PLACES = ("XDG_CONFIG_HOME", "XDG_STATE_HOME", "XDG_DATA_HOME")
_CERTIFICATES = ("SSL_CERT_FILE", "SSL_CERT_DIR")
#: Not handed on: an address of a proxy may hold a password.
_PROXIES = ("http_proxy", "https_proxy", "all_proxy", "no_proxy")


def checked(config: Path | None, env: Mapping[str, str]) -> Settings:
    """Return the configuration as a service will read it, checked. Raises `ConfigError`."""
    bare = {key: value for key, value in env.items() if not _is_setting(key)}
    here = configuration.load(config, env)
    if here.file is None:
        raise ConfigError(
            "everything is in variables of this shell, which a service does not see:"
            f" write a configuration, {configuration.default_file(env)}"
        )
    try:
        settings = configuration.load(config, bare)
    except ConfigError as error:
        raise ConfigError(f"without the FLUXSYNC_ variables, which a service does not see: {error}") from None
    try:
        check_root(settings.local.root, settings.journal_path)
    except Halted:
        pass  # a disk that comes back: the service waits for it
    # A command is not run: it may ask at this terminal what it will not ask in a service.
    if settings.remote.password_command is None:
        _check_password(settings, env)
    return settings


def kept(settings: Settings, env: Mapping[str, str]) -> dict[str, str]:
    """Return the variables that a service has to be given, so that it works where this shell does."""
    names = [name for name in (*_PLACES, *_CERTIFICATES) if os.path.isabs(env.get(name, ""))]
    if settings.remote.password_command is not None and env.get("PATH"):
        names.append("PATH")
    return {name: env[name] for name in names}


def unseen(env: Mapping[str, str]) -> list[str]:
    """Return the variables of this shell that would matter, and that a service does not see."""
    return sorted(key for key in env if env[key] and (_is_setting(key) or key.lower() in _PROXIES))


def _is_setting(variable: str) -> bool:
    return variable.upper().startswith("FLUXSYNC_") and "__" in variable


def _check_password(settings: Settings, env: Mapping[str, str]) -> None:
    try:
        settings.password()
    except ConfigError as error:
        if env.get(_PASSWORD):
            raise ConfigError(
                f"the password is only in {_PASSWORD}, which a service does not see: set [remote]"
                f" password_command in {settings.file}, or put it into the system keyring,"
                f' service "{configuration.KEYRING_SERVICE}", user "{settings.keyring_user}"'
            ) from None
        raise error
