"""What is in packaging/ agrees with the program: units, man page, completions, versions."""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from fluxsync import __version__
from fluxsync.cli.main import fluxsync
from fluxsync.engine.documents import status_document
from fluxsync.engine.report import Report
from fluxsync.engine.status import Counts, State, Status
from fluxsync.state.journal import PassRow

PROJECT = Path(__file__).parents[2]
PACKAGING = PROJECT / "packaging"
MAN = PACKAGING / "man/fluxsync.1"
ENV = os.environ | {"PYTHONPATH": str(PROJECT)}


def commands(group: click.Group, path: str = "fluxsync") -> Iterator[tuple[str, click.Command]]:
    """Yield each command with what one types for it, the program itself included."""
    yield path, group
    for name, command in group.commands.items():
        if isinstance(command, click.Group):
            yield from commands(command, f"{path} {name}")
        else:
            yield f"{path} {name}", command


def test_generated_files_are_up_to_date() -> None:
    """`python packaging/generate.py` writes them: units, agent, man page, completions."""
    done = subprocess.run(
        [sys.executable, str(PACKAGING / "generate.py"), "--check"], capture_output=True, text=True, env=ENV
    )
    assert (done.returncode, done.stderr) == (0, "")


def test_a_stale_file_would_be_noticed(tmp_path: Path) -> None:
    """Named with what to do; written again without --check, it is as before."""
    copy = tmp_path / "packaging"
    shutil.copytree(PACKAGING, copy)
    shutil.copy(PROJECT / "config.example.toml", tmp_path)
    unit = copy / "systemd/fluxsync@.service"
    before = unit.read_text()
    unit.write_text(before.replace("WatchdogSec=3min", "WatchdogSec=3h"))
    (copy / "man/fluxsync.1").unlink()
    generate = [sys.executable, str(copy / "generate.py")]
    done = subprocess.run([*generate, "--check"], capture_output=True, text=True, env=ENV)
    assert done.returncode == 1
    assert [line.split()[0] for line in done.stderr.splitlines()] == [
        "packaging/systemd/fluxsync@.service",
        "packaging/man/fluxsync.1",
    ]
    subprocess.run(generate, check=True, capture_output=True, env=ENV)
    assert unit.read_text() == before
    assert (copy / "man/fluxsync.1").read_bytes() == MAN.read_bytes()


@pytest.mark.parametrize(("name", "command"), list(commands(fluxsync)), ids=lambda value: str(value))
def test_the_man_page_has_each_command_and_option(name: str, command: click.Command) -> None:
    """By the words that one types."""
    text = MAN.read_text(encoding="utf-8").replace("\\-", "-")
    assert name == "fluxsync" or re.search(rf"^\.SS {name}\b", text, re.MULTILINE)
    for parameter in command.params:
        for flag in parameter.opts if isinstance(parameter, click.Option) else ():
            assert re.search(rf"\\fB([^\n]*[ ,])?{flag}\b", text), flag


def test_the_man_page_has_each_key_and_exit_code() -> None:
    """Of the configuration, and of the contract."""
    text = MAN.read_text(encoding="utf-8").replace("\\-", "-")
    example = (PROJECT / "config.example.toml").read_text(encoding="utf-8")
    keys = re.findall(r"^(?:# )?(\w+) = ", example, re.MULTILINE)
    assert len(keys) > 30
    for key in keys:
        assert f"\\fB{key}\\fR = " in text, key
    for section in re.findall(r"^\[(\w+)\]", example, re.MULTILINE):
        assert f".SS [{section}]\n" in text
    status = text.partition(".SH EXIT STATUS\n")[2].partition(".SH ")[0]
    assert re.findall(r"^\.B (\d+)$", status, re.MULTILINE) == ["0", "1", "2", "3", "4", "5", "130"]
    assert f'"fluxsync {__version__}"' in text


def test_the_man_page_has_each_field_of_a_pass_and_of_status() -> None:
    """What scripts may rely on: as the documents are made, not as they once were."""
    text = MAN.read_text(encoding="utf-8").partition(".SH JSON\n")[2].partition(".SH ")[0]
    picture = Status(State.WAITING, 0.0, None, Counts(), (), (), (), (), (), PassRow(1, 0.0, None, 1, "", {}))
    status = status_document(picture)
    nested = [status["counts"], status["last_pass"]]
    assert all(isinstance(each, dict) for each in nested)
    for field in {*Report(message="m").document(), *status, *(key for each in nested for key in each)}:  # type: ignore[attr-defined]
        assert re.search(rf"^\.I[RB]? {field}\b", text, re.MULTILINE), field


def test_man_reads_the_page_without_a_warning() -> None:
    """And nothing of roff's own is left in what one reads. No line of prose is a request by mistake."""
    requests = {"TH", "SH", "SS", "TP", "PP", "B", "I", "BR", "RB", "IR", "RI", "RS", "RE", "br", "nh", "ad"}
    assert set(re.findall(r"^\.([^\\\s]+)", MAN.read_text(), re.MULTILINE)) <= requests
    if shutil.which("man") is None:
        return
    done = subprocess.run(
        ["man", "--warnings", "-E", "UTF-8", "-l", str(MAN)],
        capture_output=True,
        text=True,
        env=os.environ
        | {"MANPAGER": "cat", "MANROFFOPT": "", "LC_ALL": "C.UTF-8", "MAN_KEEP_FORMATTING": ""},
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert "keep a folder and a Fluxiom digital-asset account in step" in done.stdout
    assert not re.search(r"\\f|^\.[A-Z]", done.stdout, re.MULTILINE)


@pytest.mark.parametrize(
    ("shell", "file"), [("bash", "fluxsync.bash"), ("zsh", "_fluxsync"), ("fish", "fluxsync.fish")]
)
def test_a_shell_reads_its_completion(shell: str, file: str) -> None:
    """Where that shell is there; everywhere, that it asks for words as the program answers them."""
    script = PACKAGING / "completions" / file
    assert f"_FLUXSYNC_COMPLETE={shell}_complete" in script.read_text()
    if shutil.which(shell) is not None:
        done = subprocess.run([shell, "-n", str(script)], capture_output=True, text=True)
        assert (done.returncode, done.stderr) == (0, "")


def test_the_formula_is_ruby_and_of_this_version() -> None:
    """Its service is the one of the agent."""
    formula = PACKAGING / "homebrew/fluxsync.rb"
    text = formula.read_text()
    assert f"fluxsync-{__version__}.tar.gz" in text
    assert "keep_alive successful_exit: false" in text
    opened = re.findall(r"^\s*(?:class|def)\b|\bdo(?: \|\w+\|)?$", text, re.MULTILINE)
    assert len(opened) == len(re.findall(r"^\s*end$", text, re.MULTILINE))
    if shutil.which("ruby") is not None:
        done = subprocess.run(["ruby", "-wc", str(formula)], capture_output=True, text=True)
        assert (done.returncode, done.stderr) == (0, "")


def test_the_debian_changelog_begins_with_this_version() -> None:
    """dpkg takes the version from there."""
    first = (PACKAGING / "debian/changelog").read_text().splitlines()[0]
    assert first.startswith(f"fluxsync ({__version__}-1) ")
