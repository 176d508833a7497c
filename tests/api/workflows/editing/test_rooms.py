"""Looking after the open workflows of a process."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from types import SimpleNamespace
from typing import Any

import pytest

from api.workflows.editing.rooms import Room, Rooms
from core.store.workflow_operations import Standing


class Ended:
    """A socket in a room, and what it was told."""

    def __init__(self) -> None:
        self.reasons: list[str] = []

    async def end(self, reason: str) -> None:
        self.reasons.append(reason)


@pytest.fixture
def member() -> Ended:
    return Ended()


def _opened(workflow_id: str, member: Ended) -> Room:
    return Room(workflow_id, "ws_1", 1, members={"socket": member})


async def _rooms(standing: Any) -> Rooms:
    """Return rooms that look only when they are told to; ``standing`` answers for the database."""

    @asynccontextmanager
    async def system() -> AsyncIterator[Any]:
        yield SimpleNamespace(workflow_standings=SimpleNamespace(of=standing))

    services = SimpleNamespace(store=SimpleNamespace(system=system))
    rooms = Rooms(SimpleNamespace(services=services))  # type: ignore[arg-type]
    await rooms.close()  # its own tasks; they have not begun
    return rooms


async def test_what_is_opened_while_the_database_is_asked_stays_open(member: Ended) -> None:
    async def standing(asked: list[str]) -> list[Standing]:
        rooms.open["wf_new"] = _opened("wf_new", member)
        return [Standing(workflow_id, 1, 0) for workflow_id in asked]

    rooms = await _rooms(standing)
    rooms.open["wf_old"] = _opened("wf_old", member)
    await rooms._look_once()
    assert member.reasons == []


async def test_what_was_deleted_is_closed(member: Ended) -> None:
    async def standing(asked: list[str]) -> list[Standing]:
        return []

    rooms = await _rooms(standing)
    rooms.open["wf_old"] = _opened("wf_old", member)
    await rooms._look_once()
    assert member.reasons == ["deleted"]
