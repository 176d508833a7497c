"""Changes of a base's embedding model: jobs that make every vector anew, beside the old ones.

The new vectors gather in a set of their own, under a number that no search knows. When none is
missing, one short transaction makes that set the base's. What was replaced, or given up, is swept
once no search can be reading it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import BigInteger, ForeignKey, Index, delete, select, text
from sqlalchemy.dialects.postgresql import distinct_on
from sqlalchemy.orm import Mapped, mapped_column

from core.ids import new_id
from core.store.base import Base, Repository, Timestamps
from core.store.driver import fetch
from core.store.jobs import WAITING, Job, Jobs
from core.store.knowledge_bases import KnowledgeBase
from core.store.nearest import vector_literal

_SEARCHES_END: Final = timedelta(minutes=2)  # whatever began before a switch is over by then


class Reembedding(Job, Timestamps, Base):
    __tablename__ = "reembeddings"
    __table_args__ = (
        Index(  # one at a time
            "ix_reembeddings_unfinished",
            "base_id",
            unique=True,
            postgresql_where=text("status IN ('pending', 'processing')"),
        ),
    )

    id: Mapped[str] = mapped_column(primary_key=True)
    workspace_id: Mapped[str] = mapped_column(ForeignKey("workspaces.id", ondelete="CASCADE"))
    base_id: Mapped[str] = mapped_column(
        ForeignKey("knowledge_bases.id", ondelete="CASCADE"), index=True
    )
    model: Mapped[str]
    dimensions: Mapped[int]
    vector_set: Mapped[int] = mapped_column(BigInteger)  # where the new vectors gather
    replaced_set: Mapped[int | None] = mapped_column(BigInteger)  # the base's until the switch
    is_swept: Mapped[bool] = mapped_column(default=False)


@dataclass(frozen=True)
class Unembedded:
    """A chunk without a vector in the new set, and what of its document is embedded with it."""

    no: int
    content: str
    digest: str  # of the content, to notice a change while it is embedded
    heading_path: list[str]
    table_header: str
    document_name: str


_MISSING: Final = """
    FROM chunks c WHERE c.base_id = $1 AND NOT EXISTS (
        SELECT FROM vectors v WHERE v.base_no = $2 AND v.chunk_no = c.no
    )
"""
_NEXT: Final = f"""
    SELECT m.*, coalesce(d.indexed_name, d.name) FROM (
        SELECT c.no, c.content, md5(c.content), c.heading_path,
            coalesce(c.metadata->>'tableHeader', ''), c.document_id
        {_MISSING} AND c.no > $3 ORDER BY c.no LIMIT $4
    ) AS m (no, content, digest, heading_path, table_header, document_id)
    JOIN documents d ON d.id = m.document_id ORDER BY m.no
"""  # noqa: S608 - a constant
_IS_COMPLETE: Final = f"SELECT NOT EXISTS (SELECT {_MISSING})"
# Chunks that were deleted or edited meanwhile are left out; the edited ones come again.
_WRITE: Final = """
    INSERT INTO vectors (base_no, chunk_no, embedding)
    SELECT $1::bigint, c.no, CAST(new.embedding AS halfvec)
    FROM unnest($2::bigint[], $3::text[], $4::text[]) AS new (no, digest, embedding)
    JOIN chunks c ON c.no = new.no AND md5(c.content) = new.digest
    ON CONFLICT DO NOTHING
"""


class Reembeddings(Jobs[Reembedding]):
    """Written under the lock of the base's row, as chunks are."""

    _model = Reembedding

    async def begin(self, base: KnowledgeBase, model: str, dimensions: int) -> Reembedding:
        """Queue a change of a base's model; a second one beside it is refused by the database."""
        ((number,),) = await fetch(
            self._session, "SELECT nextval(pg_get_serial_sequence('knowledge_bases', 'no'))"
        )
        await self._session.execute(
            delete(Reembedding).where(
                Reembedding.base_id == base.id,
                Reembedding.workspace_id == self._workspace_id,
                Reembedding.is_swept,
            )
        )
        row = Reembedding(
            id=new_id("remb"),
            workspace_id=self._workspace_id,
            base_id=base.id,
            model=model,
            dimensions=dimensions,
            vector_set=number,
        )
        self._session.add(row)
        await self._session.flush()
        return row

    async def latest(self, base_ids: Sequence[str]) -> dict[str, Reembedding]:
        """Return each base's last change of model, if it has not ended well or by its owner."""
        rows = await self._session.scalars(
            select(Reembedding)
            .ext(distinct_on(Reembedding.base_id))
            .where(
                Reembedding.base_id.in_(base_ids), Reembedding.workspace_id == self._workspace_id
            )
            .order_by(Reembedding.base_id, Reembedding.created_at.desc())
        )
        return {row.base_id: row for row in rows if row.status in (*WAITING, "failed")}

    async def is_cancelled(self, row: Reembedding) -> bool:
        """Whether the owner asked to stop; who asks later waits for this transaction."""
        asked = select(Reembedding.cancel_requested).where(
            Reembedding.id == row.id, Reembedding.workspace_id == self._workspace_id
        )
        return bool(await self._session.scalar(asked.with_for_update()))

    async def count_done(self, row: Reembedding) -> int:
        """Return how many chunks have their new vector."""
        ((count,),) = await fetch(
            self._session, "SELECT count(*) FROM vectors WHERE base_no = $1", row.vector_set
        )
        return int(count)

    async def next(self, row: Reembedding, after: int, limit: int) -> list[Unembedded]:
        """Return chunks that lack their new vector, of numbers above ``after``, in order."""
        values = (row.base_id, row.vector_set, after, limit)
        found = await fetch(self._session, _NEXT, *values)
        return [
            Unembedded(no, content, digest, headings, header, name)
            for no, content, digest, headings, header, _, name in found
        ]

    async def write(
        self, row: Reembedding, chunks: Sequence[Unembedded], vectors: NDArray[np.float32]
    ) -> None:
        """Write new vectors, those of chunks that are still what was embedded."""
        nos, digests = [chunk.no for chunk in chunks], [chunk.digest for chunk in chunks]
        literals = [vector_literal(vector) for vector in vectors]
        await fetch(self._session, _WRITE, row.vector_set, nos, digests, literals)

    async def is_complete(self, row: Reembedding) -> bool:
        """Whether every chunk of the base has its new vector."""
        ((complete,),) = await fetch(self._session, _IS_COMPLETE, row.base_id, row.vector_set)
        return bool(complete)


class ReembeddingLeftovers(Repository):
    """Vectors that no base has any more; swept by upkeep, a piece a transaction."""

    async def sweep(self, limit: int, after: timedelta = _SEARCHES_END) -> bool:
        """Delete up to ``limit`` vectors that were replaced or given up; false if there are none.

        ``after`` is how long ago that must be: searches in flight end with what they began with.
        """
        found = await fetch(
            self._session,
            """
                SELECT id, CASE status WHEN 'completed' THEN replaced_set ELSE vector_set END
                FROM reembeddings
                WHERE status NOT IN ('pending', 'processing') AND NOT is_swept
                    AND ended_at <= now() - $1::interval ORDER BY ended_at LIMIT 1
            """,
            after,
        )
        if not found:
            return False
        row_id, number = found[0]
        gone = await fetch(
            self._session,
            """
                DELETE FROM vectors WHERE base_no = $1 AND chunk_no IN (
                    SELECT chunk_no FROM vectors WHERE base_no = $1 LIMIT $2
                ) RETURNING chunk_no
            """,
            *(number, limit),
        )
        if len(gone) < limit:
            await fetch(
                self._session, "UPDATE reembeddings SET is_swept = true WHERE id = $1", row_id
            )
        return True
