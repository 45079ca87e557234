"""Who looks on while a pass runs, told in values that also go through a socket."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import count

from fluxsync.core.operations import ON_ACCOUNT, Operation, Plan
from fluxsync.engine.meter import Meter
from fluxsync.engine.watcher import Watcher

__all__ = ["Onlooker", "step_fields", "watcher_for"]


@dataclass(frozen=True, slots=True)
class Onlooker:
    """Called from any thread, and must come back at once."""

    #: What begins, in words.
    on_phase: Callable[[str], None] = lambda phase: None
    #: Steps that are planned, and the bytes that they send and fetch.
    on_plan: Callable[[int, int, int], None] = lambda steps, up, down: None
    #: Steps that were done, as `step_fields` has them, and how many there are so far. From afar some may be
    #: left out; the number is right.
    on_done: Callable[[Sequence[Mapping[str, object]], int], None] = lambda steps, done: None
    #: How many bytes have moved since the pass began.
    on_bytes: Callable[[int], None] = lambda moved: None


def watcher_for(onlooker: Onlooker) -> Watcher:
    """Return the watcher of a pass that tells this onlooker."""

    def on_plan(plan: Plan) -> None:
        up = sum(op.size for op in plan if op.action in ON_ACCOUNT)
        onlooker.on_plan(len(plan), up, sum(op.size for op in plan) - up)

    def on_done(operation: Operation) -> None:
        onlooker.on_done([step_fields(operation)], next(done))

    done = count(1)
    meter = Meter(lambda block, up: onlooker.on_bytes(meter.bytes_up + meter.bytes_down))
    return Watcher(onlooker.on_phase, on_plan, on_done, meter)


def step_fields(operation: Operation) -> dict[str, object]:
    """Return a step as the fields of an event: action, path, and what else there is of it."""
    fields: dict[str, object] = {"action": str(operation.action), "path": operation.path}
    key = operation.remote.key if operation.remote else operation.item.key if operation.item else ""
    if operation.target:
        fields["target"] = operation.target
    number = key.partition("@")[0]
    if number.isascii() and number.isdigit():
        fields["asset_id"] = int(number)
    if operation.size:
        fields["bytes"] = operation.size
    if operation.seconds:
        fields["seconds"] = round(operation.seconds, 3)
    return fields
