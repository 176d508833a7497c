"""Haystack's documents and what a knowledge base keeps of them."""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from pathlib import PurePath
from typing import Any, Final

import numpy as np
from haystack import Document, logging
from numpy.typing import NDArray

from core.models.embed import Embedder
from core.store.chunk_records import ChunkRecord
from core.store.external_chunks import NewExternalChunk
from core.store.knowledge_bases import KnowledgeBase
from core.store.new_chunks import NewChunk
from core.text import analyze

log = logging.getLogger(__name__)

_MAX_ID_CHARS: Final = 512
_MAX_NAME_CHARS: Final = 255
_TITLE_CHARS: Final = 60
# Metadata by which Haystack's converters and splitters say what a part was part of.
_GROUP_KEYS: Final = ("documentId", "source_id", "file_path")


def check_documents(documents: Any) -> list[Document]:
    """Return what was given as a list; raises ``ValueError`` for what cannot be kept."""
    is_iterable = isinstance(documents, Iterable) and not isinstance(documents, str)
    found = list(documents) if is_iterable else [documents]
    if not all(isinstance(document, Document) for document in found):
        raise ValueError("Please provide a list of Documents.")
    for document in found:
        _check_document(document)
    return found


def to_document(record: ChunkRecord, score: float | None = None) -> Document:
    """Return a chunk as Haystack has it."""
    embedding = None if record.embedding is None else record.embedding.tolist()
    return Document(
        id=record.id,
        content=record.content,
        meta=record.metadata,
        embedding=embedding,
        score=score,
    )


async def to_chunks(
    documents: Sequence[Document], base: KnowledgeBase, embedder: Embedder
) -> list[NewExternalChunk]:
    """Return documents as a base keeps them; those without an embedding get one.

    Raises ``ValueError`` for an embedding that does not fit the base.
    """
    given = {
        each.id: to_vector(each.embedding, base) for each in documents if each.embedding is not None
    }
    missing = [each for each in documents if each.id not in given]
    texts = [each.content or "" for each in missing]
    made = await embedder.embed_documents(texts, base.workspace_id)
    vectors = given | dict(zip((each.id for each in missing), made, strict=True))
    contents = [each.content or "" for each in documents]
    tokens = await embedder.count_tokens(contents, base.workspace_id)
    words = await asyncio.to_thread(
        lambda: [Counter(analyze(content, base.language)) for content in contents]
    )
    return [
        _chunk(document, count, vectors[document.id], found)
        for document, count, found in zip(documents, tokens, words, strict=True)
    ]


def to_vector(embedding: Sequence[float], base: KnowledgeBase) -> NDArray[np.float32]:
    """Return an embedding as an array; raises ``ValueError`` for one that does not fit a base."""
    vector = np.asarray(embedding, np.float32)
    if vector.shape != (base.embedding_dimensions,):
        raise ValueError(
            f"The embedding has {vector.size} dimensions and the knowledge base "
            f"{base.embedding_dimensions}; embed with its model."
        )
    if not np.isfinite(vector).all() or not vector.any():
        raise ValueError("The embedding must have finite numbers, not all of them 0.")
    return vector


def to_metadata(meta: Mapping[str, Any]) -> dict[str, Any]:
    """Return metadata as it is kept; raises ``ValueError`` for what is not JSON."""
    try:
        text = json.dumps(meta, allow_nan=False, default=_format_date)
        json.dumps(meta, ensure_ascii=False, default=_format_date).encode()
    except (TypeError, ValueError, RecursionError) as error:
        raise ValueError(f"Metadata must be JSON with finite numbers: {error}.") from error
    if "\\u0000" in text:
        raise ValueError("Metadata cannot hold the character U+0000; remove it.")
    found: dict[str, Any] = json.loads(text)
    return found


def _check_document(document: Document) -> None:
    if document.content is None:
        raise ValueError(f"Document {document.id} has no text; a knowledge base keeps text only.")
    if "\0" in document.content or "\0" in document.id:
        raise ValueError(f"Document {document.id!r} holds the character U+0000; remove it.")
    if len(document.id) > _MAX_ID_CHARS:
        raise ValueError(f"The ID of a document has at most {_MAX_ID_CHARS} characters.")
    if document.blob is not None or document.sparse_embedding is not None:
        log.warning("blob and sparse_embedding of document {id} are not kept", id=document.id)
    to_metadata(document.meta)


def _chunk(
    document: Document, token_count: int, vector: NDArray[np.float32], words: Mapping[str, int]
) -> NewExternalChunk:
    norm = float(np.linalg.norm(vector))
    chunk = NewChunk(
        content=document.content or "",
        token_count=token_count,
        start_offset=None,
        end_offset=None,
        embedding=vector / np.float32(norm or 1),
        words=words,
        page=_page(document.meta),
        meta=to_metadata(document.meta),
        origin="added",
    )
    group = next(
        (f"{key}:{document.meta[key]}" for key in _GROUP_KEYS if document.meta.get(key)),
        f"id:{document.id}",
    )
    return NewExternalChunk(
        external_id=document.id,
        group=group.removeprefix("documentId:"),
        document_name=_name(document),
        chunk=chunk,
        vector_norm=None if document.embedding is None else norm,
    )


def _name(document: Document) -> str:
    for key in ("documentName", "file_name", "file_path", "name", "title"):
        value = document.meta.get(key)
        if isinstance(value, str | PurePath) and (name := PurePath(value).name.strip()):
            return name[:_MAX_NAME_CHARS]
    words = " ".join((document.content or "").split())
    return words[:_TITLE_CHARS] or document.id[:_TITLE_CHARS]


def _page(meta: Mapping[str, Any]) -> int | None:
    for key in ("page_number", "page"):
        value = meta.get(key)
        if isinstance(value, int) and not isinstance(value, bool) and 0 < value < 2**31:
            return value
    return None


def _format_date(value: Any) -> str:
    if isinstance(value, date):  # and a datetime, which is one
        return value.isoformat()
    raise TypeError(f"{type(value).__name__} is not JSON")
