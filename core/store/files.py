"""Uploaded files; their bytes are blobs."""

from __future__ import annotations

from sqlalchemy import BigInteger, ForeignKey, select
from sqlalchemy.orm import Mapped, mapped_column

from core.store.base import Base, TenantRepository, Timestamps


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

    def add(self, file: File) -> File:
        file.workspace_id = self._workspace_id
        self._session.add(file)
        return file

    async def delete(self, file: File) -> None:
        await self._session.delete(file)
