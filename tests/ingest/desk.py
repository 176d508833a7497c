"""A base, and the hands to put documents on it and look at them."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import asyncpg

from core import intake
from core.ids import new_id
from core.intake import Content
from core.services import Services
from core.store.documents import Document
from core.store.knowledge_bases import KnowledgeBase
from tests.conftest import Owner
from tests.ingest import making


class Desk:
    """A base, and the hands to put documents on it and look at them."""

    def __init__(self, services: Services, base: KnowledgeBase) -> None:
        self.services = services
        self.base = base

    @classmethod
    async def make(cls, services: Services, owner: Owner) -> Desk:
        """Return one in the workspace of ``owner``."""
        base = KnowledgeBase(
            id=new_id("kb"), name="B", embedding_model="all-MiniLM-L6-v2", embedding_dimensions=384
        )
        async with services.store.unit(owner.workspace_id) as unit:
            unit.bases.add(base)
        return cls(services, base)

    async def of(self, owner: Owner) -> Desk:
        """Return another one, of somebody else."""
        return await self.make(self.services, owner)

    async def add(self, data: bytes, name: str) -> str:
        async def pieces() -> AsyncIterator[bytes]:
            yield data

        stored = await self.services.blobs.put(pieces(), 10_000_000)
        content = Content(name, "text/plain", stored.size, stored.checksum, stored.key)
        async with self.services.store.unit(self.base.workspace_id) as unit:
            row = await unit.documents.add_unless_known(intake._row(self.base.id, content))
        return row.id

    async def document(self, document_id: str) -> Document:
        async with self.services.store.unit(self.base.workspace_id) as unit:
            found = await unit.documents.get(document_id)
        assert found is not None
        return found

    async def query(self, sql: str, *values: Any) -> list[asyncpg.Record]:
        assert self.services.settings.database_url is not None
        connection = await asyncpg.connect(self.services.settings.database_url)
        try:
            rows: list[asyncpg.Record] = await connection.fetch(sql, *values)
        finally:
            await connection.close()
        return rows

    async def chunks(self, document_id: str) -> list[asyncpg.Record]:
        return await self.query(
            "SELECT * FROM chunks WHERE document_id = $1 ORDER BY chunk_index", document_id
        )

    async def totals(self) -> tuple[int, int, int]:
        """Return the base's chunks as its row, the chunks and the vectors count them."""
        (row,) = await self.query(
            "SELECT b.chunk_count, (SELECT count(*) FROM chunks c WHERE c.base_id = b.id),"
            " (SELECT count(*) FROM vectors v WHERE v.base_no = b.no)"
            " FROM knowledge_bases b WHERE b.id = $1",
            self.base.id,
        )
        return tuple(row)


def letter(pages: int = 2) -> bytes:
    """Return a PDF, a section a page."""
    return making.pdf(
        [
            [
                (72, 80, 18, "F2", f"Section {n}"),
                (72, 120, 11, "F1", f"The tariff of zone {n} is {n * 17} euros for each passenger"),
                (72, 134, 11, "F1", "and it is paid on board to the conductor of the train."),
            ]
            for n in range(1, pages + 1)
        ]
    )
