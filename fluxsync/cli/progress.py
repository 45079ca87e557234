"""Who looks on while a pass runs: a bar on a terminal, log lines elsewhere."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from fluxsync import logs
from fluxsync.cli.session import Session
from fluxsync.cli.words import count, shown, size
from fluxsync.engine.cycle import Watcher
from fluxsync.engine.meter import Meter

if TYPE_CHECKING:
    from fluxsync.core.operations import Operation, Plan

__all__ = ["OnRead", "logged", "watching"]

#: Told how many files and bytes of the folder were read so far.
OnRead = Callable[[int, int], None]


@contextmanager
def watching(session: Session) -> Iterator[tuple[Watcher, OnRead | None]]:
    """Give a watcher for one pass, and what is told about the reading of the folder."""
    if session.shows_bar():
        with _bar() as both:
            yield both
    else:
        yield logged(), None


def logged() -> Watcher:
    """Return a watcher that writes each event to the log."""
    return Watcher(on_phase=_log_phase, on_plan=_log_plan, on_done=_log_done)


def _log_phase(phase: str) -> None:
    logs.get("fluxsync.pass").info(phase)


def _log_plan(plan: Plan) -> None:
    up, down = _weights(plan)
    logs.get("fluxsync.pass").info("planned", operations=len(plan), bytes_up=up, bytes_down=down)


def _log_done(operation: Operation) -> None:
    key = operation.remote.key if operation.remote else operation.item.key if operation.item else ""
    fields: dict[str, object] = {"path": operation.path, "action": str(operation.action)}
    if operation.target:
        fields["target"] = operation.target
    number = key.partition("@")[0]
    if number.isascii() and number.isdigit():
        fields["asset_id"] = int(number)
    if operation.size:
        fields["bytes"] = operation.size
    logs.get("fluxsync.pass").info("done", **fields)


def _weights(plan: Plan) -> tuple[int, int]:
    """Return the bytes that a plan sends and those that it fetches."""
    from fluxsync.core.operations import ON_ACCOUNT

    up = sum(op.size for op in plan if op.action in ON_ACCOUNT)
    return up, sum(op.size for op in plan) - up


@contextmanager
def _bar() -> Iterator[tuple[Watcher, OnRead]]:
    from rich.console import Console
    from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeRemainingColumn

    progress = Progress(
        SpinnerColumn("dots", style="cyan"),
        TextColumn("{task.description}", markup=False),
        BarColumn(28, style="bright_black", complete_style="cyan", finished_style="cyan"),
        TextColumn("{task.fields[figures]}", style="bright_black", markup=False),
        TimeRemainingColumn(compact=True),
        console=Console(stderr=True, highlight=False, emoji=False),
        transient=True,
    )
    task = progress.add_task("Connecting", total=None, figures="")
    left = {"files": 0, "all": 0, "bytes": 0}

    def show() -> None:
        moved = watcher.meter.bytes_up + watcher.meter.bytes_down
        speed = progress.tasks[0].speed
        figures = f"{left['files']:,} of {left['all']:,}   {size(moved)} of {size(max(moved, left['bytes']))}"
        if speed and left["bytes"]:
            figures += f"   {size(speed)}/s"
        progress.update(task, completed=moved, total=max(moved, left["bytes"], 1), figures=figures)

    def on_phase(phase: str) -> None:
        progress.update(task, description=shown(phase[:1].upper() + phase[1:]), total=None, figures="")

    def on_read(files: int, bytes_read: int) -> None:
        progress.update(task, figures=f"{count(files, 'file')} read, {size(bytes_read)}")

    def on_plan(plan: Plan) -> None:
        up, down = _weights(plan)
        left["all"] += len(plan)
        left["bytes"] += up + down
        progress.update(task, description="Syncing")
        show()

    def on_done(operation: Operation) -> None:
        left["files"] += 1
        show()

    watcher = Watcher(on_phase, on_plan, on_done, Meter(lambda moved: show()))
    with progress:
        yield watcher, on_read
