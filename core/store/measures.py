"""Exact measures of chunks, whichever way they were found: vector, BM25, what a document says."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Final, Protocol

import numpy as np
from numpy.typing import NDArray

from core.store.base import TenantRepository
from core.store.driver import Rows, fetch
from core.store.nearest import Nearest
from core.store.scoring import Sought, scores
from core.store.values import Values

_OPENING: Final = 2  # chunks that say what a document is; a title page is seldom longer
_HALVES_HEADER: Final = 4  # bytes before the values: two 16-bit integers
_COLUMNS: Final = 8  # of a measured chunk's row
_NOTHING_SAID: Final = "SELECT NULL::bigint AS chunk_no, NULL::float8 AS score WHERE false"
_NO_OPENING: Final = """
    SELECT NULL::text AS document_id, NULL::text[] AS terms WHERE false
"""


class MeasuredBase(Protocol):
    """Where a base's words and vectors are."""

    @property
    def no(self) -> int: ...

    @property
    def vector_set(self) -> int: ...


@dataclass(frozen=True)
class Asked:
    """Which chunks are to be measured, and against what.

    Measured are ``chunk_nos``, those ``scored``, whose BM25 is known, and the ``nearest`` to a
    vector, but none of ``known`` twice. Of documents longer than ``long_from`` chunks, but those
    ``weighed``, it is also told which words their opening holds: ``None`` asks for none.
    """

    bases: Sequence[MeasuredBase]
    words: Sought
    chunk_nos: Sequence[int] = ()
    scored: Mapping[int, float] = field(default_factory=dict)
    nearest: Nearest | None = None
    known: Collection[int] = ()
    long_from: int | None = None
    weighed: Collection[str] = ()


@dataclass(frozen=True)
class MeasuredChunks:
    """Chunks in the order of their numbers; the entries of each field belong together.

    ``openings`` holds, by document, the question's words in its first chunks, where a report says
    what it is.
    """

    nos: list[int]
    document_ids: list[str]
    document_names: list[str]
    document_lengths: list[int]  # chunks
    vectors: NDArray[np.float32]  # (n, dimensions), unit length
    keyword: NDArray[np.float32]  # (n,), BM25
    openings: dict[str, list[str]]


class Measures(TenantRepository):
    """Reached only through bases that were checked."""

    async def measure(self, asked: Asked) -> MeasuredChunks:
        """Return vector and BM25 of chunks; those deleted meanwhile are missing."""
        rows = await self._rows(asked)
        near = asked.nearest
        if near is not None and near.is_short(rows[0].near if rows else 0):
            rows = await self._rows(replace(asked, nearest=replace(near, is_exact=True)))
        # By columns: to ask each row for each value by its name is slower.
        columns = zip(*rows, strict=True) if rows else iter([()] * _COLUMNS)
        nos, ids, names, lengths, vectors, openings, scores, _ = columns
        return MeasuredChunks(
            nos=list(nos),
            document_ids=list(ids),
            document_names=list(names),
            document_lengths=list(lengths),
            vectors=_read_halves(vectors),
            keyword=_keyword(asked, nos, scores),
            openings={id_: held for id_, held in zip(ids, openings, strict=True) if held},
        )

    async def _rows(self, asked: Asked) -> Rows:
        values = Values()
        sql = _measure(asked, values)
        return await fetch(self._session, sql, *values)


def _measure(asked: Asked, values: Values) -> str:
    """Return the query: what is nearest is found in it, and measured with the rest."""
    known = values.put_array([*asked.known, *asked.scored], "bigint")
    if asked.nearest is None:
        near = f"SELECT unnest({values.put_array(asked.chunk_nos, 'bigint')}) AS chunk_no"
    else:
        near = f"SELECT chunk_no FROM ({asked.nearest.sql(values)}) AS nearest"  # noqa: S608
    sets = values.put_array([base.vector_set for base in asked.bases], "bigint")
    scored = values.put_array(asked.scored, "bigint")
    return f"""
        WITH near AS MATERIALIZED ({near}),
        fresh AS MATERIALIZED (
            SELECT ARRAY(
                SELECT chunk_no FROM near WHERE chunk_no NOT IN (SELECT unnest({known}))
            ) AS nos
        ), found AS MATERIALIZED (
            SELECT v.chunk_no, d.id, d.name, d.chunk_count, halfvec_send(v.embedding) AS vector
            FROM vectors v JOIN chunks c ON c.no = v.chunk_no
                JOIN documents d ON d.id = c.document_id
            WHERE v.base_no = ANY({sets})
                AND v.chunk_no = ANY((SELECT nos || {scored} FROM fresh)::bigint[])
        )
        SELECT found.*, opening.terms, said.score,
            (SELECT count(*) FROM near) AS near
        FROM found
        LEFT JOIN ({_openings(asked, values)}) AS opening ON opening.document_id = found.id
        LEFT JOIN ({_said(asked, values)}) AS said USING (chunk_no)
        ORDER BY found.chunk_no
    """  # noqa: S608 - parts of our own, their values are numbered


def _said(asked: Asked, values: Values) -> str:
    """Return the query for ``(chunk_no, score)`` by the question's words."""
    words = asked.words
    if not words.all:
        return _NOTHING_SAID
    among = "AND chunk_no = ANY((SELECT nos FROM fresh)::bigint[])"
    return scores([base.no for base in asked.bases], words.all, words, among, values)


def _keyword(asked: Asked, nos: Sequence[int], said: Sequence[float | None]) -> NDArray[np.float32]:
    """Return the BM25 of each chunk."""
    found = (asked.scored.get(no, score or 0.0) for no, score in zip(nos, said, strict=True))
    return np.fromiter(found, np.float32, len(nos))


def _openings(asked: Asked, values: Values) -> str:
    """Return the query for ``(document_id, terms)`` of the long documents of what was found: which
    of the question's words their openings hold."""
    if asked.long_from is None or not asked.words.all:
        return _NO_OPENING
    documents = f"""
        SELECT DISTINCT id FROM found WHERE chunk_count > {values.put(asked.long_from)}
            AND id <> ALL({values.put_array(asked.weighed, "text")})
    """  # noqa: S608 - its values are numbered
    return f"""
        SELECT c.document_id, array_agg(held.term) FILTER (WHERE held.term IS NOT NULL) AS terms
        FROM (
            SELECT no, document_id, ARRAY(
                SELECT w.term FROM unnest({values.put_array(asked.words.all, "text")}) AS w (term)
                WHERE w.term = ANY(chunks.terms)
            ) AS terms
            FROM chunks WHERE document_id = ANY(ARRAY({documents}))
                AND chunk_index < {_OPENING} OFFSET 0
        ) AS c LEFT JOIN LATERAL unnest(c.terms) AS held (term) ON true GROUP BY c.document_id
    """  # noqa: S608 - its values are numbered


def _read_halves(sent: Sequence[bytes]) -> NDArray[np.float32]:
    """Return vectors of one length, shape ``(n, dimensions)``, from their binary form."""
    if not sent:
        return np.empty((0, 0), np.float32)
    joined = np.frombuffer(b"".join(sent), np.uint8)
    values = np.ascontiguousarray(joined.reshape(len(sent), -1)[:, _HALVES_HEADER:])
    return values.view(">f2").astype(np.float32)
