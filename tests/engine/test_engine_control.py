"""The socket of a service: who reaches it, what it answers, and what cannot hurt it."""

from __future__ import annotations

import json
import os
import socket
import stat
import struct
import threading
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from structlog.testing import capture_logs

from fluxsync import errors
from fluxsync.core.operations import Plan
from fluxsync.engine import address
from fluxsync.engine.address import connected, is_ours, listening, socket_path
from fluxsync.engine.ask import ask, is_running, pause_there, perform_there, status_there
from fluxsync.engine.control import Control
from fluxsync.engine.lines import Lines
from fluxsync.engine.meter import Moving
from fluxsync.engine.onlooker import Onlooker
from fluxsync.engine.service import Outcome, Task, Verb
from fluxsync.engine.status import Counts, State, Status, Trouble
from fluxsync.engine.watcher import Watcher
from fluxsync.engine.wire import decoded, encoded
from fluxsync.errors import FluxsyncError, Unavailable
from fluxsync.state.journal import ConflictRow, HeldRow, PassRow

NO_TEXT = os.fsdecode(b"caf\xe9.txt")
PICTURE = Status(
    State.WORKING,
    1_000.5,
    None,
    Counts(files=3, bytes=7),
    (Trouble("a.txt", "open"),),
    (Trouble(NO_TEXT, "refused", 12.0, 2, 99.0),),
    (),
    (ConflictRow("a.txt", "a (copy).txt", "7", 5.0),),
    (HeldRow("trash-remote", "b.txt", "8", "too many", "delete-there", 3, "ff"),),
    PassRow(4, 900.0, None, 3, "", {"uploaded": 1, "seconds": 0.5}),
    "the account refuses",
    (Moving("create", "c.txt", 100, 40),),
)
DONE = Outcome(0, {"result": "in-step", "path": NO_TEXT}, {"in_step": 3})


class Played:
    """A service that does what the test says, and remembers what it was asked."""

    def __init__(self) -> None:
        self.tasks: list[Task] = []
        self.paused = False
        self.does: Callable[[Watcher], Outcome] = lambda watcher: DONE

    def status(self) -> Status:
        return PICTURE

    def totals(self) -> Mapping[str, float]:
        return {}

    def perform(self, task: Task, watcher: Watcher | None = None, timeout_s: float | None = None) -> Outcome:
        self.tasks.append(task)
        return self.does(watcher or Watcher())

    def pause(self) -> None:
        self.paused = True

    def resume(self) -> None:
        self.paused = False


@pytest.fixture
def service() -> Played:
    return Played()


@pytest.fixture
def journal(tmp_path: Path, service: Played) -> Iterator[Path]:
    """The journal of a service that listens."""
    path = tmp_path / "journal.sqlite"
    with Control(service, path):
        yield path


def said(journal: Path, sent: bytes) -> list[dict[str, Any]]:
    """Send bytes and the end, and return all that is answered."""
    sock = connected(journal)
    assert sock is not None
    with sock:
        sock.settimeout(30)
        sock.sendall(sent)
        sock.shutdown(socket.SHUT_WR)
        with sock.makefile("rb") as answer:
            return [json.loads(line) for line in answer]


# -- where it is -------------------------------------------------------------------------------------------


def test_the_socket_is_its_owners_alone_whatever_the_umask(tmp_path: Path, service: Played) -> None:
    before = os.umask(0)
    try:
        with Control(service, tmp_path / "j.sqlite"):
            mode = socket_path(tmp_path / "j.sqlite").stat().st_mode
    finally:
        os.umask(before)
    assert stat.S_ISSOCK(mode)
    assert stat.S_IMODE(mode) == 0o600
    assert list(tmp_path.iterdir()) == []


def test_it_appears_with_its_rights(tmp_path: Path, service: Played, monkeypatch: pytest.MonkeyPatch) -> None:
    """Until then it lies where nobody else can reach it."""
    journal = tmp_path / "j.sqlite"
    seen: list[tuple[bool, int]] = []
    chmod = os.chmod

    def look(path: Path, mode: int) -> None:
        seen.append((socket_path(journal).exists(), stat.S_IMODE(path.parent.stat().st_mode)))
        chmod(path, mode)

    monkeypatch.setattr(os, "chmod", look)
    with Control(service, journal):
        assert seen == [(False, 0o700)]


def test_the_socket_of_a_killed_process_is_replaced(tmp_path: Path, service: Played) -> None:
    """So is what it left half-made."""
    journal = tmp_path / "j.sqlite"
    listening(journal).close()
    (tmp_path / "j.sqlite.sock.new").mkdir()
    (tmp_path / "j.sqlite.sock.new" / "s").touch()
    assert socket_path(journal).exists()
    assert not is_running(journal)
    assert perform_there(journal, Task(Verb.SYNC), Onlooker()) is None
    with Control(service, journal):
        assert perform_there(journal, Task(Verb.SYNC), Onlooker()) == DONE
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("proc", ["/proc/self/fd", "/no/such/folder"])
@pytest.mark.parametrize("name", ["j.sqlite", "j" * 240])
def test_a_path_longer_than_an_address_is_reached(
    tmp_path: Path, service: Played, monkeypatch: pytest.MonkeyPatch, name: str, proc: str
) -> None:
    """With the help of the system's list of open files, and without."""
    monkeypatch.setattr(address, "_PROC", proc)
    folder = tmp_path / ("deep" * 30) / ("äß" * 60)
    journal = folder / name
    with Control(service, journal):
        assert socket_path(journal).parent == folder
        assert ask(journal, {"do": "sync"}) == DONE
    assert list(folder.iterdir()) == []


def test_the_end_leaves_the_socket_of_another_service_alone(tmp_path: Path, service: Played) -> None:
    """One that took over while this one was still ending."""
    journal = tmp_path / "j.sqlite"
    first = Control(service, journal)
    first.start()
    with Control(service, journal):
        first.close()
        assert is_running(journal)
    assert not is_running(journal)


def test_a_place_that_holds_no_socket_is_named(tmp_path: Path, service: Played) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(errors.ConfigError, match=r"no command reaches this service: .*j\.sqlite\.sock"):
        Control(service, tmp_path / "file" / "j.sqlite").start()


@pytest.mark.parametrize(("peer", "ours"), [(4321, True), (0, True), (1234, False)])
def test_another_user_is_told_by_the_kernel(monkeypatch: pytest.MonkeyPatch, peer: int, ours: bool) -> None:
    class Peer:
        def getsockopt(self, *_: int) -> bytes:
            return struct.pack("3i", 1, peer, 1)

    monkeypatch.setattr(os, "geteuid", lambda: 4321)
    assert is_ours(Peer()) is ours  # type: ignore[arg-type]


def test_another_user_gets_no_answer(journal: Path, service: Played, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("fluxsync.engine.control.is_ours", lambda sock: False)
    with pytest.raises(Unavailable):
        ask(journal, {"do": "sync"})
    assert service.tasks == []


# -- what is asked and answered ----------------------------------------------------------------------------


def test_a_task_arrives_as_it_was_asked_and_its_outcome_as_it_came(journal: Path, service: Played) -> None:
    """Names that are no text, too."""
    task = Task(Verb.RESOLVE, {"paths": [NO_TEXT], "keep": "both"})
    assert perform_there(journal, task, Onlooker()) == DONE
    assert service.tasks == [task]


def test_the_live_picture_arrives_whole(journal: Path) -> None:
    assert status_there(journal) == PICTURE


def test_a_picture_of_another_release_is_understood_as_far_as_it_goes() -> None:
    """A field more is left out, one less has its default, one of another kind is refused."""
    whole = encoded(PICTURE)
    assert decoded(Status, whole | {"weather": "fine"}) == PICTURE
    del whole["moving"]
    assert decoded(Status, whole).moving == ()
    for wrong in ({"now": "noon"}, {"state": "asleep"}, {"held": {}}, {"counts": None}):
        with pytest.raises(ValueError, match=r"."):
            decoded(Status, whole | wrong)
    del whole["now"]
    with pytest.raises(ValueError, match="now"):
        decoded(Status, whole)


def test_pause_and_resume_reach_the_service(journal: Path, service: Played) -> None:
    assert pause_there(journal, True) == Outcome(0, {"paused": True})
    assert service.paused
    assert pause_there(journal, False) == Outcome(0, {"paused": False})
    assert not service.paused


def test_nobody_is_asked_where_no_service_runs(tmp_path: Path) -> None:
    journal = tmp_path / "j.sqlite"
    assert not is_running(journal)
    assert status_there(journal) is None
    assert pause_there(journal, True) is None


@pytest.mark.parametrize("name", errors.__all__)
def test_each_error_arrives_as_what_it_is(journal: Path, service: Played, name: str) -> None:
    kind: type[FluxsyncError] = getattr(errors, name)

    def fail(watcher: Watcher) -> Outcome:
        raise kind("what, and its cure")

    service.does = fail
    with pytest.raises(FluxsyncError) as caught:
        perform_there(journal, Task(Verb.SYNC), Onlooker())
    assert type(caught.value) is kind
    assert str(caught.value) == "what, and its cure"


def test_how_long_the_account_wants_to_be_left_alone_arrives_too(journal: Path, service: Played) -> None:
    def fail(watcher: Watcher) -> Outcome:
        raise Unavailable("later", retry_after_s=90)

    service.does = fail
    with pytest.raises(Unavailable) as caught:
        perform_there(journal, Task(Verb.SYNC), Onlooker())
    assert caught.value.retry_after_s == 90


def test_a_fault_is_logged_and_is_not_the_end(journal: Path, service: Played) -> None:
    def fail(watcher: Watcher) -> Outcome:
        raise RuntimeError("secret details")

    service.does = fail
    with capture_logs() as logged, pytest.raises(FluxsyncError, match="a fault of its own") as caught:
        perform_there(journal, Task(Verb.SYNC), Onlooker())
    assert "secret" not in str(caught.value)
    assert [str(event["exc_info"]) for event in logged if "exc_info" in event] == ["secret details"]
    service.does = lambda watcher: DONE
    assert ask(journal, {"do": "sync"}) == DONE


def test_how_it_goes_is_told_in_order(journal: Path, service: Played) -> None:
    def work(watcher: Watcher) -> Outcome:
        watcher.on_phase("looking")
        watcher.on_plan(Plan())
        watcher.meter.add(5, up=True)
        watcher.meter.add(6, up=False)
        return DONE

    service.does = work
    heard: list[object] = []
    onlooker = Onlooker(
        heard.append, lambda *plan: heard.append(plan), lambda steps, done: None, heard.append
    )
    assert perform_there(journal, Task(Verb.SYNC), onlooker) == DONE
    assert (heard[0], heard[1], heard[-1]) == ("looking", (0, 0, 0), 11)


# -- what cannot hurt it -----------------------------------------------------------------------------------

DEEP = b"[" * 100_000 + b"\n"
GARBAGE = [
    pytest.param(b"\n", id="an empty line"),
    pytest.param(b"\x00\xff\xfe\n", id="bytes"),
    pytest.param(b"GET / HTTP/1.1\r\n\r\n", id="a browser"),
    pytest.param(b"[1]\n", id="a list"),
    pytest.param(DEEP, id="deep"),
    pytest.param(b'{"v": 1, "do": "sync"', id="no end"),
    pytest.param(b"{}\n", id="nothing asked"),
    pytest.param(b'{"v": 2, "do": "sync"}\n', id="another version"),
    pytest.param(b'{"v": 1, "do": "sing"}\n', id="not to be done"),
    pytest.param(b'{"v": 1, "do": ["sync"]}\n', id="a list to be done"),
    pytest.param(b'{"v": 1, "do": "perform"}\n', id="no task"),
    pytest.param(b'{"v": 1, "do": "perform", "task": {"verb": "sing"}}\n', id="another task"),
    pytest.param(b'{"v": 1, "do": "perform", "task": {"verb": "sync", "args": 7}}\n', id="wrong args"),
]


@pytest.mark.parametrize("sent", GARBAGE)
def test_garbage_is_answered_with_an_error_and_nothing_is_done(
    journal: Path, service: Played, sent: bytes
) -> None:
    (answer,) = said(journal, sent)
    assert answer["error"]["kind"] == "Request"
    assert service.tasks == []
    assert ask(journal, {"do": "sync", "unknown": 1}) == DONE


def test_a_line_is_of_bounded_length() -> None:
    """On both ways; what comes after one that fits is the next line."""
    ours, theirs = socket.socketpair()
    with ours, theirs:
        ours.sendall(b'{"a": 1}\n{"b": 2}\n' + b"x" * 200)
        lines = Lines(theirs, most=100)
        assert [lines.read(), lines.read()] == [{"a": 1}, {"b": 2}]
        with pytest.raises(ValueError, match="too long"):
            lines.read()
        with pytest.raises(ValueError, match="too long"):
            lines.write({"a": "x" * 200})


def test_who_connects_and_says_nothing_is_left(tmp_path: Path, service: Played) -> None:
    journal = tmp_path / "j.sqlite"
    with Control(service, journal, request_s=0.01):
        sock = connected(journal)
        assert sock is not None
        with sock:
            sock.settimeout(30)
            assert sock.recv(1) == b""


def test_more_than_so_many_at_once_are_refused(
    journal: Path, service: Played, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("fluxsync.engine.control._MOST", 1)
    working, go_on = threading.Event(), threading.Event()

    def work(watcher: Watcher) -> Outcome:
        working.set()
        assert go_on.wait(30)
        return DONE

    service.does = work
    first = threading.Thread(target=ask, args=(journal, {"do": "sync"}))
    first.start()
    assert working.wait(30)
    with pytest.raises(Unavailable, match="too many commands at once"):
        ask(journal, {"do": "sync"})
    go_on.set()
    first.join()
    assert len(service.tasks) == 1


def test_who_goes_away_does_not_stop_the_task(journal: Path, service: Played) -> None:
    working, gone = threading.Event(), threading.Event()
    ended: list[int] = []

    def work(watcher: Watcher) -> Outcome:
        watcher.on_phase("looking")
        working.set()
        assert gone.wait(30)
        for _ in range(1000):
            watcher.on_phase("still at it")
            watcher.meter.add(1, up=True)
        ended.append(watcher.meter.bytes_up)
        return DONE

    service.does = work
    sock = connected(journal)
    assert sock is not None
    with sock:
        sock.sendall(b'{"v": 1, "do": "sync"}\n')
        assert working.wait(30)
    gone.set()
    service.does = lambda watcher: DONE
    assert ask(journal, {"do": "sync"}) == DONE
    for thread in threading.enumerate():
        if thread.name == "command":
            thread.join(30)
    assert ended == [1000]


def test_who_reads_slowly_does_not_hold_up_the_task_and_gets_the_right_number(
    journal: Path, service: Played
) -> None:
    """More is told than any buffer holds, before a byte of it is read."""
    ended = threading.Event()
    told = 20_000

    def work(watcher: Watcher) -> Outcome:
        onlooker = watcher
        for _ in range(told):
            onlooker.on_phase("x" * 1000)
            onlooker.meter.add(1, up=True)
        ended.set()
        return DONE

    service.does = work
    sock = connected(journal)
    assert sock is not None
    with sock:
        sock.sendall(b'{"v": 1, "do": "sync"}\n')
        assert ended.wait(30)
        sock.settimeout(30)
        with sock.makefile("rb") as answer:
            lines = [json.loads(line) for line in answer]
    assert len(lines) < told
    assert lines[-1] == {"outcome": encoded(DONE)}
    assert [line["bytes"] for line in lines if "bytes" in line][-1] == told


def test_who_waits_no_longer_leaves_the_service_at_it(journal: Path, service: Played) -> None:
    go_on = threading.Event()
    ended = threading.Event()

    def work(watcher: Watcher) -> Outcome:
        assert go_on.wait(30)
        ended.set()
        return DONE

    service.does = work
    with pytest.raises(TimeoutError):
        perform_there(journal, Task(Verb.SYNC), Onlooker(), timeout_s=0.01)
    go_on.set()
    assert ended.wait(30)


def test_a_service_that_goes_away_is_unavailable(tmp_path: Path) -> None:
    """Before it answered, or in the middle."""
    journal = tmp_path / "j.sqlite"
    with listening(journal) as listener:

        def hang_up() -> None:
            for answer in (b"", b'{"phase": "looking"}\n{"outc', b"nonsense\n"):
                sock, _ = listener.accept()
                with sock:
                    sock.recv(1000)
                    sock.sendall(answer)

        thread = threading.Thread(target=hang_up)
        thread.start()
        for _ in range(3):
            with pytest.raises(Unavailable, match="run this again"):
                perform_there(journal, Task(Verb.SYNC), Onlooker())
        thread.join()


def test_the_end_lets_the_answers_go_out(tmp_path: Path, service: Played) -> None:
    """What is asked then is not heard any more."""
    journal = tmp_path / "j.sqlite"
    control = Control(service, journal)
    control.start()
    working, go_on = threading.Event(), threading.Event()
    heard: list[object] = []

    def work(watcher: Watcher) -> Outcome:
        working.set()
        assert go_on.wait(30)
        return DONE

    service.does = work
    client = threading.Thread(target=lambda: heard.append(ask(journal, {"do": "sync"})))
    client.start()
    assert working.wait(30)
    closing = threading.Thread(target=control.close)
    closing.start()
    closing.join(0.2)
    assert closing.is_alive()
    go_on.set()
    closing.join()
    client.join()
    assert heard == [DONE]
    assert ask(journal, {"do": "sync"}) is None


def test_the_end_does_not_wait_for_ever(
    tmp_path: Path, service: Played, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever still waits hears that the service is gone."""
    monkeypatch.setattr("fluxsync.engine.control._LAST_S", 0.01)
    journal = tmp_path / "j.sqlite"
    control = Control(service, journal)
    control.start()
    working, go_on = threading.Event(), threading.Event()

    def work(watcher: Watcher) -> Outcome:
        working.set()
        assert go_on.wait(30)
        return DONE

    def wait() -> None:
        with pytest.raises(Unavailable, match="run this again"):
            ask(journal, {"do": "sync"})
        heard.set()

    heard = threading.Event()
    service.does = work
    client = threading.Thread(target=wait)
    client.start()
    assert working.wait(30)
    control.close()
    assert heard.wait(30)
    go_on.set()
    client.join()
