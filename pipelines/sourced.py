"""An answer whose points name the passages they rest on: each is held until it is whole, and let go
with its mark, or without one.

For models on this machine (:mod:`core.models.schema_calls`). A small one finds the right passage
more often than it copies a figure rightly, and always finds one: so a figure that its passage does
not have is never said, and what only touches on the question is not cited. The marks pass the check
of any other afterwards.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

from pipelines.facts import numbers, shares_figure, shares_name
from pipelines.masking import mask
from pipelines.passages import Passage, Passages
from pipelines.references import as_text

_MARK: Final = re.compile(r"\s?\[\s?\^?\d{1,6}(?:\s?[,;]\s?\d{1,6})*\s?\]")

# How near to the question a statement must be to be cited. On 75 questions about filings 12 of 15
# nearest statements with a figure that were so near bore the right answer out, of all of them half
# (docs/decisions/0031).
_NEAR_WITH_FIGURE: Final = 0.47
_NEAR_WITH_NAME: Final = 0.5
_NEAR: Final = 0.55  # without a fact that could be checked


class Sourced:
    """Feed it the pieces of an answer; what it returns joined is the answer with marks.

    ``secrets``, values by name, are not said where a passage's own words are.
    """

    def __init__(
        self, passages: Passages, question: str, secrets: Mapping[str, str] | None = None
    ) -> None:
        self._passages = passages
        self._question = question
        self._secrets = secrets or {}
        self._passage: Passage | None = None
        self._held: list[str] = []
        self._is_holding = False
        self._said: set[str] = set()

    def begin(self, n: int) -> str:
        """Begin a point that rests on passage ``n``; return the one before, whole."""
        before = self.finish()
        self._passage, self._is_holding = self._passages.get(n), True
        return before

    def feed(self, piece: str) -> str:
        """Return what may be said by now."""
        if not self._is_holding:
            return piece
        self._held.append(piece)
        return ""

    def finish(self) -> str:
        """Return the last point, if there is one."""
        point, passage = _MARK.sub("", "".join(self._held)).strip(), self._passage
        self._held, self._passage, self._is_holding = [], None, False
        if not point:
            return ""
        if passage is not None and not self._has_numbers(point, passage):
            point = self._own_words(passage)
        if point in self._said:
            return ""
        apart = " " if self._said else ""
        self._said.add(point)
        is_cited = passage is not None and self._is_borne_out(point, passage)
        return f"{apart}{point} [{passage.n}]" if passage and is_cited else f"{apart}{point}"

    def _has_numbers(self, point: str, passage: Passage) -> bool:
        known = f"{self._question} {passage.document_name} {passage.shown or passage.text}"
        return numbers(point) <= numbers(known)

    def _own_words(self, passage: Passage) -> str:
        text = as_text(mask(passage.shown or passage.text, self._secrets))
        # Its own brackets must not read as marks of ours.
        return " ".join(text.split()).replace("[", "(").replace("]", ")")

    def _is_borne_out(self, point: str, passage: Passage) -> bool:
        facts = point, passage.text, self._question
        return (
            passage.near >= _NEAR
            or (passage.near >= _NEAR_WITH_NAME and shares_name(*facts))
            or (passage.near >= _NEAR_WITH_FIGURE and shares_figure(*facts))
        )
