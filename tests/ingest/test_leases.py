"""A heartbeat that finds no lease to renew: lost to others, or just given up by the job itself."""

from __future__ import annotations

import asyncio

import pytest

from ingest import process
from ingest.process import _first_to_end
from ingest.walk import LeaseLost


async def _finds_no_lease() -> None:
    raise LeaseLost


async def test_work_that_has_just_given_up_its_lease_ends_in_peace() -> None:
    told = []

    async def work() -> None:
        await asyncio.sleep(0.05)  # its last commit is made, and what follows is not yet told
        told.append("done")

    await _first_to_end(work(), _finds_no_lease())
    assert told == ["done"]


async def test_work_whose_lease_was_lost_is_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(process, "_LAST_SECONDS", 0.05)
    ended = asyncio.Event()

    async def work() -> None:
        try:
            await asyncio.sleep(3600)
        finally:
            ended.set()

    with pytest.raises(LeaseLost):
        await _first_to_end(work(), _finds_no_lease())
    assert ended.is_set()
