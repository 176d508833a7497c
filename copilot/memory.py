"""What a model is reminded of: the last messages of the chat, within a budget."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Final

from core.models.messages import Message
from core.text import analyze

BUDGET: Final = 12_000  # characters, about 3,000 tokens
MOST_MESSAGES: Final = 40
_LONGEST: Final = 4_000
_MARK: Final = re.compile(r"\s?\[\d+(?:, \d+)*\]")
_FEWEST_TERMS: Final = 4


def recall(newest_first: Iterable[tuple[str, str]], budget: int = BUDGET) -> list[Message]:
    """Return the newest ``(role, content)`` that fit, in order, beginning with the user.

    Long messages are cut; citation marks are left out, since their numbers were of other turns.
    """
    kept: list[Message] = []
    for role, content in newest_first:
        text = content if role == "user" else _MARK.sub("", content)
        text = text if len(text) <= _LONGEST else f"{text[:_LONGEST]} …"
        budget -= len(text)
        if budget < 0:
            break
        if text:
            kept.append({"role": role, "content": text})
    kept.reverse()
    while kept and kept[0]["role"] != "user":
        del kept[0]
    return kept


def search_words(question: str, history: Sequence[Message]) -> str:
    """Return what to search for: a question of few words means little without the one before."""
    if len(analyze(question, "auto")) >= _FEWEST_TERMS:
        return question
    asked = [str(message["content"]) for message in history if message["role"] == "user"]
    return f"{asked[-1]}\n{question}" if asked else question
