"""Requests without an answer: what they may have left is looked for before anything is sent again."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from fluxsync.core.model import Action, Entry, Intent, Kind, Place
from fluxsync.core.operations import ON_ACCOUNT
from fluxsync.engine.ledger import Ledger, Task
from fluxsync.engine.steps import Mover
from fluxsync.errors import ReplicaError, Unavailable

__all__ = ["Doubts", "Line"]

#: Times that a subject is given to a mover in one pass.
_TRIES = 3


@dataclass(frozen=True, slots=True)
class Line:
    """How the executor deals with an account that does not answer."""

    #: Finds what unanswered creates and versions left, waiting as long as one may still be under way; looks
    #: whether these entries have changed, too.
    resolve: Callable[[Sequence[Intent], Sequence[Entry]], Mapping[Intent, Entry]]
    #: Told of creates that are sent again though the first request may still be at work.
    late: Callable[[Sequence[Intent]], None]
    #: Seconds in which no answer came and no byte moved.
    idle_s: Callable[[], float]
    wait: Callable[[float], None] = time.sleep
    patience_s: float = 60.0


class Doubts:
    """Takes tasks whose answer is missing, and gives back those that are to be done again.

    What may have left an asset or a version is found, or sent again. What sets something (tags, a title, the
    name of a tag) is done again in any case, since each such step reads first and does nothing twice; but not
    before the server has had its time, so that a request that comes late overwrites nobody's work.

    `mark` is what intents need to know of the scan before them.
    """

    def __init__(self, mover: Mover, ledger: Ledger, line: Line, mark: str) -> None:
        self._mover = mover
        self._ledger = ledger
        self._line = line
        self._mark = mark
        self._open: list[tuple[Task, Intent | None]] = []

    def __bool__(self) -> bool:
        """Tell whether there are any."""
        return bool(self._open)

    def unanswered(self, rest: Task, error: Unavailable, waiting: deque[Task]) -> BaseException | None:
        """Try again while the account shows signs of life; what may have arrived is looked for first.

        Returns the error that has to end the pass.
        """
        if not error.unsent and rest.operations[0].action in ON_ACCOUNT:
            versions = self._mover.remote.capabilities.versions
            self._open.append((rest, self._ledger.intent(rest, self._mark, versions=versions)))
            return None
        retry_after_s = error.retry_after_s or 0.0
        idle_s = self._line.idle_s()
        patience_s = self._line.patience_s
        if retry_after_s > patience_s or (idle_s > patience_s and self._is_lost()):
            self._ledger.drop(rest)
            return error
        if rest.tries > _TRIES and (idle_s < 1.0 or idle_s > patience_s):
            self._ledger.problem(rest, str(error))
            return None
        self._ledger.settle()
        self._line.wait(max(retry_after_s, min(0.25 * 2**rest.tries, 5.0)))
        waiting.append(rest)
        return None

    def settle(self, waiting: deque[Task]) -> BaseException | None:
        """Look for what unanswered requests left; only what is surely not there is sent again.

        Returns the error that has to end the pass.
        """
        doubts, self._open = self._open, []
        if not doubts:
            return None
        self._ledger.settle()
        intents = [intent for _, intent in doubts if intent is not None]
        touched = [self._touched(task) for task, intent in doubts if intent is None]
        try:
            found = self._line.resolve(intents, [entry for entry in touched if entry is not None])
        except ReplicaError as error:
            return error  # their rows stay sent: the next pass looks
        # Also of what was found: that may be another machine's, equal, and ours still to come.
        self._line.late([intent for intent in intents if not intent.key])
        for task, intent in doubts:
            entry = found.get(intent) if intent is not None else None
            if entry is not None and entry.digest is None:
                self._ledger.problem(task, "what may be its asset cannot be read on the account")
            elif entry is not None:
                operation = task.operations[0]
                step = self._mover.adopt(operation, self._ledger.standing(operation), entry)
                self._ledger.done(task, [step])
                if len(task.operations) > 1:
                    waiting.append(task.after(1))
            elif task.tries > _TRIES:
                self._ledger.problem(task, "the service does not answer when it is sent")
            else:
                waiting.append(task)
        return None

    def _is_lost(self) -> bool:
        """Tell the account from the last file on the way: is a simple question answered?"""
        try:
            self._mover.remote.probe()
        except ReplicaError:
            return True
        return False

    def _touched(self, task: Task) -> Entry | None:
        """Return the entry that shows whether a step has come through, as it was before."""
        operation = task.operations[0]
        if operation.action is Action.MAKE_TAG:
            return Entry(Kind.FOLDER, Place("", operation.name))
        return self._ledger.standing(operation).remote
