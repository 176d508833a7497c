"""Knowledge bases, their documents, and search in them."""

from __future__ import annotations

import json
from collections.abc import Sequence
from os import PathLike
from pathlib import Path
from typing import Any

from nuxa.models import Chunk, Chunks, Document, KnowledgeBase, SearchReply
from nuxa.requests import (
    Door,
    Json,
    Listing,
    Request,
    Resource,
    Stream,
    keyed,
    listing,
    method,
    streaming,
)


class Knowledge(Resource[Door]):
    @listing
    def list(self, *, search: str | None = None) -> Listing[KnowledgeBase]:
        return Listing("/api/knowledge", KnowledgeBase, {"search": search})

    @method
    def create(
        self, /, name: str, *, idempotency_key: str | None = None, **settings: Any
    ) -> Request[KnowledgeBase]:
        """Create a base; ``settings`` as on the wire: ``language``, ``chunking`` …"""
        headers, body = keyed(idempotency_key), {"name": name, **settings}
        return Request("POST", "/api/knowledge", KnowledgeBase, json=body, headers=headers)

    @method
    def get(self, base_id: str) -> Request[KnowledgeBase]:
        return Request("GET", f"/api/knowledge/{base_id}", KnowledgeBase)

    @method
    def update(self, base_id: str, changes: Json) -> Request[KnowledgeBase]:
        """Change name, description, ``embeddingModel`` or ``chunking``.

        ``reembedding`` and ``rechunking`` of the answer tell how far that is.
        """
        return Request("PATCH", f"/api/knowledge/{base_id}", KnowledgeBase, json=changes)

    @method
    def delete(self, base_id: str) -> Request[None]:
        return Request("DELETE", f"/api/knowledge/{base_id}")

    @method
    def search(self, /, base_id: str, query: str, **settings: Any) -> Request[SearchReply]:
        """Search a base; ``settings`` as on the wire: ``topK``, ``mode``, ``filter`` …"""
        body, path = {"query": query, **settings}, f"/api/knowledge/{base_id}/search"
        return Request("POST", path, SearchReply, json=body, is_read_only=True)

    @method
    def search_bases(
        self, /, base_ids: Sequence[str], query: str, **settings: Any
    ) -> Request[SearchReply]:
        """Search several bases of one workspace; each result names its base."""
        body = {"knowledgeBaseIds": [*base_ids], "query": query, **settings}
        return Request("POST", "/api/knowledge/search", SearchReply, json=body, is_read_only=True)

    @method
    def add(self, base_id: str, source: Json) -> Request[Document]:
        """Add a document by ``{"text", "name"}``, ``{"url"}`` or ``{"fileId"}``; it is read later.

        The same content again is answered with the document that has it (``duplicate_of``).
        """
        path = f"/api/knowledge/{base_id}/documents"
        return Request("POST", path, Document, json=source)

    @method
    def upload(
        self, base_id: str, file: str | PathLike[str], metadata: Json | None = None
    ) -> Request[Document]:
        """Add a file from disk; it is sent in pieces."""
        form = {"metadata": json.dumps(dict(metadata))} if metadata else {}
        path = f"/api/knowledge/{base_id}/documents"
        return Request("POST", path, Document, file=Path(file), form=form)

    @listing
    def documents(self, base_id: str, *, status: str | None = None) -> Listing[Document]:
        return Listing(f"/api/knowledge/{base_id}/documents", Document, {"status": status})

    @method
    def document(self, base_id: str, document_id: str) -> Request[Document]:
        """Return a document, and how far its processing is."""
        return Request("GET", f"/api/knowledge/{base_id}/documents/{document_id}", Document)

    @method
    def download_document(
        self, base_id: str, document_id: str, to: str | PathLike[str]
    ) -> Request[Path]:
        """Write the bytes that a document was read from to disk; return where."""
        path = f"/api/knowledge/{base_id}/documents/{document_id}/content"
        return Request("GET", path, save_to=Path(to))

    @streaming
    def follow(self, base_id: str, document_id: str) -> Stream:
        """Iterate over how far a document is, to its end."""
        path = f"/api/knowledge/{base_id}/documents/{document_id}/stream"
        return Stream(Request("GET", path), lambda _: Request("GET", path))

    @method
    def update_document(self, base_id: str, document_id: str, changes: Json) -> Request[Document]:
        path = f"/api/knowledge/{base_id}/documents/{document_id}"
        return Request("PATCH", path, Document, json=changes)

    @method
    def replace_document(self, base_id: str, document_id: str, source: Json) -> Request[Document]:
        """Give a document another version of its content; ``source`` as with :meth:`add`."""
        path = f"/api/knowledge/{base_id}/documents/{document_id}"
        return Request("PUT", path, Document, json=source)

    @method
    def reprocess_document(
        self, base_id: str, document_id: str, reading: Json | None = None
    ) -> Request[Document]:
        """Read a document again; ``reading`` as on the wire: ``ocr``, ``languages``."""
        path = f"/api/knowledge/{base_id}/documents/{document_id}/reprocess"
        return Request("POST", path, Document, json=reading or {})

    @method
    def cancel_document(self, base_id: str, document_id: str) -> Request[Document]:
        """Stop the processing of a document."""
        path = f"/api/knowledge/{base_id}/documents/{document_id}/cancel"
        return Request("POST", path, Document, json={}, is_read_only=True)  # idempotent

    @method
    def delete_document(self, base_id: str, document_id: str) -> Request[None]:
        return Request("DELETE", f"/api/knowledge/{base_id}/documents/{document_id}")

    @listing
    def chunks(self, base_id: str, document_id: str) -> Listing[Chunk]:
        return Listing(f"/api/knowledge/{base_id}/documents/{document_id}/chunks", Chunk)

    @method
    def update_chunk(
        self, base_id: str, document_id: str, chunk_id: str, changes: Json
    ) -> Request[Chunk]:
        """Correct a passage's ``content``, which is embedded anew, or set ``enabled``."""
        path = f"/api/knowledge/{base_id}/documents/{document_id}/chunks/{chunk_id}"
        return Request("PATCH", path, Chunk, json=changes)

    @method
    def add_chunk(
        self,
        /,
        base_id: str,
        document_id: str,
        content: str,
        *,
        idempotency_key: str | None = None,
        **settings: Any,
    ) -> Request[Chunk]:
        """Add a passage; ``settings`` as on the wire: ``index``, ``page``, ``headingPath`` …"""
        path = f"/api/knowledge/{base_id}/documents/{document_id}/chunks"
        body, headers = {"content": content, **settings}, keyed(idempotency_key)
        return Request("POST", path, Chunk, json=body, headers=headers)

    @method
    def delete_chunk(self, base_id: str, document_id: str, chunk_id: str) -> Request[None]:
        path = f"/api/knowledge/{base_id}/documents/{document_id}/chunks/{chunk_id}"
        return Request("DELETE", path)

    @method
    def split_chunk(
        self, base_id: str, document_id: str, chunk_id: str, offset: int
    ) -> Request[Chunks]:
        """Split a passage at an offset in code points of its content."""
        path = f"/api/knowledge/{base_id}/documents/{document_id}/chunks/{chunk_id}/split"
        return Request("POST", path, Chunks, json={"offset": offset})

    @method
    def merge_chunks(
        self, base_id: str, document_id: str, chunk_ids: Sequence[str]
    ) -> Request[Chunk]:
        """Merge passages that follow each other into one, under the id of the first."""
        path = f"/api/knowledge/{base_id}/documents/{document_id}/chunks/merge"
        return Request("POST", path, Chunk, json={"chunkIds": [*chunk_ids]})
