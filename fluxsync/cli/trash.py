"""`trash`: what is in the two trashes, how it comes back, and how they are emptied."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING

import click

from fluxsync.cli import output
from fluxsync.cli.exits import FAILED, USAGE, code_of, interruptible
from fluxsync.cli.once import Ahead, one_pass
from fluxsync.cli.session import Session, shared_options, this
from fluxsync.cli.times import Moment
from fluxsync.cli.trash_view import back_row, row, show, weight
from fluxsync.cli.where import paths_in

if TYPE_CHECKING:
    from fluxsync.app import App
    from fluxsync.core.restore import Chosen, InTrash
    from fluxsync.engine.empty import Emptied
    from fluxsync.settings import Settings
    from fluxsync.trash import Contents

__all__ = ["trash"]


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
        output.document({"local": [row(t) for t in found.local], "remote": [row(t) for t in found.remote]})
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
    session = this()
    settings = session.settings(bar=True)

    def bring_back(app: App) -> Ahead:
        from fluxsync.trash import contents, restore

        found = contents(app)
        chosen = _choose(settings, found, names, since, number)
        ahead = Ahead()
        here = {thing.path for thing in chosen.things if thing.file is not None}
        within_reach = [thing for thing in chosen.things if thing.file is not None or thing.asset is not None]
        for thing in chosen.things:
            if found.trouble is not None and thing.asset is None and thing.path not in here:
                raise found.trouble
        result = restore(app, within_reach)
        ahead.failures.update(result.failures)
        ahead.document["restored"] = [back_row(back) for back in result.back]
        if not session.json:
            for back in result.back:
                output.line((back.thing.path, "bold"), f"  {back.what or 'back in its place'}")
            if chosen.left:
                output.line(
                    (f"{chosen.left:,} older contents of files that are there stay in the trash", "dim")
                )
        return ahead

    return one_pass(session, settings, first=bring_back)


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
    shown: set[str] | None = None
    if asks:
        with _opened(settings, dry_run=True) as app:
            things = _things(app, sides)
        if things and not click.confirm(f"Delete {weight(things)} for good?", err=True):
            output.say("fluxsync: nothing was done")
            return USAGE
        shown = {thing.id for thing in things}
    with interruptible(), _opened(settings) as app:
        things = [thing for thing in _things(app, sides) if shown is None or thing.id in shown]
        emptied = _empty(session, app, things)
    return _report(session, emptied)


def _opened(settings: Settings, *, dry_run: bool = False) -> AbstractContextManager[App]:
    from fluxsync.app import opened

    return opened(settings, dry_run=dry_run)


def _things(app: App, sides: tuple[bool, bool]) -> list[InTrash]:
    """List what is in the trash of the sides wanted. Raises what looking at the account raises."""
    from fluxsync.trash import contents

    found = contents(app, account=sides[1])
    if found.trouble is not None:
        raise found.trouble
    return [*(found.local if sides[0] else []), *found.remote]


def _empty(session: Session, app: App, things: Sequence[InTrash]) -> Emptied:
    from fluxsync.cli.progress import watching
    from fluxsync.trash import empty

    with watching(session) as (watcher, _):
        return empty(app, things, watcher)


def _report(session: Session, emptied: Emptied) -> int:
    if session.json:
        sides = {"local": [t for t in emptied.gone if t.file], "remote": [t for t in emptied.gone if t.asset]}
        document: dict[str, object] = {side: [row(t) for t in things] for side, things in sides.items()}
        document["failures"] = [{"path": p, "reason": why} for p, why in sorted(emptied.failures.items())]
        output.document(document)
    elif emptied.gone:
        output.line(f"deleted for good: {weight(emptied.gone)}")
    else:
        output.line("nothing was in the trash" if not emptied.failures else "nothing was deleted")
    for path, reason in sorted(emptied.failures.items()):
        output.say(f"{path}: {reason}")
    return FAILED if emptied.failures else 0


def _choose(
    settings: Settings, found: Contents, names: Sequence[str], since: float | None, number: int | None
) -> Chosen:
    """Return what is meant. Raises `ConfigError` where something that was named is not there."""
    from fluxsync.core.restore import Chosen, choose, within
    from fluxsync.errors import ConfigError

    root = settings.local.root
    everything = within([*found.local, *found.remote], since, number)
    if not names:
        if not everything:
            raise ConfigError("nothing that is in the trash came then; `fluxsync trash` lists what is there")
        return Chosen(everything, [])
    named = [(name, paths_in(root, name)) for name in names]
    whole = since is not None or number is not None
    chosen = choose(everything, named, None if whole else lambda path: os.path.lexists(root / path))
    if chosen.missing:
        if found.trouble is not None:
            raise found.trouble
        raise ConfigError(f"{chosen.missing[0]}: not in the trash; `fluxsync trash` lists what is there")
    return chosen
