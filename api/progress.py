"""The progress of a job as events: what its row says, sent when that changed, to its end.

The row itself is looked at, not a log: whatever became of the worker, the stream tells what holds.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any, Final

from api.wire import Wire
from core.events import Event
from core.store.jobs import TERMINAL

_LOOK_SECONDS: Final = 1.0
_KEEPALIVE_SECONDS: Final = 10.0


async def follow(
    look: Callable[[], Awaitable[Wire | None]], kind: str, after: int = 0
) -> AsyncIterator[Event | None]:
    """Yield the job's answer as it is now and whenever it changes, ``None`` to keep alive.

    An event is ``{type, data}``; ``type`` is ``<kind>:progress`` and, the last one,
    ``<kind>:completed``, ``failed``, ``cancelled`` or ``deleted``. ``look`` reads the row, in a
    unit of its own, and gives ``None`` when it is gone. Who comes back after event ``after`` gets
    what holds now under the numbers that follow.
    """
    number, sent, at = after, None, time.monotonic()
    while True:
        answer = await look()
        event = _event(kind, answer)
        if event != sent:
            number, sent, at = number + 1, event, time.monotonic()
            yield Event(number, event)
            if event["type"] != f"{kind}:progress":
                return
        elif time.monotonic() - at > _KEEPALIVE_SECONDS:
            at = time.monotonic()
            yield None
        await asyncio.sleep(_LOOK_SECONDS)


def _event(kind: str, answer: Wire | None) -> dict[str, Any]:
    if answer is None:
        return {"type": f"{kind}:deleted", "data": None}
    data = answer.model_dump(mode="json", by_alias=True)
    status = data["status"] if data["status"] in TERMINAL else "progress"
    return {"type": f"{kind}:{status}", "data": data}
