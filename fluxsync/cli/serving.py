"""The service in the foreground: what systemd and launchd run."""

from __future__ import annotations

from fluxsync.cli.session import Session

__all__ = ["serve_in_foreground"]


def serve_in_foreground(session: Session) -> int:
    """Keep syncing until a signal ends it; returns the exit code. Raises `FluxsyncError`."""
    settings = session.settings(service=True)
    from fluxsync.memory import with_plain_allocator

    with_plain_allocator()
    from fluxsync.serve import serve

    return serve(settings, lambda: session.settings(service=True))
