"""Signs that a page is in another language than it was read in, and what to tell of them."""

from __future__ import annotations

import re
import unicodedata
from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Final

from core.stopwords import STOPWORDS
from ingest.tesseract import TESSERACT_NAMES, Attempt, installed_languages

Doubt = tuple[int | None, str]  # the page, or a picture, and the language it may be in

UNKNOWN: Final = ""  # in a script that none of the languages has

_UNSURE: Final = 50.0  # mean certainty in percent; a bad receipt's is 57, another script's up to 47
_FEWEST_READ: Final = 10  # words, and
_LETTERS: Final = 0.75  # of their characters, where it is writing and no drawing
_FEWEST_WORDS: Final = 20
_COMMON: Final = 0.25  # share of a language's commonest words in a text of it,
_MORE_COMMON: Final = 2.0  # times that of the languages in which it was read
_WORD: Final = re.compile(r"[^\W\d_]+")
_OTHER_SCRIPTS: Final = ("ar", "hi", "ru")  # of words in these nothing is left
_MOST_PAGES: Final = 10  # that are named


def is_in_other_script(attempt: Attempt) -> bool:
    """Whether there is writing that makes no sense in the languages it was read in."""
    texts = [word.text for word in attempt.words]
    letters = sum(c.isalpha() for text in texts for c in text)
    is_writing = len(texts) >= _FEWEST_READ and letters >= _LETTERS * sum(map(len, texts))
    return is_writing and attempt.certainty < _UNSURE


def other_language(text: str, languages: str) -> str | None:
    """Return the language that the text's commonest words are of, if it was not read in that one.

    What is read in a wrong language loses its accents, so that these do not count.
    """
    words = words_of(text)
    if len(words) < _FEWEST_WORDS:
        return None
    shares = {
        language: _share(words, common)
        for language, common in _COMMON_WORDS.items()
        if language not in _OTHER_SCRIPTS
    }
    read_in = {language for language in shares if TESSERACT_NAMES[language] in languages.split("+")}
    best = max(shares, key=lambda language: shares[language])
    known = max((shares[language] for language in read_in), default=0.0)
    is_other = best not in read_in and shares[best] >= max(_COMMON, _MORE_COMMON * known)
    return best if is_other else None


def words_of(text: str) -> list[str]:
    """Return the text's words in small letters without their accents."""
    return [_folded(word) for word in _WORD.findall(text)]


def common_share(words: Sequence[str]) -> float:
    """Return the share of words that are among the commonest of a language: of the best one."""
    return max(_share(words, common) for common in _COMMON_WORDS.values())


def _share(words: Sequence[str], common: frozenset[str]) -> float:
    return sum(word in common for word in words) / max(len(words), 1)


def told(doubts: Iterable[Doubt], languages: str) -> list[str]:
    """Return what to say to who had these read in ``languages``, each kind of doubt once."""
    pages: dict[str, list[int | None]] = defaultdict(list)
    for page, language in doubts:
        pages[language].append(page)
    return [
        f"{_named(on)} {_what(language)}, but {_was(on)} read in {languages.replace('+', ', ')}: "
        f"{_next_step(language)}"
        for language, on in pages.items()
    ]


def _what(language: str) -> str:
    if language == UNKNOWN:
        return "can hardly be read, perhaps for being in another language"
    return f"may be in another language ({language})"


def _named(on: Sequence[int | None]) -> str:
    numbers = [str(page) for page in dict.fromkeys(on) if page is not None]
    if not numbers:
        return "A picture in the text" if len(on) == 1 else f"{len(on)} pictures in the text"
    if len(numbers) > _MOST_PAGES:
        numbers = [*numbers[:_MOST_PAGES], f"{len(numbers) - _MOST_PAGES} more"]
    return f"Page{'s' * (len(numbers) > 1)} {', '.join(numbers)}"


def _was(on: Sequence[int | None]) -> str:
    return "was" if len(on) == 1 else "were"


def _next_step(language: str) -> str:
    installed = installed_languages() - {"osd", "equ"}
    name = TESSERACT_NAMES.get(language, language)
    if name in installed:
        return f"process it again with languages set to {language}."
    here = ", ".join(sorted(installed))
    if language == UNKNOWN:
        return (
            f"if so, process it again with languages set to it. Tesseract reads {here} here; "
            "for others its data must be installed first."
        )
    return (
        f"install Tesseract's data for {name} ({here} are installed here), then process it again "
        f"with languages set to {language}."
    )


def _folded(word: str) -> str:
    return "".join(c for c in unicodedata.normalize("NFD", word.lower()) if c.isalpha())


_COMMON_WORDS: Final = {
    language: frozenset(_folded(word) for word in words if len(word) > 1)
    for language, words in STOPWORDS.items()
}
