"""Every way in which a command can end: an exit code, and one line on stderr.

0    done                         4    a safety rule stopped or held back something
1    some files failed            5    another fluxsync works on this folder
2    usage or configuration     130    interrupted
3    the service cannot be reached or refused
"""

from __future__ import annotations

import contextlib
import errno
import os
import signal
import sys
import threading
import traceback
from collections.abc import Callable, Iterator
from pathlib import Path
from types import FrameType
from typing import NoReturn

import click

from fluxsync.cli import output
from fluxsync.cli.session import Session
from fluxsync.errors import (
    ConfigError,
    FluxsyncError,
    Halted,
    Locked,
    StateError,
    Unauthorized,
    Unavailable,
)

__all__ = ["FAILED", "INTERRUPTED", "USAGE", "code_of", "ended", "interruptible"]

FAILED = 1
USAGE = 2
INTERRUPTED = 130
#: Seconds that an interrupted pass may take to end cleanly; the journal bears being cut off.
_GRACE_S = 10.0

_CODES: tuple[tuple[type[FluxsyncError], int], ...] = (
    (ConfigError, USAGE),
    (StateError, USAGE),
    (Unavailable, 3),
    (Unauthorized, 3),
    (Halted, 4),
    (Locked, 5),
)


def code_of(error: FluxsyncError) -> int:
    """Return the exit code that an error means."""
    return next((code for kind, code in _CODES if isinstance(error, kind)), FAILED)


def ended(work: Callable[[Session], object], session: Session) -> int:
    """Do the work and return the exit code, whatever happens; a whole number that it returns is the code."""
    try:
        code = work(session)
        return code if isinstance(code, int) else 0
    except click.exceptions.Exit as error:
        return error.exit_code
    except click.UsageError as error:
        output.say(f"fluxsync: {_usage(error)}")
        return USAGE
    except click.ClickException as error:
        output.say(f"fluxsync: {error.format_message()}")
        return error.exit_code
    except (KeyboardInterrupt, click.Abort):
        if sys.stderr.isatty():
            output.say("")  # the terminal shows ^C
        output.say("fluxsync: interrupted: the next run continues")
        return INTERRUPTED
    except FluxsyncError as error:
        output.say(f"fluxsync: {error}")
        return code_of(error)
    except BrokenPipeError:
        return 0
    except OSError as error:
        if error.errno not in (errno.ENOSPC, errno.EDQUOT):
            output.say(f"fluxsync: {_fault(error, session)}")
            return FAILED
        output.drop()
        output.say(f"fluxsync: {output.unwritable(error)}")
        return FAILED
    except Exception as error:
        output.say(f"fluxsync: {_fault(error, session)}")
        return FAILED


@contextlib.contextmanager
def interruptible() -> Iterator[None]:
    """Let SIGINT and SIGTERM end a pass cleanly, and the program at once where that takes too long."""

    def stop(number: int, frame: FrameType | None) -> None:
        for each in before:
            signal.signal(each, abandon)
        timer = threading.Timer(_GRACE_S, _abandon)
        timer.daemon = True
        timer.start()
        raise KeyboardInterrupt

    def abandon(number: int, frame: FrameType | None) -> None:
        _abandon()

    before = {number: signal.signal(number, stop) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        if signal.getsignal(signal.SIGINT) is stop:
            for number, handler in before.items():
                signal.signal(number, handler)


def _abandon() -> NoReturn:
    """End at once: what was under way is looked for by the next run."""
    with contextlib.suppress(OSError):
        os.write(2, b"fluxsync: interrupted: the next run continues\n")
    os._exit(INTERRUPTED)


def _usage(error: click.UsageError) -> str:
    message = " ".join(error.format_message().split()).rstrip(".")
    name = error.ctx.command_path if error.ctx is not None else "fluxsync"
    return f"{message}: see `{name} --help`"


def _fault(error: Exception, session: Session) -> str:
    """Write down the details of what should never happen, and say where."""
    what = f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
    if session.verbose and session.logs:
        from fluxsync import logs

        logs.get(__name__).error("a fault of fluxsync", exc_info=error)
    try:
        from fluxsync.logs import masked

        what = masked(what)
        where = _faults_file()
        with open(
            os.open(where, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600), "a", encoding="utf-8"
        ) as file:
            text = "".join(traceback.format_exception(error))
            file.write(
                f"{' '.join(sys.argv[:1])} {_version()}\n{masked(text)}\n".encode(errors="replace").decode()
            )
    except Exception:
        return f"this is a fault of fluxsync ({what}): please report it, with what -v logs"
    return f"this is a fault of fluxsync ({what}): the details are in {where}, please report them"


def _faults_file() -> Path:
    import platformdirs

    folder = platformdirs.user_state_path("fluxsync", appauthor=False)
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    return folder / "faults.log"


def _version() -> str:
    from fluxsync import __version__

    return __version__
