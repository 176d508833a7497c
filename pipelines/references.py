"""References in the settings of blocks: ``<block.path.to.field>`` and ``{{SECRET}}``.

A text is read once: what a reference brings in is never searched for references again, so an
answer of a model that spells ``{{TOKEN}}`` stays a text.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Protocol

from pydantic import JsonValue

from core.errors import ValidationFailed
from core.json_values import MAX_DEPTH, JsonTooDeep, measure_json

MAX_TEXT = 4_000_000  # characters one interpolated text may reach
MAX_FILLED = 16_000_000  # characters that all texts of one block's settings may reach
_MAX_JSON_TEXT = 16_000_000
TOKEN = re.compile(
    r"<(?P<name>(?!\d+[.\[])\w[\w()-]*)(?P<path>(?:\.[\w-]+|\[\d{1,6}\])+)>"
    r"|\{\{\s*(?P<secret>[A-Za-z_][A-Za-z0-9_]*)\s*\}\}"
)
_BRACKETS = re.compile(r"<([^<>{}\n]{3,300})>")
_STEP = re.compile(r"\.([\w-]+)|\[(\d+)\]")


@dataclass(frozen=True)
class Reference:
    """``<name.path>``; ``name`` is lower-cased, ``path`` has at least one step."""

    name: str
    path: tuple[str, ...]

    def __str__(self) -> str:
        return f"<{self.name}.{'.'.join(self.path)}>"


@dataclass(frozen=True)
class Secret:
    """``{{name}}``."""

    name: str

    def __str__(self) -> str:
        return "{{" + self.name + "}}"


class Scope(Protocol):
    """What a block can see while it runs; ``secrets`` are those its workflow names."""

    @property
    def secrets(self) -> Mapping[str, str]:
        """The secrets of the workspace that the workflow names."""
        ...

    def lookup(self, reference: Reference) -> JsonValue:
        """Return the value; None when the block was skipped or has no such field."""
        ...

    def secret(self, name: str) -> str:
        """Return a secret of the workspace; raise ``ValidationFailed`` when it is not set."""
        ...


def token_of(match: re.Match[str]) -> Reference | Secret:
    """Return what a match of the token pattern spells."""
    if match["secret"]:
        return Secret(match["secret"])
    steps = tuple(word or number for word, number in _STEP.findall(match["path"]))
    return Reference(match["name"].lower(), steps)


def read_token(text: str) -> Reference | Secret:
    """Return the one token that ``text`` is; raise ValueError when it is none."""
    match = TOKEN.fullmatch(text)
    if match is None:
        raise ValueError(f"{text!r} is no reference")
    return token_of(match)


def find(value: JsonValue) -> Iterator[Reference | Secret]:
    """Yield every reference and secret in a setting, in reading order."""
    for text in filter(_may_have_tokens, _texts(value, 0)):
        yield from (token_of(match) for match in TOKEN.finditer(text))


def near_misses(value: JsonValue) -> Iterator[str]:
    """Yield what stands between ``<`` and ``>`` in a setting and is no reference."""
    for text in _texts(value, 0):
        for match in _BRACKETS.finditer(text):
            if TOKEN.fullmatch(match[0]) is None:
                yield match[1]


def has_tokens(value: JsonValue) -> bool:
    """Whether a setting's value is only known when the block runs."""
    return next(find(value), None) is not None


class TextBudget:
    """Counts the characters that references bring into the texts of one block's settings."""

    def __init__(self) -> None:
        self._left = MAX_FILLED

    def spend(self, chars: int) -> None:
        self._left -= chars
        if self._left < 0:
            raise ValidationFailed(
                f"The texts of a block exceed {MAX_FILLED} characters with their references "
                "filled in; refer to smaller parts of the values."
            )


def resolve(value: JsonValue, scope: Scope, budget: TextBudget | None = None) -> JsonValue:
    """Return ``value`` with its references filled in.

    A text that is exactly one reference takes the referenced value with its type; inside a longer
    text, objects and lists appear as JSON and missing values as nothing.
    """
    budget = budget or TextBudget()
    if isinstance(value, str):
        return _resolve_text(value, scope, budget)
    if isinstance(value, list):
        return [resolve(item, scope, budget) for item in value]
    if isinstance(value, dict):
        return {key: resolve(item, scope, budget) for key, item in value.items()}
    return value


def as_text(value: JsonValue) -> str:
    """Return how a value reads inside a text."""
    if value is None:
        return ""
    if isinstance(value, str):
        return value
    if measure_json(value, _MAX_JSON_TEXT) > _MAX_JSON_TEXT:
        raise ValidationFailed(
            f"A value is longer than {_MAX_JSON_TEXT} bytes as a text; refer to a smaller part."
        )
    return json.dumps(value, ensure_ascii=False)


def dig(value: JsonValue, path: tuple[str, ...]) -> JsonValue:
    """Walk into objects by key and lists by index; None where the way ends."""
    for step in path:
        if isinstance(value, dict):
            value = value.get(step)
        elif isinstance(value, list) and step.isdecimal() and int(step) < len(value):
            value = value[int(step)]
        else:
            return None
    return value


def _may_have_tokens(text: str) -> bool:
    """Whether a look at each character is needed: a large text mostly has no reference."""
    return "<" in text or "{{" in text


def _resolve_text(text: str, scope: Scope, budget: TextBudget) -> JsonValue:
    if not _may_have_tokens(text):
        return text
    whole = TOKEN.fullmatch(text.strip())
    if whole is not None:
        return value_of(token_of(whole), scope)
    size = len(text)

    def fill(match: re.Match[str]) -> str:
        nonlocal size
        filled = as_text(value_of(token_of(match), scope))
        size += len(filled)
        budget.spend(len(filled))
        if size > MAX_TEXT:
            raise ValidationFailed(
                f"A text with its references filled in exceeds {MAX_TEXT} characters; "
                "refer to a smaller part of the value."
            )
        return filled

    return TOKEN.sub(fill, text)


def value_of(token: Reference | Secret, scope: Scope) -> JsonValue:
    """Return what one reference or secret stands for."""
    return scope.secret(token.name) if isinstance(token, Secret) else scope.lookup(token)


def _texts(value: JsonValue, depth: int) -> Iterator[str]:
    if depth > MAX_DEPTH:
        raise JsonTooDeep
    if isinstance(value, str):
        yield value
    elif isinstance(value, list):
        for item in value:
            yield from _texts(item, depth + 1)
    elif isinstance(value, dict):
        for item in value.values():
            yield from _texts(item, depth + 1)
