"""Searching the documents of the knowledge bases."""

from __future__ import annotations

from typing import Annotated, Final

from pydantic import Field, JsonValue

from copilot.desk import Desk
from copilot.tools.base import CopilotTool
from pipelines.passages import render
from pipelines.retrieval import retrieve
from pipelines.tools.base import Params


class Words(Params):
    query: Annotated[
        str,
        Field(
            min_length=1,
            max_length=2_000,
            description="What to look for, in a few words or a question.",
        ),
    ]


async def search_knowledge(desk: Desk, params: Words) -> JsonValue:
    """Search the documents of the knowledge bases. Returns numbered passages to cite."""
    store = desk.services.store
    found = await retrieve(store, desk.workspace_id, desk.base_ids, params.query, desk.passages)
    return render(found) if found else "Nothing was found. Try other words."


# Whoever may ask the copilot gets its answers from documents; this is the same.
SEARCH_KNOWLEDGE: Final = CopilotTool("search_knowledge", search_knowledge, "copilot")
TOOLS: Final = (SEARCH_KNOWLEDGE,)
