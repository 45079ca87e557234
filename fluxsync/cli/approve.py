"""`approve`: let exactly what is held back now be done."""

from __future__ import annotations

import sys

import click

from fluxsync.cli import output
from fluxsync.cli.asking import pass_after
from fluxsync.cli.exits import USAGE
from fluxsync.cli.held import show_held
from fluxsync.cli.session import shared_options, this
from fluxsync.cli.words import count
from fluxsync.engine.documents import held_document

__all__ = ["approve"]


@click.command(short_help="Let exactly what is held back now be done.")
@shared_options
@click.option("--list", "list_", is_flag=True, help="Only show what is held back, and why.")
@click.option("--yes", is_flag=True, help="Do not ask. Needed where nobody can be asked.")
def approve(list_: bool, yes: bool) -> int:
    """Let exactly what the limits of [safety] hold back now be done, and nothing that came since.

    Changes: both sides, by one pass that does what was held back, and everything else that is due. What is
    approved does not count against the limits again. A file or asset that has changed since it was held back
    is not covered: it is held back anew. With --list nothing is changed.
    """
    from fluxsync.app import peeked
    from fluxsync.tasks import Approve, task

    session = this()
    settings = session.settings(log=not list_, bar=not list_)
    with peeked(settings) as journal:
        rows = journal.held()
    if list_ or not rows:
        if session.json:
            output.document({"held": held_document(rows)})
        elif rows:
            show_held(((row.why, row.path, row.action) for row in rows), output.line)
        else:
            output.line("nothing is held back")
        return 0
    if not yes:
        if not (sys.stdin.isatty() and sys.stderr.isatty()):
            raise click.UsageError("approve asks on a terminal only: say --yes")
        show_held(
            ((row.why, row.path, row.action) for row in rows),
            output.say,
            before="fluxsync: held back: ",
            bounded=True,
        )
        if not click.confirm(f"Let {count(len(rows), 'change')} be done?", err=True):
            output.say("fluxsync: nothing was done")
            return USAGE

    return pass_after(session, settings, task(Approve(rows)))
