"""In which of a user's workspaces a row is: for callers who name an id and no workspace."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Final, Literal, NamedTuple

from core.store.base import Repository
from core.store.driver import look

Table = Literal[
    "agents",
    "api_keys",
    "artifacts",
    "chats",
    "checkpoints",
    "executions",
    "files",
    "knowledge_bases",
    "messages",
    "tool_sources",
    "voice_sessions",
    "workflows",
]


class RowId(NamedTuple):
    table: Table
    id: str


_PLACE: Final = "SELECT {at} AS at, workspace_id FROM {table} WHERE id = ${number}"


class WorkspaceLocator(Repository):
    async def find(self, user_id: str, rows: Sequence[RowId], preferred: str | None) -> str | None:
        """Return the workspace of the first of the rows that is in one of the user's workspaces.

        Ids of runs are unique in their workspace only: of several the preferred one counts.
        """
        tables = tuple(row.table for row in rows)
        values = [row.id for row in rows]
        found = await look(self._session, _statement(tables), user_id, preferred, *values)
        return str(found[0][0]) if found else None


@lru_cache
def _statement(tables: tuple[Table, ...]) -> str:
    places = " UNION ALL ".join(
        _PLACE.format(at=at, table=table, number=at + 3) for at, table in enumerate(tables)
    )
    return f"""
        SELECT found.workspace_id
        FROM ({places}) AS found JOIN members m ON m.workspace_id = found.workspace_id
        WHERE m.user_id = $1
        ORDER BY found.at, coalesce(found.workspace_id = $2::text, false) DESC,
            found.workspace_id
        LIMIT 1
    """  # noqa: S608 - tables of our own
