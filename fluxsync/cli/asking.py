"""Has a task done: by the running service, or in this process where none runs. Either way looks the same."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, TypeVar

from fluxsync.cli import output
from fluxsync.cli.exits import INTERRUPTED, interruptible
from fluxsync.cli.once import do_here, heed_from, say_stopped
from fluxsync.cli.outcome_view import show_outcome
from fluxsync.cli.session import Session

if TYPE_CHECKING:
    from fluxsync.engine.report import Report
    from fluxsync.engine.service import Outcome, Task
    from fluxsync.settings import Settings

__all__ = ["ask_or_do", "done", "pass_after"]

T = TypeVar("T")
#: Seconds that a service has the lock, at the most, before it listens; and between two looks.
_STARTING_S = 2.0
_LOOK_S = 0.1
UNREACHABLE = 3
_GOES_ON = "the running service goes on"


def pass_after(session: Session, settings: Settings, task: Task, timeout_s: float | None = None) -> int:
    """Have a task done that ends with a pass, and print what came of it; returns the exit code.

    Raises `FluxsyncError`, interrupts of what this process does itself.
    """
    from fluxsync.engine.report import Report
    from fluxsync.errors import FluxsyncError

    report = Report()
    try:
        outcome = done(session, settings, task, report, timeout_s)
    except (FluxsyncError, KeyboardInterrupt) as error:
        say_stopped(session, report, error)
        raise
    if isinstance(outcome, int):
        return outcome
    show_outcome(outcome, json=session.json)
    return outcome.code


def done(
    session: Session,
    settings: Settings,
    task: Task,
    report: Report | None = None,
    timeout_s: float | None = None,
) -> Outcome | int:
    """Have a task done; returns the exit code alone where the service goes on without us.

    `report` is that of the pass it ends with. Raises as `pass_after`.
    """

    def ask() -> Outcome | int | None:
        return _there(session, settings, task, report, timeout_s)

    def do() -> Outcome | int:
        return do_here(session, settings, task, report)

    return ask_or_do(ask, do)


def ask_or_do(ask: Callable[[], T | None], do: Callable[[], T]) -> T:
    """Ask the service, or do the work where none runs.

    One that has the lock and does not listen yet is waited for. Raises `Locked` where it never does.
    """
    from fluxsync.errors import Locked

    until = time.monotonic() + _STARTING_S
    while True:
        answer = ask()
        if answer is not None:
            return answer
        try:
            return do()
        except Locked:
            if time.monotonic() >= until:
                raise
            time.sleep(_LOOK_S)


def _there(
    session: Session, settings: Settings, task: Task, report: Report | None, timeout_s: float | None
) -> Outcome | int | None:
    from fluxsync.cli.progress import looking_on
    from fluxsync.engine.ask import is_running, perform_there

    if not is_running(settings.journal_path):
        return None
    # Whether a person looks on is known here, not there.
    task = replace(task, args=dict(task.args) | {"heed_from": heed_from()})
    try:
        with interruptible(), looking_on(session) as (onlooker, _):
            return perform_there(settings.journal_path, task, onlooker, timeout_s)
    except TimeoutError:
        seconds = f"{timeout_s:g} second{'' if timeout_s == 1 else 's'}"
        return _leave(session, report, f"the service is still at it after {seconds}: it goes on", UNREACHABLE)
    except KeyboardInterrupt:
        return _leave(session, report, f"interrupted: {_GOES_ON}", INTERRUPTED)


def _leave(session: Session, report: Report | None, message: str, code: int) -> int:
    """Say that the service goes on without us; returns the exit code."""
    from fluxsync.engine.report import Result

    if session.json and report is not None:
        report.stopped = Result.UNREACHABLE if code == UNREACHABLE else Result.PARTIAL
        report.message = message
        output.document(report.document())
    output.say(f"fluxsync: {message}")
    return code
