"""A base of the member's, and a worker that processes what waits."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable

import pytest

from core.services import Services
from ingest.process import Processor
from tests.api.conftest import Member


@pytest.fixture
async def base_path(member: Member) -> str:
    made = await member.program.post("/api/knowledge", json={"name": "Handbook"})
    assert made.status_code == 201, made.text
    return f"/api/knowledge/{made.json()['id']}"


@pytest.fixture
async def work(services: Services) -> AsyncIterator[Callable[[], Awaitable[int]]]:
    """Processes all waiting documents: ``await work()``."""
    processor = Processor(services)
    yield processor.drain
    await processor.close()
