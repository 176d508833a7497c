"""From an answer as it is written to sentences as they are said."""

from __future__ import annotations

import re
from typing import Final

from core.sentences import sentences

_MARK: Final = re.compile(r"\s*\[\d+\]")  # a citation, which nobody says
_LINK: Final = re.compile(r"\[([^\]]*)\]\([^)]*\)")
_SIGNS: Final = re.compile(r"[*_`#>|]+|^\s*[-•]\s+", re.MULTILINE)


class Sentences:
    """Takes text as it comes; a sentence is complete when the next one has begun."""

    def __init__(self) -> None:
        self._text = ""

    def feed(self, delta: str) -> list[str]:
        """Return the sentences that are complete now, as they are said."""
        self._text += delta
        spans = sentences(self._text)
        if len(spans) < 2:
            return []
        last = spans[-1][0]
        complete = [self._text[start:end] for start, end in spans[:-1]]
        self._text = self._text[last:]
        return _said(complete)

    def rest(self) -> list[str]:
        """Return what is left at the end."""
        complete = [self._text[start:end] for start, end in sentences(self._text)]
        self._text = ""
        return _said(complete)


def _said(complete: list[str]) -> list[str]:
    spoken = (_SIGNS.sub(" ", _MARK.sub("", _LINK.sub(r"\1", text))) for text in complete)
    cleaned = (" ".join(text.split()) for text in spoken)
    return [text for text in cleaned if any(letter.isalnum() for letter in text)]
