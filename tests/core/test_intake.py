from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace

import pytest

from core import intake
from core.errors import Conflict, NotFound
from core.ids import new_id
from core.intake import Accepted, Content
from core.services import Services
from core.store.documents import Document
from core.store.knowledge_bases import KnowledgeBase
from tests.conftest import Owner


class WakeCounter:
    """Stands for the queue; tells which documents woke a worker."""

    def __init__(self) -> None:
        self.woken: list[str] = []

    async def wake(self, kind: str, row_id: str = "") -> None:
        assert kind == "documents"
        self.woken.append(row_id)


@pytest.fixture
def queue() -> WakeCounter:
    return WakeCounter()


@pytest.fixture
async def base(services: Services, owner: Owner) -> KnowledgeBase:
    base = KnowledgeBase(
        id=new_id("kb"), name="B", embedding_model="all-MiniLM-L6-v2", embedding_dimensions=384
    )
    async with services.store.unit(owner.workspace_id) as unit:
        unit.bases.add(base)
    return base


async def _bytes(data: bytes) -> AsyncIterator[bytes]:
    yield data


async def _content(services: Services, data: bytes = b"Hello.") -> Content:
    stored = await services.blobs.put(_bytes(data), 1000)
    return Content("a.txt", "text/plain", stored.size, stored.checksum, stored.key)


async def _add(
    services: Services, base: KnowledgeBase, content: Content, queue: WakeCounter
) -> Accepted:
    async with services.store.unit(base.workspace_id) as unit:
        return await intake.add(unit, base.id, content, queue, services.blobs)  # type: ignore[arg-type]


async def _base(services: Services, base: KnowledgeBase) -> KnowledgeBase:
    async with services.store.unit(base.workspace_id) as unit:
        found = await unit.bases.get(base.id)
    assert found is not None
    return found


async def _document(services: Services, document: Document) -> Document | None:
    async with services.store.unit(document.workspace_id) as unit:
        return await unit.documents.get(document.id)


async def test_a_document_waits_and_a_worker_is_woken(
    services: Services, base: KnowledgeBase, queue: WakeCounter
) -> None:
    content = replace(await _content(services), metadata={"year": 2022})
    accepted = await _add(services, base, content, queue)
    assert not accepted.is_duplicate
    found = await _document(services, accepted.document)
    assert found is not None
    assert (found.status, found.meta, found.checksum) == (
        "pending",
        {"year": 2022},
        content.checksum,
    )
    assert queue.woken == [found.id]
    assert (await _base(services, base)).document_count == 1


async def test_the_same_content_again_is_the_same_document(
    services: Services, base: KnowledgeBase, queue: WakeCounter
) -> None:
    first = await _add(services, base, await _content(services), queue)
    copy = await _content(services)
    second = await _add(services, base, replace(copy, name="b.txt"), queue)
    assert second.is_duplicate
    assert second.document.id == first.document.id
    assert len(queue.woken) == 1
    assert (await _base(services, base)).document_count == 1
    with pytest.raises(NotFound):
        async with services.blobs.local_file(copy.blob_key):
            pass
    async with services.blobs.local_file(first.document.blob_key) as path:
        assert path.read_bytes() == b"Hello."


async def test_the_same_content_at_the_same_moment_is_one_document(
    services: Services, base: KnowledgeBase, queue: WakeCounter
) -> None:
    contents = [await _content(services) for _ in range(5)]
    accepted = await asyncio.gather(*(_add(services, base, c, queue) for c in contents))
    assert len({a.document.id for a in accepted}) == 1
    assert sum(not a.is_duplicate for a in accepted) == 1
    assert (await _base(services, base)).document_count == 1


async def test_a_waiting_document_is_cancelled_at_once_and_may_start_again(
    services: Services, base: KnowledgeBase, queue: WakeCounter
) -> None:
    document = (await _add(services, base, await _content(services), queue)).document
    async with services.store.unit(base.workspace_id) as unit:
        with pytest.raises(Conflict):
            await intake.again(unit, document, queue)  # type: ignore[arg-type]
        await intake.cancel(unit, document)
    found = await _document(services, document)
    assert found is not None
    assert found.status == "cancelled"
    assert found.ended_at is not None
    async with services.store.unit(base.workspace_id) as unit:
        with pytest.raises(Conflict):
            await intake.cancel(unit, document)
        await intake.again(unit, document, queue)  # type: ignore[arg-type]
    found = await _document(services, document)
    assert found is not None
    assert (found.status, found.cancel_requested, found.ended_at) == ("pending", False, None)
    assert queue.woken == [document.id] * 2


async def test_a_removed_document_is_gone_with_its_blob(
    services: Services, base: KnowledgeBase, queue: WakeCounter
) -> None:
    document = (await _add(services, base, await _content(services), queue)).document
    async with services.store.unit(base.workspace_id) as unit:
        found = await unit.documents.get(document.id)
        assert found is not None
        await intake.remove(unit, base, found, services.blobs)
    assert await _document(services, document) is None
    assert (await _base(services, base)).document_count == 0
    with pytest.raises(NotFound):
        async with services.blobs.local_file(document.blob_key):
            pass


async def test_documents_added_together_wake_a_worker_once(
    services: Services, base: KnowledgeBase, queue: WakeCounter
) -> None:
    contents = [await _content(services, f"Hello {n}.".encode()) for n in range(3)]
    async with services.store.unit(base.workspace_id) as unit:
        added = [
            await intake.add(unit, base.id, content, queue, services.blobs)  # type: ignore[arg-type]
            for content in contents
        ]
        assert not queue.woken
    assert queue.woken == [added[0].document.id]
