"""`rebuild`: forget the journal and merge both sides again."""

from __future__ import annotations

import sys

import click

from fluxsync.cli import output
from fluxsync.cli.asking import pass_after
from fluxsync.cli.exits import USAGE
from fluxsync.cli.session import shared_options, this

__all__ = ["rebuild"]


@click.command(short_help="Forget the journal and merge both sides again.")
@shared_options
@click.option("--yes", is_flag=True, help="Do not ask. Needed where nobody can be asked.")
def rebuild(yes: bool) -> int:
    """Forget what the journal knows, and merge both sides again.

    Changes: the journal, which forgets everything but its history; the marker of the root, where it is
    missing; then both sides, as a first pass does. What only one side has is copied to the other, equal files
    are adopted, different ones are kept as two files. Nothing is deleted: what was deleted on one side only
    comes back.

    It is the cure where folder or account are, on purpose, others than the journal knows.
    """
    from fluxsync.engine.service import Task, Verb

    session = this()
    settings = session.settings(bar=True)
    if not yes:
        if not (sys.stdin.isatty() and sys.stderr.isatty()):
            raise click.UsageError("rebuild asks on a terminal only: say --yes")
        question = f"Forget the journal of {settings.local.root} and merge it with {settings.remote.url}?"
        if not click.confirm(question, err=True):
            output.say("fluxsync: nothing was done")
            return USAGE
    return pass_after(session, settings, Task(Verb.REBUILD))
