"""A base to put documents on, and a processor that reads them."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from core.services import Services
from ingest.process import Processor
from tests.conftest import Owner
from tests.ingest.desk import Desk


@pytest.fixture
async def desk(services: Services, owner: Owner) -> Desk:
    return await Desk.make(services, owner)


@pytest.fixture
async def processor(services: Services) -> AsyncIterator[Processor]:
    processor = Processor(services)
    yield processor
    await processor.close()
