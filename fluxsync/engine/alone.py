"""Tells an account that is away from one that fails at a single asset."""

from __future__ import annotations

from fluxsync.errors import ReplicaError, Unauthorized, Unavailable
from fluxsync.replica.base import RemoteReplica

__all__ = ["fails_alone"]


def fails_alone(remote: RemoteReplica, error: ReplicaError) -> None:
    """Return where only what was asked for failed: then it must not hold up the others.

    Raises the error where the account asks to be left alone or refuses the credentials, and what a simple
    question raises where the account is away.
    """
    if isinstance(error, Unauthorized) or (isinstance(error, Unavailable) and error.retry_after_s):
        raise error
    if isinstance(error, Unavailable):
        remote.probe()
