"""Small bases as they were read last, in memory: what answers a question is then found unasked.

A base is kept under its version, the transaction that wrote its row last (PostgreSQL's ``xmin``):
whoever changes what is in a base changes its counts too, in the same transaction. The version is
read anew by every search, so that nothing is found that is no longer there.
"""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import reduce
from typing import Any, Final, Protocol
from weakref import WeakKeyDictionary

import numpy as np
from asyncpg import Record
from numpy.typing import NDArray
from sqlalchemy import Engine

from core.store.base import TenantRepository
from core.store.driver import look
from core.store.halves import read_halves
from core.store.packed_postings import AS_ROW
from core.store.word_lists import Numbers, WordList, WordLists

MOST_CHUNKS: Final = 1_500  # searched together; to read so many takes an eighth of a second
_MOST_SEEN: Final = 10_000  # bases
_MOST_BYTES: Final = 24 * 2**20  # in a process, for all bases
_CALM_SECONDS: Final = 1.0  # without a change, before a base is read
_TERM_BYTES: Final = 150  # that a term takes beside its list
OPENING: Final = 2  # chunks that say what a document is; a title page is seldom longer
_READ: Final = """
    SELECT b.xmin::text AS version, c.no, halfvec_send(v.embedding), c.chunk_index, d.id, d.name,
        d.chunk_count
    FROM knowledge_bases b
    JOIN vectors v ON v.base_no = coalesce(b.vector_set_no, b.no)
    JOIN chunks c ON c.no = v.chunk_no
    JOIN documents d ON d.id = c.document_id
    WHERE b.no = $1 AND b.workspace_id = $2
    ORDER BY c.no
"""


Place = tuple[str, int]  # workspace, and the base's number

_WORDS: Final = f"""
    SELECT (SELECT xmin::text FROM knowledge_bases WHERE no = $1 AND workspace_id = $2) AS version,
        array_agg(term ORDER BY term) AS terms,
        string_agg(int4send(count), '' ORDER BY term) AS counts,
        string_agg(held, '' ORDER BY term) AS held
    FROM (
        SELECT term, count(*)::integer, string_agg({AS_ROW}, '' ORDER BY p.chunk_no) AS held
        FROM postings p WHERE base_no = $1 GROUP BY term
    ) AS words
"""  # noqa: S608 - a part of our own


class VersionedBase(Protocol):
    """What is known of a base that may be kept."""

    @property
    def no(self) -> int: ...

    @property
    def version(self) -> str: ...

    @property
    def chunk_count(self) -> int: ...


@dataclass(frozen=True)
class KeptDocument:
    """A document as rankings need it; ``opening`` holds the numbers of its first chunks."""

    id: str
    name: str
    length: int  # chunks
    opening: list[int]


class KeptWords:
    """Which chunks of a base hold each of its words."""

    def __init__(self, terms: Sequence[str], counts: bytes, held: bytes) -> None:
        """``counts`` says how many chunks hold each term, ``held`` which, term by term."""
        ends = np.cumsum(np.frombuffer(counts, ">i4"), dtype=np.int64)
        self._ends: dict[str, int] = dict(zip(terms, ends.tolist(), strict=True))
        self._counts: dict[str, int] = dict(
            zip(terms, np.diff(ends, prepend=0).tolist(), strict=True)
        )
        self._held = held
        self.size = len(held) + _TERM_BYTES * len(terms)

    def count(self, term: str) -> int:
        return self._counts.get(term, 0)

    def list_of(self, term: str) -> WordList:
        """Return the list of a word, an empty one where no chunk holds it."""
        end = self._ends.get(term, 0)
        return WordList.of_rows(self._held, end - self.count(term), end)


@dataclass(frozen=True, eq=False)
class KeptBase:
    """The chunks of a base by number; the entries of the first three belong together."""

    nos: Numbers
    documents: Sequence[KeptDocument]
    vectors: NDArray[np.float32]  # (n, dimensions), unit length
    words: KeptWords
    version: str

    @classmethod
    def read(cls, rows: Sequence[Record], words: KeptWords) -> KeptBase:
        """Make one of the rows of a base that has any."""
        known: dict[str, KeptDocument] = {}
        documents = []
        for _, no, _, index, id_, name, length in rows:
            if id_ not in known:
                known[id_] = KeptDocument(id_, name, length, [])
            if index < OPENING:
                known[id_].opening.append(no)
            documents.append(known[id_])
        nos = np.array([row[1] for row in rows], np.int64)
        return cls(nos, documents, read_halves([row[2] for row in rows]), words, rows[0][0])

    @property
    def size(self) -> int:
        """Bytes that it takes, about."""
        return self.vectors.nbytes + self.words.size

    def places(self, nos: Collection[int]) -> NDArray[Any]:
        """Return where chunks are, in order; those that are not there are left out."""
        sought = np.unique(np.fromiter(nos, np.int64, len(nos)))
        at = np.minimum(np.searchsorted(self.nos, sought), len(self.nos) - 1)
        return np.asarray(at[self.nos[at] == sought])


def nearest_in(kept: Sequence[KeptBase], vector: NDArray[np.float32], limit: int) -> list[int]:
    """Return the numbers of the ``limit`` chunks nearest to a unit vector, in no order."""
    nos = np.concatenate([base.nos for base in kept])
    if limit < len(nos):
        cosines = np.concatenate([base.vectors @ vector for base in kept])
        nos = nos[np.argpartition(-cosines, limit)[:limit]]
    found: list[int] = nos.tolist()
    return found


def counts_in(kept: Sequence[KeptBase], terms: Collection[str]) -> dict[str, int]:
    """Return in how many chunks of the bases each term occurs; absent ones are left out."""
    counts = {term: sum(base.words.count(term) for base in kept) for term in terms}
    return {term: count for term, count in counts.items() if count}


def lists_in(kept: Sequence[KeptBase], terms: Collection[str]) -> WordLists:
    """Return every chunk of the bases that holds each of the words."""
    parts = {term: [base.words.list_of(term) for base in kept] for term in terms}
    return WordLists({term: reduce(WordList.joined, each) for term, each in parts.items()})


class KeptBases:
    """The small bases that were searched last, up to so many bytes."""

    def __init__(self, most_bytes: int = _MOST_BYTES) -> None:
        self._most, self._bytes = most_bytes, 0
        self._kept: OrderedDict[Place, KeptBase] = OrderedDict()
        self._seen: dict[Place, tuple[str, float]] = {}  # versions, and since when
        self._being_read: set[Place] = set()

    def of(self, place: Place, version: str) -> KeptBase | None:
        """Return a base if it is kept as it is now."""
        kept = self._kept.get(place)
        if kept is None or kept.version != version:
            return None
        self._kept.move_to_end(place)
        return kept

    def is_calm(self, place: Place, version: str) -> bool:
        """Whether a base has been as it is for a while, and nobody reads it already."""
        seen, since = self._seen.get(place, ("", 0.0))
        if seen == version:
            is_old = time.monotonic() - since >= _CALM_SECONDS
            return is_old and place not in self._being_read
        if len(self._seen) >= _MOST_SEEN:
            self._seen.clear()
        self._seen[place] = version, time.monotonic()
        return False

    @contextmanager
    def reading(self, place: Place) -> Iterator[None]:
        """Hold a base as one that somebody reads."""
        self._being_read.add(place)
        try:
            yield
        finally:
            self._being_read.discard(place)

    def keep(self, place: Place, kept: KeptBase) -> None:
        """Keep a base; those that were searched longest ago make room."""
        self._drop(place)
        self._kept[place] = kept
        self._bytes += kept.size
        while self._bytes > self._most:
            self._drop(next(iter(self._kept)))

    def _drop(self, place: Place) -> None:
        old = self._kept.pop(place, None)
        self._bytes -= old.size if old else 0


_kept: Final[WeakKeyDictionary[Engine, KeptBases]] = WeakKeyDictionary()


class KeptBasesReader(TenantRepository):
    """Reached only through bases that were checked."""

    async def all_of(self, bases: Sequence[VersionedBase]) -> list[KeptBase]:
        """Return bases as they are now if all are kept, or can be; else none.

        They are read when they are small and calm, one at a time: a search that reads one waits
        for it.
        """
        if not 0 < sum(base.chunk_count for base in bases) <= MOST_CHUNKS:
            return []
        kept = _kept.setdefault(self._session.get_bind().engine, KeptBases())
        places = [(self._workspace_id, base.no) for base in bases]
        found = [kept.of(place, base.version) for place, base in zip(places, bases, strict=True)]
        missing = [at for at, known in enumerate(found) if known is None]
        calm = [at for at in missing if kept.is_calm(places[at], bases[at].version)]
        if calm:
            found[calm[0]] = await self._read(kept, places[calm[0]], bases[calm[0]].version)
        whole = [known for known in found if known is not None]
        return whole if len(whole) == len(bases) else []

    async def _read(self, kept: KeptBases, place: Place, version: str) -> KeptBase | None:
        workspace_id, base_no = place
        with kept.reading(place):
            rows = await look(self._session, _READ, base_no, workspace_id)
            words = await look(self._session, _WORDS, base_no, workspace_id)
        ((words_version, terms, counts, held),) = words
        if not (rows and rows[0][0] == words_version == version):
            return None  # it is being changed just now
        found = KeptBase.read(rows, KeptWords(terms or [], counts or b"", held or b""))
        kept.keep(place, found)
        return found
