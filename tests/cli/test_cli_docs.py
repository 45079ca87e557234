"""README and help texts say what is true."""

import re
import tomllib
from typing import Any

import click
import pytest
from cli_world import PROJECT

from fluxsync.cli.main import fluxsync

README = (PROJECT / "README.md").read_text(encoding="utf-8")
COMMANDS = sorted(fluxsync.commands)
INNER = {
    f"{name} {inner}": command
    for name, group in fluxsync.commands.items()
    if isinstance(group, click.Group)
    for inner, command in group.commands.items()
}
DEMO = "python3 -m venv .venv && .venv/bin/pip install -q . && .venv/bin/fluxsync demo"
OTHERS = re.compile(r"\b(?:systemctl|journalctl|loginctl|launchctl|brew|apt) [^`\n]*")
TESTS = "python3 -m venv .venv && .venv/bin/pip install -q -e '.[dev]' && .venv/bin/python -m pytest"


def help_of(name: str) -> str:
    command = fluxsync.commands[name]
    return command.get_help(click.Context(command, info_name=name))


@pytest.mark.parametrize("name", COMMANDS)
def test_each_command_says_what_it_changes(name: str) -> None:
    """Each option and the command itself have help."""
    text = help_of(name)
    assert "Change" in text
    for parameter in fluxsync.commands[name].params:
        if isinstance(parameter, click.Option):
            assert parameter.help, parameter.name


@pytest.mark.parametrize("name", INNER)
def test_each_inner_command_says_what_it_does(name: str) -> None:
    """And each of its options."""
    command = INNER[name]
    assert command.get_short_help_str()
    assert len(command.help or "") > 100
    assert all(p.help for p in command.params if isinstance(p, click.Option))


def test_readme_opens_with_two_commands() -> None:
    """One line each, in this order, before anything else is explained."""
    blocks = re.findall(r"```sh\n(.*?)```", README, re.DOTALL)
    assert [block.strip() for block in blocks[:2]] == [DEMO, TESTS]
    assert README.index(TESTS) < README.index("\n## ")


def test_readme_names_each_command_and_no_other() -> None:
    """In code only: prose may say what it likes."""
    code = "\n".join(
        part for pair in re.findall(r"```sh\n(.*?)```|`([^`\n]+)`", README, re.DOTALL) for part in pair
    )
    named = set(re.findall(r"(?:^|&& )(?:\.venv/bin/)?fluxsync ([a-z]+)", code, re.MULTILINE))
    assert named == set(COMMANDS)


def test_readme_names_each_exit_code() -> None:
    """With a meaning."""
    rows = re.findall(r"^\| (\d+) \| (.+) \|$", README, re.MULTILINE)
    assert [int(code) for code, meaning in rows if meaning] == [0, 1, 2, 3, 4, 5, 130]


def test_readme_names_no_option_that_does_not_exist() -> None:
    """Options of fluxsync, wherever they are named; those of other programs are theirs."""
    known = {
        option
        for command in (fluxsync, *fluxsync.commands.values(), *INNER.values())
        for p in command.params
        for option in p.opts
    }
    lines = [
        line
        for line in OTHERS.sub("", README).splitlines()
        if "fluxsync" in line and "pip" not in line and "ruff" not in line
    ]
    named = {word for line in lines for word in re.findall(r"(?<![\w-])--[a-z][a-z-]+", line)}
    assert named <= known | {"--help"}


def test_readme_names_no_key_that_does_not_exist() -> None:
    """Of the configuration."""
    example: dict[str, dict[str, Any]] = tomllib.loads(
        (PROJECT / "config.example.toml").read_text(encoding="utf-8")
    )
    commented = {"password_command", "password"}
    rows = re.findall(r"^\| `\[(\w+)\] (\w+)`((?:, `\w+`)*) \|", README, re.MULTILINE)
    assert rows
    for section, key, more in rows:
        for name in (key, *re.findall(r"`(\w+)`", more)):
            assert name in example[section].keys() | commented, (section, name)


def test_links_in_the_readme_lead_somewhere() -> None:
    """To files of this project, or to its own headings."""
    headings = {
        "#" + re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-")
        for heading in re.findall(r"^#+ (.+)$", README, re.MULTILINE)
    }
    for target in re.findall(r"\]\(([^)]+)\)", README):
        assert target in headings or (PROJECT / target).exists(), target
