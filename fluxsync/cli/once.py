"""One complete pass: what it will do, what it does, what it did."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from fluxsync.cli import output
from fluxsync.cli.exits import code_of, interruptible
from fluxsync.cli.held import APPROVE, show_held
from fluxsync.cli.session import Session
from fluxsync.cli.words import column, count, put_aside, size

if TYPE_CHECKING:
    from fluxsync.app import App
    from fluxsync.core.operations import Operation
    from fluxsync.engine.report import Report
    from fluxsync.errors import FluxsyncError
    from fluxsync.settings import Settings

__all__ = ["Ahead", "one_pass", "sync_once"]

#: Passes without a person in which a file that fails is tried again and again.
_UNATTENDED_TRIES = 3


@dataclass(slots=True)
class Ahead:
    """What a command did before its pass: failures by path, and what its JSON document has besides."""

    failures: dict[str, str] = field(default_factory=dict)
    document: dict[str, object] = field(default_factory=dict)


def sync_once(session: Session, *, dry_run: bool, approve: bool) -> int:
    """Make one pass as configured, or show its plan; returns the exit code."""
    settings = session.settings(bar=True)
    return one_pass(session, settings, dry_run=dry_run, approve=approve)


def one_pass(
    session: Session,
    settings: Settings,
    *,
    dry_run: bool = False,
    approve: bool = False,
    afresh: bool = False,
    first: Callable[[App], Ahead] | None = None,
) -> int:
    """Make one pass and print what came of it; returns the exit code. Raises `FluxsyncError`, interrupts.

    `first` is done under the same lock, before the pass.
    """
    from fluxsync.app import opened
    from fluxsync.cli.progress import watching
    from fluxsync.engine.report import EXIT_CODES, Report
    from fluxsync.errors import ConfigError, FluxsyncError, StateError

    report = Report()
    try:
        with (
            interruptible(),
            watching(session) as (watcher, on_read),
            opened(settings, dry_run=dry_run, afresh=afresh, on_progress=on_read) as app,
        ):
            ahead = first(app) if first is not None else Ahead()
            app.run(watcher, approved=approve, dry_run=dry_run, heed_from=_heed_from(), report=report)
            report.failures.update(ahead.failures)
            in_step = _in_step(app, report) if not dry_run else 0
            set_aside = app.journal.set_aside
    except (FluxsyncError, KeyboardInterrupt) as error:
        # Wrong usage says nothing on stdout; a pass that began always says what it did.
        if session.json and (report.rounds or not isinstance(error, ConfigError | StateError)):
            _stop(report, error)
            output.document(report.document())
        raise
    if set_aside:
        output.say(f"fluxsync: {set_aside}; both sides were merged")
    if session.json:
        output.document(report.document() | ahead.document)
    elif dry_run:
        _show_plan(report)
    else:
        _show_summary(report, in_step)
    _name_trouble(report)
    return EXIT_CODES[report.result]


def _heed_from() -> int | None:
    """Return from how many failed passes in a row on a file that is put aside is left alone.

    A person who runs a pass wants a try, of everything. From cron, where nobody looks, a file gets one in
    each of its first passes, so that what was cured is seen at once; then its pauses hold.
    """
    return None if sys.stdin is not None and sys.stdin.isatty() else _UNATTENDED_TRIES


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


def _in_step(app: App, report: Report) -> int:
    """Count the files that both sides have now, equal."""
    from fluxsync.core.model import Kind, State

    if not _lines(report):
        return report.unchanged
    return sum(item.kind is Kind.FILE and item.state is State.AGREED for item in app.journal.items())


def _lines(report: Report) -> list[tuple[str, int]]:
    """Return what was done in words, each with the number of files."""
    counted = [
        ("sent", report.uploaded),
        ("sent as new versions", report.versions),
        ("fetched", report.downloaded),
        ("moved here", report.moved_local),
        ("moved on the account", report.moved_remote),
        ("put into the trash here", report.trashed_local),
        ("put into the trash on the account", report.trashed_remote),
        ("deleted from the trash on the account for good", report.purged),
        ("kept as two files (conflict)", report.conflicts),
    ]
    return [(words, number) for words, number in counted if number]


def _show_summary(report: Report, in_step: int) -> None:
    for words, number in _lines(report):
        output.line(f"{number:>7,} {words}")
    moved = [
        f"{size(number)} {words}"
        for number, words in ((report.bytes_up, "up"), (report.bytes_down, "down"))
        if number
    ]
    figures = [*moved, count(report.requests, "request"), f"{report.seconds:.1f} s"]
    what = "in step" if report.result == "in-step" else "of them in step" if report.stopped is None else ""
    if report.stopped is not None:
        output.line(f"stopped: {', '.join(figures)}")
    elif what == "in step":
        output.line(f"in step: {count(in_step, 'file')}; {', '.join(figures)}")
    else:
        trouble = []
        if report.failures:
            trouble.append(f"{count(len(report.failures), 'file')} failed")
        if report.held:
            trouble.append(f"{len(report.held):,} held back")
        output.line(
            f"{' and '.join(trouble)}, the rest is in step: {count(in_step, 'file')}; {', '.join(figures)}"
        )


def _name_trouble(report: Report) -> None:
    """Name on stderr what failed, what is held back, and why a pass stopped."""
    from fluxsync import logs

    log = logs.get("fluxsync.pass")
    for notice in report.notices:
        if notice.path:
            log.info("skipped", path=notice.path, reason=notice.reason)
        else:
            output.say(f"fluxsync: {notice.reason}")
    for path, reason in sorted(report.failures.items()):
        row = report.put_aside.get(path)
        again = f"; {put_aside(row.tries, row.next_try)}" if row is not None else ""
        output.say(f"{path}: {reason}{again}" if path else f"fluxsync: {reason}")
    if report.held:
        show_held(_held(report), output.say, name="fluxsync: ", bounded=sys.stderr.isatty())
        output.say(
            f"fluxsync: {count(len(report.held), 'change')} held back by [safety]: if that is what you want,"
            f" `{APPROVE}` lets exactly this through"
        )
    if report.message:
        output.say(f"fluxsync: {report.message}")


def _held(report: Report) -> Iterator[tuple[str, str, str]]:
    return ((held.why, held.change.path, held.mark.action) for held in report.held)


# -- the plan ----------------------------------------------------------------------------------------------

_HEADS = {
    "create": "send",
    "version": "send as new versions",
    "download": "fetch",
    "conflict": "keep as two files (conflict)",
    "move-local": "move here",
    "rename-folder": "rename folders here",
    "move-remote": "move on the account",
    "rename-tag": "rename folders on the account",
    "label": "label on the account",
    "trash-local": "put into the trash here",
    "trash-remote": "put into the trash on the account",
    "restore": "take out of the trash on the account",
    "purge": "delete from the trash on the account for good",
    "make-folder": "make folders here",
    "make-tag": "make folders on the account",
    "remove-folder": "remove empty folders here",
    "remove-tag": "remove empty folders on the account",
}


def _show_plan(report: Report) -> None:
    plan = report.plan or []
    groups: dict[str, list[Operation]] = {action: [] for action in _HEADS}
    for operation in plan:
        groups.setdefault(str(operation.action), []).append(operation)
    for action, operations in groups.items():
        if not operations:
            continue
        bytes_moved = sum(op.size for op in operations)
        weight = f", {size(bytes_moved)}" if bytes_moved else ""
        output.line(f"{_HEADS.get(action, action)}: {len(operations):,}{weight}")
        width = min(60, max(len(_plan_path(op)) for op in operations))
        for operation in sorted(operations, key=_plan_path):
            weight = column(operation.size) if operation.size else ""
            output.line(f"  {_plan_path(operation):<{width}}  {weight:11}  ", (operation.why, "dim"))
        output.line()
    if report.held:
        show_held(_held(report), output.line)
        output.line()
    renamed = [op for op in plan if _only_renames(op)]
    if renamed:
        output.line(
            f"renaming sends {count(len(renamed), 'file')} again, {size(sum(op.size for op in renamed))}:"
            " a new name needs a new version"
        )
    if report.stopped is None:
        unchanged = f"{count(report.unchanged, 'file')} already in step"
        waiting = f"{len(report.held):,} held back, " if report.held else ""
        steps = count(len(plan), "step") if plan else "nothing"
        output.line(f"{steps} to do, {waiting}{unchanged}; nothing was touched")


def _plan_path(operation: Operation) -> str:
    if operation.target and operation.target != "bury":
        return f"{operation.path} -> {operation.target}"
    return operation.path


def _only_renames(operation: Operation) -> bool:
    """Tell whether a version is sent for its name alone."""
    remote, item, local = operation.remote, operation.item, operation.local
    return (
        operation.action == "version"
        and remote is not None
        and operation.name not in ("", remote.place.name)
        and (local is None or item is None or local.digest == item.digest)
    )
