"""Who has workflows open hears that one has changed; what has changed, the log says.

A call can be lost: whoever listens also looks at the versions from time to time.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final
from weakref import WeakKeyDictionary

import structlog
from redis.asyncio import Redis

from core.batches import Batcher
from core.redis_names import WORKFLOWS_CHANNEL
from core.services import Services
from core.store.unit import Unit
from core.store.workflows import Workflow

log = structlog.get_logger(__name__)


@dataclass(frozen=True)
class News:
    """A workflow that has changed; ``version`` is that of its record, which a mere change of its
    document leaves as it was."""

    workflow_id: str
    version: int


def read(words: bytes) -> list[News]:
    found = (word.partition(" ") for word in words.decode().split("\n"))
    return [News(workflow_id, int(version)) for version, _, workflow_id in found]


def tell_after(services: Services, unit: Unit, row: Workflow) -> None:
    """Name a workflow to all processes, soon after the unit is committed.

    Nobody waits for it: the edit is done, and what is committed meanwhile is named in one message.
    """
    word = f"{row.version} {row.id}"

    async def tell() -> None:
        _caller(services.redis).put(word).add_done_callback(_note)

    unit.after_commit(tell)


_callers: Final[WeakKeyDictionary[Redis, Batcher[str, None]]] = WeakKeyDictionary()


def _caller(redis: Redis) -> Batcher[str, None]:
    async def publish(words: Sequence[str]) -> list[None]:
        await redis.publish(WORKFLOWS_CHANNEL, "\n".join(words))
        return [None] * len(words)

    if redis not in _callers:
        _callers[redis] = Batcher(publish)
    return _callers[redis]


def _note(told: asyncio.Future[None]) -> None:
    error = None if told.cancelled() else told.exception()
    if error is not None:
        log.warning("a changed workflow was not named; looking will find it", error=str(error))
