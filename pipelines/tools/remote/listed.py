"""A tool of another's as it is kept: its name, its schema, and how it is called."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Final

from pydantic import JsonValue

MOST_TOOLS: Final = 200  # of one source
BETWEEN: Final = "__"  # a source's name and its tool's
_LONGEST_NAME: Final = 64  # as models' providers have it
_LONGEST_TEXT: Final = 2_000
_ODD: Final = re.compile(r"[^A-Za-z0-9_-]+")


@dataclass(frozen=True)
class ListedTool:
    """``name`` begins with its source's; ``read_only`` is what the source says of it; ``call`` is
    for the kind of source alone to read."""

    name: str
    description: str
    parameters: dict[str, JsonValue]
    read_only: bool
    call: dict[str, Any]

    def wire(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def read(cls, wire: Mapping[str, Any]) -> ListedTool:
        return cls(**wire)


@dataclass(frozen=True)
class Listing:
    """What a source has; ``left_out`` says what of it can be no tool here, and why.

    ``url`` is the server's, where the source itself says which.
    """

    tools: list[ListedTool] = field(default_factory=list)
    left_out: list[str] = field(default_factory=list)
    url: str | None = None


def is_remote(name: str) -> bool:
    """Whether a tool's name is one of another's tool."""
    return BETWEEN in name


def source_of(name: str) -> str:
    """Return the name of the source that a tool is of."""
    return name.partition(BETWEEN)[0]


def named(source: str, name: str, taken: Iterable[str]) -> str:
    """Return the name that a tool has here: one that models' providers take, and no other's."""
    plain = _ODD.sub("_", name).strip("_") or "tool"
    whole = f"{source}{BETWEEN}{plain}"[:_LONGEST_NAME]
    others, number = set(taken), 2
    free = whole
    while free in others:
        free = f"{whole[: _LONGEST_NAME - 4]}_{number}"
        number += 1
    return free


def shortened(text: str) -> str:
    """Return a description of a length that a prompt can bear."""
    return text.strip()[:_LONGEST_TEXT]
