"""Which words of a passage bear a claim out: the quote behind a citation, taken in code."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain
from typing import Final

from core.markdown_tables import is_head, rows
from core.sentences import sentences
from core.text import analyze

_LONGEST_QUOTE: Final = 600  # characters
_LONGEST_CLAIM: Final = 1200
_VERBATIM: Final = re.compile(r"[\"“«„]([^\"“”«»„]{12,400})[\"”»“]")
_LIST_MARK: Final = re.compile(r"^\s*(?:\d{1,3}[.)]|[-*•#>]+)\s+", re.MULTILINE)
_CLOSING: Final = re.compile(r"[.!?…。！？\"”’)]*")
_NUMBER: Final = re.compile(r"\d")
_SAYS: Final = re.compile(r"\w")  # what no rule does

# A claim is borne out if this share of its weighted words stands in the passage. Paraphrase
# keeps names and figures and changes the rest; an unrelated passage shares less than a fifth.
_LEAST_SHARE: Final = 0.34
_NUMBER_WEIGHT: Final = 2.0
_SECOND_SENTENCE_SHARE: Final = 0.25


@dataclass(frozen=True)
class Span:
    """A piece of a passage's text, by code points."""

    start: int
    end: int


def find_support(said: str, text: str) -> Span | None:
    """Return the piece of ``text`` that bears out what was ``said`` last, None if nothing does.

    Words taken over as they stand count first; then the one or two neighbouring sentences that
    hold most of the words and figures of the last sentence said, or of the last few together.
    A sentence whose figures are all missing from the text is not borne out.
    """
    claims = _claims(_LIST_MARK.sub("", said[-_LONGEST_CLAIM:]))
    spans = chain((_verbatim(claim, text) for claim in claims),
                  (_by_words(claim, text) for claim in claims))  # fmt: skip
    return next(filter(None, spans), None)


def _claims(said: str) -> list[str]:
    """Return the last sentence, the last two, and all of it if that is not much more."""
    spans = sentences(said)
    if not spans:
        return []
    end = spans[-1][1]
    counts = range(1, min(len(spans), 3 if len(spans) <= 3 else 2) + 1)
    return [said[spans[-count][0] : end] for count in counts]


def _verbatim(claim: str, text: str) -> Span | None:
    quoted = [match.group(1) for match in _VERBATIM.finditer(claim)]
    for candidate in [claim, *sorted(quoted, key=len, reverse=True)]:
        words = candidate.strip(" \n\t.,;:–-*_#>").split()
        if len(words) < 3:
            continue
        found = re.search(r"\s+".join(map(re.escape, words)), text)
        if found:
            closing = _CLOSING.match(text, found.end()) if candidate is claim else None
            return _bounded(text, found.start(), closing.end() if closing else found.end())
    return None


def _by_words(claim: str, text: str) -> Span | None:
    weights = _weights(claim)
    if not weights:
        return None
    spans = list(_pieces(text)) or sentences(text)
    shares = [_share(weights, set(analyze(text[start:end], "auto"))) for start, end in spans]
    whole = set(analyze(text, "auto"))
    if _share(weights, whole) < _LEAST_SHARE or not _has_a_figure(weights, whole):
        return None
    best = max(range(len(spans)), key=lambda i: shares[i])
    return _bounded(text, *_with_neighbour(text, spans, best, weights))


def _pieces(text: str) -> Iterator[tuple[int, int]]:
    """Yield the sentences of a text, of a table its rows, without the head, which may stand on
    several lines of its page: together with it a row is not what the page shows."""
    for start, end in sentences(text):
        at = start
        for first, last in rows(text, start, end):
            if text[at:first].strip():
                yield at, first
            if _SAYS.search(text, first, last) and not is_head(text, last):
                yield first, last
            at = last
        if text[at:end].strip():
            yield at, end


def _with_neighbour(
    text: str, spans: list[tuple[int, int]], best: int, weights: dict[str, float]
) -> tuple[int, int]:
    """Return the best sentence, with the neighbour that adds much of what it lacks."""
    start, end = spans[best]
    alone = _share(weights, set(analyze(text[start:end], "auto")))
    widened = [
        (min(start, spans[i][0]), max(end, spans[i][1]))
        for i in (best - 1, best + 1)
        if 0 <= i < len(spans) and not _between(text, spans[i], spans[best]).strip()
    ]
    scored = [(_share(weights, set(analyze(text[a:b], "auto"))), a, b) for a, b in widened]
    share, a, b = max(scored, default=(0.0, start, end))
    if share - alone >= _SECOND_SENTENCE_SHARE and b - a <= _LONGEST_QUOTE:
        return a, b
    return start, end


def _between(text: str, a: tuple[int, int], b: tuple[int, int]) -> str:
    """Return what parts two pieces: the head of a table is in none."""
    return text[min(a[1], b[1]) : max(a[0], b[0])]


def _weights(claim: str) -> dict[str, float]:
    return {
        term: _NUMBER_WEIGHT if _NUMBER.search(term) else 1.0 for term in analyze(claim, "auto")
    }


def _share(weights: dict[str, float], terms: set[str]) -> float:
    return sum(weight for term, weight in weights.items() if term in terms) / sum(weights.values())


def _has_a_figure(weights: dict[str, float], terms: set[str]) -> bool:
    figures = {term for term in weights if _NUMBER.search(term)}
    return not figures or bool(figures & terms)


def _bounded(text: str, start: int, end: int) -> Span:
    """Cut what is too long to read at a word's end."""
    if end - start > _LONGEST_QUOTE:
        cut = text.rfind(" ", start, start + _LONGEST_QUOTE)
        end = cut if cut > start else start + _LONGEST_QUOTE
    return Span(start, end)
