"""What a workspace holds and has used, counted from the rows themselves."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import TextClause, text

from core.store.base import TenantRepository

# The bytes of a file from which a document was made are stored once.
_HELD = text("""
    SELECT (SELECT count(*) FROM documents WHERE workspace_id = :workspace_id),
           (SELECT coalesce(sum(chunk_count), 0) FROM documents WHERE workspace_id = :workspace_id),
           (SELECT count(*) FROM files WHERE workspace_id = :workspace_id),
           (SELECT coalesce(sum(size), 0) FROM (
                SELECT blob_key, max(size) AS size FROM (
                    SELECT blob_key, size FROM documents WHERE workspace_id = :workspace_id
                    UNION ALL
                    SELECT blob_key, size FROM files WHERE workspace_id = :workspace_id
                ) AS named GROUP BY blob_key
           ) AS stored)
""")
_USED = """
    SELECT {what}, (created_at AT TIME ZONE 'UTC')::date AS day, count(*),
           coalesce(sum((usage->>'input')::bigint), 0),
           coalesce(sum((usage->>'output')::bigint), 0),
           coalesce(sum(cost), 0)::float
    FROM {table}
    WHERE workspace_id = :workspace_id AND created_at >= :since AND created_at < :until {more}
    GROUP BY 1, 2 ORDER BY 2, 1
"""
_RUNS = text(_USED.format(what="status", table="executions", more=""))
_MESSAGES = text(_USED.format(what="status", table="messages", more="AND role = 'assistant'"))


@dataclass(frozen=True)
class Held:
    """What is there now; ``storage_bytes`` are those of uploads and documents."""

    documents: int
    chunks: int
    files: int
    storage_bytes: int


@dataclass(frozen=True)
class Used:
    """Runs, or answers of the copilot, of one day (UTC) and one status; ``cost`` in US dollars,
    of those whose price is known."""

    status: str
    day: date
    count: int
    input_tokens: int
    output_tokens: int
    cost: float


class Usage(TenantRepository):
    async def held(self) -> Held:
        row = await self._session.execute(_HELD, {"workspace_id": self._workspace_id})
        return Held(*(int(number) for number in row.one()))

    async def runs(self, since: datetime, until: datetime) -> Sequence[Used]:
        """Return the runs that were started in a time, ``until`` not in it, by day and status."""
        return await self._used(_RUNS, since, until)

    async def answers(self, since: datetime, until: datetime) -> Sequence[Used]:
        """Return the copilot's answers of a time, ``until`` not in it, by day and status."""
        return await self._used(_MESSAGES, since, until)

    async def _used(self, query: TextClause, since: datetime, until: datetime) -> Sequence[Used]:
        bounds = {"workspace_id": self._workspace_id, "since": since, "until": until}
        rows = await self._session.execute(query, bounds)
        return [Used(*row) for row in rows]
