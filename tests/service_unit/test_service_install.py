"""Installing, looking and removing, with tools that only note what they are told."""

import os
import plistlib
from pathlib import Path

import pytest
from stand_ins import StandIns

from fluxsync.errors import ConfigError, SupervisorError
from fluxsync.service_unit import installed
from fluxsync.service_unit.install import install, look, named, uninstall
from fluxsync.service_unit.launchd import Launchd
from fluxsync.service_unit.supervisor import Supervisor, supervisor
from fluxsync.service_unit.systemd import Systemd
from fluxsync.service_unit.wanted import Wanted, name_for

PROGRAM = ("/opt/fluxsync/bin/fluxsync",)
PLATFORMS = pytest.mark.parametrize("platform", ["linux", "darwin"])
USER = f"gui/{os.getuid()}"


def default(home: Path) -> Path:
    return home / ".config/fluxsync/config.toml"


def put(on: Supervisor, config: Path, name: str | None = None) -> list[str]:
    """Install the service of a configuration; returns the steps."""
    return list(install(on, Wanted(named(on, config, name), config, PROGRAM)))


def test_the_platform_decides(home: Path) -> None:
    """Where the files are follows from it, too."""
    assert isinstance(supervisor("darwin"), Launchd)
    assert isinstance(supervisor("linux"), Systemd)
    assert supervisor("darwin").file("acme") == home / "Library/LaunchAgents/org.fluxsync.agent.acme.plist"
    assert supervisor("linux").file("acme") == home / ".config/systemd/user/fluxsync@acme.service"
    elsewhere = supervisor("linux", {"XDG_CONFIG_HOME": "/etc/jane", "HOME": str(home)})
    assert elsewhere.file("") == Path("/etc/jane/systemd/user/fluxsync.service")


def test_systemd_is_told_to_start_it_now_and_later(home: Path, tools: StandIns) -> None:
    """The file first; a second time nothing is written, and nothing started afresh."""
    on = supervisor("linux")
    steps = put(on, default(home))
    file = home / ".config/systemd/user/fluxsync.service"
    asked = ["systemctl --user show-environment", "systemctl --version"]
    told = [
        "systemctl --user daemon-reload",
        "systemctl --user try-restart fluxsync.service",
        "systemctl --user enable --now fluxsync.service",
    ]
    assert steps == [f"wrote {file}", *told]
    assert tools.calls() == [*asked, *told]
    assert f"ExecStart={PROGRAM[0]} --config {default(home)}\n" in file.read_text()
    assert [path.name for path in file.parent.iterdir()] == [file.name]
    assert look(on, "").state.running
    tools.calls()
    assert put(on, default(home)) == [f"{file} is as it should be", told[-1]]
    assert tools.calls() == [*asked, told[-1]]


def test_a_changed_service_is_started_afresh(home: Path, tools: StandIns) -> None:
    """Such as one whose program has moved."""
    on = supervisor("linux")
    put(on, default(home))
    tools.calls()
    list(install(on, Wanted("", default(home), ("/new/fluxsync",))))
    assert "systemctl --user try-restart fluxsync.service" in tools.calls()
    assert "/new/fluxsync" in on.file("").read_text()


def test_launchd_is_told_to_load_it(home: Path, tools: StandIns) -> None:
    """A second time it is only started; changed, it is taken out and loaded again."""
    on = supervisor("darwin")
    file = home / "Library/LaunchAgents/org.fluxsync.agent.plist"
    load = [
        f"launchctl enable {USER}/org.fluxsync.agent",
        f"launchctl bootstrap {USER} {file}",
    ]
    assert put(on, default(home)) == [f"wrote {file}", *load]
    agent = plistlib.loads(file.read_bytes())
    assert agent["ProgramArguments"] == [*PROGRAM, "--config", str(default(home))]
    assert Path(agent["StandardErrorPath"]).parent.is_dir()
    assert on.log("") == agent["StandardErrorPath"]
    kick = f"launchctl kickstart {USER}/org.fluxsync.agent"
    assert put(on, default(home)) == [f"{file} is as it should be", kick]
    steps = list(install(on, Wanted("", default(home), ("/new/fluxsync",))))
    assert steps == [f"wrote {file}", f"launchctl bootout {USER}/org.fluxsync.agent", *load]


@PLATFORMS
def test_uninstall_leaves_nothing_and_does_nothing_twice(home: Path, tools: StandIns, platform: str) -> None:
    """Stopped before its file goes."""
    on = supervisor(platform)
    put(on, default(home))
    tools.calls()
    steps = list(uninstall(on, ""))
    assert f"removed {on.file('')}" in steps
    assert "disable" in steps[0] or "bootout" in steps[0]
    assert not on.file("").exists()
    assert look(on, "").state == (look(on, "acme").state)
    assert not look(on, "").state.running
    tools.calls()
    assert list(uninstall(on, "")) == []
    assert tools.calls() == []


@PLATFORMS
def test_foreign_files_stay_as_they_are(home: Path, tools: StandIns, platform: str) -> None:
    """Neither overwritten nor removed: a file without our mark, a link, a folder."""
    on = supervisor(platform)
    file = on.file("")
    file.parent.mkdir(parents=True)
    elsewhere = home / "mine"
    elsewhere.write_text(on.text(Wanted("", default(home), PROGRAM)))
    tools.calls()

    def refused() -> None:
        with pytest.raises(ConfigError, match="not written by fluxsync"):
            put(on, default(home))
        with pytest.raises(ConfigError, match="was not written by"):
            list(uninstall(on, ""))
        assert not installed(default(home), on)

    file.write_text("[Unit]\nDescription=mine\n")
    refused()
    assert file.read_text() == "[Unit]\nDescription=mine\n"
    file.unlink()
    file.symlink_to(elsewhere)
    refused()
    assert file.is_symlink()
    file.unlink()
    file.mkdir()
    refused()
    calls = tools.calls()
    assert not [call for call in calls if "enable" in call or "boot" in call]


@PLATFORMS
def test_each_configuration_has_its_own(home: Path, tools: StandIns, platform: str) -> None:
    """Removing one leaves the others."""
    on = supervisor(platform)
    acme, far = default(home).with_name("acme.toml"), home / "far/config.toml"
    for config in (default(home), acme, far):
        assert not installed(config, on)
        put(on, config)
        assert installed(config, on)
    assert len(on.files()) == 3
    list(uninstall(on, named(on, acme, None)))
    assert [installed(config, on) for config in (default(home), acme, far)] == [True, False, True]


@PLATFORMS
def test_a_chosen_name_is_found_again(home: Path, tools: StandIns, platform: str) -> None:
    """By its configuration alone; and no configuration has two services, no service two configurations."""
    on = supervisor(platform)
    put(on, default(home), "studio")
    assert named(on, None, None) == "studio"
    assert named(on, default(home), None) == "studio"
    assert installed(default(home), on)
    with pytest.raises(ConfigError, match="has the service studio already"):
        put(on, default(home), "other")
    with pytest.raises(ConfigError, match=r"is the service of .*config\.toml"):
        put(on, default(home).with_name("acme.toml"), "studio")
    assert list(on.files()) == [on.file("studio")]


def test_a_packaged_unit_counts_when_it_is_enabled(home: Path, tools: StandIns) -> None:
    """systemctl links it; it is not ours to remove."""
    on = supervisor("linux")
    wants = home / ".config/systemd/user/default.target.wants"
    wants.mkdir(parents=True)
    assert not installed(default(home), on)
    (wants / "fluxsync.service").symlink_to("/usr/lib/systemd/user/fluxsync.service")
    assert installed(default(home), on)
    assert not installed(default(home).with_name("acme.toml"), on)
    with pytest.raises(ConfigError, match=r"disable --now fluxsync\.service"):
        list(uninstall(on, ""))


def test_asking_whether_it_is_installed_asks_no_tool(home: Path, tools: StandIns) -> None:
    """It is asked by each `status`."""
    on = supervisor("linux")
    put(on, default(home))
    tools.calls()
    assert installed(default(home))
    assert tools.calls() == []


def test_without_systemd_nothing_is_written(
    home: Path, tools: StandIns, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No systemctl at all, or nobody who answers it: one line with the cure."""
    on = supervisor("linux")
    tools.say("absent")
    with pytest.raises(ConfigError, match=r"Failed to connect to bus.*log in yourself"):
        put(on, default(home))
    monkeypatch.setenv("PATH", str(home))
    with pytest.raises(ConfigError, match=r"no systemctl.*--once"):
        put(on, default(home))
    with pytest.raises(ConfigError, match="no launchctl"):
        put(supervisor("darwin"), default(home))
    assert not list(home.rglob("*.service"))
    assert not list(home.rglob("*.plist"))


@PLATFORMS
def test_what_was_refused_is_taken_up_again(home: Path, tools: StandIns, platform: str) -> None:
    """The tool's own words, and where to look; done again, it goes on from there."""
    on = supervisor(platform)
    tools.say("refuses", "enable" if platform == "linux" else "bootstrap")
    with pytest.raises(SupervisorError, match=r"Job for it failed.*journalctl|Bootstrap failed: 5"):
        put(on, default(home))
    assert installed(default(home), on)
    tools.say("refuses", "nothing")
    put(on, default(home))
    assert look(on, "").state.running


def test_linger_is_a_hint_until_it_is_done(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """systemd has a file for each user whose services run without a login."""
    monkeypatch.setenv("LOGNAME", "jane")
    on = Systemd(home, lingering=tmp_path)
    assert "enable-linger jane" in on.hints[0]
    (tmp_path / "jane").touch()
    assert not on.hints


def test_the_default_is_the_one_without_a_name(home: Path) -> None:
    """Also where nobody names a file."""
    assert named(supervisor("linux"), None, None) == ""
    assert named(supervisor("linux"), Path("acme.toml"), None) == name_for(
        Path.cwd() / "acme.toml", default(home)
    )
