"""A worker's process is warm before it claims its first document."""

from __future__ import annotations

import asyncio

import pytest

from core.services import Services
from ingest.process import Processor
from workers import documents


async def test_open_processor_called_twice_warms_once_before_any_claim(
    services: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    steps: list[str] = []

    async def warm(_: Processor) -> None:
        await asyncio.sleep(0)
        steps.append("warm")

    async def drain(_: Processor) -> int:
        steps.append("claim")
        return 0

    monkeypatch.setattr(documents, "_processor", None)
    monkeypatch.setattr(documents, "_opening", asyncio.Lock())
    monkeypatch.setattr(Processor, "warm", warm)
    monkeypatch.setattr(Processor, "drain", drain)
    await asyncio.gather(documents._drain(services), documents._drain(services))
    assert steps == ["warm", "claim", "claim"]


async def test_warm_processor_has_a_parser_process_and_a_loaded_model(services: Services) -> None:
    processor = Processor(services)
    await processor.warm()
    child = processor._parser._kept.child
    assert child is not None
    assert child.is_running()
    await processor.close()
