"""What search reads of bases and chunks: where to look, and what a result shows."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import CompoundSelect, Row, Select, String, any_, func, select, text, union_all
from sqlalchemy.dialects.postgresql import ARRAY

from core.errors import NotFound
from core.store.allowed import MOST, Allowed
from core.store.base import TenantRepository, is_one_of
from core.store.chunks import HAS_METADATA, IS_PLAIN, Chunk
from core.store.documents import Document
from core.store.driver import fetch
from core.store.filters import Filter
from core.store.values import Values


@dataclass(frozen=True)
class SearchedBase:
    """What search has to know of a knowledge base."""

    id: str
    no: int
    language: str
    embedding_model: str
    embedding_dimensions: int
    chunk_count: int
    word_count: int  # analyzed words
    vector_set: int  # the number its vectors are under
    has_vector_index: bool
    has_disabled: bool  # whether a document or a chunk of it is disabled
    parent_tokens: int | None  # length of the window a chunk is widened to; None: its neighbours


@dataclass(frozen=True)
class StoredChunk:
    """A chunk and its document, as a search result shows them."""

    no: int
    id: str
    base_id: str
    document_id: str
    document_name: str
    content: str
    token_count: int
    index: int
    metadata: dict[str, Any]  # the document's, with the chunk's own on top
    page: int | None
    bbox: list[float] | None
    start_offset: int | None
    end_offset: int | None
    heading_path: list[str]
    edited: bool = False  # by somebody, so that the document may not say it so


# Arrays of hot statements are queries of their own, as ``Values.put_array`` says.
_SEARCHED: Final = """
    SELECT id, no, language, embedding_model, embedding_dimensions, chunk_count, word_count,
        coalesce(vector_set_no, no), has_vector_index,
        EXISTS (SELECT FROM chunks c WHERE c.base_id = b.id AND NOT c.enabled)
            OR EXISTS (SELECT FROM documents d WHERE d.base_id = b.id AND NOT d.enabled),
        (chunking ->> 'parentTokens')::integer
    FROM knowledge_bases b
"""
_BASES: Final = f"{_SEARCHED} WHERE id = ANY((SELECT $1::text[])::text[]) AND workspace_id = $2"
_FILLED: Final = f"""
    {_SEARCHED} WHERE workspace_id = $1 AND chunk_count > 0
    ORDER BY created_at DESC, id DESC LIMIT $2
"""
_SHOWN: Final = """
    SELECT c.no, c.id, c.base_id, c.document_id, d.name, c.content, c.token_count, c.chunk_index,
        d.metadata::text, c.metadata::text, c.page, c.bbox, c.start_offset, c.end_offset,
        c.heading_path, c.origin <> 'document'
    FROM chunks c JOIN documents d ON d.id = c.document_id
"""
_GET: Final = f"{_SHOWN} WHERE c.no = ANY((SELECT $1::bigint[])::bigint[]) AND c.workspace_id = $2"
_AROUND: Final = f"""
    {_SHOWN}
    JOIN unnest($1::text[], $2::int[]) AS place (document_id, chunk_index)
        ON place.document_id = c.document_id AND place.chunk_index = c.chunk_index
    WHERE c.workspace_id = $3 AND c.enabled
"""
_DOCUMENTS: Final = """
    SELECT no, document_id FROM chunks WHERE no = ANY($1::bigint[]) AND workspace_id = $2
"""


class Hits(TenantRepository):
    """What is asked by numbers is reached only through a base that was checked."""

    async def bases(self, base_ids: Sequence[str]) -> list[SearchedBase]:
        """Return the bases in the given order; raises :class:`NotFound` unless all are there."""
        rows = await fetch(self._session, _BASES, base_ids, self._workspace_id)
        found = {row[0]: SearchedBase(*row) for row in rows}
        if any(base_id not in found for base_id in base_ids):
            raise NotFound("A knowledge base does not exist; list the bases to see which do.")
        return [found[base_id] for base_id in dict.fromkeys(base_ids)]

    async def filled_bases(self, limit: int) -> list[SearchedBase]:
        """Return the bases that hold anything, the newest first."""
        rows = await fetch(self._session, _FILLED, self._workspace_id, limit)
        return [SearchedBase(*row) for row in rows]

    async def allowed(self, base_ids: Sequence[str], condition: Filter | None) -> Allowed:
        """Return which chunks count: enabled ones that meet a condition."""
        query = _allowed(base_ids, condition)
        if condition is None:  # few are disabled
            return Allowed(query, None)
        values = Values()
        some = values.put_query(_listed(base_ids, condition).limit(MOST + 1))
        ((nos,),) = await fetch(self._session, f"SELECT ARRAY({some})", *values)
        return Allowed(query, nos if len(nos) <= MOST else None)

    async def matching(
        self, base_ids: Sequence[str], condition: Filter | None
    ) -> list[StoredChunk]:
        """Return every enabled chunk that meets a condition, in the order of writing."""
        rows = await self._session.scalars(_allowed(base_ids, condition).order_by(Chunk.no))
        nos = list(rows.all())
        found = await self.get(nos)
        return [found[no] for no in nos if no in found]

    async def documents_of(self, chunk_nos: Sequence[int]) -> dict[int, str]:
        """Return the document's id of each chunk."""
        rows = await fetch(self._session, _DOCUMENTS, chunk_nos, self._workspace_id)
        return dict(rows)

    async def get(self, chunk_nos: Sequence[int]) -> dict[int, StoredChunk]:
        """Return chunks by number; those deleted meanwhile are missing."""
        if not chunk_nos:
            return {}
        rows = await fetch(self._session, _GET, chunk_nos, self._workspace_id)
        return {row[0]: _stored(row) for row in rows}

    async def around(
        self, chunks: Sequence[StoredChunk], reach: int = 1
    ) -> dict[tuple[str, int], StoredChunk]:
        """Return up to ``reach`` chunks before and after each of the given ones, by document and
        index."""
        steps = [step for step in range(-reach, reach + 1) if step]
        places = {(chunk.document_id, chunk.index + step) for chunk in chunks for step in steps}
        rows = await fetch(
            self._session,
            _AROUND,
            [document_id for document_id, _ in places],
            [index for _, index in places],
            self._workspace_id,
        )
        found = [_stored(row) for row in rows]
        return {(chunk.document_id, chunk.index): chunk for chunk in found}


def _allowed(base_ids: Sequence[str], condition: Filter | None) -> Select[Any]:
    query = (
        select(Chunk.no)
        .join(Document, Document.id == Chunk.document_id)
        .where(is_one_of(Chunk.base_id, base_ids), Chunk.enabled, Document.enabled)
    )
    return query if condition is None else query.where(condition.clause)


def _listed(base_ids: Sequence[str], condition: Filter) -> Select[Any] | CompoundSelect[Any]:
    """Return the query for what :func:`_allowed` gives, the documents asked first.

    Chunks without metadata of their own count if their document does, and are told by an index: to
    read 100,000 chunks takes a tenth of a second.
    """
    whole = _allowed(base_ids, condition)
    if condition.of_documents is None:
        return whole
    documents = select(Document.id).where(
        is_one_of(Document.base_id, base_ids), Document.enabled, condition.of_documents
    )
    ids = func.array(documents.scalar_subquery(), type_=ARRAY(String))
    plain = select(Chunk.no).where(Chunk.document_id == any_(ids), Chunk.enabled, text(IS_PLAIN))
    return union_all(plain, whole.where(text(f"chunks.{HAS_METADATA}")))


def _decoded(text: str) -> dict[str, Any]:
    found: dict[str, Any] = {} if text == "{}" else json.loads(text)
    return found


def _stored(row: Row[*tuple[Any, ...]]) -> StoredChunk:
    no, id_, base_id, document_id, name, content, tokens, index, document_meta, meta, *place = row
    page, bbox, start, end, headings, edited = place
    return StoredChunk(
        *(no, id_, base_id, document_id, name, content, tokens, index),
        {**_decoded(document_meta), **_decoded(meta)},
        *(page, bbox, start, end, headings, edited),
    )
