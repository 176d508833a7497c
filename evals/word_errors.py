"""Word error rate: how many words are wrong, missing or too many, over those there are."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

_WORD: Final = re.compile(r"[a-z0-9']+")
# What is written in several ways and said in one.
_SPOKEN: Final = {
    "mr": "mister", "0": "zero", "1": "one", "2": "two", "3": "three", "4": "four", "5": "five",
    "6": "six", "7": "seven", "8": "eight", "9": "nine", "10": "ten", "metres": "meters",
}  # fmt: skip


def words_of(text: str) -> list[str]:
    """Return the words as they are said: lower-case, small numbers spelt, hyphens apart."""
    found = _WORD.findall(text.lower().replace("’", "'"))
    return [_SPOKEN.get(word, word) for word in found]


def word_errors(expected: Sequence[str], heard: Sequence[str]) -> int:
    """Return the least number of words to replace, remove or add (Levenshtein 1966)."""
    row = list(range(len(heard) + 1))
    for i, word in enumerate(expected, 1):
        diagonal, row[0] = row[0], i
        for j, other in enumerate(heard, 1):
            cost = diagonal + (word != other)
            diagonal, row[j] = row[j], min(cost, row[j] + 1, row[j - 1] + 1)
    return row[-1]
