"""Who answers what was said: the copilot, or a workflow."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from functools import partial
from typing import Final

from copilot.begin import Ask, Turn, begin
from copilot.events import follow
from copilot.masking import secrets_of
from copilot.spoken import Spoken, texts_of
from copilot.turn import launch
from copilot.wording import text_of
from core.errors import Conflict, Forbidden, UpstreamError
from core.ids import new_id
from core.services import Services
from core.store.messages import TERMINAL, Message
from core.store.voice_sessions import VoiceSession
from pipelines import background, run
from pipelines.run import RunRequest

_RUN_SECONDS: Final = 60.0
_BUSY_SECONDS: Final = 5.0  # how long an answer that was broken off may take to end
_BUSY_STEP: Final = 0.1


class Answering:
    """The answers of one session, one after the other, in the name of whose it is."""

    def __init__(self, services: Services, session: VoiceSession) -> None:
        self._services, self._session = services, session
        self._chat_id = session.chat_id

    def answer(self, text: str) -> AsyncGenerator[str, None]:
        """Yield the answer as it is written; closing the iterator breaks it off."""
        return self._by_workflow(text) if self._session.workflow_id else self._by_copilot(text)

    async def _by_copilot(self, text: str) -> AsyncGenerator[str, None]:
        turn = await self._begin(text)
        is_over = False
        try:
            reload = partial(self._reload, turn.message.id)
            async for event in follow(self._services.events, turn.message, reload, 0):
                kind = None if event is None else event.data["type"]
                if event is not None and kind == "text":
                    yield event.data["payload"]["delta"]
                elif event is not None and kind == "error":
                    raise UpstreamError(event.data["payload"]["message"])
            is_over = True
        finally:
            if not is_over:
                await self._break_off(turn.message)

    async def _begin(self, text: str) -> Turn:
        """Begin a turn, once the one before it, which was interrupted, has ended."""
        loop = asyncio.get_running_loop()
        deadline = loop.time() + _BUSY_SECONDS
        while True:
            try:
                return await self._try_to_begin(text)
            except Conflict:
                if loop.time() >= deadline:
                    raise
            await asyncio.sleep(_BUSY_STEP)

    async def _try_to_begin(self, text: str) -> Turn:
        session, settings = self._session, self._session.settings
        ask = Ask(
            text,
            chat_id=self._chat_id,
            mode=session.mode,
            base_ids=settings["base_ids"],
            model=settings["model"],
            instructions=settings["system_prompt"],
        )
        async with self._services.store.unit(session.workspace_id) as unit:
            turn = await begin(unit, self._services, session.user_id, ask)
            if self._chat_id is None:
                await unit.voice_sessions.set_chat(session.id, turn.message.chat_id)
            unit.after_commit(partial(launch, self._services, turn))
        self._chat_id = turn.message.chat_id
        return turn

    async def _break_off(self, message: Message) -> None:
        async with self._services.store.unit(self._session.workspace_id) as unit:
            await unit.messages.request_cancel(message)

    async def _reload(self, message_id: str) -> Message | None:
        async with self._services.store.unit(self._session.workspace_id) as unit:
            return await unit.messages.get(message_id, self._session.user_id)

    async def _by_workflow(self, text: str) -> AsyncGenerator[str, None]:
        services, session, owner = self._services, self._session, new_id("voice")
        async with services.store.system() as system:
            seat = await system.workspaces.seat(session.user_id, session.workspace_id)
        if seat is None:
            raise Forbidden("Who began this session has left the workspace.")
        request = RunRequest(
            trigger="voice",
            input={"message": text, "sessionId": session.id},
            created_by=session.user_id,
            slots=seat.workspace.allowed.concurrent_executions,
            slot_account=seat.workspace.slot_account,
            timeout_seconds=_RUN_SECONDS,
            runner=owner,
            light_only=True,
        )
        async with services.store.unit(session.workspace_id) as unit:
            row = await run.start(unit, services, session.workflow_id or "", request)
        task = background.launch(services, row, owner)
        ended = None
        try:
            ended = await background.ended(services, row, task)
        finally:
            if ended is None or ended.status not in TERMINAL:
                async with services.store.unit(session.workspace_id) as unit:
                    await run.cancel(unit, services, row.id)
        if ended.status != "completed":
            raise UpstreamError((ended.error or {}).get("message", "The workflow did not finish."))
        secrets = await secrets_of(services, session.workspace_id)
        spoken = Spoken(services.settings.base_url, secrets, [text, *texts_of(row.definition)])
        yield spoken.feed(text_of(ended.output)) + spoken.finish()
