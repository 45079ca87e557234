"""Every step that a pass takes in the world: written down for comparison, and a place to be killed at.

A step is a request, a file operation or a journal transaction. Who is killed before one takes no further one:
what still runs while the stack unwinds (`finally`, `except`) finds every door shut, as if it did not run.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import ExitStack, contextmanager
from typing import Any
from unittest.mock import patch

from fluxsync.replica.folder import syscalls
from fluxsync.state.connection import Database
from fluxsync.state.journal import Journal

_FILE_OPERATIONS = (
    *("copy", "create", "exchange", "link", "mkdir", "rename", "rename_new", "rmdir", "unlink"),
    *("sync_file", "sync_folder"),
)
#: Flushing costs most of the time of a pass, and the kill of a process cannot show whether it was done.
_FLUSHES = ("sync_file", "sync_folder")
#: Beginnings of the names by which each opening finds out what the disk can do: many steps, no content.
_PROBES = ("name-", "probe-")


class Killed(BaseException):
    """The process was killed."""


class Steps:
    """Counts the steps; kills before the one that it was told."""

    def __init__(self) -> None:
        self.trace: list[str] = []
        self.killed_at = ""
        self._left: int | None = None

    def kill_after(self, steps: int | None) -> None:
        """Kill the next pass when it has taken so many steps; None: do not."""
        self._left = steps
        self.killed_at = ""

    def __call__(self, what: str) -> None:
        if self.killed_at:
            raise Killed
        if self._left is not None:
            if self._left == 0:
                self.killed_at = what
                raise Killed
            self._left -= 1
        self.trace.append(what)


class AtOnce:
    """A pool of workers that does what it is given at once, in the thread that gives it."""

    def __init__(self, *_: object, **__: object) -> None:
        pass

    def __enter__(self) -> AtOnce:
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def submit(self, work: Callable[..., Any], *args: Any) -> Future[Any]:
        future: Future[Any] = Future()
        try:
            future.set_result(work(*args))
        except BaseException as error:  # as a pool does: who asks for the result hears of it
            future.set_exception(error)
        return future

    def map(self, work: Callable[..., Any], *arguments: Any) -> Iterator[Any]:
        yield from [work(*each) for each in zip(*arguments, strict=False)]

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        pass


@contextmanager
def stepwise(steps: Steps) -> Iterator[None]:
    """Let every pass in this process run in one thread, and tell `steps` of each step before it is taken."""
    with ExitStack() as patched:
        for module in (
            "engine.execute",
            "engine.survey",
            "replica.fluxiom.listing",
            "replica.folder.reading",
        ):
            patched.enter_context(patch(f"fluxsync.{module}.ThreadPoolExecutor", AtOnce))
        for name in _FILE_OPERATIONS:
            patched.enter_context(patch.object(syscalls, name, _told(steps, name)))
        patched.enter_context(patch.object(Database, "transaction", _told_transaction(steps)))
        for name in ("plan", "settle", "advance"):
            patched.enter_context(patch.object(Journal, name, _noted(steps, name)))
        yield


def _told(steps: Steps, name: str) -> Callable[..., Any]:
    original = getattr(syscalls, name)

    def told(*args: Any) -> Any:
        names = [at.name for at in args if isinstance(at, syscalls.At)]
        if not any(at.startswith(_PROBES) for at in names):
            steps(f"file {name} {' '.join(names)}")
        return None if name in _FLUSHES else original(*args)

    return told


def _told_transaction(steps: Steps) -> Callable[..., Any]:
    original = Database.transaction

    @contextmanager
    def told(self: Database, *, flush: bool) -> Iterator[Any]:
        steps("journal")
        with original(self, flush=False) as cursor:
            yield cursor

    return told


def _noted(steps: Steps, name: str) -> Callable[..., Any]:
    original = getattr(Journal, name)

    def noted(self: Journal, *args: Any, **more: Any) -> Any:
        steps.trace.append(f"journal {name} {_shown(name, args)}")
        return original(self, *args, **more)

    return noted


def _shown(name: str, args: tuple[Any, ...]) -> str:
    if name == "plan":
        return ", ".join(f"{row.action} {row.path} {row.why}" for row in args[1])
    if name == "settle":
        return ", ".join(f"{s.outcome} {_row(s.item)} {s.forget}" for s in args[0])
    return ", ".join([*map(_row, args[0]), *map(str, args[1:])])


def _row(item: Any) -> str:
    return f"{item.path} {item.key} {item.revision} {item.digest[:8]} {item.state}" if item else "-"
