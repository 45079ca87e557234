"""The configuration: where a value comes from, and that each mistake is one line with key, value and cure."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path
from types import SimpleNamespace

import pytest
from pydantic import BaseModel

import fluxsync
from fluxsync.errors import ConfigError
from fluxsync.root_checks import check_place
from fluxsync.settings import Limit, Settings, Size, default_file, load

TOP = Path(fluxsync.__file__).parents[1]
EXAMPLE = TOP / "config.example.toml"
CANARY = "cAnAry-77"
BASE = '[local]\nroot = "~/Fluxiom"\n[remote]\nurl = "https://acme.fluxiom.com"\nusername = "jane"\n'


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    home = tmp_path / "home"
    (home / "Fluxiom").mkdir(parents=True)
    monkeypatch.setenv("HOME", str(home))
    for name in [name for name in os.environ if name.startswith(("XDG_", "FLUXSYNC_"))]:
        monkeypatch.delenv(name)
    return home


def write(folder: Path, text: str, mode: int = 0o600) -> Path:
    path = folder / "config.toml"
    path.write_text(text, encoding="utf-8")
    path.chmod(mode)
    return path


def setting(home: Path, section: str, line: str) -> Settings:
    """Load the smallest configuration with one line more."""
    head = f"[{section}]\n"
    text = BASE.replace(head, f"{head}{line}\n") if head in BASE else f"{BASE}{head}{line}\n"
    key = line.partition(" ")[0]
    if section in ("local", "remote"):
        lines = text.splitlines()
        first = lines.index(line)
        text = "\n".join(
            row for number, row in enumerate(lines) if number == first or not row.startswith(f"{key} =")
        )
    return load(write(home, text), {})


# -- the example -------------------------------------------------------------------------------------------


def test_the_example_loads_as_it_is_and_shows_the_defaults(home: Path) -> None:
    shown = load(EXAMPLE, {})
    plain = load(write(home, BASE.replace("jane", "jane@acme.example.com")), {})
    assert shown.model_dump() == plain.model_dump()
    assert shown.local.root == home / "Fluxiom"


def test_the_example_has_every_key_and_no_other() -> None:
    written = EXAMPLE.read_text(encoding="utf-8")
    shown = tomllib.loads(re.sub(r"(?m)^# (password(_command)? = \"[^\"]*\")", r"\1", written))
    known = {}
    for section, field in Settings.model_fields.items():
        model = field.annotation
        assert isinstance(model, type)
        assert issubclass(model, BaseModel)
        known[section] = set(model.model_fields)
    assert {section: set(keys) for section, keys in shown.items()} == known


# -- sources -----------------------------------------------------------------------------------------------


def test_environment_comes_before_file_before_defaults(home: Path) -> None:
    path = write(home, BASE + "[web]\nport = 1000\nenabled = false\n")
    settings = load(path, {"FLUXSYNC_WEB__PORT": "2000", "FLUXSYNC_REMOTE__USERNAME": "joe"})
    assert (settings.web.port, settings.web.enabled, settings.web.host) == (2000, False, "127.0.0.1")
    assert (settings.remote.username, settings.remote.host) == ("joe", "acme.fluxiom.com")
    assert settings.file == path


@pytest.mark.parametrize("text", ["*.psd, b c", '["*.psd", "b c"]'], ids=["commas", "json"])
def test_lists_in_the_environment(home: Path, text: str) -> None:
    settings = load(write(home, BASE), {"FLUXSYNC_LOCAL__IGNORE": text})
    assert settings.local.ignore == ["*.psd", "b c"]


@pytest.mark.parametrize(
    ("variable", "text", "value"),
    [
        ("SYNC__SETTLE", "0.5", 0.5),
        ("SYNC__POLL_INTERVAL", "5", 5),
        ("REMOTE__ALLOW_HTTP", "yes", True),
        ("WEB__ENABLED", "0", False),
        ("REMOTE__UPLOAD_LIMIT", "2 MB/s", 2_000_000),
        ("REMOTE__UPLOAD_LIMIT", "", None),
        ("REMOTE__DOWNLOAD_LIMIT", "512 KiB/s", 524_288),
        ("SYNC__TRASH_SIZE", "20 GB", Size(None, 20_000_000_000)),
        ("SAFETY__MAX_DELETE", "50", Limit(None, 50)),
        ("SYNC__DIRECTION", "up", "up"),
        ("MAPPING__EXTRA_TAGS", "", []),
    ],
)
def test_text_in_the_environment_becomes_the_value(
    home: Path, variable: str, text: str, value: object
) -> None:
    settings = load(write(home, BASE), {f"FLUXSYNC_{variable}": text})
    section, _, key = variable.lower().partition("__")
    assert getattr(getattr(settings, section), key) == value


def test_no_file_is_needed_where_the_environment_says_all(home: Path) -> None:
    settings = load(
        None,
        {
            "XDG_CONFIG_HOME": str(home / "none"),
            "FLUXSYNC_LOCAL__ROOT": "~/Fluxiom",
            "FLUXSYNC_REMOTE__URL": "http://127.0.0.1:8787/",
            "FLUXSYNC_REMOTE__USERNAME": "demo",
            "FLUXSYNC_REMOTE__PASSWORD": "demo",
        },
    )
    assert settings.file is None
    assert settings.remote.url == "http://127.0.0.1:8787"
    assert settings.password() == "demo"


def test_the_default_file_is_in_the_configuration_folder(home: Path) -> None:
    assert default_file({"XDG_CONFIG_HOME": "/x"}) == Path("/x/fluxsync/config.toml")
    with pytest.raises(ConfigError, match=r"copy config\.example\.toml there, or name a file with --config"):
        load(None, {"XDG_CONFIG_HOME": str(home)})


def test_other_variables_are_left_alone(home: Path) -> None:
    load(write(home, BASE), {"FLUXSYNC_DEBUG": "1", "FLUXSYNC_ZZZ__X": "1", "OTHER__X": "1"})


# -- mistakes ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("section", "line", "says"),
    [
        ("local", 'rot = "x"', r"\[local\] rot: there is no such key: did you mean root\?"),
        ("wbe", "port = 1", r"\[wbe\]: there is no such section: did you mean web\?"),
        ("web", 'port = "8788"', r'\[web\] port = "8788": has the wrong type: should be a valid integer'),
        ("web", "port = 70000", r"\[web\] port = 70000: must be less than or equal to 65535"),
        ("web", 'host = "0.0.0.0"', r'\[web\] host = "0\.0\.0\.0": is not this machine'),
        ("web", "enabled = 1", r"\[web\] enabled = 1: has the wrong type"),
        ("sync", "poll_interval = -1", r"\[sync\] poll_interval = -1: must be greater than 0"),
        ("sync", "settle = nan", r"\[sync\] settle = NaN: must be a finite number"),
        ("sync", 'direction = "left"', r"\[sync\] direction = \"left\": must be 'both', 'up' or 'down'"),
        ("sync", 'conflict = "x"', r"\[sync\] conflict = \"x\": must be 'keep-both', 'local' or 'remote'"),
        ("sync", 'first_run = "x"', r"\[sync\] first_run = \"x\": must be 'verify' or 'trust-size'"),
        ("sync", 'include = "x"', r"\[sync\] include = \"x\": has the wrong type: should be a valid list"),
        ("sync", "include = [1]", r"\[sync\] include = 1: has the wrong type"),
        ("sync", 'trash_size = "x"', r'\[sync\] trash_size = "x": write a share of the disk or a size'),
        ("sync", 'trash_size = "120%"', r'\[sync\] trash_size = "120%": a share is written'),
        ("sync", 'trash_tag = ""', r'\[sync\] trash_tag = "": is no tag'),
        ("mapping", 'extra_tags = ["a,b"]', r'\[mapping\] extra_tags = "a,b": is no tag'),
        ("mapping", 'extra_tags = ["fluxsync-trash"]', r"is the trash tag"),
        ("safety", 'max_delete = "lots"', r'\[safety\] max_delete = "lots": write a share, a count or both'),
        ("safety", 'max_delete = "101%"', r'\[safety\] max_delete = "101%": a share is written'),
        ("safety", 'max_delete = ""', r'\[safety\] max_delete = "": write a share'),
        ("safety", "max_move = 0.5", r"\[safety\] max_move = 0\.5: write a share"),
        ("remote", 'service = "x"', r"\[remote\] service = \"x\": must be 'fluxiom' or 'mediagraph'"),
        ("remote", "connections = 0", r"\[remote\] connections = 0: must be greater than or equal to 1"),
        ("remote", 'upload_limit = "fast"', r'\[remote\] upload_limit = "fast": write a rate like "2 MB/s"'),
        ("remote", 'ca_file = "/none.pem"', r'\[remote\] ca_file = "/none\.pem": is no readable file'),
        ("remote", 'url = "acme.fluxiom.com"', r'\[remote\] url = "acme\.fluxiom\.com": is no http address'),
        ("remote", 'url = "https://a:port"', r'\[remote\] url = "https://a:port": is no address'),
        ("remote", 'url = "https://a b"', r"has no valid host name"),
        ("remote", 'url = "https://a.com/api"', r"has a path or a query"),
        ("remote", 'url = "https://a.com?x"', r"has a path or a query"),
        ("remote", 'url = "http://a.com"', r'url = "http://a\.com": would send the password in clear'),
        ("remote", 'username = " "', r'\[remote\] username = " ": is empty'),
        ("remote", "username = 5", r"\[remote\] username = 5: has the wrong type: should be a valid string"),
        ("local", 'root = ""', r'\[local\] root = "": is no folder'),
        ("local", 'root = "/"', r'\[local\] root = "/": is the whole disk'),
        ("local", 'root = "Fluxiom"', r"depends on where fluxsync is started: write the whole path"),
        ("local", 'root = "~nobody-here/x"', r"has an unknown home directory"),
        ("log", 'level = "loud"', r"\[log\] level = \"loud\": must be 'debug', 'info'"),
        ("log", 'file = "~/Fluxiom/log"', r"\[log\] file = .*: lies in the synced folder"),
        ("journal", 'path = "~/Fluxiom/j"', r"\[journal\] path = .*: lies in the synced folder"),
    ],
    ids=lambda value: value if isinstance(value, str) and "\\" not in value else "",
)
def test_a_mistake_is_one_line_with_key_value_and_cure(
    home: Path, section: str, line: str, says: str
) -> None:
    with pytest.raises(ConfigError, match=says) as caught:
        setting(home, section, line)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("[local\nroot = 1", r"no valid TOML at line 1, column 7"),
        (BASE + "[web]\nport = = 1\n", r"no valid TOML at line 7, column 8"),
        (BASE + "[remote]\nurl = 'x'\n", r"no valid TOML at line 6"),
        ("port = 5\n" + BASE, r"port stands outside of a section: put it below \[web\]"),
        ("colour = 5\n" + BASE, r"\[colour\]: there is no such section"),
        ("web = 5\n" + BASE, r"\[web\] must be a section"),
        ('[local]\nroot = "~/x"\n', r"\[remote\] url is missing"),
        ("", r"\[local\] root is missing"),
    ],
)
def test_a_file_that_makes_no_sense(home: Path, text: str, says: str) -> None:
    with pytest.raises(ConfigError, match=says) as caught:
        load(write(home, text), {})
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("variable", "text", "says"),
    [
        (
            "FLUXSYNC_WEB__PROT",
            "1",
            r"FLUXSYNC_WEB__PROT: there is no key prot in \[web\]: did you mean port",
        ),
        ("FLUXSYNC_WBE__PORT", "1", r"FLUXSYNC_WBE__PORT: there is no section wbe: did you mean web"),
        ("FLUXSYNC_WEB__PORT", "x", r'\[web\] port = "x": has the wrong type.*\(FLUXSYNC_WEB__PORT\)'),
        ("FLUXSYNC_LOCAL__IGNORE", "[1", r"\[local\] ignore = .*has the wrong type"),
    ],
)
def test_a_mistake_in_the_environment_names_its_variable(
    home: Path, variable: str, text: str, says: str
) -> None:
    with pytest.raises(ConfigError, match=says):
        load(write(home, BASE), {variable: text})


def test_a_file_that_cannot_be_read(home: Path) -> None:
    with pytest.raises(ConfigError, match="there is no configuration"):
        load(home / "none.toml", {})
    with pytest.raises(ConfigError, match="cannot be read: Is a directory"):
        load(home, {})
    (home / "latin.toml").write_bytes(b'[local]\nroot = "\xe4"')
    with pytest.raises(ConfigError, match="not UTF-8"):
        load(home / "latin.toml", {})


def test_a_byte_order_mark_is_no_mistake(home: Path) -> None:
    load(write(home, "\ufeff" + BASE), {})


# -- secrets -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "line",
    [
        f'url = "https://jane:{CANARY}@acme.fluxiom.com"',
        f'url = "ftp://jane:{CANARY}@acme.fluxiom.com/x"',
        f'password = ["{CANARY}"]',
        f'password_command = ["{CANARY}"]',
        f'password = "{CANARY}',
        f'password = "{CANARY}"\ncolour = 1',
    ],
)
def test_no_message_holds_a_secret(home: Path, line: str) -> None:
    with pytest.raises(ConfigError) as caught:
        load(write(home, BASE.replace('url = "https://acme.fluxiom.com"', line)), {})
    assert CANARY not in str(caught.value)


def test_the_settings_do_not_print_the_password(home: Path) -> None:
    settings = setting(home, "remote", f'password = "{CANARY}"')
    assert CANARY not in repr(settings)
    assert CANARY not in settings.model_dump_json()
    assert settings.password() == CANARY


@pytest.mark.skipif(os.name != "posix", reason="modes are POSIX")
def test_a_password_in_a_file_that_others_read_is_refused(home: Path) -> None:
    text = BASE + f'password = "{CANARY}"\n'
    with pytest.raises(ConfigError, match="which others can read: `chmod 600` it") as caught:
        load(write(home, text, 0o640), {})
    assert CANARY not in str(caught.value)
    load(write(home, BASE, 0o644), {"FLUXSYNC_REMOTE__PASSWORD": CANARY})


def test_the_password_command_gives_its_first_line(home: Path) -> None:
    settings = setting(home, "remote", "password_command = \"printf 'a b\\\\nuser: x\\\\n'\"")
    assert settings.password() == "a b"


@pytest.mark.parametrize(
    ("command", "says"),
    [
        (f"sh -c 'echo {CANARY}; echo {CANARY} >&2; exit 3'", "failed with exit code 3"),
        ("no-such-program-here", "cannot be run"),
        (f"echo '{CANARY}", "cannot be split"),
        ("true", "prints no password"),
        ("printf '\\\\377'", "no UTF-8"),
    ],
)
def test_a_password_command_that_fails_is_named_without_its_output(
    home: Path, command: str, says: str
) -> None:
    settings = setting(home, "remote", f'password_command = "{command}"')
    with pytest.raises(ConfigError, match=says) as caught:
        settings.password()
    assert CANARY not in str(caught.value)


def test_the_keyring_comes_last(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []

    def get_password(service: str, user: str) -> str | None:
        asked.append((service, user))
        return CANARY

    monkeypatch.setitem(sys.modules, "keyring", SimpleNamespace(get_password=get_password))  # type: ignore[arg-type]
    assert load(write(home, BASE), {}).password() == CANARY
    assert asked == [("fluxsync", "jane@acme.fluxiom.com")]


def test_without_any_password_the_cure_is_named(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def get_password(service: str, user: str) -> str | None:
        raise RuntimeError("no bus")

    monkeypatch.setitem(sys.modules, "keyring", SimpleNamespace(get_password=get_password))  # type: ignore[arg-type]
    with pytest.raises(
        ConfigError, match=r"no password for jane@acme\.fluxiom\.com: set \[remote\] password_c"
    ):
        load(write(home, BASE), {}).password()


# -- root and journal --------------------------------------------------------------------------------------


def test_a_root_that_is_a_file_is_refused(home: Path) -> None:
    (home / "file").touch()
    with pytest.raises(ConfigError, match=r"\[local\] root = .*: is a file"):
        setting(home, "local", 'root = "~/file"')


def test_a_missing_root_is_a_mistake_unless_a_journal_knows_it(home: Path) -> None:
    settings = setting(home, "local", 'root = "~/gone"')
    check_place(settings.local.root, known=True)
    with pytest.raises(ConfigError, match="there is no such folder: make it, or correct the path"):
        check_place(settings.local.root, known=False)


def test_a_root_in_or_around_another_one_is_refused(home: Path) -> None:
    settings = load(write(home, BASE), {})
    (home / "Fluxiom" / ".fluxsync").mkdir()
    check_place(settings.local.root, known=False)
    (home / "Fluxiom" / "Inner" / ".fluxsync").mkdir(parents=True)
    with pytest.raises(ConfigError, match="Inner lies inside of it"):
        check_place(settings.local.root, known=False)
    inner = setting(home, "local", 'root = "~/Fluxiom/Inner"')
    with pytest.raises(ConfigError, match="lies inside the root"):
        check_place(inner.local.root, known=True)


def test_each_root_has_its_journal(home: Path) -> None:
    one = load(write(home, BASE), {}).journal_path
    other = setting(home, "local", 'root = "~/Other"').journal_path
    assert one != other
    assert one.parent.name == "fluxsync"
    assert re.fullmatch(r"[0-9a-f]{16}\.sqlite", one.name)
    assert setting(home, "journal", 'path = "~/j.sqlite"').journal_path == home / "j.sqlite"


# -- values ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("limit", "tracked", "most"),
    [
        (Limit(0.25, 1000), 100, 25),
        (Limit(0.25, 1000), 100_000, 1000),
        (Limit(0.25, 1000), 20, 10),
        (Limit(0.29, None), 100, 29),
        (Limit(None, 50), 10, 50),
        (Limit(0.0, 0), 1000, 10),
    ],
)
def test_a_limit_is_the_smaller_bound_but_ten_at_least(limit: Limit, tracked: int, most: int) -> None:
    assert limit.most(tracked) == most


def test_a_size_is_a_share_or_bytes() -> None:
    assert Size(0.1, None).of(1000) == 100
    assert Size(None, 7).of(1000) == 7


@pytest.mark.parametrize("url", ["http://localhost:8787", "http://[::1]:1", "http://127.9.9.9"])
def test_plain_http_to_this_machine_is_fine(home: Path, url: str) -> None:
    assert setting(home, "remote", f'url = "{url}"').remote.url == url


def test_plain_http_elsewhere_only_where_it_is_allowed(home: Path) -> None:
    path = write(home, BASE.replace("https:", "http:") + "allow_http = true\n")
    assert load(path, {}).remote.url == "http://acme.fluxiom.com"


def test_settings_cannot_be_changed(home: Path) -> None:
    settings = load(write(home, BASE), {})
    with pytest.raises(ValueError, match="frozen"):
        settings.web.port = 1  # type: ignore[misc]


def test_importing_the_settings_is_cheap() -> None:
    program = "import sys, fluxsync.settings; print('keyring' in sys.modules, 'platformdirs' in sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=TOP, capture_output=True, text=True, check=True
    )
    assert done.stdout.split() == ["False", "False"]
