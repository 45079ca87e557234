"""A removal that runs while a pass looks is seen whole before any of it is repeated, and a move is none.

Where nothing was deleted, or the traces of it are older than the quiet period, this costs nothing; else one
more walk, or one probe of the account. Only where that shows more, or a file that may be a deleted one, is
there a wait, a quiet period at a time and a minute at most, and both sides are looked at again. Where nobody
waits for the pass, that walk comes a quiet period later.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from functools import partial

from fluxsync.core.model import Scope
from fluxsync.core.removal import deleted_here, deleted_there, gone_here, is_over, may_have_moved, more_gone
from fluxsync.engine.decide import Decided
from fluxsync.engine.pair import Pair
from fluxsync.engine.view import View

__all__ = ["settled"]

_MOST_S = 60.0


def settled(
    pair: Pair,
    view: View,
    look: Callable[[], Decided | None],
    settle_s: float,
    clock: Callable[[], float],
    wait: Callable[[float], None],
    *,
    unattended: bool = False,
    known: Collection[str] | None = None,
) -> Decided | None:
    """Look and decide, again while deletions grow. Raises what `look` raises.

    `known` is what seemed to be deleted here in the round before, where there was one.
    """
    started = clock()
    looked_at = started
    decided = look()
    if not settle_s:
        return decided
    while decided is not None and clock() - started < _MOST_S:
        rest = partial(wait, settle_s) if unattended else _go_on
        if not _grows(pair, view, decided, looked_at - settle_s, rest, known):
            break
        before = _deletions(decided)
        wait(settle_s)
        looked_at = clock()
        decided = look()
        if decided is not None and _deletions(decided) <= before:
            break
    return decided


def _deletions(decided: Decided) -> frozenset[str]:
    changes = decided.seen.reconciliation.changes
    return deleted_here(changes) | deleted_there(changes)


def _go_on() -> None: ...


def _grows(
    pair: Pair,
    view: View,
    decided: Decided,
    since_s: float,
    rest: Callable[[], None],
    known: Collection[str] | None,
) -> bool:
    """Tell whether another look would show more deletions, or fewer; `rest` is called before a walk."""
    seen, guarded = decided.seen, decided.guarded
    # What the direction forbids to repeat is seen in each pass, and nothing is waited for.
    planned = {step.subject for step in decided.plan}
    going = [change for subject, change in enumerate(guarded.go) if subject in planned]
    # What is held back counts, too: a person lets through what was shown, and that is to be all of it.
    going += [held.change for held in guarded.held]
    here = deleted_here(going)
    # What was there a round ago has just gone, whatever its place says: it may have gone from another one.
    is_new = known is not None and not here <= set(known)
    if here and (is_new or not is_over(here, seen.local, int(since_s * 1e9))):
        by_path = {item.path: item for item in view.items if item.path}
        rest()
        now_here = pair.local.scan(Scope(), by_path)
        gone = [item for item in map(gone_here, going) if item is not None]
        if more_gone(seen.local, now_here, view.items) or may_have_moved(gone, seen.local, now_here):
            return True
    if deleted_there(going) and seen.remote.probe:
        now = pair.remote.probe()
        return now is not None and now.text != seen.remote.probe
    return False
