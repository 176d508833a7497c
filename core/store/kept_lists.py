"""Packed lists that were read lately, in memory: what a packing says of a word never changes."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from typing import Final
from weakref import WeakKeyDictionary

from sqlalchemy import Engine

from core.store.word_lists import WordList

_MOST_BYTES: Final = 24 * 2**20  # in a process, for all bases
Place = tuple[int, str]  # number of a packing, and the word


class KeptLists:
    """The lists that were asked for last, up to so many bytes."""

    def __init__(self, most_bytes: int = _MOST_BYTES) -> None:
        self._most = most_bytes
        self._bytes = 0
        self._lists: OrderedDict[Place, WordList] = OrderedDict()
        self._packings: dict[int, int] = {}  # that a base had when it was last asked for

    def of(self, base_nos: Sequence[int], terms: Sequence[str]) -> dict[Place, WordList]:
        """Return the lists of words that are kept of the bases."""
        found = {}
        for packing in (self._packings[no] for no in base_nos if no in self._packings):
            for place in ((packing, term) for term in terms):
                if place in self._lists:
                    self._lists.move_to_end(place)
                    found[place] = self._lists[place]
        return found

    def keep(self, base_no: int, place: Place, found: WordList) -> None:
        """Keep a list; those that were asked for longest ago make room."""
        self._packings[base_no] = place[0]
        self._bytes += found.size - (self._lists[place].size if place in self._lists else 0)
        self._lists[place] = found
        while self._bytes > self._most:
            _, oldest = self._lists.popitem(last=False)
            self._bytes -= oldest.size


_kept: Final[WeakKeyDictionary[Engine, KeptLists]] = WeakKeyDictionary()


def kept_lists(engine: Engine) -> KeptLists:
    """Return the lists kept of a database."""
    return _kept.setdefault(engine, KeptLists())
