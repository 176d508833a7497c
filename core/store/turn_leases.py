"""Keeping the turns of a process: many write at once, each every second, in one statement."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Final

from core.batches import Batcher
from core.store.driver import Ask

_RENEW: Final = """
    UPDATE messages SET lease_until = now() + make_interval(secs => r.seconds), updated_at = now()
    FROM jsonb_to_recordset($1::jsonb) AS r (id text, owner text, seconds float)
    WHERE messages.id = r.id AND messages.lease_owner = r.owner AND messages.status = 'running'
    RETURNING messages.id, messages.cancel_requested
"""


class TurnLeases:
    """Make it inside the event loop that uses it; ``ask`` puts a statement to the database above
    workspaces, committed when it returns."""

    def __init__(self, ask: Ask) -> None:
        self._ask = ask
        self._batches: Batcher[dict[str, object], bool | None] = Batcher(self._renew_all, 500)

    async def renew(self, message_id: str, owner: str, seconds: float) -> bool | None:
        """Keep a running turn for its owner; return whether its end was asked for, None when it
        is the owner's no more."""
        return await self._batches.ask({"id": message_id, "owner": owner, "seconds": seconds})

    async def _renew_all(self, turns: Sequence[dict[str, object]]) -> list[bool | None]:
        rows = await self._ask(_RENEW, [json.dumps(list(turns))])
        kept = {row.id: bool(row.cancel_requested) for row in rows}
        return [kept.get(turn["id"]) for turn in turns]
