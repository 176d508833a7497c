"""Which statements of the passages the offline answerer quotes, and whether they answer."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from core.titles import title_of
from pipelines.passages import Passage
from pipelines.search.periods import Period, asked_time, dated
from pipelines.statements import Statement, nearness, statements

_NEAR: Final = 0.35  # from this score on a statement has to do with the question
_SURE: Final = 0.48  # from this on it mostly answers it
_IN_TIME: Final = 0.15  # for a statement of a document of the time asked for
_NEARLY_AS_GOOD: Final = 0.85  # of the best score: such a statement is quoted too
_BULLETS: Final = re.compile(r"\A(?:[•‣◦▪●:]\s*|[–—*-]\s+)+")
_LONGEST_HEADING: Final = 80  # characters, that are told with a row
_MOST_QUOTES: Final = 3
_MOST_PERIODS: Final = 4


@dataclass(frozen=True)
class Quote:
    """A statement of passage ``n``, as it is told; ``score`` is how near it is to the question, at
    most 1, ``is_sure`` whether that is near enough to be taken for an answer."""

    n: int
    text: str
    document_name: str
    score: float
    is_sure: bool


async def find_quotes(question: str, passages: Sequence[Passage]) -> list[Quote]:
    """Return the statements that answer best; none where none has to do with the question.

    They are one to three, best first. Where reports of a series were found, as by a question for
    what has changed, each of up to four has one, oldest first.
    """
    asked = asked_time(question)
    in_time = asked.matches({each.document_name: each.document_name for each in passages})
    of = [(each, said) for each in passages for said in statements(each.text)]
    scores = await nearness(question, [_in_document(*pair) for pair in of])
    quotes = []
    for (passage, said), score in zip(of, scores, strict=True):
        is_timely = passage.document_name in in_time
        is_other = bool(asked.periods) and dated(passage.document_name)[1] is not None
        is_sure = score >= _SURE and (is_timely or not is_other)
        if score >= _NEAR:
            quotes.append(_quote(passage, said, min(1.0, score + _IN_TIME * is_timely), is_sure))
    ranked = list(_different(sorted(quotes, key=lambda quote: -quote.score)))
    good = [quote for quote in ranked if quote.score >= ranked[0].score * _NEARLY_AS_GOOD]
    return _of_each_period(good) or good[:_MOST_QUOTES]


def _in_document(passage: Passage, said: Statement) -> str:
    """Return a statement under its document's title, whose words every statement of it shares: else
    a question for one report would be nearest to the sentence that says which report it is."""
    title = title_of(passage.document_name)
    return f"{title}. {said.in_context}" if title else said.in_context


def _quote(passage: Passage, said: Statement, score: float, is_sure: bool) -> Quote:
    is_named = said.is_row and len(said.heading) <= _LONGEST_HEADING
    text = _BULLETS.sub("", said.in_context if is_named else said.text)
    return Quote(passage.n, text, passage.document_name, score, is_sure)


def _different(quotes: Sequence[Quote]) -> Iterator[Quote]:
    seen = set()
    for quote in quotes:
        if quote.text not in seen:
            seen.add(quote.text)
            yield quote


def _of_each_period(quotes: Sequence[Quote]) -> list[Quote]:
    """Return the best quote of each report of the series that the best quote is from, none where
    that is one report."""
    series = dated(quotes[0].document_name)[0] if quotes else ""
    found: dict[Period, Quote] = {}
    for quote in quotes:
        kind, period = dated(quote.document_name)
        if kind == series and period is not None and len(found) < _MOST_PERIODS:
            found.setdefault(period, quote)
    return [found[period] for period in sorted(found)] if len(found) > 1 else []
