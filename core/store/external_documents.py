"""Documents of chunks that another program writes: one for each group of chunks, without a file.

A document that was made for a group goes with its last chunk.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from typing import Any, Final

from sqlalchemy import delete, or_, select, text

from core.ids import new_id
from core.store.base import TenantRepository, is_one_of, now
from core.store.documents import Document
from core.store.knowledge_bases import KnowledgeBase, KnowledgeBases

# Numbers are unique row by row, so they pass through negative ones.
_RENUMBER: Final = text("""
    UPDATE chunks c SET chunk_index = -1 - r.at
    FROM (
        SELECT no, chunk_index,
            row_number() OVER (PARTITION BY document_id ORDER BY chunk_index) - 1 AS at
        FROM chunks
        WHERE document_id = ANY(:ids) AND base_id = :base AND workspace_id = :workspace
    ) AS r
    WHERE c.no = r.no AND r.at <> r.chunk_index
""")
_RENUMBERED: Final = text("""
    UPDATE chunks SET chunk_index = -1 - chunk_index
    WHERE document_id = ANY(:ids) AND base_id = :base AND workspace_id = :workspace
        AND chunk_index < 0
""")
_RECOUNT: Final = text("""
    UPDATE documents d
    SET chunk_count = t.chunks, token_count = t.tokens, word_count = t.words, updated_at = now()
    FROM unnest(CAST(:ids AS text[])) AS given (id) CROSS JOIN LATERAL (
        SELECT count(*) AS chunks, coalesce(sum(c.token_count), 0) AS tokens,
            coalesce(sum((SELECT sum(f) FROM unnest(c.frequencies) AS f)), 0) AS words
        FROM chunks c
        WHERE c.document_id = given.id AND c.base_id = :base AND c.workspace_id = :workspace
    ) AS t
    WHERE d.id = given.id AND d.base_id = :base AND d.workspace_id = :workspace
""")


class ExternalDocuments(TenantRepository):
    """The base's row is locked by whoever calls."""

    async def load(self, base: KnowledgeBase, groups: Mapping[str, str]) -> dict[str, Document]:
        """Return the document of each group; one that is missing is made, by the group's name."""
        checksums = {group: _checksum(group) for group in groups}
        rows = await self._session.scalars(
            select(Document)
            .where(
                Document.base_id == base.id,
                Document.workspace_id == self._workspace_id,
                or_(
                    is_one_of(Document.id, groups),
                    is_one_of(Document.checksum, checksums.values()),
                ),
            )
            .execution_options(populate_existing=True)
        )
        found = {key: row for row in rows for key in (row.id, row.checksum)}
        documents = {
            group: found.get(group)
            or found.get(checksum)
            or _new_document(base, groups[group], checksum)
            for group, checksum in checksums.items()
        }
        made = [each for each in documents.values() if each.checksum not in found]
        self._session.add_all(made)
        await self._session.flush()
        await KnowledgeBases(self._session, self._workspace_id).count(base.id, documents=len(made))
        return documents

    async def renumber(self, base_id: str, document_ids: Iterable[str]) -> None:
        """Close the gaps that deleted chunks left."""
        values = self._in_base(base_id, document_ids)
        await self._session.execute(_RENUMBER, values)
        await self._session.execute(_RENUMBERED, values)

    async def recount(self, base_id: str, document_ids: Iterable[str]) -> None:
        """Count the chunks, tokens and words of documents anew."""
        await self._session.execute(_RECOUNT, self._in_base(base_id, document_ids))

    async def delete_empty(self, base_id: str, document_ids: Iterable[str]) -> None:
        """Delete documents that were made for chunks, where none is left of these."""
        gone = await self._session.scalars(
            delete(Document)
            .where(
                is_one_of(Document.id, document_ids),
                Document.base_id == base_id,
                Document.workspace_id == self._workspace_id,
                Document.chunk_count == 0,
                Document.blob_key == "",
                Document.source_url.is_(None),
            )
            .returning(Document.id)
            .execution_options(synchronize_session=False)
        )
        await KnowledgeBases(self._session, self._workspace_id).count(
            base_id, documents=-len(gone.all())
        )

    def _in_base(self, base_id: str, document_ids: Iterable[str]) -> dict[str, Any]:
        return {"ids": list(document_ids), "base": base_id, "workspace": self._workspace_id}


def _checksum(group: str) -> str:
    """Return what stands for a group where files have the checksum of their bytes."""
    return hashlib.sha256(b"external\0" + group.encode()).hexdigest()


def _new_document(base: KnowledgeBase, name: str, checksum: str) -> Document:
    return Document(
        id=new_id("doc"),
        workspace_id=base.workspace_id,
        base_id=base.id,
        name=name,
        mime_type="text/plain",
        size=0,
        checksum=checksum,
        blob_key="",
        indexed_name="",  # chunks are embedded by their text alone
        status="completed",
        progress=1.0,
        ended_at=now(),
    )
