"""The group of all commands and the global options.

Nothing heavy is imported before a command needs it: `--help` and `status` answer at once.
"""

from __future__ import annotations

import os
import sys

import click

from fluxsync import __version__
from fluxsync.cli import approve as approving
from fluxsync.cli import (
    conflicts,
    demo,
    explain,
    history,
    look,
    once,
    output,
    pausing,
    rebuild,
    sandbox,
    service,
    serving,
    sync,
    trash,
    versions,
)
from fluxsync.cli.exits import ended
from fluxsync.cli.session import Session, shared_options

__all__ = ["main"]

#: A shell that completes a line asks for words by this variable.
_COMPLETE = "_FLUXSYNC_COMPLETE"


@click.group(
    invoke_without_command=True,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog="Exit codes: 0 done; 1 some files failed, the rest is in step; 2 usage or configuration, nothing"
    " was touched; 3 the account cannot be reached or refused; 4 a safety rule stopped or held something"
    " back; 5 another fluxsync works on this folder; 130 interrupted.",
)
@shared_options
@click.option("--once", "once_", is_flag=True, help="Make one complete pass, then exit.")
@click.option(
    "--dry-run", is_flag=True, help="With --once: print the plan; touch neither side nor the journal."
)
@click.option(
    "--approve", is_flag=True, help="With --once: let this pass do what the limits of [safety] hold back."
)
@click.version_option(__version__, message="fluxsync %(version)s")
@click.pass_context
def fluxsync(context: click.Context, once_: bool, dry_run: bool, approve: bool) -> int | None:
    """Keep a folder and a Fluxiom account in step, both ways.

    Without a command it goes on until Ctrl-C or SIGTERM: it watches the folder, looks at the account from
    time to time, and brings over what changed. It logs on stderr. `fluxsync service install` has it run in
    the background. With --once it makes one complete pass and exits.

    Either way it compares the folder, the account and what both last agreed on; it sends, fetches, moves and
    renames until both are the same. What it deletes or replaces goes to a trash, on either side.
    """
    session = context.ensure_object(Session)
    if context.invoked_subcommand is not None:
        for flag, given in (("--once", once_), ("--dry-run", dry_run), ("--approve", approve)):
            if given:
                raise click.UsageError(f"{flag} does not go together with a command", context)
        return None
    if not once_:
        for flag, given in (("--dry-run", dry_run), ("--approve", approve)):
            if given:
                raise click.UsageError(f"{flag} goes together with --once", context)
        if session.json:
            # A service prints no document: a script would wait for one for ever.
            raise click.UsageError("--json goes together with --once or a command", context)
        return serving.serve_in_foreground(session)
    return once.sync_once(session, dry_run=dry_run, approve=approve)


for command in (
    sync.sync,
    look.status,
    history.history,
    explain.explain,
    conflicts.conflicts,
    versions.versions,
    approving.approve,
    pausing.pause,
    pausing.resume,
    trash.trash,
    rebuild.rebuild,
    service.service,
    sandbox.sandbox,
    demo.demo,
):
    fluxsync.add_command(command)


def main() -> None:
    """Run the command line and exit."""
    output.prepare()
    if asked := os.environ.get(_COMPLETE):
        from click.shell_completion import shell_complete

        sys.exit(shell_complete(fluxsync, {}, "fluxsync", _COMPLETE, asked))

    def work(session: Session) -> object:
        # Not `fluxsync.main`, which has its own ways to end.
        with fluxsync.make_context("fluxsync", sys.argv[1:], obj=session) as context:
            return fluxsync.invoke(context)

    sys.exit(ended(work, Session()))


if __name__ == "__main__":
    main()
