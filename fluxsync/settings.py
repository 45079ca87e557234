"""The configuration: environment over TOML file over defaults, checked before anything is touched.

`load` is the only way in. Whatever is wrong is a ConfigError whose one line names the key, the value and the
cure; values that may be secret are never in it.

config_sources    reads file and environment
config_values     what the value of a key may be
config_mistakes   says what is wrong in one line
password          finds the password
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal
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

from fluxsync.config_mistakes import Mistake
from fluxsync.config_schema import Key, Schema
from fluxsync.config_sources import check_private, default_file, is_enough, read_environment, read_file
from fluxsync.config_values import (
    Limit,
    Size,
    check_loopback,
    check_tag,
    check_username,
    expand,
    is_loopback,
    parse_ca_file,
    parse_limit,
    parse_rate,
    parse_root,
    parse_size,
    parse_url,
)
from fluxsync.errors import ConfigError
from fluxsync.password import KEYRING_SERVICE, find_password

__all__ = ["KEYRING_SERVICE", "Limit", "Settings", "Size", "default_file", "load"]

NotNegative = Annotated[float, Field(ge=0, allow_inf_nan=False)]
Positive = Annotated[float, Field(gt=0, allow_inf_nan=False)]
Rate = Annotated[int | None, BeforeValidator(parse_rate)]
Tag = Annotated[str, AfterValidator(check_tag)]
FilePath = Annotated[str, AfterValidator(expand)]
LimitText = Annotated[Limit, BeforeValidator(parse_limit)]


# -- sections ----------------------------------------------------------------------------------------------


class _Section(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, arbitrary_types_allowed=True)


class Local(_Section):
    root: Annotated[Path, BeforeValidator(parse_root)]
    ignore: list[str] = []


class Remote(_Section):
    service: Literal["fluxiom", "mediagraph"] = "fluxiom"
    url: Annotated[str, AfterValidator(parse_url)]
    username: Annotated[str, AfterValidator(check_username)]
    #: Only what file or environment say: use `Settings.password()`.
    password: SecretStr | None = None
    password_command: SecretStr | None = None
    connections: Annotated[int, Field(ge=1, le=64)] = 8
    timeout: Positive = 60
    allow_http: bool = False
    ca_file: Annotated[str, AfterValidator(parse_ca_file)] = ""
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
    trash_size: Annotated[Size, BeforeValidator(parse_size)] = Size(0.1, None)
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
    host: Annotated[str, AfterValidator(check_loopback)] = "127.0.0.1"
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

    def password(self) -> str:
        """Return the account's password: from environment or file, else the command, else the keyring.

        Raises ConfigError where none of them gives one.
        """
        return find_password(
            _plain(self.remote.password), _plain(self.remote.password_command), self.keyring_user
        )


def _plain(secret: SecretStr | None) -> str:
    return "" if secret is None else secret.get_secret_value()


# -- loading -----------------------------------------------------------------------------------------------


def load(config: Path | None = None, env: Mapping[str, str] | None = None) -> Settings:
    """Read and check the configuration; `config` None means the default file.

    The default file may be missing where the environment holds all that is required. The root is not looked
    for yet: see `root_checks`. Raises ConfigError.
    """
    env = os.environ if env is None else env
    schema = _schema()
    from_env, variables = read_environment(env, schema)
    path = config if config is not None else default_file(env)
    if config is None and not path.exists() and is_enough(from_env, schema):
        from_file: dict[str, Any] = {}
        file = None
    else:
        from_file, file = read_file(path), path
    try:
        sources: dict[str, Any] = {"environment": from_env, "file": from_file}
        settings = Settings(**sources)
    except ValidationError as error:
        mistake = _first_mistake(error)
        origin = variables.get((mistake.section, mistake.key)) or str(path)
        raise ConfigError(f"{mistake.message(schema)} ({origin})") from None
    settings._file = file
    if from_file.get("remote", {}).get("password"):
        check_private(path)
    _check_together(settings)
    return settings


def _schema() -> Schema:
    """Return the sections and keys of the models below `Settings`."""
    schema = {}
    for section, field in Settings.model_fields.items():
        model = field.annotation
        assert isinstance(model, type)
        assert issubclass(model, BaseModel)
        schema[section] = {
            name: Key(key.annotation, key.is_required()) for name, key in model.model_fields.items()
        }
    return schema


def _first_mistake(error: ValidationError) -> Mistake:
    complaint = error.errors(include_url=False, include_context=True)[0]
    names = [part for part in complaint["loc"] if isinstance(part, str)]
    section, key, *_ = [*names, "", ""]
    return Mistake(section, key, complaint["type"], complaint["msg"], complaint["input"])


def _check_together(settings: Settings) -> None:
    """Refuse values that are possible only one by one."""
    remote, sync = settings.remote, settings.sync
    if remote.url.startswith("http:") and not (remote.allow_http or is_loopback(remote.host)):
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
