"""The vectors of chunks, in a narrow table: an exact scan of a base reads nothing else."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from pgvector.sqlalchemy import HALFVEC
from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Float,
    ForeignKey,
    Label,
    Select,
    String,
    cast,
    func,
    literal,
    literal_column,
    select,
    text,
)
from sqlalchemy.orm import InstrumentedAttribute, Mapped, mapped_column

from core.store.base import Base, TenantRepository, is_one_of
from core.store.knowledge_bases import KnowledgeBase

_EF_SEARCH_MOST: Final = 1000  # pgvector's own limit
_MOST_FROM_INDEX: Final = 250  # more are looked for exactly


class Vector(Base):
    __tablename__ = "vectors"

    base_no: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    chunk_no: Mapped[int] = mapped_column(
        BigInteger, ForeignKey("chunks.no", ondelete="CASCADE"), primary_key=True, index=True
    )
    embedding: Mapped[Any] = mapped_column(HALFVEC)  # unit length, of the base's dimensions


class Vectors(TenantRepository):
    """Reached only through a base that was checked."""

    async def add(
        self, base_no: int, chunk_nos: Sequence[int], embeddings: Sequence[NDArray[np.float32]]
    ) -> None:
        """Write one unit vector a chunk."""
        insert = text("""
            INSERT INTO vectors (base_no, chunk_no, embedding)
            SELECT CAST(:base_no AS bigint), new.no, CAST(new.embedding AS halfvec)
            FROM unnest(CAST(:nos AS bigint[]), CAST(:embeddings AS text[])) AS new (no, embedding)
        """)
        literals = [vector_literal(embedding) for embedding in embeddings]
        values = {"base_no": base_no, "nos": list(chunk_nos), "embeddings": literals}
        await self._session.execute(insert, values)

    async def replace(self, base_no: int, chunk_no: int, embedding: NDArray[np.float32]) -> None:
        """Give a chunk another unit vector."""
        await self._session.execute(
            text("""
                UPDATE vectors SET embedding = CAST(:embedding AS halfvec)
                WHERE base_no = :base_no AND chunk_no = :chunk_no
            """),
            {"base_no": base_no, "chunk_no": chunk_no, "embedding": vector_literal(embedding)},
        )

    async def nearest(
        self,
        bases: Sequence[KnowledgeBase],
        vector: NDArray[np.float32],
        limit: int,
        allowed: Select[Any] | None = None,
    ) -> list[int]:
        """Return the numbers of the ``limit`` chunks nearest to ``vector`` by cosine, best first.

        ``allowed`` selects the chunk numbers that count. The answer is exact but for bases with
        a vector index (HNSW), and there too whenever ``allowed`` leaves few.
        """
        use_index = limit <= _MOST_FROM_INDEX
        scanned = [base.no for base in bases if not (use_index and base.has_vector_index)]
        found = await self._exact(scanned, vector, limit, allowed) if scanned else []
        for base in bases:
            if use_index and base.has_vector_index:
                found.extend(await self._indexed(base, vector, limit, allowed))
        found.sort(key=lambda item: item[1])
        return [no for no, _ in found[:limit]]

    async def _exact(
        self,
        base_nos: Sequence[int],
        vector: NDArray[np.float32],
        limit: int,
        allowed: Select[Any] | None,
    ) -> list[tuple[int, float]]:
        distance = _distance(Vector.embedding, vector, HALFVEC())
        query = select(Vector.chunk_no, distance).where(is_one_of(Vector.base_no, base_nos))
        if allowed is not None:
            query = query.where(Vector.chunk_no.in_(allowed))
        rows = await self._session.execute(query.order_by(distance).limit(limit))
        return [(no, float(far)) for no, far in rows]

    async def _indexed(
        self,
        base: KnowledgeBase,
        vector: NDArray[np.float32],
        limit: int,
        allowed: Select[Any] | None,
    ) -> list[tuple[int, float]]:
        """Ask the base's own index; under a filter ask for more and drop what is not allowed."""
        wanted = limit if allowed is None else 4 * limit
        ef_search = min(2 * wanted, _EF_SEARCH_MOST)
        await self._session.execute(select(func.set_config("hnsw.ef_search", str(ef_search), True)))
        kind = HALFVEC(base.embedding_dimensions)
        distance = _distance(cast(Vector.embedding, kind), vector, kind)
        # The number is written out: only then the planner sees that the partial index fits.
        near = (
            select(Vector.chunk_no, distance)
            .where(Vector.base_no == literal_column(str(int(base.no))))
            .order_by(distance)
            .limit(wanted)
        )
        if allowed is None:
            rows = await self._session.execute(near)
            return [(no, float(far)) for no, far in rows]
        inner = near.subquery()
        rows = await self._session.execute(
            select(inner.c.chunk_no, inner.c.distance)
            .where(inner.c.chunk_no.in_(allowed))
            .order_by(inner.c.distance)
            .limit(limit)
        )
        found = [(no, float(far)) for no, far in rows]
        if len(found) < limit:
            return await self._exact([base.no], vector, limit, allowed)
        return found


def vector_literal(vector: NDArray[np.float32]) -> str:
    """Return a vector as pgvector reads it; seven digits are more than a half can hold."""
    return "[" + ",".join(f"{x:.7g}" for x in vector.tolist()) + "]"


def _distance(
    embedding: ColumnElement[Any] | InstrumentedAttribute[Any],
    vector: NDArray[np.float32],
    kind: HALFVEC,
) -> Label[float]:
    asked = cast(literal(vector_literal(vector), String), kind)
    return embedding.op("<=>", return_type=Float)(asked).label("distance")
