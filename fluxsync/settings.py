"""The configuration: environment over TOML file over defaults, checked before anything is touched.

`load` is the only way in. Whatever is wrong is a ConfigError whose one line names the key, the value and the
cure; values that may be secret are never in it.
"""

from __future__ import annotations

import difflib
import hashlib
import ipaddress
import json
import os
import re
import shlex
import subprocess
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import UnionType
from typing import Annotated, Any, Literal, NoReturn, Union, get_args, get_origin
from urllib.parse import urlsplit

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PrivateAttr,
    SecretStr,
    ValidationError,
)
from pydantic_settings import (
    BaseSettings,
    InitSettingsSource,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
)

from fluxsync.errors import ConfigError

__all__ = ["KEYRING_SERVICE", "Limit", "Settings", "Size", "default_file", "load"]

#: Passwords lie in the system's keyring under this name, for the user "USERNAME@HOST".
KEYRING_SERVICE = "fluxsync"

_PREFIX = "FLUXSYNC_"
_PASSWORD_COMMAND_S = 30
#: A limit never stops so few files.
_ALWAYS_ALLOWED = 10
_SECRET = {("remote", "password"), ("remote", "password_command")}
_UNITS = {"": 1, "k": 1000, "m": 1000**2, "g": 1000**3, "t": 1000**4}
_UNITS |= {"ki": 1024, "mi": 1024**2, "gi": 1024**3, "ti": 1024**4}


# -- values ------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Limit:
    """How many files may be touched: a share of what is tracked, a count, or the smaller of both."""

    share: float | None
    count: int | None

    def most(self, tracked: int) -> int:
        """Return how many are allowed (exactly so many still are), never less than 10."""
        bounds = [] if self.count is None else [self.count]
        if self.share is not None:
            # The small addition keeps 29 % of 100 from being 28.
            bounds.append(int(self.share * tracked + 1e-6))
        return max(_ALWAYS_ALLOWED, min(bounds))


@dataclass(frozen=True, slots=True)
class Size:
    """A size as a share of a disk or in bytes; exactly one of both is set."""

    share: float | None
    bytes: int | None

    def of(self, disk_bytes: int) -> int:
        """Return the size in bytes on a disk of so many."""
        return int((self.share or 0.0) * disk_bytes) if self.bytes is None else self.bytes


def _percent(text: str) -> float:
    """Return "25%" as 0.25."""
    number = re.fullmatch(r"(\d+(?:\.\d+)?)\s*%", text)
    if not number or float(number[1]) > 100:
        raise ValueError('a share is written like "25%", 0% to 100%')
    return float(number[1]) / 100


def _byte_count(text: str) -> int | None:
    """Return "2 MB" as 2000000 and "2 MiB" as 2097152, or None for anything else."""
    number = re.fullmatch(r"(\d+(?:\.\d+)?)\s*([kmgt]i?|)b?", text.strip().lower())
    return int(float(number[1]) * _UNITS[number[2]]) if number else None


def _limit(value: object) -> Limit:
    if isinstance(value, Limit):
        return value
    if isinstance(value, int) and not isinstance(value, bool):
        value = str(value)
    cure = 'write a share, a count or both, like "25%, 1000"'
    if not isinstance(value, str):
        raise ValueError(cure)
    share: float | None = None
    count: int | None = None
    for part in (part.strip() for part in value.split(",")):
        if part.endswith("%") and share is None:
            share = _percent(part)
        elif part.isascii() and part.isdigit() and count is None:
            count = int(part)
        else:
            raise ValueError(cure)
    return Limit(share, count)


def _size(value: object) -> Size:
    if isinstance(value, Size):
        return value
    if isinstance(value, str) and value.strip().endswith("%"):
        return Size(_percent(value.strip()), None)
    count = _byte_count(value) if isinstance(value, str) else None
    if count is None:
        raise ValueError('write a share of the disk or a size, like "10%" or "20 GB"')
    return Size(None, count)


def _rate(value: object) -> int | None:
    if value is None or value == "":
        return None
    if not isinstance(value, str):
        raise ValueError('write a rate like "2 MB/s", or "" for none')
    count = _byte_count(re.sub(r"/\s*s\s*$", "", value.strip()))
    if not count:
        raise ValueError('write a rate like "2 MB/s", or "" for none')
    return count


def _is_loopback(host: str) -> bool:
    host = host.strip("[]").lower()
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")


def _url(value: str) -> str:
    example = "https://NAME.fluxiom.com"
    try:
        parts = urlsplit(value.strip())
        host, port = parts.hostname or "", parts.port
    except ValueError:
        raise ValueError(f"is no address: write it like {example}") from None
    if parts.username is not None or parts.password is not None:
        raise ValueError("carries a user or a password: put them into username and password_command")
    if parts.scheme not in ("http", "https") or not host:
        raise ValueError(f"is no http address: write it like {example}")
    if not re.fullmatch(r"[\w.:-]+", host):
        raise ValueError(f"has no valid host name: write it like {example}")
    if parts.path not in ("", "/") or parts.query or parts.fragment:
        raise ValueError(f"has a path or a query: leave only scheme and host, like {example}")
    bracketed = f"[{host}]" if ":" in host else host
    return f"{parts.scheme}://{bracketed}" + (f":{port}" if port is not None else "")


def _not_empty(value: str) -> str:
    if not value.strip():
        raise ValueError("is empty: write one")
    return value


def _username(value: str) -> str:
    if ":" in value:
        raise ValueError("holds a colon, which no login can carry: write the user alone")
    return _not_empty(value)


def _tag(value: str) -> str:
    if not value.strip() or value != value.strip() or "," in value or not value.isprintable():
        raise ValueError("is no tag: no comma, no blanks at the ends, not empty")
    return value


def _loopback(value: str) -> str:
    if not _is_loopback(value):
        raise ValueError("is not this machine: the status page answers 127.0.0.1 or ::1 only")
    return value


def _expanded(value: str) -> str:
    try:
        return str(Path(value).expanduser()) if value else ""
    except RuntimeError:
        raise ValueError("has an unknown home directory: write the whole path") from None


def _root(value: object) -> Path:
    if isinstance(value, Path):
        value = str(value)
    if not isinstance(value, str) or not value.strip() or "\0" in value:
        raise ValueError('is no folder: write one, like "~/Fluxiom"')
    try:
        root = Path(_expanded(value)).resolve()
        kind = "file" if root.exists() and not root.is_dir() else ""
    except OSError as error:
        raise ValueError(f"cannot be looked at ({error.strerror}): write another folder") from None
    if kind:
        raise ValueError("is a file: write the folder that is to be synced")
    if root == Path(root.anchor):
        raise ValueError("is the whole disk: write a folder below it")
    return root


def _ca_file(value: str) -> str:
    path = _expanded(value)
    if path and not (os.path.isfile(path) and os.access(path, os.R_OK)):
        raise ValueError("is no readable file: write the path of a PEM file, or leave it empty")
    return path


NotNegative = Annotated[float, Field(ge=0, allow_inf_nan=False)]
Positive = Annotated[float, Field(gt=0, allow_inf_nan=False)]
Rate = Annotated[int | None, BeforeValidator(_rate)]
Tag = Annotated[str, AfterValidator(_tag)]
FilePath = Annotated[str, AfterValidator(_expanded)]
LimitText = Annotated[Limit, BeforeValidator(_limit)]


# -- sections ----------------------------------------------------------------------------------------------


class _Section(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, arbitrary_types_allowed=True)


class Local(_Section):
    root: Annotated[Path, BeforeValidator(_root)]
    ignore: list[str] = []


class Remote(_Section):
    service: Literal["fluxiom", "mediagraph"] = "fluxiom"
    url: Annotated[str, AfterValidator(_url)]
    username: Annotated[str, AfterValidator(_username)]
    #: Only what file or environment say: use `Settings.password()`.
    password: SecretStr | None = None
    password_command: SecretStr | None = None
    connections: Annotated[int, Field(ge=1, le=64)] = 8
    timeout: Positive = 60
    allow_http: bool = False
    ca_file: Annotated[str, AfterValidator(_ca_file)] = ""
    upload_limit: Rate = None
    download_limit: Rate = None

    @property
    def host(self) -> str:
        """The host in `url`, without port."""
        return urlsplit(self.url).hostname or ""


class MappingSection(_Section):
    folders: list[str] = ["**"]
    labels: list[str] = []
    part_labels: bool = False
    extra_tags: list[Tag] = []


class Sync(_Section):
    direction: Literal["both", "up", "down"] = "both"
    include: list[str] = ["**"]
    poll_interval: Positive = 60
    full_list_interval: Positive = 900
    settle: NotNegative = 2.0
    version_interval: NotNegative = 300
    conflict: Literal["keep-both", "local", "remote"] = "keep-both"
    first_run: Literal["verify", "trust-size"] = "verify"
    local_delete: Literal["trash", "delete", "keep"] = "trash"
    remote_delete: Literal["trash", "delete", "keep"] = "trash"
    trash_days: NotNegative = 30
    trash_size: Annotated[Size, BeforeValidator(_size)] = Size(0.1, None)
    trash_tag: Tag = "fluxsync-trash"
    rename: Literal["version", "title"] = "version"


class Safety(_Section):
    max_delete: LimitText = Limit(0.25, 1000)
    max_move: LimitText = Limit(0.5, None)
    max_edit: LimitText = Limit(0.5, None)


class JournalSection(_Section):
    path: FilePath = ""


class Web(_Section):
    enabled: bool = True
    host: Annotated[str, AfterValidator(_loopback)] = "127.0.0.1"
    port: Annotated[int, Field(ge=0, le=65535)] = 8788


class Log(_Section):
    level: Literal["debug", "info", "warning", "error"] = "info"
    format: Literal["console", "json"] = "console"
    file: FilePath = ""


class Settings(BaseSettings):
    """One pair: a folder and an account, and how they are kept in step."""

    model_config = SettingsConfigDict(frozen=True, extra="forbid")

    local: Local
    remote: Remote
    mapping: MappingSection = MappingSection()
    sync: Sync = Sync()
    safety: Safety = Safety()
    journal: JournalSection = JournalSection()
    web: Web = Web()
    log: Log = Log()
    _file: Path | None = PrivateAttr(default=None)

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Take what `load` has read of environment and file, the environment first, and nothing else."""
        given = getattr(init_settings, "init_kwargs", {})
        return tuple(
            InitSettingsSource(settings_cls, given.get(name, {})) for name in ("environment", "file")
        )

    @property
    def file(self) -> Path | None:
        """The configuration file that was read, None where the environment said everything."""
        return self._file

    @property
    def journal_path(self) -> Path:
        """Where the journal is: as configured, or one file for each root in the user's state directory."""
        if self.journal.path:
            return Path(self.journal.path).absolute()
        import platformdirs

        name = hashlib.sha256(os.fsencode(self.local.root)).hexdigest()[:16]
        return platformdirs.user_state_path("fluxsync", appauthor=False) / f"{name}.sqlite"

    @property
    def keyring_user(self) -> str:
        """The name under which the password is in the system's keyring."""
        return f"{self.remote.username}@{self.remote.host}"

    def check_root(self, known: bool) -> None:
        """Raise ConfigError for a root that is missing though no journal knows it, or nested in another."""
        root = self.local.root
        key = f'[local] root = "{root}"'
        if not os.path.lexists(root):
            if known:
                return
            raise ConfigError(f"{key}: there is no such folder: make it, or correct the path")
        for parent in root.parents:
            if (parent / ".fluxsync").is_dir():
                raise ConfigError(f"{key}: lies inside the root {parent}: choose a folder outside of it")
        try:
            with os.scandir(root) as below:
                inner = [
                    entry.path
                    for entry in below
                    if entry.is_dir(follow_symlinks=False)
                    and os.path.isdir(os.path.join(entry.path, ".fluxsync"))
                ]
        except OSError as error:
            raise ConfigError(f"{key}: cannot be read ({error.strerror}): correct its permissions") from error
        if inner:
            raise ConfigError(f"{key}: the root {inner[0]} lies inside of it: choose another folder")

    def password(self) -> str:
        """Return the account's password: from environment or file, else the command, else the keyring.

        Raises ConfigError where none of them gives one.
        """
        if self.remote.password is not None and self.remote.password.get_secret_value():
            return self.remote.password.get_secret_value()
        if self.remote.password_command is not None and self.remote.password_command.get_secret_value():
            return _run_password_command(self.remote.password_command.get_secret_value())
        try:
            import keyring

            found = keyring.get_password(KEYRING_SERVICE, self.keyring_user)
        except Exception:
            # A machine without a keyring, a locked one, a back end that fails in its own way: no password.
            found = None
        if not found:
            raise ConfigError(
                f"no password for {self.keyring_user}: set [remote] password_command or"
                " FLUXSYNC_REMOTE__PASSWORD, or put it into the system keyring with `fluxsync init`"
            )
        return found


def _run_password_command(command: str) -> str:
    """Return the first line that the command prints."""
    key = "[remote] password_command"
    try:
        arguments = shlex.split(command)
    except ValueError:
        raise ConfigError(f"{key} cannot be split into words: check its quotes") from None
    if not arguments:
        raise ConfigError(f"{key} is empty: write a command that prints the password")
    try:
        done = subprocess.run(
            arguments,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            timeout=_PASSWORD_COMMAND_S,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise ConfigError(
            f"{key} took longer than {_PASSWORD_COMMAND_S} s: run it in a terminal and see what it asks"
        ) from None
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or "it is no command"
        raise ConfigError(f"{key} cannot be run ({reason}): check the name of its program") from None
    if done.returncode:
        raise ConfigError(f"{key} failed with exit code {done.returncode}: run it in a terminal and see why")
    try:
        first_line = done.stdout.decode().splitlines()[:1]
    except UnicodeDecodeError:
        raise ConfigError(f"{key} prints something that is no UTF-8 text: check it in a terminal") from None
    if not first_line or not first_line[0]:
        raise ConfigError(f"{key} prints no password in its first line: check it in a terminal")
    return first_line[0]


# -- loading -----------------------------------------------------------------------------------------------


def default_file(env: Mapping[str, str] | None = None) -> Path:
    """Return where the configuration is looked for when nobody names a file."""
    folder = (os.environ if env is None else env).get("XDG_CONFIG_HOME", "")
    if os.path.isabs(folder):
        return Path(folder, "fluxsync", "config.toml")
    import platformdirs

    return platformdirs.user_config_path("fluxsync", appauthor=False) / "config.toml"


def load(config: Path | None = None, env: Mapping[str, str] | None = None) -> Settings:
    """Read and check the configuration; `config` None means the default file.

    The default file may be missing where the environment holds all that is required. The root is not looked
    for yet: see `Settings.check_root`. Raises ConfigError.
    """
    env = os.environ if env is None else env
    from_env, variables = _environment(env)
    path = config if config is not None else default_file(env)
    if config is None and not path.exists() and _is_enough(from_env):
        from_file: dict[str, Any] = {}
        file = None
    else:
        from_file, file = _read(path), path
    try:
        sources: dict[str, Any] = {"environment": from_env, "file": from_file}
        settings = Settings(**sources)
    except ValidationError as error:
        _complain(error, path, variables)
    settings._file = file
    if from_file.get("remote", {}).get("password"):
        _check_private(path)
    _check_together(settings)
    return settings


def _read(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_bytes().decode("utf-8-sig"))
    except FileNotFoundError:
        raise ConfigError(
            f"there is no configuration {path}: write one with `fluxsync init`, or copy config.example.toml"
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


def _environment(env: Mapping[str, str]) -> tuple[dict[str, dict[str, Any]], dict[tuple[str, str], str]]:
    """Return the settings in the environment, by section and key, and the variable of each."""
    found: dict[str, dict[str, Any]] = {}
    variables: dict[tuple[str, str], str] = {}
    for variable, text in env.items():
        if not variable.upper().startswith(_PREFIX) or "__" not in variable:
            continue
        section, _, key = variable[len(_PREFIX) :].lower().partition("__")
        if section not in Settings.model_fields:
            likely = _likely(section, Settings.model_fields)
            if likely:
                raise ConfigError(f"{variable}: there is no section {section}{likely}")
            continue
        model = _section_model(section)
        if key not in model.model_fields:
            raise ConfigError(
                f"{variable}: there is no key {key} in [{section}]{_likely(key, model.model_fields)}"
            )
        found.setdefault(section, {})[key] = _from_text(text, model.model_fields[key].annotation)
        variables[section, key] = variable
    return found, variables


def _is_enough(found: Mapping[str, Mapping[str, object]]) -> bool:
    return "root" in found.get("local", {}) and {"url", "username"} <= set(found.get("remote", {}))


def _section_model(section: str) -> type[BaseModel]:
    model = Settings.model_fields[section].annotation
    assert isinstance(model, type)
    assert issubclass(model, BaseModel)
    return model


def _from_text(text: str, kind: Any) -> Any:
    """Return the text of a variable as TOML would give it; what does not fit stays text, to be refused."""
    kinds = get_args(kind) if get_origin(kind) in (Union, UnionType) else (kind,)
    if bool in kinds:
        return {"true": True, "1": True, "yes": True, "on": True}.get(
            text.lower(), {"false": False, "0": False, "no": False, "off": False}.get(text.lower(), text)
        )
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


def _complain(error: ValidationError, path: Path, variables: Mapping[tuple[str, str], str]) -> NoReturn:
    """Raise ConfigError for the first complaint."""
    complaint = error.errors(include_url=False, include_context=True)[0]
    location = [part for part in complaint["loc"] if isinstance(part, str)]
    section = location[0] if location else ""
    key = location[1] if len(location) > 1 else ""
    kind = complaint["type"]
    if not key and section in Settings.model_fields and kind != "missing":
        message = f"[{section}] must be a section with keys below it"
    elif not key and kind == "missing":
        model = _section_model(section)
        wanted = [name for name, field in model.model_fields.items() if field.is_required()]
        message = f"[{section}] {wanted[0]} is missing: write it, or run `fluxsync init`"
    elif not key:
        message = _unknown_section(section)
    elif kind == "missing":
        message = f"[{section}] {key} is missing: write it, or run `fluxsync init`"
    elif kind == "extra_forbidden":
        message = (
            f"[{section}] {key}: there is no such key{_likely(key, _section_model(section).model_fields)}"
        )
    else:
        name = f"[{section}] {key}"
        value = complaint["input"]
        if (section, key) not in _SECRET and not (key == "url" and "@" in str(value)):
            name += f" = {_shown(value)}"
        reason = complaint["msg"].removeprefix("Value error, ")
        if kind != "value_error":
            reason = _cure(kind, reason)
        message = f"{name}: {reason}"
    origin = variables.get((section, key)) or str(path)
    raise ConfigError(f"{message} ({origin})") from None


def _unknown_section(name: str) -> str:
    homes = [section for section in Settings.model_fields if name in _section_model(section).model_fields]
    if homes:
        return f"{name} stands outside of a section: put it below [{homes[0]}]"
    return f"[{name}]: there is no such section{_likely(name, Settings.model_fields)}"


def _cure(kind: str, reason: str) -> str:
    if kind.endswith("_type") or kind.endswith("_parsing"):
        return f"has the wrong type: {_lower(reason.removeprefix('Input '))}"
    return _lower(reason.replace("Input should be", "must be"))


def _lower(text: str) -> str:
    return text[:1].lower() + text[1:]


def _likely(name: str, known: Mapping[str, object]) -> str:
    close = difflib.get_close_matches(name, list(known), n=1)
    return f": did you mean {close[0]}?" if close else ""


def _shown(value: object) -> str:
    text = json.dumps(value, ensure_ascii=False, default=str)
    return text if len(text) <= 80 else text[:77] + "..."


def _check_private(path: Path) -> None:
    """Refuse a password in a file that others can read."""
    if os.name == "posix" and path.stat().st_mode & 0o077:
        raise ConfigError(
            f"[remote] password stands in {path}, which others can read:"
            " `chmod 600` it, or use password_command"
        )


def _check_together(settings: Settings) -> None:
    """Refuse values that are possible only one by one."""
    remote, sync = settings.remote, settings.sync
    if remote.url.startswith("http:") and not (remote.allow_http or _is_loopback(remote.host)):
        raise ConfigError(
            f'[remote] url = "{remote.url}": would send the password in clear:'
            " write https, or allow_http = true"
        )
    if sync.trash_tag in settings.mapping.extra_tags:
        raise ConfigError(
            f'[mapping] extra_tags = "{sync.trash_tag}": is the trash tag: all uploads would be in the trash;'
            " take it out"
        )
    for key, text in (("[journal] path", settings.journal.path), ("[log] file", settings.log.file)):
        if text:
            path = Path(text).resolve()
            inside = path.is_relative_to(settings.local.root)
            if inside and not path.is_relative_to(settings.local.root / ".fluxsync"):
                raise ConfigError(f'{key} = "{text}": lies in the synced folder: write a path outside of it')
            if path.is_dir():
                raise ConfigError(f'{key} = "{text}": is a folder: write the path of a file')
