"""Requests a minute, per workspace, or per address for anonymous calls."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Final

from redis.asyncio import Redis
from redis.exceptions import RedisError

from core.errors import RateLimited
from core.services import Services

UNLIMITED: Final = -1
_MINUTE: Final = 60


@dataclass(frozen=True)
class Budget:
    """What is left of a minute; ``reset`` is its end in Unix seconds, ``limit`` -1 means none."""

    limit: int
    used: int
    reset: int

    @property
    def remaining(self) -> int:
        return UNLIMITED if self.limit == UNLIMITED else max(0, self.limit - self.used)

    def headers(self) -> dict[str, str]:
        return {
            "X-RateLimit-Limit": str(self.limit),
            "X-RateLimit-Remaining": str(self.remaining),
            "X-RateLimit-Reset": str(self.reset),
        }

    def check(self) -> None:
        """Raise ``RateLimited`` when the minute's requests are used up."""
        if self.limit != UNLIMITED and self.used > self.limit:
            wait = max(1, self.reset - int(time.time()))
            raise RateLimited(
                f"More than {self.limit} requests in a minute; try again in {wait} s.", "rate", wait
            )


def unlimited() -> Budget:
    """Return the budget of a call that nobody counts."""
    return Budget(UNLIMITED, 0, _minute_end())


async def spend(redis: Redis, subject: str, limit: int) -> Budget:
    """Count one request of a subject in the running minute."""
    if limit == UNLIMITED:
        return unlimited()
    end = _minute_end()
    key = f"rate:{subject}:{end}"
    async with redis.pipeline(transaction=False) as pipe:
        pipe.incr(key)
        pipe.expire(key, 2 * _MINUTE)
        used, _ = await pipe.execute()
    return Budget(limit, int(used), end)


async def spend_anonymous(services: Services, address: str) -> Budget:
    """Count one request of an address that was refused; without Redis nothing is counted."""
    try:
        limit = services.settings.anonymous_requests_per_minute
        return await spend(services.redis, f"address:{address}", limit)
    except RedisError:
        return unlimited()


def _minute_end() -> int:
    return (int(time.time()) // _MINUTE + 1) * _MINUTE
