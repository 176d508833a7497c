"""Vector indexes (HNSW): one a large base, made beside the traffic. docs/decisions says why.

Small bases are scanned exactly, which takes a few milliseconds and needs no index.
"""

from __future__ import annotations

from typing import Final

import structlog
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from core.store.unit import Store

LARGE: Final = 20_000  # chunks from which a base has an index of its own
_SMALL: Final = 10_000  # chunks below which it is dropped again
_LOCK: Final = 7_219_004_113  # any number of our own
_PREFIX: Final = "ix_vectors_hnsw_"
_MOST_DIMENSIONS: Final = 4000  # pgvector's limit for an index over halves

_log = structlog.get_logger(__name__)


async def tend(store: Store, large: int = LARGE) -> list[str]:
    """Make the indexes that are due and drop those that are not; return the names of both.

    Blocks neither readers nor writers. Of several processes that call it one does the work, the
    others return at once. Call it now and then, for example after documents were processed.
    """
    engine = store.engine.execution_options(isolation_level="AUTOCOMMIT")
    async with engine.connect() as connection:
        if not await connection.scalar(text(f"SELECT pg_try_advisory_lock({_LOCK})")):
            return []
        try:
            dropped = await _drop(connection, min(_SMALL, large))
            return dropped + await _make(connection, large)
        finally:
            await connection.execute(text(f"SELECT pg_advisory_unlock({_LOCK})"))


async def _drop(connection: AsyncConnection, small: int) -> list[str]:
    """Drop indexes of bases that are gone or small, and what a crash left unfinished."""
    names = await connection.scalars(
        text("""
            SELECT i.relname FROM pg_index x
            JOIN pg_class i ON i.oid = x.indexrelid
            JOIN pg_class t ON t.oid = x.indrelid AND t.relname = 'vectors'
            LEFT JOIN knowledge_bases b
                ON i.relname = :prefix || coalesce(b.vector_set_no, b.no)
            WHERE starts_with(i.relname, :prefix)
              AND (b.no IS NULL OR b.chunk_count < :small OR NOT x.indisvalid)
        """),
        {"prefix": _PREFIX, "small": small},
    )
    dropped = list(names.all())
    for name in dropped:
        # First the flag: a search that still reads it finds no index and scans exactly.
        await _set_flag(connection, name, False)
        await connection.execute(text(f'DROP INDEX CONCURRENTLY IF EXISTS "{name}"'))
        _log.info("vector index dropped", index=name)
    return dropped


async def _make(connection: AsyncConnection, large: int) -> list[str]:
    rows = await connection.execute(
        text("""
            SELECT coalesce(vector_set_no, no), embedding_dimensions FROM knowledge_bases
            WHERE NOT has_vector_index AND chunk_count >= :large
              AND embedding_dimensions <= :most
            ORDER BY no
        """),
        {"large": large, "most": _MOST_DIMENSIONS},
    )
    made = []
    for no, dimensions in rows.all():
        name = f"{_PREFIX}{int(no)}"
        await connection.execute(
            text(
                f'CREATE INDEX CONCURRENTLY IF NOT EXISTS "{name}" ON vectors USING hnsw'
                f" ((embedding::halfvec({int(dimensions)})) halfvec_cosine_ops)"
                f" WHERE base_no = {int(no)}"
            )
        )
        await _set_flag(connection, name, True)
        _log.info("vector index made", index=name)
        made.append(name)
    return made


async def _set_flag(connection: AsyncConnection, name: str, value: bool) -> None:
    await connection.execute(
        text(
            "UPDATE knowledge_bases SET has_vector_index = :value"
            " WHERE coalesce(vector_set_no, no) = :no"
        ),
        {"value": value, "no": int(name.removeprefix(_PREFIX))},
    )
