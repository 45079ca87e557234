"""`status`, `history`, `explain`: what only reads."""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from fluxsync.cli import output
from fluxsync.cli.session import shared_options, this
from fluxsync.cli.words import ago, column, count, day_and_time, iso, size

if TYPE_CHECKING:
    from fluxsync.core.model import Entry, Item
    from fluxsync.engine.explain import Explanation
    from fluxsync.engine.status import Status, Trouble
    from fluxsync.state.journal import Event, Journal

__all__ = ["explain", "history", "status"]


# -- status ------------------------------------------------------------------------------------------------


@click.command(short_help="Show what is in step, waiting, failing, held back.")
@shared_options
def status() -> None:
    """Show what is in step, waiting, failing, in conflict and held back.

    Changes nothing, and asks nobody: it shows what the journal says since the last pass.
    """
    from fluxsync.app import peeked
    from fluxsync.engine.status import read

    session = this()
    settings = session.settings(log=False)
    root = settings.local.root
    with peeked(settings) as journal:
        last = journal.last_pass()
        working = last is not None and last.ended is None and _is_locked(root)
        picture = read(journal, time.time(), working=working)
    if session.json:
        output.document(_status_document(picture))
    else:
        _show_status(picture, root, settings.remote.url)


def _is_locked(root: Path) -> bool:
    """Tell whether somebody works on a root whose last pass has not ended."""
    try:
        import fcntl
    except ImportError:
        return False
    try:
        file = os.open(root / ".fluxsync" / "lock", os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return False
    try:
        fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except OSError:
        return True
    finally:
        os.close(file)
    return False


def _status_document(picture: Status) -> dict[str, object]:
    counts = picture.counts
    last = picture.last_pass
    return {
        "state": str(picture.state),
        "in_step_since": iso(picture.in_step_since),
        "counts": {
            "files": counts.files,
            "folders": counts.folders,
            "bytes": counts.bytes,
            "kept_here": counts.kept_here,
            "kept_there": counts.kept_there,
        },
        "waiting": _troubles(picture.waiting),
        "failing": _troubles(picture.failing),
        "conflicts": [
            {
                "path": row.path,
                "copy": row.copy_path,
                "asset_id": _asset_id(row.asset_id),
                "time": iso(row.time),
            }
            for row in picture.conflicts
        ],
        "held": [
            {"action": row.action, "path": row.path, "asset_id": _asset_id(row.asset_id), "why": row.why}
            for row in picture.held
        ],
        "skipped": _troubles(picture.skipped),
        "last_pass": None
        if last is None
        else {
            "pass": last.number,
            "started": iso(last.started),
            "ended": iso(last.ended),
            "result": last.result,
        },
    }


def _troubles(rows: Sequence[Trouble]) -> list[dict[str, object]]:
    return [{"path": row.path, "reason": row.reason, "since": iso(row.since)} for row in rows]


_STATES = {
    "in-step": ("in step", "green"),
    "working": ("working", "cyan"),
    "waiting": ("waiting", "yellow"),
    "paused": ("paused", "yellow"),
    "offline": ("offline", "red"),
    "held": ("held back", "red"),
}


def _show_status(picture: Status, root: Path, url: str) -> None:
    word, colour = _STATES[picture.state]
    output.line((word, colour), ("   ", ""), (str(root), "bold"), ("  <->  ", "dim"), (url, "bold"))
    output.line()
    last = picture.last_pass
    if last is None:
        output.line("  no pass has been made yet: run `fluxsync --once`")
        return
    since = picture.in_step_since
    for label, text in (
        ("last pass", _ended(picture)),
        ("in step", "never yet" if since is None else f"{day_and_time(since)}, {ago(since, picture.now)}"),
        ("both sides", _counted(picture)),
        ("kept here", count(picture.counts.kept_here, "file") if picture.counts.kept_here else ""),
        ("kept there", count(picture.counts.kept_there, "asset") if picture.counts.kept_there else ""),
    ):
        if text:
            output.line(f"  {label:<12}", text)
    _list("waiting", "yellow", [(row.path, row.reason) for row in picture.waiting])
    _list("failing", "red", [(row.path, row.reason) for row in picture.failing])
    _list("held back", "red", [(row.path, row.why) for row in picture.held])
    _list("in conflict", "yellow", [(row.path, f"kept as {row.copy_path}") for row in picture.conflicts])
    _list("skipped", "dim", [(row.path, row.reason) for row in picture.skipped])
    if picture.held:
        output.line()
        output.line("  let through what is held back with `fluxsync --once --approve`")


def _ended(picture: Status) -> str:
    last = picture.last_pass
    assert last is not None
    if last.ended is None:
        what = "is running" if picture.state == "working" else "was cut short; the next one continues"
        return f"number {last.number} {what}"
    return f"number {last.number}, {ago(last.ended, picture.now)}: {last.result}"


def _counted(picture: Status) -> str:
    counts = picture.counts
    return f"{count(counts.files, 'file')} in {count(counts.folders, 'folder')}, {size(counts.bytes)}"


def _list(title: str, style: str, rows: Sequence[tuple[str, str]]) -> None:
    if not rows:
        return
    output.line()
    output.line("  ", (title, style), f" ({len(rows):,})")
    width = min(50, max(len(path) for path, _ in rows))
    for path, reason in rows:
        output.line(f"    {path:<{width}}  ", (reason, "dim"))


# -- history -----------------------------------------------------------------------------------------------


@click.command(short_help="Show what was done, newest first.")
@shared_options
@click.argument("path", required=False)
@click.option(
    "--limit", metavar="N", type=click.IntRange(1), default=100, show_default=True, help="At most so many."
)
def history(path: str | None, limit: int) -> None:
    """Show what was done, newest first, with the number of the pass that did it.

    PATH, absolute or relative, stands for itself and everything below it. Changes nothing.
    """
    from fluxsync.app import peeked

    session = this()
    settings = session.settings(log=False)
    with peeked(settings) as journal:
        below = path_in(settings.local.root, path, journal) if path is not None else ""
        events = journal.history(below or None, limit)
    if session.json:
        output.document({"events": [_event(event) for event in events]})
    elif not events:
        output.line("nothing was done yet" if not below else f"nothing was done at {below}")
    else:
        _show_history(events)


def _event(event: Event) -> dict[str, object]:
    return {
        "time": iso(event.time),
        "pass": event.pass_number,
        "action": event.action,
        "path": event.path,
        "asset_id": _asset_id(event.asset_id),
        "outcome": event.outcome,
        "detail": event.detail,
        "bytes": event.bytes,
    }


def _show_history(events: Sequence[Event]) -> None:
    number = None
    width = min(60, max(len(event.path) for event in events))
    for event in events:
        if event.pass_number != number:
            if number is not None:
                output.line()
            number = event.pass_number
            output.line((f"pass {number}", "bold"), (f"   {day_and_time(event.time)}", "dim"))
        done = event.outcome == "done"
        detail = event.detail if done else f"{event.outcome}: {event.detail}"
        output.line(
            ("  " if done else "! ", "red"),
            f"{event.action:<13} ",
            f"{event.path:<{width}}  ",
            (f"{column(event.bytes) if event.bytes else '':11}  {_number(event.asset_id):>8}  ", "dim"),
            (detail, "dim" if done else "red"),
        )


# -- explain -----------------------------------------------------------------------------------------------


@click.command(short_help="Show why a path is as it is, and what comes next.")
@shared_options
@click.argument("path")
def explain(path: str) -> None:
    """Show why PATH is as it is: the file, the asset, the journal, and what the next pass will do.

    PATH may be absolute, relative to where you are, or relative to the root. Changes nothing: both sides are
    only looked at, and the decision is made exactly as a pass would make it.
    """
    from fluxsync.app import opened, peeked

    session = this()
    settings = session.settings()
    with peeked(settings) as journal:
        below = path_in(settings.local.root, path, journal)
    if not below:
        raise click.UsageError("PATH is the root itself: name a file or a folder in it")
    with opened(settings, dry_run=True) as app:
        found = app.explain(below)
    if session.json:
        output.document(_explain_document(found))
    else:
        _show_explanation(found)


def _explain_document(found: Explanation) -> dict[str, object]:
    return {
        "path": found.path,
        "file": _file(found.file),
        "asset": _asset(found.asset, found.asset_folder),
        "journal": _row(found.journal, found.since),
        "decision": found.decision,
        "why": found.why,
        "steps": [
            {
                "action": str(op.action),
                "path": op.path,
                "target": op.target,
                "why": op.why,
                "bytes": op.size,
            }
            for op in found.operations
        ],
    }


def _file(entry: Entry | None) -> dict[str, object] | None:
    if entry is None:
        return None
    stamp = entry.stamp
    return {
        "kind": entry.kind.value,
        "size": entry.size,
        "modified": iso(stamp.mtime_ns / 1e9) if stamp is not None else None,
        "sha256": entry.digest,
    }


def _asset(entry: Entry | None, folder: str) -> dict[str, object] | None:
    if entry is None:
        return None
    return {
        "kind": "asset" if entry.kind.value == "file" else "tag",
        "id": _asset_id(entry.key),
        "name": entry.place.name,
        "folder": folder,
        "version": entry.revision,
        "size": entry.size,
        "updated": iso(entry.modified_ns / 1e9) if entry.modified_ns else None,
        "trashed": entry.trashed,
    }


def _row(item: Item | None, since: float | None) -> dict[str, object] | None:
    if item is None:
        return None
    return {
        "state": item.state.value,
        "path": item.path,
        "asset_id": _asset_id(item.key),
        "name": item.name,
        "version": item.revision,
        "size": item.size,
        "sha256": item.digest,
        "since": iso(since),
    }


def _show_explanation(found: Explanation) -> None:
    output.line((found.path, "bold"))
    output.line()
    file, asset, row = found.file, found.asset, found.journal
    here = "not there"
    if file is not None:
        here = "a folder" if file.kind.value == "folder" else size(file.size)
        if file.stamp is not None and file.kind.value == "file":
            here += f", modified {day_and_time(file.stamp.mtime_ns / 1e9)}"
    there = "not there"
    if asset is not None and asset.kind.value == "folder":
        there = f"tag {_number(asset.key)}, {asset.place.name}, carried by {count(asset.carried, 'asset')}"
    elif asset is not None:
        where = f" in {found.asset_folder}" if found.asset_folder else " without a folder tag"
        there = f"asset {_number(asset.key)}, version {asset.revision}, {size(asset.size)}: "
        there += f"{asset.place.name}{where}"
        there += "; in the trash" if asset.trashed else ""
    known = "not known"
    if row is not None and row.kind.value == "folder":
        known = f"folder {row.path}" + (
            f", tag {_number(row.key)}" if row.key else ", needs no tag of its own"
        )
    elif row is not None:
        known = f"asset {_number(row.key)}, version {row.revision}, {size(row.size)}: {row.path}"
        known += f"; {row.state.value}" if row.state.value != "agreed" else ""
    if row is not None and found.since is not None:
        known += f"; last changed {day_and_time(found.since)}"
    for label, text in (("folder", here), ("account", there), ("journal", known)):
        output.line((f"  {label:<10}", "dim"), text)
    output.line((f"  {'next pass':<10}", "dim"), (found.decision, "cyan"), f": {found.why}")
    if len(found.operations) > 1:
        for op in found.operations[1:]:
            target = f" -> {op.target}" if op.target and op.target != "bury" else ""
            output.line(f"  {'':<10}", ("then ", "dim"), (str(op.action), "cyan"), f" {op.path}{target}")


# -- paths -------------------------------------------------------------------------------------------------


def path_in(root: Path, text: str, journal: Journal) -> str:
    """Return a path as the journal has it: below the root, "/" between its parts, "" for the root itself.

    What is typed may be absolute, relative to where we are inside of the root, or relative to the root; of
    the two last the one that means something, on the disk or in the journal, is taken.
    """
    typed = os.path.expanduser(text)
    candidates = []
    if os.path.isabs(typed):
        candidates.append(typed)
    else:
        # The place where we are may have been removed.
        with contextlib.suppress(OSError):
            candidates.append(os.path.join(os.getcwd(), typed))
        candidates.append(os.path.join(root, typed))
    inside = [below for candidate in candidates if (below := _below(root, candidate)) is not None]
    if not inside:
        raise click.UsageError(f"{text} lies outside of the root {root}")
    for below in inside:
        if os.path.lexists(root / below) or journal.history(below, 1):
            return below
    return inside[-1]


def _below(root: Path, candidate: str) -> str | None:
    # A link itself is a path of its own; those on the way are followed.
    parent, name = os.path.split(os.path.normpath(candidate))
    whole = os.path.join(os.path.realpath(parent), name)
    below = os.path.relpath(whole, root)
    if below == ".":
        return ""
    return None if below == ".." or below.startswith("../") else below


def _number(key: str) -> str:
    return key.partition("@")[0]


def _asset_id(key: str) -> int:
    digits = _number(key)
    return int(digits) if digits.isascii() and digits.isdigit() else 0
