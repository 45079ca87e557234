"""`history`: what was done, by path, time, action or pass."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import click

from fluxsync.cli import output
from fluxsync.cli.session import shared_options, this
from fluxsync.cli.times import Moment
from fluxsync.cli.where import asset_id, number, path_in
from fluxsync.cli.words import column, day_and_time, iso
from fluxsync.core.model import Action

if TYPE_CHECKING:
    from fluxsync.state.journal import Event

__all__ = ["history"]


@click.command(short_help="Show what was done, newest first.")
@shared_options
@click.argument("path", required=False)
@click.option(
    "--action",
    "actions",
    metavar="ACTION",
    type=click.Choice([str(action) for action in Action if action is not Action.HOLD]),
    multiple=True,
    help="Only what was done in this way, as create, version, download; several times for several.",
)
@click.option(
    "--since", metavar="TIME", type=Moment(), help='From this time on: 2026-11-22T17:45, or "2 hours ago".'
)
@click.option("--until", metavar="TIME", type=Moment(), help="Before this time.")
@click.option("--pass", "pass_number", metavar="N", type=click.IntRange(0), help="Only what this pass did.")
@click.option(
    "--match",
    metavar="TEXT",
    default="",
    help="Only where the path or the reason holds this text; moves name the old path there.",
)
@click.option(
    "--limit", metavar="N", type=click.IntRange(1), default=100, show_default=True, help="At most so many."
)
def history(
    path: str | None,
    actions: tuple[str, ...],
    since: float | None,
    until: float | None,
    pass_number: int | None,
    match: str,
    limit: int,
) -> None:
    """Show what was done, newest first, with the number of the pass that did it.

    PATH, absolute or relative, stands for itself and everything below it. Options narrow it down together.
    Changes nothing.
    """
    from fluxsync.app import peeked
    from fluxsync.state.search import Search

    if since is not None and until is not None and since >= until:
        raise click.UsageError("--since is not before --until")
    session = this()
    settings = session.settings(log=False)
    with peeked(settings) as journal:
        below = path_in(settings.local.root, path, journal) if path is not None else ""
        events = journal.search(Search(below, actions, since, until, pass_number, match), limit)
    if session.json:
        output.document({"events": [_event(event) for event in events]})
    elif not events:
        narrowed = bool(actions or match) or (since, until, pass_number) != (None, None, None)
        what = "nothing of the kind was done" if narrowed else "nothing was done"
        output.line(f"{what} at {below}" if below else what if narrowed else f"{what} yet")
    else:
        _show_history(events)


def _event(event: Event) -> dict[str, object]:
    return {
        "time": iso(event.time),
        "pass": event.pass_number,
        "action": event.action,
        "path": event.path,
        "asset_id": asset_id(event.asset_id),
        "outcome": event.outcome,
        "detail": event.detail,
        "bytes": event.bytes,
    }


def _show_history(events: Sequence[Event]) -> None:
    shown = None
    width = min(60, max(len(event.path) for event in events))
    for event in events:
        if event.pass_number != shown:
            if shown is not None:
                output.line()
            shown = event.pass_number
            output.line(
                (f"pass {shown}" if shown else "by a command", "bold"),
                (f"   {day_and_time(event.time)}", "dim"),
            )
        done = event.outcome == "done"
        detail = event.detail if done else f"{event.outcome}: {event.detail}"
        output.line(
            ("  " if done else "! ", "red"),
            f"{event.action:<13} ",
            f"{event.path:<{width}}  ",
            (f"{column(event.bytes) if event.bytes else '':11}  {number(event.asset_id):>8}  ", "dim"),
            (detail, "dim" if done else "red"),
        )
