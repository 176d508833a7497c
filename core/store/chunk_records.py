"""What a base's chunks say of themselves: text, metadata and vectors, read by Haystack's filters.

Disabled chunks, and those of disabled documents, are not there, as in a search.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from pgvector import HalfVector
from sqlalchemy import ColumnElement, Select, String, Text, and_, cast, func, literal, select
from sqlalchemy.dialects.postgresql import ARRAY, JSONB, REAL

from core.store.base import TenantRepository, is_one_of
from core.store.chunks import Chunk
from core.store.documents import Document
from core.store.external_chunks import ExternalChunk
from core.store.haystack_filters import CHUNK_ID, METADATA, ChunkFilter, field_value
from core.store.knowledge_bases import KnowledgeBase
from core.store.vectors import Vector

_SCALARS: Final = ("number", "string")


@dataclass(frozen=True)
class ChunkRecord:
    """A chunk as its writer gave it; ``embedding`` only where the writer gave one."""

    id: str
    content: str
    metadata: dict[str, Any]
    embedding: NDArray[np.float64] | None


class ChunkRecords(TenantRepository):
    """Every statement names the base and the workspace."""

    def numbers(self, base_id: str, condition: ChunkFilter | None) -> Select[Any]:
        """Return the query for the numbers of the chunks that meet a condition."""
        return self._chunks(base_id, condition, Chunk.no)

    async def read(self, base: KnowledgeBase, condition: ChunkFilter | None) -> list[ChunkRecord]:
        """Return the chunks that meet a condition, in the order of writing."""
        query = self._records(base, condition).order_by(Chunk.no)
        return [_record(row) for row in await self._session.execute(query)]

    async def read_by_chunk_id(
        self, base: KnowledgeBase, chunk_ids: Sequence[str]
    ) -> dict[str, ChunkRecord]:
        """Return chunks by the service's own ids; those deleted meanwhile are missing."""
        query = self._records(base, is_one_of(Chunk.id, chunk_ids))
        return {row.chunk_id: _record(row) for row in await self._session.execute(query)}

    async def nearest(
        self,
        base: KnowledgeBase,
        vector: NDArray[np.float32],
        condition: ChunkFilter | None,
        limit: int,
    ) -> list[tuple[ChunkRecord, float]]:
        """Return the chunks nearest to a vector among those that meet a condition, with cosines."""
        given = HalfVector(vector)
        found = (
            self._chunks(base.id, condition, Chunk.no)
            .add_columns(Vector.embedding.cosine_distance(given).label("distance"))
            .join(Vector, and_(Vector.chunk_no == Chunk.no, Vector.base_no == base.vector_set))
            .order_by("distance", Chunk.no)
            .limit(limit)
        )
        distances = {row.no: row.distance for row in await self._session.execute(found)}
        query = self._records(base, is_one_of(Chunk.no, distances)).add_columns(Chunk.no)
        rows = (await self._session.execute(query)).all()
        nearest = sorted(rows, key=lambda row: (distances[row.no], row.no))
        return [(_record(row), 1 - distances[row.no]) for row in nearest]

    async def count(self, base_id: str, condition: ChunkFilter | None) -> int:
        """Return how many chunks meet a condition."""
        return await self._session.scalar(self._chunks(base_id, condition, func.count())) or 0

    async def count_distinct(
        self, base_id: str, condition: ChunkFilter | None, fields: Sequence[str]
    ) -> dict[str, int]:
        """Return how many values each field has among the chunks that meet a condition."""
        if not fields:
            return {}
        columns = [func.count(cast(_present(field), Text).distinct()) for field in fields]
        row = (await self._session.execute(self._chunks(base_id, condition, *columns))).one()
        return dict(zip(fields, row, strict=True))

    async def field_types(self, base_id: str) -> dict[str, str]:
        """Return the metadata fields with ``boolean``, ``int``, ``float`` or ``keyword``."""
        metadata = self._chunks(base_id, None, METADATA.label("metadata")).subquery()
        entries = func.jsonb_each(metadata.c.metadata).table_valued("key", "value").render_derived()
        value = cast(entries.c.value, JSONB)
        is_whole = cast(value, Text).op("!~")("[.eE]")
        query = (
            select(
                entries.c.key,
                func.array_agg(func.jsonb_typeof(value).distinct()),
                func.bool_and(is_whole),
            )
            .select_from(metadata)
            .join(entries, literal(True))
            .where(func.jsonb_typeof(value) != "null")
            .group_by(entries.c.key)
            .order_by(entries.c.key)
        )
        rows = await self._session.execute(query)
        return {key: _field_type(kinds, whole) for key, kinds, whole in rows}

    async def min_max(self, base_id: str, field: str) -> tuple[Any, Any]:
        """Return the least and the largest number or text of a field, ``None`` for a mixture."""
        value = field_value(field)
        values = self._chunks(base_id, func.jsonb_typeof(value).in_(_SCALARS), value)
        first = await self._session.scalar(values.order_by(value.asc()).limit(1))
        last = await self._session.scalar(values.order_by(value.desc()).limit(1))
        return (first, last) if isinstance(first, str) == isinstance(last, str) else (None, None)

    async def distinct_values(
        self,
        base_id: str,
        condition: ChunkFilter | None,
        field: str,
        search: str | None,
        offset: int,
        limit: int,
    ) -> tuple[list[Any], int]:
        """Return a page of a field's values in the order of their texts, and how many there are."""
        value = _present(field)
        plain = value.op("#>>", return_type=String())(literal([], ARRAY(String)))
        query = self._chunks(
            base_id, condition, cast(value, Text).label("json"), plain.label("text")
        )
        query = query.where(value.is_not(None))
        if search:
            query = query.where(func.strpos(func.lower(plain), search.lower()) > 0)
        found = query.distinct().subquery()
        page = select(found.c.json).order_by(found.c.text.collate("C"), found.c.json)
        rows = await self._session.scalars(page.offset(offset).limit(limit))
        total = await self._session.scalar(select(func.count()).select_from(found))
        return [json.loads(row) for row in rows], total or 0

    def _records(self, base: KnowledgeBase, condition: ChunkFilter | None) -> Select[Any]:
        was_given = and_(
            Vector.chunk_no == Chunk.no,
            Vector.base_no == base.vector_set,
            ExternalChunk.vector_set == base.vector_set,
            ExternalChunk.vector_norm.is_not(None),
        )
        return self._chunks(
            base.id,
            condition,
            Chunk.id.label("chunk_id"),
            CHUNK_ID.label("id"),
            Chunk.content,
            METADATA.label("metadata"),
            cast(Vector.embedding, ARRAY(REAL)).label("vector"),
            ExternalChunk.vector_norm,
        ).outerjoin(Vector, was_given)

    def _chunks(self, base_id: str, condition: ChunkFilter | None, *columns: Any) -> Select[Any]:
        query = (
            select(*columns)
            .select_from(Chunk)
            .join(Document, Document.id == Chunk.document_id)
            .outerjoin(ExternalChunk, ExternalChunk.chunk_no == Chunk.no)
            .where(
                Chunk.base_id == base_id,
                Chunk.workspace_id == self._workspace_id,
                Chunk.enabled,
                Document.enabled,
            )
        )
        return query if condition is None else query.where(condition)


def _present(field: str) -> ColumnElement[Any]:
    """Return a field's value, SQL's NULL for JSON's."""
    return func.nullif(field_value(field), cast(literal("null"), JSONB), type_=JSONB)


def _field_type(kinds: Sequence[str], is_whole: bool) -> str:
    if kinds == ["boolean"]:
        return "boolean"
    if kinds == ["number"]:
        return "int" if is_whole else "float"
    return "keyword"


def _record(row: Any) -> ChunkRecord:
    metadata: Mapping[str, Any] = row.metadata
    given = None if row.vector is None else np.asarray(row.vector, np.float64) * row.vector_norm
    return ChunkRecord(row.id, row.content, dict(metadata), given)
