"""Arabic words: spellings made one, and the light stemmer Light10.

Larkey, Ballesteros and Connell, "Light Stemming for Arabic Information Retrieval" (2007). It takes
off "and", the article with its prepositions, and common endings, and leaves broken plurals alone.
"""

from __future__ import annotations

import re
from typing import Final

_SPELLINGS: Final = str.maketrans(
    {"أ": "ا", "إ": "ا", "آ": "ا", "ٱ": "ا", "ى": "ي", "ة": "ه", "ـ": None, "ی": "ي", "ک": "ك"}
)
_MARKS: Final = re.compile("[\u064b-\u065f\u0670]")  # vowels, doubling, the small alif
_AND: Final = "و"
_ARTICLES: Final = ("وال", "بال", "كال", "فال", "ال", "لل")
_ENDINGS: Final = ("ها", "ان", "ات", "ون", "ين", "يه", "ه", "ي")
_SHORTEST: Final = 2  # letters that must be left of a word


def normalized(word: str) -> str:
    """Return a word without vowel marks and stretching, letters spelled one way."""
    return _MARKS.sub("", word).translate(_SPELLINGS)


def stem(word: str) -> str:
    """Return the light stem of a normalized word."""
    if word.startswith(_AND) and len(word) > _SHORTEST + 1:
        word = word[1:]
    for article in _ARTICLES:
        if word.startswith(article) and len(word) >= len(article) + _SHORTEST:
            word = word[len(article) :]
            break
    for ending in _ENDINGS:
        if word.endswith(ending) and len(word) >= len(ending) + _SHORTEST:
            word = word[: -len(ending)]
    return word
