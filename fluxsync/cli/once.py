"""`--once`: one complete pass in this process, or its plan."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from fluxsync.cli import output
from fluxsync.cli.exits import code_of, interruptible
from fluxsync.cli.outcome_view import name_trouble, show_outcome
from fluxsync.cli.session import Session

if TYPE_CHECKING:
    from fluxsync.engine.report import Report
    from fluxsync.engine.service import Outcome, Task
    from fluxsync.errors import FluxsyncError
    from fluxsync.settings import Settings

__all__ = ["do_here", "heed_from", "say_stopped", "sync_once"]

#: Passes without a person in which a file that fails is tried again and again.
_UNATTENDED_TRIES = 3


def sync_once(session: Session, *, dry_run: bool, approve: bool) -> int:
    """Make one pass as configured, or show its plan; returns the exit code."""
    from fluxsync.engine.ask import is_running
    from fluxsync.engine.report import Report
    from fluxsync.engine.service import Task, Verb
    from fluxsync.errors import FluxsyncError, Locked

    settings = session.settings(bar=True)
    report = Report()
    try:
        if dry_run:
            return _foretell(session, settings, report)
        outcome = do_here(session, settings, Task(Verb.SYNC), report, approved=approve)
    except (FluxsyncError, KeyboardInterrupt) as error:
        if isinstance(error, Locked) and is_running(settings.journal_path):
            error = Locked(
                f"another fluxsync works on {settings.local.root}, as a service:"
                " `fluxsync sync` has it make a pass now"
            )
        say_stopped(session, report, error)
        raise error from None
    show_outcome(outcome, json=session.json)
    return outcome.code


def do_here(
    session: Session, settings: Settings, task: Task, report: Report | None, *, approved: bool = False
) -> Outcome:
    """Do a task in this process, under the lock. Raises `FluxsyncError`, interrupts."""
    from fluxsync.app import opened
    from fluxsync.cli.progress import watching
    from fluxsync.engine.service import Verb
    from fluxsync.tasks import perform

    with (
        interruptible(),
        watching(session) as (watcher, on_read),
        opened(settings, afresh=task.verb is Verb.REBUILD, on_progress=on_read) as app,
    ):
        return perform(app, task, watcher, heed_from=heed_from(), report=report, approved=approved)


def say_stopped(session: Session, report: Report, error: FluxsyncError | KeyboardInterrupt) -> None:
    """Print the document of a pass that was ended by this, or kept from beginning."""
    from fluxsync.errors import ConfigError, StateError

    # Wrong usage says nothing on stdout; a pass that began always says what it did.
    if session.json and (report.rounds or not isinstance(error, ConfigError | StateError)):
        _stop(report, error)
        output.document(report.document())


def heed_from() -> int | None:
    """Return from how many failed passes in a row on a file that is put aside is left alone.

    A person who runs a pass wants a try, of everything. From cron, where nobody looks, a file gets one in
    each of its first passes, so that what was cured is seen at once; then its pauses hold.
    """
    return None if sys.stdin is not None and sys.stdin.isatty() else _UNATTENDED_TRIES


def _foretell(session: Session, settings: Settings, report: Report) -> int:
    """Show the plan, and touch nothing."""
    from fluxsync.app import opened
    from fluxsync.cli.plan_view import show_plan
    from fluxsync.cli.progress import watching
    from fluxsync.engine.report import EXIT_CODES
    from fluxsync.tasks import told_of

    with (
        interruptible(),
        watching(session) as (watcher, on_read),
        opened(settings, dry_run=True, on_progress=on_read) as app,
    ):
        app.run(watcher, dry_run=True, heed_from=heed_from(), report=report)
    if session.json:
        output.document(report.document())
    else:
        show_plan(report)
    name_trouble(told_of(report))
    return EXIT_CODES[report.result]


def _stop(report: Report, error: FluxsyncError | KeyboardInterrupt) -> None:
    """Note in a report what ended its pass, or kept it from beginning."""
    from fluxsync.engine.report import Result
    from fluxsync.errors import Halted, Locked, Unauthorized

    report.message = str(error)
    match error:
        case KeyboardInterrupt():
            report.stopped, report.message = Result.PARTIAL, "interrupted: the next run continues"
        case Locked():
            report.stopped = Result.LOCKED
        case Unauthorized():
            report.stopped = Result.UNAUTHORIZED
        case Halted():
            report.stopped = Result.GUARDED
        case _ if code_of(error) == 3:
            report.stopped = Result.UNREACHABLE
        case _:
            report.stopped = Result.PARTIAL
