"""The workspace of a request that names none: that of the first row which it names by its id."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from typing import Any, Final

from api.access import Identity
from core.services import Services
from core.store.workspace_locator import RowId, Table

_FIELDS: Final[dict[str, Table]] = {
    "agentId": "agents",
    "artifact": "artifacts",
    "baseId": "knowledge_bases",
    "chatId": "chats",
    "checkpointId": "checkpoints",
    "executionId": "executions",
    "fileId": "files",
    "fileIds": "files",
    "keyId": "api_keys",
    "knowledgeBaseIds": "knowledge_bases",
    "messageId": "messages",
    "sessionId": "voice_sessions",
    "sourceId": "tool_sources",
    "voiceSessionId": "voice_sessions",
    "workflowId": "workflows",
}
_CONTEXTS: Final[dict[object, Table]] = {
    "execution": "executions",
    "file": "files",
    "knowledge": "knowledge_bases",
    "workflow": "workflows",
}
_ID: Final = re.compile(r"[A-Za-z0-9_.:-]{1,100}")
_MAX_IDS: Final = 10  # one of them mostly says it; a request is about one workspace


async def locate_workspace(
    services: Services,
    identity: Identity,
    fields: Sequence[Mapping[str, Any]],
    preferred: str | None,
) -> str | None:
    """Return the caller's workspace in which the first row is that the fields name.

    None where they name no row of any of the caller's workspaces, and for API keys, which have
    one workspace only.
    """
    if identity.workspace_id is not None:
        return None
    found = (row for part in fields for row in _rows(part))
    rows = list(islice(dict.fromkeys(found), _MAX_IDS))
    if not rows:
        return None
    async with services.store.system() as system:
        return await system.workspace_locator.find(identity.user_id, rows, preferred)


def _rows(fields: Mapping[str, Any]) -> Iterator[RowId]:
    for name, value in fields.items():
        table = _FIELDS.get(name)
        for item in value if isinstance(value, list) else [value]:
            if table is not None and isinstance(item, str) and _ID.fullmatch(item):
                yield RowId(table, item)
            elif isinstance(item, Mapping) and isinstance(value, list):
                yield from _rows_of_item(item)


def _rows_of_item(item: Mapping[str, Any]) -> Iterator[RowId]:
    """Yield the rows that an object of a list names: a context, an attachment, a decision."""
    context = _CONTEXTS.get(item.get("kind")) if isinstance(item.get("kind"), str) else None
    for name, value in item.items():
        table = context if name == "id" else _FIELDS.get(name)
        if table is not None and isinstance(value, str) and _ID.fullmatch(value):
            yield RowId(table, value)
