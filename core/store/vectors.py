"""The vectors of chunks, in a narrow table: an exact scan of a base reads nothing else."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final, Protocol

import numpy as np
import pydantic_core
from numpy.typing import NDArray
from pgvector.sqlalchemy import HALFVEC
from sqlalchemy import BigInteger, ForeignKey, Select
from sqlalchemy.orm import Mapped, mapped_column

from core.store.base import Base, TenantRepository
from core.store.driver import fetch, look, rendered

_EF_SEARCH_MOST: Final = 1000  # pgvector's own limit
_MOST_FROM_INDEX: Final = 250  # more are looked for exactly


class Vector(Base):
    __tablename__ = "vectors"

    # Of a set: that of its base, until the base's model was changed (``reembeddings``).
    base_no: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    chunk_no: Mapped[int] = mapped_column(
        BigInteger, ForeignKey("chunks.no", ondelete="CASCADE"), primary_key=True, index=True
    )
    embedding: Mapped[Any] = mapped_column(HALFVEC)  # unit length, of the base's dimensions


class IndexedBase(Protocol):
    """What is known of a base whose vectors are looked through."""

    @property
    def vector_set(self) -> int: ...

    @property
    def embedding_dimensions(self) -> int: ...

    @property
    def has_vector_index(self) -> bool: ...


class Vectors(TenantRepository):
    """Reached only through a base that was checked."""

    async def replace(self, vector_set: int, chunk_no: int, embedding: NDArray[np.float32]) -> None:
        """Give a chunk another unit vector; one in a set that is being made is made again."""
        await fetch(
            self._session,
            "DELETE FROM vectors WHERE chunk_no = $1 AND base_no <> $2",
            *(chunk_no, vector_set),
        )
        await fetch(
            self._session,
            """
                UPDATE vectors SET embedding = CAST($3::text AS halfvec)
                WHERE base_no = $1 AND chunk_no = $2
            """,
            *(vector_set, chunk_no, vector_literal(embedding)),
        )

    async def nearest(
        self,
        bases: Sequence[IndexedBase],
        vector: NDArray[np.float32],
        limit: int,
        allowed: Select[Any] | None = None,
    ) -> list[int]:
        """Return the numbers of the ``limit`` chunks nearest to ``vector`` by cosine, best first.

        ``allowed`` selects the chunk numbers that count. The answer is exact but for bases with
        a vector index (HNSW), and there too whenever ``allowed`` leaves few.
        """
        use_index = limit <= _MOST_FROM_INDEX
        scanned = [base.vector_set for base in bases if not (use_index and base.has_vector_index)]
        found = await self._exact(scanned, vector, limit, allowed) if scanned else []
        for base in bases:
            if use_index and base.has_vector_index:
                found.extend(await self._indexed(base, vector, limit, allowed))
        found.sort(key=lambda item: item[1])
        return [no for no, _ in found[:limit]]

    async def _exact(
        self,
        sets: Sequence[int],
        vector: NDArray[np.float32],
        limit: int,
        allowed: Select[Any] | None,
    ) -> list[tuple[int, float]]:
        condition, values = _among(allowed, first=4)
        rows = await look(
            self._session,
            f"""
                SELECT chunk_no, embedding <=> {_asked("halfvec")} AS distance FROM vectors
                WHERE base_no = ANY($2::bigint[]) {condition} ORDER BY distance LIMIT $3
            """,  # noqa: S608 - the condition is our own, its values are numbered
            *(vector_literal(vector), sets, limit, *values),
        )
        return [(no, far) for no, far in rows]

    async def _indexed(
        self,
        base: IndexedBase,
        vector: NDArray[np.float32],
        limit: int,
        allowed: Select[Any] | None,
    ) -> list[tuple[int, float]]:
        """Ask the base's own index; under a filter ask for more and drop what is not allowed."""
        wanted = limit if allowed is None else 4 * limit
        ef_search = min(2 * wanted, _EF_SEARCH_MOST)
        await fetch(self._session, "SELECT set_config('hnsw.ef_search', $1, true)", str(ef_search))
        condition, values = _among(allowed, first=4)
        # Numbers are written out: only then the planner sees that the partial index fits.
        kind = f"halfvec({int(base.embedding_dimensions)})"
        rows = await fetch(
            self._session,
            f"""
                SELECT chunk_no, distance FROM (
                    SELECT chunk_no, embedding::{kind} <=> {_asked(kind)} AS distance
                    FROM vectors WHERE base_no = {int(base.vector_set)} ORDER BY distance LIMIT $2
                ) AS near WHERE true {condition} ORDER BY distance LIMIT $3
            """,  # noqa: S608 - two numbers, and a condition whose values are numbered
            *(vector_literal(vector), wanted, limit, *values),
        )
        if len(rows) < limit and allowed is not None:
            return await self._exact([base.vector_set], vector, limit, allowed)
        return [(no, far) for no, far in rows]


def vector_literal(vector: NDArray[np.float32]) -> str:
    """Return a vector as pgvector reads it."""
    return pydantic_core.to_json(vector.tolist()).decode()


def _asked(kind: str) -> str:
    """Return the vector asked for, first of a query's values. A query of its own, it is read once:
    otherwise the plan that PostgreSQL keeps from the sixth call on reads its text for each row."""
    return f"(SELECT CAST($1::text AS {kind}))"


def _among(allowed: Select[Any] | None, first: int) -> tuple[str, list[Any]]:
    """Return the condition that a chunk is allowed, its values numbered from ``first``."""
    if allowed is None:
        return "", []
    query, values = rendered(allowed, first)
    return f"AND chunk_no IN ({query})", values
