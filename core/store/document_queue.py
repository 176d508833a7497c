"""Documents that wait: beside one that is small, others like it are claimed in the same go."""

from __future__ import annotations

from collections.abc import Collection
from datetime import timedelta
from typing import Final

from sqlalchemy.ext.asyncio import AsyncSession

from core.store.base import load_detached
from core.store.documents import Document
from core.store.job_queue import JobQueue

_SMALL: Final = 8192  # bytes: what claiming and writing cost is felt beside the embedding
_MOST: Final = 8  # that are claimed at once: who comes meanwhile waits for no more than those
# The first words are those of the index that finds such rows. Who was begun before, or has
# passages, is left to be done by itself. They are chosen apart from the update (a query that locks
# is run once there): as a condition of it, its plan may run them again, and take as many again.
_CLAIM_LIKE: Final = """
    WITH alike AS MATERIALIZED (
        SELECT d.id FROM documents d
        WHERE d.status IN ('pending', 'processing') AND d.status = 'pending'
            AND d.workspace_id = :workspace_id AND d.base_id = :base_id
            AND d.mime_type = ANY(CAST(:mime_types AS text[])) AND d.size <= :size
            AND d.blob_key <> '' AND d.attempts = 0 AND NOT d.cancel_requested
            AND d.indexed_name IS NULL AND d.chunk_count = 0
        ORDER BY d.created_at, d.id LIMIT :limit FOR UPDATE SKIP LOCKED
    )
    UPDATE documents SET status = 'processing', attempts = attempts + 1, lease_owner = :owner,
        lease_until = now() + CAST(:lease AS interval), started_at = now(), updated_at = now()
    FROM alike WHERE documents.id = alike.id
    RETURNING documents.*
"""


class DocumentQueue(JobQueue[Document]):
    """The queue of documents over all workspaces."""

    def __init__(self, session: AsyncSession) -> None:
        super().__init__(session, Document)

    async def claim_like(
        self, first: Document, owner: str, lease: timedelta, mime_types: Collection[str]
    ) -> list[Document]:
        """Take more rows of the base of a claimed one, all of them small, new and of such types.

        The oldest come first; none where ``first`` is not of that kind. The rows stay
        outside the session.
        """
        is_new = first.attempts == 1 and first.indexed_name is None and first.chunk_count == 0
        is_small = first.size <= _SMALL and first.blob_key != "" and first.mime_type in mime_types
        if not (is_new and is_small) or first.cancel_requested:
            return []
        values = {"owner": owner, "lease": lease, "mime_types": list(mime_types)}
        of_first = {"workspace_id": first.workspace_id, "base_id": first.base_id}
        bounds = {"size": _SMALL, "limit": _MOST - 1}
        more = await load_detached(
            self._session, Document, _CLAIM_LIKE, **values, **of_first, **bounds
        )
        return sorted(more, key=lambda each: (each.created_at, each.id))
