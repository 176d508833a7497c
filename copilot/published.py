"""A turn that a published workflow answers: a run of what is deployed, in the chat's name.

The run is given what was said before, so that the chat has a memory. What its last agent writes is
said as it is written, anything else when the run has ended.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, Final

from pydantic import JsonValue

from copilot.masking import secrets_of
from copilot.memory import MOST_MESSAGES, recall
from copilot.remembering import said
from copilot.report import Report
from copilot.spoken import Spoken, texts_of
from copilot.wording import text_of
from core.errors import Conflict, Forbidden, NotFound, UpstreamError, ValidationFailed
from core.ids import new_id
from core.models.messages import Message as ModelMessage
from core.models.messages import TextDelta
from core.services import Services
from core.store.executions import Execution
from core.store.messages import Message
from core.store.unit import Unit
from pipelines import background, run
from pipelines.live import follow, load_output
from pipelines.masking import mask
from pipelines.prepared import prepare
from pipelines.run import RunRequest
from pipelines.workflow import Block

RUN_SECONDS: Final = 300.0


async def require_published(unit: Unit, workflow_id: str, *, is_plain: bool) -> int:
    """Return how many messages a workflow's chat remembers.

    Raises ``NotFound``, ``Conflict`` where it is not published or not deployed any more, and
    ``ValidationFailed`` for a question that names a model or bases (not ``is_plain``): the
    workflow has its own.
    """
    deployed = await unit.workflows.deployed(workflow_id)
    if deployed is None:
        raise NotFound("There is no such workflow; list those you have.")
    published = await unit.published_chats.get(workflow_id)
    if published is None or deployed.number is None:
        raise Conflict(
            f'The workflow "{deployed.name}" is not published as a chat: deploy it, then PUT '
            f"/api/workflows/{workflow_id}/chat."
        )
    if not is_plain:
        raise ValidationFailed("A workflow has its own model and bases; leave both away.")
    return published.memory_messages


async def answer(services: Services, message: Message, question: str, report: Report) -> None:
    """Have the workflow answer a turn's question, and tell the answer to the turn's log.

    Raises ``RateLimited`` where the workspace has no slot for a run, and ``UpstreamError`` with
    the run's own sentence where it does not end well. A turn that is broken off ends its run.
    """
    request, owner = message.request or {}, new_id("chat")
    history = await _history(services, message, request["memoryMessages"])
    given: dict[str, JsonValue] = {
        "message": question,
        "chatId": message.chat_id,
        "history": [{"role": each["role"], "content": str(each["content"])} for each in history],
    }
    secrets = await secrets_of(services, message.workspace_id)
    row = await _started(services, message, given, owner)
    task = background.launch(services, row, owner)
    ended: Execution | None = None
    asked = [question, *(str(each["content"]) for each in history if each["role"] == "user")]
    spoken = Spoken(services.settings.base_url, secrets, [*asked, *texts_of(row.definition)])
    speaking = _Speaking(report, _speakers(row), spoken, secrets)
    try:
        async for event in follow(services.events, services.store.unit, row, 0):
            if event is not None:
                data = event.data["data"]
                if event.data["type"] == "block:completed":
                    data = {**data, "output": await load_output(services, row, data)}
                await speaking.hear(event.data["type"], data)
        ended = await background.ended(services, row, task)
    finally:
        if ended is None:
            await end_run(services, message)
    await speaking.conclude(ended, await _said(services, ended))


async def end_run(services: Services, message: Message) -> None:
    """End the run of a turn that was broken off, where it has one that goes on: nobody hears it,
    and whoever asks again begins another."""
    async with services.store.unit(message.workspace_id) as unit:
        with suppress(NotFound):
            await run.cancel(unit, services, _run_id(message))


def _run_id(message: Message) -> str:
    return f"exec_{message.id}"


async def _started(
    services: Services, message: Message, given: dict[str, JsonValue], owner: str
) -> Execution:
    request = message.request or {}
    async with services.store.system() as system:
        seat = await system.workspaces.seat(request["userId"], message.workspace_id)
    if seat is None:
        raise Forbidden("Who asks has left the workspace.")
    wanted = RunRequest(
        trigger="chat",
        input=given,
        execution_id=_run_id(message),
        created_by=request["userId"],
        slots=seat.workspace.allowed.concurrent_executions,
        slot_account=seat.workspace.slot_account,
        timeout_seconds=RUN_SECONDS,
        runner=owner,
        light_only=True,
    )
    async with services.store.unit(message.workspace_id) as unit:
        return await run.start(unit, services, request["workflowId"], wanted)


async def _history(services: Services, message: Message, most: int) -> Sequence[ModelMessage]:
    """Return what was said before, oldest first."""
    if not most:
        return []
    async with services.store.unit(message.workspace_id) as unit:
        newest_first = await unit.messages.before(message, min(most, MOST_MESSAGES) + 1)
    return recall(said(list(newest_first[1:])))


async def _said(services: Services, ended: Execution) -> str:
    """Return what the workflow says at its end, or what it asks where it waits for a person."""
    if ended.status == "paused":
        async with services.store.unit(ended.workspace_id) as unit:
            pauses = await unit.pauses.open_under(ended.id)
        asked = [text for pause in pauses if (text := pause.shown.get("message"))]
        return "\n".join(map(str, asked)) or "The workflow waits; it goes on by itself."
    if ended.status != "completed":
        error = ended.error or {}
        raise UpstreamError(str(error.get("message") or "The workflow was stopped; ask again."))
    return text_of(ended.output)


def _speakers(row: Execution) -> frozenset[str]:
    """Ids of the agents whose words are the answer while they are written.

    They come last, are tried once, and cite nothing: a citation is told before its mark, and is
    known at the end only.
    """
    graph = prepare(row.workflow_id, row.version, row.definition).graph
    if any(block.type == "response" for block in graph.blocks.values()):
        return frozenset()
    return frozenset(
        block.id
        for block in graph.blocks.values()
        if block.type == "agent" and not graph.out[block.id] and _speaks_plainly(block)
    )


def _speaks_plainly(block: Block) -> bool:
    values = block.values()
    is_tried_once = block.retry is None or block.retry.max_tries == 1
    return is_tried_once and not values.get("knowledgeBaseIds") and not values.get("responseFormat")


@dataclass
class _Speaking:
    """Says what the run says; of several agents the first to speak has the word."""

    report: Report
    speakers: frozenset[str]
    spoken: Spoken
    secrets: Mapping[str, str]
    speaker: str | None = None
    told: str = ""  # by the workflow, as it wrote it
    cited: dict[str, list[dict[str, Any]]] = field(default_factory=dict)  # by an agent's content

    async def hear(self, kind: str, data: Mapping[str, Any]) -> None:
        if kind == "stream:chunk" and data["blockId"] in self.speakers:
            self.speaker = self.speaker or data["blockId"]
            if self.speaker == data["blockId"]:
                await self._say(data["chunk"])
        elif kind == "block:completed":
            output = data["output"]
            self.spoken.see(data["blockType"], output)
            if data["blockType"] == "agent":
                self.cited[output["content"]] = output["citations"]

    async def conclude(self, ended: Execution, text: str) -> None:
        """Say what is left of the answer, after the citations of the agent that wrote it."""
        for payload in self.cited.get(text, ()):
            await self.report.cite({**payload, "quote": mask(payload["quote"], self.secrets)})
        if text.startswith(self.told):
            await self._say(text[len(self.told) :])
        else:
            await self._say(f"\n\n{text}")
        await self._let_out(self.spoken.finish())
        usage = ended.usage or {}
        await self.report.log.flush()
        self.report.close(None, usage.get("input", 0), usage.get("output", 0), ended.cost)

    async def _say(self, text: str) -> None:
        self.told += text
        await self._let_out(self.spoken.feed(text))

    async def _let_out(self, text: str) -> None:
        if text:
            await self.report.take(TextDelta(text))
