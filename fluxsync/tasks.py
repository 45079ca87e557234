"""What a person asks of a pair, done: by a command that holds the lock itself, or by the running service.

Whatever may change between showing and doing is decided here, under the lock.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, TypeVar

from fluxsync.core.model import Kind, State
from fluxsync.core.restore import Chosen, choose, within
from fluxsync.engine.conflicts import Keep, named
from fluxsync.engine.documents import back_row, trash_row
from fluxsync.engine.report import EXIT_CODES, Report
from fluxsync.engine.service import Outcome, Task, Verb
from fluxsync.engine.wire import decoded, encoded
from fluxsync.errors import ConfigError, Halted, ReplicaError
from fluxsync.state.journal import HeldRow
from fluxsync.told import Failure, HeldBack, Notice, Resolved, Told
from fluxsync.trash import contents, empty, restore

if TYPE_CHECKING:
    from fluxsync.app import App
    from fluxsync.core.restore import InTrash
    from fluxsync.engine.watcher import Watcher
    from fluxsync.trash import Contents

__all__ = ["Approve", "Empty", "Resolve", "Restore", "perform", "task", "told_of"]

_FAILED = 1


@dataclass(frozen=True, slots=True)
class Approve:
    """Let through exactly these rows."""

    rows: Sequence[HeldRow]


@dataclass(frozen=True, slots=True)
class Resolve:
    """Settle the conflicts at paths below the root, "" for all of them."""

    paths: Sequence[str]
    keep: Keep


@dataclass(frozen=True, slots=True)
class Restore:
    """Bring back what is named: by paths below the root, or ids.

    A name that may mean several paths has them in `stands_for`, the likeliest first. `since` is seconds since
    1970, `number` that of a pass.
    """

    names: Sequence[str] = ()
    stands_for: Mapping[str, Sequence[str]] = field(default_factory=dict)
    since: float | None = None
    number: int | None = None


@dataclass(frozen=True, slots=True)
class Empty:
    """Delete for good what is in the trash here, there; of it only these ids where they are given."""

    local: bool
    remote: bool
    ids: Sequence[str] | None = None


_VERBS: dict[type, Verb] = {
    Approve: Verb.APPROVE,
    Resolve: Verb.RESOLVE,
    Restore: Verb.RESTORE,
    Empty: Verb.EMPTY,
}
Wish = TypeVar("Wish", Approve, Resolve, Restore, Empty)


def task(wish: Approve | Resolve | Restore | Empty) -> Task:
    """Return the task that asks for this."""
    return Task(_VERBS[type(wish)], encoded(wish))


def perform(
    app: App,
    task: Task,
    watcher: Watcher,
    *,
    heed_from: int | None = None,
    report: Report | None = None,
    approved: bool = False,
) -> Outcome:
    """Do a task to a pair that is opened, and say what came of it.

    REBUILD wants a pair that was opened afresh. `heed_from` holds unless the task has one itself; `report`
    holds what was done also when this raises. Raises `ConfigError` for what cannot be asked, `Unavailable`,
    `Unauthorized`, `Halted`, `StateError`.
    """
    if task.verb is Verb.EMPTY:
        return _empty(app, _wish(Empty, task), watcher)
    report = report if report is not None else Report()
    before = _Before()
    match task.verb:
        case Verb.APPROVE:
            app.journal.approve(_wish(Approve, task).rows)
        case Verb.RESOLVE:
            _resolve(app, _wish(Resolve, task), before)
        case Verb.RESTORE:
            _restore(app, _wish(Restore, task), before)
    own = task.args.get("heed_from", heed_from)
    try:
        app.run(watcher, approved=approved, heed_from=own if isinstance(own, int) else None, report=report)
    finally:
        app.asked = frozenset()  # of this task alone: the pair may live on
    report.failures.update(before.failures)
    return _outcome(app, report, before)


@dataclass(slots=True)
class _Before:
    """What was done before the pass: failures by path, what the document has besides, and what is told."""

    failures: dict[str, str] = field(default_factory=dict)
    document: dict[str, object] = field(default_factory=dict)
    resolved: list[Resolved] = field(default_factory=list)
    left: int = 0


def _wish(kind: type[Wish], task: Task) -> Wish:
    try:
        return decoded(kind, encoded(task.args))
    except (TypeError, ValueError) as error:
        raise ConfigError(f"{task.verb} is not asked for like that: {error}") from None


def _outcome(app: App, report: Report, before: _Before) -> Outcome:
    told = replace(
        told_of(report),
        in_step=_in_step(app, report),
        set_aside=app.journal.set_aside or "",
        resolved=tuple(before.resolved),
        left=before.left,
    )
    app.journal.set_aside = None  # said once
    return Outcome(EXIT_CODES[report.result], report.document() | before.document, encoded(told))


def told_of(report: Report) -> Told:
    """Return what a pass, or the plan of one, leaves to be said."""
    return Told(
        purged=report.purged,
        stopped=report.stopped is not None,
        message=report.message,
        notices=tuple(Notice(notice.path, notice.reason) for notice in report.notices),
        failures=tuple(_failure(report, path) for path in sorted(report.failures)),
        held=tuple(HeldBack(held.why, held.change.path, held.mark.action) for held in report.held),
    )


def _failure(report: Report, path: str) -> Failure:
    row = report.put_aside.get(path)
    more = (row.tries, row.next_try) if row is not None else ()
    return Failure(path, report.failures[path], *more)


def _in_step(app: App, report: Report) -> int:
    """Count the files that both sides have now, equal."""
    if not report.counted:
        return report.unchanged
    return sum(item.kind is Kind.FILE and item.state is State.AGREED for item in app.journal.items())


# -- conflicts ---------------------------------------------------------------------------------------------


def _resolve(app: App, wish: Resolve, before: _Before) -> None:
    settled: list[dict[str, object]] = []
    for row in named(app.journal.conflicts(), {path or "the root": path for path in wish.paths}, wish.keep):
        try:
            what = app.settle_conflict(row, wish.keep)
        except Halted:
            raise
        except ReplicaError as error:
            before.failures[row.path] = str(error)
            continue
        settled.append({"path": row.path, "copy": row.copy_path, "kept": str(wish.keep)})
        before.resolved.append(Resolved(row.path, what))
    before.document["resolved"] = settled


# -- the trash ---------------------------------------------------------------------------------------------


def _restore(app: App, wish: Restore, before: _Before) -> None:
    found = contents(app)
    chosen = _choose(app, found, wish)
    here = {thing.path for thing in chosen.things if thing.file is not None}
    for thing in chosen.things:
        if found.trouble is not None and thing.asset is None and thing.path not in here:
            raise found.trouble
    within_reach = [thing for thing in chosen.things if thing.file is not None or thing.asset is not None]
    result = restore(app, within_reach)
    before.failures.update(result.failures)
    before.document["restored"] = [back_row(back) for back in result.back]
    before.left = chosen.left


def _choose(app: App, found: Contents, wish: Restore) -> Chosen:
    """Return what is meant. Raises `ConfigError` where something that was named is not there."""
    root = app.settings.local.root
    everything = within([*found.local, *found.remote], wish.since, wish.number)
    whole = wish.since is not None or wish.number is not None
    if not wish.names:
        if not whole:
            raise ConfigError("nothing to restore was named")
        if not everything:
            raise ConfigError("nothing that is in the trash came then; `fluxsync trash` lists what is there")
        return Chosen(everything, [])
    asked = [(name, wish.stands_for.get(name, (name.strip("/"),))) for name in wish.names]
    chosen = choose(everything, asked, None if whole else lambda path: os.path.lexists(root / path))
    if chosen.missing:
        if found.trouble is not None:
            raise found.trouble
        raise ConfigError(f"{chosen.missing[0]}: not in the trash; `fluxsync trash` lists what is there")
    return chosen


def _empty(app: App, wish: Empty, watcher: Watcher) -> Outcome:
    if wish.remote and app.settings.sync.direction == "down":
        raise ConfigError('[sync] direction = "down" never changes the account: empty the trash here alone')
    found = contents(app, account=wish.remote)
    if found.trouble is not None:
        raise found.trouble
    things: list[InTrash] = [*(found.local if wish.local else []), *found.remote]
    if wish.ids is not None:
        shown = set(wish.ids)
        things = [thing for thing in things if thing.id in shown]
    emptied = empty(app, things, watcher)
    document: dict[str, object] = {
        "local": [trash_row(thing) for thing in emptied.gone if thing.file is not None],
        "remote": [trash_row(thing) for thing in emptied.gone if thing.asset is not None],
        "failures": [{"path": p, "reason": why} for p, why in sorted(emptied.failures.items())],
    }
    return Outcome(_FAILED if emptied.failures else 0, document)
