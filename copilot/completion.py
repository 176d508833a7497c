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
from core.models.messages import Message, ToolSpec
from core.store.hits import SearchedBase
from core.store.unit import Store
from pipelines.agent import AgentEvent, Links, Task, run_agent
from pipelines.passages import INSTRUCTIONS, Passages, question_with
from pipelines.retrieval import retrieve


@dataclass(frozen=True)
class Conversation:
    """Messages in OpenAI's form, at least one of them a user's.

    ``base_ids`` are searched for what the last of those asks; None means every base of the
    workspace, none of them that nothing is searched. With ``own_url``, the service's, links in an
    answer from documents are guarded. ``tools`` are the caller's to execute. ``parameters`` are
    further ones of OpenAI's API that the model supports.
    """

    messages: Sequence[Message]
    model: str
    base_ids: Sequence[str] | None = None
    temperature: float | None = None
    max_tokens: int | None = None
    response_format: dict[str, JsonValue] | None = field(default=None)
    own_url: str | None = None
    tools: Sequence[ToolSpec] = ()
    parameters: Mapping[str, JsonValue] = field(default_factory=dict)


async def searched(store: Store, workspace_id: str, conversation: Conversation) -> Task:
    """Return what a model is to do, with the passages that were found for the last question.

    Raises ``NotFound`` for a base that is not in the workspace.
    """
    messages = list(conversation.messages)
    position = max(n for n, message in enumerate(messages) if message["role"] == "user")
    question = message_text(messages[position])
    earlier = [{**each, "content": message_text(each)} for each in messages[:position]]
    passages = Passages()
    bases: list[SearchedBase] = []
    if conversation.base_ids is None or conversation.base_ids:
        async with store.unit(workspace_id) as unit:
            bases = await bases_of(unit, conversation.base_ids or ())
    words, own_url = search_words(question, earlier), conversation.own_url
    base_ids = [base.id for base in bases]
    found = await retrieve(store, workspace_id, base_ids, words, passages, bases)
    if bases:
        messages[position] = _with_text(messages[position], question_with(found, question))
        messages.insert(0, {"role": "system", "content": INSTRUCTIONS})
    return Task(
        messages,
        passages,
        model=conversation.model,
        temperature=conversation.temperature,
        max_tokens=conversation.max_tokens,
        response_format=conversation.response_format,
        cites=bool(bases),
        links=Links(own_url, frozenset()) if bases and own_url else None,
        client_tools=conversation.tools,
        parameters=conversation.parameters,
    )


def message_text(message: Message) -> str:
    """Return the text of a message whose content may be in parts."""
    content = message.get("content")
    if not isinstance(content, list):
        return str(content or "")
    parts = [part for part in content if isinstance(part, dict)]
    return "\n".join(str(part["text"]) for part in parts if part.get("type") == "text")


def _with_text(message: Message, text: str) -> Message:
    """Return a message with another text and the images that it has."""
    content = message.get("content")
    if not isinstance(content, list):
        return {**message, "content": text}
    images = [part for part in content if isinstance(part, dict) and part.get("type") != "text"]
    return {**message, "content": [{"type": "text", "text": text}, *images]}


def hiding(task: Task, secrets: Mapping[str, str]) -> Task:
    """Return a task that neither tells its model the workspace's secrets, nor quotes them."""
    return replace(task, messages=hidden(list(task.messages), secrets), secrets=secrets)


async def answer(task: Task) -> AsyncGenerator[AgentEvent, None]:
    """Yield the answer as it comes, each citation before its mark; ``Done`` is the last event."""
    async with aclosing(run_agent(task, chat.stream)) as events:
        async for event in events:
            yield event
