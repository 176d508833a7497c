"""A knowledge base as Haystack sees one: a document store to read, and a retriever over search.

Everything is asynchronous, as in the rest of the house: use ``Pipeline.run_async``. Haystack is
imported at the first use.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any, Final

from core.errors import NotFound, ValidationFailed
from core.store.filters import Filter, parse_filter
from core.store.hits import StoredChunk
from core.store.unit import Store
from pipelines.search import Hit, SearchQuery, search

if TYPE_CHECKING:
    from haystack import Document

_COMPARISONS: Final = {
    "==": "eq",
    "!=": "ne",
    ">": "gt",
    ">=": "gte",
    "<": "lt",
    "<=": "lte",
    "in": "in",
    "not in": "nin",
}


@dataclass(frozen=True)
class KnowledgeDocumentStore:
    """The reading half of Haystack's ``DocumentStore`` protocol, on one base of one workspace.

    Its documents are the base's chunks. They are written by ingestion alone, which is what keeps
    vectors, words and counts together.
    """

    store: Store
    workspace_id: str
    base_id: str

    async def count_documents_async(self) -> int:
        """Return the number of chunks; raises :class:`NotFound` if the base is gone."""
        async with self.store.unit(self.workspace_id) as unit:
            base = await unit.bases.get(self.base_id)
        if base is None:
            raise NotFound("This knowledge base does not exist; list the bases to see which do.")
        return base.chunk_count

    async def filter_documents_async(
        self, filters: Mapping[str, Any] | None = None
    ) -> list[Document]:
        """Return the chunks that match a filter in Haystack's notation, all without one."""
        condition = _condition(filters)
        async with self.store.unit(self.workspace_id) as unit:
            await unit.bases.get_all([self.base_id])
            chunks = await unit.hits.matching([self.base_id], condition)
        return [_document_of_chunk(chunk) for chunk in chunks]


def knowledge_retriever(documents: KnowledgeDocumentStore, top_k: int = 10) -> Any:
    """Return a component with inputs ``query``, ``filters``, ``top_k`` and output ``documents``."""
    return _retriever_class()(documents, top_k)


@cache
def _retriever_class() -> Any:
    from haystack import Document, component

    @component
    class KnowledgeRetriever:
        """Hybrid search in a knowledge base."""

        def __init__(self, documents: KnowledgeDocumentStore, top_k: int) -> None:
            self._documents = documents
            self._top_k = top_k

        @component.output_types(documents=list[Document])
        def run(  # its arguments are the component's sockets
            self,
            query: str,  # noqa: ARG002
            filters: dict[str, Any] | None = None,  # noqa: ARG002
            top_k: int | None = None,  # noqa: ARG002
        ) -> dict[str, list[Document]]:
            raise RuntimeError("Search is asynchronous; use Pipeline.run_async.")

        @component.output_types(documents=list[Document])
        async def run_async(
            self,
            query: str,
            filters: dict[str, Any] | None = None,
            top_k: int | None = None,
        ) -> dict[str, list[Document]]:
            base = self._documents
            asked = SearchQuery(
                query,
                top_k=top_k or self._top_k,
                filter=None if filters is None else translated(filters),
            )
            answer = await search(base.store, base.workspace_id, [base.base_id], asked)
            return {"documents": [_document_of_hit(hit) for hit in answer.results]}

    return KnowledgeRetriever


def translated(filters: Mapping[str, Any]) -> dict[str, Any]:
    """Return a filter in Haystack's notation in ours; see ``core.store.filters``.

    Raises :class:`ValidationFailed` for an operator that Haystack does not have.
    """
    operator = filters.get("operator")
    if "field" in filters and operator in _COMPARISONS:
        field = str(filters["field"]).replace("meta.", "metadata.", 1)
        return {"field": field, "op": _COMPARISONS[operator], "value": filters.get("value")}
    if operator not in ("AND", "OR", "NOT") or not isinstance(filters.get("conditions"), list):
        raise ValidationFailed(f"{operator!r} is no operator of a Haystack filter.")
    parts = [translated(part) for part in filters["conditions"]]
    return {"not": {"and": parts}} if operator == "NOT" else {operator.lower(): parts}


def _condition(filters: Mapping[str, Any] | None) -> Filter | None:
    return None if filters is None else parse_filter(translated(filters))


def _document_of_hit(hit: Hit) -> Document:
    from haystack import Document

    place = {"documentId": hit.document_id, "documentName": hit.document_name, "page": hit.page}
    return Document(id=hit.id, content=hit.content, meta=hit.metadata | place, score=hit.score)


def _document_of_chunk(chunk: StoredChunk) -> Document:
    from haystack import Document

    place = {
        "documentId": chunk.document_id,
        "documentName": chunk.document_name,
        "page": chunk.page,
    }
    return Document(id=chunk.id, content=chunk.content, meta=chunk.metadata | place)
