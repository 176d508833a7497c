"""Who of many is still signed in, and with which role where: asked for all open sockets at once."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Final

from core.store.base import Repository
from core.store.driver import fetch

_SESSIONS: Final = "SELECT id FROM sessions WHERE id = ANY($1::text[]) AND expires_at > now()"
_KEYS: Final = """
    SELECT id FROM api_keys
    WHERE id = ANY($1::text[]) AND (expires_at IS NULL OR expires_at > now())
"""
_GRANTS: Final = """
    SELECT g.id FROM program_grants g JOIN sessions s ON s.id = g.session_id
    WHERE g.id = ANY($1::text[]) AND s.expires_at > now()
"""
_ROLES: Final = "SELECT user_id, workspace_id, role FROM members WHERE user_id = ANY($1::text[])"


@dataclass(frozen=True)
class LiveRights:
    """``credentials``: ids of sessions, keys and grants; ``roles`` by user and workspace."""

    credentials: frozenset[str]
    roles: dict[tuple[str, str], str]


class LiveRightsLookup(Repository):
    async def of(self, credential_ids: Collection[str], user_ids: Collection[str]) -> LiveRights:
        """Return which of the sessions, keys and grants live, and the roles that the users have."""
        wanted = list(credential_ids)
        live = [
            row[0]
            for sql in (_SESSIONS, _KEYS, _GRANTS)
            for row in await fetch(self._session, sql, wanted)
        ]
        rows = await fetch(self._session, _ROLES, list(user_ids))
        return LiveRights(frozenset(live), {(row[0], row[1]): row[2] for row in rows})
