"""Who looks on while a pass runs: a bar on a terminal, log lines elsewhere."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

from fluxsync import logs
from fluxsync.cli.session import Session
from fluxsync.cli.words import count, shown, size
from fluxsync.engine.onlooker import Onlooker, watcher_for

if TYPE_CHECKING:
    from fluxsync.engine.watcher import Watcher

__all__ = ["OnRead", "logged", "looking_on", "watching"]

#: Told how many files and bytes of the folder were read so far.
OnRead = Callable[[int, int], None]


@contextmanager
def watching(session: Session) -> Iterator[tuple[Watcher, OnRead | None]]:
    """Give a watcher for one pass, and what is told about the reading of the folder."""
    with looking_on(session) as (onlooker, on_read):
        yield watcher_for(onlooker), on_read


@contextmanager
def looking_on(session: Session) -> Iterator[tuple[Onlooker, OnRead | None]]:
    """Give who looks on at one pass, wherever it runs."""
    if session.shows_bar():
        with _bar() as both:
            yield both
    else:
        yield Onlooker(_log_phase, _log_plan, _log_steps), None


def logged() -> Watcher:
    """Return a watcher that writes each event to the log."""
    return watcher_for(Onlooker(_log_phase, _log_plan, _log_steps))


def _log_phase(phase: str) -> None:
    logs.get("fluxsync.pass").info(phase)


def _log_plan(steps: int, up: int, down: int) -> None:
    logs.get("fluxsync.pass").info("planned", operations=steps, bytes_up=up, bytes_down=down)


def _log_steps(steps: Sequence[Mapping[str, object]], done: int) -> None:
    for step in steps:
        logs.get("fluxsync.pass").info("done", **step)


@contextmanager
def _bar() -> Iterator[tuple[Onlooker, OnRead]]:
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
    left = {"files": 0, "all": 0, "bytes": 0, "moved": 0}

    def show() -> None:
        moved = left["moved"]
        speed = progress.tasks[0].speed
        figures = f"{left['files']:,} of {left['all']:,}   {size(moved)} of {size(max(moved, left['bytes']))}"
        if speed and left["bytes"]:
            figures += f"   {size(speed)}/s"
        progress.update(task, completed=moved, total=max(moved, left["bytes"], 1), figures=figures)

    def on_phase(phase: str) -> None:
        progress.update(task, description=shown(phase[:1].upper() + phase[1:]), total=None, figures="")

    def on_read(files: int, bytes_read: int) -> None:
        progress.update(task, figures=f"{count(files, 'file')} read, {size(bytes_read)}")

    def on_plan(steps: int, up: int, down: int) -> None:
        left["all"] += steps
        left["bytes"] += up + down
        progress.update(task, description="Syncing")
        show()

    def on_done(steps: Sequence[Mapping[str, object]], done: int) -> None:
        left["files"] = done
        show()

    def on_bytes(moved: int) -> None:
        left["moved"] = moved
        show()

    with progress:
        yield Onlooker(on_phase, on_plan, on_done, on_bytes), on_read
