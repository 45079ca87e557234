"""The service in the foreground: what systemd and launchd run."""

from __future__ import annotations

from fluxsync.cli.session import Session

__all__ = ["serve_in_foreground"]


def serve_in_foreground(session: Session) -> int:
    """Keep syncing until a signal ends it; returns the exit code. Raises `FluxsyncError`."""
    settings = session.settings(service=True)
    from fluxsync.memory import with_plain_allocator

    with_plain_allocator()
    from fluxsync.engine.ask import is_running
    from fluxsync.errors import Locked
    from fluxsync.serve import serve

    try:
        return serve(settings, lambda: session.settings(service=True))
    except Locked:
        if not is_running(settings.journal_path):
            raise
        raise Locked(
            f"another fluxsync works on {settings.local.root}, as a service:"
            " `fluxsync status` shows what it does"
        ) from None
