"""What search reads about chunks: which may be found, and what a result shows of them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import LargeBinary, Select, exists, func, or_, select, tuple_
from sqlalchemy.orm import InstrumentedAttribute

from core.store.base import TenantRepository, is_one_of
from core.store.chunks import Chunk
from core.store.documents import Document
from core.store.filters import Filter
from core.store.vectors import Vector


@dataclass(frozen=True)
class StoredChunk:
    """A chunk and its document, as a search result shows them."""

    no: int
    id: str
    document_id: str
    document_name: str
    content: str
    index: int
    metadata: dict[str, Any]  # the document's, with the chunk's own on top
    page: int | None
    bbox: list[float] | None
    start_offset: int
    end_offset: int
    heading_path: list[str]


@dataclass(frozen=True)
class PlacedVector:
    """A chunk's vector and its document."""

    chunk_no: int
    document_id: str
    document_name: str
    vector: NDArray[np.float32]


_OPENING = 2  # chunks; a title page is seldom longer
_SHORT = 10  # chunks; every passage of such a document stands near its opening
_SHOWN: tuple[InstrumentedAttribute[Any], ...] = (
    Chunk.no,
    Chunk.id,
    Chunk.document_id,
    Document.name,
    Chunk.content,
    Chunk.index,
    Document.meta,
    Chunk.meta,
    Chunk.page,
    Chunk.bbox,
    Chunk.start_offset,
    Chunk.end_offset,
    Chunk.heading_path,
)


@dataclass(frozen=True)
class Opening:
    """The first chunks of a document, where a report says what it is.

    ``beyond`` is the share of the document that is far from them, 0 to 1: what has to inherit.
    """

    chunk_nos: list[int]
    beyond: float


class Hits(TenantRepository):
    """Reached only through a base that was checked."""

    async def are_all_enabled(self, base_ids: Sequence[str]) -> bool:
        """Return whether no document and no chunk of the bases is disabled."""
        disabled = or_(
            exists().where(is_one_of(Chunk.base_id, base_ids), Chunk.enabled.is_(False)),
            exists().where(is_one_of(Document.base_id, base_ids), Document.enabled.is_(False)),
        )
        return not await self._session.scalar(select(disabled))

    @staticmethod
    def allowed(base_ids: Sequence[str], condition: Filter | None) -> Select[Any]:
        """Return the query for the numbers of enabled chunks that meet a condition."""
        query = (
            select(Chunk.no)
            .join(Document, Document.id == Chunk.document_id)
            .where(is_one_of(Chunk.base_id, base_ids), Chunk.enabled, Document.enabled)
        )
        return query if condition is None else query.where(condition.clause)

    async def placed_vectors(
        self, base_nos: Sequence[int], chunk_nos: Sequence[int]
    ) -> list[PlacedVector]:
        """Return the vectors of chunks, in the order of their numbers."""
        # The binary form of a halfvec: two 16-bit integers, then big-endian halves.
        binary = func.halfvec_send(Vector.embedding, type_=LargeBinary)
        rows = await self._session.execute(
            select(Vector.chunk_no, Document.id, Document.name, binary)
            .join(Chunk, Chunk.no == Vector.chunk_no)
            .join(Document, Document.id == Chunk.document_id)
            .where(is_one_of(Vector.base_no, base_nos), is_one_of(Vector.chunk_no, chunk_nos))
            .order_by(Vector.chunk_no)
        )
        return [
            PlacedVector(no, document_id, name, _from_binary(data))
            for no, document_id, name, data in rows
        ]

    async def matching(
        self, base_ids: Sequence[str], condition: Filter | None
    ) -> list[StoredChunk]:
        """Return every enabled chunk that meets a condition, in the order of writing."""
        rows = await self._session.scalars(self.allowed(base_ids, condition).order_by(Chunk.no))
        nos = list(rows.all())
        found = await self.get(nos)
        return [found[no] for no in nos if no in found]

    async def openings(self, document_ids: Iterable[str]) -> dict[str, Opening]:
        """Return how long documents begin; short ones, all near their opening, are left out."""
        rows = await self._session.execute(
            select(Chunk.document_id, Chunk.no, Document.chunk_count)
            .join(Document, Document.id == Chunk.document_id)
            .where(
                is_one_of(Chunk.document_id, document_ids),
                Chunk.index < _OPENING,
                Chunk.workspace_id == self._workspace_id,
                Document.chunk_count > _SHORT,
            )
        )
        found: dict[str, Opening] = {}
        for document_id, no, count in rows:
            opening = found.setdefault(document_id, Opening([], 1 - _SHORT / count))
            opening.chunk_nos.append(no)
        return found

    async def documents_of(self, chunk_nos: Sequence[int]) -> dict[int, str]:
        """Return the document's id of each chunk."""
        rows = await self._session.execute(
            select(Chunk.no, Chunk.document_id).where(
                is_one_of(Chunk.no, chunk_nos), Chunk.workspace_id == self._workspace_id
            )
        )
        return dict(rows.all())

    async def get(self, chunk_nos: Sequence[int]) -> dict[int, StoredChunk]:
        """Return chunks by number; those deleted meanwhile are missing."""
        rows = await self._session.execute(
            select(*_SHOWN)
            .join(Document, Document.id == Chunk.document_id)
            .where(is_one_of(Chunk.no, chunk_nos), Chunk.workspace_id == self._workspace_id)
        )
        return {row[0]: _stored(tuple(row)) for row in rows}

    async def around(self, chunks: Sequence[StoredChunk]) -> dict[tuple[str, int], StoredChunk]:
        """Return the chunks just before and after the given ones, by document and index."""
        places = [(chunk.document_id, chunk.index + step) for chunk in chunks for step in (-1, 1)]
        rows = await self._session.execute(
            select(*_SHOWN)
            .join(Document, Document.id == Chunk.document_id)
            .where(
                tuple_(Chunk.document_id, Chunk.index).in_(places),
                Chunk.workspace_id == self._workspace_id,
                Chunk.enabled,
            )
        )
        found = [_stored(tuple(row)) for row in rows]
        return {(chunk.document_id, chunk.index): chunk for chunk in found}


def _from_binary(data: bytes) -> NDArray[np.float32]:
    return np.frombuffer(data, dtype=">f2", offset=4).astype(np.float32)


def _stored(row: tuple[Any, ...]) -> StoredChunk:
    no, id_, document_id, name, content, index, document_meta, meta, *place = row
    page, bbox, start, end, headings = place
    merged = {**document_meta, **meta}
    return StoredChunk(
        no, id_, document_id, name, content, index, merged, page, bbox, start, end, headings
    )
