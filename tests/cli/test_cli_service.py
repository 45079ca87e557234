"""`service`, as the program does it: systemctl is a script that notes what it is told."""

import os
import sys
from pathlib import Path

import pytest
from cli_world import World, messages

sys.path.insert(0, str(Path(__file__).parents[1] / "service_unit"))

from stand_ins import StandIns


@pytest.fixture
def tools(world: World) -> StandIns:
    return StandIns(world.home / "tools")


def path(tools: StandIns) -> dict[str, str]:
    return {"PATH": f"{tools.bin}:{os.environ['PATH']}"}


def unit_file(world: World) -> Path:
    """The only unit there is."""
    (file,) = (world.home / ".config/systemd/user").glob("*.service")
    return file


@pytest.mark.skipif(sys.platform == "darwin", reason="launchd: see tests/service_unit")
class TestSystemd:
    def test_install_status_uninstall(self, world: World, tools: StandIns) -> None:
        """Each step is a line; a second time changes nothing; at the end there is nothing left."""
        config = world.home / ".config/fluxsync/acme.toml"
        config.parent.mkdir(parents=True)
        world.config.rename(config)
        at = ("--config", str(config))
        done = world.run(*at, "service", "install", configured=False, env=path(tools))
        assert (done.returncode, done.stderr) == (0, "")
        file = unit_file(world)
        assert file.name == "fluxsync@acme.service"
        lines = done.stdout.splitlines()
        assert lines[0] == f"wrote {file}"
        assert "systemctl --user enable --now fluxsync@acme.service" in lines
        assert "its log: journalctl --user -u fluxsync@acme.service" in lines
        assert f" --config {config}\n" in file.read_text()
        again = world.run(*at, "service", "install", configured=False, env=path(tools))
        assert again.stdout.splitlines()[0] == f"{file} is as it should be"
        shown = world.document(*at, "service", "status", configured=False, env=path(tools))
        text = world.run(*at, "service", "status", configured=False, env=path(tools)).stdout
        assert "its log: journalctl --user -u fluxsync@acme.service" in text
        assert shown == {
            "unit": file.name,
            "file": str(file),
            "config": str(config),
            "installed": True,
            "enabled": True,
            "running": True,
        }
        gone = world.document(*at, "service", "uninstall", configured=False, env=path(tools))
        assert f"removed {file}" in gone["steps"]
        assert not file.exists()
        text = world.run(*at, "service", "status", configured=False, env=path(tools)).stdout
        assert "not installed" in text
        assert "not running" in text
        assert (
            "is not installed"
            in world.run(*at, "service", "uninstall", configured=False, env=path(tools)).stdout
        )

    def test_the_document_of_an_install(self, world: World, tools: StandIns) -> None:
        """Nothing else is on stdout."""
        found = world.document("service", "install", "--name", "studio", env=path(tools))
        assert found["unit"] == "fluxsync@studio.service"
        assert found["config"] == str(world.config)
        assert found["steps"][0] == f"wrote {unit_file(world)}"
        assert any("linger" in hint for hint in found["hints"])

    def test_the_program_in_the_unit_is_the_one_that_runs(self, world: World, tools: StandIns) -> None:
        """By its whole path."""
        world.run("service", "install", env=path(tools))
        (line,) = [
            line for line in unit_file(world).read_text().splitlines() if line.startswith("ExecStart=")
        ]
        started = line.removeprefix("ExecStart=").split()[0]
        assert os.access(started, os.X_OK)
        assert Path(started).parent == Path(sys.executable).parent

    def test_a_password_of_the_shell_is_not_enough(self, world: World, tools: StandIns) -> None:
        """Said before anything is written, with what to do."""
        world.configure(password="")
        env = path(tools) | {"FLUXSYNC_REMOTE__PASSWORD": "demo"}
        done = world.run("service", "install", env=env)
        assert done.returncode == 2
        (line,) = messages(done.stderr)
        assert "only in FLUXSYNC_REMOTE__PASSWORD" in line
        assert "password_command" in line
        assert not list(world.home.rglob("*.service"))

    def test_a_setting_of_the_shell_is_not_enough(self, world: World, tools: StandIns) -> None:
        """Where the file alone would be refused; where it would not, that is said."""
        env = path(tools) | {"FLUXSYNC_REMOTE__USERNAME": "demo", "https_proxy": "http://u:secret@proxy:1"}
        done = world.run("service", "install", env=env)
        assert done.returncode == 0
        assert "it does not see FLUXSYNC_REMOTE__USERNAME, https_proxy of this shell" in done.stdout
        assert "secret" not in done.stdout + unit_file(world).read_text()
        world.configure(username="")
        done = world.run("service", "install", env=env)
        assert done.returncode == 2
        assert "[remote] username" in messages(done.stderr)[0]

    def test_the_places_of_this_shell_are_those_of_the_service(self, world: World, tools: StandIns) -> None:
        """Another journal would be another beginning; a password command is looked for on the same PATH."""
        state = str(world.home / "state")
        world.configure(password="", password_command="pass fluxiom")
        world.run(
            "service",
            "install",
            env=path(tools) | {"XDG_STATE_HOME": state, "SSL_CERT_FILE": "/etc/studio.pem"},
        )
        text = unit_file(world).read_text()
        assert f"Environment=XDG_STATE_HOME={state}\n" in text
        assert "Environment=SSL_CERT_FILE=/etc/studio.pem\n" in text
        assert f"Environment=PATH={tools.bin}:" in text.replace('"', "")

    @pytest.mark.parametrize("verb", ["install", "status"])
    def test_without_systemd_it_is_one_line(self, world: World, tools: StandIns, verb: str) -> None:
        """Exit 2, with the cure."""
        tools.say("absent")
        done = world.run("service", verb, env=path(tools))
        assert done.returncode == 2
        (line,) = messages(done.stderr)
        assert "--once" in line
        assert not list(world.home.rglob("*.service"))

    @pytest.mark.parametrize("broken", ["[safety]\nmax_deletes = 5", "[web]\nport = 99999"])
    def test_a_wrong_configuration_is_not_installed(self, world: World, tools: StandIns, broken: str) -> None:
        """Nor one whose folder is not there."""
        world.configure(broken)
        assert world.run("service", "install", env=path(tools)).returncode == 2
        world.configure()
        world.root.rmdir()
        done = world.run("service", "install", env=path(tools))
        assert done.returncode == 2
        assert "[local] root" in messages(done.stderr)[0]
        assert tools.calls() == []

    def test_a_start_that_fails_says_where_to_look(self, world: World, tools: StandIns) -> None:
        """In one line."""
        tools.say("refuses", "enable")
        done = world.run("service", "install", env=path(tools))
        assert done.returncode == 1
        (line,) = messages(done.stderr)
        assert "failed (Job for it failed.)" in line
        assert "journalctl --user -u fluxsync" in line


def test_it_wants_to_know_what_to_do(world: World) -> None:
    """One line."""
    done = world.run("service")
    assert done.returncode == 2
    assert "install, uninstall or status" in messages(done.stderr)[0]


def test_a_shell_gets_words_to_complete(world: World) -> None:
    """Commands and options, as click's scripts ask for them."""
    asks = {"_FLUXSYNC_COMPLETE": "bash_complete", "COMP_WORDS": "fluxsync serv", "COMP_CWORD": "1"}
    done = world.run(configured=False, env=asks)
    assert done.stdout.split() == ["plain,service"]
    asks |= {"COMP_WORDS": "fluxsync service install --na", "COMP_CWORD": "3"}
    assert world.run(configured=False, env=asks).stdout.split() == ["plain,--name"]
