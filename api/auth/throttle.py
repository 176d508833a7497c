"""Wrong passwords slow down whoever sends them, not the account's owner elsewhere."""

from __future__ import annotations

import hashlib
from typing import Final

from redis.asyncio import Redis

from core.errors import RateLimited

_WINDOW: Final = 15 * 60  # seconds
_PER_ACCOUNT: Final = 10
_PER_ADDRESS: Final = 50


class Throttle:
    """Counts failures from an address, and of an account from that address."""

    def __init__(self, redis: Redis, email: str, address: str) -> None:
        self._redis = redis
        account = hashlib.sha256(f"{email}|{address}".encode()).hexdigest()
        self._keys = {f"login:{account}": _PER_ACCOUNT, f"login:{address}": _PER_ADDRESS}

    async def check(self) -> None:
        """Raise ``RateLimited`` after too many failures."""
        counts = await self._redis.mget(list(self._keys))
        for (key, most), count in zip(self._keys.items(), counts, strict=True):
            if int(count or 0) >= most:
                wait = max(1, await self._redis.ttl(key))
                raise RateLimited(f"Too many failed sign-ins; try again in {wait} s.", "rate", wait)

    async def failed(self) -> None:
        """Count a failure."""
        async with self._redis.pipeline() as pipe:
            for key in self._keys:
                pipe.incr(key)
                pipe.expire(key, _WINDOW)
            await pipe.execute()

    async def succeeded(self) -> None:
        """Forget the account's failures; the address's stay."""
        await self._redis.delete(next(iter(self._keys)))
