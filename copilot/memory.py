"""What a model is reminded of: the last messages of the chat, within a budget of tokens, and a
summary of those before them.

Tokens are estimated without the model's own counter: four characters of ASCII are one, any other
character is one by itself. Both are on the safe side for the usual vocabularies.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final

from core.models.messages import Message
from core.sentences import sentences
from core.text import analyze
from pipelines.marks import without

BUDGET: Final = 3_000  # tokens of the last messages
SUMMARY_BUDGET: Final = 500
MOST_MESSAGES: Final = 40
_LONGEST: Final = 4_000  # characters
_FEWEST_TERMS: Final = 4
_LONGEST_LINE: Final = 240


@dataclass(frozen=True)
class Said:
    """One message of a chat; ``at`` is when, as it is stored."""

    role: str
    content: str
    at: str = ""


def tokens(text: str) -> int:
    """Estimate how many tokens a text has."""
    ascii_only = sum(character.isascii() for character in text)
    return -(-ascii_only // 4) + len(text) - ascii_only


def recall(newest_first: Iterable[Said], budget: int = BUDGET) -> list[Message]:
    """Return the newest messages that fit, in order, beginning with the user.

    Long messages are cut; citation marks are left out, since their numbers were of other turns.
    """
    kept, _ = split(newest_first, budget)
    return kept


def split(newest_first: Iterable[Said], budget: int = BUDGET) -> tuple[list[Message], list[Said]]:
    """Return the messages that :func:`recall` keeps, and those it has no room for, oldest first."""
    kept: list[tuple[Message, Said]] = []
    left: list[Said] = []
    for said in newest_first:
        text = said.content if said.role == "user" else without(said.content)
        text = text if len(text) <= _LONGEST else f"{text[:_LONGEST]} …"
        budget -= tokens(text)
        if budget < 0:
            left.append(said)
        elif text:
            kept.append(({"role": said.role, "content": text}, said))
    kept.reverse()
    while kept and kept[0][0]["role"] != "user":
        left.insert(0, kept.pop(0)[1])
    left.reverse()
    return [message for message, _ in kept], left


def extracted(earlier: str, left: Sequence[Said]) -> str:
    """Return a summary without a model: what was asked, and how each answer begins.

    Where it grows over its budget, the oldest lines go.
    """
    lines = [line for line in earlier.split("\n") if line] + [_line(said) for said in left]
    while lines and tokens("\n".join(lines)) > SUMMARY_BUDGET:
        del lines[0]
    return "\n".join(lines)


def _line(said: Said) -> str:
    text = " ".join(without(said.content).split())
    first = next((text[start:end] for start, end in sentences(text)), text)
    who = "User" if said.role == "user" else "Copilot"
    return f"{who}: {first[:_LONGEST_LINE]}"


def search_words(question: str, history: Sequence[Message]) -> str:
    """Return what to search for: a question of few words means little without the one before."""
    if is_whole(question):
        return question
    asked = [str(message["content"]) for message in history if message["role"] == "user"]
    return f"{asked[-1]}\n{question}" if asked else question


def is_whole(question: str) -> bool:
    """Whether a question says enough by itself, so that nothing before it is read with it."""
    return len(analyze(question, "auto")) >= _FEWEST_TERMS


def told(summary: dict[str, Any] | None) -> str:
    """Return the text of a chat's stored summary."""
    return str(summary["text"]) if summary else ""
