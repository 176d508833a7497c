"""The statements that passages are made of, and how near each is to a question.

A statement's score is ``0.7 · cosine + 0.3 · share``: the cosine of its vector and the question's,
and the share of the question's words that it holds, each weighted by how rare it is among the
statements. On 120 SQuAD questions with six paragraphs each the best sentence held the answer for
79 %, one of the two best for 87 %.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from itertools import zip_longest
from typing import Final

from core.markdown_tables import is_head, rows, tables
from core.models.embed import get_embedder
from core.sentences import sentences
from core.text import analyze

LONGEST: Final = 400  # characters of a statement
_LEXICAL_WEIGHT: Final = 0.3
_EMBEDDED: Final = 12  # sentences that share the rarest words; the best were never further down
_FEWEST_WORDS: Final = 3
_STOPS: Final = (".", "!", "?", ":", ";", "…", "。", "！", "？", "।", "؟")
_WORDS_OF_A_STATEMENT: Final = 8  # content words; lists and rows of tables have no full stop
_LONGEST_HEADING: Final = 80  # characters
_LONGEST_CAPTION: Final = 160
_ASKING: Final = frozenset(
    "what which who whom whose when where why how did do doe does much mani name".split()
)


@dataclass(frozen=True)
class Statement:
    """A sentence of a text, or a row of a table in it, by code points from ``start`` to ``end``: a
    row from the names of its columns on, where they are near.

    ``text`` has its white space evened out; a row's cells stand after the names of their columns.
    ``heading`` is what stands above and says what it is about.
    """

    start: int
    end: int
    text: str
    heading: str
    is_row: bool = False

    @property
    def in_context(self) -> str:
        """The statement under its heading."""
        return f"{self.heading}. {self.text}" if self.heading else self.text


def statements(text: str) -> Iterator[Statement]:
    """Yield what a text says piece by piece, each under the heading above; a row, and what follows
    a colon, under what announces it as well."""
    headings: list[str] = []
    at = 0
    for start, end in tables(text):
        yield from _of_prose(text, at, start, headings)
        yield from _of_table(text, start, end, headings)
        at = end
        del headings[1:]  # its caption
    yield from _of_prose(text, at, len(text), headings)


def _of_prose(text: str, start: int, end: int, headings: list[str]) -> Iterator[Statement]:
    for a, b in sentences(text[start:end]):
        piece = _short(text[start + a : start + b])
        said = " ".join(piece.split())
        words = len(analyze(said, "auto"))
        if not _states(said, words):
            headings[:] = [said[:_LONGEST_HEADING]]
        elif words >= _FEWEST_WORDS:
            yield Statement(start + a, start + a + len(piece), said, _joined(headings))
        if said.endswith(":"):  # says what follows
            headings[1:] = [said[:_LONGEST_CAPTION]]


def _of_table(text: str, start: int, end: int, headings: list[str]) -> Iterator[Statement]:
    columns: list[str] = []
    group, head = "", 0
    for a, b in rows(text, start, end):
        row = text[a:b]
        inside = row.strip().removeprefix("|").removesuffix("|")
        cells = [" ".join(cell.split()) for cell in inside.split("|")]
        if set(row) <= set("|-: \t"):
            continue
        if is_head(text, b):
            columns, head = cells[1:], a
        elif not any(map(str.isdigit, row)):
            group = cells[0]
        else:
            told = _under(columns, cells)
            cut = a + len(_short(row))
            first = head if columns and cut - head <= LONGEST else a
            yield Statement(first, cut, told, _joined([*headings, group]), is_row=True)


def _joined(headings: Sequence[str]) -> str:
    return ". ".join(each.rstrip(":.") for each in headings if each)


def _under(columns: Sequence[str], cells: Sequence[str]) -> str:
    """Return a row as words: what it is of, and its cells after the names of their columns."""
    named = zip_longest(columns[: len(cells) - 1], cells[1:], fillvalue="")
    return f"{cells[0]}: " + "; ".join(f"{name} {cell}".strip() for name, cell in named)


async def nearness(question: str, told: Sequence[str]) -> list[float]:
    """Return a score of at most 1 for each statement, told in its context; 0 for all but those few
    that share the most words with the question."""
    shares = word_shares(question, [set(analyze(text, "auto")) for text in told])
    chosen = sorted(range(len(told)), key=lambda i: -shares[i])[:_EMBEDDED]
    scores = [0.0] * len(told)
    if not chosen:
        return scores
    embedder = get_embedder()
    vector = await embedder.embed_query(question)
    vectors = await embedder.embed_passing([told[i] for i in chosen])
    for i, cosine in zip(chosen, vectors @ vector, strict=True):
        scores[i] = score(float(cosine), shares[i])
    return scores


def score(cosine: float, share: float) -> float:
    """Return how near two texts are by the cosine of their vectors and the share of words."""
    return (1 - _LEXICAL_WEIGHT) * cosine + _LEXICAL_WEIGHT * share


def word_shares(question: str, texts: Sequence[AbstractSet[str]]) -> list[float]:
    """Return for each text, given by its terms, the share of the question's terms that it has.

    Rare terms weigh more.
    """
    asked = set(analyze(question, "auto")) - _ASKING
    held = [asked.intersection(terms) for terms in texts]
    frequency = Counter(term for terms in held for term in terms)
    weight = {term: math.log(1 + len(texts) / (0.5 + frequency[term])) for term in asked}
    total = sum(weight.values()) or 1.0
    return [sum(weight[term] for term in terms) / total for terms in held]


def _short(text: str) -> str:
    """Cut what is too long for a statement at a word's end."""
    if len(text) <= LONGEST:
        return text
    cut = max(text.rfind(" ", 0, LONGEST), text.rfind("\n", 0, LONGEST))
    return text[: cut if cut > 0 else LONGEST].rstrip()


def _states(text: str, words: int) -> bool:
    """Whether a line says something, as a name or a heading alone does not."""
    has_number = any(map(str.isdigit, text))
    return text.endswith(_STOPS) or words >= _WORDS_OF_A_STATEMENT or has_number
