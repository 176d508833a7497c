"""A whole conversation in, one answer out: for programs that keep the conversation themselves."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field, replace

from pydantic import JsonValue

from copilot.bases import bases_of
from copilot.masking import hidden
from copilot.memory import search_words
from core.models import chat
from core.models.messages import Message
from core.models.room import room_of
from core.store.hits import SearchedBase
from core.store.unit import Store
from pipelines.agent import AgentEvent, Links, Task, run_agent
from pipelines.passages import Passages, instructions, question_with
from pipelines.retrieval import retrieve


@dataclass(frozen=True)
class Conversation:
    """Messages in OpenAI's form, the last one a user's.

    ``base_ids`` are searched for what that one asks; None means every base of the workspace,
    none of them that nothing is searched. With ``own_url``, the service's, links in an
    answer from documents are guarded.
    """

    messages: Sequence[Message]
    model: str
    base_ids: Sequence[str] | None = None
    temperature: float | None = None
    max_tokens: int | None = None
    response_format: dict[str, JsonValue] | None = field(default=None)
    own_url: str | None = None


async def searched(store: Store, workspace_id: str, conversation: Conversation) -> Task:
    """Return what a model is to do, with the passages that were found for the last question.

    Raises ``NotFound`` for a base that is not in the workspace.
    """
    *earlier, last = conversation.messages
    question = str(last["content"])
    passages = Passages(room_of(conversation.model))
    bases: list[SearchedBase] = []
    if conversation.base_ids is None or conversation.base_ids:
        async with store.unit(workspace_id) as unit:
            bases = await bases_of(unit, conversation.base_ids or ())
    words, own_url = search_words(question, earlier), conversation.own_url
    base_ids = [base.id for base in bases]
    found = await retrieve(store, workspace_id, base_ids, words, passages, bases)
    if bases:
        last = {**last, "content": question_with(found, question)}
        earlier = [{"role": "system", "content": instructions(passages.room)}, *earlier]
    return Task(
        [*earlier, last],
        passages,
        model=conversation.model,
        temperature=conversation.temperature,
        max_tokens=conversation.max_tokens,
        response_format=conversation.response_format,
        cites=bool(bases),
        asker=workspace_id,
        links=Links(own_url, frozenset()) if bases and own_url else None,
    )


def hiding(task: Task, secrets: Mapping[str, str]) -> Task:
    """Return a task that neither tells its model the workspace's secrets, nor quotes them."""
    return replace(task, messages=hidden(list(task.messages), secrets), secrets=secrets)


async def answer(task: Task) -> AsyncGenerator[AgentEvent, None]:
    """Yield the answer as it comes, each citation before its mark; ``Done`` is the last event."""
    async with aclosing(run_agent(task, chat.stream)) as events:
        async for event in events:
            yield event
