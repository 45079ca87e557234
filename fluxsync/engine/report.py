"""What a pass did, or would do: counts, failures, what was held back."""

from __future__ import annotations

from collections.abc import Iterable, Set
from dataclasses import dataclass, field
from enum import StrEnum

from fluxsync.core.held import Held
from fluxsync.core.model import Action, Problem
from fluxsync.core.operations import Operation
from fluxsync.core.owed import Owed
from fluxsync.core.put_aside import PutAside
from fluxsync.engine.documents import asset_id, iso
from fluxsync.engine.view import Listed

__all__ = ["EXIT_CODES", "Report", "Result"]


class Result(StrEnum):
    """How a pass ended; the worst that happened names it."""

    IN_STEP = "in-step"
    PARTIAL = "partial"
    UNREACHABLE = "unreachable"
    UNAUTHORIZED = "unauthorized"
    GUARDED = "guarded"
    LOCKED = "locked"


EXIT_CODES = {
    Result.IN_STEP: 0,
    Result.PARTIAL: 1,
    Result.UNREACHABLE: 3,
    Result.UNAUTHORIZED: 3,
    Result.GUARDED: 4,
    Result.LOCKED: 5,
}


@dataclass(slots=True)
class Report:
    """The figures of a pass: files, bytes, requests, seconds."""

    uploaded: int = 0
    versions: int = 0
    downloaded: int = 0
    moved_local: int = 0
    moved_remote: int = 0
    trashed_local: int = 0
    trashed_remote: int = 0
    conflicts: int = 0
    #: Assets deleted from the trash of the account for good.
    purged: int = 0
    unchanged: int = 0
    bytes_up: int = 0
    bytes_down: int = 0
    requests: int = 0
    seconds: float = 0.0
    failures: dict[str, str] = field(default_factory=dict)
    notices: list[Problem] = field(default_factory=list)
    held: list[Held] = field(default_factory=list)
    #: Of the failures, those that are put aside, by path.
    put_aside: dict[str, PutAside] = field(default_factory=dict)
    plan: list[Operation] | None = None
    #: Why the pass could not go on: the service, the credentials, a safety rule.
    stopped: Result | None = None
    message: str = ""
    #: It was broken off by whoever made it: that says nothing of the account.
    interrupted: bool = False
    #: For how long the service asked to be left alone, in seconds.
    retry_after_s: float | None = None
    #: How often both sides were looked at; only the first look tells what was in step before.
    rounds: int = 0
    #: Both sides were looked at as a whole, and what the list of the account cost.
    whole: bool = True
    listed: Listed | None = None
    #: What the account has, as far as is known, and the folder has not.
    owed: Owed = field(default_factory=Owed)
    #: Paths to be looked at again, and when at the soonest, in seconds since 1970.
    again: dict[str, float] = field(default_factory=dict)
    #: Those of them that seem to be deleted, and have to be gone for longer, or while nothing else is dirty.
    gone: Set[str] = frozenset()
    #: A file that reaches its place in two hops has moved once.
    _moved: set[int] = field(default_factory=set)

    @property
    def result(self) -> Result:
        if self.stopped is not None:
            return self.stopped
        if self.held:
            return Result.GUARDED
        return Result.PARTIAL if self.failures else Result.IN_STEP

    def leave(self, rows: Iterable[PutAside]) -> None:
        """Name what failed and is left alone for a while."""
        for row in rows:
            self.failures[row.path] = row.reason
            self.put_aside[row.path] = row
            self.again[row.path] = row.next_try

    def wait(self, path: str, reason: str, again_s: float | None) -> None:
        """Name what has to wait, and when to look again, in seconds since 1970."""
        self.failures.setdefault(path, reason)
        if again_s is not None:
            self.again[path] = again_s

    @property
    def sent(self) -> bool:
        """Whether anything was changed on the account, folders apart."""
        return bool(self.uploaded or self.versions or self.moved_remote or self.trashed_remote or self.purged)

    @property
    def counted(self) -> bool:
        """Whether any file was sent, fetched, moved, trashed, or kept twice."""
        changed = self.changed_here or self.uploaded or self.moved_local or self.moved_remote
        return bool(changed or self.trashed_remote or self.purged)

    @property
    def changed_here(self) -> bool:
        """Whether anything may have come into the local trash."""
        return bool(self.trashed_local or self.downloaded or self.versions or self.conflicts)

    def fail(self, problems: Iterable[Problem]) -> None:
        """Name problems; harmless ones are only notices."""
        for problem in problems:
            if problem.harmless:
                self.notices.append(problem)
            else:
                self.failures[problem.path] = problem.reason

    def count(self, operation: Operation) -> None:
        """Add an operation that was done, or that would be."""
        match operation.action:
            case Action.CREATE:
                self.uploaded += 1
            case Action.VERSION:
                self.versions += 1
            case Action.DOWNLOAD:
                self.downloaded += 1
            case Action.CONFLICT:
                self.conflicts += 1
            case Action.MOVE_LOCAL if operation.item is None or operation.item.id not in self._moved:
                self.moved_local += 1
                if operation.item is not None:
                    self._moved.add(operation.item.id)
            case Action.MOVE_REMOTE:
                self.moved_remote += 1
            case Action.RENAME_FOLDER:
                self.moved_local += len(operation.carries)
            case Action.RENAME_TAG:
                self.moved_remote += len(operation.carries)
            case Action.TRASH_LOCAL:
                self.trashed_local += 1
            case Action.TRASH_REMOTE:
                self.trashed_remote += 1
            case Action.PURGE:
                self.purged += 1

    def document(self) -> dict[str, object]:
        """Return the JSON document of `--once --json`."""
        counted: dict[str, object] = {
            "result": str(self.result),
            "uploaded": self.uploaded,
            "versions": self.versions,
            "downloaded": self.downloaded,
            "moved_local": self.moved_local,
            "moved_remote": self.moved_remote,
            "trashed_local": self.trashed_local,
            "trashed_remote": self.trashed_remote,
            "conflicts": self.conflicts,
            "failed": len(self.failures),
            "held": len(self.held),
            "unchanged": self.unchanged,
            "bytes_up": self.bytes_up,
            "bytes_down": self.bytes_down,
            "requests": self.requests,
            "seconds": round(self.seconds, 3),
            "failures": [self._failure(path, reason) for path, reason in sorted(self.failures.items())],
        }
        if self.message:
            counted["message"] = self.message
        if self.plan is not None:
            counted["plan"] = [_line(operation) for operation in self.plan] + [
                {
                    "action": str(Action.HOLD),
                    "path": held.change.path,
                    "asset_id": asset_id(held.change.remote.key if held.change.remote else ""),
                    "why": held.why,
                }
                for held in self.held
            ]
        return counted

    def _failure(self, path: str, reason: str) -> dict[str, object]:
        row = self.put_aside.get(path)
        if row is None:
            return {"path": path, "reason": reason}
        return {"path": path, "reason": reason, "tries": row.tries, "next_try": iso(row.next_try)}


def _line(operation: Operation) -> dict[str, object]:
    key = operation.remote.key if operation.remote else operation.item.key if operation.item else ""
    path = operation.path
    if operation.action in (Action.MOVE_LOCAL, Action.RENAME_FOLDER):
        path = operation.target
    return {"action": str(operation.action), "path": path, "asset_id": asset_id(key), "why": operation.why}
