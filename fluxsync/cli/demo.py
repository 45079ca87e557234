"""`demo`: an account, a folder and two passes, in one command."""

from __future__ import annotations

import os
import shlex
import shutil
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import click

from fluxsync.cli import output
from fluxsync.cli.session import result_options, this
from fluxsync.cli.words import column, count, size

if TYPE_CHECKING:
    from rich.tree import Tree

    from fluxsync.engine.report import Report
    from fluxsync.sandbox.server import Sandbox
    from fluxsync.settings import Settings

__all__ = ["demo"]

_USER = "demo"
_PORT = 8787


@dataclass(frozen=True, slots=True)
class _Move:
    """A file that went up or came down."""

    path: str
    up: bool
    bytes: int
    asset_id: int
    version: int

    def document(self) -> dict[str, object]:
        return {
            "direction": "up" if self.up else "down",
            "path": self.path,
            "asset_id": self.asset_id,
            "version": self.version,
            "bytes": self.bytes,
        }


@click.command(short_help="Show it all in a minute; nothing to configure.")
@result_options
@click.option(
    "--keep",
    metavar="DIR",
    type=click.Path(path_type=Path, file_okay=False),
    help="Make folder, account and configuration in DIR, and leave them there to be played with.",
)
def demo(keep: Path | None) -> int:
    """Show two-way sync in a minute: a sample folder, an account on this machine, two passes.

    Changes: nothing that is yours. Folder, account, configuration and journal are made in a temporary folder,
    or in the new folder DIR, and removed at the end unless you keep them. Nothing has to be configured.
    """
    from fluxsync.cli.exits import interruptible

    session = this()
    session.start_log("warning")
    with interruptible(), _place(keep) as place, _account(place, keep is not None) as server:
        settings = _prepare(place, server)
        return _perform(settings, server, place, keep)


def _perform(settings: Settings, server: Sandbox, place: Path, keep: Path | None) -> int:
    from rich.padding import Padding

    from fluxsync.engine.report import EXIT_CODES, Result

    json = this().json
    if not json:
        files = sum(1 for path in settings.local.root.rglob("*") if path.is_file())
        output.line()
        output.line("  ", ("folder ", "dim"), f"  {settings.local.root}   ", (count(files, "file"), "dim"))
        assets = count(len(server.store.assets()), "asset")
        output.line("  ", ("account", "dim"), f"  {server.url}, on this machine only   ", (assets, "dim"))
    first, moves = _sync(settings)
    if not json:
        _title("1", "The first sync brings both sides together", first)
        output.draw(Padding(_tree(settings.local.root.name, moves), (0, 0, 0, 3)))
        _sums(moves)
    if first.result is not Result.IN_STEP:
        return _give_up(first)
    edits = _edit(settings.local.root, server)
    second, moves = _sync(settings)
    if not json:
        output.line()
        output.line(("2  ", "cyan"), ("Somebody edits a file on each side", "bold"))
        output.line()
        for where, path, what in edits:
            output.line("   ", (f"{where:<16}", "dim"), f"{path:<28}   ", (what, "dim"))
        _title("3", "The second sync carries the edits over, as versions", second)
        _table(moves)
    if second.result is not Result.IN_STEP:
        return _give_up(second)
    commands = _commands(place, server)
    if json:
        output.document(
            {
                "result": str(second.result),
                "passes": [first.document(), second.document()],
                "versions": [move.document() for move in moves],
                "kept": str(place) if keep is not None else None,
                "commands": commands if keep is not None else [],
            }
        )
    else:
        _farewell(commands, keep)
    return EXIT_CODES[second.result]


# -- what is made ------------------------------------------------------------------------------------------


@contextmanager
def _place(keep: Path | None) -> Iterator[Path]:
    """Give the folder that holds everything; a temporary one is removed, whatever happens."""
    if keep is None:
        with tempfile.TemporaryDirectory(prefix="fluxsync-demo-") as name:
            yield Path(name).resolve()
        return
    try:
        keep.mkdir(parents=True, exist_ok=True)
        if any(keep.iterdir()):
            raise click.UsageError(f"--keep {keep} is not empty: name a new folder")
    except OSError as error:
        raise click.UsageError(f"--keep {keep} cannot be made ({error.strerror}): name another") from None
    yield keep.resolve()


@contextmanager
def _account(place: Path, lasting: bool) -> Iterator[Sandbox]:
    """Run the account; one that is to be used again gets the port that people expect, where it is free."""
    from fluxsync.cli.samples import account
    from fluxsync.sandbox.errors import SandboxError
    from fluxsync.sandbox.server import Sandbox

    data = place / "account"
    try:
        server = Sandbox(data, _PORT if lasting else 0, _USER, _USER)
    except SandboxError:
        server = Sandbox(data, 0, _USER, _USER)
    with server:
        for name, sample in account().items():
            server.store.create_asset(name, sample.content, description=sample.description, tags=sample.tags)
        yield server


def _prepare(place: Path, server: Sandbox) -> Settings:
    """Make folder and configuration."""
    from fluxsync import settings
    from fluxsync.cli.samples import folder

    root = place / "Fluxiom"
    for path, content in folder().items():
        target = root / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(content)
    config = place / "config.toml"
    config.touch(0o600)
    config.write_text(
        f"""[local]
root = {_quoted(root)}

[remote]
url = "{server.url}"
username = "{_USER}"
password = "{_USER}"            # of the embedded server, so it is no secret

[mapping]
labels = ["Approved"]        # a tag that is no folder

[journal]
path = {_quoted(place / "journal.sqlite")}
""",
        encoding="utf-8",
    )
    # What the environment says about the user's own pair is no part of this one.
    return settings.load(config, {})


def _quoted(path: Path) -> str:
    import json

    return json.dumps(str(path), ensure_ascii=False)


def _edit(root: Path, server: Sandbox) -> Sequence[tuple[str, str, str]]:
    """Change a file here and another one on the account, as their users would."""
    from fluxsync.cli.samples import EDITED_HERE, EDITED_THERE, palette

    with (root / EDITED_HERE).open("a", encoding="utf-8") as file:
        file.write("\nThe client wants it warmer.\n")
    asset = next(a for a in server.store.assets() if a.filename == EDITED_THERE.rpartition("/")[2])
    server.store.add_version(asset.id, palette(), comment="a sixth colour")
    return [
        ("in the folder", EDITED_HERE, "a line more"),
        ("on the account", EDITED_THERE, "a sixth colour"),
    ]


def _sync(settings: Settings) -> tuple[Report, list[_Move]]:
    """Make a pass as `fluxsync --once` does; returns what moved, by path."""
    from fluxsync.app import opened
    from fluxsync.cli.progress import logged
    from fluxsync.core.model import Kind

    with opened(settings) as app:
        report = app.run(logged())
        last = app.journal.last_pass()
        rows = {item.path: item for item in app.journal.items() if item.kind is Kind.FILE}
        moves = []
        for event in app.journal.history(limit=1000):
            row = rows.get(event.path)
            moved = event.action in ("create", "version", "download") and event.outcome == "done"
            if moved and row is not None and last is not None and event.pass_number == last.number:
                up = event.action != "download"
                moves.append(_Move(row.path, up, row.size, int(row.key), row.revision))
    return report, sorted(moves, key=lambda move: move.path.casefold())


# -- what is shown -----------------------------------------------------------------------------------------


def _arrow(up: bool) -> str:
    if "utf" not in (sys.stdout.encoding or "").lower():
        return "up  " if up else "down"
    return "\N{UPWARDS ARROW}" if up else "\N{DOWNWARDS ARROW}"


def _title(number: str, text: str, report: Report) -> None:
    output.line()
    output.line((f"{number}  ", "cyan"), (text, "bold"), (f"   {report.seconds:.1f} s", "dim"))
    output.line()


def _tree(root: str, moves: Sequence[_Move]) -> Tree:
    from rich.text import Text
    from rich.tree import Tree

    top = Tree(Text(root, "bold"), guide_style="bright_black")
    folders = {"": top}
    # Files first in each folder, so that the way to a deeper one stays short.
    for move in sorted(moves, key=lambda m: ([p.casefold() for p in m.path.split("/")[:-1]], m.path)):
        parent = ""
        *parts, name = move.path.split("/")
        for part in parts:
            path = f"{parent}/{part}" if parent else part
            if path not in folders:
                folders[path] = folders[parent].add(Text(part, "bold"))
            parent = path
        depth = len(parts)
        padding = " " * max(1, 40 - 4 * depth - len(name))
        folders[parent].add(
            Text.assemble(
                (f"{_arrow(move.up)} ", "green" if move.up else "cyan"),
                name,
                padding,
                (f"{column(move.bytes)}   asset {move.asset_id}", "bright_black"),
            )
        )
    return top


def _sums(moves: Sequence[_Move]) -> None:
    up = [move for move in moves if move.up]
    down = [move for move in moves if not move.up]
    output.line()
    output.line(
        "   ",
        (_arrow(True), "green"),
        f" {len(up)} sent, {size(sum(m.bytes for m in up))}   ",
        (_arrow(False), "cyan"),
        f" {len(down)} fetched, {size(sum(m.bytes for m in down))}",
    )
    output.line("   ", ("each folder is one tag on the account, named by its path", "dim"))


def _table(moves: Sequence[_Move]) -> None:
    width = max((len(move.path) for move in moves), default=0)
    for move in moves:
        output.line(
            "   ",
            (_arrow(move.up), "green" if move.up else "cyan"),
            f" {move.path:<{width}}   ",
            (f"asset {move.asset_id}   ", "dim"),
            (f"version {move.version}", "bold"),
            (f"   {'sent' if move.up else 'fetched'}, {size(move.bytes)}", "dim"),
        )


def _give_up(report: Report) -> int:
    from fluxsync.engine.report import EXIT_CODES

    for path, reason in sorted(report.failures.items()):
        output.say(f"{path}: {reason}")
    if report.message:
        output.say(f"fluxsync: {report.message}")
    return EXIT_CODES[report.result]


def _commands(place: Path, server: Sandbox) -> list[str]:
    config = shlex.quote(str(place / "config.toml"))
    program = _program()
    return [
        f"{program} sandbox --port {server.port} --data {shlex.quote(str(place / 'account'))}",
        f"{program} --config {config} --once",
    ]


def _program() -> str:
    """Return how this program is called: by its name alone only where the shell finds it."""
    found = shutil.which("fluxsync")
    called = sys.argv[0]
    if os.path.basename(called) != "fluxsync" or (found and os.path.samefile(found, called)):
        return "fluxsync"
    return shlex.quote(called)


def _farewell(commands: Sequence[str], keep: Path | None) -> None:
    output.line()
    output.line(("Both sides are in step.", "green"))
    output.line()
    if keep is None:
        output.line("All of it is removed again. To keep it and go on by yourself:")
        output.line()
        output.line(f"   {_program()} demo --keep fluxsync-demo")
    else:
        output.line(f"All of it stays in {keep}. Start the account in one terminal:")
        output.line()
        output.line(f"   {commands[0]}")
        output.line()
        output.line("and in another, change, move or delete what you like, then:")
        output.line()
        output.line(f"   {commands[1]}")
    output.line()
