"""What a service does, in the log: one event a line, with fields, and nothing twice.

done               action, path, target, asset_id, bytes, seconds
failed             path, reason; of what is put aside also tries, next_try
no longer failing  path
held back          reason, changes, and of the first of these action, path
skipped            path, reason
not all was done   reason: a full disk, a full account
pass               what it did in figures
offline, halted, paused, and then: going on
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime

from fluxsync import logs
from fluxsync.core.model import Problem
from fluxsync.core.operations import Operation
from fluxsync.core.part import covered
from fluxsync.engine.dirty import Dirt
from fluxsync.engine.onlooker import step_fields
from fluxsync.engine.report import Report, Result
from fluxsync.engine.status import State, Status, waits
from fluxsync.engine.watcher import Watcher

__all__ = ["PassLog"]

_TROUBLES = {State.OFFLINE: "offline", State.HELD: "halted"}
_FIGURES = (
    "uploaded",
    "versions",
    "downloaded",
    "moved_local",
    "moved_remote",
    "trashed_local",
    "trashed_remote",
    "conflicts",
    "purged",
    "bytes_up",
    "bytes_down",
)


class PassLog:
    """The passes of a service in the log: what was done, what changed, and at rest nothing.

    What fails, is held back, skipped or away again and again is written once, and once more when that has
    changed. Only the deciding thread calls it.
    """

    def __init__(self) -> None:
        self._log = logs.get("fluxsync.pass")
        self._failing: dict[str, str] = {}
        self._held: frozenset[object] = frozenset()
        self._skipped: frozenset[Problem] = frozenset()
        self._message = ""
        self._trouble = ""

    def listening(self, watcher: Watcher) -> Watcher:
        """Return the watcher of a pass that also writes each step that was done."""
        told = watcher.on_done

        def on_done(operation: Operation) -> None:
            told(operation)
            self._log.info("done", **step_fields(operation))

        return replace(watcher, on_done=on_done)

    def finished(self, report: Report, dirt: Dirt | None = None) -> None:
        """Write what a pass did and what it changed; `dirt`: what it was restricted to."""
        whole = report.whole or dirt is None
        if report.rounds and report.stopped is None:
            self._say_failures(report, lambda path: whole or (dirt is not None and covered(path, dirt.paths)))
            if whole:
                self._say_held(report)
                self._say_skipped(report)
        if report.stopped in (None, Result.PARTIAL) and (report.rounds or report.message):
            self._say_message(report.message)
        looked = {} if whole or dirt is None else {"paths": len(dirt.paths)}
        say = self._log.info if report.counted else self._log.debug
        say(
            "pass",
            result=str(report.result),
            **{name: getattr(report, name) for name in _FIGURES if getattr(report, name)},
            **looked,
            requests=report.requests,
            seconds=round(report.seconds, 3),
        )

    def state(self, status: Status) -> None:
        """Write what keeps the service from working, once, and once when nothing does any more."""
        trouble = "paused" if status.state is State.PAUSED else ""
        if status.message and not trouble:
            trouble = _TROUBLES.get(status.state, str(status.state))
        before, self._trouble = self._trouble, trouble
        if trouble and trouble != before:
            say = self._log.info if trouble == "paused" else self._log.warning
            say(trouble, **({"reason": status.message} if status.message else {}))
        elif before and not trouble:
            self._log.info("going on", after=before)

    def _say_failures(self, report: Report, covers: Callable[[str], bool]) -> None:
        failing = {path: reason for path, reason in report.failures.items() if not waits(reason)}
        for path, reason in report.failures.items():
            if path not in failing:
                self._log.debug("waiting", path=path, reason=reason)
            elif self._failing.get(path) != reason:
                self._log.warning("failed", path=path, reason=reason, **_tries(report, path))
        for path in [path for path in self._failing if path not in failing and covers(path)]:
            del self._failing[path]
            if path not in report.failures:
                self._log.info("no longer failing", path=path)
        self._failing.update(failing)

    def _say_held(self, report: Report) -> None:
        held = frozenset[object](each.mark for each in report.held)
        if held and held != self._held:
            for reason in dict.fromkeys(each.why for each in report.held):
                some = [each.mark for each in report.held if each.why == reason]
                first = {"action": some[0].action, "path": some[0].path}
                self._log.warning("held back", reason=reason, changes=len(some), **first)
        elif self._held and not held:
            self._log.info("nothing is held back any more")
        self._held = held

    def _say_skipped(self, report: Report) -> None:
        for notice in report.notices:
            if notice not in self._skipped:
                self._log.info("skipped", path=notice.path, reason=notice.reason)
        self._skipped = frozenset(report.notices)

    def _say_message(self, message: str) -> None:
        if message and message != self._message:
            self._log.warning("not all was done", reason=message)
        self._message = message


def _tries(report: Report, path: str) -> dict[str, object]:
    row = report.put_aside.get(path)
    if row is None:
        return {}
    return {
        "tries": row.tries,
        "next_try": datetime.fromtimestamp(row.next_try, UTC).isoformat("T", "seconds"),
    }
