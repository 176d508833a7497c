"""Slots of concurrent executions: leases in Redis, shared by all processes.

Workspaces of one account share a limit: the account's set names those of its workspaces that have
taken slots, and all of these are counted.

A workspace's slots are one sorted set: the run that holds one, and when its lease runs out by
Redis's clock, the only one that all processes share. Whoever drives a run renews its slot; a slot
whose process is gone runs out.
"""

from __future__ import annotations

from collections.abc import Iterable
from enum import IntEnum
from typing import Final

import structlog
from redis.asyncio import Redis
from redis.exceptions import RedisError

from core import redis_names

log = structlog.get_logger(__name__)

# Longer than any run may take without a pause, after which it takes a slot anew.
_ACCOUNT_SECONDS: Final = 7 * 24 * 3600
_NOW: Final = """
local t = redis.call('TIME')
local now = t[1] * 1000 + math.floor(t[2] / 1000)
local until_ = now + ARGV[1]
"""
_TAKE: Final = f"""
{_NOW}
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', now)
local held = redis.call('ZSCORE', KEYS[1], ARGV[2])
local used = redis.call('ZCARD', KEYS[1])
if KEYS[2] then
    for _, other in ipairs(redis.call('SMEMBERS', KEYS[2])) do
        if other ~= KEYS[1] then
            redis.call('ZREMRANGEBYSCORE', other, '-inf', now)
            local count = redis.call('ZCARD', other)
            if count == 0 then redis.call('SREM', KEYS[2], other) end
            used = used + count
        end
    end
end
if not held and used >= tonumber(ARGV[3]) then return 0 end
if KEYS[2] then
    redis.call('SADD', KEYS[2], KEYS[1])
    redis.call('EXPIRE', KEYS[2], ARGV[4])
end
redis.call('ZADD', KEYS[1], until_, ARGV[2])
redis.call('PEXPIRE', KEYS[1], ARGV[1])
if held then return 2 end
return 1
"""
_RENEW: Final = f"""
{_NOW}
redis.call('ZADD', KEYS[1], until_, ARGV[2])
redis.call('PEXPIRE', KEYS[1], ARGV[1])
"""


class Slot(IntEnum):
    """What came of asking for a slot."""

    NONE = 0
    TAKEN = 1
    HELD = 2  # the run had it before


class Slots:
    """``lease_seconds`` is how long a slot is held without being renewed."""

    def __init__(self, redis: Redis, lease_seconds: float) -> None:
        self._redis = redis
        self._lease = max(1, int(lease_seconds * 1000))
        self._take = redis.register_script(_TAKE)
        self._renew = redis.register_script(_RENEW)

    async def take(
        self, workspace_id: str, holder: str, most: int, account: str | None = None
    ) -> Slot:
        """Take one of ``most`` slots, at once and for one holder alone, if one is free.

        With an ``account`` the slots of all its workspaces count.
        """
        args: list[str | int] = [self._lease, holder, most, _ACCOUNT_SECONDS]
        keys = [redis_names.slots(workspace_id)]
        if account is not None:
            keys.append(redis_names.slots_of_account(account))
        return Slot(await self._take(keys=keys, args=args))

    async def renew(self, workspace_id: str, holder: str) -> None:
        """Keep a slot, or take it back where it ran out meanwhile: what runs is not stopped.

        Nor is it stopped by a Redis that is away for a moment; the next renewal makes up for it.
        """
        try:
            await self._renew(keys=[redis_names.slots(workspace_id)], args=[self._lease, holder])
        except RedisError as error:
            log.warning("slot not renewed", holder=holder, error=str(error))

    async def renew_all(self, holders: Iterable[tuple[str, str]]) -> None:
        """Keep the slots of many ``(workspace, holder)`` in one round trip."""
        async with self._redis.pipeline(transaction=False) as pipe:
            for workspace_id, holder in holders:
                args: list[str | int] = [self._lease, holder]
                await self._renew(keys=[redis_names.slots(workspace_id)], args=args, client=pipe)
            await pipe.execute()

    async def free(self, workspace_id: str, holder: str) -> None:
        """Give a slot back; one that is not held is no error."""
        await self._redis.zrem(redis_names.slots(workspace_id), holder)

    async def holders(self, workspace_id: str) -> frozenset[str]:
        """Return who holds a slot, those whose lease has just run out among them."""
        names = await self._redis.zrange(redis_names.slots(workspace_id), 0, -1)
        return frozenset(name.decode() for name in names if isinstance(name, bytes))
