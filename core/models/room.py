"""How much a chat model is given to read: one on this machine reads fifty tokens a second."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from core.config import LOCAL_CHAT_PREFIX


@dataclass(frozen=True)
class Room:
    """``passages`` a search, of which only so many ``statements`` are given if it is not 0, unless
    there are fewer and all have no more than ``text`` characters; ``history`` in tokens; ``output``
    of one tool, in characters."""

    passages: int
    statements: int
    text: int
    history: int
    output: int


LARGE: Final = Room(passages=8, statements=0, text=10_000, history=3_000, output=20_000)
SMALL: Final = Room(passages=8, statements=6, text=6_000, history=1_000, output=2_400)


def room_of(model: str) -> Room:
    """Return how much a model is given."""
    return SMALL if is_local(model) else LARGE


def is_local(model: str) -> bool:
    """Whether a model runs on this machine, with no tool calls of its own to rely on."""
    return model.startswith(LOCAL_CHAT_PREFIX)
