"""The clock wakes for what nobody took, and no more often than needed."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import text

from core.ids import new_id
from core.services import Services
from core.store.base import now
from core.store.documents import Document
from core.store.knowledge_bases import KnowledgeBase
from tests.conftest import Owner
from workers.upkeep import wake_document_workers, wake_execution_workers


async def _add(services: Services, owner: Owner, count: int, **columns: object) -> None:
    base = KnowledgeBase(
        id=new_id("kb"), name="B", embedding_model="all-MiniLM-L6-v2", embedding_dimensions=384
    )
    async with services.store.unit(owner.workspace_id) as unit:
        unit.bases.add(base)
        await unit.flush()
        for number in range(count):
            unit.documents.add(
                Document(
                    id=new_id("doc"),
                    base_id=base.id,
                    name="a.txt",
                    mime_type="text/plain",
                    size=1,
                    checksum=f"{number}",
                    blob_key="blob_1",
                    **columns,
                )
            )


async def test_lost_wakes_are_made_up_for_once(services: Services, owner: Owner) -> None:
    await _add(services, owner, 3)
    await wake_document_workers(services)
    assert await services.queue.depth("documents") == 3
    await wake_document_workers(services)
    assert await services.queue.depth("documents") == 3


async def test_a_long_queue_is_woken_for_in_part(services: Services, owner: Owner) -> None:
    await _add(services, owner, 100)
    await wake_document_workers(services)
    assert await services.queue.depth("documents") == 64


@pytest.mark.parametrize(("seconds", "wakes"), [(-1, 1), (60, 0)])
async def test_only_a_silent_holder_loses_its_document(
    services: Services, owner: Owner, seconds: int, wakes: int
) -> None:
    lease = now() + timedelta(seconds=seconds)
    await _add(services, owner, 1, status="processing", lease_owner="w", lease_until=lease)
    await wake_document_workers(services)
    assert await services.queue.depth("documents") == wakes


async def test_what_has_ended_wakes_nobody(services: Services, owner: Owner) -> None:
    await _add(services, owner, 1, status="failed")
    await wake_document_workers(services)
    await wake_execution_workers(services)
    assert await services.queue.depth("documents") == 0
    assert await services.queue.depth("executions") == 0
    async with services.store.engine.connect() as connection:
        assert await connection.scalar(text("SELECT count(*) FROM documents")) == 1
