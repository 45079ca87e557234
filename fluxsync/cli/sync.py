"""`sync`: a complete pass now, by whoever works on the folder."""

from __future__ import annotations

import click

from fluxsync.cli.asking import pass_after
from fluxsync.cli.session import shared_options, this

__all__ = ["sync"]


@click.command(short_help="Make a complete pass now, by the service if one runs.")
@shared_options
@click.option(
    "--timeout",
    metavar="S",
    type=click.FloatRange(min=0, min_open=True),
    help="Wait for the running service for so many seconds at the most (exit 3); it goes on.",
)
def sync(timeout: float | None) -> int:
    """Have the running service make a complete pass now, and wait for it; without one, do as `--once` does.

    Changes: both sides, as any pass does. Output and exit codes are those of `fluxsync --once`. Interrupted,
    it only stops waiting: the service goes on.
    """
    from fluxsync.engine.service import Task, Verb

    session = this()
    return pass_after(session, session.settings(bar=True), Task(Verb.SYNC), timeout)
