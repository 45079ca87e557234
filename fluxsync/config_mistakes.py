"""A refused configuration as one line: the key, the value where it is no secret, and the cure."""

from __future__ import annotations

import json
from dataclasses import dataclass

from fluxsync.config_schema import Schema, did_you_mean

__all__ = ["Mistake"]

_SECRET = {("remote", "password"), ("remote", "password_command")}


@dataclass(frozen=True, slots=True)
class Mistake:
    """What a validator has refused, in its own words; `section` and `key` are "" where it names none."""

    section: str
    key: str
    #: The validator's name for what is wrong, like "missing", "int_type" or "value_error".
    kind: str
    reason: str
    value: object

    def message(self, schema: Schema) -> str:
        """Return the line for people, without where it was read."""
        section, key = self.section, self.key
        if self.kind == "missing":
            name = key or next(name for name, known in schema[section].items() if known.required)
            return f"[{section}] {name} is missing: write it, as config.example.toml shows"
        if not key:
            return _no_section(section, schema)
        if self.kind == "extra_forbidden":
            return f"[{section}] {key}: there is no such key{did_you_mean(key, schema[section])}"
        shown = "" if self._is_secret() else f" = {_shown(self.value)}"
        return f"[{section}] {key}{shown}: {self._cure()}"

    def _is_secret(self) -> bool:
        """Say whether the value may hold a password: before an @ in an address, after a colon in a user."""
        mark = {"url": "@", "username": ":"}.get(self.key)
        return (self.section, self.key) in _SECRET or (mark is not None and mark in str(self.value))

    def _cure(self) -> str:
        reason = self.reason.removeprefix("Value error, ")
        if self.kind == "value_error":
            return reason
        if self.kind.endswith(("_type", "_parsing")):
            return f"has the wrong type: {_lower(reason.removeprefix('Input '))}"
        return _lower(reason.replace("Input should be", "must be"))


def _no_section(name: str, schema: Schema) -> str:
    """Say what is wrong with something at the top of the file."""
    if name in schema:
        return f"[{name}] must be a section with keys below it"
    homes = [section for section, keys in schema.items() if name in keys]
    if homes:
        return f"{name} stands outside of a section: put it below [{homes[0]}]"
    return f"[{name}]: there is no such section{did_you_mean(name, schema)}"


def _lower(text: str) -> str:
    return text[:1].lower() + text[1:]


def _shown(value: object) -> str:
    text = json.dumps(value, ensure_ascii=False, default=str)
    return text if len(text) <= 80 else text[:77] + "..."
