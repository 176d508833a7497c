"""Pieces of documents, each with its vector and its words."""

from __future__ import annotations

from typing import Any

from pgvector.sqlalchemy import HALFVEC
from sqlalchemy import BigInteger, ForeignKey, Identity, Text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Mapped, mapped_column
from sqlalchemy.types import Float, SmallInteger

from core.store.base import Base, TenantRepository


class Chunk(Base):
    __tablename__ = "chunks"

    no: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True)
    id: Mapped[str] = mapped_column(unique=True)
    workspace_id: Mapped[str]
    base_id: Mapped[str] = mapped_column(
        ForeignKey("knowledge_bases.id", ondelete="CASCADE"), index=True
    )
    document_id: Mapped[str] = mapped_column(
        ForeignKey("documents.id", ondelete="CASCADE"), index=True
    )
    index: Mapped[int] = mapped_column("chunk_index")
    content: Mapped[str]
    token_count: Mapped[int]
    page: Mapped[int | None]  # from 1
    bbox: Mapped[list[float] | None] = mapped_column(ARRAY(Float))  # x0 y0 x1 y1, 0 to 1
    heading_path: Mapped[list[str]] = mapped_column(ARRAY(Text))
    start_offset: Mapped[int]  # code points in the document's text
    end_offset: Mapped[int]
    meta: Mapped[dict[str, Any]] = mapped_column("metadata", default=dict)
    enabled: Mapped[bool] = mapped_column(default=True)
    embedding: Mapped[Any] = mapped_column(HALFVEC)  # normalised, of the base's dimensions
    # The chunk's own words: they score it without a join and name its postings when it goes.
    terms: Mapped[list[str]] = mapped_column(ARRAY(Text))
    frequencies: Mapped[list[int]] = mapped_column(ARRAY(SmallInteger))


class Chunks(TenantRepository):
    """Reached only through a base id that was checked."""
