"""The first chunks of several documents of one base: written, counted and ended in one go."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import pydantic_core

from core.errors import Conflict, NotFound
from core.store.base import TenantRepository
from core.store.chunks import check_base
from core.store.driver import fetch
from core.store.knowledge_bases import KnowledgeBase
from core.store.new_chunks import NewChunk, insert_chunks, word_count

# The base's row before the documents': who writes to a base waits there for who did before.
_END: Final = """
    WITH given AS MATERIALIZED (
        SELECT * FROM json_to_recordset($1::json) AS x (id text, indexed_name text, quality jsonb,
            chunks integer, tokens integer, words integer)
    ), base AS (
        UPDATE knowledge_bases b SET chunk_count = b.chunk_count + t.chunks,
            token_count = b.token_count + t.tokens, word_count = b.word_count + t.words,
            updated_at = now()
        FROM (
            SELECT sum(chunks) AS chunks, sum(tokens) AS tokens, sum(words) AS words FROM given
        ) AS t
        WHERE b.id = $2 AND b.workspace_id = $3
        RETURNING b.id, coalesce(b.vector_set_no, b.no) AS vector_set, b.chunking::text AS chunking
    ), ended AS (
        UPDATE documents d SET chunk_count = g.chunks, token_count = g.tokens,
            word_count = g.words, indexed_name = g.indexed_name, quality = g.quality,
            chunked_as = $5,
            status = 'completed', progress = 1, stage = NULL, seconds_left = NULL, error = NULL,
            lease_owner = NULL, lease_until = NULL, ended_at = now(), updated_at = now()
        FROM base, given g
        WHERE d.id = g.id AND d.base_id = base.id AND d.workspace_id = $3 AND d.lease_owner = $4
            AND d.status = 'processing' AND d.chunk_count = 0 AND NOT d.cancel_requested
        RETURNING d.id
    )
    SELECT vector_set, chunking, (SELECT count(*) FROM ended) FROM base
"""


class NotHeld(Conflict):
    """One of the documents is held by someone else by now, cancelled or gone."""


@dataclass(frozen=True)
class Indexed:
    """A document in work that has no chunks yet, and what is to become of it.

    ``name`` is what it was called when it was embedded, ``quality`` how well it was read.
    """

    document_id: str
    name: str
    quality: Mapping[str, Any]
    chunks: Sequence[NewChunk]


class FirstChunks(TenantRepository):
    """As ``Chunks`` it locks the base's row first."""

    async def write(self, base: KnowledgeBase, owner: str, documents: Sequence[Indexed]) -> None:
        """Write the chunks of documents that ``owner`` holds, and end them as completed.

        Raises :class:`NotHeld`, :class:`BaseChanged` when the base has other settings by now, and
        :class:`NotFound` when it is gone: roll back then.
        """
        given = pydantic_core.to_json([_counted(each) for each in documents]).decode()
        values = (given, base.id, self._workspace_id, owner, base.chunking_key)
        rows = await fetch(self._session, _END, *values)
        if not rows:
            raise NotFound("This knowledge base does not exist; list the bases to see which do.")
        ((vector_set, chunking, ended),) = rows
        check_base(base, vector_set, chunking)
        if ended != len(documents):
            raise NotHeld("A document was cancelled, deleted or taken over; go on one by one.")
        chunks = [(each.document_id, each.chunks) for each in documents]
        await insert_chunks(self._session, base, chunks)


def _counted(document: Indexed) -> dict[str, Any]:
    return {
        "id": document.document_id,
        "indexed_name": document.name,
        "quality": dict(document.quality),
        "chunks": len(document.chunks),
        "tokens": sum(chunk.token_count for chunk in document.chunks),
        "words": sum(word_count(chunk) for chunk in document.chunks),
    }
