"""Live event logs: append-only Redis streams with a number per event.

One task writes a log; any number of readers follow it from any number, in any process.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

from redis.asyncio import Redis

from core import redis_names
from core.batches import Batcher

# Keys: a log and its counter, for each log; a counter below 0 is that of a log that has ended.
# Arguments: how long they are kept, then for each log how many events it gets, whether the last of
# them ends it (1), and those.
_APPEND: Final = """
local at, numbers = 2, {}
for k = 1, #KEYS, 2 do
    local many, n = tonumber(ARGV[at]), 0
    if tonumber(redis.call('GET', KEYS[k + 1]) or '0') >= 0 then
        n = redis.call('INCRBY', KEYS[k + 1], many)
        for i = 1, many do
            redis.call('XADD', KEYS[k], (n - many + i) .. '-0', 'e', ARGV[at + 1 + i])
        end
        if ARGV[at + 1] == '1' then redis.call('SET', KEYS[k + 1], -n) end
        redis.call('EXPIRE', KEYS[k], ARGV[1])
        redis.call('EXPIRE', KEYS[k + 1], ARGV[1])
    end
    at = at + many + 2
    numbers[#numbers + 1] = n
end
return numbers
"""
_APPEND_AFTER: Final = f"""
if (redis.call('GET', KEYS[2]) or '0') ~= table.remove(ARGV) then return {{}} end
{_APPEND}
"""
KEEP_SECONDS: Final = 24 * 3600
REDIS_FULL: Final = "The service's memory for events is full; try again later."


@dataclass(frozen=True)
class Event:
    """``number`` counts from 1 without gaps; ``data`` is plain JSON."""

    number: int
    data: dict[str, Any]


class _Entry(NamedTuple):
    log: str
    event: str  # JSON
    is_last: bool = False


class EventLogs:
    """All logs, by a name of `core.redis_names`."""

    def __init__(self, redis: Redis) -> None:
        self._redis = redis
        self._append = redis.register_script(_APPEND)
        self._append_after = redis.register_script(_APPEND_AFTER)
        self._batches: Batcher[_Entry, int] = Batcher(
            self._append_all, owner_of=lambda entry: redis_names.owner_of_log(entry.log)
        )

    async def append(self, log: str, data: dict[str, Any], *, is_last: bool = False) -> int:
        """Write an event and return its number; 0, and nothing written, where the log has ended.

        After an event that ``is_last`` the log has: whoever works on for a moment, since he does
        not know yet that it is over, says nothing more.
        """
        return await self._batches.ask(_Entry(log, json.dumps(data), is_last))

    def put(self, log: str, data: dict[str, Any]) -> asyncio.Future[int]:
        """Write an event after those this process put before it; its number comes later."""
        return self._batches.put(_Entry(log, json.dumps(data)))

    async def append_after(self, log: str, number: int, data: dict[str, Any]) -> bool:
        """Write an event if the log ends at ``number``; false, and nothing written, if it does not.

        So several readers may complete a log whose writer died, and it is done once.
        """
        args: list[str | int] = [KEEP_SECONDS, 1, 0, json.dumps(data), number]
        return bool(await self._append_after(keys=_keys(log), args=args))

    async def _append_all(self, entries: Sequence[_Entry]) -> list[int]:
        by_log: dict[str, list[_Entry]] = {}
        for entry in entries:
            told = by_log.setdefault(entry.log, [])
            if not (told and told[-1].is_last):
                told.append(entry)
        args: list[str | int] = [KEEP_SECONDS]
        for told in by_log.values():
            args += [len(told), int(told[-1].is_last), *(entry.event for entry in told)]
        lasts = await self._append(keys=[key for log in by_log for key in _keys(log)], args=args)
        numbers = {
            log: iter(range(last - len(told) + 1, last + 1) if last else ())
            for (log, told), last in zip(by_log.items(), lasts, strict=True)
        }
        return [next(numbers[entry.log], 0) for entry in entries]

    async def read(self, log: str, after: int, wait_seconds: float = 0) -> list[Event]:
        """Return the events after a number; wait for the first one as long as is said."""
        block = int(wait_seconds * 1000) or None
        answer = await self._redis.xread(
            {redis_names.event_stream(log): f"{after}-0"}, count=500, block=block
        )
        if not answer:
            return []
        streams = answer.items() if isinstance(answer, dict) else answer
        return [_event(*entry) for _, entries in streams for entry in _flat(entries)]

    async def at(self, log: str, number: int) -> Event | None:
        """Return the event of a number, None if the log has none."""
        found = await self.read(log, number - 1) if number > 0 else []
        return found[0] if found and found[0].number == number else None

    async def follow(
        self, log: str, after: int = 0, keepalive_seconds: float = 10
    ) -> AsyncIterator[Event | None]:
        """Yield events as they come; ``None`` where nothing came for the keep-alive time."""
        while True:
            events = await self.read(log, after, wait_seconds=keepalive_seconds)
            if not events:
                yield None
            for event in events:
                after = event.number
                yield event

    async def keep(self, log: str, seconds: int) -> None:
        """Keep a log for longer than a day; its next event makes it a day again."""
        async with self._redis.pipeline(transaction=False) as pipe:
            for key in _keys(log):
                pipe.expire(key, seconds)
            await pipe.execute()

    async def exists(self, log: str) -> bool:
        return bool(await self._redis.exists(redis_names.event_stream(log)))


def _keys(log: str) -> list[str]:
    return [redis_names.event_stream(log), redis_names.event_counter(log)]


def _flat(entries: list[Any]) -> list[Any]:
    # redis-py's RESP3 parser nests the entries of a stream one level deeper than RESP2's.
    return entries[0] if entries and isinstance(entries[0], list) else entries


def _event(entry_id: bytes, fields: dict[bytes, bytes]) -> Event:
    return Event(int(entry_id.split(b"-")[0]), json.loads(fields[b"e"]))
