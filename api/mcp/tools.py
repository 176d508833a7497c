"""What programs may call: search, ask, run a workflow, and find what there is to name."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import partial
from types import MappingProxyType
from typing import Annotated, Any, Final, Literal, TypeVar

from pydantic import Field, JsonValue

from api.call import Call
from copilot.bases import bases_of
from copilot.begin import Ask, begin
from copilot.events import follow
from copilot.turn import launch
from core.errors import NotFound, UpstreamError
from core.rights import Role
from core.store.messages import Message
from core.store.pages import PageRequest
from pipelines import background
from pipelines.run import RunRequest
from pipelines.search import SearchQuery, search
from pipelines.tools.base import Params, Typed

Output = dict[str, JsonValue]
P = TypeVar("P", bound=Params)

_PAGE: Final = 200
_LONGEST_RUN: Final = 300.0  # seconds


@dataclass(frozen=True)
class McpTool(Typed[P]):
    """A tool: ``domain`` and ``role`` are the right its caller needs, as a route's."""

    name: str
    run: Callable[[Call, P], Awaitable[Output]]
    domain: str
    role: Role = Role.READ
    read_only: bool = True


class Nothing(Params):
    """No parameters."""


Bases = Annotated[
    list[str],
    Field(max_length=50, description="Ids of list_knowledge_bases; none: all of them."),
]


class Search(Params):
    query: Annotated[str, Field(min_length=1, max_length=20_000)]
    knowledge_base_ids: Bases = Field(default=[])
    top_k: Annotated[int, Field(ge=1, le=50)] = 10
    mode: Literal["hybrid", "vector", "keyword"] = "hybrid"


class Question(Params):
    question: Annotated[str, Field(min_length=1, max_length=20_000)]
    knowledge_base_ids: Bases = Field(default=[])
    chat_id: Annotated[
        str | None, Field(description="Of an answer before, to go on from there.")
    ] = None


class Run(Params):
    workflow_id: Annotated[str, Field(min_length=1, description="An id of list_workflows.")]
    input: Annotated[JsonValue, Field(description="What the workflow's start is given.")] = None
    timeout_seconds: Annotated[float, Field(gt=0, le=_LONGEST_RUN)] = 120.0


async def list_knowledge_bases(call: Call, params: Nothing) -> Output:  # noqa: ARG001
    """List the workspace's knowledge bases, the newest 200."""
    async with call.services.store.unit(call.workspace_id) as unit:
        rows = (await unit.bases.page(PageRequest(_PAGE))).rows
    found: list[JsonValue] = [
        {
            "id": row.id,
            "name": row.name,
            "description": row.description,
            "documentCount": row.document_count,
        }
        for row in rows
    ]
    return {"knowledgeBases": found}


async def search_bases(call: Call, params: Search) -> Output:
    """Search documents by meaning and by word; returns passages with where each stands."""
    async with call.services.store.unit(call.workspace_id) as unit:
        bases = await bases_of(unit, params.knowledge_base_ids)
    if not bases:
        return {"results": []}
    query = SearchQuery(text=params.query, top_k=params.top_k, mode=params.mode)
    ids = [base.id for base in bases]
    answer = await search(call.services.store, call.workspace_id, ids, query, bases)
    results: list[JsonValue] = [hit.to_json() for hit in answer.results]
    return {"results": results}


async def ask(call: Call, params: Question) -> Output:
    """Ask the copilot about the workspace; it answers from the documents, with checked citations.

    A citation's `n` is the mark `[n]` in the answer; its quote stands in the document it names.
    """
    asked = Ask(
        params.question,
        chat_id=params.chat_id,
        base_ids=params.knowledge_base_ids,
        rights=call.caller.rights,
    )
    services = call.services
    async with services.store.unit(call.workspace_id) as unit:
        turn = await begin(unit, services, call.user_id, asked)
        unit.after_commit(partial(launch, services, turn))
    reload = partial(_reload, call, turn.message.id)
    async for _ in follow(services.events, turn.message, reload, 0):
        pass
    return _answer(await reload())


async def list_workflows(call: Call, params: Nothing) -> Output:  # noqa: ARG001
    """List the deployed workflows, which run_workflow runs, among the newest 200."""
    async with call.services.store.unit(call.workspace_id) as unit:
        rows = (await unit.workflows.listed(PageRequest(_PAGE))).rows
    found: list[JsonValue] = [
        {name: row[name] for name in ("id", "name", "description")}
        for row in rows
        if row["is_deployed"]
    ]
    return {"workflows": found}


async def run_workflow(call: Call, params: Run) -> Output:
    """Run a deployed workflow and wait for its end; one that waits for a person comes back paused.

    Who breaks off the call stops the run.
    """
    request = RunRequest(
        trigger="api",
        input=params.input,
        created_by=call.user_id,
        slots=call.seat.workspace.allowed.concurrent_executions,
        slot_account=call.seat.workspace.slot_account,
        timeout_seconds=params.timeout_seconds,
    )
    ended = await background.run_through(
        call.services, call.workspace_id, params.workflow_id, request
    )
    return {
        "executionId": ended.id,
        "status": ended.status,
        "output": ended.output,
        "error": ended.error,
    }


async def _reload(call: Call, message_id: str) -> Message | None:
    async with call.services.store.unit(call.workspace_id) as unit:
        return await unit.messages.get(message_id, call.user_id)


def _answer(message: Message | None) -> Output:
    if message is None:
        raise NotFound("The chat was deleted while it answered; ask again without chatId.")
    if message.error:
        raise UpstreamError(message.error["message"], {"reason": message.error["code"]})
    citations: list[JsonValue] = [*message.citations]
    return {
        "answer": message.content,
        "citations": citations,
        "chatId": message.chat_id,
        "messageId": message.id,
    }


_TOOLS: Final[tuple[McpTool[Any], ...]] = (
    McpTool("list_knowledge_bases", list_knowledge_bases, "knowledge"),
    McpTool("search", search_bases, "knowledge"),
    McpTool("ask", ask, "copilot"),
    McpTool("list_workflows", list_workflows, "workflows"),
    McpTool("run_workflow", run_workflow, "workflows", Role.WRITE, read_only=False),
)
TOOLS: Final = MappingProxyType({tool.name: tool for tool in _TOOLS})
