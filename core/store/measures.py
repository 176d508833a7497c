"""Exact measures of chunks, whichever way they were found: vector, BM25, what a document says."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Protocol

import numpy as np
from asyncpg import Record
from numpy.typing import NDArray

from core.store.base import TenantRepository
from core.store.driver import look
from core.store.postings import SCORE

_OPENING: Final = 2  # chunks; a title page is seldom longer
_HEADER: Final = 4  # bytes before the values of a vector in the database's binary form

# Each word's postings are sought by themselves (``OFFSET 0`` keeps the planner from thinking of
# something else): it has no idea of a base that was just filled.
_MEASURE: Final = f"""
    SELECT v.chunk_no, d.id, d.name, d.chunk_count, halfvec_send(v.embedding) AS vector,
        coalesce(k.score, 0) AS score
    FROM vectors v JOIN chunks c ON c.no = v.chunk_no JOIN documents d ON d.id = c.document_id
    LEFT JOIN (
        SELECT p.chunk_no, sum({SCORE.format("$3::float8", "$4::float8")}) AS score
        FROM unnest($5::text[], $6::float8[]) AS w (term, weight)
        CROSS JOIN LATERAL (
            SELECT chunk_no, frequency, length FROM postings
            WHERE base_no = ANY($1::bigint[]) AND term = w.term AND chunk_no = ANY($2::bigint[])
            OFFSET 0
        ) AS p GROUP BY p.chunk_no
    ) AS k ON k.chunk_no = v.chunk_no
    WHERE v.base_no = ANY($7::bigint[]) AND v.chunk_no = ANY($2::bigint[]) ORDER BY v.chunk_no
"""  # noqa: S608 - the score is a constant
_OPENINGS: Final = """
    SELECT document_id, ARRAY(SELECT term FROM unnest(terms) AS term WHERE term = ANY($2::text[]))
    FROM chunks
    WHERE document_id = ANY($1::text[]) AND chunk_index < $3 AND workspace_id = $4
"""


class MeasuredBase(Protocol):
    """Where a base's words and vectors are."""

    @property
    def no(self) -> int: ...

    @property
    def vector_set(self) -> int: ...


@dataclass(frozen=True)
class MeasuredChunks:
    """Chunks in the order of their numbers; the entries of each field belong together."""

    nos: list[int]
    document_ids: list[str]
    document_names: list[str]
    document_lengths: list[int]  # chunks
    vectors: NDArray[np.float32]  # (n, dimensions), unit length
    keyword: NDArray[np.float32]  # (n,), BM25


class Measures(TenantRepository):
    """Reached only through a base that was checked."""

    async def measure(
        self,
        bases: Sequence[MeasuredBase],
        chunk_nos: Sequence[int],
        weights: Mapping[str, float],
        saturation: tuple[float, float],
    ) -> MeasuredChunks:
        """Return vector and BM25 (see ``Postings.best``) of chunks; those deleted are missing."""
        terms, inverse = list(weights), list(weights.values())
        rows = await look(
            self._session,
            _MEASURE,
            *([base.no for base in bases], chunk_nos, *saturation, terms, inverse),
            [base.vector_set for base in bases],
        )
        return MeasuredChunks(
            nos=[row["chunk_no"] for row in rows],
            document_ids=[row["id"] for row in rows],
            document_names=[row["name"] for row in rows],
            document_lengths=[row["chunk_count"] for row in rows],
            vectors=_vectors(rows),
            keyword=np.array([row["score"] for row in rows], np.float32),
        )

    async def opening_terms(
        self, document_ids: Sequence[str], terms: Sequence[str]
    ) -> dict[str, set[str]]:
        """Return which of ``terms`` stand in the first chunks of documents, where a report says
        what it is."""
        rows = await look(
            self._session, _OPENINGS, document_ids, terms, _OPENING, self._workspace_id
        )
        found: dict[str, set[str]] = {}
        for document_id, held in rows:
            found.setdefault(document_id, set()).update(held)
        return found


def _vectors(rows: Sequence[Record]) -> NDArray[np.float32]:
    """Read halves as the database sends them: two 16-bit integers, then big-endian values."""
    if not rows:
        return np.empty((0, 0), np.float32)
    joined = np.frombuffer(b"".join(row["vector"] for row in rows), np.uint8)
    values = np.ascontiguousarray(joined.reshape(len(rows), -1)[:, _HEADER:])
    return values.view(">f2").astype(np.float32)
