"""The postings of a large base's words, packed: one value a word. docs/decisions/0008 says why.

They are derived from ``postings``, which stay the truth: a packing says what these were when it was
made. ``core.store.packing`` makes it; what changed since is known by it or read from the rows.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
from sqlalchemy import BigInteger, ForeignKey, Identity, text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Mapped, mapped_column

from core.store.base import Base, TenantRepository
from core.store.driver import fetch
from core.store.kept_lists import kept_lists
from core.store.word_lists import EMPTY, LONGEST, Numbers, WordList, WordLists


class Packing(Base):
    __tablename__ = "packings"

    no: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True)
    workspace_id: Mapped[str]
    base_no: Mapped[int] = mapped_column(
        BigInteger, ForeignKey("knowledge_bases.no", ondelete="CASCADE"), index=True
    )
    # The chunks that it speaks of, from the first to the last; null while it is being made.
    first_no: Mapped[int | None] = mapped_column(BigInteger)
    last_no: Mapped[int | None] = mapped_column(BigInteger)
    chunk_count: Mapped[int] = mapped_column(server_default=text("0"))
    # Chunks that were deleted or rewritten since: what it says of them no longer holds. Each is
    # eight bytes; most are never looked at.
    gone: Mapped[bytes] = mapped_column(server_default=text("''"))
    rewritten: Mapped[list[int]] = mapped_column(ARRAY(BigInteger), server_default=text("'{}'"))


class PackedWord(Base):
    __tablename__ = "packed_words"

    packing_no: Mapped[int] = mapped_column(
        BigInteger, ForeignKey("packings.no", ondelete="CASCADE"), primary_key=True
    )
    term: Mapped[str] = mapped_column(primary_key=True)
    workspace_id: Mapped[str]
    postings: Mapped[bytes]  # by number of the chunk; ``core.store.word_lists`` has the form


# A posting as ``core.store.word_lists`` reads it.
AS_ROW: Final = f"""
    int8send(p.chunk_no) || int2send(p.frequency) || int2send(least(p.length, {LONGEST})::smallint)
"""
_ROWS: Final = f"""
    SELECT string_agg({AS_ROW}, '' ORDER BY p.chunk_no)
    FROM postings p WHERE p.base_no = b.no AND p.term = w.term
"""  # noqa: S608 - a part of our own
_LISTS: Final = f"""
    SELECT b.no, w.term, g.no AS packing, g.first_no,
        CASE WHEN NOT EXISTS (
            SELECT FROM unnest((SELECT $3::bigint[])::bigint[], (SELECT $4::text[])::text[])
                AS kept (packing, term)
            WHERE kept.packing = g.no AND kept.term = w.term
        ) THEN k.postings END AS packed,
        CASE WHEN w.at = 1 THEN g.gone END AS gone,
        ({_ROWS} AND p.chunk_no > CASE WHEN k.term IS NULL THEN 0 ELSE g.last_no END) AS newer,
        CASE WHEN k.term IS NOT NULL AND g.rewritten <> '{{}}' THEN
            ({_ROWS} AND p.chunk_no <= g.last_no AND p.chunk_no = ANY(g.rewritten))
        END AS rewritten
    FROM unnest((SELECT $1::bigint[])::bigint[]) AS b (no)
    CROSS JOIN unnest((SELECT $2::text[])::text[]) WITH ORDINALITY AS w (term, at)
    LEFT JOIN packings g ON g.base_no = b.no AND g.last_no IS NOT NULL
    LEFT JOIN packed_words k ON k.packing_no = g.no AND k.term = w.term
"""  # noqa: S608 - parts of our own
_LEAVE: Final = """
    UPDATE packings SET rewritten = CASE WHEN $3 THEN rewritten || $2::bigint[] ELSE rewritten END,
        gone = gone || (SELECT string_agg(int8send(no), '') FROM unnest($2::bigint[]) AS no)
    WHERE base_no = $1
"""

_NONE: Final = np.empty(0, np.int64)


class PackedPostings(TenantRepository):
    """Reached only through a base that was checked; changed with its row locked."""

    async def lists(self, base_nos: Sequence[int], terms: Sequence[str]) -> WordLists:
        """Return every chunk of the bases that holds each of the words.

        What no packing tells comes as rows, which is slow for words of many chunks.
        """
        if not terms:
            return WordLists()
        kept = kept_lists(self._session.get_bind().engine)
        read = kept.of(base_nos, terms)
        places = [packing for packing, _ in read], [term for _, term in read]
        rows = await fetch(self._session, _LISTS, base_nos, terms, *places)
        gone = {row.no: _numbers(row.gone) for row in rows if row.gone}
        lists: dict[str, WordList] = {}
        for row in rows:
            packed = read.get((row.packing, row.term), EMPTY)
            if row.packed is not None:
                packed = WordList.read(row.packed, row.first_no)
                kept.keep(row.no, (row.packing, row.term), packed)
            new = (row.newer or b"") + (row.rewritten or b"")
            found = packed.changed(gone.get(row.no, _NONE), new)
            known = lists.get(row.term)
            lists[row.term] = found if known is None else known.joined(found)
        return WordLists(lists)

    async def leave(self, base_no: int, chunk_nos: Sequence[int], *, stay: bool = False) -> None:
        """Note that chunks were deleted or, if they ``stay``, rewritten."""
        await fetch(self._session, _LEAVE, base_no, list(chunk_nos), stay)


def _numbers(sent: bytes) -> Numbers:
    return np.sort(np.frombuffer(sent, ">i8").astype(np.int64))
