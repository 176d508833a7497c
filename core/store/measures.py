"""Exact measures of chunks, whichever way they were found: vector, BM25, what a document says."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Final, Protocol

import numpy as np
from asyncpg import Record
from numpy.typing import NDArray

from core.store.base import TenantRepository
from core.store.driver import look
from core.store.nearest import Nearest
from core.store.scoring import Sought, scores
from core.store.values import Values
from core.store.word_lists import NO_LISTS, WordLists

_OPENING: Final = 2  # chunks; a title page is seldom longer
_HEADER: Final = 4  # bytes before the values of a vector in the database's binary form


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
    ``weighed``, it is also told which words their opening holds: ``None`` asks for none. What
    ``lists`` tell of the words is not asked again.
    """

    bases: Sequence[MeasuredBase]
    words: Sought
    chunk_nos: Sequence[int] = ()
    scored: Mapping[int, float] = field(default_factory=dict)
    nearest: Nearest | None = None
    known: Collection[int] = ()
    long_from: int | None = None
    weighed: Collection[str] = ()
    lists: WordLists = NO_LISTS


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
        if near is not None and near.is_short(rows[0]["near"] if rows else 0):
            rows = await self._rows(replace(asked, nearest=replace(near, is_exact=True)))
        nos = [row["chunk_no"] for row in rows]
        documents = {no: row["id"] for row in rows if row["nos"] for no in row["nos"]}
        return MeasuredChunks(
            nos=nos,
            document_ids=[row["id"] for row in rows],
            document_names=[row["name"] for row in rows],
            document_lengths=[row["chunk_count"] for row in rows],
            vectors=_vectors(rows),
            keyword=_keyword(asked, rows),
            openings=_read_openings(rows, documents, asked.lists.held(list(documents))),
        )

    async def _rows(self, asked: Asked) -> list[Record]:
        values = Values()
        sql = _measure(asked, values)
        return await look(self._session, sql, *values)


def _measure(asked: Asked, values: Values) -> str:
    """Return the query: what is nearest is found in it, and measured with the rest."""
    bases = [base.no for base in asked.bases]
    words = asked.words.without(asked.lists.words)
    known = values.put_array([*asked.known, *asked.scored], "bigint")
    if asked.nearest is None:
        near = f"SELECT unnest({values.put_array(asked.chunk_nos, 'bigint')}) AS chunk_no"
    else:
        near = f"SELECT chunk_no FROM ({asked.nearest.sql(values)}) AS nearest"  # noqa: S608
    among = "AND chunk_no = ANY((SELECT nos FROM fresh)::bigint[])"
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
        ), opening AS ({_openings(asked, words, values)})
        SELECT found.*, coalesce(said.score, 0) AS score, opening.terms AS opening, opening.nos,
            (SELECT count(*) FROM near) AS near
        FROM found
        LEFT JOIN ({scores(bases, words.all, words, among, values)}) AS said
            USING (chunk_no)
        LEFT JOIN opening ON opening.document_id = found.id
        ORDER BY found.chunk_no
    """  # noqa: S608 - parts of our own, their values are numbered


def _keyword(asked: Asked, rows: Sequence[Record]) -> NDArray[np.float32]:
    """Return the BM25 of each row's chunk; what lists tell is added to what the row says."""
    fresh = [row for row in rows if row["chunk_no"] not in asked.scored]
    listed = asked.lists.scores([row["chunk_no"] for row in fresh], asked.words).tolist()
    parts = zip(fresh, listed, strict=True)
    found = dict(asked.scored) | {row["chunk_no"]: row["score"] + part for row, part in parts}
    return np.array([found[row["chunk_no"]] for row in rows], np.float32)


def _openings(asked: Asked, words: Sought, values: Values) -> str:
    """Return the query for ``(document_id, terms, nos)`` of the long documents of what was found:
    which of some words their openings hold, and the openings' numbers if lists tell of others."""
    nos = "array_agg(c.no)" if asked.lists.words else "NULL::bigint[]"
    return f"""
        SELECT c.document_id, {nos} AS nos,
            array_agg(held.term) FILTER (WHERE held.term IS NOT NULL) AS terms
        FROM (
            SELECT no, document_id, ARRAY(
                SELECT w.term FROM unnest({values.put_array(words.all, "text")}) AS w (term)
                WHERE w.term = ANY(chunks.terms)
            ) AS terms
            FROM chunks WHERE document_id = ANY(ARRAY(
                SELECT DISTINCT id FROM found WHERE chunk_count > {values.put(asked.long_from)}
                AND id <> ALL({values.put_array(asked.weighed, "text")})
            )) AND chunk_index < {_OPENING} OFFSET 0
        ) AS c LEFT JOIN LATERAL unnest(c.terms) AS held (term) ON true GROUP BY c.document_id
    """  # noqa: S608 - its values are numbered


def _read_openings(
    rows: Sequence[Record], documents: Mapping[int, str], listed: Iterable[tuple[int, str]]
) -> dict[str, list[str]]:
    """Return the words of each document's opening, those found in its rows and those in lists."""
    found = {row["id"]: list(row["opening"]) for row in rows if row["opening"]}
    for no, term in listed:
        found.setdefault(documents[no], []).append(term)
    return found


def _vectors(rows: Sequence[Record]) -> NDArray[np.float32]:
    """Read halves as the database sends them: two 16-bit integers, then big-endian values."""
    if not rows:
        return np.empty((0, 0), np.float32)
    joined = np.frombuffer(b"".join(row["vector"] for row in rows), np.uint8)
    values = np.ascontiguousarray(joined.reshape(len(rows), -1)[:, _HEADER:])
    return values.view(">f2").astype(np.float32)
