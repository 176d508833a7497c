"""What the tools of one turn, or of one call from outside, work with."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any

from copilot.modes import Mode
from core.rights import Rights
from core.services import Services
from pipelines.passages import Passages

Artifact = dict[str, Any]
"""``{token, type, title, url}``, as its event and its message hold it."""
Show = Callable[[Artifact], Awaitable[None]]


@dataclass(frozen=True)
class Desk:
    """In whose name tools work, and on what.

    ``mode`` is None where a person or program calls a tool itself, outside any chat; ``show``
    takes what a tool made for the user to see. ``chat_id`` and ``message_id`` are of the turn.
    """

    services: Services
    workspace_id: str
    user_id: str
    rights: Rights
    mode: Mode | None
    base_ids: Sequence[str]
    workflow_id: str | None
    passages: Passages
    show: Show
    chat_id: str | None = None
    message_id: str | None = None
