"""Uploaded files; their bytes are blobs."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import BigInteger, ForeignKey, select
from sqlalchemy.orm import Mapped, mapped_column

from core.store.base import Base, TenantRepository, Timestamps
from core.store.documents import Document
from core.store.pages import Position, RowsPage, read_page


class File(Timestamps, Base):
    __tablename__ = "files"

    id: Mapped[str] = mapped_column(primary_key=True)
    workspace_id: Mapped[str] = mapped_column(
        ForeignKey("workspaces.id", ondelete="CASCADE"), index=True
    )
    name: Mapped[str]
    size: Mapped[int] = mapped_column(BigInteger)  # bytes
    mime_type: Mapped[str]
    checksum: Mapped[str]  # SHA-256, hexadecimal
    blob_key: Mapped[str]
    status: Mapped[str]
    created_by: Mapped[str | None]


class Files(TenantRepository):
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

    async def page(
        self, after: Position | None, limit: int, search: str | None = None
    ) -> RowsPage[File]:
        """Return files, newest first; ``search`` is a part of the name."""
        query = select(File).where(File.workspace_id == self._workspace_id)
        if search:
            query = query.where(File.name.icontains(search, autoescape=True))
        return await read_page(self._session, query, (File.created_at, File.id), after, limit)

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
        """Return the keys of the bytes of all files in the workspace."""
        query = select(File.blob_key).where(File.workspace_id == self._workspace_id)
        return (await self._session.scalars(query)).all()

    async def delete(self, file: File) -> None:
        await self._session.delete(file)
