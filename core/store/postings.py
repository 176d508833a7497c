"""The inverted index behind keyword search: which chunk holds which word how often."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

from sqlalchemy import BigInteger, Integer, PrimaryKeyConstraint, SmallInteger, text
from sqlalchemy.orm import Mapped, mapped_column

from core.store.allowed import Allowed
from core.store.base import Base, TenantRepository
from core.store.driver import fetch
from core.store.scoring import Sought, best_sql
from core.store.values import Values

MOST_COUNTED = 32_767  # of one word in one chunk: what a smallint holds


class Posting(Base):
    __tablename__ = "postings"
    __table_args__ = (
        # The index holds the whole row: keyword search reads no table.
        PrimaryKeyConstraint(
            "base_no", "term", "chunk_no", postgresql_include=["frequency", "length"]
        ),
    )

    base_no: Mapped[int] = mapped_column(BigInteger)
    term: Mapped[str]
    chunk_no: Mapped[int] = mapped_column(BigInteger)
    frequency: Mapped[int] = mapped_column(SmallInteger)
    length: Mapped[int] = mapped_column(Integer)  # words of the chunk


class Term(Base):
    __tablename__ = "terms"

    base_no: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    term: Mapped[str] = mapped_column(primary_key=True)
    chunk_count: Mapped[int]  # chunks of the base that hold the term


class Postings(TenantRepository):
    """Reached only through a base that was checked, and written with its row locked."""

    async def add(self, base_no: int, words: Sequence[tuple[int, Mapping[str, int]]]) -> None:
        """Index chunks, given as ``(chunk_no, {term: frequency})``."""
        await self._count_terms(base_no, [found.keys() for _, found in words])
        rows = [
            (term, chunk_no, min(frequency, MOST_COUNTED), sum(found.values()))
            for chunk_no, found in words
            for term, frequency in found.items()
        ]
        if not rows:
            return
        insert = """
            INSERT INTO postings (base_no, term, chunk_no, frequency, length)
            SELECT $1::bigint, new.* FROM
                unnest($2::text[], $3::bigint[], $4::smallint[], $5::integer[]) AS new
        """
        await fetch(self._session, insert, base_no, *map(list, zip(*rows, strict=True)))

    async def remove(self, base_no: int, words: Sequence[tuple[int, Sequence[str]]]) -> None:
        """Take chunks out of the index, given as ``(chunk_no, terms)``."""
        counts = Counter(term for _, terms in words for term in terms)
        values = {"base_no": base_no, "terms": sorted(counts), "nos": [no for no, _ in words]}
        await self._session.execute(
            text("""
                DELETE FROM postings
                WHERE base_no = :base_no AND term = ANY(CAST(:terms AS text[]))
                  AND chunk_no = ANY(CAST(:nos AS bigint[]))
            """),
            values,
        )
        await self._uncount_terms(base_no, counts)

    async def remove_base(self, base_no: int) -> None:
        """Forget every word of a base."""
        for table in ("postings", "terms"):
            delete = text(f"DELETE FROM {table} WHERE base_no = :base_no")  # noqa: S608 - two names
            await self._session.execute(delete, {"base_no": base_no})

    async def document_frequencies(
        self, base_nos: Sequence[int], terms: Sequence[str]
    ) -> dict[str, int]:
        """Return in how many chunks of the bases each term occurs; absent ones are left out."""
        rows = await fetch(
            self._session,
            """
                SELECT term, sum(chunk_count)::bigint FROM terms
                WHERE base_no = ANY((SELECT $1::bigint[])::bigint[])
                    AND term = ANY((SELECT $2::text[])::text[])
                GROUP BY term
            """,
            base_nos,
            terms,
        )
        return dict(rows)

    async def best(
        self,
        base_nos: Sequence[int],
        words: Sought,
        limit: int,
        allowed: Allowed | None = None,
    ) -> list[tuple[int, float]]:
        """Return the ``limit`` chunks with the highest BM25, best first: number and score.

        Exact if all words find; else of the chunks that lead by the words that do.
        """
        values = Values()
        sql = best_sql(base_nos, words, limit, allowed, values)
        return [(no, score) for no, score in await fetch(self._session, sql, *values)]

    async def _count_terms(self, base_no: int, words: Sequence[Iterable[str]]) -> None:
        counts = Counter(term for terms in words for term in terms)
        upsert = """
            INSERT INTO terms (base_no, term, chunk_count)
            SELECT $1::bigint, new.term, new.added
            FROM unnest($2::text[], $3::integer[]) AS new (term, added)
            ON CONFLICT (base_no, term)
            DO UPDATE SET chunk_count = terms.chunk_count + excluded.chunk_count
        """
        await fetch(self._session, upsert, base_no, list(counts), list(counts.values()))

    async def _uncount_terms(self, base_no: int, counts: Counter[str]) -> None:
        values = {"base_no": base_no, "terms": list(counts), "counts": list(counts.values())}
        await self._session.execute(
            text("""
                UPDATE terms SET chunk_count = terms.chunk_count - old.removed
                FROM unnest(CAST(:terms AS text[]), CAST(:counts AS integer[]))
                    AS old (term, removed)
                WHERE terms.base_no = :base_no AND terms.term = old.term
            """),
            values,
        )
        await self._session.execute(
            text("""
                DELETE FROM terms
                WHERE base_no = :base_no AND term = ANY(CAST(:terms AS text[])) AND chunk_count <= 0
            """),
            {"base_no": base_no, "terms": list(counts)},
        )
