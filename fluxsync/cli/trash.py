"""`trash`: what is in the two trashes, how it comes back, and how they are emptied."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import click

from fluxsync.cli import output
from fluxsync.cli.asking import done, pass_after
from fluxsync.cli.exits import USAGE, code_of, interruptible
from fluxsync.cli.session import Session, shared_options, this
from fluxsync.cli.times import Moment
from fluxsync.cli.trash_view import show, weight
from fluxsync.cli.where import paths_in
from fluxsync.engine.documents import trash_row

if TYPE_CHECKING:
    from fluxsync.engine.service import Outcome
    from fluxsync.settings import Settings

__all__ = ["trash"]

Row = dict[str, object]


@click.group(invoke_without_command=True, short_help="List, restore, or empty the trash of both sides.")
@shared_options
@click.pass_context
def trash(context: click.Context) -> int:
    """List what is in the trash, here and on the account, newest first, by the pass that put it there.

    Here: each file that fluxsync replaced or took away lies in .fluxsync/trash. On the account: the assets
    with the trash tag, whoever put it on. Both go for good after [sync] trash_days.

    Changes nothing. Where the account cannot be reached, its side is shown as the journal knows it.
    """
    if context.invoked_subcommand is not None:
        return 0
    from fluxsync.app import opened
    from fluxsync.trash import contents

    session = this()
    settings = session.settings(log=False)
    with interruptible(), opened(settings, dry_run=True) as app:
        found = contents(app)
    if session.json:
        sides = {"local": found.local, "remote": found.remote}
        output.document({side: [trash_row(thing) for thing in things] for side, things in sides.items()})
    else:
        show(found)
    if found.trouble is not None:
        output.say(f"fluxsync: {found.trouble}; the account's side is what the journal knows")
        return code_of(found.trouble)
    return 0


@trash.command(short_help="Bring back files, folders, or what a pass took away.")
@shared_options
@click.argument("names", nargs=-1, metavar="[PATH|ID|FOLDER/]...")
@click.option(
    "--since", metavar="TIME", type=Moment(), help='What came since: 2026-11-22T17:45, or "2 hours ago".'
)
@click.option("--pass", "number", metavar="N", type=click.IntRange(1), help="What pass N put there.")
def restore(names: Sequence[str], since: float | None, number: int | None) -> int:
    """Bring back what is in the trash, then make one pass, so that both sides are in step.

    PATH brings back the newest content of that path, ID that very file or asset, FOLDER/ what is missing in
    it. --since and --pass bring back all that came into the trash since then, or by that pass; with names,
    only that of it.

    Changes: files go back to their places; where another content has the name, the old one comes beside it
    as "NAME (restored DATE TIME)". Nothing is ever overwritten. The trash tag is taken off assets. Other
    changes that are due on either side are made by the same pass.
    """
    if not names and since is None and number is None:
        raise click.UsageError("say what to restore: a path, an ID, a folder, --since TIME or --pass N")
    from fluxsync.tasks import Restore, task

    session = this()
    settings = session.settings(bar=True)

    stands_for = {name: paths_in(settings.local.root, name) for name in names}
    return pass_after(session, settings, task(Restore(names, stands_for, since, number)))


@trash.command(short_help="Delete for good what is in the trash.")
@shared_options
@click.option("--local", "local", is_flag=True, help="Only the trash here.")
@click.option("--remote", "remote", is_flag=True, help="Only the trash of the account.")
@click.option("--yes", is_flag=True, help="Do not ask. Needed where nobody can be asked.")
def empty(local: bool, remote: bool, yes: bool) -> int:
    """Delete for good what is in the trash, on both sides unless one is named. This cannot be undone.

    Changes: the files in .fluxsync/trash are deleted, and the assets with the trash tag, whoever put it on.
    An asset that was taken out of the trash, or changed, since it was listed stays. Nothing else is touched.
    """
    from fluxsync.tasks import Empty, task

    session = this()
    settings = session.settings()
    if settings.sync.direction == "down":
        if remote:
            raise click.UsageError('[sync] direction = "down" never changes the account: say --local')
        local = True
    sides = (local or not remote, remote or not local)
    asks = not yes
    if asks and not (sys.stdin.isatty() and sys.stderr.isatty()):
        raise click.UsageError("trash empty asks on a terminal only: say --yes")
    shown: list[str] | None = None
    if asks:
        here, there = _listed(settings, *sides)
        if (here or there) and not click.confirm(f"Delete {weight(here, there)} for good?", err=True):
            output.say("fluxsync: nothing was done")
            return USAGE
        shown = [str(row["id"]) for row in (*here, *there)]
    outcome = done(session, settings, task(Empty(*sides, shown)))
    return outcome if isinstance(outcome, int) else _report(session, outcome)


def _listed(settings: Settings, local: bool, remote: bool) -> tuple[list[Row], list[Row]]:
    """List what is in the trash of the sides wanted. Raises what looking at the account raises."""
    from fluxsync.app import opened
    from fluxsync.trash import contents

    with interruptible(), opened(settings, dry_run=True) as app:
        found = contents(app, account=remote)
    if found.trouble is not None:
        raise found.trouble
    return [trash_row(thing) for thing in found.local if local], [trash_row(t) for t in found.remote]


def _report(session: Session, outcome: Outcome) -> int:
    emptied: Mapping[str, Any] = outcome.document
    here, there, failures = (emptied[key] for key in ("local", "remote", "failures"))
    if session.json:
        output.document(emptied)
    elif here or there:
        output.line(f"deleted for good: {weight(here, there)}")
    else:
        output.line("nothing was in the trash" if not failures else "nothing was deleted")
    for failed in failures:
        output.say(f"{failed['path']}: {failed['reason']}")
    return outcome.code
