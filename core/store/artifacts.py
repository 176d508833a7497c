"""What was made to be shown, under a token that opens it; the content is a blob."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import BigInteger, ForeignKey, func, or_, select
from sqlalchemy.orm import Mapped, mapped_column

from core.store.base import Base, Repository, TenantRepository, Timestamps
from core.store.pages import PageRequest, RowsPage, read_page


class Artifact(Timestamps, Base):
    __tablename__ = "artifacts"

    id: Mapped[str] = mapped_column(primary_key=True)
    workspace_id: Mapped[str] = mapped_column(
        ForeignKey("workspaces.id", ondelete="CASCADE"), index=True
    )
    token_hash: Mapped[str] = mapped_column(unique=True)  # the token itself is told once
    type: Mapped[str]
    title: Mapped[str]
    size: Mapped[int] = mapped_column(BigInteger)  # bytes
    checksum: Mapped[str]  # SHA-256, hexadecimal
    blob_key: Mapped[str]
    visibility: Mapped[str]  # public workspace
    expires_at: Mapped[datetime | None]
    created_by: Mapped[str | None]


class Artifacts(TenantRepository):
    async def get(self, artifact_id: str) -> Artifact | None:
        return await self._session.scalar(
            select(Artifact).where(
                Artifact.id == artifact_id, Artifact.workspace_id == self._workspace_id
            )
        )

    def add(self, artifact: Artifact) -> Artifact:
        artifact.workspace_id = self._workspace_id
        self._session.add(artifact)
        return artifact

    async def page(self, request: PageRequest, search: str | None = None) -> RowsPage[Artifact]:
        """Return artifacts, expired ones too, newest first; ``search`` is a part of the title."""
        query = select(Artifact).where(Artifact.workspace_id == self._workspace_id)
        if search:
            query = query.where(Artifact.title.icontains(search, autoescape=True))
        order = (Artifact.created_at, Artifact.id)
        return await read_page(self._session, query, order, request)

    async def all_blob_keys(self) -> Sequence[str]:
        """Return the keys of the contents of all artifacts in the workspace."""
        query = select(Artifact.blob_key).where(Artifact.workspace_id == self._workspace_id)
        return (await self._session.scalars(query)).all()

    async def delete(self, artifact: Artifact) -> None:
        await self._session.delete(artifact)


class ArtifactLookup(Repository):
    """By token, before it is known whose it is."""

    async def by_hash(self, token_hash: str) -> Artifact | None:
        """Return an artifact that has not expired."""
        return await self._session.scalar(
            select(Artifact).where(
                Artifact.token_hash == token_hash,
                or_(Artifact.expires_at.is_(None), Artifact.expires_at > func.now()),
            )
        )
