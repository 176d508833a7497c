"""The vectors of chunks, in a narrow table: an exact scan of a base reads nothing else."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pgvector.sqlalchemy import HALFVEC
from sqlalchemy import BigInteger, ForeignKey
from sqlalchemy.orm import Mapped, mapped_column

from core.store.allowed import Allowed
from core.store.base import Base, TenantRepository
from core.store.driver import fetch
from core.store.nearest import IndexedBase, Nearest, vector_literal
from core.store.values import Values


class Vector(Base):
    __tablename__ = "vectors"

    # Of a set: that of its base, until the base's model was changed (``reembeddings``).
    base_no: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    chunk_no: Mapped[int] = mapped_column(
        BigInteger, ForeignKey("chunks.no", ondelete="CASCADE"), primary_key=True, index=True
    )
    embedding: Mapped[Any] = mapped_column(HALFVEC)  # unit length, of the base's dimensions


@dataclass(frozen=True)
class Embedded:
    """A passage with what it was embedded under, and its unit vector."""

    content: str
    heading_path: list[str]
    table_header: str
    vector: NDArray[np.float32]


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

    async def of_document(self, vector_set: int, document_id: str) -> list[Embedded]:
        """Return a document's passages as they were embedded into a set, each with its vector."""
        rows = await fetch(
            self._session,
            """
                SELECT c.content, c.heading_path, coalesce(c.metadata->>'tableHeader', ''),
                    v.embedding::real[]
                FROM chunks c JOIN vectors v ON v.chunk_no = c.no AND v.base_no = $1
                WHERE c.document_id = $2 AND c.workspace_id = $3
            """,
            *(vector_set, document_id, self._workspace_id),
        )
        return [
            Embedded(content, headings, header, np.asarray(vector, np.float32))
            for content, headings, header, vector in rows
        ]

    async def nearest(
        self,
        bases: Sequence[IndexedBase],
        vector: NDArray[np.float32],
        limit: int,
        allowed: Allowed | None = None,
        *,
        is_exact: bool = False,
    ) -> list[int]:
        """Return the numbers of the ``limit`` chunks nearest to ``vector`` by cosine, best first.

        The answer is exact but for bases with a vector index (HNSW), and there too where
        ``allowed`` leaves few, or if ``is_exact``, for measuring it.
        """
        asked = Nearest(bases, vector, limit, allowed, is_exact)
        found = await self._found(asked)
        return (
            await self._found(replace(asked, is_exact=True))
            if asked.is_short(len(found))
            else found
        )

    async def _found(self, asked: Nearest) -> list[int]:
        values = Values()
        sql = asked.sql(values)
        rows = await fetch(self._session, sql, *values)
        return [no for no, _ in sorted(rows, key=lambda row: row[1])]
