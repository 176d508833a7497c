"""Calls of tools that rules ask for, and what they came to."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from pydantic import JsonValue


@dataclass(frozen=True)
class Use:
    """One call of a tool that a rule asks for."""

    tool: str
    arguments: dict[str, JsonValue]


@dataclass(frozen=True)
class Result:
    """What it came to: ``output`` is what the tool returned, None where ``error`` says why."""

    tool: str
    output: Any
    error: str | None = None
