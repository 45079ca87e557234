"""What the demo shows: a title for each step, what moved as a tree or a table, and how to go on."""

from __future__ import annotations

import os
import shlex
import shutil
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from fluxsync.cli import output
from fluxsync.cli.words import column, count, size

if TYPE_CHECKING:
    from rich.tree import Tree

    from fluxsync.engine.report import Report
    from fluxsync.sandbox.server import Sandbox

__all__ = [
    "Move",
    "commands_for",
    "show_edits",
    "show_end",
    "show_first_pass",
    "show_pair",
    "show_second_pass",
]


@dataclass(frozen=True, slots=True)
class Move:
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


def show_pair(root: Path, server: Sandbox) -> None:
    """Say where folder and account are, and how much is in them."""
    files = sum(1 for path in root.rglob("*") if path.is_file())
    assets = len(server.store.assets())
    output.line()
    output.line("  ", ("folder ", "dim"), f"  {root}   ", (count(files, "file"), "dim"))
    output.line(
        "  ", ("account", "dim"), f"  {server.url}, on this machine only   ", (count(assets, "asset"), "dim")
    )


def show_first_pass(report: Report, root: str, moves: Sequence[Move]) -> None:
    """Show all that moved, as a tree and in sums."""
    from rich.padding import Padding

    _title("1", "The first sync brings both sides together", report.seconds)
    output.draw(Padding(_tree(root, moves), (0, 0, 0, 3)))
    _sums(moves)


def show_edits(edits: Sequence[tuple[str, str, str]]) -> None:
    """Show where, which and how files were edited."""
    _title("2", "Somebody edits a file on each side")
    for where, path, what in edits:
        output.line("   ", (f"{where:<16}", "dim"), f"{path:<28}   ", (what, "dim"))


def show_second_pass(report: Report, moves: Sequence[Move]) -> None:
    """Show the versions that the edits became."""
    _title("3", "The second sync carries the edits over, as versions", report.seconds)
    _table(moves)


def show_end(commands: Sequence[str], keep: Path | None) -> None:
    """Say what is left, and how to go on."""
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


def commands_for(place: Path, server: Sandbox) -> list[str]:
    """Return what starts the account and what syncs with it, ready to be typed."""
    config = shlex.quote(str(place / "config.toml"))
    program = _program()
    return [
        f"{program} sandbox --port {server.port} --data {shlex.quote(str(place / 'account'))}",
        f"{program} --config {config} --once",
    ]


def _arrow(up: bool) -> str:
    if "utf" not in (sys.stdout.encoding or "").lower():
        return "up  " if up else "down"
    return "\N{UPWARDS ARROW}" if up else "\N{DOWNWARDS ARROW}"


def _title(number: str, text: str, seconds: float | None = None) -> None:
    lasted = "" if seconds is None else f"   {seconds:.1f} s"
    output.line()
    output.line((f"{number}  ", "cyan"), (text, "bold"), (lasted, "dim") if lasted else "")
    output.line()


def _tree(root: str, moves: Sequence[Move]) -> Tree:
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


def _sums(moves: Sequence[Move]) -> None:
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


def _table(moves: Sequence[Move]) -> None:
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


def _program() -> str:
    """Return how this program is called: by its name alone only where the shell finds it."""
    found = shutil.which("fluxsync")
    called = sys.argv[0]
    if os.path.basename(called) != "fluxsync" or (found and os.path.samefile(found, called)):
        return "fluxsync"
    return shlex.quote(called)
