"""An answer whose points name the passages they rest on: each is held until it is whole, and let go
with its mark, or without one.

For models on this machine (:mod:`core.models.schema_calls`). A small one finds the right passage
more often than it copies a figure rightly, and always finds one: so a figure that its passage does
not have is never said, and what only touches on the question is not cited. The marks pass the check
of any other afterwards. Free text, from texts that were given whole, is marked sentence by sentence
(:mod:`pipelines.marking`).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Final

from core.text import analyze
from pipelines.marking import Marking
from pipelines.marks import without
from pipelines.masking import mask
from pipelines.narrowing import ANSWERING, CITED
from pipelines.passages import Passage, Passages
from pipelines.references import as_text
from pipelines.support import find_support

UNCITED: Final = (
    "No passage was near enough to the question to be cited for this; look it up in the documents."
)
_NUMBER: Final = re.compile(r"\d+(?:[.,]\d+)*")


class Sourced:
    """Feed it the pieces of an answer; what it returns joined is the answer with marks.

    ``secrets``, values by name, are not said where a passage's own words are. With ``is_marked``
    free text is marked, too.
    """

    def __init__(
        self,
        passages: Passages,
        question: str,
        secrets: Mapping[str, str] | None = None,
        *,
        is_marked: bool = False,
    ) -> None:
        self._passages = passages
        self._question = question
        self._secrets = secrets or {}
        self._passage: Passage | None = None
        self._held: list[str] = []
        self._is_holding = False
        self._said: set[str] = set()
        self._is_cited = False
        self._free = Marking(self._source_of) if is_marked else None

    def begin(self, n: int) -> str:
        """Begin a point that rests on passage ``n``; return the one before, whole."""
        before = self.finish()
        self._passage, self._is_holding = self._passages.get(n), True
        return before

    def feed(self, piece: str) -> str:
        """Return what may be said by now."""
        if not self._is_holding:
            return self._free.feed(piece) if self._free else piece
        self._held.append(piece)
        return ""

    def end(self) -> str:
        """Return the last point; under an answer of which no point is cited, that it is not."""
        last = self.finish()
        has_said, is_cited = bool(self._said), self._is_cited
        if self._free:
            last = f"{self._free.finish()}{last}"
            has_said, is_cited = has_said or self._free.has_said, is_cited or self._free.has_cited
        if not has_said or is_cited or not len(self._passages):
            return last
        self._is_cited = True  # is said once
        return f"{last}\n\n{UNCITED}"

    def finish(self) -> str:
        """Return the last point, if there is one."""
        point, named = without("".join(self._held)).strip(), self._passage
        self._held, self._passage, self._is_holding = [], None, False
        if not point:
            return ""
        passage = self._bearing(point, named)
        if passage is None and (instead := self._instead(point, named)) is not None:
            point = self._own_words(instead)
            passage = self._bearing(point, instead)
        if point in self._said:
            return ""
        apart = " " if self._said else ""
        self._said.add(point)
        self._is_cited = self._is_cited or passage is not None
        return f"{apart}{point} [{passage.n}]" if passage else f"{apart}{point}"

    def _source_of(self, sentence: str) -> int | None:
        passage = self._bearing(sentence, None)
        return passage.n if passage else None

    def _bearing(self, point: str, named: Passage | None) -> Passage | None:
        """Return the passage that bears a point out: the one that was named, or the nearest other
        that does, since words are often taken over with another's number or none. A statement has
        to be near to the question; a text that was given whole is what the question is about."""
        near = (
            each
            for each in (named, *self._near())
            if each is not None and (each.worth >= CITED or not each.is_statement)
        )
        return next((each for each in near if self._is_borne_out(point, each)), None)

    def _instead(self, point: str, named: Passage | None) -> Passage | None:
        """Return the passage whose words are to be said in the place of a point with a number that
        is not there: the one that was named, else the nearest that is near enough."""
        source = named or next((each for each in self._near() if each.near >= ANSWERING), None)
        return None if source is None or self._has_numbers(point, source) else source

    def _near(self) -> list[Passage]:
        return sorted(self._passages, key=lambda passage: -passage.worth)

    def _is_borne_out(self, point: str, passage: Passage) -> bool:
        span = find_support(point, passage.text, passage.shown)
        if span is None or passage.is_statement:
            return span is not None and self._has_numbers(point, passage)
        # Of a whole text most words of any sentence stand somewhere: those quoted must say it.
        text = passage.text
        quote = replace(passage, text=text[span.start : span.end])
        is_said = find_support(point, quote.text) is not None
        rest = _words(f"{text[: span.start]} {text[span.end :]}")
        is_mixed = (_words(point) & rest) - _words(f"{self._question} {quote.text}")
        return is_said and not is_mixed and self._has_numbers(point, quote)

    def _has_numbers(self, point: str, passage: Passage) -> bool:
        known = f"{self._question} {passage.document_name} {passage.shown} {passage.text}"
        return _numbers(point) <= _numbers(known)

    def _own_words(self, passage: Passage) -> str:
        text = as_text(mask(passage.shown or passage.text, self._secrets))
        # Its own brackets must not read as marks of ours.
        return " ".join(text.split()).replace("[", "(").replace("]", ")")


def _words(text: str) -> set[str]:
    return set(analyze(text, "auto"))


def _numbers(text: str) -> set[str]:
    """Return every number of a text, without commas between its digits."""
    return {number.replace(",", "") for number in _NUMBER.findall(text)}
