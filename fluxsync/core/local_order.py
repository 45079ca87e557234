"""Puts local moves into an order in which each target is free when its turn comes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from fluxsync.core.operations import Operation
from fluxsync.core.paths import dirname, join, splitext

__all__ = ["order_moves"]


def order_moves(moves: Sequence[Operation], taken: Callable[[str], bool]) -> list[Operation]:
    """Order moves so that each target was vacated before; a cycle is opened by a hop to a name beside.

    The hop is an ordinary file in the folder, never hidden away: after a crash in the middle the next scan
    finds it and sees a move.
    """
    waiting = {move.path: move for move in moves}
    ordered: list[Operation] = []
    targets = {move.target for move in moves}
    while waiting:
        free = [move for move in waiting.values() if move.target not in waiting or move.target == move.path]
        if free:
            for move in free:
                ordered.append(move)
                del waiting[move.path]
            continue
        path, move = next(iter(waiting.items()))
        hop = _beside(move.target, lambda p: p in waiting or p in targets or taken(p))
        ordered.append(replace(move, target=hop))
        del waiting[path]
        waiting[hop] = replace(move, path=hop)
    return ordered


def _beside(path: str, taken: Callable[[str], bool]) -> str:
    stem, extension = splitext(path.rpartition("/")[2])
    number = 1
    while True:
        candidate = join(dirname(path), f"{stem} (moving {number}){extension}")
        if not taken(candidate):
            return candidate
        number += 1
