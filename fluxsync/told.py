"""What a task tells a person besides its document: values that also go through a socket."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["Failure", "HeldBack", "Notice", "Resolved", "Told"]


@dataclass(frozen=True, slots=True)
class Failure:
    """A path that could not be synced; with `next_try` (seconds since 1970) it is put aside until then."""

    path: str
    reason: str
    tries: int = 0
    next_try: float | None = None


@dataclass(frozen=True, slots=True)
class Notice:
    path: str
    reason: str


@dataclass(frozen=True, slots=True)
class HeldBack:
    """A change that a limit holds back."""

    why: str
    path: str
    action: str


@dataclass(frozen=True, slots=True)
class Resolved:
    """A conflict that was settled, and how."""

    path: str
    what: str


@dataclass(frozen=True, slots=True)
class Told:
    """What a pass, and what was done before it, leave to be said."""

    #: Files that both sides have now, equal.
    in_step: int = 0
    #: Assets that were deleted from the trash of the account for good.
    purged: int = 0
    #: The pass could not go on; `message` says why.
    stopped: bool = False
    message: str = ""
    #: A damaged journal was put away: said once.
    set_aside: str = ""
    notices: tuple[Notice, ...] = ()
    failures: tuple[Failure, ...] = ()
    held: tuple[HeldBack, ...] = ()
    resolved: tuple[Resolved, ...] = ()
    #: Older contents that a restored folder left in the trash.
    left: int = 0
