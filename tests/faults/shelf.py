"""A base whose documents are watched while they are read, and checked against a recount."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import text

from core import intake
from core.ids import new_id
from core.intake import Content
from core.services import Services
from core.store.documents import Document
from core.store.jobs import TERMINAL
from core.store.knowledge_bases import KnowledgeBase
from core.store.pages import PageRequest

_CHUNKS = """
    SELECT d.name, c.chunk_index, c.content, c.token_count, c.page, c.bbox, c.heading_path,
        c.start_offset, c.end_offset, c.terms, c.frequencies
    FROM chunks c JOIN documents d ON d.id = c.document_id
    WHERE c.base_id = :id ORDER BY d.name, c.chunk_index
"""
_TOTALS = """
    SELECT document_count, chunk_count, token_count, word_count FROM knowledge_bases WHERE id = :id
"""
_COUNTED = """
    SELECT (SELECT count(*) FROM documents WHERE base_id = :id), count(*),
        coalesce(sum(token_count), 0),
        coalesce(sum((SELECT sum(f) FROM unnest(frequencies) f)), 0)
    FROM chunks WHERE base_id = :id
"""
_DOCUMENTS = """
    SELECT d.name, d.chunk_count, d.token_count, d.word_count FROM documents d
    WHERE d.base_id = :id ORDER BY d.name
"""
_DOCUMENTS_COUNTED = """
    SELECT d.name, count(c.no), coalesce(sum(c.token_count), 0),
        coalesce(sum((SELECT sum(f) FROM unnest(c.frequencies) f)), 0)
    FROM documents d LEFT JOIN chunks c ON c.document_id = d.id
    WHERE d.base_id = :id GROUP BY d.name ORDER BY d.name
"""
_POSTINGS = """
    SELECT term, chunk_no, frequency, length FROM postings WHERE base_no = :no
    ORDER BY term COLLATE "C", chunk_no
"""
_POSTINGS_COUNTED = """
    SELECT w.term, c.no, w.frequency, (SELECT sum(f) FROM unnest(c.frequencies) f)
    FROM chunks c, unnest(c.terms, c.frequencies) AS w (term, frequency)
    WHERE c.base_id = :id ORDER BY w.term COLLATE "C", c.no
"""
_TERMS = 'SELECT term, chunk_count FROM terms WHERE base_no = :no ORDER BY term COLLATE "C"'
_TERMS_COUNTED = """
    SELECT term, count(*) FROM chunks, unnest(terms) AS term
    WHERE base_id = :id GROUP BY term ORDER BY term COLLATE "C"
"""
_VECTORS = "SELECT chunk_no FROM vectors WHERE base_no = :no ORDER BY chunk_no"
_VECTORS_COUNTED = "SELECT no FROM chunks WHERE base_id = :id ORDER BY no"


@dataclass(frozen=True)
class Shelf:
    """One base and how to look at it."""

    services: Services
    base: KnowledgeBase

    @classmethod
    async def make(cls, services: Services, workspace_id: str) -> Shelf:
        base = KnowledgeBase(
            id=new_id("kb"), name="B", embedding_model="all-MiniLM-L6-v2", embedding_dimensions=384
        )
        async with services.store.unit(workspace_id) as unit:
            unit.bases.add(base)
        return cls(services, base)

    async def add(self, name: str, content: bytes) -> None:
        """Take a document in as the route does: row, blob, wake."""

        async def pieces() -> AsyncIterator[bytes]:
            yield content

        stored = await self.services.blobs.put(pieces(), 10**8)
        given = Content(name, "", stored.size, stored.checksum, stored.key)
        async with self.services.store.unit(self.base.workspace_id) as unit:
            await intake.add(unit, self.base.id, given, self.services.queue, self.services.blobs)

    async def documents(self) -> dict[str, Document]:
        """Return the documents by name, as they are now."""
        async with self.services.store.unit(self.base.workspace_id) as unit:
            page = await unit.documents.page(self.base.id, PageRequest(100))
        return {row.name: row for row in page.rows}

    async def has_ended(self) -> bool:
        return all(row.status in TERMINAL for row in (await self.documents()).values())

    async def chunks(self) -> Sequence[Any]:
        """Return what is kept of each piece, but for what is new each time it is written."""
        return await self._rows(_CHUNKS)

    async def check_counts(self) -> None:
        """Compare every count and both indexes with what the chunks themselves say."""
        for kept, counted in (
            (_TOTALS, _COUNTED),
            (_DOCUMENTS, _DOCUMENTS_COUNTED),
            (_TERMS, _TERMS_COUNTED),
            (_POSTINGS, _POSTINGS_COUNTED),
            (_VECTORS, _VECTORS_COUNTED),
        ):
            assert await self._rows(kept) == await self._rows(counted), kept

    async def execute(self, statement: str, **values: Any) -> None:
        """Change rows behind the service's back."""
        async with self.services.store.engine.begin() as connection:
            await connection.execute(text(statement), values)

    async def _rows(self, statement: str) -> Sequence[Any]:
        values = {"id": self.base.id, "no": self.base.no}
        used = {name: value for name, value in values.items() if f":{name}" in statement}
        async with self.services.store.engine.connect() as connection:
            return (await connection.execute(text(statement), used)).all()
