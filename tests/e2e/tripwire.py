"""Ends the program after its n-th step: a change of the disk, a commit of the journal, a request.

Run as a program it waits, with everything imported, for lines of JSON that say which pass to make and where
to end it; each pass is a process of its own, forked while nothing runs, so that it costs a few milliseconds.
"""

from __future__ import annotations

import ctypes
import gc
import json
import os
import re
import sqlite3
import sys
import threading
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future
from typing import Any

import httpx

from fluxsync.replica.folder import syscalls

#: The exit code of a process that a tripwire has ended.
KILLED = 9

#: Changes of the disk that a restart can see.
DISK = (
    *("rename", "replace", "link", "symlink", "unlink", "mkdir", "rmdir", "utime", "chmod", "fchmod"),
    *("chown", "fchown", "setxattr", "removexattr", "truncate", "ftruncate"),
)
#: How the folder asks the disk what names it can hold, in a corner of its own.
_PROBE = re.compile(r"'name-|(?:mkdir|rmdir)\('put-|'put-\w*-\w{16}-[12]'")
#: What only a loss of power can undo.
FLUSHES = ("fsync", "fdatasync")


class Tripwire:
    """Counts steps and ends the process right after the n-th, or the first that `dies` is found in.

    With `everything`, what happens before the pass begins, what the disk is asked about names, flushes, the
    moments before a commit, and requests that only read count, too: nothing of the last three leaves anything
    that a restart can see.
    """

    def __init__(self, at: int, *, dies: str = "", everything: bool, report: int) -> None:
        self.count = 0
        #: Whether the pass itself has begun.
        self.opened = False
        self._at = at
        self._dies = re.compile(dies or r"\Z.")
        self._everything = everything
        self._report = report
        self._write = os.write
        self._lock = threading.Lock()

    def step(self, what: str, *, changes: bool = True) -> None:
        """Note a step, and end the process if it is the one."""
        with self._lock:
            if not self._everything and (not self.opened or not changes or _PROBE.search(what)):
                return
            self.count += 1
            if self.count == self._at or self._dies.search(what):
                self._write(self._report, json.dumps({"at": what, "steps": self.count}).encode())
                os._exit(KILLED)

    def is_next(self) -> bool:
        """Tell whether the next change is the one."""
        return (self.opened or self._everything) and self.count + 1 == self._at

    def install(self) -> None:
        """Count what this process does from now on."""
        for name in DISK:
            self._patch(name, changes=True)
        for name in FLUSHES:
            self._patch(name, changes=False)
        self._patch_open()
        self._patch_write()
        self._patch_exchange()
        self._patch_requests()
        self._patch_journal()

    def _patch(self, name: str, *, changes: bool) -> None:
        call = getattr(os, name, None)
        if call is None:
            return

        def counted(*args: Any, **more: Any) -> Any:
            result = call(*args, **more)
            self.step(f"os.{name}{_shown(args)}", changes=changes)
            return result

        setattr(os, name, counted)

    def _patch_open(self) -> None:
        call = os.open

        def counted(path: Any, flags: int, *args: Any, **more: Any) -> int:
            fd = call(path, flags, *args, **more)
            if flags & (os.O_CREAT | os.O_TRUNC):
                self.step(f"os.open({path!r})")
            return fd

        os.open = counted

    def _patch_write(self) -> None:
        call = os.write

        def counted(fd: int, content: Any) -> int:
            if self.is_next():
                call(fd, bytes(content)[: len(content) // 2])
            self.step(f"half of os.write({len(content)} bytes)")
            written = call(fd, content)
            self.step(f"os.write({len(content)} bytes)")
            return written

        os.write = counted

    def _patch_exchange(self) -> None:
        call = syscalls._flagged
        if call is None:
            return

        def counted(old: Any, new: Any, flags: int) -> None:
            call(old, new, flags)
            self.step(f"renameat2({old.name!r}, {new.name!r}, {flags})")

        syscalls._flagged = counted

    def _patch_requests(self) -> None:
        call = httpx.HTTPTransport.handle_request

        def counted(transport: httpx.HTTPTransport, request: httpx.Request) -> httpx.Response:
            what = f"{request.method} {request.url.path}"
            changes = request.method != "GET"

            def trace(event: str, _: object) -> None:
                if event == "http11.send_request_body.complete":
                    self.step(f"{what}: sent, its answer not read", changes=changes)

            self.step(f"{what}: about to be sent", changes=False)
            request.extensions = {**request.extensions, "trace": trace}
            response = call(transport, request)
            self.step(f"{what}: answered", changes=changes)
            return response

        httpx.HTTPTransport.handle_request = counted  # type: ignore[method-assign]

    def _patch_journal(self) -> None:
        wire = self

        class Counted(sqlite3.Connection):
            def execute(self, sql: str, *args: Any) -> sqlite3.Cursor:
                commit = sql.startswith("COMMIT")
                if commit:
                    wire.step("journal: before a commit", changes=False)
                result = super().execute(sql, *args)
                if commit or not (self.in_transaction or sql.lstrip().upper().startswith("SELECT")):
                    changes = not sql.startswith("PRAGMA synchronous")
                    wire.step(f"journal: {' '.join(sql.split())[:40]}", changes=changes)
                return result

        connect = sqlite3.connect
        sqlite3.connect = lambda *args, **more: connect(*args, factory=Counted, **more)


def _shown(args: Iterable[Any]) -> str:
    return f"({', '.join(repr(arg)[:60] for arg in args)})"


class AtOnce:
    """A pool that does what it is given at once, in the thread that gives it: steps then have one order."""

    def __init__(self, width: int = 1, *_: Any, **__: Any) -> None:
        pass

    def __enter__(self) -> AtOnce:
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def submit(self, work: Callable[..., Any], *args: Any) -> Future[Any]:
        future: Future[Any] = Future()
        try:
            future.set_result(work(*args))
        except BaseException as error:
            future.set_exception(error)
        return future

    def map(self, work: Callable[..., Any], *items: Iterable[Any]) -> Iterator[Any]:
        return map(work, *items)

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        pass


POOLS = (
    "fluxsync.engine.execute",
    "fluxsync.engine.survey",
    "fluxsync.replica.fluxiom.listing",
    "fluxsync.replica.folder.reading",
)


def one_pass(order: dict[str, Any], report: int) -> int:
    """Make the pass of an order with a tripwire in place; returns how many steps it took."""
    from e2e_world import Clock, tell_time

    from fluxsync.app import opened
    from fluxsync.engine.watcher import Watcher
    from fluxsync.settings import load

    clock = Clock()
    clock.wait(order["ahead_s"])
    tell_time(clock, setattr)
    if order["in_order"]:
        for name in POOLS:
            sys.modules[name].ThreadPoolExecutor = AtOnce  # type: ignore[attr-defined]
    wire = Tripwire(order["at"], dies=order["dies"], everything=order["everything"], report=report)
    wire.install()
    with opened(load(None, order["environment"]), wait=clock.wait, afresh=order["afresh"]) as app:
        wire.opened = True
        result = app.run(Watcher(clock=clock.time, wait=clock.wait))
    wire.step("the end")
    os_result = {"result": str(result.result), "steps": wire.count, "message": result.message}
    wire._write(report, json.dumps(os_result | {"failures": result.failures}).encode())
    return wire.count


def serve() -> None:
    """Answer each line of standard input, an order, with a line that says how its pass ended."""
    import e2e_world  # noqa: F401

    import fluxsync.app
    import fluxsync.replica.fluxiom.replica
    import fluxsync.replica.folder.replica
    import fluxsync.settings
    import fluxsync.state.schema  # noqa: F401

    ctypes.CDLL(None)
    gc.freeze()
    print("ready", flush=True)
    for line in sys.stdin:
        order = json.loads(line)
        reading, writing = os.pipe()
        child = os.fork()
        if child == 0:
            os.close(reading)
            code = 1
            try:
                one_pass(order, writing)
                code = 0
            except BaseException:
                import traceback

                traceback.print_exc()
            os._exit(code)
        os.close(writing)
        with open(reading) as told:
            said = told.read()
        code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        print(json.dumps({"code": code, **json.loads(said or "{}")}), flush=True)


if __name__ == "__main__":
    serve()
