"""Uploaded files; their bytes are blobs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import BigInteger, ForeignKey, Index, select, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from core.store.base import Base, Timestamps
from core.store.documents import Document
from core.store.jobs import Job, Jobs
from core.store.pages import PageRequest, RowsPage, read_page


class File(Job, Timestamps, Base):
    """An uploaded file, which is also the job that reads its text; ``status`` is ``uploaded``
    until that was asked for."""

    __tablename__ = "files"
    __table_args__ = (
        Index(
            "ix_files_unfinished",
            "workspace_id",
            "created_at",
            postgresql_where=text("status IN ('pending', 'processing')"),
        ),
        Index(
            "ix_files_processing", "workspace_id", postgresql_where=text("status = 'processing'")
        ),
    )

    id: Mapped[str] = mapped_column(primary_key=True)
    workspace_id: Mapped[str] = mapped_column(
        ForeignKey("workspaces.id", ondelete="CASCADE"), index=True
    )
    name: Mapped[str]
    size: Mapped[int] = mapped_column(BigInteger)  # bytes
    mime_type: Mapped[str]
    checksum: Mapped[str]  # SHA-256, hexadecimal
    blob_key: Mapped[str]
    created_by: Mapped[str | None]
    status: Mapped[str] = mapped_column(default="uploaded")

    reading: Mapped[dict[str, Any] | None]  # how it was asked to be read: {languages, ocr}
    text_key: Mapped[str | None]  # of the blob with its text (core.blobs.text)
    text_length: Mapped[int | None]  # code points
    # [[page, start, end], ...] in code points; long, so only loaded where it is asked for
    text_pages: Mapped[list[Any] | None] = mapped_column(JSONB, deferred=True)


class Files(Jobs[File]):
    _model = File

    async def get(self, file_id: str) -> File | None:
        return await self._session.scalar(
            select(File).where(File.id == file_id, File.workspace_id == self._workspace_id)
        )

    async def hold(self, file_id: str) -> File | None:
        """Return a file that cannot be deleted before this transaction ends."""
        return await self._session.scalar(
            select(File)
            .where(File.id == file_id, File.workspace_id == self._workspace_id)
            .with_for_update(read=True, key_share=True)
        )

    def add(self, file: File) -> File:
        file.workspace_id = self._workspace_id
        self._session.add(file)
        return file

    async def page(self, request: PageRequest, search: str | None = None) -> RowsPage[File]:
        """Return files, newest first; ``search`` is a part of the name."""
        query = select(File).where(File.workspace_id == self._workspace_id)
        if search:
            query = query.where(File.name.icontains(search, autoescape=True))
        return await read_page(self._session, query, (File.created_at, File.id), request)

    async def pages_of_text(self, file_id: str) -> list[list[int]]:
        """Return ``[page, start, end]`` of each page of a file's text, in code points."""
        query = select(File.text_pages).where(
            File.id == file_id, File.workspace_id == self._workspace_id
        )
        return await self._session.scalar(query) or []

    async def unused_blobs(self, keys: Sequence[str]) -> list[str]:
        """Return those of the keys that no file and no document names any more."""
        used = (
            select(File.blob_key)
            .where(File.blob_key.in_(keys))
            .union(select(Document.blob_key).where(Document.blob_key.in_(keys)))
        )
        still = set((await self._session.scalars(used)).all())
        return [key for key in keys if key not in still]

    async def all_blob_keys(self) -> Sequence[str]:
        """Return the keys of the bytes and texts of all files in the workspace."""
        query = select(File.blob_key, File.text_key).where(File.workspace_id == self._workspace_id)
        return [key for row in await self._session.execute(query) for key in row if key]

    async def delete(self, file: File) -> None:
        await self._session.delete(file)
