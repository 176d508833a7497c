"""The inverted index behind keyword search: which chunk holds which word how often."""

from __future__ import annotations

from sqlalchemy import BigInteger, Integer, SmallInteger
from sqlalchemy.orm import Mapped, mapped_column

from core.store.base import Base, TenantRepository


class Posting(Base):
    __tablename__ = "postings"

    base_no: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    term: Mapped[str] = mapped_column(primary_key=True)
    chunk_no: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    frequency: Mapped[int] = mapped_column(SmallInteger)
    length: Mapped[int] = mapped_column(Integer)  # words of the chunk


class Term(Base):
    __tablename__ = "terms"

    base_no: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    term: Mapped[str] = mapped_column(primary_key=True)
    chunk_count: Mapped[int]  # chunks of the base that hold the term


class Postings(TenantRepository):
    """Reached only through a base that was checked."""
