"""Values that go through the socket: dataclasses as JSON and back.

A field that one side does not know is ignored, one that is missing has its default: the command and the
service that it reaches may be of two releases.
"""

from __future__ import annotations

import types
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import fields, is_dataclass
from enum import Enum
from typing import Any, TypeVar, Union, cast, get_args, get_origin, get_type_hints

__all__ = ["VERSION", "decoded", "encoded"]

#: Of the requests and answers; what is not understood any more by an older one gets another number.
VERSION = 1

T = TypeVar("T")


def encoded(value: object) -> Any:
    """Return a value as JSON has it: dataclasses and mappings as objects, everything in a row as a list."""
    if isinstance(value, Enum):
        return value.value
    if value is None or isinstance(value, str | bool | int | float):
        return value
    if is_dataclass(value):
        return {field.name: encoded(getattr(value, field.name)) for field in fields(value)}
    if isinstance(value, Mapping):
        return {str(key): encoded(member) for key, member in value.items()}
    if isinstance(value, Iterable):
        return [encoded(member) for member in value]
    raise TypeError(f"{type(value).__name__} does not go through a socket")


def decoded(kind: type[T], value: object) -> T:
    """Return what `encoded` made of a value of that kind. Raises `ValueError` for anything else."""
    return cast(T, _decoded(kind, value))


def _decoded(kind: Any, value: Any) -> Any:
    origin, inner = get_origin(kind), get_args(kind)
    if kind in (object, Any):
        return value
    if origin in (Union, types.UnionType):
        return _one_of(inner, value)
    if kind is float and isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    if kind in (str, bool, int, float, type(None)):
        if type(value) is kind:
            return value
    elif origin is tuple or origin is Sequence:
        if isinstance(value, list) and (origin is Sequence or inner[1:] == (...,)):
            return tuple(_decoded(inner[0], member) for member in value)
        if isinstance(value, list) and len(value) == len(inner):
            return tuple(_decoded(each, member) for each, member in zip(inner, value, strict=True))
    elif origin is Mapping:
        if isinstance(value, dict):
            return {key: _decoded(inner[1], member) for key, member in value.items()}
    elif is_dataclass(kind):
        if isinstance(value, dict):
            return _made(kind, value)
    elif issubclass(kind, Enum):
        return kind(value)
    raise ValueError(f"not {getattr(kind, '__name__', kind)}: {value!r:.80}")


def _one_of(kinds: Sequence[Any], value: Any) -> Any:
    for kind in kinds:
        try:
            return _decoded(kind, value)
        except ValueError:
            continue
    raise ValueError(f"none of {kinds}: {value!r:.80}")


def _made(kind: Any, value: Mapping[str, Any]) -> Any:
    hints = get_type_hints(kind)
    known = {f.name: _decoded(hints[f.name], value[f.name]) for f in fields(kind) if f.name in value}
    try:
        return kind(**known)
    except TypeError as error:
        raise ValueError(str(error)) from None
