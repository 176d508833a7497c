"""Whether those who opened sockets may still send, and with which seat: asked with every event.

Events that come while the database is asked are answered together by its next answer. Nothing is
remembered: a session that has ended or a role that was taken away counts with the next event.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

from core.batches import Batcher
from core.store.driver import Ask
from core.store.workspaces import Seat, seat_of, seat_query


class Asked(NamedTuple):
    """``credential_id``: of a session, key or grant; no workspace means the user's default."""

    credential_id: str
    user_id: str
    workspace_id: str | None


@dataclass(frozen=True)
class LiveCaller:
    """Somebody whose session or key lives; ``seat`` is empty for who is not in the workspace."""

    seat: Seat | None


_FIND: Final = f"""
    SELECT asked.at, seat.*
    FROM unnest($1::text[], $2::text[], $3::text[])
        WITH ORDINALITY AS asked (credential_id, user_id, workspace_id, at)
    LEFT JOIN LATERAL ({seat_query("asked.user_id", "asked.workspace_id")}) AS seat ON true
    WHERE EXISTS (SELECT FROM sessions s WHERE s.id = asked.credential_id AND s.expires_at > now())
        OR EXISTS (
            SELECT FROM program_grants g JOIN sessions s ON s.id = g.session_id
            WHERE g.id = asked.credential_id AND s.expires_at > now()
        )
        OR EXISTS (
            SELECT FROM api_keys k WHERE k.id = asked.credential_id
                AND (k.expires_at IS NULL OR k.expires_at > now())
        )
"""  # noqa: S608 - expressions of our own


class LiveCallers:
    """Finds them for all events of a moment; ``ask`` asks the database above workspaces."""

    def __init__(self, ask: Ask) -> None:
        self._ask = ask
        self._batches: Batcher[Asked, LiveCaller | None] = Batcher(self._find_all)

    async def find(self, asked: Asked) -> LiveCaller | None:
        """Return a caller; ``None`` once the session or key has ended."""
        return await self._batches.ask(asked)

    async def _find_all(self, asked: Sequence[Asked]) -> list[LiveCaller | None]:
        distinct = list(dict.fromkeys(asked))
        rows = await self._ask(_FIND, [list(column) for column in zip(*distinct, strict=True)])
        found = {distinct[at - 1]: LiveCaller(_seat(role, facts)) for at, role, *facts in rows}
        return [found.get(each) for each in asked]


def _seat(role: str | None, facts: Sequence[object]) -> Seat | None:
    return None if role is None else seat_of(role, facts)
