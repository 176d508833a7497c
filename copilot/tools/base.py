"""What a tool of the copilot is: a typed coroutine, and what it takes to be let use it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TypeVar

from pydantic import JsonValue

from copilot.desk import Desk
from core.rights import Role
from pipelines.tools.base import Params, Typed

P = TypeVar("P", bound=Params)


@dataclass(frozen=True)
class CopilotTool(Typed[P]):
    """A tool: ``run`` takes a desk and ``params``; its docstring is what a model reads.

    ``domain`` and ``role`` are the right its caller needs, as a route's. A tool that is not
    ``read_only`` changes something; one that ``requires_approval`` waits for its user's word; one
    that is ``quoting`` returns what is stored, and nothing that its caller could have it spell.
    """

    name: str
    run: Callable[[Desk, P], Awaitable[JsonValue]]
    domain: str
    role: Role = Role.READ
    read_only: bool = True
    requires_approval: bool = False
    quoting: bool = True


class Nothing(Params):
    """No parameters."""
