"""Whose an API key is and what they may in its workspace: asked by every request of a program.

Requests that come while the database is asked are answered together by its next answer. Nothing is
remembered: a key that was revoked before a request came lets none in.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from asyncpg import Record

from core.batches import Batcher
from core.store.api_keys import ApiKey
from core.store.driver import Ask
from core.store.workspaces import SEAT_FACTS, Seat, seat_of

_KEY_FACTS: Final = tuple(column.key for column in ApiKey.__table__.columns)
FIND: Final = f"""
    SELECT {", ".join(f"k.{name}" for name in _KEY_FACTS)},
        m.role, {", ".join(f"w.{name}" for name in SEAT_FACTS)}
    FROM api_keys k
    LEFT JOIN members m ON m.user_id = k.user_id AND m.workspace_id = k.workspace_id
    LEFT JOIN workspaces w ON w.id = m.workspace_id
    WHERE k.key_hash = ANY($1::text[]) AND (k.expires_at IS NULL OR k.expires_at > now())
"""  # noqa: S608 - the names of our own columns


@dataclass(frozen=True)
class KeyHolder:
    """A live key, to be read only; ``seat`` is empty when its owner has left the workspace."""

    key: ApiKey
    seat: Seat | None


class KeyHolders:
    """Finds them by the hashes of keys; ``ask`` asks the database above workspaces."""

    def __init__(self, ask: Ask) -> None:
        self._ask = ask
        self._batches: Batcher[str, KeyHolder | None] = Batcher(self._find_all)

    async def find(self, key_hash: str) -> KeyHolder | None:
        """Return who holds the live key of a hash; never of an expired one."""
        return await self._batches.ask(key_hash)

    async def _find_all(self, hashes: Sequence[str]) -> list[KeyHolder | None]:
        rows = await self._ask(FIND, [list(set(hashes))])
        found = {row["key_hash"]: _holder(row) for row in rows}
        return [found.get(key_hash) for key_hash in hashes]


def _holder(row: Record) -> KeyHolder:
    values = list(row)
    at = len(_KEY_FACTS)
    key = ApiKey(**dict(zip(_KEY_FACTS, values[:at], strict=True)))
    role, *facts = values[at:]
    return KeyHolder(key, seat_of(role, facts) if role is not None else None)
