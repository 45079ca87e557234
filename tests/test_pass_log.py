"""A service in the log: what was done and what changed, each once; at rest nothing."""

from __future__ import annotations

from collections.abc import MutableMapping
from typing import Any

import pytest
from structlog.testing import capture_logs

from fluxsync.core.decision import Fate, Verdict
from fluxsync.core.held import Held
from fluxsync.core.model import Action, Entry, Item, Kind, Place, Problem
from fluxsync.core.operations import Operation
from fluxsync.core.put_aside import PutAside
from fluxsync.core.reconciliation import Change
from fluxsync.core.tree import Node
from fluxsync.engine.dirty import Dirt
from fluxsync.engine.report import Report, Result
from fluxsync.engine.status import Counts, State, Status
from fluxsync.engine.vanished import Vanished
from fluxsync.engine.watcher import Watcher
from fluxsync.pass_log import PassLog

ASSET = Entry(Kind.FILE, Place("7", "a.gif"), "100@5", 2, 3)
Events = list[MutableMapping[str, Any]]


def report(**values: Any) -> Report:
    return Report(rounds=1, **values)


def dirt(*paths: str) -> Dirt:
    return Dirt(frozenset(paths), Vanished(2.0))


def said(log: PassLog, *reports: Report, part: Dirt | None = None) -> Events:
    """Return what is worth a line at the usual level."""
    with capture_logs() as events:
        for each in reports:
            each.whole = part is None
            log.finished(each, part)
    return [event for event in events if event["log_level"] != "debug"]


def status(state: State, message: str = "") -> Status:
    return Status(state, 0.0, None, Counts(), (), (), (), (), (), None, message)


def held(path: str, why: str = "too many deletions") -> Held:
    item = Item(1, Kind.FILE, path, "100", "", path)
    return Held(Change(Verdict(Fate.TRASH_REMOTE), path, Node("", ""), path, item), ("delete",), why)


def test_a_pass_that_did_nothing_says_nothing() -> None:
    log = PassLog()
    assert said(log, *(report(unchanged=7, requests=3) for _ in range(5))) == []
    assert said(log, report(), part=dirt("a.gif")) == []


def test_a_pass_that_did_something_is_one_line_of_figures() -> None:
    (event,) = said(PassLog(), report(uploaded=2, bytes_up=5_000, requests=4, seconds=1.23456))
    assert event == {
        "event": "pass",
        "log_level": "info",
        "result": "in-step",
        "uploaded": 2,
        "bytes_up": 5_000,
        "requests": 4,
        "seconds": 1.235,
    }


def test_each_step_is_one_line_with_what_there_is_of_it() -> None:
    heard: list[Operation] = []
    watcher = PassLog().listening(Watcher(on_done=heard.append))
    step = Operation(
        Action.VERSION, "Acme/a.gif", "edited here", 0, remote=ASSET, size=5_000_000, seconds=0.12345
    )
    with capture_logs() as events:
        watcher.on_done(step)
    assert heard == [step]
    assert events == [
        {
            "event": "done",
            "log_level": "info",
            "path": "Acme/a.gif",
            "action": "version",
            "asset_id": 100,
            "bytes": 5_000_000,
            "seconds": 0.123,
        }
    ]


def test_a_failure_is_said_once_and_again_when_it_is_another() -> None:
    log = PassLog()
    row = PutAside("a.gif", "evidence", "refused", 3, 0.0, 1_800_000_000.0)
    first = report(failures={"a.gif": "refused"}, put_aside={"a.gif": row})
    assert said(log, first, report(failures={"a.gif": "refused"})) == [
        {
            "event": "failed",
            "log_level": "warning",
            "path": "a.gif",
            "reason": "refused",
            "tries": 3,
            "next_try": "2027-01-15T08:00:00+00:00",
        }
    ]
    (event,) = said(log, report(failures={"a.gif": "too large"}))
    assert (event["event"], event["reason"]) == ("failed", "too large")
    (event,) = said(log, report(), report())
    assert (event["event"], event["path"]) == ("no longer failing", "a.gif")
    assert len(said(log, report(failures={"a.gif": "too large"}))) == 1


def test_what_waits_is_no_failure() -> None:
    log = PassLog()
    waiting = "saved a moment ago; it is taken up when it has come to rest"
    assert said(log, report(failures={"a.gif": waiting}), report()) == []
    said(log, report(failures={"a.gif": "refused"}))
    assert said(log, report(failures={"a.gif": waiting})) == []


def test_a_pass_says_nothing_of_what_it_did_not_look_at() -> None:
    log = PassLog()
    said(log, report(failures={"A/a.gif": "refused", "B/b.gif": "refused"}))
    (event,) = said(log, report(), part=dirt("A"))
    assert (event["event"], event["path"]) == ("no longer failing", "A/a.gif")
    assert said(log, report(failures={"B/b.gif": "refused"})) == []


@pytest.mark.parametrize(
    "cut_off",
    [Report(), report(stopped=Result.UNREACHABLE, message="no answer")],
    ids=["nothing seen", "stopped"],
)
def test_a_pass_that_did_not_come_to_its_end_cures_nothing(cut_off: Report) -> None:
    log = PassLog()
    said(
        log,
        report(failures={"a.gif": "refused"}, held=[held("b.gif")], notices=[Problem("c", "a link", True)]),
    )
    assert said(log, cut_off) == []
    same = report(failures={"a.gif": "refused"}, held=[held("b.gif")], notices=[Problem("c", "a link", True)])
    assert said(log, same) == []


def test_what_is_held_back_is_said_once_for_each_reason_until_it_is_another() -> None:
    log = PassLog()
    some = [held("a.gif"), held("b.gif"), held("c.gif", "too many edits")]
    events = said(log, report(held=some), report(held=list(some)))
    assert [(e["event"], e["reason"], e["changes"], e["path"]) for e in events] == [
        ("held back", "too many deletions", 2, "a.gif"),
        ("held back", "too many edits", 1, "c.gif"),
    ]
    assert said(log, report(), part=dirt("a.gif")) == []
    assert [event["changes"] for event in said(log, report(held=some[:1]))] == [1]
    assert [event["event"] for event in said(log, report(), report())] == ["nothing is held back any more"]


def test_what_is_skipped_is_said_once() -> None:
    log = PassLog()
    link = Problem("link", "a symbolic link; skipped", harmless=True)
    (event,) = said(log, report(notices=[link]), report(notices=[link]))
    assert (event["event"], event["path"], event["log_level"]) == ("skipped", "link", "info")
    said(log, report())
    assert len(said(log, report(notices=[link]))) == 1


def test_a_full_disk_is_said_once() -> None:
    log = PassLog()
    full = {"message": "the disk is full", "failures": {}}
    (event,) = said(log, report(**full), report(**full), report(**full, stopped=Result.PARTIAL))
    assert (event["event"], event["reason"]) == ("not all was done", "the disk is full")
    said(log, report())
    assert len(said(log, report(**full))) == 1


def test_what_keeps_the_service_from_working_is_said_once_and_that_nothing_does_any_more() -> None:
    log = PassLog()
    states = [
        status(State.IN_STEP),
        status(State.OFFLINE, "no answer"),
        status(State.OFFLINE, "timed out"),
        status(State.WORKING),
        status(State.IN_STEP),
        status(State.HELD, "the folder is another one"),
        status(State.PAUSED, "the folder is another one"),
        status(State.PAUSED),
        status(State.HELD),
    ]
    with capture_logs() as events:
        for each in states:
            log.state(each)
    assert [(e["log_level"], e["event"], e.get("reason") or e.get("after", "")) for e in events] == [
        ("warning", "offline", "no answer"),
        ("info", "going on", "offline"),
        ("warning", "halted", "the folder is another one"),
        ("info", "paused", "the folder is another one"),
        ("info", "going on", "paused"),
    ]
