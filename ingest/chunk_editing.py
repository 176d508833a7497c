"""Build the chunks that somebody edits, adds, splits or merges: counted, embedded and indexed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise, takewhile
from typing import Final

from core.errors import ValidationFailed
from core.markdown_tables import is_rule
from core.models.embed import get_embedder
from core.store.chunks import Chunk as Row
from core.store.documents import Document
from core.store.knowledge_bases import KnowledgeBase
from core.store.new_chunks import NewChunk, Origin
from ingest import index
from ingest.document import Box, Chunk, union
from ingest.split import MAX_TOKENS, embedding_text
from ingest.tokens import count_tokens

_BREAK: Final = "\n\n"
# Less than what two blanks and a letter take, so that what is between two chunks of a document
# that are as they were read is white space even where a chunk between them was deleted.
_MAX_GAP_CHARS: Final = 2
_MIN_PART_CHARS: Final = _MAX_GAP_CHARS + 1


@dataclass(frozen=True)
class Draft:
    """What a chunk is to say, and its place in the document as far as it has one."""

    content: str
    origin: Origin = "added"
    start_offset: int | None = None
    end_offset: int | None = None
    page: int | None = None
    bbox: Box | None = None
    heading_path: tuple[str, ...] = ()
    table_header: str = ""
    enabled: bool = True


async def build_added_chunk(base: KnowledgeBase, document: Document, draft: Draft) -> NewChunk:
    """Build a chunk of somebody's own words.

    Raises:
        ValidationFailed: The text has more tokens than a passage may have.
    """
    (chunk,) = await _build(base, document, [draft])
    return chunk


async def build_edited_chunk(
    base: KnowledgeBase, document: Document, row: Row, content: str
) -> NewChunk:
    """Build a chunk with another text; headings and page stay.

    It has offsets only where the text before contains the new one.

    Raises:
        ValidationFailed: The text has more tokens than a passage may have.
    """
    at = row.content.find(content)
    start = None if row.start_offset is None or at < 0 else row.start_offset + at
    draft = replace(
        _draft(row),
        content=content,
        origin="added" if row.origin == "added" else "edited",
        start_offset=start,
        end_offset=None if start is None else start + len(content),
    )
    (chunk,) = await _build(base, document, [draft])
    return chunk


async def build_split_chunks(
    base: KnowledgeBase, document: Document, row: Row, offset: int
) -> tuple[NewChunk, NewChunk]:
    """Build the two parts of a chunk before and after ``offset``, in code points of its text.

    Raises:
        ValidationFailed: One of the parts would have almost no text.
    """
    first, second = row.content[:offset].rstrip(), row.content[offset:].lstrip()
    if min(len(first), len(second)) < _MIN_PART_CHARS:
        raise ValidationFailed.at(
            "offset",
            "leaves a part without text",
            sentence=f"offset must leave at least {_MIN_PART_CHARS} characters on either side;"
            f" the passage has {len(row.content)}.",
        )
    whole = _draft(row)
    start, end = row.start_offset, row.end_offset
    parts = (
        replace(whole, content=first, end_offset=None if start is None else start + len(first)),
        replace(
            whole,
            content=second,
            start_offset=None if end is None else end - len(second),
            table_header=_header_above(first, second) or whole.table_header,
        ),
    )
    one, other = await _build(base, document, parts)
    return one, other


async def build_merged_chunk(
    base: KnowledgeBase, document: Document, rows: Sequence[Row]
) -> NewChunk:
    """Build one chunk of several that follow each other, given in their order.

    It has offsets only where the document says it so, and a page where all are on the same.

    Raises:
        ValidationFailed: Together they have more tokens than a passage may have.
    """
    content, is_located = _join(rows)
    first, last = rows[0], rows[-1]
    is_read = is_located and all(row.origin == "document" for row in rows)
    is_added = all(row.origin == "added" for row in rows)
    is_on_one_page = len({row.page for row in rows}) == 1
    boxes = [box for row in rows if (box := _box(row.bbox)) is not None]
    draft = replace(
        _draft(first),
        content=content,
        origin="document" if is_read else "added" if is_added else "edited",
        start_offset=first.start_offset if is_located else None,
        end_offset=last.end_offset if is_located else None,
        page=first.page if is_on_one_page else None,
        bbox=union(boxes) if is_on_one_page and len(boxes) == len(rows) else None,
        heading_path=_shared_headings(rows),
        enabled=all(row.enabled for row in rows),
    )
    (chunk,) = await _build(base, document, [draft])
    return chunk


def _shared_headings(rows: Sequence[Row]) -> tuple[str, ...]:
    paths = zip(*(row.heading_path for row in rows), strict=False)
    levels = takewhile(lambda level: len(set(level)) == 1, paths)
    return tuple(level[0] for level in levels)


def _join(rows: Sequence[Row]) -> tuple[str, bool]:
    """Return the text of chunks that follow each other, and whether the document says it so."""
    text, is_located = rows[0].content, True
    for row, following in pairwise(rows):
        end, start = row.end_offset, following.start_offset
        gap = None if end is None or start is None else start - end
        are_read = row.origin == following.origin == "document"
        if gap is not None and gap <= 0:
            text += following.content[-gap:]
        elif gap is not None and gap <= _MAX_GAP_CHARS and are_read:
            text += "\n" * gap + following.content
        else:
            text += _BREAK + following.content
            is_located = False
    return text, is_located


async def _build(
    base: KnowledgeBase, document: Document, drafts: Sequence[Draft]
) -> list[NewChunk]:
    chunks = [_chunk(draft) for draft in drafts]
    embedder = get_embedder(base.embedding_model)
    name = document.indexed_name or document.name  # as its other chunks
    texts = [embedding_text(chunk, name) for chunk in chunks]
    vectors = await index.embed(texts, embedder, lambda _done, _of: None, base.workspace_id)
    built = await index.rows(chunks, name, base.language, vectors)
    return [
        replace(
            chunk,
            start_offset=draft.start_offset,
            end_offset=draft.end_offset,
            origin=draft.origin,
            enabled=draft.enabled,
        )
        for chunk, draft in zip(built, drafts, strict=True)
    ]


def _chunk(draft: Draft) -> Chunk:
    tokens = count_tokens(draft.content)
    if tokens > MAX_TOKENS:
        raise ValidationFailed(
            f"The text has {tokens} tokens and a passage at most {MAX_TOKENS}; shorten it."
        )
    return Chunk(
        index=0,
        text=draft.content,
        page=draft.page,
        bbox=draft.bbox,
        heading_path=draft.heading_path,
        start=0,
        end=len(draft.content),
        token_count=tokens,
        context=draft.table_header,
    )


def _draft(row: Row) -> Draft:
    return Draft(
        content=row.content,
        origin=row.origin,
        start_offset=row.start_offset,
        end_offset=row.end_offset,
        page=row.page,
        bbox=_box(row.bbox),
        heading_path=tuple(row.heading_path),
        table_header=row.meta.get("tableHeader", ""),
        enabled=row.enabled,
    )


def _header_above(first: str, second: str) -> str:
    """Return the head of the table that is cut between two parts of a chunk, else nothing."""
    lines = first.splitlines()
    rules = [at for at, line in enumerate(lines) if at and is_rule(line)]
    return lines[rules[-1] - 1] if rules and second.startswith("|") else ""


def _box(values: list[float] | None) -> Box | None:
    if values is None:
        return None
    x0, y0, x1, y1 = values
    return (x0, y0, x1, y1)
