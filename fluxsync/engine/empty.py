"""Empties both trashes because a person says so."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field

from fluxsync.core.model import Action, State
from fluxsync.core.operations import Operation, Plan
from fluxsync.core.restore import InTrash
from fluxsync.engine.doubts import Line
from fluxsync.engine.execute import Executor
from fluxsync.engine.ledger import Ledger
from fluxsync.engine.pair import Pair
from fluxsync.engine.steps import Mover
from fluxsync.engine.trash import drop
from fluxsync.engine.watcher import Watcher

__all__ = ["Emptied", "empty"]

_WHY = "the trash was emptied"


@dataclass(slots=True)
class Emptied:
    """What is gone for good, and what could not be deleted, with the reason."""

    gone: list[InTrash] = field(default_factory=list)
    failures: dict[str, str] = field(default_factory=dict)


def empty(pair: Pair, things: Collection[InTrash], watcher: Watcher) -> Emptied:
    """Delete exactly these things for good; an asset only while it is in the trash, as it was listed.

    Raises `Unavailable`, `Unauthorized`, `Halted`; what was done until then is in the history.
    """
    result = Emptied()
    files = {thing.file.where: thing for thing in things if thing.file is not None}
    _empty_here(pair, files, watcher, result)
    assets = [thing for thing in things if thing.asset is not None]
    if assets:
        _empty_there(pair, assets, watcher, result)
    return result


def _empty_here(pair: Pair, files: dict[str, InTrash], watcher: Watcher, result: Emptied) -> None:
    wanted = [thing.file for thing in files.values() if thing.file is not None]
    why = dict.fromkeys(files, _WHY)
    refused = drop(pair.local, pair.journal, wanted, why, now_s=watcher.clock(), pass_number=0)
    result.failures.update({files[where].path: reason for where, reason in refused.items()})
    result.gone += [thing for where, thing in files.items() if where not in refused]


def _empty_there(pair: Pair, assets: list[InTrash], watcher: Watcher, result: Emptied) -> None:
    plan = Plan(purges=[_purge(thing, subject) for subject, thing in enumerate(assets)])
    ledger = Ledger(
        pair.journal,
        plan,
        pass_number=0,
        approved=range(len(assets)),
        clock=watcher.clock,
        on_done=watcher.on_done,
    )
    # No purge leaves anything that would have to be found.
    line = Line(lambda intents, entries: {}, lambda intents: None, pair.idle_s, watcher.wait)
    mover = Mover(pair.local, pair.remote, watcher.meter)
    try:
        Executor(mover, ledger, line, connections=pair.connections, mark="").run(plan)
    finally:
        result.gone += [assets[operation.subject] for operation in ledger.result.done]
        for failed in (*ledger.result.problems, *ledger.result.stale):
            result.failures[failed.path] = failed.reason


def _purge(thing: InTrash, subject: int) -> Operation:
    # The row of a file that is still here stays: the next pass repeats the deletion here.
    item = thing.item if thing.item is not None and thing.item.state is State.TRASHED else None
    return Operation(Action.PURGE, thing.path, _WHY, subject, item, remote=thing.asset)
