"""Why one path is as it is: decided by the same core as a pass, and nothing done."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from fluxsync.core.held import Held
from fluxsync.core.model import Action, Entry, Item, Kind, State
from fluxsync.core.operations import Operation
from fluxsync.core.paths import is_below, nfc
from fluxsync.core.put_aside import PutAside, evidence_of
from fluxsync.core.reconcile import Change
from fluxsync.engine.decide import Rules, decide
from fluxsync.engine.meter import Meter
from fluxsync.engine.pair import Pair
from fluxsync.engine.survey import Survey
from fluxsync.engine.view import Everything

__all__ = ["Explanation", "explain"]

_REMEMBERED = {
    State.KEPT_HERE: "its asset went, and the file is kept here (local_delete = keep)",
    State.KEPT_THERE: "the file was deleted, and its asset is kept there (remote_delete = keep)",
    State.TRASHED: "its asset is in the trash on the account",
    State.SUPERSEDED: "its asset was replaced by another one",
}


@dataclass(frozen=True, slots=True)
class Explanation:
    """One path as each side shows it, what the journal says, and what the next pass will do."""

    path: str
    file: Entry | None
    asset: Entry | None
    #: The true path of the folder that the asset lies in, "" for the root.
    asset_folder: str
    journal: Item | None
    #: The first action of the next pass; or nothing, hold, ignore, unknown, problem, adopt, forget.
    decision: str
    why: str
    operations: tuple[Operation, ...] = ()
    #: When this path last changed in a pass, in seconds since 1970.
    since: float | None = None
    #: Where it failed before, as it is now.
    put_aside: PutAside | None = None
    #: Why the last pass could not sync it; "" where it could, or where `put_aside` or `why` says so.
    failed: str = ""


def explain(
    pair: Pair,
    rules: Rules,
    path: str,
    ignored_by: Callable[[str], str],
    clock: Callable[[], float] = time.time,
) -> Explanation:
    """Look at both sides and decide like a pass would; `ignored_by` names the rule that leaves a path out.

    Raises what looking raises: `Unavailable`, `Unauthorized`, `Halted`.
    """
    view = Everything(pair)
    decided = decide(pair, rules, view, meter=Meter(), now_s=clock())
    assert decided is not None
    items = list(view.items)
    seen, go, held, plan = decided.seen, decided.guarded.go, decided.guarded.held, decided.plan
    changes = seen.reconciliation.changes
    path = _as_known(path, seen, items)
    change = next((change for change in changes if path in _paths(change)), None)
    row = _row(items, path, change)
    file = seen.local.files.get(path) or seen.local.folders.get(path)
    asset = _asset(seen, row, change, path)
    subject = next((number for number, each in enumerate(go) if each is change), None)
    steps = [op for op in plan if op.action is not Action.PURGE or file is None]
    operations = tuple(op for op in steps if path in (op.path, op.target) or op.subject == subject)
    latest = pair.journal.history(path, 1)
    decision, why = _decide(seen, path, change, held, operations, row, file, asset, ignored_by)
    aside = _put_aside(pair, change, path)
    return Explanation(
        path,
        file,
        asset,
        _folder_of(seen, asset),
        row,
        decision,
        why,
        operations,
        latest[0].time if latest else None,
        aside,
        "" if aside is not None else _failed(pair, path, why),
    )


def _failed(pair: Pair, path: str, why: str) -> str:
    problems = (row.problem for row in pair.journal.problem_rows())
    reasons = (problem.reason for problem in problems if problem.path == path and not problem.harmless)
    return next((reason for reason in reasons if reason not in why), "")


def _put_aside(pair: Pair, change: Change | None, path: str) -> PutAside | None:
    evidence = evidence_of(change.local, change.remote) if change is not None else None
    rows = pair.journal.put_aside()
    return next(
        (row for row in rows if row.evidence == evidence or (change is None and row.path == path)), None
    )


def _decide(
    seen: Survey,
    path: str,
    change: Change | None,
    held: Sequence[Held],
    operations: Sequence[Operation],
    row: Item | None,
    file: Entry | None,
    asset: Entry | None,
    ignored_by: Callable[[str], str],
) -> tuple[str, str]:
    """Return the decision and its reason, the strongest reason first."""
    for unknown in seen.local.unknown:
        if path == unknown.path or is_below(path, unknown.path):
            where = "" if path == unknown.path else f"{unknown.path}: "
            return "unknown", f"{where}{unknown.reason}; unknown is not gone, so nothing is done"
    for each in held:
        if each.change is change:
            return "hold", f"{each.change.verdict.why}, but held back: {each.why}"
    if operations:
        return str(operations[0].action), operations[0].why or "needed for what lies in it"
    problems = (*seen.local.problems, *seen.remote.problems, *seen.reconciliation.problems)
    for problem in problems:
        if problem.path == path or (problem.harmless and is_below(path, problem.path)):
            return "nothing" if problem.harmless else "problem", problem.reason
    if not seen.local.admits(path) or path.partition("/")[0].casefold() == ".fluxsync":
        return "ignore", f"left alone on both sides by {ignored_by(path)}"
    if any(item.path == path for item in seen.reconciliation.adopted):
        return "adopt", "equal on both sides, though the journal does not know it yet"
    if any(item is row for item in seen.reconciliation.forget):
        return "forget", "gone on both sides"
    if change is not None:
        return "nothing", f"{change.verdict.why}, but the direction or the configuration excludes it"
    if row is not None and row.state is not State.AGREED:
        return "nothing", _REMEMBERED[row.state]
    if row is not None and row.kind is Kind.FOLDER:
        if file is None or (asset is None and row.key):
            side = "here" if file is None else "on the account"
            return "nothing", f"gone {side}; the files in it are decided one by one, and the folder follows"
        return "nothing", "in step: both sides know this folder"
    if row is not None:
        return "nothing", "in step: neither side has changed since both agreed"
    if file is not None or asset is not None:
        return "nothing", "nothing has to be done"
    return "nothing", "nothing of this name is in the folder, on the account or in the journal"


def _as_known(path: str, seen: Survey, items: Sequence[Item]) -> str:
    """Return the path in the form that disk or journal have, whichever way an umlaut is typed."""
    if path in seen.local.files or path in seen.local.folders or path.isascii():
        return path
    composed = nfc(path)
    for other in (*seen.local.files, *seen.local.folders, *(item.path for item in items)):
        if nfc(other) == composed:
            return other
    return path


def _paths(change: Change) -> set[str]:
    found = {change.path}
    if change.local is not None:
        found.add(change.local.path)
    if change.item is not None:
        found.add(change.item.path)
    return found


def _row(items: Sequence[Item], path: str, change: Change | None) -> Item | None:
    if change is not None and change.item is not None:
        return change.item
    rows = [item for item in items if item.path == path]
    return min(rows, key=lambda item: item.state is not State.AGREED, default=None)


def _asset(seen: Survey, row: Item | None, change: Change | None, path: str) -> Entry | None:
    if change is not None and change.remote is not None:
        return change.remote
    if row is not None and row.key:
        side = seen.remote.files if row.kind is Kind.FILE else seen.remote.folders
        return side.get(row.key)
    adopted = next((item for item in seen.reconciliation.adopted if item.path == path), None)
    if adopted is not None:
        return seen.remote.files.get(adopted.key)
    return next((tag for tag in seen.remote.folders.values() if tag.place.name == path), None)


def _folder_of(seen: Survey, asset: Entry | None) -> str:
    if asset is None or asset.kind is Kind.FOLDER or not asset.place.folder:
        return ""
    folder = seen.remote.folders.get(asset.place.folder)
    return folder.place.name if folder is not None else ""
