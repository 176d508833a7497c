"""Answers without a language model: the best statements of the passages, quoted word for word."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator, Sequence
from typing import Final

from copilot.quoting import Quote, find_quotes
from core.config import OFFLINE_CHAT_MODEL
from core.models.messages import ChatRequest, Message
from core.models.providers import register_provider
from pipelines.passages import question_of, read

ABSTENTION: Final = (
    "I could not find an answer to that in the documents. Try other words, or add documents "
    "that cover it."
)
UNSURE: Final = "I could not find a sure answer to that in the documents. What comes nearest:"
NOTHING_TO_QUOTE: Final = (
    "I can quote what documents say about a question; I cannot write, compute or call tools, "
    "and I was given no documents to look in."
)

_WORDS_A_PIECE: Final = 4


def register() -> None:
    """Make the offline answerer a chat model, for the doors to call at their start."""
    register_provider(OFFLINE_CHAT_MODEL.partition("/")[0], answer)


async def answer(request: ChatRequest) -> AsyncIterator[str]:
    """Yield an answer quoted from the passages in the messages, or say that there is none."""
    passages = [found for message in request.messages for found in read(_text(message))]
    if not passages:
        text = ABSTENTION if _was_searched(request) else NOTHING_TO_QUOTE
    else:
        quotes = await find_quotes(_question(request.messages), passages)
        text = _written(quotes)
    for piece in _pieces(text):
        yield piece
        await asyncio.sleep(0)


def _written(quotes: Sequence[Quote]) -> str:
    if not quotes:
        return ABSTENTION
    # The passage's own brackets must not read as marks of ours.
    lines = [f"{q.text.replace('[', '(').replace(']', ')')} [{q.n}]" for q in quotes]
    if not any(quote.is_sure for quote in quotes):
        return "\n".join([f"{UNSURE}\n", *(f"- {line}" for line in lines)])
    return lines[0] if len(lines) == 1 else "\n".join(f"- {line}" for line in lines)


def _pieces(text: str) -> Iterator[str]:
    words = text.split(" ")
    for start in range(0, len(words), _WORDS_A_PIECE):
        group = " ".join(words[start : start + _WORDS_A_PIECE])
        yield group if start + _WORDS_A_PIECE >= len(words) else f"{group} "


def _question(messages: Sequence[Message]) -> str:
    asked = [_text(message) for message in messages if message.get("role") == "user"]
    return question_of(asked[-1]) if asked else ""


def _was_searched(request: ChatRequest) -> bool:
    return any("<passages>" in _text(message) for message in request.messages)


def _text(message: Message) -> str:
    """Return the text of a user's or tool's message; the system's prompt carries no passages."""
    content = message.get("content")
    if message.get("role") not in {"user", "tool"} or not isinstance(content, str):
        return ""
    return content
