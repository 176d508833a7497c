"""Packs the postings of large bases, beside the traffic, so that a word is one value to be read."""

from __future__ import annotations

from typing import Final

import structlog
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from core.store.unit import Store
from core.store.vector_indexes import LARGE
from core.store.word_lists import LONGEST

_COMMON: Final = 64  # chunks from which a word is packed; rows of rarer ones are as quick
_LOCK: Final = 7_219_004_114  # any number of our own
_FARTHEST: Final = 2**31 - 1  # from the first chunk's number to the last: what four bytes hold

_log = structlog.get_logger(__name__)

# A packing is made anew when a twentieth of it is missing or gone.
_DUE: Final = text("""
    SELECT b.no FROM knowledge_bases b LEFT JOIN packings p ON p.base_no = b.no
    WHERE b.chunk_count >= :large AND (p.no IS NULL
        OR abs(b.chunk_count - p.chunk_count) + length(p.gone) / 8 > p.chunk_count / 20)
    ORDER BY b.no
""")
_DROP: Final = text("""
    DELETE FROM packings p USING knowledge_bases b
    WHERE b.no = p.base_no AND (p.last_no IS NULL OR b.chunk_count < :small)
""")
# Whoever changes the base waits for this, or has ended: from here on the packing is told.
_BEGIN: Final = text("""
    WITH base AS (SELECT no, workspace_id FROM knowledge_bases WHERE no = :no FOR NO KEY UPDATE)
    INSERT INTO packings (base_no, workspace_id) SELECT no, workspace_id FROM base RETURNING no
""")
_RANGE: Final = text("""
    SELECT min(c.no), max(c.no), count(*) FROM chunks c JOIN knowledge_bases b ON b.id = c.base_id
    WHERE b.no = :no
""")
_PACK: Final = text(f"""
    INSERT INTO packed_words (packing_no, term, workspace_id, postings)
    SELECT g.no, p.term, g.workspace_id, string_agg(int4send((p.chunk_no - :first)::integer)
        || int2send(p.frequency) || int2send(least(p.length, {LONGEST})::smallint), ''
        ORDER BY p.chunk_no)
    FROM packings g
    JOIN terms t ON t.base_no = g.base_no AND t.chunk_count >= :common
    JOIN postings p ON p.base_no = t.base_no AND p.term = t.term AND p.chunk_no <= :last
    WHERE g.no = :packing GROUP BY g.no, p.term
""")  # noqa: S608 - a number of our own
_PUBLISH: Final = text("""
    UPDATE packings SET first_no = :first, last_no = :last, chunk_count = :count
    WHERE no = :packing
""")
_REPLACE: Final = text("DELETE FROM packings WHERE base_no = :no AND no <> :packing")


async def tend(store: Store, large: int = LARGE, common: int = _COMMON) -> list[int]:
    """Pack the words of bases of ``large`` chunks and more; return the bases' numbers.

    Words of fewer than ``common`` chunks stay rows.
    Blocks no reader, and writers of a base for moments. Of several processes that call it one
    does the work, the others return at once. Bases that shrank to a half lose theirs.
    """
    engine = store.engine.execution_options(isolation_level="AUTOCOMMIT")
    async with engine.connect() as connection:
        if not await connection.scalar(text(f"SELECT pg_try_advisory_lock({_LOCK})")):
            return []
        try:
            # With the lock held, what is not finished was left by a crash.
            await connection.execute(_DROP, {"small": large // 2})
            due = list(await connection.scalars(_DUE, {"large": large}))
            return [no for no in due if await _pack(store.engine, connection, no, common)]
        finally:
            await connection.execute(text(f"SELECT pg_advisory_unlock({_LOCK})"))


async def _pack(
    engine: AsyncEngine, connection: AsyncConnection, base_no: int, common: int
) -> bool:
    """Make a base's packing and put it in the place of the last; return whether that was done."""
    packing = await connection.scalar(_BEGIN, {"no": base_no})
    if packing is None:
        return False  # the base is gone
    snapshot = engine.execution_options(isolation_level="REPEATABLE READ")
    async with snapshot.begin() as reading:
        first, last, count = (await reading.execute(_RANGE, {"no": base_no})).one()
        if not count or last - first > _FARTHEST:
            return False
        span = {"packing": packing, "first": first, "last": last}
        await reading.execute(_PACK, {**span, "common": common})
    async with engine.begin() as publishing:
        await publishing.execute(_PUBLISH, {**span, "count": count})
        await publishing.execute(_REPLACE, {"no": base_no, "packing": packing})
    _log.info("postings packed", base_no=base_no, chunks=count)
    return True
