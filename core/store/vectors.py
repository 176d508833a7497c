"""The vectors of chunks, in a narrow table: an exact scan of a base reads nothing else."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pgvector.sqlalchemy import HALFVEC
from sqlalchemy import BigInteger, ForeignKey, text
from sqlalchemy.orm import Mapped, mapped_column

from core.store.base import Base, TenantRepository


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


def vector_literal(vector: NDArray[np.float32]) -> str:
    """Return a vector as pgvector reads it; seven digits are more than a half can hold."""
    return "[" + ",".join(f"{x:.7g}" for x in vector.tolist()) + "]"
