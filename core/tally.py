"""Counters that all processes add to; kept in Redis, so that whoever is asked knows them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, cast

import structlog
from redis.asyncio import Redis
from redis.exceptions import RedisError

from core.redis_names import COUNTERS

log = structlog.get_logger(__name__)

# The embedding rate is the first divided by the second.
COUNTED: Final = ("embedded_passages", "embedding_seconds", "run_kept_bytes")


async def add(redis: Redis, amounts: Mapping[str, float]) -> None:
    """Add to counters, of those in ``COUNTED``; while Redis is away, what is added is lost."""
    try:
        async with redis.pipeline(transaction=True) as pipeline:
            for name, amount in amounts.items():
                pipeline.hincrbyfloat(COUNTERS, name, amount)
            await pipeline.execute()
    except (RedisError, OSError) as error:  # a count is not worth the work that it counts
        log.warning("counters were not written", error=str(error))


async def read(redis: Redis) -> dict[str, float]:
    """Return every counter; those nobody added to are 0."""
    found = cast(dict[bytes, Any], await redis.hgetall(COUNTERS))
    return {name: float(found.get(name.encode(), 0)) for name in COUNTED}
