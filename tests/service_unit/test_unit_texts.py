"""What stands in a unit and an agent, and whether systemd and plistlib understand it."""

import os
import plistlib
import re
import shutil
import subprocess
from pathlib import Path

import pytest
from stand_ins import StandIns

from fluxsync.errors import ConfigError
from fluxsync.service_unit.launchd import Launchd
from fluxsync.service_unit.systemd import Systemd, unit_text
from fluxsync.service_unit.wanted import Wanted, check_name, name_for

PACKAGED = Path(__file__).parents[2] / "packaging"
UNITS = sorted((PACKAGED / "systemd").glob("*.service"))
#: What a user's own systemd cannot do: with one of these the unit would not start at all.
PRIVILEGED = {
    "CapabilityBoundingSet",
    "PrivateDevices",
    "ProtectClock",
    "ProtectKernelLogs",
    "ProtectKernelModules",
    "User",
    "DynamicUser",
}
#: Each would keep fluxsync from its work: below home or on a mounted disk, with the modes that are there.
IN_THE_WAY = {"ProtectHome", "ProtectSystem", "ReadOnlyPaths", "PrivateUsers", "UMask", "RestrictSUIDSGID"}


def keys(text: str) -> dict[str, str]:
    """Return the assignments of a unit."""
    return dict(re.findall(r"^(\w+)=(.*)$", text, re.MULTILINE))


def verified(text: str, folder: Path, name: str) -> str:
    """Return what systemd finds wrong with a unit; where there is no systemd, what can be seen without.

    The program that the unit starts has to be there.
    """
    if shutil.which("systemd-analyze") is None:
        known = set(keys((PACKAGED / "systemd/fluxsync.service").read_text())) | {"Environment"}
        assert re.findall(r"^\[(\w+)\]$", text, re.MULTILINE) == ["Unit", "Service", "Install"]
        return " ".join(sorted(set(keys(text)) - known))
    unit = folder / name
    unit.write_text(text)
    done = subprocess.run(
        ["systemd-analyze", "verify", "--user", "--man=no", str(unit)],
        capture_output=True,
        text=True,
        env=os.environ | {"XDG_RUNTIME_DIR": str(folder)},
    )
    found = "\n".join(line for line in done.stderr.splitlines() if "fluxsync" in line)
    assert bool(done.returncode) <= bool(found), done.stderr
    return found


def program(folder: Path, name: str = "fluxsync") -> Path:
    """Make something that can be started."""
    folder.mkdir(parents=True, exist_ok=True)
    script = folder / name
    script.write_text("#!/bin/sh\n")
    script.chmod(0o755)
    return script


@pytest.mark.parametrize("unit", UNITS, ids=lambda unit: unit.name)
def test_systemd_has_nothing_to_say_about_the_units(unit: Path, tmp_path: Path) -> None:
    """But for the program, which is put where it is here."""
    text = unit.read_text().replace("/usr/bin/fluxsync", str(program(tmp_path / "bin")))
    assert verified(text, tmp_path, unit.name) == ""


def test_a_mistake_in_a_unit_would_be_noticed(tmp_path: Path) -> None:
    """By the very check that the units pass."""
    text = unit_text(str(program(tmp_path / "bin")), description="x")
    assert "RestartSecond" in verified(
        text.replace("RestartSec=", "RestartSecond="), tmp_path, "fluxsync.service"
    )


@pytest.mark.parametrize("unit", UNITS, ids=lambda unit: unit.name)
def test_a_unit_is_watched_reloaded_and_not_started_again_in_vain(unit: Path) -> None:
    """The contract's section 8: notify, watchdog, no restart for what only a person can correct."""
    found = keys(unit.read_text())
    assert found["Type"] == "notify"
    assert found["NotifyAccess"] == "main"
    assert found["WatchdogSec"]
    assert found["ExecReload"].endswith("-HUP $MAINPID")
    assert found["Restart"] == "on-failure"
    assert found["RestartPreventExitStatus"] == "2 5"
    assert int(found["TimeoutStopSec"]) > 10
    assert found["KillSignal"] == "SIGTERM"


@pytest.mark.parametrize("unit", UNITS, ids=lambda unit: unit.name)
def test_hardening_is_what_a_user_may_have(unit: Path) -> None:
    """Some, but nothing that makes the start fail, or that keeps fluxsync from its work."""
    found = keys(unit.read_text())
    assert found["NoNewPrivileges"] == found["RestrictNamespaces"] == found["LockPersonality"] == "true"
    assert found["SystemCallFilter"] == "@system-service"
    assert not set(found) & (PRIVILEGED | IN_THE_WAY)


def test_exposure_as_systemd_sees_it(tmp_path: Path) -> None:
    """It counts what only a service of the whole system can give up; 9.6 is a unit without any hardening."""
    unit = PACKAGED / "systemd/fluxsync.service"
    if shutil.which("systemd-analyze") is None:
        assert {"KeyringMode", "RestrictAddressFamilies"} < set(keys(unit.read_text()))
        return
    done = subprocess.run(
        ["systemd-analyze", "security", "--user", "--offline=true", "--threshold=68", str(unit)],
        capture_output=True,
        text=True,
        env=os.environ | {"XDG_RUNTIME_DIR": str(tmp_path)},
    )
    assert done.returncode == 0, done.stdout[-200:] + done.stderr


@pytest.mark.parametrize("name", ["plain", "with space", "100%", "$HOME", "${HOME}", "Zoë"])
def test_any_path_can_be_started(name: str, tmp_path: Path, tools: StandIns, home: Path) -> None:
    """systemd starts exactly that program: it would say if it were not there."""
    start = program(tmp_path / f"{name} bin")
    config = tmp_path / f"{name}.toml"
    text = Systemd(home / ".config").text(Wanted("pair", config, (str(start),), {"PATH": f"/{name}"}))
    assert verified(text, tmp_path, "fluxsync@pair.service") == ""
    assert Systemd(home / ".config").config_of(text) == config
    agent = plistlib.loads(
        Launchd(home).text(Wanted("pair", config, (str(start),), {"PATH": f"/{name}"})).encode()
    )
    assert agent["ProgramArguments"] == [str(start), "--config", str(config)]
    assert agent["EnvironmentVariables"] == {"PATH": f"/{name}"}


@pytest.mark.parametrize("name", ["it's", 'a"b', "back\\slash"])
def test_a_program_that_systemd_would_not_start_is_refused(name: str, tools: StandIns, home: Path) -> None:
    """It knows no way to write such a path; one of a configuration may be so."""
    on = Systemd(home)
    with pytest.raises(ConfigError, match="no program with a quote"):
        on.text(Wanted("", Path("/c.toml"), (f"/{name}/fluxsync",), {}))
    config = Path(f"/{name}.toml")
    assert on.config_of(on.text(Wanted("", config, ("/bin/fluxsync",), {}))) == config


def test_an_argument_is_taken_literally(tools: StandIns, home: Path) -> None:
    """No variable and no specifier of systemd's in it."""
    text = Systemd(home).text(Wanted("", Path("/a $X%h/c.toml"), ("/bin/fluxsync",), {}))
    assert keys(text)["ExecStart"] == '/bin/fluxsync --config "/a $$X%%h/c.toml"'


@pytest.mark.parametrize("path", ["two\nlines.toml", "bytes\udcff.toml", "tab\t.toml"])
def test_a_path_that_no_unit_can_hold_is_refused(path: str, tools: StandIns, home: Path) -> None:
    """In one line, with the cure."""
    for on in (Systemd(home), Launchd(home)):
        with pytest.raises(ConfigError, match="rename it") as caught:
            on.text(Wanted("", Path("/", path), ("/bin/fluxsync",), {}))
        assert "\n" not in str(caught.value)


def test_pauses_grow_where_systemd_can(tools: StandIns, home: Path) -> None:
    """From version 254 on; older ones would complain at each start."""
    on, wanted = Systemd(home), Wanted("", Path("/c.toml"), ("/bin/fluxsync",), {})
    assert "RestartSteps" not in on.text(wanted)
    tools.say("version", "systemd 254 (254.1)")
    assert keys(on.text(wanted))["RestartMaxDelaySec"] == "10min"


def test_the_agent_is_kept_alive_in_the_background() -> None:
    """As launchd reads it."""
    with (PACKAGED / "launchd/org.fluxsync.agent.plist").open("rb") as file:
        agent = plistlib.load(file)
    assert agent["Label"] == "org.fluxsync.agent"
    assert agent["KeepAlive"] == {"SuccessfulExit": False}
    assert agent["ThrottleInterval"] >= 10
    assert agent["ProcessType"] == "Background"
    assert agent["ExitTimeOut"] > 10
    assert all(Path(agent[key]).is_absolute() for key in ("StandardOutPath", "StandardErrorPath"))
    assert agent["ProgramArguments"] == ["/usr/local/bin/fluxsync"]


def test_names_follow_from_the_configuration() -> None:
    """The default has none; neighbours have theirs; others cannot be taken for each other."""
    default = Path("/home/jane/.config/fluxsync/config.toml")
    assert name_for(default, default) == ""
    assert name_for(default.with_name("acme.toml"), default) == "acme"
    strange = [default.with_name("two words.toml"), default.with_name("acme.conf"), Path("/etc/acme.toml")]
    strange += [Path("/opt/acme.toml"), Path("/opt/config.toml"), Path("/opt/....toml")]
    names = [name_for(path, default) for path in strange]
    assert len({*names, "acme", ""}) == len(strange) + 2
    assert all(check_name(name) == name for name in names)


@pytest.mark.parametrize("name", ["", "-x", ".x", "a/b", "a b", "ä", "x" * 101, "a\n"])
def test_a_name_that_cannot_be_a_unit_is_refused(name: str) -> None:
    """With what may be in one."""
    with pytest.raises(ConfigError, match="letters, digits"):
        check_name(name)
