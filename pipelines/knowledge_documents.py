"""Haystack's documents in a knowledge base: read, written, deleted and counted."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Any, Final

from haystack import Document
from haystack.document_stores.errors import DuplicateDocumentError
from haystack.document_stores.types import DuplicatePolicy
from haystack.errors import FilterError

from core.errors import Forbidden, NotFound, ValidationFailed
from core.models.embed import get_embedder
from core.store.external_chunks import DuplicateHandling, DuplicateIds
from core.store.filters import parse_filter
from core.store.haystack_filters import ChunkFilter, compile_filter
from core.store.knowledge_bases import KnowledgeBase
from core.store.unit import Store, Unit
from pipelines.haystack_documents import (
    check_documents,
    to_chunks,
    to_document,
    to_metadata,
    to_vector,
)
from pipelines.haystack_search_filters import translate_filter
from pipelines.search import SearchQuery, search
from pipelines.search.query import Mode
from pipelines.workspace_access import WorkspaceAccess

Filters = Mapping[str, Any] | None

_HANDLING: Final[dict[DuplicatePolicy, DuplicateHandling]] = {
    DuplicatePolicy.NONE: "fail",
    DuplicatePolicy.FAIL: "fail",
    DuplicatePolicy.SKIP: "skip",
    DuplicatePolicy.OVERWRITE: "overwrite",
}


@dataclass(frozen=True)
class KnowledgeDocuments:
    """The documents of one knowledge base of the workspace that ``access`` opens.

    Every method raises ``NotFound`` where that workspace has no such base, and ``FilterError`` for
    a filter that Haystack does not know.
    """

    store: Store
    access: WorkspaceAccess
    base_id: str

    async def count(self, filters: Filters = None) -> int:
        condition = _compile(filters)
        async with self._unit() as unit:
            await self._base(unit)
            return await unit.chunk_records.count(self.base_id, condition)

    async def filter(self, filters: Filters = None) -> list[Document]:
        condition = _compile(filters)
        async with self._unit() as unit:
            records = await unit.chunk_records.read(await self._base(unit), condition)
        return [to_document(record) for record in records]

    async def search(self, query: str, mode: Mode, filters: Filters, top_k: int) -> list[Document]:
        """Search as the service does; scores are those of the search."""
        condition = _to_search_filter(filters) if filters else None
        asked = SearchQuery(query, top_k, mode, filter=condition)
        found = await search(self.store, self.access.workspace_id, [self.base_id], asked)
        async with self._unit() as unit:
            base = await self._base(unit)
            records = await unit.chunk_records.read_by_chunk_id(
                base, [hit.id for hit in found.results]
            )
        return [
            to_document(records[hit.id], hit.score) for hit in found.results if hit.id in records
        ]

    async def find_nearest(
        self, embedding: Sequence[float], filters: Filters, top_k: int
    ) -> list[Document]:
        """Return the documents nearest to an embedding, scored by their cosines.

        Raises ``ValueError`` for an embedding that does not fit the knowledge base.
        """
        condition = _compile(filters)
        async with self._unit() as unit:
            base = await self._base(unit)
            vector = to_vector(embedding, base)
            found = await unit.chunk_records.nearest(base, vector, condition, top_k)
        return [to_document(record, cosine) for record, cosine in found]

    async def write(
        self, raw_documents: Any, policy: DuplicatePolicy = DuplicatePolicy.NONE
    ) -> int:
        """Write documents; a text without an embedding is embedded with the base's model.

        Raises:
            DuplicateDocumentError: An ID is there already, or twice among the documents.
            ValueError: What was given cannot be kept.
        """
        self._require_write()
        documents, handling = check_documents(raw_documents), _HANDLING[policy]
        distinct = _distinct(documents, handling)
        async with self._unit() as unit:
            base = await self._base(unit)
            known = await unit.external_chunks.find_numbers(base.id, list(distinct))
        if handling == "skip":
            distinct = {id_: each for id_, each in distinct.items() if id_ not in known}
        elif known and handling == "fail":
            raise DuplicateDocumentError(DuplicateIds(known).message)
        # Each event loop has an embedder of its own: the service's, and that of the background one.
        is_background = self.store is not self.access.store
        embedder = get_embedder(base.embedding_model, bulk=is_background)
        chunks = await to_chunks(list(distinct.values()), base, embedder)
        try:
            async with self._unit() as unit:
                written = await unit.external_chunks.write(base, chunks, handling)
        except DuplicateIds as error:
            raise DuplicateDocumentError(error.message) from error
        return len(documents) if handling == "overwrite" else written

    async def delete(self, ids: Sequence[str]) -> None:
        self._require_write()
        async with self._unit() as unit:
            await unit.external_chunks.delete(await self._base(unit), ids)

    async def delete_all(self) -> None:
        self._require_write()
        async with self._unit() as unit:
            await unit.external_chunks.delete_all(await self._base(unit))

    async def delete_by_filter(self, filters: Filters) -> int:
        self._require_write()
        condition = _compile_required(filters)
        async with self._unit() as unit:
            base = await self._base(unit)
            matching = unit.chunk_records.numbers(base.id, condition)
            return await unit.external_chunks.delete_matching(base, matching)

    async def update_by_filter(self, filters: Filters, meta: Mapping[str, Any]) -> int:
        self._require_write()
        condition, metadata = _compile_required(filters), to_metadata(meta)
        async with self._unit() as unit:
            base = await self._base(unit)
            matching = unit.chunk_records.numbers(base.id, condition)
            return await unit.external_chunks.update_metadata(base, matching, metadata)

    async def count_unique(self, filters: Filters, fields: Sequence[str]) -> dict[str, int]:
        condition, names = _compile(filters), [name.removeprefix("meta.") for name in fields]
        async with self._unit() as unit:
            await self._base(unit)
            return await unit.chunk_records.count_distinct(self.base_id, condition, names)

    async def fields_info(self) -> dict[str, dict[str, str]]:
        async with self._unit() as unit:
            await self._base(unit)
            types = await unit.chunk_records.field_types(self.base_id)
        return {name: {"type": kind} for name, kind in types.items()}

    async def min_max(self, field: str) -> dict[str, Any]:
        async with self._unit() as unit:
            await self._base(unit)
            least, most = await unit.chunk_records.min_max(self.base_id, field)
        return {"min": least, "max": most}

    async def unique_values(
        self, field: str, search_term: str | None, from_: int, size: int, filters: Filters
    ) -> tuple[list[Any], int]:
        condition = _compile(filters)
        async with self._unit() as unit:
            await self._base(unit)
            return await unit.chunk_records.distinct_values(
                self.base_id, condition, field, search_term, from_, size
            )

    def _unit(self) -> AbstractAsyncContextManager[Unit]:
        return self.store.unit(self.access.workspace_id)

    async def _base(self, unit: Unit) -> KnowledgeBase:
        base = await unit.bases.get(self.base_id)
        if base is None:
            raise NotFound("Knowledge base not found in this workspace; check the ID.")
        return base

    def _require_write(self) -> None:
        if not self.access.can_write:
            raise Forbidden("This API key may only read knowledge bases; use one that may write.")


def _compile(filters: Filters) -> ChunkFilter | None:
    return _compile_required(filters) if filters else None


def _compile_required(filters: Filters) -> ChunkFilter:
    try:
        return compile_filter(filters)
    except ValidationFailed as error:
        raise FilterError(error.message) from error


def _to_search_filter(filters: Mapping[str, Any]) -> dict[str, Any]:
    """Return a filter in the notation of the service's search, once Haystack's rules admit it."""
    _compile_required(filters)
    found = translate_filter(filters)
    try:
        parse_filter(found)
    except ValidationFailed as error:
        raise FilterError(error.message) from error
    return found


def _distinct(documents: Sequence[Document], handling: DuplicateHandling) -> dict[str, Document]:
    """Return documents by ID; of two with the same the last overwrites, else the first counts."""
    distinct: dict[str, Document] = {}
    for document in documents:
        if document.id in distinct and handling == "fail":
            raise DuplicateDocumentError(f"Document {document.id} was given twice; give it once.")
        if document.id not in distinct or handling == "overwrite":
            distinct[document.id] = document
    return distinct
