"""The one analyzer of words: what is indexed and what is asked pass through the same function.

Tokens follow Lucene's standard tokenizer in the main: runs of letters, marks and digits, decimal
points and apostrophes inside a word kept. Scripts written without spaces become overlapping
pairs of characters. A token's term depends on nothing but the token and the language, so that a
question of two words meets the document it came from.
"""

from __future__ import annotations

import re
import sys
import threading
import unicodedata
from collections.abc import Iterator
from functools import lru_cache
from itertools import chain, pairwise
from typing import TYPE_CHECKING, Final

from core import arabic
from core.stopwords import STOPWORDS

if TYPE_CHECKING:
    from Stemmer import Stemmer

_LONGEST_TERM: Final = 64  # characters; longer runs are encoded data, not words
_CACHED_TOKENS: Final = 200_000

# Snowball's algorithms by language code; Arabic has a stemmer of its own.
_STEMMERS: Final = {
    "ca": "catalan", "da": "danish", "de": "german", "el": "greek",
    "en": "english", "es": "spanish", "eu": "basque", "fi": "finnish", "fr": "french",
    "ga": "irish", "hi": "hindi", "hu": "hungarian", "hy": "armenian", "id": "indonesian",
    "it": "italian", "lt": "lithuanian", "ne": "nepali", "nl": "dutch", "no": "norwegian",
    "pt": "portuguese", "ro": "romanian", "ru": "russian", "sr": "serbian", "sv": "swedish",
    "ta": "tamil", "tr": "turkish", "yi": "yiddish",
}  # fmt: skip
LANGUAGES: Final = frozenset(_STEMMERS) | {"ar", "auto", "zh", "ja", "ko", "th", "vi", "he", "fa"}

# The first code point of each script and the language whose rules its words get unless the
# base's own language is written in that script.
_SCRIPTS: Final = (
    (0x0041, "latin", "en"), (0x0370, "greek", "el"), (0x0400, "cyrillic", "ru"),
    (0x0530, "armenian", "hy"), (0x0590, "hebrew", ""), (0x0600, "arabic", "ar"),
    (0x0700, "other", ""), (0x0900, "devanagari", "hi"), (0x0980, "other", ""),
    (0x0B80, "tamil", "ta"), (0x0C00, "other", ""), (0x1E00, "latin", "en"),
    (0x1F00, "greek", "el"), (0x2000, "other", ""),
)  # fmt: skip
_SCRIPT_OF_LANGUAGE: Final = {
    "el": "greek", "ru": "cyrillic", "sr": "cyrillic", "hy": "armenian", "yi": "hebrew",
    "he": "hebrew", "ar": "arabic", "fa": "arabic", "hi": "devanagari", "ne": "devanagari",
    "ta": "tamil", "zh": "other", "ja": "other", "ko": "other", "th": "other",
}  # fmt: skip
_FOLDED_SCRIPTS: Final = frozenset({"latin", "greek", "hebrew", "arabic"})
_ARABIC_STOPWORDS: Final = frozenset(map(arabic.normalized, STOPWORDS["ar"]))
_LETTERS_WITHOUT_MARKS: Final = str.maketrans(
    {"ı": "i", "ł": "l", "ø": "o", "đ": "d", "æ": "ae", "œ": "oe", "ß": "ss", "’": "'"}
)


def _marks() -> str:
    """Return the combining marks of the basic plane as ranges of a character class."""
    ranges: list[list[int]] = []
    for point in range(0x300, 0xFFFF):
        if unicodedata.category(chr(point))[0] != "M":
            continue
        if ranges and ranges[-1][1] == point - 1:
            ranges[-1][1] = point
        else:
            ranges.append([point, point])
    return "".join(f"\\u{first:04x}-\\u{last:04x}" for first, last in ranges)


_MARKS: Final = _marks()
# Han, kana, Hangul, Bopomofo | Thai, Lao, Myanmar, Khmer
_UNSPACED: Final = (
    "\u3005-\u3007\u3041-\u318f\u31a0-\u31ff\u3400-\u4dbf\u4e00-\u9fff\ua960-\ua97f\uac00-\ud7ff"
    "\uf900-\ufaff\U00020000-\U0003ffff\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff"
)
_WORD: Final = f"(?:[^\\W_{_UNSPACED}]|[{_MARKS}])"
_TOKEN: Final = re.compile(
    rf"[{_UNSPACED}](?:[{_UNSPACED}]|[{_MARKS}])*+"
    r"|\d++(?:[.,]\d++)*+(?![^\W_])"
    rf"|(?:(?<![^\W_])[a-z]\.){{2,}}+"
    rf"|[^\W_{_UNSPACED}]{_WORD}*+(?:['’]{_WORD}++)*+"
)
_CLUSTER: Final = re.compile(rf".[{_MARKS}]*+", re.DOTALL)
_GROUPED_NUMBER: Final = re.compile(r"\d{1,3}(?:,\d{3})+(?:\.\d+)?")


def analyze(text: str, language: str = "en") -> list[str]:
    """Return the terms of ``text`` in order, repeats and all.

    ``language`` is a two-letter code or ``auto``; it names the stemmer and stop list of its own
    script, words in other scripts get that script's usual ones. An unknown code stems nothing.
    "82,959" and "82959" are one term.
    """
    terms_of = _terms(language)
    normal = unicodedata.normalize("NFKC", text).lower()
    return list(chain.from_iterable(map(terms_of.__getitem__, _TOKEN.findall(normal))))


@lru_cache(maxsize=64)
def _terms(language: str) -> _TermsOfToken:
    return _TermsOfToken(language)


class _TermsOfToken(dict[str, tuple[str, ...]]):
    """A lazily filled table from token to terms: most tokens of any text were seen before."""

    def __init__(self, language: str) -> None:
        super().__init__()
        self._language = language
        self._script = _SCRIPT_OF_LANGUAGE.get(language, "latin")
        self._stemmers: dict[str, Stemmer] = {}
        self._lock = threading.Lock()  # a Stemmer may not be shared between threads

    def __missing__(self, token: str) -> tuple[str, ...]:
        terms = tuple(self._derive(token))
        if len(token) <= _LONGEST_TERM:
            if len(self) >= _CACHED_TOKENS:
                self.clear()
            self[sys.intern(token)] = terms
        return terms

    def _derive(self, token: str) -> Iterator[str]:
        if token[0] >= "\u0e00" and _is_unspaced(token[0]):
            yield from _pairs(token)
        elif token[0].isdecimal():
            yield _number(token)[:_LONGEST_TERM]
        else:
            yield from self._word(token[:_LONGEST_TERM])

    def _word(self, token: str) -> Iterator[str]:
        if token.endswith("."):
            yield token.replace(".", "")  # U.S. is US
            return
        script, language = self._rules(token[0])
        if language == "ar":
            word = arabic.normalized(token)
            if word and word not in _ARABIC_STOPWORDS:
                yield arabic.stem(word)
            return
        words = _unelided(token.replace("’", "'"), language)
        for word in words:
            if word and word not in STOPWORDS.get(language, ()):
                yield self._fold(self._stem(word, language), script, language)

    def _rules(self, letter: str) -> tuple[str, str]:
        script, usual = _script(letter)
        if self._language != "auto" and script == self._script:
            return script, self._language
        return script, usual

    def _stem(self, word: str, language: str) -> str:
        if language not in _STEMMERS:
            return word
        with self._lock:
            if language not in self._stemmers:
                self._stemmers[language] = _new_stemmer(language)
            return str(self._stemmers[language].stemWord(word)) or word

    @staticmethod
    def _fold(word: str, script: str, language: str) -> str:
        """Drop accents where readers leave them out when they type; never where they carry it."""
        if word.isascii() or script not in _FOLDED_SCRIPTS or language == "vi":
            return word
        plain = unicodedata.normalize("NFD", word.translate(_LETTERS_WITHOUT_MARKS))
        return "".join(c for c in plain if not unicodedata.combining(c)) or word


def _new_stemmer(language: str) -> Stemmer:
    from Stemmer import Stemmer

    return Stemmer(_STEMMERS[language], 0)


def _script(letter: str) -> tuple[str, str]:
    point, found = ord(letter), ("other", "")
    for first, script, language in _SCRIPTS:
        if point < first:
            break
        found = (script, language)
    return found


def _is_unspaced(letter: str) -> bool:
    return _UNSPACED_LETTER.match(letter) is not None


_UNSPACED_LETTER: Final = re.compile(f"[{_UNSPACED}]")


def _pairs(run: str) -> Iterator[str]:
    clusters = _CLUSTER.findall(run)
    if len(clusters) == 1:
        yield run[:_LONGEST_TERM]
    for left, right in pairwise(clusters):
        yield (left + right)[:_LONGEST_TERM]


def _number(token: str) -> str:
    """Return a number in ASCII digits, whichever script it is written in, without grouping."""
    if not token.isascii():
        token = "".join(str(unicodedata.decimal(c)) if c.isdecimal() else c for c in token)
    return token.replace(",", "") if _GROUPED_NUMBER.fullmatch(token) else token


def _unelided(word: str, language: str) -> list[str]:
    """Return the words around an apostrophe: l'homme is two words, dog's is one."""
    if "'" not in word:
        return [word]
    if language == "en":
        return [word.removesuffix("'s")]
    return word.split("'")
