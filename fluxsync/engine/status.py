"""What is in step, waiting, failing, in conflict: one immutable picture, made from the journal alone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from fluxsync.core.model import Kind
from fluxsync.core.model import State as ItemState
from fluxsync.core.put_aside import PutAside
from fluxsync.engine.meter import Moving
from fluxsync.state.journal import ConflictRow, HeldRow, Journal, PassRow, ProblemRow, Sent

__all__ = ["Counts", "State", "Status", "Trouble", "picture", "read", "waits"]

#: What is in a reason that only time has to cure: a file that is open or changing.
_WAITS = "taken up when it"


class State(StrEnum):
    """What a pair is doing, in one word."""

    IN_STEP = "in-step"
    WORKING = "working"
    WAITING = "waiting"
    PAUSED = "paused"
    OFFLINE = "offline"
    HELD = "held"
    STOPPED = "stopped"


@dataclass(frozen=True, slots=True)
class Trouble:
    """A path that is not in step, why, and since when (seconds since 1970; None: not known)."""

    path: str
    reason: str
    since: float | None = None
    #: In how many passes in a row it failed, and until when it is put aside, unless it changes.
    tries: int = 0
    next_try: float | None = None


@dataclass(frozen=True, slots=True)
class Counts:
    """What the journal knows of: files that both sides have, their folders and bytes; what one side keeps."""

    files: int = 0
    folders: int = 0
    bytes: int = 0
    kept_here: int = 0
    kept_there: int = 0


@dataclass(frozen=True, slots=True)
class Status:
    """One pair at one moment. Times are seconds since 1970."""

    state: State
    now: float
    in_step_since: float | None
    counts: Counts
    waiting: tuple[Trouble, ...]
    failing: tuple[Trouble, ...]
    #: Left alone on both sides, such as symbolic links.
    skipped: tuple[Trouble, ...]
    conflicts: tuple[ConflictRow, ...]
    held: tuple[HeldRow, ...]
    last_pass: PassRow | None
    #: What keeps a running service from working; "": nothing does.
    message: str = ""
    #: Only a running service knows.
    moving: tuple[Moving, ...] = ()


def waits(reason: str) -> bool:
    """Tell whether nothing but time has to cure this: a file that is open, or was saved a moment ago."""
    return _WAITS in reason


def read(journal: Journal, now: float, *, working: bool, stopped: bool = False) -> Status:
    """Read the picture from a journal.

    `working`: somebody works on the folder right now. `stopped`: a service is installed, and does not run.
    """
    return picture(
        _counts(journal.tally()),
        journal.problem_rows(),
        journal.held(),
        journal.conflicts(),
        journal.unsettled(),
        journal.last_pass(),
        journal.last_in_step(),
        now,
        put_aside=journal.put_aside(),
        paused=bool(journal.fact("paused")),
        working=working,
        stopped=stopped,
    )


def picture(
    counts: Counts,
    problems: Sequence[ProblemRow],
    held: Sequence[HeldRow],
    conflicts: Sequence[ConflictRow],
    unsettled: Sequence[Sent],
    last_pass: PassRow | None,
    last_in_step: float | None,
    now: float,
    *,
    put_aside: Sequence[PutAside] = (),
    paused: bool = False,
    working: bool = False,
    stopped: bool = False,
) -> Status:
    """Put the picture together from rows of the journal."""
    waiting = [
        Trouble(sent.path, f"{sent.action} was interrupted; the next pass looks") for sent in unsettled
    ]
    failing: list[Trouble] = []
    skipped: list[Trouble] = []
    aside = {row.path: row for row in put_aside}
    for row in problems:
        problem = row.problem
        kind = skipped if problem.harmless else waiting if waits(problem.reason) else failing
        tries = aside.get(problem.path)
        more = (tries.tries, tries.next_try) if tries else ()
        kind.append(Trouble(problem.path, problem.reason, row.since, *more))
    return Status(
        _state(last_pass, bool(held), bool(waiting or failing), paused, working, stopped),
        now,
        last_in_step,
        counts,
        tuple(waiting),
        tuple(failing),
        tuple(skipped),
        tuple(conflicts),
        tuple(held),
        last_pass,
    )


def _state(
    last_pass: PassRow | None, held: bool, trouble: bool, paused: bool, working: bool, stopped: bool
) -> State:
    if working:
        return State.WORKING
    if stopped:
        return State.STOPPED
    if paused:
        return State.PAUSED
    if last_pass is None or last_pass.ended is None:
        return State.WAITING
    if held or last_pass.result == "guarded":
        return State.HELD
    if last_pass.result in ("unreachable", "unauthorized"):
        return State.OFFLINE
    return State.WAITING if trouble or last_pass.result != "in-step" else State.IN_STEP


def _counts(tally: Mapping[tuple[Kind, ItemState], tuple[int, int]]) -> Counts:
    files, weight = tally.get((Kind.FILE, ItemState.AGREED), (0, 0))
    return Counts(
        files=files,
        folders=tally.get((Kind.FOLDER, ItemState.AGREED), (0, 0))[0],
        bytes=weight,
        kept_here=tally.get((Kind.FILE, ItemState.KEPT_HERE), (0, 0))[0],
        kept_there=tally.get((Kind.FILE, ItemState.KEPT_THERE), (0, 0))[0],
    )
