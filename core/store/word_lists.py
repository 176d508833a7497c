"""A question's words with every chunk that holds them, in memory: BM25 without asking again."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from core.store.scoring import Sought

Numbers = NDArray[np.int64]
Scores = NDArray[np.float64]
LONGEST: Final = 32_767  # words of a chunk, in a list: a longer one counts as so long
# How lists are packed: the chunk's number less the packing's first; and how single rows come.
_PACKED: Final = np.dtype([("no", ">i4"), ("frequency", ">i2"), ("length", ">i2")])
_ROW: Final = np.dtype([("no", ">i8"), ("frequency", ">i2"), ("length", ">i2")])


@dataclass(frozen=True)
class WordList:
    """The chunks that hold a word, by number, each once; the entries belong together."""

    nos: Numbers
    frequencies: NDArray[Any]
    lengths: NDArray[Any]

    @classmethod
    def read(cls, packed: bytes, first_no: int) -> WordList:
        """Read a packed list; ``first_no`` is the packing's first chunk."""
        old = np.frombuffer(packed, _PACKED)
        parts = (old[name].astype(np.int16) for name in ("frequency", "length"))
        return cls(old["no"].astype(np.int64) + first_no, *parts)

    @classmethod
    def of_rows(cls, rows: bytes, start: int = 0, end: int | None = None) -> WordList:
        """Read postings in the form of rows, by number; ``start`` and ``end`` count them."""
        new = np.frombuffer(rows, _ROW)[start:end]
        return cls(new["no"].astype(np.int64), new["frequency"], new["length"])

    @property
    def size(self) -> int:
        """Bytes that it takes."""
        return self.nos.nbytes + self.frequencies.nbytes + self.lengths.nbytes

    def changed(self, gone: Numbers, rows: bytes) -> WordList:
        """Return the list without the chunks that are ``gone`` from it, and with these rows."""
        nos, frequencies, lengths = self.nos, self.frequencies, self.lengths
        if gone.size:
            dropped = np.searchsorted(nos, gone)
            dropped = dropped[_is_at(nos, gone, dropped)]
            nos, frequencies, lengths = (
                np.delete(part, dropped) for part in (nos, frequencies, lengths)
            )
        if not rows:
            return WordList(nos, frequencies, lengths)
        return WordList(nos, frequencies, lengths).joined(WordList.of_rows(rows))

    def joined(self, other: WordList) -> WordList:
        """Return this list and that of the same word in other chunks."""
        nos = np.concatenate([self.nos, other.nos])
        order = np.argsort(nos, kind="stable")
        frequencies = np.concatenate([self.frequencies, other.frequencies])
        lengths = np.concatenate([self.lengths, other.lengths])
        return WordList(nos[order], frequencies[order], lengths[order])

    def scores(
        self, at: NDArray[Any] | slice, weight: float, saturation: tuple[float, float]
    ) -> Scores:
        """Return what the word adds to the BM25 of the chunks at these places."""
        constant, share = saturation
        frequencies = self.frequencies[at].astype(np.float64)
        found = weight * frequencies / (frequencies + constant + share * self.lengths[at])
        return np.asarray(found)

    def find(self, nos: Numbers) -> tuple[NDArray[Any], NDArray[np.bool_]]:
        """Return where chunks would be in the list, and which are."""
        at = self.nos.searchsorted(nos)
        return at, _is_at(self.nos, nos, at)


@dataclass(frozen=True)
class WordLists:
    """The lists of some of a question's words."""

    words: Mapping[str, WordList] = field(default_factory=dict)

    def scores(self, nos: Sequence[int] | Numbers, words: Sought) -> Scores:
        """Return the BM25 of chunks by those of the words that are listed."""
        asked = np.asarray(nos, np.int64)
        # Added up as in SQL: equal chunks are then equal to the last bit.
        parts = (
            self._scores(asked, part, words.saturation) for part in (words.finding, words.lifting)
        )
        return np.asarray(sum(parts))

    def _scores(
        self, nos: Numbers, weights: Mapping[str, float], saturation: tuple[float, float]
    ) -> Scores:
        found = np.zeros(len(nos))
        for term, weight in weights.items():
            if term in self.words:
                each = self.words[term]
                at, held = each.find(nos)
                found[held] += each.scores(at[held], weight, saturation)
        return found

    def held(self, nos: Sequence[int]) -> Iterator[tuple[int, str]]:
        """Yield a chunk and a word for each of the words that each of these chunks holds."""
        asked = np.asarray(nos, np.int64)
        for term, each in self.words.items():
            _, held = each.find(asked)
            for no in asked[held].tolist():
                yield no, term

    def led_to(self, words: Sought, most: int | None = None) -> Numbers:
        """Return the chunks that the finding words lead to, all of which are listed, the best by
        these first; equal ones in the order of writing. ``most`` is how many are asked for."""
        lists = [(self.words[term], weight) for term, weight in words.finding.items()]
        parts = [each.scores(slice(None), weight, words.saturation) for each, weight in lists]
        every = np.concatenate([each.nos for each, _ in lists])
        order = np.argsort(every, kind="stable")  # quick: each list is in order
        every = every[order]
        first = np.flatnonzero(np.diff(every, prepend=-1))
        nos, scores = every[first], np.add.reduceat(np.concatenate(parts)[order], first)
        if most is not None and most < len(nos):  # to order them all takes twenty times as long
            last = len(nos) - most
            among = scores >= np.partition(scores, last)[last]
            nos, scores = nos[among], scores[among]
        return nos[np.argsort(-scores, kind="stable")][:most]


NO_LISTS: Final = WordLists()
EMPTY: Final = WordList.read(b"", 0)


def _is_at(nos: Numbers, sought: Numbers, at: NDArray[Any]) -> NDArray[np.bool_]:
    if not nos.size:
        return np.zeros(len(sought), np.bool_)
    return np.asarray(nos.take(at, mode="clip") == sought)
