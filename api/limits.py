"""Requests a minute, per owner and plan, or per address for anonymous calls."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Final

from redis.asyncio import Redis
from redis.exceptions import RedisError

from api.client_address import address_block
from core import redis_names
from core.errors import RateLimited
from core.services import Services
from core.store.workspaces import Workspace

UNLIMITED: Final = -1
_MINUTE: Final = 60
# Minutes are Redis's, so that all processes agree on when one ends.
_COUNT: Final = """
local now = tonumber(redis.call('TIME')[1])
local reset = tostring(now - now % 60 + 60)
if ARGV[2] ~= '' and ARGV[2] ~= reset then return {0, tonumber(reset)} end
if redis.call('HGET', KEYS[1], 'reset') ~= reset then
    redis.call('DEL', KEYS[1])
    redis.call('HSET', KEYS[1], 'reset', reset)
    redis.call('EXPIRE', KEYS[1], 120)
end
return {redis.call('HINCRBY', KEYS[1], 'used', ARGV[1]), tonumber(reset)}
"""


@dataclass(frozen=True)
class Budget:
    """What is left of a minute; ``reset`` is its end in Unix seconds, ``limit`` -1 means none."""

    limit: int
    used: int
    reset: int
    key: str = ""  # where it is counted

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


async def spend(redis: Redis, key: str, limit: int) -> Budget:
    """Count one request in the running minute under a name of `core.redis_names`, those that are
    refused too."""
    if limit == UNLIMITED:
        return unlimited()
    used, reset = await redis.register_script(_COUNT)(keys=[key], args=[1, ""])
    return Budget(limit, int(used), int(reset), key)


async def spend_workspace(redis: Redis, workspace: Workspace) -> Budget:
    """Count one request of a workspace.

    The workspaces of one owner on one plan share its limit, so that making more raises none. A
    limit that an operator set belongs to the workspace.
    """
    name = redis_names.owner_rate(workspace.owner_id, workspace.plan)
    if workspace.plan == "enterprise":
        name = redis_names.workspace_rate(workspace.id)
    return await spend(redis, name, workspace.allowed.requests_per_minute)


async def take_back(redis: Redis, budget: Budget) -> None:
    """Uncount a request that turned out to be another subject's, if its minute still runs."""
    if budget.key:
        await redis.register_script(_COUNT)(keys=[budget.key], args=[-1, budget.reset])


async def spend_anonymous(services: Services, address: str) -> Budget:
    """Count one request of an address that was refused; without Redis nothing is counted."""
    try:
        limit = services.settings.anonymous_requests_per_minute
        key = redis_names.address_rate(address_block(address))
        return await spend(services.redis, key, limit)
    except RedisError:
        return unlimited()


def _minute_end() -> int:
    return (int(time.time()) // _MINUTE + 1) * _MINUTE
