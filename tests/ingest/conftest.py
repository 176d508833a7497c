"""A base to put documents on, and a processor that reads them."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from core.ids import new_id
from core.services import Services
from core.store.knowledge_bases import KnowledgeBase
from ingest.process import Processor
from tests.conftest import Owner
from tests.ingest.desk import Desk


@pytest.fixture
async def desk(services: Services, owner: Owner) -> Desk:
    base = KnowledgeBase(
        id=new_id("kb"), name="B", embedding_model="all-MiniLM-L6-v2", embedding_dimensions=384
    )
    async with services.store.unit(owner.workspace_id) as unit:
        unit.bases.add(base)
    return Desk(services, base)


@pytest.fixture
async def processor(services: Services) -> AsyncIterator[Processor]:
    processor = Processor(services)
    yield processor
    await processor.close()
