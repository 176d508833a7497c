"""How Nuxa Flow works, in short sections: what ``explain`` looks up."""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files
from typing import Final

from core.text import analyze

_TITLE_WEIGHT: Final = 2.0
_NEARLY_AS_GOOD: Final = 0.6  # of the best section's score
_MOST: Final = 3


@dataclass(frozen=True)
class Section:
    title: str
    text: str


@lru_cache
def all_sections() -> tuple[Section, ...]:
    """Return every section: what stands under each ``##`` of the pages."""
    found = []
    for page in sorted(files("copilot").joinpath("pages").iterdir(), key=lambda each: each.name):
        for part in page.read_text(encoding="utf-8").split("\n## ")[1:]:
            title, _, text = part.partition("\n")
            found.append(Section(title.strip(), text.strip()))
    return tuple(found)


def best_sections(question: str) -> list[Section]:
    """Return the sections that share the question's rarest words, best first; none if none does."""
    asked = set(analyze(question, "en"))
    terms = [_terms(section) for section in all_sections()]
    frequency = Counter(term for titled, said in terms for term in titled | said)
    total = len(terms)
    scored = [
        (_score(asked, titled, said, frequency, total), section)
        for (titled, said), section in zip(terms, all_sections(), strict=True)
    ]
    ranked = sorted(scored, key=lambda pair: -pair[0])[:_MOST]
    least = ranked[0][0] * _NEARLY_AS_GOOD
    return [section for score, section in ranked if score > 0 and score >= least]


def _score(
    asked: set[str], titled: set[str], said: set[str], frequency: Counter[str], total: int
) -> float:
    """Sum inverse document frequencies over the words shared, those in the title counting twice."""
    return sum(
        math.log(1 + total / frequency[term]) * (_TITLE_WEIGHT if term in titled else 1.0)
        for term in asked & (titled | said)
    )


@lru_cache
def _terms(section: Section) -> tuple[set[str], set[str]]:
    return set(analyze(section.title, "en")), set(analyze(section.text, "en"))
