"""Jobs of documents and files: how one begins, is tried again, stopped, removed.

The route and the knowledge block both call this; everything happens in the caller's unit, and
workers are woken after its commit.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from core.blobs import Blobs
from core.errors import Conflict
from core.ids import new_id
from core.queue import Queue
from core.removal import forget_blobs
from core.store.documents import Document
from core.store.files import File
from core.store.jobs import WAITING
from core.store.knowledge_bases import KnowledgeBase
from core.store.unit import Unit


@dataclass(frozen=True)
class Content:
    """Stored bytes that are to become a document; ``size`` in bytes, ``checksum`` SHA-256 in hex.

    ``file_id`` names the uploaded file whose blob this is; the bytes go with the last row, of a
    file or a document, that names them. Of a ``source_url`` there are no bytes before it is
    fetched: the key is empty and the checksum that of the URL. ``reading`` is how it is to be
    read (``{ocr, languages}``), where that was said.
    """

    name: str
    mime_type: str
    size: int
    checksum: str
    blob_key: str
    file_id: str | None = None
    source_url: str | None = None
    metadata: Mapping[str, Any] = field(default_factory=dict)
    created_by: str | None = None
    reading: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Accepted:
    """The document that now stands for the content, and whether it stood there before."""

    document: Document
    is_duplicate: bool


async def add(unit: Unit, base_id: str, content: Content, queue: Queue, blobs: Blobs) -> Accepted:
    """Add a document to a base, which was checked, and queue it, unless the base holds the same
    content already.

    The blob of a duplicate that belongs to no file is deleted after the commit.
    """
    new = _row(base_id, content)
    document = await unit.documents.add_unless_known(new)
    if document.id != new.id:
        if content.file_id is None and content.blob_key not in ("", document.blob_key):
            _delete_blob_later(unit, blobs, content.blob_key)
        return Accepted(document, is_duplicate=True)
    _wake_later(unit, queue, document.id)
    return Accepted(document, is_duplicate=False)


async def replace(
    unit: Unit, document: Document, content: Content, queue: Queue, blobs: Blobs
) -> None:
    """Give a document that has ended another version of its content, and queue it.

    Its chunks are found until the new ones are. Raises ``Conflict`` while it waits or is in work,
    and for content that the base holds as another document.
    """
    same = await unit.documents.by_checksum(document.base_id, content.checksum)
    if same is not None and same.id != document.id:
        raise Conflict(
            f"The base holds the same content already, as {same.id}; delete one of them."
        )
    old_key = document.blob_key
    new = {
        "name": content.name, "mime_type": content.mime_type, "size": content.size,
        "checksum": content.checksum, "blob_key": content.blob_key, "file_id": content.file_id,
        "source_url": content.source_url, "reading": dict(content.reading) or None,
        "meta": dict(content.metadata) or document.meta,
    }  # fmt: skip
    await _restart(unit, document, queue, new)
    if old_key != content.blob_key:
        await forget_blobs(unit, blobs, [old_key])


async def again(
    unit: Unit, document: Document, queue: Queue, reading: Mapping[str, Any] | None = None
) -> None:
    """Process a document that has ended once more; its chunks are found until the new ones are.

    ``reading`` says that it is to be read in another way. Raises ``Conflict`` while it waits or is
    in work, and for one that a program wrote and that has no file.
    """
    if not document.blob_key and not document.source_url:
        raise Conflict("The document has no file to process; write its passages again instead.")
    await _restart(unit, document, queue, {"reading": dict(reading)} if reading else {})


async def _restart(unit: Unit, document: Document, queue: Queue, values: dict[str, Any]) -> None:
    if not await unit.documents.restart(document.id, values):
        raise Conflict("The document is being processed; cancel it or wait until it has ended.")
    _wake_later(unit, queue, document.id)


async def cancel(unit: Unit, document: Document) -> None:
    """Stop a document's processing; the worker notices within two seconds.

    Raises ``Conflict`` when it has ended.
    """
    if not await unit.documents.cancel(document.id):
        raise Conflict("The document's processing has ended; there is nothing to cancel.")


async def remove(unit: Unit, base: KnowledgeBase, document: Document, blobs: Blobs) -> None:
    """Delete a document with its chunks: from the commit on, no search finds it.

    Work on it ends by itself: its worker loses the lease.
    """
    await unit.chunks.delete_of_document(base, document.id)
    await unit.documents.delete(document)
    await unit.bases.count(base.id, documents=-1)
    await forget_blobs(unit, blobs, [document.blob_key])


async def read_file(
    unit: Unit, file: File, reading: dict[str, Any], queue: Queue, is_forced: bool = False
) -> None:
    """Have a file's text read in a way (``{ocr, languages}``), unless it was or is being read so.

    Raises ``Conflict`` while it is in work in another way.
    """
    is_same = file.reading == reading
    if is_same and not is_forced and file.status in (*WAITING, "completed"):
        return
    if not await unit.files.restart(file.id, {"reading": reading}):
        raise Conflict("The file is being processed; cancel it or wait until it has ended.")
    _wake_later(unit, queue, file.id)


async def cancel_file(unit: Unit, file: File) -> None:
    """Stop the reading of a file; raises ``Conflict`` when none is under way."""
    if not await unit.files.cancel(file.id):
        raise Conflict("The file is not being processed; there is nothing to cancel.")


def _row(base_id: str, content: Content) -> Document:
    return Document(
        id=new_id("doc"),
        base_id=base_id,
        name=content.name,
        mime_type=content.mime_type,
        size=content.size,
        checksum=content.checksum,
        blob_key=content.blob_key,
        file_id=content.file_id,
        source_url=content.source_url,
        meta=dict(content.metadata),
        created_by=content.created_by,
        reading=dict(content.reading) or None,
    )


def _wake_later(unit: Unit, queue: Queue, job_id: str) -> None:
    async def wake() -> None:
        await queue.wake("documents", job_id)

    unit.after_commit(wake, once="wake for documents")  # who is woken takes all that wait


def _delete_blob_later(unit: Unit, blobs: Blobs, key: str) -> None:
    async def delete() -> None:
        await blobs.delete(key)

    unit.after_commit(delete)
