"""Requests without an answer: what they may have left is looked for before anything is sent again."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from fluxsync.core.model import Action, Entry, Intent
from fluxsync.engine.ledger import Ledger, Task
from fluxsync.engine.steps import Mover
from fluxsync.errors import ReplicaError, Unavailable

__all__ = ["Doubts", "Line"]

#: Times that a subject is given to a mover in one pass.
_TRIES = 3
#: How long a request without an answer may still be at work: the last look of rule 7.
_STILL_AT_IT_S = 10.0


@dataclass(frozen=True, slots=True)
class Line:
    """How the executor deals with an account that does not answer."""

    #: Finds what unanswered creates left, waiting as long as one may still be under way.
    resolve: Callable[[Sequence[Intent]], Mapping[Intent, Entry]]
    #: Told of creates that are sent again though the first request may still be at work.
    late: Callable[[Sequence[Intent]], None]
    #: Seconds in which no answer came and no byte moved.
    idle_s: Callable[[], float]
    wait: Callable[[float], None] = time.sleep
    patience_s: float = 60.0


class Doubts:
    """Takes tasks whose answer is missing, and gives back those that are to be done again.

    `mark` is what intents need to know of the scan before them.
    """

    def __init__(self, mover: Mover, ledger: Ledger, line: Line, mark: str) -> None:
        self._mover = mover
        self._ledger = ledger
        self._line = line
        self._mark = mark
        self._open: list[tuple[Task, Intent]] = []
        self._waited = False

    def unanswered(self, rest: Task, error: Unavailable, waiting: deque[Task]) -> BaseException | None:
        """Try again while the account shows signs of life; what may have arrived is looked for first.

        Returns the error that has to end the pass.
        """
        if not error.unsent:
            versions = self._mover.remote.capabilities.versions
            intent = self._ledger.intent(rest, self._mark, versions=versions)
            if intent is not None:
                self._open.append((rest, intent))
                return None
            if rest.operations[0].action is Action.VERSION:
                self._ledger.stale(rest, str(error))
                self._await_version()
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
        """Look for what unanswered creates left; only what is surely not there is sent again."""
        doubts, self._open = self._open, []
        if not doubts:
            return None
        self._ledger.settle()
        try:
            found = self._line.resolve([intent for _, intent in doubts])
        except ReplicaError as error:
            return error  # their rows stay sent: the next pass looks
        self._line.late([intent for _, intent in doubts if intent not in found])
        for task, intent in doubts:
            entry = found.get(intent)
            if entry is not None:
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

    def _await_version(self) -> None:
        """Give a server that may still be at a version as long as it would have for a create.

        The next look at the list tells whether it came; asking the asset sooner would prove nothing.
        """
        self._ledger.settle()
        if not self._waited:
            self._waited = True
            self._line.wait(_STILL_AT_IT_S)
