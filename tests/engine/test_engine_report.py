"""What a pass says of itself: counts, one result, one document."""

from __future__ import annotations

import json

import pytest
from engine_world import operation

from fluxsync.core.decision import Fate, Verdict
from fluxsync.core.folders import Node
from fluxsync.core.model import Action, Entry, Item, Kind, Place, Problem
from fluxsync.core.reconciliation import Change
from fluxsync.core.safety import Held
from fluxsync.engine.report import EXIT_CODES, Report, Result

KEYS = [
    *("result", "uploaded", "versions", "downloaded", "moved_local", "moved_remote"),
    *("trashed_local", "trashed_remote", "conflicts", "failed", "held", "unchanged"),
    *("bytes_up", "bytes_down", "requests", "seconds", "failures"),
]
COUNTS = KEYS[1:12]


def asset(key: str) -> Entry:
    return Entry(Kind.FILE, Place("", "a.gif"), key=key)


def item(number: int) -> Item:
    return Item(number, Kind.FILE, f"{number}.gif", f"{number}", "", f"{number}.gif")


def held(path: str, key: str) -> Held:
    return Held(
        Change(Verdict(Fate.TRASH_LOCAL), path, Node("", ""), "a.gif", remote=asset(key)), (), "too many"
    )


def counts(report: Report) -> dict[str, object]:
    return {name: report.document()[name] for name in COUNTS if report.document()[name]}


def test_the_document_of_a_pass_has_the_keys_of_the_contract_in_their_order() -> None:
    document = Report().document()
    assert list(document) == KEYS
    assert document["result"] == "in-step"
    assert all(document[name] == 0 for name in COUNTS)
    assert json.loads(json.dumps(document)) == document


def test_failures_are_sorted_and_counted() -> None:
    report = Report()
    report.fail([Problem("b.gif", "no"), Problem("a.gif", "never")])
    document = report.document()
    assert document["failures"] == [
        {"path": "a.gif", "reason": "never"},
        {"path": "b.gif", "reason": "no"},
    ]
    assert document["failed"] == 2


def test_a_path_fails_once_with_the_last_reason() -> None:
    report = Report()
    report.fail([Problem("a.gif", "one"), Problem("a.gif", "other")])
    assert report.failures == {"a.gif": "other"}


def test_a_harmless_problem_is_only_a_notice() -> None:
    report = Report()
    report.fail([Problem("link", "a symbolic link", harmless=True)])
    assert report.result is Result.IN_STEP
    assert report.document()["failed"] == 0
    assert [notice.path for notice in report.notices] == ["link"]


@pytest.mark.parametrize(
    ("failing", "holding", "stopped", "result"),
    [
        (False, False, None, "in-step"),
        (True, False, None, "partial"),
        (False, True, None, "guarded"),
        (True, True, None, "guarded"),
        (True, True, Result.UNREACHABLE, "unreachable"),
        (False, False, Result.UNAUTHORIZED, "unauthorized"),
    ],
)
def test_the_worst_that_happened_names_the_result(
    failing: bool, holding: bool, stopped: Result | None, result: str
) -> None:
    report = Report(stopped=stopped)
    if failing:
        report.fail([Problem("a.gif", "no")])
    if holding:
        report.held = [held("b.gif", "7")]
    assert str(report.result) == report.document()["result"] == result


def test_the_exit_codes_of_the_contract() -> None:
    assert {str(result): code for result, code in EXIT_CODES.items()} == {
        "in-step": 0,
        "partial": 1,
        "unreachable": 3,
        "unauthorized": 3,
        "guarded": 4,
        "locked": 5,
    }
    assert set(EXIT_CODES) == set(Result)


@pytest.mark.parametrize(
    ("action", "counted"),
    [
        (Action.CREATE, "uploaded"),
        (Action.VERSION, "versions"),
        (Action.DOWNLOAD, "downloaded"),
        (Action.CONFLICT, "conflicts"),
        (Action.MOVE_LOCAL, "moved_local"),
        (Action.MOVE_REMOTE, "moved_remote"),
        (Action.TRASH_LOCAL, "trashed_local"),
        (Action.TRASH_REMOTE, "trashed_remote"),
        (Action.MAKE_TAG, None),
        (Action.REMOVE_TAG, None),
        (Action.MAKE_FOLDER, None),
        (Action.REMOVE_FOLDER, None),
        (Action.RESTORE, None),
        (Action.LABEL, None),
    ],
)
def test_each_action_counts_as_the_contract_says(action: Action, counted: str | None) -> None:
    report = Report()
    report.count(operation(action))
    assert counts(report) == ({counted: 1} if counted else {})


def test_a_file_that_moves_in_two_hops_has_moved_once() -> None:
    report = Report()
    for _ in range(2):
        report.count(operation(Action.MOVE_LOCAL, item=item(1)))
    report.count(operation(Action.MOVE_LOCAL, item=item(2)))
    assert report.moved_local == 2


@pytest.mark.parametrize(
    ("action", "counted"), [(Action.RENAME_FOLDER, "moved_local"), (Action.RENAME_TAG, "moved_remote")]
)
def test_each_file_of_a_renamed_folder_has_moved(action: Action, counted: str) -> None:
    report = Report()
    report.count(operation(action, carries=(item(1), item(2), item(3))))
    assert counts(report) == {counted: 3}


def test_a_dry_run_lists_what_it_would_do_and_what_is_held() -> None:
    report = Report(
        plan=[
            operation(Action.CREATE, "new.gif"),
            operation(Action.DOWNLOAD, "a.gif", remote=asset("7")),
            operation(Action.MOVE_LOCAL, "old.gif", target="Sub/old.gif", item=item(8)),
            operation(Action.RENAME_FOLDER, "Clients", target="Customers"),
            operation(Action.VERSION, "b.gif", remote=asset("9@1284912000")),
        ],
        held=[held("gone.gif", "11")],
    )
    document = report.document()
    assert list(document) == [*KEYS, "plan"]
    lines = [(line["action"], line["path"], line["asset_id"]) for line in document["plan"]]  # type: ignore[attr-defined]
    assert lines == [
        ("create", "new.gif", 0),
        ("download", "a.gif", 7),
        ("move-local", "Sub/old.gif", 8),
        ("rename-folder", "Customers", 0),
        ("version", "b.gif", 9),
        ("hold", "gone.gif", 11),
    ]
    assert [line["why"] for line in document["plan"]] == ["why"] * 5 + ["too many"]  # type: ignore[attr-defined]


def test_what_stopped_a_pass_says_why() -> None:
    document = Report(stopped=Result.UNREACHABLE, message="no way").document()
    assert document["message"] == "no way"
